"""Somebody sounds different to one listener alone: exactly so, for who talks and who is silent, and without a click."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import MixSources, Record, SetHearing
from tests.engine.hall import Hall, Phone, level_db, silence, steepest, tone

LEVEL = 20 * np.log10(0.2)
LOW = 150.0
OWN_STEP = 0.2 * 2 * np.pi * LOW / 8000
ROUGH = 0.016


def wave(seconds: float) -> np.ndarray:
    return (0.2 * np.cos(2 * np.pi * LOW * np.arange(int(seconds * 8000)) / 8000)).astype(np.float32)


def hears(hall: Hall, *exceptions: tuple[Phone, Phone, float], whispering: tuple[Phone, ...] = ()) -> None:
    """Everybody hears all who do not whisper, but for the exceptions (listener, source, gain)."""
    legs = [phone.leg for phone in hall.phones]
    heard = [phone.leg for phone in hall.phones if phone not in whispering]
    hall.engine.set_hearing(
        SetHearing(
            room=1,
            mixes=[MixSources(legs=[], gains=[]), MixSources(legs=heard, gains=[1.0] * len(heard))],
            listeners=[(leg, 1) for leg in legs],
            exceptions=[(to.leg, source.leg, gain) for to, source, gain in exceptions],
            private=[phone.leg for phone in whispering],
        )
    )


def heard(phone: Phone, hz: float, start: float = 0.5) -> float:
    return level_db(phone.sound(start), hz)


@pytest.mark.parametrize("codec", ["PCMU", "opus", "G722"])
@pytest.mark.parametrize("talks", [False, True])
def test_only_one_hears_a_whisper_and_hears_the_others_as_before(talks: bool, codec: str) -> None:
    hall = Hall()
    rate = 8000 if codec == "PCMU" else 16000
    whisperer, other = hall.add(tone(410, 2, rate=rate), codec), hall.add(tone(730, 2))
    listener, third = hall.add(tone(1170, 2) if talks else silence(2)), hall.add(silence(2))
    hears(hall, (listener, whisperer, 1.0), whispering=(whisperer,))
    hall.run(2)
    assert heard(listener, 410) == pytest.approx(LEVEL, abs=0.7) and heard(listener, 730) == pytest.approx(
        LEVEL, abs=0.5
    )
    assert heard(listener, 1170) < LEVEL - 45, "never his own voice"
    for phone in (other, third):
        assert heard(phone, 410) < -60
    assert heard(whisperer, 410) < -60 and heard(whisperer, 730) == pytest.approx(LEVEL, abs=0.5)


@pytest.mark.parametrize("talks", [False, True])
@pytest.mark.parametrize("gain", [0.0, 0.1, 0.5, 2.0])
def test_a_gain_for_one_listener_is_exact(talks: bool, gain: float) -> None:
    hall = Hall()
    source, _ = hall.add(tone(410, 2)), hall.add(tone(730, 2))
    listener, third = hall.add(tone(1170, 2) if talks else silence(2)), hall.add(silence(2))
    hears(hall, (listener, source, gain))
    hall.run(2)
    if gain:
        assert heard(listener, 410) == pytest.approx(LEVEL + 20 * np.log10(gain), abs=0.5)
    else:
        assert heard(listener, 410) < -60
    assert heard(third, 410) == pytest.approx(LEVEL, abs=0.5)
    for phone in (listener, third):
        assert heard(phone, 730) == pytest.approx(LEVEL, abs=0.5)


@pytest.mark.parametrize("talks", [False, True])
def test_whispers_come_and_go_without_a_click(talks: bool) -> None:
    """For who hears it and for those who do not: their sounds change at once, and never by a step."""
    hall = Hall()
    whisperer = hall.add(wave(6))
    listener, third = hall.add(tone(40, 6, 0.1) if talks else silence(6)), hall.add(silence(6))
    hall.run(1)
    for _ in range(10):
        hears(hall, (listener, whisperer, 1.0), whispering=(whisperer,))
        hall.run(0.2)
        hears(hall)
        hall.run(0.2)
    assert steepest(listener.sound(0.5)) < OWN_STEP + ROUGH
    assert steepest(third.sound(0.5)) < OWN_STEP + ROUGH + (0.1 * 2 * np.pi * 40 / 8000 if talks else 0)
    whispered = np.abs(third.sound(1.1, 1.2)).max() if not talks else 0.0
    assert whispered == 0.0
    assert len(listener.heard) == len(third.heard)


def test_somebody_who_talks_while_he_is_whispered_to_keeps_hearing_exactly_the_others() -> None:
    """The exception stays while he begins and ends to talk."""
    hall = Hall()
    whisperer = hall.add(tone(410, 6))
    says = np.concatenate([silence(1), tone(1170, 1), silence(1), tone(1170, 1), silence(2)])
    listener, third = hall.add(says), hall.add(silence(6))
    hears(hall, (listener, whisperer, 1.0), whispering=(whisperer,))
    hall.run(6)
    for second in range(1, 6):
        assert level_db(listener.sound(second + 0.3, second + 0.9), 410) == pytest.approx(LEVEL, abs=0.5)
        assert level_db(listener.sound(second + 0.3, second + 0.9), 1170) < LEVEL - 40
    assert level_db(third.sound(1.3, 1.9), 1170) == pytest.approx(LEVEL, abs=0.5)
    assert heard(third, 410) < -60


def test_a_sidebar_is_a_mix_of_its_own() -> None:
    hall = Hall()
    ana, bob, carl, dora = hall.add(tone(410, 3)), hall.add(silence(3)), hall.add(tone(730, 3)), hall.add(silence(3))
    mixes = [
        MixSources(legs=[], gains=[]),
        MixSources(legs=[carl.leg, dora.leg], gains=[1.0, 1.0]),
        MixSources(legs=[ana.leg, bob.leg, carl.leg, dora.leg], gains=[1.0, 1.0, 0.1, 0.1]),
    ]
    listeners = [(ana.leg, 2), (bob.leg, 2), (carl.leg, 1), (dora.leg, 1)]
    hall.engine.set_hearing(SetHearing(room=1, mixes=mixes, listeners=listeners, private=[ana.leg, bob.leg]))
    hall.run(1.5)
    assert heard(bob, 410) == pytest.approx(LEVEL, abs=0.5) and heard(bob, 730) == pytest.approx(LEVEL - 20, abs=0.7)
    assert heard(ana, 410) < -60 and heard(ana, 730) == pytest.approx(LEVEL - 20, abs=0.7)
    assert heard(dora, 410) < -60 and heard(dora, 730) == pytest.approx(LEVEL, abs=0.5)
    hall.hear_all()
    hall.run(1)
    assert level_db(dora.sound(1.7), 410) == pytest.approx(LEVEL, abs=0.5)


def test_what_is_private_is_not_recorded() -> None:
    hall = Hall()
    whisperer, other = hall.add(tone(410, 2)), hall.add(tone(730, 2))
    hears(hall, (other, whisperer, 1.0), whispering=(whisperer,))
    hall.engine.recorder.start(Record(record=1, room=1, socket="", tracks=True))
    hall.run(1)
    mix = hall.engine.recorder
    room = hall.engine.floor.rooms[1]
    legs, _ = mix._tracks(room)
    assert legs == [other.leg]
    sums = hall.engine.outgoing.mixers[room.band].sums[room.tap]
    frame = np.tile(sums, 50)
    assert level_db(frame, 410, 50 * len(sums)) < -40
    assert np.abs(sums).max() == pytest.approx(0.2, abs=0.02)
