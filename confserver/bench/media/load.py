"""Who is in which room, with which codec, and whether he speaks; the media plan of each leg."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from confserver.bench.plan import Part
from confserver.contract import Incoming, MediaPlan, OpusTerms, RoomSound, SrtpKey
from confserver.rtp.srtp import PROFILES

SOCKETS = 64
"""Of the generator. Each has at most one leg for each port of the worker."""
HOST = "127.0.0.1"
SUITE = "AES_CM_128_HMAC_SHA1_80"
PROBE_ROOMS = 1_000_000
"""Numbers of the rooms that measure the delay begin here."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A format as the phones here have it."""

    payload_type: int
    clock_hz: int


KINDS = {
    "PCMU": Kind(0, 8000),
    "PCMA": Kind(8, 8000),
    "G722": Kind(9, 8000),
    "opus": Kind(111, 48000),
}


@dataclass(frozen=True, slots=True)
class Load:
    """What all legs of a run have in common. formats: legs have them in turn. talking: so many of each room.

    probes: rooms of two, PCMU, beside the load: one sends bursts, the other times them. suite: "" is plain RTP.
    loss: what the phones report of our packets, in 1/256; FEC is only made where something is lost.
    """

    formats: tuple[str, ...] = ("PCMU",)
    rooms_of: int = 10
    talking: int = 3
    probes: int = 0
    opus_hz: int = 16000
    fec: bool = False
    suite: str = ""
    loss: int = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """One leg. Numbers below ``2 * probes`` belong to the rooms that measure the delay."""

    number: int
    room: int
    format: str
    part: Part

    @property
    def socket(self) -> int:
        return self.number % SOCKETS


def seat_of(load: Load, number: int) -> Seat:
    probes = 2 * load.probes
    if number < probes:
        part = Part.TIMER if number % 2 else Part.CLAPPER
        return Seat(number, PROBE_ROOMS + number // 2, "PCMU", part)
    room, place = divmod(number - probes, load.rooms_of)
    part = Part.TALKER if place < load.talking else Part.LISTENER
    return Seat(number, room, load.formats[(number - probes) % len(load.formats)], part)


def key_of(load: Load, number: int, outgoing: bool) -> SrtpKey | None:
    """A key of this leg's own; of a bench, so it need not be secret."""
    if not load.suite:
        return None
    size = PROFILES[load.suite][1]
    return SrtpKey(load.suite, hashlib.sha512(f"{number} {outgoing}".encode()).digest()[:size])


def plan_of(load: Load, seat: Seat, port: int) -> MediaPlan:
    """port: of the generator's socket."""
    kind = KINDS[seat.format]
    incoming = [Incoming(kind.payload_type, seat.format)]
    if kind.clock_hz == 8000:
        incoming.append(Incoming(101, "telephone-event"))
    return MediaPlan(
        remote=(HOST, port),
        rtcp_mux=True,
        incoming=incoming,
        outgoing_payload_type=kind.payload_type,
        outgoing_format=seat.format,
        incoming_key=key_of(load, seat.number, False),
        outgoing_key=key_of(load, seat.number, True),
        opus=OpusTerms(in_hz=load.opus_hz, out_hz=load.opus_hz, fec=load.fec),
        outgoing_event=101 if kind.clock_hz == 8000 else None,
    )


def sound_of(load: Load) -> RoomSound:
    """Everything that a server has on by itself; a room of Opus is as wide as Opus is."""
    if load.formats == ("opus",):
        return RoomSound(rate_hz=load.opus_hz)
    return RoomSound()
