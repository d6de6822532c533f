"""Every pair of rates, measured: level over the band, images, aliases, no seam between frames, each row's own past."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.engine.frame import FRAMES, FULL, NARROW, RATES_HZ, WIDE
from confserver.engine.resampler import FILTERS, Resampler, low_pass

PAIRS = [(a, b) for a in (NARROW, WIDE, FULL) for b in (NARROW, WIDE, FULL) if a != b]
UPWARDS = [(a, b) for a, b in PAIRS if a < b]
DOWNWARDS = [(a, b) for a, b in PAIRS if a > b]
FRAMES_HEARD = 10
"""200 ms: every multiple of 5 Hz is found cleanly."""


def _pass_hz(pair) -> float:
    return FILTERS[tuple(sorted(pair))].pass_hz


def _tone(hz, rate_hz, samples):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / rate_hz)).astype(np.float32)


def _through(pair, signal, rows=1):
    """The same signal in all rows, frame by frame."""
    resampler = Resampler(*pair, rows + 1)
    places = np.arange(1, rows + 1)
    frames = signal.reshape(-1, FRAMES[pair[0]])
    return np.hstack([resampler.run(places, np.repeat(frame[None], rows, axis=0)) for frame in frames])


def _level_db(signal, hz, rate_hz) -> float:
    """Of one frequency, against 0.5."""
    turn = np.exp(-2j * np.pi * hz * np.arange(len(signal)) / rate_hz)
    return 20 * np.log10(max(abs(signal.astype(np.float64) @ turn) * 2 / len(signal) / 0.5, 1e-9))


def _settled(pair, hz):
    """A tone that has been sounding for long, at the other rate."""
    signal = _tone(hz, RATES_HZ[pair[0]], FRAMES[pair[0]] * (FRAMES_HEARD + 1))
    return _through(pair, signal)[0, FRAMES[pair[1]] :]


@pytest.mark.parametrize("pair", PAIRS)
def test_level_is_kept_within_a_twentieth_of_a_db_over_the_pass_band(pair):
    levels = [_level_db(_settled(pair, hz), hz, RATES_HZ[pair[1]]) for hz in np.linspace(100, _pass_hz(pair), 34)]
    assert max(levels) < 0.03 and min(levels) > -0.03


@pytest.mark.parametrize("pair", UPWARDS)
def test_images_are_below_the_floor(pair):
    low = RATES_HZ[pair[0]]
    worst = max(
        _level_db(heard, abs(k * low + sign * hz), RATES_HZ[pair[1]])
        for hz in range(200, int(_pass_hz(pair)) + 1, 400)
        for heard in [_settled(pair, hz)]
        for k in range(1, RATES_HZ[pair[1]] // low // 2 + 1)
        for sign in (-1, 1)
        if abs(k * low + sign * hz) <= RATES_HZ[pair[1]] / 2
    )
    assert worst < -72


@pytest.mark.parametrize("pair", DOWNWARDS)
def test_aliases_are_below_the_floor(pair):
    """Whatever the lower rate cannot carry leaves nothing, in the pass band or elsewhere."""
    high, stop = RATES_HZ[pair[0]], FILTERS[tuple(sorted(pair))].stop_hz
    for hz in np.arange(stop, high / 2, 205):
        heard = _settled(pair, hz)
        assert 20 * np.log10(np.abs(heard).max() / 0.5) < -72


@pytest.mark.parametrize("pair", PAIRS)
def test_frame_by_frame_is_the_same_as_all_at_once(pair):
    source, target = pair
    chance = np.random.default_rng(source * 3 + target)
    signal = chance.uniform(-1, 1, FRAMES[source] * 7).astype(np.float32)
    taps = low_pass(FILTERS[tuple(sorted(pair))], RATES_HZ[max(pair)])
    up, down = max(RATES_HZ[target] // RATES_HZ[source], 1), max(RATES_HZ[source] // RATES_HZ[target], 1)
    spread = np.zeros(len(signal) * up)
    spread[::up] = signal
    whole = up * np.convolve(spread, taps)[down - 1 : len(spread) : down]
    assert np.abs(_through(pair, signal, rows=3) - whole).max() < 2e-6


@pytest.mark.parametrize("pair", PAIRS)
def test_delay_is_as_told_and_below_two_milliseconds(pair):
    source, target = pair
    place = FRAMES[source] // 2
    click = np.zeros(FRAMES[source], np.float32)
    click[place] = 1
    heard = _through(pair, click)[0].astype(np.float64)
    middle = (np.arange(len(heard)) * heard**2).sum() / (heard**2).sum()
    delay = middle / RATES_HZ[target] - place / RATES_HZ[source]
    resampler = Resampler(*pair, 1)
    assert resampler.delay_s < 0.0016
    assert delay == pytest.approx(resampler.delay_s, abs=1 / RATES_HZ[max(pair)])


@pytest.mark.parametrize("pair", PAIRS)
def test_there_and_back_keeps_the_sound(pair):
    hz = 1000
    signal = _settled(pair, hz)
    back = _through((pair[1], pair[0]), signal[: len(signal) // FRAMES[pair[1]] * FRAMES[pair[1]]])[0]
    assert _level_db(back[FRAMES[pair[0]] :], hz, RATES_HZ[pair[0]]) == pytest.approx(0, abs=0.05)


@settings(max_examples=80, deadline=None)
@given(pair=st.sampled_from(PAIRS), cuts=st.lists(st.integers(1, 26), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_parts_of_frames_of_any_length_join_without_a_seam(pair, cuts, seed):
    source, target = pair
    step = max(RATES_HZ[source] // RATES_HZ[target], 1)
    lengths = [cut * step for cut in cuts]
    signal = np.random.default_rng(seed).uniform(-1, 1, (2, sum(lengths))).astype(np.float32)
    resampler, other = Resampler(*pair, 3), Resampler(*pair, 3)
    rows = np.array([2, 0])
    parts = np.split(signal, np.cumsum(lengths)[:-1], axis=1)
    in_parts = np.hstack([resampler.run(rows, part) for part in parts])
    frames = [signal[:, at : at + FRAMES[source]] for at in range(0, sum(lengths), FRAMES[source])]
    in_frames = np.hstack([other.run(rows, frame) for frame in frames])
    assert np.abs(in_parts - in_frames).max() < 2e-6


@pytest.mark.parametrize("pair", PAIRS)
def test_rows_do_not_hear_each_other(pair):
    resampler = Resampler(*pair, 10)
    loud, silent = np.array([3]), np.array([4, 2])
    resampler.run(loud, np.ones((1, FRAMES[pair[0]]), np.float32))
    assert not resampler.run(silent, np.zeros((2, FRAMES[pair[0]]), np.float32)).any()
    assert resampler.run(loud, np.zeros((1, FRAMES[pair[0]]), np.float32)).any()


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_given_for_the_result_is_written_and_given_back(pair):
    frames = np.random.default_rng(1).uniform(-1, 1, (2, FRAMES[pair[0]])).astype(np.float32)
    wanted = Resampler(*pair, 4).run(slice(1, 3), frames)
    store = np.full((2, FRAMES[pair[1]] + 7), 9, np.float32)
    out = store[:, : FRAMES[pair[1]]]
    assert Resampler(*pair, 4).run(np.array([1, 2]), frames, out) is out
    assert np.array_equal(out, wanted) and (store[:, FRAMES[pair[1]] :] == 9).all()


def test_a_slice_of_rows_goes_on_as_the_same_rows_one_by_one():
    chance = np.random.default_rng(4)
    by_slice, by_rows = Resampler(NARROW, WIDE, 1300), Resampler(NARROW, WIDE, 1300)
    for _ in range(3):
        frames = chance.uniform(-1, 1, (1200, FRAMES[NARROW])).astype(np.float32)
        one = by_slice.run(slice(1, 1201), frames)
        assert np.array_equal(one, by_rows.run(np.arange(1, 1201), frames))
    assert np.array_equal(by_slice.run(slice(700, 701), frames[:1]), by_rows.run(np.array([700]), frames[:1]))


def test_a_copied_row_goes_on_as_its_source():
    chance = np.random.default_rng(5)
    frames = chance.uniform(-1, 1, (2, FRAMES[WIDE])).astype(np.float32)
    resampler = Resampler(WIDE, FULL, 8)
    resampler.run(np.array([1, 2]), frames)
    resampler.copy(np.array([1, 2]), np.array([6, 5]))
    again = resampler.run(np.array([1, 2, 6, 5]), frames[[0, 1, 0, 1]])
    assert np.array_equal(again[:2], again[2:]) and not np.array_equal(again[0], again[1])


def test_a_row_that_begins_has_silence_before():
    resampler = Resampler(FULL, NARROW, 4)
    rows = np.array([1, 3])
    frames = np.random.default_rng(6).uniform(-1, 1, (2, FRAMES[FULL])).astype(np.float32)
    first = resampler.run(rows, frames)
    assert not np.array_equal(resampler.run(rows, frames), first)
    resampler.begin(np.array([3]))
    again = resampler.run(rows, frames)
    assert np.array_equal(again[1], first[1]) and not np.array_equal(again[0], first[0])


def test_growing_keeps_what_the_rows_have_heard():
    frames = np.random.default_rng(7).uniform(-1, 1, (2, FRAMES[NARROW])).astype(np.float32)
    grown, roomy = Resampler(NARROW, FULL, 3), Resampler(NARROW, FULL, 99)
    for resampler in (grown, roomy):
        resampler.run(np.array([1, 2]), frames)
    grown.fit(64)
    grown.fit(5)
    rows = np.array([1, 2, 63])
    frames = np.vstack([frames, frames[:1]])
    assert np.array_equal(grown.run(rows, frames), roomy.run(rows, frames))


def test_a_rate_is_not_resampled_to_itself():
    with pytest.raises(ValueError, match="8000"):
        Resampler(NARROW, NARROW, 4)


def test_a_place_of_another_size_is_not_written_to():
    frames = np.ones((2, FRAMES[NARROW]), np.float32)
    for shape in ((2, FRAMES[NARROW]), (1, FRAMES[WIDE]), (2, FRAMES[FULL])):
        out = np.zeros(shape, np.float32)
        with pytest.raises(ValueError, match="no room"):
            Resampler(NARROW, WIDE, 4).run(np.array([1, 2]), frames, out)
        assert not out.any()


def test_nobody_at_all_is_no_fault():
    nobody = Resampler(NARROW, WIDE, 4).run(np.zeros(0, np.intp), np.zeros((0, FRAMES[NARROW]), np.float32))
    assert nobody.shape == (0, FRAMES[WIDE])
