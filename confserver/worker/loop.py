"""A media process: commands between ticks, and every 20 ms the tick."""

from __future__ import annotations

import gc
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confserver.contract import (
    Capture,
    Captured,
    ChangePort,
    CloseLeg,
    CloseRoom,
    Describe,
    Described,
    FromWorker,
    LegClosed,
    LegFailed,
    MediaCommand,
    MoveLeg,
    OpenLeg,
    OpenRoom,
    Overloaded,
    PauseRecord,
    Ping,
    Play,
    PlayEnded,
    Pong,
    PortChanged,
    Record,
    RecordFailed,
    SendDigits,
    SetGain,
    SetHearing,
    SetLeg,
    SetPlay,
    SetRoom,
    Stop,
    StopPlay,
    StopRecord,
    StopTake,
    TakeSound,
    WatchRooms,
)  # fmt: skip
from confserver.engine.frame import TICK_S
from confserver.engine.reel import Unplayable
from confserver.engine.tick import Engine
from confserver.engine.watched import Watched
from confserver.worker.channel import Channel
from confserver.worker.clock import open_clock
from confserver.worker.handover import Handovers
from confserver.worker.packet_io import PacketIO
from confserver.worker.ports import NoPort, Ports, peers_of
from confserver.worker.sounds import Sounds

REPORT_TICKS = 250
EASE_TICKS = 25
PART_TICKS = 5
"""Between two parts of the legs' reports."""
_OVERLOAD = 0.7
"""Share of the tick's time beyond which no new call should come."""
_SMOOTH = 0.02
MOST_FAULTS_IN_A_ROW = 25
MOST_FAULTS_TOLD = 20
"""So many tracebacks go to the log; more would fill it."""


@dataclass(slots=True)
class Pace:
    """How the ticks have gone."""

    load: float = 0.0
    missed: int = 0
    longest: float = 0.0
    faults: int = 0
    faults_in_a_row: int = 0


