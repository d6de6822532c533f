"""Keys pressed towards participants: as events in place of sound where agreed (RFC 4733), else as tones.

::

    SendDigits -> waits for those before it -> events: one packet a tick, sound in the gaps -> DigitsSent
                                               tones: a play that this leg alone hears      -> DigitsSent

Events stand in the leg's own stream (RFC 4733 section 2.5.1): its SSRC and sequence, the timestamp of the beginning,
the marker on the first, the end three times. No sound is sent meanwhile, while its time goes on.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from confserver.contract import LegId, Play, PlayId, RoomId, SendDigits
from confserver.engine.dtmf import HIGH_HZ, KEYS, LOW_HZ
from confserver.engine.frame import TICK_S
from confserver.engine.reel import Reel, ToneReel
from confserver.engine.seats import Seats
from confserver.engine.tones import Step, Tones
from confserver.rtp.telephone_event import END_PACKETS, Outgoing, press

PAUSE = ","
PAUSE_MS = 500
LEAST_MS, MOST_MS = 40, 5000
"""Q.24 wants 40 ms at least, of a key and of a gap."""
MOST_WAITING = 16
"""Orders for one leg."""
_TONE_DB = -12.0
"""Of each tone, to a full-scale sine: -9 dBm0, as phones send."""
_DUCK_DB = 60.0
"""What else there is to hear would make the tones unclear."""
_TICK_MS = round(TICK_S * 1000)
_TICKS_A_S = round(1 / TICK_S)

PlayTones = Callable[[Play, Reel, int], None]
"""``Player.play``."""


@dataclass(frozen=True, slots=True)
class EventPacket:
    """What a row sends instead of sound in this tick."""

    payload_type: int
    marker: bool
    timestamp: int
    payload: bytes


@dataclass(slots=True, eq=False)
class _Line:
    """The orders for one leg; the first of them is being carried out."""

    leg: LegId
    room: RoomId
    orders: deque[SendDigits] = field(default_factory=deque)
    packets: Iterator[Outgoing | None] | None = None
    began: int = 0
    """RTP timestamp of the press."""
    play: PlayId | None = None


class Dialing:
    """All keys on their way to participants. A key is a character of KEYS, a comma a pause of PAUSE_MS."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self.play: PlayTones = lambda play, reel, row: None
        """Plays tones to one leg; set by who knows the player."""
        self._lines: dict[int, _Line] = {}
        self._numbers = itertools.count(-1, -1)
        """Of plays; those of the signalling process are above zero."""
        self.packets: dict[int, EventPacket] = {}
        """What rows send in this tick instead of sound."""
        self._done: list[LegId] = []

    # ------------------------------------------------------------------ between ticks
    def start(self, row: int, room: RoomId, order: SendDigits) -> None:
        """Press keys when those before are done. Raises ValueError for what are no keys, or too many orders."""
        wrong = set(order.digits.upper()) - set(KEYS) - {PAUSE}
        if wrong:
            raise ValueError(f"no keys: {''.join(sorted(wrong))!r}")
        line = self._lines.setdefault(row, _Line(order.leg, room))
        if len(line.orders) >= MOST_WAITING:
            raise ValueError(f"{MOST_WAITING} orders wait already")
        line.orders.append(order)

    def stop(self, row: int) -> None:
        """The leg is gone; the player forgets what plays to it by itself."""
        self._lines.pop(row, None)
        self.packets.pop(row, None)

    def follow_room(self, row: int, room: RoomId) -> None:
        """The leg is in another room: what is still to be pressed is pressed there."""
        if row in self._lines:
            self._lines[row].room = room

    def tones_ended(self, play: PlayId) -> None:
        """A play of ours is over, however it ended."""
        for row, line in list(self._lines.items()):
            if line.play == play:
                line.play = None
                self._finish(row, line)

    def take_done(self) -> list[LegId]:
        """Give the legs whose orders are done, each as often as it had one."""
        done, self._done = self._done, []
        return done

    def _finish(self, row: int, line: _Line) -> None:
        self._done.append(line.leg)
        line.orders.popleft()
        line.packets = None
        if not line.orders:
            del self._lines[row]

    @property
    def rows(self) -> list[int]:
        """Those for which an order waits or is carried out."""
        return list(self._lines)

    # ------------------------------------------------------------------ the tick
    def step(self) -> dict[int, EventPacket]:
        """Give this tick's ``packets``; wanted once the timestamps are the tick's."""
        self.packets.clear()
        for row, line in list(self._lines.items()):
            if line.play is None and self._step(row, line):
                self._finish(row, line)
        return self.packets

    def _step(self, row: int, line: _Line) -> bool:
        """One tick of one leg. True: its order is done."""
        payload_type = int(self._seats.out_event[row])
        if line.packets is None:
            if not payload_type:
                self._play_tones(row, line)
                return False
            line.packets = _packets(line.orders[0], int(self._seats.out_units[row]) * _TICKS_A_S)
        packet = next(line.packets, _OVER)
        if packet is _OVER or not payload_type:
            return True
        if packet is not None:
            if packet.marker:
                line.began = int(self._seats.out_timestamp[row])
            timestamp = (line.began + packet.offset) & 0xFFFFFFFF
            self.packets[row] = EventPacket(payload_type, packet.marker, timestamp, packet.payload)
        return False

    def _play_tones(self, row: int, line: _Line) -> None:
        line.play = next(self._numbers)
        play = Play(play=line.play, room=line.room, leg=line.leg, duck_db=_DUCK_DB)
        self.play(play, ToneReel(tones_of(line.orders[0])), row)

    def __len__(self) -> int:
        return len(self._lines)


_OVER = Outgoing(False, 0, b"")


def _packets(order: SendDigits, clock_hz: int) -> Iterator[Outgoing | None]:
    """What is sent on one tick after another; None: sound."""
    on_ms, off_ms = _within(order.duration_ms), _within(order.gap_ms)
    for digit in order.digits.upper():
        if digit == PAUSE:
            yield from itertools.repeat(None, PAUSE_MS // _TICK_MS)
            continue
        yield from press(digit, on_ms, _TICK_MS, clock_hz)
        yield from itertools.repeat(None, max(off_ms // _TICK_MS - (END_PACKETS - 1), 1))


def tones_of(order: SendDigits) -> Tones:
    """The same as tones."""
    on_ms, off_ms = _within(order.duration_ms), _within(order.gap_ms)
    steps = [Step((), 0.0, LEAST_MS)]
    for digit in order.digits.upper():
        if digit == PAUSE:
            steps.append(Step((), 0.0, PAUSE_MS))
        else:
            place = KEYS.index(digit)
            hz = float(LOW_HZ[place // 4]), float(HIGH_HZ[place % 4])
            steps.append(Step(hz, 10 ** (_TONE_DB / 20), on_ms, off_ms))
    return Tones(steps, repeats=False)


def _within(ms: int) -> int:
    return min(max(ms, LEAST_MS), MOST_MS)
