"""What the SIP stack is told of its house: by the settings, and by the parts that it asks."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from confserver.app.accounts import Accounts
from confserver.app.routes import Routes
from confserver.app.surroundings import Surroundings
from confserver.app.watch import Watch
from confserver.config import Settings
from confserver.focus.requests import ALLOW, EVENTS, FEATURES
from confserver.routing.registrar import OPTION_TAGS
from confserver.sip.flow import Address, Flow
from confserver.sip.stack import StackSettings


def stack_settings(
    settings: Settings,
    surroundings: Surroundings,
    watch: Watch,
    accounts: Accounts,
    routes: Routes,
    contact: Callable[[Flow], Address],
    vouches: Callable[[Flow, str], bool],
) -> StackSettings:
    """``contact``: what Contact and Via say to the peer of a flow; ``vouches``: whether a flow shows whose it is."""
    return StackSettings(
        user_agent=f"confserver/{version('confserver')}",
        advertised=contact,
        unwelcome=surroundings.unwelcome,
        sentry=watch.barrier,
        tap=watch.trace,
        doorkeeper=accounts.authentication,
        allow=(*ALLOW, "REGISTER"),
        events=EVENTS,
        features=FEATURES,
        register_tags=OPTION_TAGS,
        has_tcp="tcp" in settings.sip.transports,
        keeps_alive=True,
        vouches=vouches,
        planner=routes.plan,
        realm=settings.users.realm,
        follows_redirects=settings.users.follow_redirects,
        believes=lambda flow: surroundings.guard.is_believed(flow.remote[0]),
        is_ours=routes.names_us,
        session_expires_s=settings.sip.session_expires_s,
        min_se_s=settings.sip.min_se_s,
        needed_tags=settings.sip.required_extensions,
    )
