"""The tick, from arrival to departure, in reading order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    DigitsSent,
    FromWorker,
    LegClosed,
    LegFailed,
    LegId,
    LegOpened,
    LegReports,
    LegSilent,
    MoveLeg,
    OpenLeg,
    OpenRoom,
    Play,
    PlayEnded,
    RoomId,
    SendDigits,
    SetGain,
    SetHearing,
    SetLeg,
    SetRoom,
    SpeakingChanged,
)  # fmt: skip
from confserver.engine.arrival import Arrival
from confserver.engine.batch import Batch
from confserver.engine.departure import Outbox
from confserver.engine.legs import Legs, Unfit, going_on
from confserver.engine.listening import Listening
from confserver.engine.moving import Moves
from confserver.engine.outgoing import Outgoing
from confserver.engine.player import Player
from confserver.engine.playout import Playout
from confserver.engine.protection import Protection
from confserver.engine.recorder import Recorder
from confserver.engine.reel import Reel
from confserver.engine.reports import Reports
from confserver.engine.room import Wishes
from confserver.engine.seats import Seats
from confserver.engine.sources import Sources
from confserver.engine.speech import Speech
from confserver.engine.strays import Strays
from confserver.engine.takes import Takes
from confserver.engine.trail import Trail
from confserver.rtp.address import Address, AddressBook, sockaddr

LEAST_PART = 50
"""Seats whose reports to the signalling process are made in one tick."""
_HOUSEKEEPING = 50
"""Ticks between two rounds of the slow checks."""

ControlPacket = tuple[int, bytes, bytes]
"""Socket, sockaddr, RTCP."""


class Engine:
    """All legs and rooms of one worker. No socket, no file, no clock: ``now`` is the tick's nominal time."""

    def __init__(
        self,
        cname: str,
        random32: Callable[[], int],
        silence_s: float = 60.0,
        opus_complexity: int = 5,
        most_delay_ms: int = 120,
        trail_bytes: int = 0,
    ) -> None:
        self._random32 = random32
        self._silence_s = silence_s
        self.book = AddressBook()
        self.seats = Seats()
        self.sources = Sources(self.book)
        self.protection = Protection(self.seats)
        self.trail = Trail(trail_bytes)
        self.arrival = Arrival(self.seats, self.sources, self.protection, self.trail)
        self.playout = Playout(self.seats, most_delay_ms / 1000)
        self.speech = Speech(self.seats)
        self.outgoing = Outgoing(self.seats, self.protection, opus_complexity)
        self.floor = self.outgoing.floor
        random = np.random.default_rng(random32())
        self.reports = Reports(self.seats, cname, self.protection, self.playout.delay_s, random)
        self.legs = Legs(self.seats, self.sources, self.outgoing, self.playout, self.reports, self.protection)
        self.strays = Strays(self.seats, self.sources, self.legs, self.arrival, self.reports, self.protection)
        self.listening = Listening(self.seats, self.legs, self.floor, self.playout.delay_s, self._say)
        self.player = Player(self.seats, self.floor, self._say_played)
        self.outgoing.play, self.outgoing.dialing.play = self.player.tick, self.player.play
        self.reports.set_loss = self.outgoing.set_loss
        mixers, by_row = self.outgoing.mixers, self.legs.by_row
        self.recorder = Recorder(self.seats, self.floor, mixers, by_row, self._say)
        self.takes = Takes(self.seats, self.legs.by_id, self._say)
        self.moves = Moves(self.seats, self.floor, self.outgoing, self.listening, self.player)
        self._closing: list[CloseRoom] = []
        self.control: list[ControlPacket] = []
        self.ticks = 0
        self._at = 0.0

    # ------------------------------------------------------------------ the tick
    def tick(self, batch: Batch, now: float, elapsed: int = 1) -> list[Outbox]:
        """Take in what has come, mix, give out what goes.

        elapsed: ticks since the last one; above 1, some were missed.
        """
        if self.seats.high == 1 and not batch.count and not self.recorder.count:
            return self._pass_time(now)
        if elapsed > 1:
            self.playout.skip(elapsed - 1)
        odd, rows = self.arrival.receive(batch, now)
        self.strays.sort_out(batch, odd, rows, now)
        self.playout.play(now)
        self.listening.hush(self.strays.pressing)
        self._give_floor()
        self.listening.listen(now)
        self.takes.tick(self.listening.hushed)
        outboxes = self.outgoing.tick(elapsed)
        self.trail.outgoing(outboxes, now)
        self.recorder.tick(now, elapsed)
        self.strays.events += [DigitsSent(leg=leg) for leg in self.outgoing.dialing.take_done()]
        self.legs.bury(self.outgoing.end_fades())
        if self.moves:
            self._finish_moves(now)
        self._report(now)
        self.strays.end_presses(now)
        self.player.hear(self.strays.events, self._room_of)
        self._pass_time(now)
        return outboxes

    def _pass_time(self, now: float) -> list[Outbox]:
        self.ticks += 1
        self._at = now
        if self.ticks % _HOUSEKEEPING == 0:
            self._keep_house(now)
        return []

    def _give_floor(self) -> None:
        """Let begin and end to talk; say who speaks."""
        entering, leaving, speaking = self.speech.listen()
        seats = self.seats
        for row in entering.tolist():
            if self.floor.enter(row):
                seats.active_frames[row] = 1
                seats.limit[row] = self.outgoing.mixers[seats.band[row]].limit[seats.mix[row]]
        for row in speaking.tolist():
            self._say_speaking(row, True)
        for row in leaving.tolist():
            self.floor.fade(row)
        high = seats.high
        for row in np.flatnonzero(seats.spoken[:high] & ~seats.talks[:high]).tolist():
            self._say_speaking(row, False)

    def _say_speaking(self, row: int, speaking: bool) -> None:
        leg = self.legs.by_row.get(row)
        if speaking == self.seats.spoken[row]:
            return
        self.seats.spoken[row] = speaking
        if leg is not None:
            self.strays.events.append(SpeakingChanged(leg=leg.id, speaking=speaking))

    def _report(self, now: float) -> None:
        for row in self.reports.step(now):
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
        self.floor.open(command.room, command.sound)

    def set_room(self, command: SetRoom) -> None:
        self.outgoing.set_sound(command.room, command.sound)
        self.listening.follow_room(command.room)

    def close_room(self, command: CloseRoom, now: float) -> None:
        """Whoever goes elsewhere from there fades first."""
        if self.moves.are_leaving(command.room):
            self._closing.append(command)
            return
        for coming in self.moves.coming(command.room):
            self.close_leg(CloseLeg(leg=coming.id), now)
        self.player.forget_room(command.room)
        room = self.floor.rooms.get(command.room)
        for row in sorted(room.members) if room else ():
            leg = self.legs.by_row.get(row)
            if leg:
                self.close_leg(CloseLeg(leg=leg.id), now)
        self.legs.bury(sorted(room.members) if room else [])
        self.floor.close(command.room)
        self.listening.close(command.room)

    def open_leg(self, command: OpenLeg, local: int, port: int, now: float) -> None:
        """Answers with LegOpened or LegFailed.

        A protected leg that goes on has another key, and another SSRC: so its rollover counter is 0 to both sides.
        """
        resume = command.resume
        ssrc, start = self._random32(), (self._random32() & 0x7FFF, self._random32())
        try:
            if command.ssrc is not None:
                ssrc = self.legs.unused(command.ssrc)
            if resume and not (command.plan and command.plan.outgoing_key):
                ssrc, start = resume.ssrc, going_on(resume, command.plan, now)
            leg = self.legs.open(command.leg, command.room, local, command.plan, ssrc, start, now)
            if resume:
                self.legs.resume(leg, resume)
            self.listening.follow(leg, is_new=True)
            self.trail.opened(leg.id, leg.row, now)
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
            self.listening.follow(leg)
        except Unfit as unfit:
            self.strays.events.append(LegFailed(leg=command.leg, reason=str(unfit)))

    def note_refused(self, local: int, count: int) -> None:
        """What was sent by this socket has been refused by the host it was sent to."""
        for source in self.sources.at(local):
            self.seats.send_failed[source.row] += count

    def rebind(self, leg: LegId, local: int, now: float) -> bool:
        """Have a leg come and go by another socket; whether it is still there."""
        found = self.legs.by_id.get(leg)
        if found is not None:
            self.legs.rebind(found, local, now)
        return found is not None

    def move_leg(self, command: MoveLeg) -> None:
        """A leg that is gone by now is passed over."""
        leg = self.legs.by_id.get(command.leg)
        if leg is not None:
            self.moves.begin(leg, command.room)

    def _finish_moves(self, now: float) -> None:
        for hearing in self.moves.finish():
            self.set_hearing(hearing)
        closing, self._closing = self._closing, []
        for command in closing:
            self.close_room(command, now)

    def close_leg(self, command: CloseLeg, now: float) -> None:
        """Say goodbye by RTCP (RFC 3550 6.6); answers with LegClosed."""
        leg = self.legs.by_id.get(command.leg)
        if leg is None:
            return
        target = self.legs.control_address(leg)
        goodbye = self.reports.write_bye(leg.row, now) if target else b""
        if target and goodbye:
            self.control.append((target[0], sockaddr(target[1]), goodbye))
        self._say_speaking(leg.row, False)
        self.takes.forget_leg(leg.id)
        self.trail.closed(leg.id, now)
        self.player.forget_leg(leg.id)
        self.listening.forget(leg.row)
        self.moves.forget(leg.row)
        self.strays.events.append(LegClosed(leg=leg.id, report=self.legs.close(leg, now)))

    def set_hearing(self, command: SetHearing) -> None:
        """Legs that are gone by now, or not yet there, are passed over."""
        if command.room not in self.floor.rooms:
            return
        self.moves.note_hearing(command)
        members, by_id = self.floor.rooms[command.room].members, self.legs.by_id
        named = {leg for mix in command.mixes for leg in mix.legs} | {leg for leg, _ in command.listeners}
        named.update(command.waiting)
        away = self.moves.rows
        guests = {by_id[leg].row for leg in command.guests if leg in by_id} - members - away
        here = (members - away) | guests
        legs = {leg: by_id[leg] for leg in named if leg in by_id and by_id[leg].row in here}
        mixes = [
            {legs[leg].row: gain for leg, gain in zip(mix.legs, mix.gains, strict=True) if leg in legs}
            for mix in command.mixes
        ]
        listeners = {legs[leg].row: index for leg, index in command.listeners if leg in legs and index < len(mixes)}
        exceptions: dict[int, dict[int, float]] = {}
        for listener, source, gain in command.exceptions:
            if listener in legs and source in legs:
                exceptions.setdefault(legs[listener].row, {})[legs[source].row] = gain
        private = {legs[leg].row for leg in command.private if leg in legs}
        bare = frozenset(command.bare)
        waiting = {legs[leg].row for leg in command.waiting if leg in legs}
        wishes = Wishes(mixes, listeners, exceptions, private, waiting, command.silent, guests, bare)
        self.floor.set_hearing(command.room, wishes)

    def set_gain(self, command: SetGain) -> None:
        """A leg that is gone by now is passed over."""
        leg = self.legs.by_id.get(command.leg)
        if leg is not None:
            self.outgoing.set_gain(leg.row, command.incoming, command.outgoing)
            self.floor.place(leg.row, command.pan)

    def play(self, command: Play, reel: Reel) -> None:
        """Answers with PlayEnded, when it is over or cannot begin. Raises ValueError for a number that is taken."""
        leg = self.legs.by_id.get(command.leg) if command.leg is not None else None
        goes_to = self.moves.goes_to(leg) if leg else None
        if command.leg is not None and (leg is None or (goes_to or self._room_of(command.leg)) != command.room):
            reason = f"no leg {command.leg} in room {command.room}"
            self.strays.events.append(PlayEnded(play=command.play, cause="failed", reason=reason))
            return
        self.player.play(command, reel, leg.row if leg else None)

    def send_digits(self, command: SendDigits) -> None:
        """Answered by DigitsSent; a leg that is gone by now is passed over. Raises ValueError for what are no keys."""
        leg = self.legs.by_id.get(command.leg)
        if leg is not None:
            self.outgoing.dialing.start(leg.row, self.floor.room_of[leg.row].number, command)

    def _say(self, event: FromWorker) -> None:
        self.strays.events.append(event)

    def _say_played(self, event: FromWorker) -> None:
        """Plays with numbers below zero are our own: keys as tones."""
        if isinstance(event, PlayEnded) and event.play < 0:
            self.outgoing.dialing.tones_ended(event.play)
        else:
            self._say(event)

    def _room_of(self, leg: LegId) -> RoomId | None:
        found = self.legs.by_id.get(leg)
        room = self.floor.room_of.get(found.row) if found else None
        return room.number if room else None

    def leg_reports(self, load: float, part: int = 0, parts: int = 1) -> LegReports:
        """Of all legs, or of one part of them; a part has at least LEAST_PART seats."""
        size = max(-(-self.seats.high // parts), LEAST_PART)
        legs = map(self.legs.by_row.get, range(part * size, (part + 1) * size))
        reports = [self.legs.report(leg) for leg in legs if leg is not None]
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
            "mixes": sum(mixer.count for mixer in self.outgoing.mixers),
            "plays": len(self.player),
            "encoders": len(self.outgoing.encoding.streams),
            "seats": self.seats.count,
            "tombstones": self.sources.tombstones,
            "strangers": self.strays.strangers,
            "unread": self.strays.unread,
            "protected": self.protection.legs,
            "refused": self.protection.refused,
            "recordings": self.recorder.count,
            "takes": len(self.takes),
            "ticks": self.ticks,
        }
