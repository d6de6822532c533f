"""The route table: where requests go, row by row; and the groups of users that rows may name."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from confserver.config.sip import Section
from confserver.route_words import GROUP, ROUTE


class Route(Section, frozen=True):
    """Where requests go: a table [[routes]] for each row; the first whose conditions all hold decides."""

    name: Annotated[str, Meta(description=ROUTE["name"])] = ""
    method: Annotated[tuple[str, ...], Meta(description=ROUTE["method"])] = ()
    domain: Annotated[tuple[str, ...], Meta(description=ROUTE["domain"])] = ()
    user: Annotated[
        tuple[str, ...],
        Meta(description=ROUTE["user"]),
    ] = ()
    source: Annotated[tuple[str, ...], Meta(description=ROUTE["source"])] = ()
    identity: Annotated[
        tuple[str, ...],
        Meta(description=ROUTE["identity"]),
    ] = ()
    group: Annotated[tuple[str, ...], Meta(description=ROUTE["group"])] = ()
    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        Meta(description=ROUTE["days"]),
    ] = ()
    hours: Annotated[str, Meta(description=ROUTE["hours"])] = ""
    to: Annotated[
        Literal["room", "user", "trunk", "address", "redirect", "reject"],
        Meta(description=ROUTE["to"]),
    ] = "room"
    target: Annotated[
        tuple[str, ...],
        Meta(description=ROUTE["target"]),
    ] = ()
    strip: Annotated[int, Meta(ge=0, le=64, description=ROUTE["strip"])] = 0
    prepend: Annotated[str, Meta(description=ROUTE["prepend"])] = ""
    status: Annotated[int, Meta(ge=0, le=699, description=ROUTE["status"])] = 0
    reason: Annotated[str, Meta(description=ROUTE["reason"])] = ""


class Group(Section, frozen=True):
    """Groups of users, for the routes: a table [[groups]] for each."""

    name: Annotated[str, Meta(description=GROUP["name"])] = ""
    members: Annotated[tuple[str, ...], Meta(description=GROUP["members"])] = ()
