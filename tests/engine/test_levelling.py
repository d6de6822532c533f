"""Levelling, heard: soft and loud voices come together, and nothing but voices is ever made louder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.engine.frame import FRAME, NARROW
from confserver.engine.levelling import FALL_DB_S, LEAST_DB, MOST_DB, RISE_DB_S, STEP_DB, Levelling
from confserver.engine.seats import Seats
from confserver.engine.speech import Speech

SPEECH = Path(__file__).parent.parent / "data" / "speech" / "speech.wav"
RATE = 8000


class Stage:
    """Legs that say what a test gives them, frame by frame, through the engine's own ears."""

    def __init__(self, speakers: int) -> None:
        self.seats = Seats(4)
        self.speech = Speech(self.seats)
        self.levelling = Levelling(self.seats)
        self.rows = np.array([self.join() for _ in range(speakers)])

    def join(self) -> int:
        row = self.seats.take()
        self.seats.receives[row] = True
        self.levelling.begin(row)
        return row

    def say(self, *sounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One sound for each row. Gives the gains in dB and the energies as they came, (frames, rows)."""
        frames = min(len(sound) for sound in sounds) // FRAME
        said = np.stack([sound[: frames * FRAME].reshape(frames, FRAME) for sound in sounds], axis=1)
        seats, gains, energies = self.seats, [], []
        for frame in said:
            seats.signals[NARROW][self.rows] = frame
            entering, leaving, _ = self.speech.listen()
            seats.talks[entering], seats.talks[leaving] = True, False
            gains.append(20 * np.log10(self.levelling.step(self.rows)))
            energies.append((frame.astype(np.float64) ** 2).mean(axis=1))
        return np.array(gains), np.array(energies)


def _active_db(energy: np.ndarray) -> float:
    """The level of speech without its pauses (in the manner of ITU-T P.56)."""
    return 10 * np.log10(energy[energy > energy.mean() * 0.03].mean())


def _voice(level_db: float, seconds: float, start_s: float = 0.0) -> np.ndarray:
    """Speech of two voices, over and over, at an active level."""
    sound = np.roll(soundfile.read(SPEECH, dtype="float32")[0], -int(start_s * RATE))
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    gain = 10 ** ((level_db - _active_db((frames**2).mean(axis=1))) / 20)
    return np.resize(sound * np.float32(gain), int(seconds * RATE))


def _noise(level_db: float, seconds: float, slope: float = 0.0, low_hz: float = 0, high_hz: float = 4000) -> np.ndarray:
    """Noise of a level, falling by the power ``slope`` of the frequency, within a band."""
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(0, 1, int(seconds * RATE)))
    hz = np.fft.rfftfreq(int(seconds * RATE), 1 / RATE)
    sound = np.fft.irfft(spectrum * np.maximum(hz, 20) ** -slope * ((hz >= low_hz) & (hz <= high_hz)))
    return np.float32(sound / np.sqrt((sound**2).mean()) * 10 ** (level_db / 20))


def _hum(level_db: float, seconds: float) -> np.ndarray:
    return np.float32(2**0.5 * 10 ** (level_db / 20) * np.sin(2 * np.pi * 100 * np.arange(int(seconds * RATE)) / RATE))


NOISES = {
    "white": _noise,
    "pink": lambda level, seconds: _noise(level, seconds, 0.5),
    "brown": lambda level, seconds: _noise(level, seconds, 1),
    "a fan": lambda level, seconds: _noise(level, seconds, 0, 80, 280),
    "whistling": lambda level, seconds: _noise(level, seconds, 0, 400, 450),
    "gated": lambda level, seconds: _noise(level, seconds) * (np.arange(int(seconds * RATE)) // 8000 % 2),
    "hum": _hum,
}


# ---------------------------------------------------------------------- voices come together
def test_six_talkers_spread_over_18_db_come_within_6_db_after_a_few_seconds():
    spread = (-16.0, -19.6, -23.2, -26.8, -30.4, -34.0)
    stage = Stage(6)
    gains, energies = stage.say(*(_voice(level, 12, index * 1.7) for index, level in enumerate(spread)))
    heard = energies * 10 ** (gains / 10)
    for begin, end in ((250, 450), (400, 600)):
        before = [_active_db(energies[begin:end, index]) for index in range(6)]
        after = [_active_db(heard[begin:end, index]) for index in range(6)]
        assert max(before) - min(before) > 15
        assert max(after) - min(after) < 6


def test_gains_stay_within_their_bounds_and_change_slowly():
    gains, _ = Stage(5).say(*(_voice(level, 15) for level in (-6, -12, -26, -40, -46)))
    assert gains.min() == pytest.approx(LEAST_DB, abs=2) and gains.min() >= LEAST_DB - 0.01
    assert gains.max() == pytest.approx(MOST_DB, abs=2) and gains.max() <= MOST_DB + 0.01
    a_second = gains[50:] - gains[:-50]
    assert a_second.max() <= RISE_DB_S + STEP_DB + 0.01 and a_second.min() >= -FALL_DB_S - STEP_DB - 0.01
    assert np.abs(np.diff(gains, axis=0)).max() <= STEP_DB + 0.01, "each step too small to be heard"


def test_a_voice_that_is_right_is_left_alone():
    gains, _ = Stage(1).say(_voice(-25, 20))
    assert np.abs(gains).max() <= 1.5


def test_no_pumping_once_a_voice_is_known():
    """In half a minute of the same voice the gain hardly moves, and stands still in nearly every frame."""
    gains, _ = Stage(1).say(_voice(-34, 40))
    known = gains[500:]
    assert known.min() > 7 and np.ptp(known) <= 1.5
    assert np.count_nonzero(np.diff(known, axis=0)) < 15


def test_whoever_moves_away_from_his_phone_is_followed():
    gains, energies = Stage(1).say(np.concatenate((_voice(-20, 10), _voice(-32, 25))))
    heard = energies[:, 0] * 10 ** (gains[:, 0] / 10)
    assert _active_db(heard[300:500]) - _active_db(heard[-300:]) < 4


# ---------------------------------------------------------------------- nothing else is raised
def test_noise_is_not_raised():
    kinds = [(kind, level) for kind in NOISES for level in (-60, -50, -42, -34, -28)]
    gains, _ = Stage(len(kinds)).say(*(np.float32(NOISES[kind](level, 20)) for kind, level in kinds))
    assert {kind: gain for kind, gain in zip(kinds, gains.max(axis=0), strict=True) if gain} == {}


def test_silence_is_not_raised():
    gains, _ = Stage(1).say(np.zeros(20 * RATE, np.float32))
    assert not gains.any()


def test_knocks_and_keys_are_not_raised():
    sound = _noise(-70, 20)
    for place in np.random.default_rng(2).integers(0, len(sound) - 240, 100):
        sound[place : place + 240] += np.float32(0.03) * _noise(0, 0.03) * np.exp(-np.arange(240) / 60)
    gains, _ = Stage(1).say(np.float32(sound))
    assert not gains.any()


def test_the_noise_behind_a_soft_voice_does_not_become_plain():
    noises = np.array([-66.0, -58.0, -54.0, -50.0])
    gains, _ = Stage(4).say(*(np.float32(_voice(-36, 20) + _noise(noise, 20)) for noise in noises))
    raised = gains.max(axis=0)
    assert raised[0] > 10 and (np.diff(raised) < 0).all(), "the more noise, the less"
    assert (noises + raised)[:3].max() <= -48 and raised[3] < 1.5


def test_between_words_and_after_them_the_gain_stays():
    stage = Stage(1)
    gains, _ = stage.say(_voice(-34, 8))
    pause, _ = stage.say(np.zeros(30 * RATE, np.float32))
    assert set(pause[:, 0]) == {gains[-1, 0]} and gains[-1, 0] > 5


# ---------------------------------------------------------------------- rows
def test_a_speaker_is_remembered_when_he_speaks_again():
    stage = Stage(1)
    gains, _ = stage.say(np.concatenate((_voice(-34, 8), np.zeros(20 * RATE, np.float32))))
    again, _ = stage.say(_voice(-34, 2))
    assert again[0] == gains[-1] and np.ptp(again) <= 1


def test_whoever_gets_the_row_after_him_begins_anew():
    stage = Stage(1)
    stage.say(_voice(-34, 8))
    stage.seats.give_back(int(stage.rows[0]))
    assert stage.join() == stage.rows[0]
    quiet, _ = stage.say(np.zeros(RATE, np.float32))
    assert not quiet.any()
    anew, _ = stage.say(_voice(-16, 8))
    assert anew.max() == 0 and anew[-1] < -4


def test_speakers_do_not_touch_each_other():
    together, _ = Stage(3).say(_voice(-34, 8), _noise(-40, 8), _voice(-16, 8))
    assert np.array_equal(together[:, :1], Stage(1).say(_voice(-34, 8))[0])
    assert np.array_equal(together[:, 2:], Stage(1).say(_voice(-16, 8))[0])


def test_gains_come_in_the_order_asked_for_and_survive_that_the_seats_grow():
    stage = Stage(3)
    stage.say(_voice(-34, 8), _noise(-40, 8), _voice(-16, 8))
    before = stage.levelling.gains(stage.rows)
    assert before.dtype == np.float32 and before[0] > 2 > before[1] == 1 > before[2]
    newcomers = np.array([stage.join() for _ in range(20)])
    assert stage.seats.capacity > 4
    stage.levelling.step(newcomers)
    assert np.array_equal(stage.levelling.gains(stage.rows[::-1]), before[::-1])
    assert (stage.levelling.gains(newcomers) == 1).all()


def test_it_can_be_described():
    stage = Stage(1)
    gains, _ = stage.say(_voice(-34, 8))
    told = stage.levelling.describe(int(stage.rows[0]))
    assert told["gain_db"] == pytest.approx(gains[-1, 0], abs=STEP_DB)
    assert told["loud_db"] - told["soft_db"] > 20 and 3 < told["spoken_s"] <= 8
