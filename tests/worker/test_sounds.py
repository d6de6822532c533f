"""Sound files as the worker maps them: whole, or refused before anything plays."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from confserver.contract import Play, Sound
from confserver.engine.frame import FULL, NARROW, WIDE
from confserver.engine.reel import Unplayable
from confserver.worker.sounds import Sounds


def lay(path, samples: np.ndarray, rate: int = 8000) -> Sound:
    samples.astype(np.int16).tofile(path)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    return Sound(path=str(path), rate_hz=rate, channels=channels, frames=len(samples))


def play(*sounds: list[Sound], **more: object) -> Play:
    return Play(play=1, room=1, sounds=list(sounds), **more)


def test_a_file_is_read_as_it_lies(tmp_path):
    said = np.arange(-800, 800)
    reel = Sounds().reel_of(play([lay(tmp_path / "a", said)]))
    out = np.zeros(160, np.float32)
    reel.read(320, NARROW, out)
    assert np.array_equal(out, said[320:480].astype(np.float32) / 32768)
    assert reel.frames(NARROW) == 1600


def test_channels_are_brought_together(tmp_path):
    said = np.stack((np.full(400, 1000), np.full(400, 3000)), axis=1)
    reel = Sounds().reel_of(play([lay(tmp_path / "a", said)]))
    out = np.zeros(160, np.float32)
    reel.read(0, NARROW, out)
    assert np.allclose(out * 32768, 2000)
    assert reel.window(NARROW) is None


def test_the_rate_of_the_room_is_chosen_else_the_next_higher(tmp_path):
    wide = [lay(tmp_path / "w", np.ones(640), 16000)]
    every = [*wide, lay(tmp_path / "n", np.ones(320)), lay(tmp_path / "f", np.ones(1920), 48000)]
    sounds = Sounds()
    assert [sounds.reel_of(play(every)).band_for(band) for band in (NARROW, WIDE, FULL)] == [NARROW, WIDE, FULL]
    assert [sounds.reel_of(play(wide)).band_for(band) for band in (NARROW, WIDE, FULL)] == [WIDE, WIDE, WIDE]
    assert sounds.reel_of(play(every, wide)).band_for(NARROW) == WIDE


def test_each_file_is_mapped_once_and_let_go(tmp_path):
    sounds = Sounds()
    music = [lay(tmp_path / "a", np.ones(1600))]
    first, second = sounds.reel_of(play(music)), sounds.reel_of(play(music, loop=True))
    assert first.window(NARROW) is second.window(NARROW)
    assert len(sounds) == 1
    del first, second
    gc.collect()
    assert len(sounds) == 0


def test_a_file_that_was_made_anew_is_mapped_anew(tmp_path):
    sounds = Sounds()
    before = sounds.reel_of(play([lay(tmp_path / "a", np.full(1600, 7))]))
    lay(tmp_path / "b", np.full(1600, 9))
    (tmp_path / "b").rename(tmp_path / "a")
    after = sounds.reel_of(play([Sound(path=str(tmp_path / "a"), rate_hz=8000, channels=1, frames=1600)]))
    assert before.window(NARROW)[0, 0] == 7
    assert after.window(NARROW)[0, 0] == 9


def test_tones_need_no_file():
    assert Sounds().reel_of(play(tones="us/busy")).frames(NARROW) is None
    assert Sounds().reel_of(play(tones="1000:100")).frames(WIDE) == 1600


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"path": "/nowhere/at/all"}, "No such file"),
        ({"path": "/"}, "device|directory|bytes"),
        ({"frames": 1601}, "3200 of 3202 bytes"),
        ({"frames": 0}, "no sound"),
        ({"frames": -5}, "no sound"),
        ({"channels": 0}, "no sound"),
        ({"channels": 9}, "no sound"),
        ({"channels": 2}, "3200 of 6400 bytes"),
        ({"rate_hz": 11025}, "no rate"),
        ({"path": "a\0b"}, "null"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(tmp_path, change, why):
    good = lay(tmp_path / "a", np.ones(1600))
    facts = {"path": good.path, "rate_hz": 8000, "channels": 1, "frames": 1600} | change
    with pytest.raises(Unplayable, match=why):
        Sounds().reel_of(play([Sound(**facts)]))


def test_nothing_bad_tones_and_too_short_loops_are_refused(tmp_path):
    for command in (play(), play(tones="xx/busy"), play([lay(tmp_path / "a", np.ones(159))], loop=True)):
        with pytest.raises(Unplayable):
            Sounds().reel_of(command)
    with pytest.raises(Unplayable, match="not both"):
        Sounds().reel_of(play([lay(tmp_path / "a", np.ones(1600))], tones="us/busy"))
