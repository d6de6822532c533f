"""What each source may cost the server, and when it turns new requests away."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from msgspec import Meta

from confserver.config.sip import Section

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Limits(Section, frozen=True):
    """What strangers may cost: budgets of each outside source (an IPv4 address, an IPv6 /64)."""

    messages: Annotated[
        int,
        Meta(
            ge=0,
            le=100000,
            description="SIP messages a second from one outside source, twice as many at once; more are not read. "
            "Here and below attached and trusted networks, and sources with an answered call or a good password, have "
            "ten times as much, loopback all it wants; 0: no bound.",
        ),
    ] = 100
    requests: Annotated[
        int,
        Meta(ge=0, le=100000, description="New requests a second from one outside source, five times as many at once."),
    ] = 20
    calls: Annotated[
        int, Meta(ge=0, le=100000, description="Calls without credentials a minute from one outside source.")
    ] = 60
    failures: Annotated[
        int,
        Meta(
            ge=0,
            le=100000,
            description="Refused requests and wrong passwords a minute from one outside source; more, and it is "
            "banned.",
        ),
    ] = 30
    connections: Annotated[
        int, Meta(ge=0, le=100000, description="New connections a minute from one outside source.")
    ] = 60
    strangers: Annotated[
        int,
        Meta(
            ge=0,
            le=100000,
            description="New requests a second from all unknown outside sources together; more get 503.",
        ),
    ] = 200
    ban_s: Annotated[
        float,
        Meta(
            ge=1, le=86400, description="Seconds that a first ban lasts; each further one six times as long, to a day."
        ),
    ] = 600.0
    late_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=60000,
            description="New requests get 503 while the signalling process is so many milliseconds late; 0: never.",
        ),
    ] = 250
    drain_to: Annotated[
        str,
        Meta(
            description="Server that new calls are sent to (302) while this one is emptied, HOST or HOST:PORT; empty: "
            "they hear 503."
        ),
    ] = ""
    drain_retry_s: Annotated[
        int,
        Meta(ge=1, le=86400, description="Seconds after which new calls may come again (Retry-After), meanwhile."),
    ] = 60
    outside_networks: Annotated[
        tuple[str, ...],
        Meta(description="Networks that count as outside though they are attached, or are loopback: for trials."),
    ] = ()

    trace_mb: Annotated[
        int,
        Meta(
            ge=0,
            le=1024,
            description="Megabytes of memory for the latest messages of each call (confserver trace); 0: none are "
            "kept.",
        ),
    ] = 8

    trail_mb: Annotated[
        int,
        Meta(
            ge=0,
            le=1024,
            description="Megabytes of memory in each media process for the RTP headers of its calls' last minute; 0: "
            "none are kept.",
        ),
    ] = 16

    def outside(self) -> tuple[IPNetwork, ...]:
        return tuple(ipaddress.ip_network(text) for text in self.outside_networks)
