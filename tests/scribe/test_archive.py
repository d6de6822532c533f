"""The shelf of recordings: listed, deleted, pruned; nothing that is none of ours is touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.contract import DeleteRecording, ListRecordings, RecordingDeleted, RecordingsListed
from confserver.scribe import archive
from confserver.scribe.keeping import NotKept, Shelf
from tests.scribe.process import Scribe

DAY = archive.DAY_S


def lay(directory: Path, name: str, **more: object) -> None:
    files = [f"{name}.wav", f"{name}-p1.wav"]
    for file in files:
        soundfile.write(directory / file, np.zeros(800, np.int16), 8000)
    timeline = {
        "version": 1, "name": name, "room": "standup", "state": "kept", "format": "wav", "rate_hz": 8000,
        "started_at": 1000.0, "ended_at": 1060.0, "cause": "ended by script", "seconds": 60.0, "mix": files[0],
        "participants": [{"id": "p1", "name": "Ana", "track": files[1]}], "keep_days": 0.0,
    }  # fmt: skip
    (directory / f"{name}.json").write_text(json.dumps(timeline | more))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    lay(tmp_path, "a")
    lay(tmp_path, "b", started_at=2000.0, keep_days=2.0, ended_at=2060.0)
    lay(tmp_path, "c", started_at=3000.0, state="recording", keep_days=0.001, ended_at=None)
    return Shelf(tmp_path)


def test_all_are_shown_the_latest_first(shelf: Shelf) -> None:
    told = archive.shown(shelf)
    assert [each.name for each in told] == ["c", "b", "a"]
    assert told[2].files == ["a.wav", "a-p1.wav"] and told[2].bytes == 2 * (44 + 1600)
    assert (told[2].until, told[1].until) == (None, 2060.0 + 2 * DAY)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": 5}', "\x00", '{"room": "x", "mix": "../../etc/passwd"}'])
def test_what_is_none_of_ours_is_passed_over(shelf: Shelf, text: str) -> None:
    (shelf.directory / "odd.json").write_text(text)
    assert [each.name for each in archive.shown(shelf)] == ["c", "b", "a"]
    with pytest.raises(NotKept):
        archive.delete(shelf, "odd")
    assert (shelf.directory / "odd.json").exists()


def test_a_timeline_that_names_what_lies_elsewhere_deletes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    victim = tmp_path.parent / "victim.wav"
    victim.write_text("precious")
    lay(shelf.directory, "evil", mix="../victim.wav")
    with pytest.raises(NotKept, match="elsewhere"):
        archive.delete(shelf, "evil")
    assert victim.read_text() == "precious"


def test_one_is_deleted_with_all_that_belongs_to_it(shelf: Shelf) -> None:
    archive.delete(shelf, "a")
    assert sorted(path.name for path in shelf.directory.iterdir() if path.name[0] == "a") == []
    assert [each.name for each in archive.shown(shelf)] == ["c", "b"]
    with pytest.raises(NotKept, match="there is no recording a"):
        archive.delete(shelf, "a")
    with pytest.raises(NotKept, match="is being recorded"):
        archive.delete(shelf, "c")
    with pytest.raises(NotKept, match="there is no recording"):
        archive.delete(shelf, "../b")


def test_a_file_that_is_gone_already_does_not_keep_the_rest(shelf: Shelf) -> None:
    (shelf.directory / "a.wav").unlink()
    archive.delete(shelf, "a")
    assert [each.name for each in archive.shown(shelf)] == ["c", "b"]


def test_those_whose_days_are_over_go_and_never_one_that_is_written(shelf: Shelf) -> None:
    assert archive.prune(shelf, 2060.0 + 2 * DAY - 1) == []
    assert archive.prune(shelf, 2060.0 + 2 * DAY) == ["b"]
    assert [each.name for each in archive.shown(shelf)] == ["c", "a"]


def test_the_scribe_lists_and_deletes(tmp_path: Path) -> None:
    lay(tmp_path, "a")
    lay(tmp_path, "old", keep_days=0.5)
    with Scribe(tmp_path) as scribe:
        scribe.say(ListRecordings(job=1))
        listed = scribe.wait_for(RecordingsListed)
        assert (listed.job, [each.name for each in listed.recordings]) == (1, ["a"]), "its days are over"
        scribe.say(DeleteRecording(job=2, name="a"), DeleteRecording(job=3, name="a"))
        assert scribe.wait_for(RecordingDeleted, lambda event: event.job == 2).reason == ""
        assert "there is no recording a" in scribe.wait_for(RecordingDeleted, lambda event: event.job == 3).reason
