"""Noise, music and tones that are poured into a room are noticed within 5 s; speech never is."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.frame import FRAMES, NARROW, WIDE
from confserver.engine.guard import MUSIC as MUSIC_KIND
from confserver.engine.guard import NOISE, TONE, Guard, Noticed
from confserver.engine.seats import Seats
from confserver.engine.speech import Speech
from tests.engine.nuisances import MUSIC, NOISES, music, noisy, signal
from tests.engine.voices import available, noise, speech

WITHIN_S = 5.0
Told = list[tuple[float, str]]


def guarded(sounds: list[np.ndarray], band: int = NARROW) -> list[Told]:
    """One leg for each sound: when (seconds from its beginning) what was told of it."""
    size = FRAMES[band]
    seats = Seats(len(sounds) + 2)
    guard, ears = Guard(seats), Speech(seats)
    rows = np.array([seats.take() for _ in sounds])
    seats.in_band[rows] = seats.band[rows] = band
    seats.receives[rows] = True
    for row in rows.tolist():
        guard.watch(row, True)
    ticks = max(map(len, sounds)) // size
    said = np.stack([np.pad(sound[: ticks * size], (0, max(ticks * size - len(sound), 0))) for sound in sounds])
    told: list[Told] = [[] for _ in sounds]
    for tick in range(ticks):
        frames = said[:, tick * size : (tick + 1) * size]
        seats.signals[band][rows] = frames
        seats.signals[NARROW][rows] = frames.reshape(len(rows), FRAMES[NARROW], -1).mean(axis=2)
        entering, leaving, _ = ears.listen()
        seats.talks[entering], seats.talks[leaving] = True, False
        for each in guard.listen():
            told[each.row - int(rows[0])].append((round(tick * 0.02, 2), each.kind))
    return told


def _between(sound: np.ndarray, before: float = 1.0, after: float = 8.0) -> np.ndarray:
    return np.concatenate((np.zeros(int(before * 8000)), sound, np.zeros(int(after * 8000)))).astype(np.float32)


@pytest.mark.parametrize("style", MUSIC)
@pytest.mark.parametrize("level_db", [-14, -34])
def test_hold_music_is_noticed_and_its_end(style, level_db):
    sounds = [_between(music(style, 10, seed, level_db)) for seed in range(6)]
    for told in guarded(sounds):
        (began, kind), (ended, nothing) = told
        assert began - 1 <= WITHIN_S
        assert kind == MUSIC_KIND or (style == "beeps" and kind == TONE)
        assert nothing == "" and 11 < ended <= 18


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("level_db", [-20, -36])
def test_steady_noise_is_noticed_and_its_end(kind, level_db):
    sounds = [_between(noisy(kind, 10, seed, level_db)) for seed in range(4)]
    for (began, told), (ended, nothing) in guarded(sounds):
        assert began - 1 <= WITHIN_S
        assert told == (TONE if kind == "hum" else NOISE)
        assert nothing == "" and 11 < ended <= 18


@pytest.mark.parametrize(
    "name",
    ["us/dial", "us/busy", "us/ringback", "us/congestion", "eu/busy", "eu/ringback", "eu/unobtainable", "uk/dial"],
)
def test_the_tones_of_the_network_are_noticed_and_their_pauses_are_no_end(name):
    (told,) = guarded([_between(signal(name, 15))])
    assert [kind for _, kind in told] == [TONE, ""]
    assert told[0][0] - 1 <= WITHIN_S
    assert told[1][0] > 14, "a ringing tone is silent for 4 s"


def test_wide_sound_is_judged_alike():
    at = np.arange(16000 * 8) / 16000
    chord = sum(0.1 * np.sin(2 * np.pi * hz * at) for hz in (220, 277, 330, 440))
    (noise_told,), (music_told,) = guarded([noise(8, -25, rate=16000), chord.astype(np.float32)], WIDE)
    assert noise_told[1] == NOISE and music_told[1] in (MUSIC_KIND, TONE)


def test_noise_too_soft_to_be_heard_is_no_matter():
    assert guarded([noisy(kind, 12, level_db=-56) for kind in NOISES]) == [[], [], [], []]


def test_a_cough_a_door_and_a_short_beep_are_none():
    chance = np.random.default_rng(4)
    cough = chance.normal(0, 0.2, 4000) * np.exp(-np.arange(4000) / 1500)
    beep = signal("beep", 0.3)
    assert guarded([np.tile(_between(each, 1, 3), 3) for each in (cough, beep)]) == [[], []]


@pytest.mark.skipif(not available, reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("minutes", "noise_db"),
    [
        (5, None),
        (5, -46),
        pytest.param(30, None, marks=pytest.mark.slow),
        pytest.param(30, -46, marks=pytest.mark.slow),
    ],
)
def test_speech_is_never_reported(minutes, noise_db):
    sounds = speech(60 * minutes).reshape(minutes, -1)
    if noise_db:
        sounds = sounds + noise(60 * minutes, noise_db).reshape(minutes, -1)
    assert guarded(list(sounds.astype(np.float32))) == [[]] * minutes


@pytest.mark.slow
@pytest.mark.skipif(not available, reason="espeak-ng is not installed")
@pytest.mark.parametrize("level_db", [-12, 0], ids=lambda level: f"{level} dB")
@pytest.mark.parametrize("background", ["fan", "white", "traffic"])
def test_half_an_hour_of_speech_before_a_background_is_never_reported(background, level_db):
    sounds = speech(1800, first=30).reshape(30, -1)
    sounds = sounds + np.stack([noisy(background, 60, seed, -42) for seed in range(30)])
    assert guarded(list(sounds.astype(np.float32) * np.float32(10 ** (level_db / 20)))) == [[]] * 30


@pytest.mark.skipif(not available, reason="espeak-ng is not installed")
def test_who_speaks_after_the_music_is_rid_of_the_report():
    sound = np.concatenate((music("pop", 8), speech(12)))
    (told,) = guarded([sound])
    assert [kind for _, kind in told] == [MUSIC_KIND, ""]
    assert told[1][0] < 8 + 3.5 + 4 + 1


def test_who_is_watched_no_more_is_rid_of_the_report_at_once():
    seats = Seats(4)
    speech, guard, row = Speech(seats), Guard(seats), seats.take()
    assert guard.watch(row, True) == []
    seats.talks[row] = True
    told = []
    for frame in noisy("fan", 6).reshape(-1, 160):
        seats.signal[row] = frame
        speech.listen()
        told += guard.listen()
    assert told == [Noticed(row, NOISE)]
    assert guard.watch(row, False) == [Noticed(row, "")]
    assert guard.watch(row, False) == []
    assert [guard.listen() for _ in range(400)] == [[]] * 400


def test_seats_that_grow_are_watched_too():
    seats = Seats(2)
    speech, guard = Speech(seats), Guard(seats)
    rows = [seats.take() for _ in range(9)]
    seats.talks[rows] = True
    for row in rows:
        guard.watch(row, True)
    told = []
    for frame in noisy("white", 5).reshape(-1, 160):
        seats.signal[rows] = frame
        speech.listen()
        told += guard.listen()
    assert told == [Noticed(row, NOISE) for row in rows]
