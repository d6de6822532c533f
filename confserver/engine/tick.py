"""The tick, from arrival to departure, in reading order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    FromWorker,
    LegClosed,
    LegFailed,
    LegOpened,
    LegReports,
    LegSilent,
    OpenLeg,
    OpenRoom,
    SetHearing,
    SetLeg,
    SpeakingChanged,
)  # fmt: skip
from confserver.engine.arrival import Arrival
from confserver.engine.batch import Batch
from confserver.engine.codecs import codec_of
from confserver.engine.departure import Departure, Outbox
from confserver.engine.encoding import Encoding
from confserver.engine.floor import Floor, Wishes
from confserver.engine.frame import FRAME, Bytes, Samples
from confserver.engine.legs import Legs, Unfit, going_on
from confserver.engine.limiter import limit
from confserver.engine.mixer import NOBODY, Mixer
from confserver.engine.playout import Playout
from confserver.engine.protection import Protection
from confserver.engine.reports import Reports
from confserver.engine.seats import Seats
from confserver.engine.sources import Sources
from confserver.engine.speech import Speech
from confserver.engine.strays import Strays
from confserver.rtp.address import Address, AddressBook, sockaddr

_FADE_IN = (np.arange(1, FRAME + 1, dtype=np.float32) / FRAME).astype(np.float32)
_REPORTING = 10
"""Ticks between two looks at whose RTCP is due."""
_HOUSEKEEPING = 50
"""Ticks between two rounds of the slow checks."""

ControlPacket = tuple[int, bytes, bytes]
"""Socket, sockaddr, RTCP."""


class Engine:
    """All legs and rooms of one worker. No socket, no file, no clock: ``now`` is the tick's nominal time."""

    def __init__(self, cname: str, random32: Callable[[], int], silence_s: float = 60.0) -> None:
        self._random32 = random32
        self._silence_s = silence_s
        self.book = AddressBook()
        self.seats = Seats()
        self.sources = Sources(self.book)
        self.mixer = Mixer(self.seats)
        self.floor = Floor(self.seats, self.mixer)
        self.protection = Protection(self.seats)
        self.arrival = Arrival(self.seats, self.sources, self.protection)
        self.playout = Playout(self.seats)
        self.speech = Speech(self.seats)
        self.encoding = Encoding(self.seats, self.mixer)
        self.departure = Departure(self.seats, self.protection)
        self.reports = Reports(self.seats, cname, self.protection)
        self.legs = Legs(self.seats, self.sources, self.floor, self.playout, self.reports, self.protection)
        self.strays = Strays(self.seats, self.sources, self.legs, self.arrival, self.reports, self.protection)
        self.control: list[ControlPacket] = []
        self.ticks = 0
        self._at = 0.0
        self._switched: dict[int, int] = {}
        self._spoken: set[int] = set()

    # ------------------------------------------------------------------ the tick
    def tick(self, batch: Batch, now: float, elapsed: int = 1) -> Outbox:
        """Take in what has come, mix, give out what goes.

        elapsed: ticks since the last one; above 1, some were missed.
        """
        if elapsed > 1:
            self.playout.skip(elapsed - 1)
        odd, rows = self.arrival.receive(batch, now)
        self.strays.sort_out(batch, odd, rows, now)
        self.playout.play(now)
        self._give_floor()
        self._arrange()
        sums, own = self.mixer.mix()
        changing, heard_before = self._heard_before(sums)
        limit(sums, self.mixer.limit[: self.mixer.high])
        self._limit_own(own)
        payloads = self.encoding.encode(sums, own)
        self._soften(payloads, sums, own, changing, heard_before)
        self.departure.advance(elapsed)
        outbox = self.departure.write(payloads)
        self.legs.bury(self.floor.step())
        self._report(now)
        self.strays.end_presses(now)
        self.ticks += 1
        self._at = now
        if self.ticks % _HOUSEKEEPING == 0:
            self._keep_house(now)
        return outbox

    def _give_floor(self) -> None:
        """Let begin and end to talk; say who speaks."""
        entering, leaving, speaking = self.speech.listen()
        seats = self.seats
        for row in entering.tolist():
            if self.floor.enter(row):
                seats.active_frames[row] = 1
                seats.limit[row] = self.mixer.limit[seats.mix[row]]
        for row in speaking.tolist():
            self._say_speaking(row, True)
        for row in leaving.tolist():
            self.floor.fade(row)
        for row in [row for row in self._spoken if not seats.talks[row]]:
            self._say_speaking(row, False)

    def _say_speaking(self, row: int, speaking: bool) -> None:
        leg = self.legs.by_row.get(row)
        if speaking == (row in self._spoken):
            return
        (self._spoken.add if speaking else self._spoken.discard)(row)
        if leg is not None:
            self.strays.events.append(SpeakingChanged(leg=leg.id, speaking=speaking))

    def _arrange(self) -> None:
        """Rebuild the index arrays where legs, talkers, mixes or addresses have changed."""
        if not (self.mixer.stale or self.legs.moved):
            return
        self.mixer.find_own()
        if self.legs.moved:
            self.departure.rebuild()
            self.legs.moved = False
        self.encoding.rebuild(self.departure.rows)

    def _limit_own(self, own: Samples) -> None:
        seat = self.mixer.own_seat
        gain = self.seats.limit[seat]
        limit(own, gain)
        self.seats.limit[seat] = gain

    def _heard_before(self, sums: Samples) -> tuple[list[int], Samples]:
        """The rows that hear another mix now, and what each would hear had he stayed; limited as his own was.

        Who begins to be sent to has heard nothing so far.
        """
        seats, rows = self.seats, self.departure.rows
        self._switched.update(dict.fromkeys(rows[seats.out_mark[rows]].tolist(), NOBODY))
        if not self._switched:
            return [], sums[:0]
        changing = list(self._switched)
        before = np.array([self._switched[row] for row in changing], np.intp)
        self._switched.clear()
        heard = sums[before]
        for index, row in enumerate(changing):
            heard[index] -= self.mixer.part_of(int(before[index]), row)
        limit(heard, np.where(seats.talks[changing], seats.limit[changing], self.mixer.limit[before]))
        return changing, heard

    def _soften(self, payloads: Bytes, sums: Samples, own: Samples, changing: list[int], heard: Samples) -> None:
        """Who changes mixes hears one fade into the other within this frame."""
        if not changing:
            return
        for row, before in zip(changing, heard, strict=True):
            place = np.flatnonzero(self.departure.rows == row)
            if not len(place):
                continue
            mine = np.flatnonzero(self.mixer.own_seat == row)
            hears = own[mine[0]] if len(mine) else sums[self.seats.mix[row]]
            samples = before + (hears - before) * _FADE_IN
            codec_of(int(self.seats.out_codec[row])).encode(samples[None], payloads[place[0] : place[0] + 1])

    def _report(self, now: float) -> None:
        if self.ticks % _REPORTING:
            return
        for row in self.reports.due(now):
            leg = self.legs.by_row[row]
            target = self.legs.control_address(leg)
            if target:
                self.control.append((target[0], sockaddr(target[1]), self.reports.write(row, now)))

    def _keep_house(self, now: float) -> None:
        """Say which legs have fallen silent; forget tombstones."""
        seats, high = self.seats, self.seats.high
        self.sources.sweep(now)
        self.floor.close_unused()
        silent = seats.in_use[:high] & seats.receives[:high] & (now - seats.heard_at[:high] > self._silence_s)
        for row in np.flatnonzero(silent).tolist():
            seats.heard_at[row] = now
            self.strays.events.append(LegSilent(leg=self.legs.by_row[row].id, seconds=self._silence_s))

    # ------------------------------------------------------------------ between ticks
    def open_room(self, command: OpenRoom) -> None:
        self.floor.open(command.room, command.sound.talkers)

    def close_room(self, command: CloseRoom, now: float) -> None:
        room = self.floor.rooms.get(command.room)
        for row in sorted(room.members) if room else ():
            leg = self.legs.by_row.get(row)
            if leg:
                self.close_leg(CloseLeg(leg=leg.id), now)
        self.legs.bury(sorted(room.members) if room else [])
        self.floor.close(command.room)

    def open_leg(self, command: OpenLeg, local: int, port: int, now: float) -> None:
        """Answers with LegOpened or LegFailed."""
        resume = command.resume
        if resume:
            ssrc, start = resume.ssrc, going_on(resume, now)
        else:
            ssrc, start = self._random32(), (self._random32() & 0x7FFF, self._random32())
        try:
            leg = self.legs.open(command.leg, command.room, local, command.plan, ssrc, start, now)
            if resume:
                self.legs.resume(leg, resume)
        except Unfit as unfit:
            self.strays.events.append(LegFailed(leg=command.leg, reason=str(unfit)))
            return
        sequence, timestamp = start
        opened = LegOpened(leg=command.leg, port=port, ssrc=ssrc, sequence=sequence, timestamp=timestamp, at=now)
        self.strays.events.append(opened)

    def set_leg(self, command: SetLeg, now: float) -> None:
        leg = self.legs.by_id.get(command.leg)
        if leg is None:
            return
        try:
            self.legs.set(leg, command.plan, now)
        except Unfit as unfit:
            self.strays.events.append(LegFailed(leg=command.leg, reason=str(unfit)))

    def close_leg(self, command: CloseLeg, now: float) -> None:
        """Say goodbye by RTCP (RFC 3550 6.6); answers with LegClosed."""
        leg = self.legs.by_id.get(command.leg)
        if leg is None:
            return
        target = self.legs.control_address(leg)
        if target:
            self.control.append((target[0], sockaddr(target[1]), self.reports.write(leg.row, now, bye=True)))
        self._say_speaking(leg.row, False)
        self._switched.pop(leg.row, None)
        self.strays.events.append(LegClosed(leg=leg.id, report=self.legs.close(leg, now)))

    def set_hearing(self, command: SetHearing) -> None:
        """Legs that are gone by now are passed over."""
        if command.room not in self.floor.rooms:
            return
        legs = self.legs.by_id
        mixes = [
            {legs[leg].row: gain for leg, gain in zip(mix.legs, mix.gains, strict=True) if leg in legs}
            for mix in command.mixes
        ]
        listeners = {legs[leg].row: index for leg, index in command.listeners if leg in legs and index < len(mixes)}
        exceptions: dict[int, dict[int, float]] = {}
        for listener, source, gain in command.exceptions:
            if listener in legs and source in legs:
                exceptions.setdefault(legs[listener].row, {})[legs[source].row] = gain
        switched = self.floor.set_hearing(command.room, Wishes(mixes, listeners, exceptions))
        self._switched.update({row: mix for row, mix in switched.items() if row not in self._switched})

    def leg_reports(self, load: float) -> LegReports:
        reports = [self.legs.report(leg) for leg in self.legs.by_id.values()]
        return LegReports(reports=reports, load=load, at=self._at)

    def is_free(self, local: int, named: Address | None, now: float) -> bool:
        """Whether a new leg can have this socket (DESIGN: "Ports and addresses")."""
        return self.sources.is_free(local, named, now)

    def take_events(self) -> list[FromWorker]:
        events, self.strays.events = self.strays.events, []
        return events

    def take_control(self) -> list[ControlPacket]:
        control, self.control = self.control, []
        return control

    def describe(self) -> dict[str, float]:
        return {
            "legs": len(self.legs.by_id),
            "rooms": len(self.floor.rooms),
            "mixes": self.mixer.count,
            "seats": self.seats.count,
            "tombstones": self.sources.tombstones,
            "strangers": self.strays.strangers,
            "unread": self.strays.unread,
            "protected": self.protection.legs,
            "refused": self.protection.refused,
            "ticks": self.ticks,
        }
