"""A recording: everything at its place, readable at any time."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from confserver.phone.recorder import MOST_SAMPLES, Recorder


def content(path: Path) -> list[int]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").tolist()  # type: ignore[no-any-return]


def level(value: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(count, value / 32768, np.float32)


def test_late_ones_find_their_place_and_holes_are_silence(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav")
    for place, value in ((0, 1), (9, 4), (3, 2), (9, 4)):
        recorder.put(place, level(value, 3))
    recorder.close()
    assert content(tmp_path / "a.wav") == [1, 1, 1, 2, 2, 2, 0, 0, 0, 4, 4, 4]


def test_what_lies_beyond_either_end_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav")
    recorder.put(-2, level(7, 3))
    recorder.put(-9, level(8, 3))
    recorder.put(MOST_SAMPLES, level(9, 3))
    recorder.close()
    assert content(tmp_path / "a.wav") == [7]


def test_full_scale_is_kept_and_what_is_louder_is_cut(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav")
    recorder.put(0, np.array([1.0, -1.0, 3.0, -3.0, 0.25], np.float32))
    recorder.close()
    assert content(tmp_path / "a.wav") == [32767, -32768, 32767, -32768, 8192]


def test_a_kill_leaves_all_but_the_last_second(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav")
    assert content(tmp_path / "a.wav") == []
    for number in range(120):
        recorder.put(160 * number, level(5, 160))
    assert len(content(tmp_path / "a.wav")) >= 120 * 160 - 8000
    recorder.close()
    assert content(tmp_path / "a.wav") == [5] * 120 * 160


def test_closing_twice_is_closing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav")
    recorder.close()
    recorder.close()
    recorder.put(0, level(1, 1))
    assert content(tmp_path / "a.wav") == []


def test_an_old_recording_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x" * 10_000)
    recorder = Recorder(tmp_path / "a.wav")
    recorder.close()
    assert content(tmp_path / "a.wav") == []


def test_no_place_to_write(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        Recorder(tmp_path / "none" / "a.wav")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_told_and_leaks_nothing(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="No space"):
        Recorder(Path("/dev/full"))
    assert len(os.listdir("/proc/self/fd")) == before
