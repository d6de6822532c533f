"""Who says what."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from confserver.bench.options import Options
from confserver.bench.plan import (
    PHASES,
    SOUND_FRAMES,
    Part,
    amplitude,
    burst_frames,
    callers,
    silent_frames,
    tone_frames,
    tone_of,
    tones,
)  # fmt: skip
from confserver.bench.sound import BIN_HZ, decibels, sums
from confserver.engine.codecs.g711 import PCMU


def decoded(frames: np.ndarray) -> np.ndarray:
    out = np.empty(frames.shape, np.float32)
    PCMU.decode(frames, out)
    return out.reshape(-1)


def test_the_load_of_500_has_a_tone_for_every_talker() -> None:
    everybody = callers(Options())
    talkers = [one for one in everybody if one.part is Part.TALKER]
    assert len(talkers) == 150
    assert len({one.hz for one in talkers}) == 150
    assert [one.number for one in everybody] == list(range(520))


def test_rooms_are_filled_one_after_another() -> None:
    everybody = callers(Options(callers=25, rooms_of=10, talkers=3, probes=1))
    sizes = {room: sum(one.room == room for one in everybody) for room in {one.room for one in everybody}}
    assert sizes == {"bench-1": 10, "bench-2": 10, "bench-3": 5, "bench-delay-1": 2}
    assert [one.part for one in everybody[:2]] == [Part.CLAPPER, Part.TIMER]
    for room in ("bench-1", "bench-2", "bench-3"):
        inside = [one for one in everybody if one.room == room]
        assert sum(one.part is Part.TALKER for one in inside) == 3
        assert [one.is_checked for one in inside] == [True, *[False] * (len(inside) - 2), True]


def test_callers_are_spread_over_the_20_ms() -> None:
    phases = [one.phase for one in callers(Options())]
    assert [phases.count(phase) for phase in range(PHASES)] == [52] * PHASES


@pytest.mark.parametrize("talkers", [1, 2, 3, 5, 8])
def test_tones_of_a_room_lie_apart_also_when_the_band_is_full(talkers: int) -> None:
    for room in range(500):
        own = sorted(tone_of(room, talker, talkers) for talker in range(talkers))
        assert all(high - low >= 100 for low, high in itertools.pairwise(own))


def test_a_tone_comes_round_with_its_frames_and_not_with_one() -> None:
    for hz in tones():
        assert hz % 10 == 0
        assert hz % 50 != 0
        assert hz % BIN_HZ == 0
    frames = tone_frames(310, 0.2)
    assert len(frames) == SOUND_FRAMES
    assert not (frames[0] == frames[1]).all()
    [level] = decibels(sums(decoded(np.concatenate([frames] * 2)), [310], 0.2))[0]
    assert abs(level) < 0.1


def test_all_talkers_together_stay_below_the_limiter() -> None:
    assert all(amplitude(talkers) * talkers <= 0.6 + 1e-9 for talkers in range(1, 9))
    assert (amplitude(0), amplitude(3)) == pytest.approx((0.2, 0.2))


def test_a_burst_begins_loud_and_is_followed_by_silence() -> None:
    sound = decoded(burst_frames())
    assert abs(sound[0]) > 0.4
    assert len(sound) == 4000
    assert not sound[480:].any()
    assert not decoded(silent_frames(2)).any()
