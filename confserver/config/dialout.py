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
    caller_ids: Annotated[
        tuple[str, ...],
        Meta(description="SIP addresses that whoever asks for a call may have shown instead (caller_id)."),
    ] = ()
    international: Annotated[
        tuple[str, ...],
        Meta(description="What numbers in other countries begin with; all others are at home."),
    ] = ("+", "00")
    approve_countries: Annotated[
        bool,
        Meta(
            description="The first call to a country that no prefix names (dialout.prefixes) must be approved by "
            "another administrator than who asks for it: confserver fence approve."
        ),
    ] = True
    room_calls: Annotated[
        int, Meta(ge=0, le=100_000, description="Most calls to numbers at once in a room; 0: no limit.")
    ] = 20
    room_calls_hour: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Most calls to numbers of a room in an hour; 0: no limit.")
    ] = 60
    room_calls_day: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Most calls to numbers of a room in a day; 0: no limit.")
    ] = 300
    room_minutes_hour: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Most minutes of calls to numbers of a room in an hour, all together; then "
            "those calls are ended, with an announcement; 0: no limit.",
        ),
    ] = 0
    room_minutes_day: Annotated[int, Meta(ge=0, le=1_000_000, description="The same in a day; 0: no limit.")] = 3000
    calls_hour: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Most calls to numbers of all rooms in an hour; 0: no limit.")
    ] = 300
    calls_day: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Most calls to numbers of all rooms in a day; 0: no limit.")
    ] = 2000
    minutes_hour: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Most minutes of such calls of all rooms in an hour; 0: no limit.")
    ] = 0
    minutes_day: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Most minutes of such calls of all rooms in a day; 0: no limit.")
    ] = 10_000
    caller: Annotated[
        str,
        Meta(description="SIP address shown to whoever is called; empty: the room's own, at this server's address."),
    ] = ""
