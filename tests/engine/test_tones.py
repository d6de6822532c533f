"""Tones: the language and its sound, measured."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.engine.frame import FRAMES, RATES_HZ
from confserver.engine.tones import CLOCK_HZ, MOST_STEPS, NAMED, BadTones, parse
from tests.engine.hall import level_db, steepest


def rendered(text: str, seconds: float, rate: int = 8000, repeats: bool = False) -> np.ndarray:
    """By frames, as a tick asks for them."""
    tones, frame = parse(text, repeats), rate // 50
    out = np.zeros((round(seconds * 50), frame), np.float32)
    for number, part in enumerate(out):
        tones.render(number * 960, rate, part)
    return out.reshape(-1)


@pytest.mark.parametrize("rate", RATES_HZ)
def test_a_tone_has_its_frequencies_and_levels_at_each_rate(rate):
    sound = rendered("350+440/-16dB", 1, rate)
    assert level_db(sound[rate // 10 :], 350, rate) == pytest.approx(-16, abs=0.05)
    assert level_db(sound[rate // 10 :], 440, rate) == pytest.approx(-16, abs=0.05)
    assert level_db(sound[rate // 10 :], 480, rate) < -60


@pytest.mark.parametrize("rate", RATES_HZ)
def test_a_tone_goes_on_over_frames_as_if_made_at_once(rate):
    tones, whole = parse("441.5/-10dB"), np.zeros(rate, np.float32)
    tones.render(0, rate, whole)
    assert np.array_equal(whole, rendered("441.5/-10dB", 1, rate))
    slope = 2 * np.pi * 441.5 / rate * 10 ** (-10 / 20)
    assert steepest(whole) <= slope * 1.01


def test_a_tone_is_in_phase_after_a_day():
    tones, out = parse("440/0dB"), np.zeros(160, np.float32)
    tones.render(86400 * CLOCK_HZ, 8000, out)
    assert np.allclose(out, np.sin(2 * np.pi * 440 * np.arange(160) / 8000), atol=1e-4)


def test_a_cadence_sounds_and_is_silent_to_the_millisecond():
    sound = rendered("425/-10dB:480/480 ...", 2)
    audible = np.flatnonzero(np.abs(sound) > 0.001)
    assert audible[0] < 8
    assert not np.abs(sound[480 * 8 : 960 * 8]).any()
    assert np.abs(sound[960 * 8 + 80 : 1440 * 8 - 80]).max() > 0.3
    assert not np.abs(sound[1440 * 8 : 1920 * 8]).any()


def test_edges_are_ramps_of_5_ms():
    sound = rendered("1000/0dB:100", 0.1)
    assert np.abs(sound[:8]).max() < 0.25
    assert np.abs(sound[-8:]).max() < 0.25
    assert np.abs(sound[40:-40]).max() > 0.99
    assert steepest(sound) <= 2 * np.pi * 1000 / 8000 * 1.05


def test_steps_follow_each_other():
    sound = rendered("950/-10dB:330, 0:70, 1400/-10dB:300*2, 1800/-10dB", 1.5)
    assert level_db(sound[400:2400], 950) == pytest.approx(-10, abs=0.2)
    assert not sound[2640:3200].any()
    assert level_db(sound[3240:5560], 1400) == pytest.approx(-10, abs=0.2)
    assert abs(sound[3200 + 2400]) < 0.02  # the second of two
    assert level_db(sound[8040:], 1800) == pytest.approx(-10, abs=0.2)


def test_a_sequence_ends_unless_it_repeats():
    once, forever = parse("1000:100/100"), parse("1000:100/100", repeats=True)
    assert once.length == CLOCK_HZ // 5
    assert forever.length is None
    assert parse("1000:100/100 ...").length is None
    assert parse("1000:100, 500").length is None
    after = np.ones(160, np.float32)
    once.render(CLOCK_HZ, 8000, after)
    assert not after.any()


def test_a_round_shorter_than_a_frame_repeats():
    sound = rendered("1000/-6dB:5/5 ...", 0.5)
    assert np.allclose(sound[:80], sound[800:880], atol=1e-6)
    assert np.abs(sound).max() > 0.3


@pytest.mark.parametrize("name", NAMED)
def test_each_named_tone_can_be_heard(name):
    tones = parse(name)
    seconds = min((tones.length or 2 * CLOCK_HZ) / CLOCK_HZ, 2)
    sound = rendered(name, seconds)
    assert -45 < 20 * np.log10(np.sqrt(np.mean(sound**2))) < -13
    assert parse(name.upper()).round == tones.round


@pytest.mark.parametrize("country", ["us", "uk", "eu", "de", "fr", "au"])
def test_each_country_has_all_its_tones(country):
    assert {f"{country}/{what}" for what in ("dial", "busy", "ringback", "congestion", "unobtainable")} <= set(NAMED)


def test_calls_end_and_do_not_begin_anew():
    assert parse("beep/entry").length == CLOCK_HZ * 220 // 1000
    assert parse("uk/ringback").length is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no tone"),
        (",", "is no tone"),
        ("440,", "is no tone"),
        ("...", "is no tone"),
        ("440:", "is no tone"),
        ("440/-20", "is no tone"),
        ("440:100/", "is no tone"),
        ("440+:100", "is no tone"),
        ("-440:100", "is no tone"),
        ("440:100*", "is no tone"),
        ("440:1.5", "is no tone"),
        ("xx/busy", "no tone is called"),
        ("busy", "no tone is called"),
        ("5", "20 to 3900"),
        ("4000", "20 to 3900"),
        ("4..4", "20 to 3900"),
        ("0+440", "20 to 3900"),
        ("100+200+300+400+500/-40dB", "4 frequencies"),
        ("440/3dB", "-60 to 0"),
        ("440/-61dB", "-60 to 0"),
        ("440/--dB", "is no tone"),
        ("440/1.dB", "-60 to 0"),
        ("440+480/-3dB", "louder than full scale"),
        ("440:4", "5 to 60000"),
        ("440:60001", "5 to 60000"),
        ("440:9999999999999999", "5 to 60000"),
        ("440:100*0", "1 to 1000"),
        ("440*2", "cannot be repeated"),
        ("440, 480:100", "has no end"),
        (",".join(["440:5"] * (MOST_STEPS + 1)), "steps"),
        ("440:5*501, 480:5*500", "1001 steps"),
        ("440:500/500," * 60, "characters"),
    ],
)
def test_what_is_no_sequence_is_refused_in_words(text, why):
    with pytest.raises(BadTones, match=why):
        parse(text)


@given(st.text("0123456789+-/:*,.dB us", max_size=60) | st.text(max_size=600))
def test_any_text_is_read_or_refused(text):
    try:
        tones = parse(text)
    except BadTones as bad:
        assert str(bad)
        return
    for frame, rate in zip(FRAMES, RATES_HZ, strict=True):
        out = np.full(frame, 9, np.float32)
        tones.render(0, rate, out)
        assert np.abs(out).max() <= 1.001


_STEPS = st.tuples(
    st.lists(st.integers(20, 3900), min_size=1, max_size=4),
    st.integers(-60, -13),
    st.integers(5, 300),
    st.integers(0, 300),
    st.integers(1, 4),
)


@given(st.lists(_STEPS, min_size=1, max_size=6), st.integers(0, 200_000), st.sampled_from(RATES_HZ))
def test_any_sequence_lasts_as_long_as_it_says_and_never_clicks(steps, position, rate):
    text = ", ".join(f"{'+'.join(map(str, hz))}/{db}dB:{on}/{off}*{times}" for hz, db, on, off, times in steps)
    tones = parse(text)
    assert tones.length == sum((on + off) * times * 48 for _, _, on, off, times in steps)
    frame = np.zeros(rate // 50, np.float32)
    tones.render(position, rate, frame)
    most = sum(2 * np.pi * 3900 / rate + 200 / rate for _ in range(4)) * 10 ** (-13 / 20)
    assert steepest(frame) <= most
    if position >= tones.length:
        assert not frame.any()


def test_the_longest_text_is_read_at_once():
    began = time.perf_counter()
    for text in ("4" * 500, "4+" * 250, "440:5*1000", "1" * 490 + "dB", "44:" * 166, "." * 497 + "..."):
        try:
            parse(text)
        except BadTones:
            pass
    assert time.perf_counter() - began < 0.5
