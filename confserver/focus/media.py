"""From an SDP body to a media plan, and back to an answer. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from confserver.contract import Address, Incoming, MediaPlan, SrtpKey
from confserver.focus.answers import NoAnswer, of_offer, warning
from confserver.focus.terms import RoomTerms
from confserver.routing.guard import Guard, IPAddress, address_in
from confserver.sdp.agreement import Agreed, Rejected, Warn
from confserver.sdp.description import Description
from confserver.sdp.text import Bad, parse
from confserver.sip.dialog import contact_of
from confserver.sip.flow import Flow
from confserver.sip.message import Request, Response

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
    """Where we ourselves are: no media is ever sent to our own media ports, nor to a whole network at once."""

    addresses: Collection[str] = ()
    """By which we are reached, in their usual spelling."""
    first_port: int = 0
    last_port: int = 0
    broadcasts: Collection[str] = ()
    """The broadcast addresses of the networks that we are attached to."""

    def is_ours(self, address: Address) -> bool:
        host = address_in(address[0])
        here = host is not None and (host.is_loopback or address[0] in self.addresses)
        return here and self.first_port <= address[1] <= self.last_port


def caller_of(request: Request, flow: Flow, guard: Guard) -> Caller:
    host = flow.remote[0]
    is_proxied = len(request.headers.get_all("Via")) > 1
    return Caller(host, guard.is_inside(host), guard.may_call(host), is_proxied)


def nobody() -> Caller:
    """Of a call of ours, until somebody answers."""
    return Caller("", is_inside=False, is_trusted=False, is_proxied=False)


def callee_of(response: Response, flow: Flow, guard: Guard, *, is_trunk: bool) -> Caller:
    """Who has answered a call of ours. A trunk's media may come from elsewhere, and wait for ours."""
    host = flow.remote[0]
    contact = contact_of(response)
    is_proxied = is_trunk or "Record-Route" in response.headers or contact is None or not _is_same(contact.host, host)
    return Caller(host, guard.is_inside(host), is_trunk or guard.may_call(host), is_proxied)


def _is_same(host: str, other: str) -> bool:
    address = address_in(host)
    return address is not None and address == address_in(other)


def description_of(body: bytes) -> Description:
    """Read an SDP body. Raises NoAnswer with 400."""
    try:
        return parse(body)
    except Bad as bad:
        raise NoAnswer(400, "Bad SDP", (warning(399, str(bad)),)) from bad


def check_reach(agreed: Agreed, ground: Ground) -> None:
    """We are never a reflector: refuse media addresses that are no phone's (488). Raises NoAnswer."""
    for address in (agreed.remote, agreed.remote_rtcp):
        reason = wrong_with(address, ground) if address else ""
        if reason:
            raise of_offer(Rejected(Warn.ADDRESS, reason))


def wrong_with(address: Address, ground: Ground) -> str:
    host, port = address
    found = address_in(host)
    if found is None or found.is_multicast or host in ground.broadcasts or _is_nobody(found, host):
        return f"media cannot go to {host}"
    if port < LEAST_PORT:
        return f"media cannot go to port {port}, below {LEAST_PORT}"
    if ground.is_ours(address):
        return f"port {port} of {host} is one of this server's own media ports"
    return ""


def _is_nobody(found: IPAddress, host: str) -> bool:
    """IPv4 from 240.0.0.0 up to broadcast (RFC 1112 section 4); IPv4 dressed as IPv6, for our sockets are V6ONLY."""
    return found.is_reserved if found.version == 4 and ":" not in host else found.version == 4


def check_family(agreed: Agreed, is_ipv6: bool) -> None:
    """A leg's socket is of one family for life; the old hold names an IPv4 address that is none. Raises NoAnswer."""
    if agreed.remote and agreed.is_ipv6 != is_ipv6:
        raise of_offer(Rejected(Warn.ADDRESS, "a call cannot change between IPv4 and IPv6"))


def plan_of(agreed: Agreed, caller: Caller, terms: RoomTerms, named: Agreed | None = None) -> MediaPlan:
    """What the worker needs to know (see docs/architecture.md, "Ports and addresses").

    ``terms``: those of the room.
    ``named``: the last agreement of the call that named an address. Where the new one names none (the old hold by
    c=0.0.0.0), the leg keeps that, so that nobody else can take its place meanwhile.
    """
    there = agreed if agreed.remote or named is None else named
    remote = _if_allowed(there.remote, caller)
    elsewhere = remote is None or address_in(remote[0]) != address_in(caller.host)
    is_private = remote is not None and not _is_public(remote[0])
    payload_type, outgoing = agreed.outgoing
    crypto = agreed.crypto
    return MediaPlan(
        remote=remote,
        remote_rtcp=_if_allowed(there.remote_rtcp, caller) if remote else None,
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
        incoming_key=SrtpKey(crypto.suite, crypto.theirs) if crypto else None,
        outgoing_key=SrtpKey(crypto.suite, crypto.ours) if crypto else None,
        opus=terms.opus_for(agreed),
        outgoing_event=agreed.telephone_event,
        level_id=agreed.extras.level_id,
        mix_levels_id=agreed.extras.mix_levels_id,
        reduced_rtcp=agreed.extras.reduced_rtcp,
        xr=agreed.extras.xr,
    )


def _if_allowed(address: Address | None, caller: Caller) -> Address | None:
    return address if address and _may_send_to(address[0], caller) else None


def _may_send_to(host: str, caller: Caller) -> bool:
    """Loopback only for those on it, private addresses only for those inside: nobody aims us at our own network.

    A link-local IPv6 address says nothing without its zone, which SDP cannot name.
    """
    address, caller_at = address_in(host), address_in(caller.host)
    if address is None or address.is_unspecified or (address.version == 6 and address.is_link_local):
        return False
    if address.is_loopback:
        return caller_at is not None and caller_at.is_loopback
    return caller.is_inside or address.is_global or address == caller_at


def _is_public(host: str) -> bool:
    address = address_in(host)
    return address is not None and address.is_global
