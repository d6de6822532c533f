"""Any sound file becomes samples that lie ready, once; what is none is refused in words."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from confserver.scribe import conversion
from confserver.scribe import memory as memories
from confserver.scribe.conversion import Unplayable
from confserver.scribe.memory import Memory
from confserver.scribe.sounds import Sounds
from tests.scribe.sounds import KINDS, level_db, read, tone, written


@pytest.fixture
def memory(tmp_path: Path):
    place = tmp_path / "memory"
    place.mkdir()
    found = Memory(place)
    yield found
    found.close()


@pytest.fixture
def sounds(memory: Memory) -> Sounds:
    return Sounds(memory)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
@pytest.mark.parametrize("rate", [8000, 48000])
def test_every_kind_sounds_the_same_at_every_rate(tmp_path: Path, sounds: Sounds, kind, rate: int) -> None:
    path = written(tmp_path / "sound", tone(500, 1.0, rate), rate, kind)
    made = sounds.lay_ready(path, [8000, 16000, 48000], stereo=False)
    assert [sound.rate_hz for sound in made] == [8000, 16000, 48000]
    for sound in made:
        samples = read(sound)
        assert samples.shape[1] == 1
        assert abs(sound.frames / sound.rate_hz - 1.0) < 0.1, "MP3 and Ogg may lead in"
        inner = samples[sound.rate_hz // 10 : -sound.rate_hz // 10, 0]
        assert abs(level_db(inner, 500, sound.rate_hz) - -6.02) < 0.5


@pytest.mark.parametrize("rate", [11025, 22050, 44100, 96000])
def test_odd_rates_keep_pitch_length_and_place(tmp_path: Path, sounds: Sounds, rate: int) -> None:
    """A burst of tone stays where it is, to a quarter of a millisecond."""
    burst = np.concatenate((np.zeros(rate), tone(440, 0.5, rate), np.zeros(rate))).astype(np.float32)
    [sound] = sounds.lay_ready(written(tmp_path / "a.wav", burst, rate), [16000], stereo=False)
    samples = read(sound)[:, 0]
    assert abs(sound.frames - 40000) <= 1
    assert abs(level_db(samples[16800:23200], 440, 16000) - -6.02) < 0.05
    energy = np.flatnonzero(np.abs(samples) > 0.1)
    assert abs(energy[0] - 16000) < 8 and abs(energy[-1] - 24000) < 16


def test_channels_are_mixed_or_kept_where_asked(tmp_path: Path, sounds: Sounds) -> None:
    both = np.stack((tone(500, 1, 16000), tone(1000, 1, 16000)), axis=1)
    path = written(tmp_path / "a.wav", both, 16000)
    [mono] = sounds.lay_ready(path, [16000], stereo=False)
    [stereo] = sounds.lay_ready(path, [16000], stereo=True)
    assert (mono.channels, stereo.channels) == (1, 2)
    assert abs(level_db(read(mono)[:, 0], 1000, 16000) - -12.04) < 0.1
    assert level_db(read(stereo)[:, 0], 1000, 16000) < -80
    assert abs(level_db(read(stereo)[:, 1], 1000, 16000) - -6.02) < 0.1


def test_many_channels_become_one_even_where_two_are_asked_for(tmp_path: Path, sounds: Sounds) -> None:
    path = written(tmp_path / "a.wav", np.stack([tone(500, 1, 8000)] * 6, axis=1), 8000)
    [sound] = sounds.lay_ready(path, [8000], stereo=True)
    assert sound.channels == 1
    assert abs(level_db(read(sound)[:, 0], 500, 8000) - -6.02) < 0.1


def test_what_is_too_loud_is_clipped_and_nonsense_is_silent(tmp_path: Path, sounds: Sounds) -> None:
    samples = np.array([2.0, -2.0, np.nan, np.inf, -np.inf, 0.5] * 100, np.float32)
    [sound] = sounds.lay_ready(written(tmp_path / "a.wav", samples, 8000, ("WAV", "FLOAT")), [8000], stereo=False)
    assert read(sound)[:6, 0].tolist() == [32767 / 32768, -1.0, 0.0, 32767 / 32768, -1.0, 0.5]


# ---------------------------------------------------------------------- kept
def test_a_file_is_converted_once(tmp_path: Path, sounds: Sounds) -> None:
    path = written(tmp_path / "a.wav", tone(500, 1, 8000), 8000)
    [first] = sounds.lay_ready(path, [8000], stereo=False)
    made_at = os.stat(first.path).st_mtime_ns
    again = sounds.lay_ready(path, [16000, 8000], stereo=False)
    assert again[1] == first and os.stat(first.path).st_mtime_ns == made_at
    assert sounds.describe()["sounds"] == 2


def test_a_changed_file_is_converted_again(tmp_path: Path, sounds: Sounds) -> None:
    path = written(tmp_path / "a.wav", tone(500, 1, 8000), 8000)
    [before] = sounds.lay_ready(path, [8000], stereo=False)
    written(tmp_path / "a.wav", tone(700, 1, 8000), 8000)
    [after] = sounds.lay_ready(path, [8000], stereo=False)
    assert after.path != before.path
    assert abs(level_db(read(after)[:, 0], 700, 8000) - -6.02) < 0.1
    assert abs(level_db(read(before)[:, 0], 500, 8000) - -6.02) < 0.1, "who plays the old one goes on"


def test_what_was_swept_away_is_made_again(tmp_path: Path, sounds: Sounds) -> None:
    path = written(tmp_path / "a.wav", tone(500, 1, 8000), 8000)
    [before] = sounds.lay_ready(path, [8000], stereo=False)
    os.unlink(before.path)
    [after] = sounds.lay_ready(path, [8000], stereo=False)
    assert len(read(after)) == 8000
    assert sounds.describe()["sound_bytes"] == 16000


def test_the_longest_unused_makes_room(tmp_path: Path, memory: Memory) -> None:
    sounds = Sounds(memory, most_bytes=40_000)
    paths = [written(tmp_path / f"{name}.wav", tone(500, 1, 8000), 8000) for name in "abc"]
    made = [sounds.lay_ready(path, [8000], stereo=False)[0] for path in paths[:2]]
    sounds.lay_ready(paths[0], [8000], stereo=False)
    sounds.lay_ready(paths[2], [8000], stereo=False)
    assert Path(made[0].path).exists() and not Path(made[1].path).exists()
    assert sounds.describe() == {"sounds": 2, "sound_bytes": 32_000}


def test_more_than_the_memory_holds_is_refused_and_leaves_nothing(tmp_path: Path, memory: Memory) -> None:
    sounds = Sounds(memory, most_bytes=40_000)
    path = written(tmp_path / "a.wav", tone(500, 3, 8000), 8000)
    with pytest.raises(Unplayable, match="too long"):
        sounds.lay_ready(path, [8000, 16000], stereo=False)
    assert sounds.describe() == {"sounds": 0, "sound_bytes": 0}
    assert [file.name for file in memory.path.iterdir()] == ["lock"]


def test_two_who_ask_at_once_get_the_same(tmp_path: Path, sounds: Sounds) -> None:
    path = written(tmp_path / "a.wav", tone(500, 20, 8000), 8000)
    got: list[str] = []
    ask = [
        threading.Thread(target=lambda: got.append(sounds.lay_ready(path, [48000], False)[0].path)) for _ in range(3)
    ]
    for each in ask:
        each.start()
    for each in ask:
        each.join()
    assert len(set(got)) == 1 and len(got) == 3


# ---------------------------------------------------------------------- refused
def test_what_is_no_sound_file_is_refused_in_words(tmp_path: Path, sounds: Sounds) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text.wav").write_text("no sound at all")
    (tmp_path / "empty.wav").write_bytes(b"")
    written(tmp_path / "nothing.wav", np.zeros(0, np.float32), 8000)
    reasons = {
        "missing.wav": "no such file",
        "pipe": "no file",
        ".": "no file",
        "text.wav": "no sound file",
        "empty.wav": "no sound file",
        "nothing.wav": "no sound in it",
        "x" * 300: "too long",
        "a\0b": "called so",
    }
    for name, words in reasons.items():
        with pytest.raises(Unplayable, match=words):
            sounds.lay_ready(f"{tmp_path}/{name}", [8000], stereo=False)


@pytest.mark.parametrize("rate", [0, -8000, 999, 10**12])
def test_a_rate_that_nobody_plays_is_refused(tmp_path: Path, sounds: Sounds, rate: int) -> None:
    path = written(tmp_path / "a.wav", tone(500, 0.1, 8000), 8000)
    with pytest.raises(Unplayable, match="cannot be played at"):
        sounds.lay_ready(path, [rate], stereo=False)


def test_more_than_four_hours_are_refused(tmp_path: Path, sounds: Sounds, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.wav", np.zeros(8000 * 5, np.float32), 8000)
    monkeypatch.setattr(conversion, "MOST_SECONDS", 5)
    assert sounds.lay_ready(path, [8000], stereo=False)
    monkeypatch.setattr(conversion, "MOST_SECONDS", 4)
    with pytest.raises(Unplayable, match="hours"):
        sounds.lay_ready(path, [16000], stereo=False)


def test_a_header_that_lies_of_its_length_is_not_believed(tmp_path: Path, sounds: Sounds) -> None:
    path = tmp_path / "a.wav"
    written(path, tone(500, 1, 8000), 8000)
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 0x7FFFFFF0)
    path.write_bytes(data)
    [sound] = sounds.lay_ready(str(path), [8000], stereo=False)
    assert sound.frames == 8000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    head=st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=4),
    cut=st.floats(0, 1),
)
def test_a_broken_file_is_read_or_refused(tmp_path: Path, sounds: Sounds, kind, changes, head, cut) -> None:
    whole = tmp_path / f"{kind[1]}.whole"
    if not whole.exists():
        written(whole, np.stack([tone(500, 0.2, 16000)] * 2, axis=1), 16000, kind)
    data = bytearray(whole.read_bytes())
    for place, value in [(int(where * len(data)), value) for where, value in changes] + head:
        data[place] = value
    (tmp_path / "broken").write_bytes(data[: int(len(data) * cut) + 1])
    try:
        [sound] = sounds.lay_ready(str(tmp_path / "broken"), [8000], stereo=True)
    except Unplayable as refused:
        assert str(refused)
    else:
        assert os.stat(sound.path).st_size == sound.frames * sound.channels * 2 > 0


# ---------------------------------------------------------------------- the directory in memory
def test_it_is_the_owner_s_alone_and_goes_with_it(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.path.parent == tmp_path and memory.path.stat().st_mode & 0o777 == 0o700
    (memory.path / "1.raw").write_bytes(b"x")
    memory.close()
    assert not memory.path.exists()


def test_what_a_dead_one_has_left_is_removed_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    living = Memory(tmp_path)
    dead = Memory(tmp_path)
    (dead.path / "1.raw").write_bytes(b"x")
    os.close(dead._lock)
    (tmp_path / "somebody-else").mkdir()
    third = Memory(tmp_path)
    assert {place.name for place in tmp_path.iterdir()} == {living.path.name, third.path.name, "somebody-else"}
    living.close()
    third.close()


def test_it_lies_in_memory_where_there_is_such_a_place() -> None:
    memory = Memory()
    try:
        assert memory.path.parent == memories.IN_MEMORY or not os.access(memories.IN_MEMORY, os.W_OK)
    finally:
        memory.close()
