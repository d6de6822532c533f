"""The route table: where requests go, row by row; and the groups of users that rows may name."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from confserver.config.sip import Section


class Route(Section, frozen=True):
    """Where requests go: a table [[routes]] for each row; the first whose conditions all hold decides."""

    name: Annotated[str, Meta(description="What the row is called in explanations.")] = ""
    method: Annotated[
        tuple[str, ...], Meta(description="Methods, such as INVITE or MESSAGE; none listed: all but REGISTER.")
    ] = ()
    domain: Annotated[
        tuple[str, ...], Meta(description="Patterns of the domain that is called; none listed: any.")
    ] = ()
    user: Annotated[
        tuple[str, ...],
        Meta(
            description="Patterns of the name or number that is called: * is any text; behind an underscore X is a "
            "digit, Z one from 1, N one from 2, as in _0ZX*. None listed: any."
        ),
    ] = ()
    source: Annotated[tuple[str, ...], Meta(description="Networks that the request comes from; none listed: any.")] = ()
    identity: Annotated[
        tuple[str, ...],
        Meta(description="Patterns of the user whose password came with the request; none listed: with or without."),
    ] = ()
    group: Annotated[tuple[str, ...], Meta(description="Groups that this user is in; none listed: any.")] = ()
    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        Meta(description="Days of the week, by the clock of this machine; none listed: all."),
    ] = ()
    hours: Annotated[
        str, Meta(description="Time of day from and to, such as 08:00-18:00, also over midnight; empty: any.")
    ] = ""
    to: Annotated[
        Literal["room", "user", "trunk", "address", "redirect", "reject"],
        Meta(description="Where such requests go, or that they are answered with a redirection or a refusal."),
    ] = "room"
    target: Annotated[
        tuple[str, ...],
        Meta(
            description="The room, user or trunk; SIP addresses for address (all ring at once) and redirect. {user} "
            "stands for what was called. None listed: {user}; trunk, address and redirect want theirs."
        ),
    ] = ()
    strip: Annotated[
        int, Meta(ge=0, le=64, description="So many characters are taken from the front of what was called.")
    ] = 0
    prepend: Annotated[str, Meta(description="Then this is put before it.")] = ""
    status: Annotated[
        int, Meta(ge=0, le=699, description="SIP status of a redirection or refusal; 0: 302, or 403.")
    ] = 0
    reason: Annotated[str, Meta(description="Words of that answer; empty: the usual ones.")] = ""


class Group(Section, frozen=True):
    """Groups of users, for the routes: a table [[groups]] for each."""

    name: Annotated[str, Meta(description="What routes call it.")] = ""
    members: Annotated[tuple[str, ...], Meta(description="Patterns of the names of its users.")] = ()
