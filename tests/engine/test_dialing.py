"""Keys pressed towards participants: the series of packets of RFC 4733, and the tones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from confserver.contract import SendDigits
from confserver.engine.dialing import MOST_WAITING, Dialing, tones_of
from confserver.engine.dtmf import KEYS
from confserver.rtp.telephone_event import DigitReceiver, parse
from tests.engine.keytones import digits_of, listen

EVENTS, ROW, LEG, ROOM = 101, 3, 17, 1


class Desk:
    """Dialing over a row whose time goes on, and a player that only takes note."""

    def __init__(self, units: int = 160, event: int = EVENTS) -> None:
        columns = {"out_event": event, "out_units": units, "out_timestamp": 0xFFFFFF00}
        self.seats = SimpleNamespace(
            **{name: np.full(8, value, np.uint32 if "time" in name else np.uint16) for name, value in columns.items()}
        )
        self.plays: list = []
        self.dialing = Dialing(self.seats)
        self.dialing.play = lambda play, reel, row: self.plays.append((play, reel, row))
        self.units = units
        self.sent: list = []
        """Of each tick: the packet, or None where sound was sent."""
        self.done: list[int] = []

    def order(self, digits: str, **how: int) -> None:
        self.dialing.start(ROW, ROOM, SendDigits(leg=LEG, digits=digits, **how))

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.seats.out_timestamp += np.uint32(self.units)
            self.sent.append(self.dialing.step().get(ROW))
            self.done += self.dialing.take_done()

    def heard(self) -> list[tuple[str, int]]:
        """What a phone makes of it."""
        receiver = DigitReceiver(self.units * 50)
        presses = [press for packet in self.sent if packet for press in receiver.feed(packet.timestamp, packet.payload)]
        return [(press.digit, press.duration_ms) for press in presses]


@pytest.mark.parametrize("units", [160, 960], ids=["8 kHz", "48 kHz"])
def test_a_key_is_a_series_of_packets_with_the_time_of_its_beginning(units):
    desk = Desk(units)
    desk.run(3)
    desk.order("5", duration_ms=100)
    desk.run(12)
    assert desk.sent[:3] == [None] * 3
    packets = desk.sent[3:10]
    assert [packet.marker for packet in packets] == [True] + [False] * 6
    assert {packet.timestamp for packet in packets} == {(0xFFFFFF00 + 4 * units) & 0xFFFFFFFF}
    assert {packet.payload_type for packet in packets} == {EVENTS}
    events = [parse(packet.payload) for packet in packets]
    assert [event.duration for event in events] == [units * n for n in (1, 2, 3, 4, 5, 5, 5)]
    assert [event.end for event in events] == [False] * 4 + [True] * 3
    assert {event.digit for event in events} == {"5"}
    assert desk.sent[10:] == [None] * 5 and desk.done == [LEG]


def test_keys_follow_one_another_with_sound_between_them():
    desk = Desk()
    desk.order("12#a", duration_ms=60, gap_ms=100)
    desk.run(60)
    assert desk.heard() == [("1", 60), ("2", 60), ("#", 60), ("A", 60)]
    begins = [tick for tick, packet in enumerate(desk.sent) if packet and packet.marker]
    assert np.diff(begins).tolist() == [8, 8, 8], "60 and 100 ms"
    assert desk.done == [LEG]


def test_a_comma_is_a_pause():
    desk = Desk()
    desk.order("1,,2", duration_ms=100, gap_ms=60)
    desk.run(80)
    begins = [tick for tick, packet in enumerate(desk.sent) if packet and packet.marker]
    assert np.diff(begins).tolist() == [8 + 50]


def test_every_key_and_long_ones():
    desk = Desk(960)
    desk.order(KEYS, duration_ms=2000)
    desk.run(16 * 110)
    assert desk.heard() == [(key, 2000) for key in KEYS]


@pytest.mark.parametrize("ms", [0, 1, 39])
def test_keys_that_nobody_would_hear_last_as_long_as_they_must(ms):
    desk = Desk()
    desk.order("1", duration_ms=ms, gap_ms=ms)
    desk.run(20)
    assert desk.heard() == [("1", 40)]


def test_a_second_order_waits_for_the_first():
    desk = Desk()
    desk.order("1")
    desk.order("2")
    desk.run(40)
    assert [digit for digit, _ in desk.heard()] == ["1", "2"]
    assert desk.done == [LEG, LEG] and len(desk.dialing) == 0


@pytest.mark.parametrize("digits", ["x", "1 2", "12é", "١"])
def test_what_is_no_key_is_refused(digits):
    desk = Desk()
    with pytest.raises(ValueError, match="no keys"):
        desk.order(digits)
    desk.run(3)
    assert desk.sent == [None] * 3 and len(desk.dialing) == 0


def test_orders_do_not_pile_up_without_end():
    desk = Desk()
    for _ in range(MOST_WAITING):
        desk.order("1")
    with pytest.raises(ValueError, match="wait already"):
        desk.order("1")


def test_a_leg_that_goes_takes_its_orders_along():
    desk = Desk()
    desk.order("123")
    desk.run(3)
    desk.dialing.stop(ROW)
    desk.run(3)
    assert desk.sent[3:] == [None] * 3 and desk.done == []


def test_a_leg_that_takes_no_events_any_more_is_done():
    desk = Desk()
    desk.order("123")
    desk.run(3)
    desk.seats.out_event[:] = 0
    desk.run(3)
    assert desk.sent[3:] == [None] * 3 and desk.done == [LEG] and not desk.plays


# ---------------------------------------------------------------------- tones
def test_a_leg_that_takes_no_events_gets_tones_one_order_after_another():
    desk = Desk(event=0)
    desk.order("1")
    desk.order("2")
    desk.run(5)
    ((play, _, row),) = desk.plays
    assert (play.leg, play.room, row) == (LEG, ROOM, ROW)
    assert play.play < 0, "no number of the signalling process"
    desk.dialing.tones_ended(play.play)
    desk.run(1)
    assert desk.done == [LEG]
    assert len(desk.plays) == 2 and desk.plays[1][0].play != play.play
    desk.dialing.tones_ended(12345)
    desk.run(1)
    assert desk.done == [LEG]
    assert desk.sent == [None] * 7


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_the_tones_are_those_of_the_keys(rate):
    tones = tones_of(SendDigits(leg=LEG, digits="0123456789*#abcd,1", duration_ms=60, gap_ms=60))
    sound = np.zeros(tones.length * rate // 48000 + rate // 4, np.float32)
    tones.render(0, rate, sound)
    heard, _ = listen([sound], (8000, 16000, 48000).index(rate))
    assert digits_of(heard, 0) == "0123456789*#ABCD1"
    assert {each.duration_ms for each in heard} <= {50, 55, 60, 65}
    assert 0.3 < np.abs(sound).max() < 0.6
