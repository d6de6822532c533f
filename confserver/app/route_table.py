"""Rows of the settings, and those that were made, as the router reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from confserver.config import Settings
from confserver.config.route_rows import MOST_ROUTES, Made
from confserver.config.routes import Group, Route
from confserver.routing.patterns import Pattern
from confserver.routing.table import ANY_USER, Groups, Row, Table, minutes, network

MADE, SETTINGS = "made", "settings"
"""Where a row comes from."""
STATUS = {"redirect": 302, "reject": 403}


def table_of(settings: Settings) -> Table:
    """``config.checks`` has looked at every row."""
    return Table([row_of(route, SETTINGS) for route in settings.routes], groups_of(settings.groups))


def together(made: Made, off: Callable[[Route], str], settings: Table) -> Table:
    """Rows that were made come first; of two groups of one name that of the settings holds."""
    rows = [row_of(route, MADE, off(route)) for route in made.routes]
    return Table([*rows, *settings.rows], {**groups_of(made.groups), **settings.groups})


def groups_of(groups: Iterable[Group]) -> Groups:
    return {group.name: tuple(map(_pattern, group.members)) for group in groups}


@lru_cache(maxsize=2 * MOST_ROUTES)
def row_of(route: Route, origin: str = MADE, off: str = "") -> Row:
    """A change of one row does not make all the others anew."""
    return Row(
        name=route.name,
        origin=origin,
        off=off,
        methods=route.method,
        domains=tuple(map(Pattern, route.domain)),
        users=tuple(map(Pattern, route.user)),
        sources=tuple(map(network, route.source)),
        identities=tuple(map(Pattern, route.identity)),
        groups=route.group,
        days=route.days,
        hours=minutes(route.hours) if route.hours else None,
        to=route.to,
        targets=route.target or (ANY_USER,),
        strip=route.strip,
        prepend=route.prepend,
        status=route.status or STATUS.get(route.to, 0),
        reason=route.reason,
    )


_pattern = lru_cache(maxsize=8192)(Pattern)
