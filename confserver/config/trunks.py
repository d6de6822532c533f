"""One carrier or exchange through which numbers are called."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from confserver.config.sip import Section


class Trunk(Section, frozen=True):
    """Carriers and exchanges through which numbers are called: a table [[trunks]] for each."""

    name: Annotated[str, Meta(description="What it is called in lists and in the log.")] = ""
    hosts: Annotated[
        tuple[str, ...],
        Meta(description="Where it is reached: HOST or HOST:PORT, the best first; the next one where that fails."),
    ] = ()
    transport: Annotated[Literal["udp", "tcp", "tls"], Meta(description="How it is reached.")] = "udp"
    prefixes: Annotated[
        tuple[str, ...],
        Meta(
            description="Beginnings of the numbers that go this way, of several trunks by the longest; none listed: "
            "all. dialout.prefixes says which may be called at all."
        ),
    ] = ()
    username: Annotated[str, Meta(description="Name of the account there; empty: none is needed.")] = ""
    password: Annotated[str, Meta(description="The password of that account.")] = ""
    domain: Annotated[
        str, Meta(description="Domain of the account and of the numbers called; empty: the first of hosts.")
    ] = ""
    caller: Annotated[
        str,
        Meta(description="SIP address shown to whoever is called; empty: as dialout.caller says, else the account."),
    ] = ""
    register: Annotated[bool, Meta(description="Tell the trunk where this server is (REGISTER), so that it calls.")] = (
        False
    )
    register_s: Annotated[
        int, Meta(ge=60, le=86400, description="Seconds for which that is said to hold; it is said again before.")
    ] = 3600
    probe_s: Annotated[
        int,
        Meta(ge=0, le=3600, description="Seconds between questions whether each host still lives (OPTIONS); 0: none."),
    ] = 60
