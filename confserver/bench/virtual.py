"""The media engine alone, in virtual time: what a tick costs without sockets."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from confserver.bench.figures import Spread, spread
from confserver.bench.plan import SOUND_FRAMES, amplitude, silent_frames, tone_frames, tone_of
from confserver.contract import Incoming, MediaPlan, MixSources, OpenLeg, OpenRoom, SetHearing
from confserver.engine.batch import Batch
from confserver.engine.frame import FRAME, TICK_S
from confserver.engine.tick import Engine
from confserver.rtp.address import sockaddr
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN

SIZES = (100, 500, 1000, 2500)
ROOMS_OF, TALKERS = 10, 3
WARM_UP, TICKS = 100, 200
START = 1_800_000_000.0
SOCKETS = 64
"""Ports that the legs share, as in a worker."""


@dataclass(frozen=True, slots=True)
class EngineFigure:
    """tick_ms: over ticks. sent: packets in the last tick. heard: shares of legs whose packet is not silence."""

    legs: int
    tick_ms: Spread
    sent: int
    heard: float

    @property
    def us_a_leg(self) -> float:
        return (self.tick_ms.p50 or 0.0) * 1000 / self.legs

    @property
    def share(self) -> float:
        return (self.tick_ms.p50 or 0.0) / (TICK_S * 1000)


class Crowd:
    """Legs of an engine, and the batch of what they all send in one tick."""

    def __init__(self, legs: int) -> None:
        numbers = iter(range(1, 1_000_000))
        self.engine = Engine("bench@127.0.0.1", lambda: next(numbers) * 7919 & 0xFFFFFFFF)
        self.batch = Batch(legs)
        self.batch.count = legs
        self.batch.length[:] = HEADER_BYTES + FRAME
        self._header = self.batch.data[:, :HEADER_BYTES].view(HEADER)[:, 0]
        self._header["first"] = PLAIN
        self._header["ssrc"] = np.arange(legs) * 7 + 1
        self._now = START
        self._beat = 0
        places = [divmod(leg, ROOMS_OF) for leg in range(legs)]
        level = amplitude(TALKERS)
        silence = silent_frames(SOUND_FRAMES)
        self._sounds = np.stack(
            [tone_frames(tone_of(room, seat, TALKERS), level) if seat < TALKERS else silence for room, seat in places]
        )
        for leg in range(legs):
            self._open(leg)
        for room in range(-(-legs // ROOMS_OF)):
            members = [leg for leg in range(legs) if leg // ROOMS_OF == room]
            mix = MixSources(legs=members, gains=[1.0] * len(members))
            hearing = SetHearing(room=room, mixes=[mix], listeners=[(leg, 0) for leg in members])
            self.engine.set_hearing(hearing)

    def _open(self, leg: int) -> None:
        engine, batch, room = self.engine, self.batch, leg // ROOMS_OF
        if leg % ROOMS_OF == 0:
            engine.open_room(OpenRoom(room=room))
        address, local = ("127.0.0.1", 20_000 + leg), leg % SOCKETS * 2
        plan = MediaPlan(
            remote=address,
            incoming=[Incoming(0, "PCMU"), Incoming(101, "telephone-event")],
            outgoing_payload_type=0,
            outgoing_format="PCMU",
        )
        engine.open_leg(OpenLeg(leg=leg, room=room, plan=plan), local, 30_000 + local, self._now)
        batch.local[leg] = local
        batch.key[leg] = engine.book.key(local, address)
        batch.sender[leg] = np.frombuffer(sockaddr(address), np.uint8)

    def tick(self) -> float:
        """20 ms go by. Gives the seconds of CPU that the engine took."""
        beat = self._beat
        self._beat += 1
        self._header["sequence"] = (1000 + beat) & 0xFFFF
        self._header["timestamp"] = 5000 + beat * FRAME
        self.batch.data[:, HEADER_BYTES : HEADER_BYTES + FRAME] = self._sounds[:, beat % SOUND_FRAMES]
        self.batch.arrived[:] = self._now + 0.005
        self._now += TICK_S
        began = time.process_time()
        self.outbox = self.engine.tick(self.batch, self._now)[0]
        self.engine.take_events()
        self.engine.take_control()
        return time.process_time() - began


def measure(legs: int, ticks: int = TICKS) -> EngineFigure:
    crowd = Crowd(legs)
    for _ in range(WARM_UP):
        crowd.tick()
    used = [crowd.tick() for _ in range(ticks)]
    payloads = crowd.outbox.packets[:, HEADER_BYTES : HEADER_BYTES + FRAME]
    is_loud = (payloads != payloads[:, :1]).any(axis=1)
    return EngineFigure(legs, spread(used, 1000), len(payloads), float(is_loud.mean()))
