"""Names as people have said them: trimmed, at one level, for nobody else's eyes, gone when they are dropped."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.contract import (
    ConvertSound,
    DropName,
    KeepName,
    ListRecordings,
    NameKept,
    NameLost,
    RecordingsListed,
    SoundFailed,
    SoundReady,
)  # fmt: skip
from confserver.prompts.making import speech_dbov
from confserver.scribe.own_names import NotKept, OwnNames
from tests.kit.speech import speech
from tests.scribe.process import Scribe


def said(amplitude: float = 0.05, rate: int = 16000, hz: float = 440) -> bytes:
    """A tone of a second, between silences."""
    at = np.arange(rate) / rate
    loud = amplitude * np.sin(2 * np.pi * hz * at)
    whole = np.concatenate([np.zeros(rate // 2), loud, np.zeros(2 * rate)])
    return np.rint(whole * 32767).astype(np.int16).tobytes()


@pytest.mark.parametrize("amplitude", [0.004, 0.02, 0.1, 0.9])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_name_is_trimmed_and_as_loud_as_prompts_are(tmp_path: Path, amplitude: float, rate: int) -> None:
    place = OwnNames(tmp_path / "names").keep("p7", rate, said(amplitude, rate))
    samples, made_at = soundfile.read(place, dtype="float32")
    assert made_at == 16000 and 1.0 <= len(samples) / 16000 < 1.2
    assert speech_dbov(samples) == pytest.approx(-20, abs=1)
    spectrum = np.abs(np.fft.rfft(samples[800:16000]))
    assert np.argmax(spectrum) * 16000 / 15200 == pytest.approx(440, abs=2)


def test_the_noise_of_a_line_does_not_become_a_voice(tmp_path: Path) -> None:
    samples, _ = soundfile.read(OwnNames(tmp_path).keep("p7", 16000, said(0.0005)), dtype="float32")
    assert speech_dbov(samples) < -35


@pytest.mark.parametrize("level_db", [-50, -30])
def test_who_says_nothing_on_a_noisy_line_has_said_nothing(tmp_path: Path, level_db: float) -> None:
    noise = np.random.default_rng(7).normal(0, 10 ** (level_db / 20), 5 * 16000)
    with pytest.raises(NotKept, match="noise"):
        OwnNames(tmp_path).keep("p7", 16000, np.rint(noise * 32767).astype(np.int16).tobytes())


def test_who_speaks_all_the_time_or_in_noise_has_said_it(tmp_path: Path) -> None:
    for place, (begin, noise_db) in enumerate([(0.5, -90), (3.0, -90), (3.0, -50)]):
        voice = speech(16000)[int(begin * 16000) :][: 5 * 16000]
        noise = np.random.default_rng(7).normal(0, 10 ** (noise_db / 20), len(voice))
        whole = np.clip(voice + noise, -1, 1)
        OwnNames(tmp_path).keep(f"p{place}", 16000, np.rint(whole * 32767).astype(np.int16).tobytes())
    assert len(list(tmp_path.iterdir())) == 3


def test_it_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    place = OwnNames(tmp_path / "names").keep("p7", 16000, said())
    assert stat.S_IMODE(place.stat().st_mode) == 0o600 and stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_one_who_says_it_again_has_one_file(tmp_path: Path) -> None:
    names = OwnNames(tmp_path)
    first = names.keep("p7", 16000, said(hz=440))
    before = first.stat().st_ino
    assert names.keep("p7", 16000, said(hz=900)) == first and first.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [first]
    names.drop("p7")
    names.drop("p7")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "rate", "samples"),
    [
        ("p7", 16000, b""),
        ("p7", 16000, b"\0\0" * 16000),
        ("p7", 16000, said()[:-1]),
        ("p7", 16000, said()[16000:18000]),
        ("p7", 16000, bytes(4_000_000)),
        ("p7", 0, said()),
        ("../p7", 16000, said()),
        ("", 16000, said()),
        ("p7/x", 16000, said()),
    ],
)
def test_what_is_no_name_is_not_kept(tmp_path: Path, name: str, rate: int, samples: bytes) -> None:
    with pytest.raises(NotKept):
        OwnNames(tmp_path / "names").keep(name, rate, samples)
    assert not list(tmp_path.rglob("*.*"))


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("no directory")
    with pytest.raises(NotKept, match="cannot be written"):
        OwnNames(tmp_path / "names").keep("p7", 16000, said())


def test_the_scribe_keeps_plays_and_drops_them_and_no_listing_shows_them(tmp_path: Path) -> None:
    with Scribe(tmp_path / "recordings") as scribe:
        scribe.say(KeepName(job=1, name="p7", rate_hz=16000, samples=said()), ListRecordings(job=2))
        place = scribe.wait_for(NameKept).path
        assert scribe.wait_for(RecordingsListed).recordings == []
        scribe.say(ConvertSound(job=3, path=place, rates=[8000]))
        [ready] = scribe.wait_for(SoundReady).sounds
        assert Path(ready.path).exists()
        scribe.say(DropName(name="p7"), KeepName(job=4, name="p8", rate_hz=16000, samples=b""))
        assert scribe.wait_for(NameLost).job == 4
        assert not Path(place).exists() and not Path(ready.path).exists(), "nor what lay ready of it"
        scribe.say(ConvertSound(job=5, path=place, rates=[8000]))
        assert scribe.wait_for(SoundFailed).job == 5


def test_a_full_disk_costs_a_name_and_nothing_else(tmp_path: Path) -> None:
    with Scribe(tmp_path / "recordings") as scribe:
        scribe.fill_disk(0)
        scribe.say(KeepName(job=1, name="p7", rate_hz=16000, samples=said()))
        assert "cannot be written" in scribe.wait_for(NameLost).reason
        scribe.fill_disk(1 << 20)
        scribe.say(KeepName(job=2, name="p7", rate_hz=16000, samples=said()))
        assert scribe.wait_for(NameKept).job == 2
        assert [path.name for path in (tmp_path / "names").iterdir()] == ["p7.flac"]