class Loop:
    """Owns engine, sockets and channel of one worker. ``epoch``: add it to the monotonic clock to get ``now``."""

    def __init__(self, engine: Engine, io: PacketIO, ports: Ports, channel: Channel, epoch: float) -> None:
        self._engine = engine
        self._io = io
        self._ports = ports
        self._channel = channel
        self._epoch = epoch
        self._running = True
        self._pace = Pace()
        self._sounds = Sounds()
        self._handovers = Handovers()
        self._watched = Watched(engine.seats, engine.floor, engine.legs)
        self._local_of: dict[int, int] = {}
        self._answers: list[FromWorker] = []
        self._do: dict[type, Callable[..., None]] = {
            OpenRoom: self._engine.open_room,
            CloseRoom: lambda command: self._engine.close_room(command, self._now()),
            OpenLeg: self._open_leg,
            SetLeg: lambda command: self._engine.set_leg(command, self._now()),
            CloseLeg: lambda command: self._engine.close_leg(command, self._now()),
            MoveLeg: self._engine.move_leg,
            ChangePort: self._change_port,
            SetRoom: self._engine.set_room,
            SetHearing: self._engine.set_hearing,
            SetGain: self._engine.set_gain,
            SendDigits: self._engine.send_digits,
            Play: self._play,
            SetPlay: self._engine.player.set,
            StopPlay: self._engine.player.stop,
            Record: self._record,
            PauseRecord: lambda command: self._engine.recorder.pause(command.record, command.paused),
            StopRecord: lambda command: self._engine.recorder.stop(command.record),
            TakeSound: self._engine.takes.start,
            StopTake: self._engine.takes.stop,
            Describe: self._describe,
            Capture: self._capture,
            WatchRooms: lambda command: self._watched.set(command.rooms),
            Ping: lambda command: self._answers.append(Pong(token=command.token)),
            Stop: self._stop,
        }

    def _now(self) -> float:
        return time.monotonic() + self._epoch

    def run(self, waiting: Sequence[MediaCommand] = ()) -> None:
        """Run until told to stop; ``waiting``: what has been said already. Raises ChannelClosed when the signalling
        process is gone."""
        for command in waiting:
            self._obey(command)
        self._tell()
        gc.collect()
        gc.freeze()
        gc.disable()
        start_ns = time.monotonic_ns() + 20_000_000
        clock, at = open_clock(start_ns), start_ns / 1e9 + self._epoch - TICK_S
        while self._running:
            due, has_commands = clock.wait(self._channel.fileno())
            if has_commands:
                for command in self._channel.receive():
                    self._obey(command)
            if due:
                at += due * TICK_S
                self._try_tick(at, due)
            self._tell()

    def _obey(self, command: MediaCommand) -> None:
        """A fault of ours costs one command."""
        try:
            self._do[type(command)](command)
        except Exception:
            self._note_fault(f"in {type(command).__name__}")

    def _try_tick(self, at: float, due: int) -> None:
        """A fault of ours costs one tick; where all ticks fail, the process ends, and another takes over.

        Raises what the tick raised.
        """
        try:
            self._tick(at, due)
            self._pace.faults_in_a_row = 0
        except Exception:
            self._note_fault("in a tick")
            self._pace.faults_in_a_row += 1
            if self._pace.faults_in_a_row >= MOST_FAULTS_IN_A_ROW:
                raise

    def _note_fault(self, where: str) -> None:
        self._pace.faults += 1
        if self._pace.faults <= MOST_FAULTS_TOLD:
            print(f"confserver.worker: fault {where}\n{traceback.format_exc()}", file=sys.stderr, flush=True)

    def _tick(self, at: float, due: int) -> None:
        began = time.perf_counter()
        self._pace.missed += due - 1
        batch = self._io.receive(self._now())
        for local, count in self._io.take_refused().items():
            self._engine.note_refused(local, count)
        for outbox in self._engine.tick(batch, at, due):
            for place in self._io.send(outbox):
                self._engine.seats.send_failed[outbox.rows[place]] += 1
        self._hand_over()
        self._watched.listen()
        used = (time.perf_counter() - began) / TICK_S
        self._pace.load += (used - self._pace.load) * _SMOOTH
        self._pace.longest = max(self._pace.longest, used * TICK_S)
        if self._engine.ticks % EASE_TICKS == 0:
            self._engine.outgoing.ease(self._pace.load)
        part, rest = divmod(self._engine.ticks % REPORT_TICKS, PART_TICKS)
        if not rest:
            self._report(part)
            if (told := self._watched.report(at)) is not None:
                self._answers.append(told)

    def _record(self, command: Record) -> None:
        failure = self._handovers.open(command.record, command.socket)
        if failure:
            self._answers.append(RecordFailed(record=command.record, reason=failure))
        else:
            self._engine.recorder.start(command)

    def _hand_over(self) -> None:
        """To the scribe, what is recorded."""
        recorder = self._engine.recorder
        for record, reason in self._handovers.send(recorder.take()).items():
            recorder.fail(record, reason)

    def _report(self, part: int) -> None:
        """All legs at once would cost a tick: after the first part the others follow, where there are so many."""
        reports = self._engine.leg_reports(self._pace.load, part, REPORT_TICKS // PART_TICKS)
        if part and not reports.reports:
            return
        self._answers.append(reports)
        if self._pace.load > _OVERLOAD:
            self._answers.append(Overloaded(load=self._pace.load))
        if part:
            return
        self._ports.shrink(self._now())
        if not self._engine.legs.by_id:
            gc.collect()

    def _tell(self) -> None:
        """Say what has happened; send RTCP; give back the ports of closed legs."""
        events = self._engine.take_events()
        for event in events:
            if isinstance(event, LegClosed | LegFailed):
                self._give_back(event)
        for local, address, data in self._engine.take_control():
            self._io.send_control(local, address, data)
        if events or self._answers:
            self._channel.send(self._answers + events)
            self._answers = []

    def _open_leg(self, command: OpenLeg) -> None:
        if command.leg in self._engine.legs.by_id:
            self._answers.append(LegFailed(leg=command.leg, reason=f"there is a leg {command.leg}"))
            return
        now = self._now()
        named = command.plan.remote if command.plan else None
        try:
            if command.alone and command.plan:
                port = command.resume.port if command.resume else 0
                pair = self._ports.take_alone(command.ipv6, peers_of(command.plan), port)
            elif command.resume:
                pair = self._ports.take_exactly(command.resume.port, command.ipv6)
            else:
                pair = self._ports.take(command.ipv6, now, lambda local: self._engine.is_free(local, named, now))
        except NoPort as none:
            self._answers.append(LegFailed(leg=command.leg, reason=str(none)))
            return
        self._local_of[command.leg] = pair.index
        self._engine.open_leg(command, pair.index, pair.port, now)

    def _change_port(self, command: ChangePort) -> None:
        now, old = self._now(), self._local_of.get(command.leg)
        if old is None:
            return

        def is_free(local: int) -> bool:
            return local != old and self._engine.is_free(local, command.remote, now)

        try:
            pair = self._ports.take(command.ipv6, now, is_free)
        except NoPort:
            self._answers.append(PortChanged(leg=command.leg, port=0))
            return
        if self._engine.rebind(command.leg, pair.index, now):
            self._local_of[command.leg] = pair.index
            self._ports.give_back(old, True, now)
            self._answers.append(PortChanged(leg=command.leg, port=pair.port))
        else:
            self._ports.give_back(pair.index, True, now)

    def _play(self, command: Play) -> None:
        try:
            reel = self._sounds.reel_of(command)
        except Unplayable as unplayable:
            self._answers.append(PlayEnded(play=command.play, cause="failed", reason=str(unplayable)))
        else:
            self._engine.play(command, reel)

    def _give_back(self, event: LegClosed | LegFailed) -> None:
        if isinstance(event, LegFailed) and event.leg in self._engine.legs.by_id:
            return
        local = self._local_of.pop(event.leg, None)
        if local is not None:
            was_heard = isinstance(event, LegClosed) and event.report.received > 0
            self._ports.give_back(local, was_heard or isinstance(event, LegFailed), self._now())

    def _describe(self, command: Describe) -> None:
        pace = self._pace
        counts = self._engine.describe() | {
            "ports": self._ports.used_pairs,
            "open_ports": self._ports.open_pairs,
            "load": round(pace.load, 4),
            "missed_ticks": pace.missed,
            "faults": pace.faults,
            "longest_tick_ms": round(pace.longest * 1000, 2),
        }
        self._answers.append(Described(token=command.token, counts=counts))

    def _capture(self, command: Capture) -> None:
        packets = self._engine.trail.of(command.leg, self._now())
        self._answers.append(Captured(token=command.token, packets=packets))

    def _stop(self, _: Stop) -> None:
        now = self._now()
        for leg in list(self._engine.legs.by_id):
            self._engine.close_leg(CloseLeg(leg=leg), now)
        self._handovers.close()
        self._running = False
