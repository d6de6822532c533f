"""From an SDP body to a media plan, and back to an answer. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from confserver.contract import Address, Incoming, MediaPlan
from confserver.focus.answers import NoAnswer, of_offer, warning
from confserver.routing.guard import address_in
from confserver.sdp.agreement import Agreed, Rejected, Warn
from confserver.sdp.description import Description
from confserver.sdp.text import Bad, parse

LEAST_PORT = 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of where a call comes from."""

    host: str
    """Where its signalling comes from."""
    is_inside: bool
    """Loopback, or a network that we are attached to."""
    is_trusted: bool
    is_proxied: bool
    """It came through a proxy: its media come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where we ourselves are: no media is ever sent to our own media ports."""

    addresses: Collection[str] = ()
    first_port: int = 0
    last_port: int = 0

    def is_ours(self, address: Address) -> bool:
        host = address_in(address[0])
        here = host is not None and (host.is_loopback or address[0] in self.addresses)
        return here and self.first_port <= address[1] <= self.last_port


def description_of(body: bytes) -> Description:
    """Read an SDP body. Raises NoAnswer with 400."""
    try:
        return parse(body)
    except Bad as bad:
        raise NoAnswer(400, "Bad SDP", (warning(399, str(bad)),)) from bad


def check_reach(agreed: Agreed, ground: Ground) -> None:
    """We are never a reflector: refuse media addresses that are no phone's (488). Raises NoAnswer."""
    if agreed.remote is None:
        return
    host, port = agreed.remote
    address = address_in(host)
    reason = ""
    if address is None or address.is_multicast or address.is_reserved or host == "255.255.255.255":
        reason = f"media cannot go to {host}"
    elif port < LEAST_PORT:
        reason = f"media cannot go to port {port}, below {LEAST_PORT}"
    elif ground.is_ours(agreed.remote):
        reason = f"port {port} of {host} is one of this server's own media ports"
    if reason:
        raise of_offer(Rejected(Warn.ADDRESS, reason))


def plan_of(agreed: Agreed, caller: Caller, before: Agreed | None = None) -> MediaPlan:
    """What the worker needs to know (see docs/architecture.md, "Ports and addresses").

    ``before``: the last agreement of the call. Where the new one names no address (the old hold by c=0.0.0.0), the
    leg keeps the one it had, so that nobody else can take its place meanwhile.
    """
    named = agreed.remote or (before.remote if before else None)
    remote = named if named and _may_send_to(named[0], caller) else None
    elsewhere = remote is None or remote[0] != caller.host
    is_private = remote is not None and _is_private(remote[0])
    payload_type, outgoing = agreed.outgoing
    return MediaPlan(
        remote=remote,
        remote_rtcp=agreed.remote_rtcp if remote else None,
        signalling_host="" if caller.is_proxied else caller.host,
        symmetric=remote is None or caller.is_proxied or (is_private and elsewhere),
        send_first=remote is not None and (caller.is_trusted or not elsewhere),
        rtcp_mux=agreed.rtcp_mux,
        incoming=[Incoming(payload_type=number, format=format.name) for number, format in agreed.incoming],
        outgoing_payload_type=payload_type,
        outgoing_format=outgoing.name,
        ptime_ms=agreed.ptime_ms,
        receives=agreed.receives,
        sends=agreed.sends,
    )


def _may_send_to(host: str, caller: Caller) -> bool:
    """Loopback only for those on it, private addresses only for those inside: nobody aims us at our own network."""
    address = address_in(host)
    if address is None or address.is_unspecified:
        return False
    caller_at = address_in(caller.host)
    if address.is_loopback:
        return caller_at is not None and caller_at.is_loopback
    return caller.is_inside or not _is_private(host)


def _is_private(host: str) -> bool:
    address = address_in(host)
    return address is not None and address.is_private
