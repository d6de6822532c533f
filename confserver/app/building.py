"""What the pure layers are built with: the stack's settings, the scene and the focus, from the server's settings."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib.metadata import version

from confserver.app.accounts import Accounts
from confserver.app.routes import Routes
from confserver.app.surroundings import Surroundings
from confserver.app.watch import Watch
from confserver.config import Settings
from confserver.focus.dialout import DialTerms
from confserver.focus.focus import Focus
from confserver.focus.requests import ALLOW, EVENTS, FEATURES
from confserver.focus.scene import Scene
from confserver.routing.registrar import OPTION_TAGS
from confserver.sip.flow import Address, Flow
from confserver.sip.stack import StackSettings
from rooms.manager import Rooms


def stack_settings(
    settings: Settings,
    around: Surroundings,
    watch: Watch,
    accounts: Accounts,
    routes: Routes,
    *,
    contact: Callable[[Flow], Address],
    vouches: Callable[[Flow, str], bool],
) -> StackSettings:
    """``contact``: what Contact and Via say. ``vouches``: whether a connection is a name's (RFC 5923)."""
    return StackSettings(
        user_agent=f"confserver/{version('confserver')}",
        advertised=contact,
        unwelcome=around.unwelcome,
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
        believes=lambda flow: around.guard.is_believed(flow.remote[0]),
        is_ours=routes.names_us,
        session_expires_s=settings.sip.session_expires_s,
        min_se_s=settings.sip.min_se_s,
        needed_tags=settings.sip.required_extensions,
    )


def focus_of(settings: Settings, rooms: Rooms, around: Surroundings, dialling: DialTerms) -> tuple[Scene, Focus]:
    """The focus, and what its parts share."""
    rtp = settings.rtp
    scene = Scene(
        rooms, around, around.media_terms(), secrets.token_bytes, rtp.srtp_without_tls, rtp.srtp_best_effort
    )  # fmt: skip
    scene.factory, scene.forward_terms = around.factory(), around.forward_terms()
    scene.attribute_headers = settings.sip.attribute_headers
    tracks, quiets = settings.recordings.tracks, settings.rooms.mute_by_sip
    return scene, Focus(
        scene, around.repertoire(), tracks, quiets, dialling, around.chat_terms(),
        watchers=settings.rooms.watchers,
        record_days=settings.recordings.days,
    )  # fmt: skip
