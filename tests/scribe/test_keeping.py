"""Recordings in the format they are kept in: nothing goes before its successor is whole, and a crash is made good."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.scribe import keeping
from confserver.scribe.keeping import NotKept, Shelf
from confserver.scribe.recording import Recording
from tests.scribe.sounds import level_db
from tests.scribe.test_recording import ANNA, AT, Tape


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


def taped(directory: Path, format: str, ticks: int = 100, rate: int = 8000) -> Tape:
    tape = Tape(directory, format=format)
    for tick in range(ticks):
        tape.hear(tick, {None: 440, ANNA: 440}, rate)
    return tape


def files(directory: Path) -> set[str]:
    return {path.suffix for path in directory.iterdir() if path.name != ".lock"}


def test_as_wav_they_stay_as_they_are(directory: Path) -> None:
    tape = taped(directory, "wav")
    tape.close()
    kept = Shelf(directory).keep(tape.recording.name)
    assert kept == [f"{tape.recording.name}.wav", f"{tape.recording.name}-p1-Anna.wav"]
    assert tape.timeline()["state"] == "kept" and files(directory) == {".json", ".wav"}


def test_flac_is_the_same_sample_for_sample(directory: Path) -> None:
    tape = taped(directory, "flac")
    tape.close()
    said = tape.sound("-p1-Anna")
    kept = Shelf(directory).keep(tape.recording.name)
    assert files(directory) == {".json", ".flac"}
    found, rate = soundfile.read(directory / kept[1])
    assert rate == 8000 and np.array_equal(found, said)
    told = tape.timeline()
    assert told["mix"] == kept[0] and told["participants"][0]["track"] == kept[1] and told["state"] == "kept"


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_opus_sounds_the_same_and_is_as_long(directory: Path, rate: int) -> None:
    tape = taped(directory, "opus", rate=rate)
    tape.close()
    kept = Shelf(directory).keep(tape.recording.name)
    assert files(directory) == {".json", ".opus"}
    info = soundfile.info(str(directory / kept[0]))
    assert (info.format, info.subtype) == ("OGG", "OPUS")
    found, at = soundfile.read(directory / kept[0])
    assert abs(len(found) / at - 2.0) < 0.1
    assert abs(level_db(found[at // 4 : at], 440, at) - 20 * np.log10(0.3)) < 1.0


def test_no_room_for_the_successor_leaves_the_original(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = taped(directory, "flac")
    tape.close()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keeping.os, "fsync", full)
    shelf = Shelf(directory)
    with pytest.raises(NotKept, match="No space"):
        shelf.keep(tape.recording.name)
    assert files(directory) == {".json", ".wav"} and len(tape.sound()) == 16000
    monkeypatch.undo()
    assert shelf.is_left(tape.recording.name), "the next start tries again"
    shelf.keep(tape.recording.name)
    assert files(directory) == {".json", ".flac"}


def test_one_that_came_half_way_is_brought_to_its_end(directory: Path) -> None:
    """The mix is converted and its original gone; the timeline does not know it yet."""
    tape = taped(directory, "flac")
    tape.close()
    before = tape.timeline()
    shelf = Shelf(directory)
    shelf.keep(tape.recording.name)
    (directory / f"{tape.recording.name}.json").write_text(json.dumps(before))
    (directory / f"{tape.recording.name}-p1-Anna.flac.part").write_bytes(b"half")
    kept = shelf.keep(tape.recording.name)
    assert all(name.endswith(".flac") for name in kept) and tape.timeline()["state"] == "kept"


def test_one_that_broke_off_is_made_whole(directory: Path) -> None:
    """As a crash leaves it: flushed at different lengths, the timeline as it was at its last writing."""
    tape = taped(directory, "flac", ticks=50)
    tape.recording.flush(100.0)
    for tick in range(50, 60):
        tape.hear(tick, {None: 440, ANNA: 440})
    tape.recording._mix.file.flush()
    shelf = Shelf(directory)
    assert shelf.hold() and shelf.is_left(tape.recording.name)
    shelf.repair(tape.recording.name)
    assert len(tape.sound()) == len(tape.sound("-p1-Anna")) == 60 * 160
    told = tape.timeline()
    assert (told["state"], told["cause"], told["seconds"]) == ("closed", "broken off", 1.2)
    shelf.keep(tape.recording.name)
    assert not shelf.is_left(tape.recording.name)
    assert files(directory) == {".json", ".flac"}


def test_one_that_broke_off_before_any_sound(directory: Path) -> None:
    recording = Recording(1, "standup", AT, directory, format="flac")
    shelf = Shelf(directory)
    shelf.repair(recording.name)
    assert shelf.keep(recording.name) == []


def test_a_directory_that_another_scribe_has_is_left_alone(directory: Path) -> None:
    first, second = Shelf(directory), Shelf(directory)
    assert not first.hold(), "it is not there yet"
    directory.mkdir()
    assert first.hold() and first.hold() and not second.hold()
    os.close(first._lock)
    assert second.hold()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"state": 7}', "\0", '{"state": "closed"}', '{"state": "recording"}']
)
def test_what_is_no_timeline_of_ours_harms_nothing(directory: Path, text: str) -> None:
    directory.mkdir()
    (directory / "x.json").write_text(text)
    shelf = Shelf(directory)
    if shelf.is_left("x"):
        with pytest.raises(NotKept):
            shelf.repair("x")
            shelf.keep("x")
    assert (directory / "x.json").read_text() == text
