"""Files that are readable at every moment, however long they grow, whatever becomes of their writer."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.scribe import wav
from confserver.scribe.wav import HEAD_BYTES, WavFile

SAID = np.arange(-1000, 1000, dtype=np.int16)


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "a.wav", 16000)
    file.append(SAID)
    file.skip_to(3000)
    file.append(SAID.tobytes())
    file.close()
    found = read(tmp_path / "a.wav")
    assert soundfile.info(str(tmp_path / "a.wav")).samplerate == 16000
    assert np.array_equal(found, np.concatenate((SAID, np.zeros(1000, np.int16), SAID)))
    assert file.frames == len(found) == 5000


def test_it_is_the_owners_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    WavFile(tmp_path / "a.wav", 8000).close()
    assert (tmp_path / "a.wav").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        WavFile(tmp_path / "a.wav", 8000)


def test_a_copy_taken_at_any_moment_tells_of_the_last_flush(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "a.wav", 8000)
    assert len(read(tmp_path / "a.wav")) == 0
    for count in range(1, 5):
        file.append(SAID)
        file.skip_to(file.frames + 100)
        shutil.copy(tmp_path / "a.wav", tmp_path / "before.wav")
        file.flush()
        shutil.copy(tmp_path / "a.wav", tmp_path / "after.wav")
        assert len(read(tmp_path / "before.wav")) == 2100 * (count - 1)
        assert len(read(tmp_path / "after.wav")) == 2100 * count
    file.abandon()


def test_silence_takes_no_room_on_the_disk(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "a.wav", 48000)
    file.append(SAID)
    file.skip_to(48000 * 600)
    file.close()
    told = (tmp_path / "a.wav").stat()
    assert told.st_size == HEAD_BYTES + 2 * 48000 * 600
    assert told.st_blocks * 512 < 100_000


def test_beyond_4_gb_it_goes_on_as_rf64(tmp_path: Path) -> None:
    path, frames = tmp_path / "a.wav", (1 << 31) - 40
    file = WavFile(path, 8000)
    file.append(SAID)
    file.skip_to(frames)
    file.flush()
    assert path.open("rb").read(4) == b"RIFF" and soundfile.info(str(path)).frames == frames
    file.append(SAID)
    file.flush()
    assert path.open("rb").read(4) == b"RF64"
    file.close()
    with soundfile.SoundFile(str(path)) as found:
        assert (found.format, found.frames, found.samplerate) == ("RF64", frames + 2000, 8000)
        assert np.array_equal(found.read(2000, dtype="int16"), SAID)
        found.seek(frames)
        assert np.array_equal(found.read(dtype="int16"), SAID)


def test_a_full_disk_is_told_and_what_was_flushed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = WavFile(tmp_path / "a.wav", 8000)
    file.append(SAID)
    file.flush()
    left = 1000

    def nearly_full(descriptor: int, data, place: int, write=os.pwrite) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = write(descriptor, data[:left], place)
        left -= count
        return count

    monkeypatch.setattr(wav.os, "pwrite", nearly_full)
    file.append(SAID)
    with pytest.raises(OSError, match="No space"):
        file.flush()
    file.abandon()
    assert np.array_equal(read(tmp_path / "a.wav"), SAID)


KILLED = """
import sys, time, numpy as np
from pathlib import Path
from confserver.scribe.wav import WavFile
file = WavFile(Path(sys.argv[1]), 8000)
for count in range(1, 100000):
    file.append(np.full(160, count % 100, np.int16))
    file.flush()
    print(count, flush=True)
"""


def test_killed_in_the_middle_the_file_tells_of_what_was_flushed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if int(line) >= 500:
                break
        child.kill()
        last = [*child.stdout]
    said = int(last[-1]) if last and last[-1].strip().isdigit() else 500
    found = read(path)
    assert len(found) % 160 == 0 and len(found) >= 160 * (said - 1)
    assert np.array_equal(found[::160], np.arange(1, len(found) // 160 + 1) % 100)


def test_a_file_that_broke_off_is_lengthened_in_place(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "a.wav", 8000)
    file.append(SAID)
    file.flush()
    file.abandon()
    wav.lengthen(tmp_path / "a.wav", 8000, 2000, 5000)
    assert np.array_equal(read(tmp_path / "a.wav"), np.concatenate((SAID, np.zeros(3000, np.int16))))
