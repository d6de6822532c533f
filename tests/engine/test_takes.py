"""What single legs say, taken for a while: their names."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.contract import OpusTerms, Play, PlayEnded, SoundTaken, StopTake, TakeSound
from confserver.engine import takes
from confserver.engine.frame import NARROW
from confserver.engine.reel import SoundReel, ToneReel
from confserver.engine.takes import LEAD_TICKS, MOST, MOST_S
from confserver.engine.tones import parse
from confserver.scribe.own_names import OwnNames
from tests.engine.hall import EVENTS, START, Crowd, Hall, Phone, level_db, plan_for, rtp, silence, tone
from tests.engine.keytones import key

LEAD_S = LEAD_TICKS * 0.02
LEAST_DB = -60.0


def take(hall: Hall, phone: Phone, number: int = 3, most_s: float = 5.0, quiet_s: float = 2.0) -> None:
    hall.engine.takes.start(TakeSound(take=number, leg=phone.leg, most_s=most_s, quiet_s=quiet_s))


def taken(hall: Hall) -> SoundTaken:
    hall.events += hall.engine.take_events()
    [event] = hall.told(SoundTaken)
    return event


def sound(event: SoundTaken) -> np.ndarray:
    return np.frombuffer(event.samples, np.int16) / np.float32(32768)


@pytest.mark.parametrize(("codec", "hz", "rate"), [("PCMU", 440, 8000), ("G722", 2500, 16000), ("L16-48", 2500, 48000)])
def test_what_is_said_is_taken_at_16_khz_until_it_is_quiet(codec: str, hz: int, rate: int) -> None:
    hall = Hall()
    phone = hall.add(np.concatenate([np.zeros(rate), tone(hz, 1.2, 0.3, rate)]), codec=codec)
    hall.run(0.5)
    take(hall, phone, quiet_s=0.5)
    hall.run(2.5)
    event = taken(hall)
    samples = sound(event)
    assert event.cause == "quiet" and event.rate_hz == 16000
    assert 1.9 < len(samples) / 16000 < 2.2, "what was said, and half a second of quiet"
    said = np.flatnonzero(np.abs(samples) > 0.05)
    assert (said[-1] - said[0]) / 16000 == pytest.approx(1.2, abs=0.06)
    middle = samples[said[0] + 1600 : said[-1] - 1600]
    assert level_db(middle, hz, 16000) == pytest.approx(level_db(tone(hz, 1.0, 0.3, rate), hz, rate), abs=0.3)
    assert len(hall.engine.takes) == 0


def test_who_says_nothing_has_said_nothing() -> None:
    hall = Hall()
    phone = hall.add(silence(9))
    hall.run(0.2)
    take(hall, phone)
    hall.run(LEAD_S + 4.9)
    assert not hall.told(SoundTaken)
    hall.run(0.2)
    event = taken(hall)
    assert (event.cause, event.samples) == ("limit", b"")


def test_a_click_is_no_name() -> None:
    hall = Hall()
    phone = hall.add(np.concatenate([silence(1), tone(500, 0.02), silence(9)]))
    take(hall, phone)
    hall.run(5.5)
    assert (taken(hall).cause, taken(hall).samples) == ("limit", b"")


def test_who_never_ends_is_cut_off() -> None:
    hall = Hall()
    phone = hall.add(tone(440, 20))
    hall.run(0.2)
    take(hall, phone, most_s=5.0)
    hall.run(LEAD_S + 5.1)
    assert taken(hall).cause == "limit" and len(taken(hall).samples) == 5 * 32000


def test_nobody_takes_for_longer_than_the_worker_has_memory() -> None:
    hall = Hall()
    phone = hall.add(tone(440, 20))
    take(hall, phone, most_s=1e9)
    hall.run(LEAD_S + MOST_S + 0.1)
    assert len(taken(hall).samples) == MOST_S * 32000


def test_nothing_of_it_reaches_the_room_and_nothing_of_the_room_is_in_it() -> None:
    hall = Hall()
    ana = hall.add(tone(440, 4))
    bob = hall.add(tone(900, 4))
    hall.hear_all(muted=(ana.leg,), deaf=(ana.leg,))
    hall.run(0.2)
    take(hall, ana)
    hall.run(2)
    hall.engine.takes.stop(StopTake(take=3))
    samples = sound(taken(hall))
    assert level_db(samples, 440, 16000) > -20 and level_db(samples, 900, 16000) < LEAST_DB
    assert level_db(bob.sound(0.5, 2.0), 440) < LEAST_DB


def test_a_beep_that_is_over_is_not_in_it_even_where_the_phone_gives_it_back() -> None:
    """A loudspeaker telephone, whose echo comes 120 ms later."""
    hall = Hall()
    phone = hall.add(np.concatenate([silence(1.32), tone(1000, 0.2, 0.1), silence(0.3), tone(440, 1, 0.3), silence(4)]))
    hall.run(1.2)
    hall.engine.play(Play(play=9, room=1, leg=phone.leg, tones="beep"), ToneReel(parse("beep")))
    while not hall.told(PlayEnded):
        hall.tick()
    assert hall.now - START < 1.45, "the echo is not over yet"
    take(hall, phone)
    hall.run(4)
    samples = sound(taken(hall))
    said = np.flatnonzero(np.abs(samples) > 0.05)
    assert level_db(samples[: said[0]], 1000, 16000) < LEAST_DB and len(samples[: said[0]]) > 1600
    assert level_db(samples[said[0] : said[-1]], 440, 16000) > -12


@pytest.mark.parametrize("ms", [80, 400])
def test_a_key_as_a_tone_ends_it_and_is_not_in_it(ms: int) -> None:
    hall = Hall()
    pressed = np.concatenate([silence(0.5), tone(440, 0.8, 0.3), silence(0.2), key("#", ms), silence(4)])
    phone = hall.add(pressed, changes={"incoming": plan_for_tones()})
    take(hall, phone)
    hall.run(0.5 + 0.8 + 0.2 + ms / 1000 + 0.2)
    hall.engine.takes.stop(StopTake(take=3))
    samples = sound(taken(hall))
    assert level_db(samples, 440, 16000) > -20
    for hz in (941, 1477):
        assert level_db(samples[-4800:], hz, 16000) < LEAST_DB


def plan_for_tones() -> list:
    phone = Phone(1, ("127.0.0.1", 4000), silence(1))
    return [each for each in plan_for(phone).incoming if "event" not in each.format]


def test_a_key_as_an_event_ends_it_and_its_tone_beside_is_not_in_it() -> None:
    """Some phones send both."""
    hall = Hall()
    phone = hall.add(np.concatenate([silence(0.5), tone(440, 0.8, 0.3), silence(0.2), key("#", 200), silence(4)]))
    take(hall, phone)
    hall.run(1.5)
    begin = phone.timestamp
    for place in range(12):
        end = 0x80 if place >= 10 else 0
        payload = bytes([11, end | 10]) + (160 * (min(place, 10) + 1)).to_bytes(2, "big")
        hall.say(phone, rtp(EVENTS, phone.sequence, begin, phone.ssrc, payload))
        phone.sequence += 1
        hall.tick()
    hall.run(0.1)
    hall.engine.takes.stop(StopTake(take=3))
    samples = sound(taken(hall))
    assert level_db(samples, 440, 16000) > -25
    for hz in (941, 1477):
        assert level_db(samples[-4800:], hz, 16000) < LEAST_DB


def test_a_leg_that_goes_ends_its_take() -> None:
    hall = Hall()
    phone = hall.add(tone(440, 5))
    take(hall, phone)
    hall.run(1)
    hall.remove(phone)
    assert taken(hall).cause == "closed" and len(taken(hall).samples) > 16000
    hall.engine.takes.stop(StopTake(take=3))
    assert len(hall.engine.takes) == 0 and taken(hall)


def test_no_such_leg_too_many_and_the_same_again_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Hall()
    first, second = hall.add(tone(440, 5)), hall.add(tone(550, 5))
    hall.engine.takes.start(TakeSound(take=1, leg=99, most_s=5, quiet_s=2))
    monkeypatch.setattr(takes, "MOST", 1)
    take(hall, first, 2)
    take(hall, second, 3)
    take(hall, first, 4)
    hall.run(0.1)
    assert [(each.take, each.cause) for each in hall.told(SoundTaken)] == [(1, "closed"), (3, "busy"), (2, "stopped")]


def test_a_phone_that_changes_its_codec_in_the_middle_is_understood() -> None:
    hall = Hall()
    phone = hall.add(tone(440, 9, 0.3))
    hall.run(0.5)
    take(hall, phone)
    hall.run(1)
    phone.change("L16-48", tone(440, 9, 0.3, 48000), 10)
    hall.run(1)
    hall.engine.takes.stop(StopTake(take=3))
    samples = sound(taken(hall))
    assert level_db(samples[2000:12000], 440, 16000) == pytest.approx(level_db(samples[-12000:], 440, 16000), abs=1)


def test_silent_opus_wakes_in_time() -> None:
    hall = Hall()
    says = np.concatenate([np.zeros(3 * 16000), tone(440, 1, 0.3, 16000), np.zeros(16000 * 4)])
    phone = hall.add(says, codec="opus", changes={"opus": OpusTerms()}, encoding={"dtx": True})
    take(hall, phone)
    hall.run(5.3)
    loud = np.flatnonzero(np.abs(sound(taken(hall))) > 0.1)
    assert (loud[-1] - loud[0]) / 16000 == pytest.approx(1.0, abs=0.1)


def test_what_he_says_is_what_is_played_of_him_as_loud_as_prompts_are(tmp_path: Path) -> None:
    """From one phone to another's ear: the tone alone, at -20 dBov, which a sine has 3 dB below that peak."""
    hall = Hall()
    ana = hall.add(np.concatenate([silence(0.8), tone(440, 1.2, 0.05), silence(9)]))
    hall.run(0.1)
    take(hall, ana, quiet_s=0.3)
    hall.run(2.5)
    event = taken(hall)
    samples, _ = soundfile.read(OwnNames(tmp_path).keep("p1", event.rate_hz, event.samples), dtype="int16")
    bob = hall.add(silence(9))
    hall.engine.play(Play(play=4, room=1, leg=bob.leg), SoundReel([{NARROW: samples[::2, None]}]))
    hall.run(1.3)
    assert level_db(bob.sound(0.3, 1.0), 440) == pytest.approx(-17, abs=1)
    for hz in (1000, 941, 1477):
        assert level_db(bob.sound(0.3, 1.0), hz) < -45


def test_all_takes_at_once_cost_little() -> None:
    """Of a tick of 20 ms; the bound is wide, for a machine that has other things to do."""
    crowd = Crowd(MOST, 4, 1)
    costs = []
    for leg in range(MOST):
        crowd.engine.takes.start(TakeSound(take=leg + 1, leg=leg, most_s=5, quiet_s=9))
    hushed = np.zeros(0, np.intp)
    for _ in range(20):
        crowd.tick()
        began = time.perf_counter()
        crowd.engine.takes.tick(hushed)
        costs.append(time.perf_counter() - began)
    assert sorted(costs)[len(costs) // 2] < 0.004
