"""Whither a room's sound may be sent on, and how: the fence of ``forward.networks``, and the media plan. Pure.

Who administers a room names an address that has asked for nothing. So that nobody is flooded, and nothing comes back
into its own room, only networks that are listed may be named, and never this server's own ports.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from confserver.contract import Address, MediaPlan, OpusTerms, SrtpKey
from confserver.focus.media import Ground, wrong_with
from confserver.focus.terms import RoomTerms, with_redundancy
from confserver.formats import named
from confserver.routing.guard import IPAddress, IPNetwork
from confserver.sdp.crypto import SUITES
from rooms.commands import StartForward
from rooms.errors import Forbidden, Invalid
from rooms.events import ForwardStarted

USUAL_SUITE = "AES_CM_128_HMAC_SHA1_80"
USUAL_L16_HZ = 16000
USUAL_MS = 20


@dataclass(frozen=True, slots=True)
class ForwardTerms:
    """The settings: ``networks`` may be sent to; ``own_ports`` of ours take something else (SIP, HTTP)."""

    networks: tuple[IPNetwork, ...] = ()
    own_ports: Collection[int] = ()


def check(command: StartForward, terms: ForwardTerms, ground: Ground) -> None:
    """Raises Forbidden, Invalid."""
    host = _address(command.host)
    if not terms.networks:
        raise Forbidden(
            f"sound is sent to nobody: forward.networks is empty; list there where it may go, such as {host}/"
            f"{host.max_prefixlen}"
        )
    if not any(host in network for network in terms.networks):
        listed = ", ".join(map(str, terms.networks))
        raise Forbidden(f"{host} is in none of the networks that sound may go to (forward.networks: {listed})")
    rtcp_port = command.port + 1 if command.rtcp_port is None else command.rtcp_port
    for port in (command.port, rtcp_port):
        if reason := _wrong_with((str(host), port), host, terms, ground):
            raise Invalid(reason)
    key_of(command.srtp_suite, command.srtp_key)


def _address(text: str) -> IPAddress:
    """Raises Invalid. A name could be another address when it is used than when it was looked at."""
    try:
        host = ipaddress.ip_address(text)
    except ValueError:
        raise Invalid(f"host must be an IP address, not {text[:64]!r}") from None
    if isinstance(host, ipaddress.IPv6Address) and (host.ipv4_mapped or host.scope_id):
        raise Invalid(f"host must be a plain IP address, not {text[:64]!r}")
    return host


def _wrong_with(address: Address, host: IPAddress, terms: ForwardTerms, ground: Ground) -> str:
    if host.is_unspecified:  # which Linux takes for itself
        return f"media cannot go to {host}"
    if address[1] in terms.own_ports and (host.is_loopback or str(host) in ground.addresses):
        return f"port {address[1]} of {host} is this server's own"
    return wrong_with(address, ground)


def key_of(suite: str, text: str) -> SrtpKey | None:
    """Master key and salt in base64, as behind ``inline:`` in SDP (RFC 4568 section 6.1); none without.

    Raises Refused (Invalid), which never tells the key.
    """
    if not text:
        if suite:
            raise Invalid(f"srtp_suite {suite[:64]!r} wants an srtp_key")
        return None
    name = (suite or USUAL_SUITE).upper()
    if name not in SUITES:
        raise Invalid(f"srtp_suite must be one of {', '.join(SUITES)}, not {suite[:64]!r}")
    try:
        key = base64.b64decode(text.removeprefix("inline:"), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("srtp_key must be base64 of key and salt") from None
    if len(key) != SUITES[name]:
        raise Invalid(f"srtp_key must hold {SUITES[name]} octets of key and salt for {name}, not {len(key)}")
    return SrtpKey(name, key)


def plan_of(event: ForwardStarted, terms: RoomTerms) -> MediaPlan:
    """Nothing is taken in but RTCP. Raises Refused for a key that is none."""
    rate_hz = event.codec_rate_hz or terms.ours.sprop_maxcapturerate
    if event.codec == "L16":
        rate_hz = event.codec_rate_hz or USUAL_L16_HZ
    format = named(f"L16-{rate_hz // 1000}" if event.codec == "L16" else event.codec)
    key = key_of(event.srtp_suite, event.srtp_key)
    return MediaPlan(
        remote=(event.host, event.port),
        remote_rtcp=(event.host, event.rtcp_port),
        rtcp_mux=event.rtcp_port == event.port,
        incoming=[],
        outgoing_payload_type=event.payload_type,
        outgoing_format=format.name,
        ptime_ms=format.packet_ms(USUAL_MS, USUAL_MS),
        receives=False,
        incoming_key=key,
        outgoing_key=key,
        opus=OpusTerms(
            out_hz=rate_hz, bitrate=terms.bitrate, fec_bitrate=with_redundancy(terms.bitrate), stereo=terms.ours.stereo
        ),
    )
