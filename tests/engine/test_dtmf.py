"""Keys as tones: found whatever the line does to them, each once; kept from the others; never found in speech."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.dtmf import KEYS, Detector
from confserver.engine.frame import FULL, NARROW, RATES_HZ, WIDE
from confserver.engine.seats import Seats
from tests.engine.keytones import dialled, digits_of, key, listen
from tests.engine.voices import available, noise, speech
from tests.kit.whole import whole

LINES = [
    {"snr_db": None},
    {"snr_db": 15},
    {"snr_db": 15, "level_db": -30.0},
    {"snr_db": 15, "level_db": -3.0},
    {"snr_db": 15, "twist_db": -8.0},
    {"snr_db": 15, "twist_db": 4.0},
    {"snr_db": 15, "shifts": (0.015, 0.015)},
    {"snr_db": 15, "shifts": (-0.015, -0.015)},
    {"snr_db": 15, "shifts": (-0.015, 0.015)},
    {"snr_db": 20, "level_db": -30.0, "twist_db": -8.0, "shifts": (0.015, -0.015)},
]


def _rate_of(band: int = NARROW, turns: int = 12, **line) -> tuple[float, int]:
    """What part of the keys is found, and how many are found that nobody pressed."""
    tries = [dialled(seed, 40, 40, rate=RATES_HZ[band], **line) for seed in range(turns)]
    heard, _ = listen([sound for _, sound in tries], band)
    found = [digits_of(heard, place) for place in range(turns)]
    right = sum(len(keys) if got == keys else _in_order(got, keys) for got, (keys, _) in zip(found, tries, strict=True))
    return right / (16 * turns), sum(map(len, found)) - right


def _in_order(got: str, keys: str) -> int:
    """How many of the keys are there, one after another."""
    rest = iter(keys)
    return sum(each in rest for each in got)


@pytest.mark.parametrize("line", LINES, ids=str)
def test_keys_of_40_ms_with_pauses_of_40_are_found_on_any_line(line):
    rate, wrong = _rate_of(**line)
    assert rate >= 0.97 and wrong == 0


@pytest.mark.parametrize("band", [WIDE, FULL])
def test_keys_are_found_at_every_rate(band):
    assert _rate_of(band, turns=4, snr_db=15) == (1.0, 0)


@pytest.mark.parametrize("shifts", [(0.035, 0), (-0.035, 0), (0, 0.035), (0, -0.035)])
def test_other_tones_are_no_keys(shifts):
    assert listen([dialled(1, 100, 60, None, shifts=shifts)[1]])[0] == []


@pytest.mark.parametrize("how", [{"twist_db": 10.0}, {"twist_db": -14.0}, {"level_db": -45.0}])
def test_tones_of_a_wrong_level_are_no_keys(how):
    assert listen([dialled(1, 100, 60, None, **how)[1]])[0] == []


def test_short_bursts_are_no_keys():
    assert listen([dialled(seed, 22, 60, None)[1] for seed in range(8)])[0] == []


def test_one_tone_is_no_key():
    at = np.arange(8000) / 8000
    sounds = [(0.2 * np.sin(2 * np.pi * hz * at)).astype(np.float32) for hz in (440, 697, 770, 941, 1209, 1336, 1633)]
    assert listen(sounds)[0] == []


def test_two_keys_at_once_are_none():
    assert listen([key("1", 200) + key("5", 200)])[0] == []


@pytest.mark.parametrize("ms", [40, 65, 100, 333, 1000])
def test_each_press_is_told_once_with_its_duration(ms):
    heard, _ = listen([np.concatenate((np.zeros(start), key("7", ms), np.zeros(2000))) for start in range(0, 160, 23)])
    assert [each.digit for each in heard] == ["7"] * 7
    assert all(abs(each.duration_ms - ms) <= 10 for each in heard)


def test_a_dropped_packets_worth_of_10_ms_does_not_make_two_of_a_press():
    tone = key("4", 200)
    tone[800:880] = 0
    heard, _ = listen([np.concatenate((tone, np.zeros(2000)))])
    assert [each.digit for each in heard] == ["4"]


def test_the_same_key_twice_is_two_presses():
    pause = np.zeros(320)
    heard, _ = listen([np.concatenate((key("4", 60), pause, key("4", 60), pause, key("4", 60), np.zeros(2000)))])
    assert [each.digit for each in heard] == ["4", "4", "4"]


@pytest.mark.parametrize("snr_db", [None, 20])
def test_the_others_hear_at_most_40_ms_of_a_tone_and_no_click(snr_db):
    begin = 1600
    sounds = [np.concatenate((np.zeros(begin + start), key("8", 300), np.zeros(1600))) for start in range(0, 160, 7)]
    if snr_db:
        sounds = [sound + noise(len(sound) / 8000, -20 - snr_db, seed) for seed, sound in enumerate(sounds)]
    heard, left = listen(sounds)
    assert len(heard) == len(sounds)
    for start, each in zip(range(0, 160, 7), left, strict=True):
        loud = np.abs(each[begin + start :]) > 0.05
        assert loud.sum() > 0, "its beginning cannot be known"
        assert np.flatnonzero(loud)[-1] < 0.040 * 8000, "the rest, also that of the last frame, is silent"
        assert np.abs(np.diff(each)).max() <= np.abs(np.diff(sounds[0])).max() * 1.3, "no click"


def test_after_a_key_the_voice_is_back_within_two_frames():
    tail = 0.1 * np.sin(2 * np.pi * 300 * np.arange(4000) / 8000)
    sound = np.concatenate((np.zeros(800), key("8", 120), tail))
    _, left = listen([sound])
    back = 800 + 960 + 320 + 40
    assert np.allclose(left[0, back:], sound[back : left.shape[1]], atol=1e-6)


def test_a_leg_that_is_watched_no_more_is_let_alone_and_leaves_no_key_behind():
    seats = Seats(4)
    detector, row = Detector(seats), seats.take()
    detector.watch(row, True)
    tone = key("3", 400).reshape(-1, 160)
    for frame in tone[:5]:
        seats.signal[row] = frame
        assert detector.listen() == []
    detector.watch(row, False)
    seats.signal[row] = tone[6]
    assert detector.listen() == [] and not len(detector.hush)
    detector.watch(row, True)
    seats.signal[row] = 0
    assert [detector.listen() for _ in range(10)] == [[]] * 10
    assert detector.legs == 1


def test_seats_that_grow_are_watched_too():
    seats = Seats(2)
    detector = Detector(seats)
    rows = [seats.take() for _ in range(9)]
    for row in rows:
        detector.watch(row, True)
    told = []
    for frame in np.concatenate((key("A", 60), np.zeros(960))).astype(np.float32).reshape(-1, 160):
        seats.signal[rows] = frame
        told += detector.listen()
    assert [(each.row, each.digit) for each in told] == [(row, "A") for row in rows]


# ---------------------------------------------------------------------- what is no key
def _music(seconds: float, seed: int) -> np.ndarray:
    """Chords of three voices with overtones, a new one every quarter to half second."""
    chance = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < seconds * 8000:
        at = np.arange(int(8000 * chance.choice((0.25, 0.5)))) / 8000
        notes = 110 * 2 ** (chance.choice(np.arange(36), 3, replace=False) / 12)
        sound = sum(np.sin(2 * np.pi * note * part * at) / part for note in notes for part in range(1, 6))
        parts.append(sound * np.exp(-3 * at))
    sound = np.concatenate(parts)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def test_music_presses_no_keys():
    assert listen([_music(20, seed) for seed in range(12)])[0] == []


def test_noise_presses_no_keys():
    assert listen([noise(20, level, seed) for seed, level in enumerate((-10, -20, -30, -40))])[0] == []


@pytest.mark.skipif(not available, reason="espeak-ng is not installed")
@pytest.mark.parametrize("noise_db", [None, -40])
def test_minutes_of_speech_press_no_keys(noise_db):
    sounds = speech(400).reshape(20, -1)
    if noise_db:
        sounds = sounds + noise(400, noise_db).reshape(20, -1)
    heard, left = listen(list(sounds))
    assert heard == []
    hushed = (left == 0) & (np.abs(sounds) > 0.001)
    assert hushed.sum() <= 4 * 160, "at most two words have a hole of 40 ms"


@pytest.mark.slow
@pytest.mark.skipif(not available, reason="espeak-ng is not installed")
@pytest.mark.parametrize("level_db", [-26, -6], ids=lambda level: f"peak {level} dB")
@pytest.mark.parametrize("noise_db", [None, -45], ids=lambda noise: f"noise {noise} dB")
def test_an_hour_of_speech_presses_at_most_one_key(level_db, noise_db):
    """A third of it where not the whole is asked for."""
    seconds = whole(3600, 1200)
    sounds = speech(seconds, first=7).reshape(60, -1) * 10 ** (level_db / 20) / 0.5
    if noise_db:
        sounds = sounds + noise(seconds, noise_db).reshape(60, -1)
    heard, _ = listen(list(sounds))
    print(f"{seconds} s: {len(heard)} keys {[each.digit for each in heard]}")
    assert len(heard) <= 1


def test_every_key_has_its_two_tones():
    assert len(set(KEYS)) == 16
    for digit in KEYS:
        assert digits_of(listen([np.concatenate((key(digit, 60), np.zeros(960)))])[0], 0) == digit
