"""Text that is spoken by the scribe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.scribe import speaking
from confserver.scribe.conversion import Unplayable
from confserver.scribe.speaking import Speaker


def test_a_text_is_spoken_once_and_kept(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "spoken")
    first = speaker.file_of("say:en:The meeting begins.")
    samples, rate = soundfile.read(first)
    assert rate == 16000 and 0.5 < len(samples) / rate < 4 and np.abs(samples).max() > 0.1
    made = Path(first).stat().st_mtime_ns
    assert speaker.file_of("say:en:The meeting begins.") == first and Path(first).stat().st_mtime_ns == made
    assert speaker.file_of("say:de:The meeting begins.") != first
    assert {path.suffix for path in (tmp_path / "spoken").iterdir()} == {".flac"}


@pytest.mark.parametrize("name", ["say:en:...", "say:en:"])
def test_what_cannot_be_said_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unplayable):
        Speaker(tmp_path / "spoken").file_of(name)


def test_a_text_is_no_option_and_no_markup(tmp_path: Path) -> None:
    speaker = Speaker(tmp_path / "spoken")
    assert Path(speaker.file_of("say:en:--version")).is_file()
    assert Path(speaker.file_of("say:en:<speak>Ana</speak> $(reboot) `reboot`")).is_file()


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "MOST_KEPT", 2)
    speaker = Speaker(tmp_path / "spoken")
    for word in ("one", "two", "three"):
        speaker.file_of(f"say:en:{word}")
    assert len(list((tmp_path / "spoken").iterdir())) == 1


def test_without_espeak_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unplayable, match="not installed"):
        Speaker(tmp_path / "spoken").file_of("say:en:Hello")


def test_a_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unplayable, match="cannot be kept"):
        Speaker(tmp_path / "file" / "spoken").file_of("say:en:Hello")
