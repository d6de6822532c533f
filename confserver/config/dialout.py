"""The settings of calls of ours."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from confserver.config.sip import Section


class Dialout(Section, frozen=True):
    """Whom rooms may call."""

    prefixes: Annotated[
        tuple[str, ...],
        Meta(description="Beginnings of the numbers that may be called (+4930, 00); none listed: no number at all."),
    ] = ()
    domains: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts whose SIP addresses may be called: names, IP addresses, networks, or * for all; none "
            "listed: none at all."
        ),
    ] = ()
    max_calls: Annotated[
        int, Meta(ge=0, le=100_000, description="Most calls of ours at once, ringing and answered; 0: none.")
    ] = 50
    ring_s: Annotated[
        float, Meta(ge=1, le=600, description="Seconds that a phone may ring before the call is given up.")
    ] = 60.0
    refer: Annotated[
        Literal["nobody", "moderators", "members", "callers"],
        Meta(
            description="Who may ask by SIP (REFER) that a room calls somebody: nobody, its moderators, its members, "
            "or whoever may call the server."
        ),
    ] = "members"
    caller: Annotated[
        str,
        Meta(description="SIP address shown to whoever is called; empty: the room's own, at this server's address."),
    ] = ""
