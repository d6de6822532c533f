"""What the engine tells: key presses, who speaks, who is silent; each thing once."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import (
    CloseLeg,
    DigitPressed,
    FirstPacket,
    LegClosed,
    LegLatched,
    LegOpened,
    LegSilent,
    SetLeg,
    SpeakingChanged,
)  # fmt: skip
from confserver.rtp import rtcp
from confserver.rtp.telephone_event import press
from tests.engine.hall import EVENTS, Hall, Phone, level_db, plan_for, rtp, silence, tone


def _room(says=None, **more):
    hall = Hall(**more)
    talker = hall.add(silence(30) if says is None else says)
    listener = hall.add(silence(1))
    hall.run(0.2)
    return hall, talker, listener


def _press(hall: Hall, phone: Phone, digit: str, lost=lambda number: False, ms: int = 100) -> None:
    """Press a key: its packets stand in place of sound, as phones send them."""
    begin = phone.timestamp
    for number, packet in enumerate(press(digit, ms)):
        data = rtp(EVENTS, phone.sequence, begin + packet.offset, phone.ssrc, packet.payload)
        phone.sequence += 1
        phone.next_at += 0.02
        phone.pass_time()
        if not lost(number):
            hall.say(phone, data, 0.005)
        hall.tick()


# ---------------------------------------------------------------------- key presses
def test_each_press_is_told_once_and_never_heard():
    hall, talker, listener = _room()
    for digit in "159*0#D":
        _press(hall, talker, digit)
        hall.run(0.1)
    assert [event.digit for event in hall.told(DigitPressed)] == list("159*0#D")
    assert {event.leg for event in hall.told(DigitPressed)} == {talker.leg}
    assert {event.duration_ms for event in hall.told(DigitPressed)} == {100}
    assert np.abs(listener.sound()).max() == 0
    report = hall.report(talker)
    assert (report.lost, report.late, report.discarded) == (0, 0, 0), "a digit is no loss"


def test_a_key_pressed_while_talking_is_not_heard_and_the_voice_of_others_stays():
    """By Goertzel: nothing at the two tones of the key 5, before, in and after it; the other talker without a gap."""
    hall = Hall()
    talker = hall.add(tone(500, 4))
    hall.add(tone(900, 4))
    listener = hall.add(silence(1))
    hall.run(1.0)
    _press(hall, talker, "5", ms=200)
    hall.run(1.0)
    assert [event.digit for event in hall.told(DigitPressed)] == ["5"]
    heard = listener.sound(0.3, 2.1)
    parts = [heard[at : at + 800] for at in range(0, len(heard) - 800, 400)]
    assert len(parts) > 30
    for hz in (770, 1340):
        assert max(level_db(part, hz) for part in parts) < -40, f"{hz} Hz of the key"
    assert min(level_db(part, 900) for part in parts) > 20 * np.log10(0.2) - 1, "who talks beside is heard all the time"


def test_a_press_whose_end_is_lost_is_told_when_sound_goes_on():
    hall, talker, _ = _room()
    _press(hall, talker, "7", lost=lambda number: number >= 3)
    hall.run(1)
    assert [(event.digit, event.duration_ms) for event in hall.told(DigitPressed)] == [("7", 60)]
    assert not hall.engine.strays._pressing


def test_a_press_whose_end_is_lost_is_told_also_when_nothing_comes_any_more():
    hall, talker, _ = _room()
    talker.pauses = True
    _press(hall, talker, "7", lost=lambda number: number >= 3)
    hall.run(1)
    assert [event.digit for event in hall.told(DigitPressed)] == ["7"]


def test_a_press_is_told_once_however_many_of_its_packets_are_lost_or_doubled():
    for keep in range(7):
        hall, talker, _ = _room()
        _press(hall, talker, "3", lost=lambda number: number != keep)
        _press(hall, talker, "3")
        hall.run(1)
        assert [event.digit for event in hall.told(DigitPressed)] == ["3", "3"]


def test_a_long_press_is_one():
    hall, talker, _ = _room()
    _press(hall, talker, "5", ms=3000)
    hall.run(1)
    assert [(event.digit, event.duration_ms) for event in hall.told(DigitPressed)] == [("5", 3000)]


def test_presses_from_strangers_and_broken_ones_are_nobodys():
    hall, talker, _ = _room()
    for number, packet in enumerate(press("1")):
        data = rtp(EVENTS, number, packet.offset, 0xBAD, packet.payload)
        hall.send(0, ("203.0.113.9", 40000), data)
    hall.say(talker, rtp(EVENTS, talker.sequence, 0, talker.ssrc, b"\1\2"))
    hall.run(1)
    assert hall.told(DigitPressed) == []
    assert hall.report(talker).discarded == 1


def test_a_leg_that_closes_while_a_key_is_held_leaves_nothing():
    hall, talker, _ = _room()
    _press(hall, talker, "1", lost=lambda number: number > 2)
    hall.remove(talker)
    hall.run(0.1)
    assert not hall.engine.strays._pressing


# ---------------------------------------------------------------------- who speaks
def test_speaking_is_told_once_when_it_begins_and_once_when_it_ends():
    says = silence(10)
    for start in (1.0, 5.0):
        begin = int(start * 8000)
        says[begin : begin + 16000] = tone(500, 2) * (np.arange(16000) // 1600 % 3 < 2)
    hall, talker, _ = _room(says)
    hall.run(9)
    told = [(event.leg, event.speaking) for event in hall.told(SpeakingChanged)]
    assert told == [(talker.leg, True), (talker.leg, False)] * 2


def test_a_click_is_nobody_speaking():
    says = silence(4)
    says[8000:8200] = tone(500, 0.025)
    hall, _, _ = _room(says)
    hall.run(3)
    assert hall.told(SpeakingChanged) == []


@pytest.mark.parametrize("how", ["close", "hold"])
def test_one_who_speaks_no_more_because_he_is_gone_is_told_too(how):
    hall, talker, _ = _room(tone(500, 30))
    hall.run(1)
    if how == "close":
        hall.engine.close_leg(CloseLeg(leg=talker.leg), hall.now)
        hall.engine.close_leg(CloseLeg(leg=talker.leg), hall.now)
    else:
        hall.set(talker, receives=False)
    hall.run(2)
    assert [event.speaking for event in hall.told(SpeakingChanged)] == [True, False]
    assert len(hall.told(LegClosed)) == (how == "close")


def test_the_muted_are_seen_speaking():
    hall, talker, listener = _room(tone(500, 30))
    hall.hear_all(muted=[talker.leg])
    hall.run(1)
    assert [event.speaking for event in hall.told(SpeakingChanged)] == [True]
    assert np.abs(listener.sound(0.4)).max() == 0


# ---------------------------------------------------------------------- coming, silent, going
def test_first_packet_and_latch_are_told_once():
    hall, talker, listener = _room()
    hall.run(3)
    for kind in (LegOpened, FirstPacket, LegLatched):
        assert sorted(event.leg for event in hall.told(kind)) == [talker.leg, listener.leg]


def test_a_silent_leg_is_told_after_its_time_and_again():
    hall, talker, listener = _room(silence_s=5.0)
    talker.pauses = True
    hall.run(6.1)
    assert [(event.leg, event.seconds) for event in hall.told(LegSilent)] == [(talker.leg, 5.0)]
    hall.run(6)
    assert len(hall.told(LegSilent)) == 2
    talker.pauses = False
    hall.run(6)
    assert len(hall.told(LegSilent)) == 2
    assert listener.leg


def test_a_leg_that_may_not_send_is_never_silent():
    hall, talker, _ = _room(silence_s=3.0)
    hall.set(talker, receives=False)
    talker.pauses = True
    hall.run(8)
    assert hall.told(LegSilent) == []
    hall.set(talker)
    hall.run(2.5)
    assert hall.told(LegSilent) == [], "its time counts from the resume"
    hall.run(2)
    assert len(hall.told(LegSilent)) == 1


def test_reports_of_the_peer_are_a_sign_of_life():
    hall, talker, _ = _room(silence_s=3.0)
    talker.pauses = True
    for _ in range(8):
        hall.run(1)
        hall.send(1, talker.address, rtcp.compound(rtcp.ReceiverReport(ssrc=talker.ssrc), "phone"))
    assert hall.told(LegSilent) == []


def test_a_closed_leg_gives_its_last_report():
    hall, talker, _ = _room()
    hall.run(1)
    hall.remove(talker)
    hall.run(0.1)
    (closed,) = hall.told(LegClosed)
    assert closed.leg == talker.leg and closed.report.leg == talker.leg
    assert (closed.report.received, closed.report.sent, closed.report.lost) == (60, 60, 0)


def test_commands_for_unknown_legs_do_nothing():
    hall, talker, _ = _room()
    events = len(hall.events)
    hall.engine.close_leg(CloseLeg(leg=99), hall.now)
    hall.engine.set_leg(SetLeg(leg=99, plan=plan_for(talker)), hall.now)
    hall.run(0.1)
    assert len(hall.events) == events
