"""Prompts and music as they are made."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from confserver.prompts.catalogue import ENGLISH, LIST, MUSIC, Texts, read_catalogue, read_texts
from confserver.prompts.command import prompts
from confserver.prompts.making import RATE_HZ, SPEECH_DBOV, MakingError, as_toml, make_all, polished, speech_dbov
from confserver.prompts.music import MUSIC_DBOV, made

needs_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def words(level: float = 0.02) -> np.ndarray:
    """Two bursts of tone, silence around and between them."""
    sound = np.zeros(RATE_HZ * 3, np.float32)
    burst = level * np.sin(np.arange(RATE_HZ // 2) / 8)
    sound[RATE_HZ : RATE_HZ * 3 // 2] = sound[RATE_HZ * 7 // 4 : RATE_HZ * 9 // 4] = burst
    return sound


@pytest.mark.parametrize("level", [0.001, 0.02, 0.9])
def test_silence_goes_and_the_level_is_that_of_the_words_alone(level):
    said = polished(words(level))
    assert len(said) / RATE_HZ == pytest.approx(1.25 + 0.02 + 0.0625, abs=0.011)
    assert 10 * np.log10((said[RATE_HZ // 8 : RATE_HZ // 4] ** 2).mean()) == pytest.approx(SPEECH_DBOV, abs=0.1)


def test_what_has_peaks_is_not_clipped():
    sound = words()
    sound[RATE_HZ * 5 // 4] = 1.0
    assert np.abs(polished(sound)).max() == pytest.approx(0.9, abs=0.01)


def test_nothing_is_no_prompt():
    with pytest.raises(MakingError, match="nothing is to be heard"):
        polished(np.zeros(16000, np.float32))
    with pytest.raises(MakingError, match="nothing is to be heard"):
        polished(np.zeros(10, np.float32))


def test_a_list_is_written_as_it_is_read(tmp_path):
    texts = Texts("de", "de+f2", 140, {"a": 'Er sagte "\\ja\\".', "20": "zwanzig\t\x7f€"})
    (tmp_path / LIST).write_text(as_toml(texts), encoding="utf-8")
    assert read_texts(tmp_path / LIST) == texts


@needs_voice
def test_another_language_by_the_command(tmp_path):
    (tmp_path / "texts.toml").write_text('language = "de"\n[texts]\nwelcome = "Willkommen."\n1 = "eins"\n')
    made = CliRunner().invoke(
        prompts, ["make", "--texts", str(tmp_path / "texts.toml"), "--voice", "de+f2", "--out", str(tmp_path / "de")]
    )
    assert made.exit_code == 0, made.output
    assert made.output.startswith("welcome: ")
    assert set(read_catalogue(tmp_path / "de").files) == {"welcome", "1"}
    assert read_texts(tmp_path / "de" / LIST).voice == "de+f2"
    samples, rate = soundfile.read(tmp_path / "de" / "welcome.flac", dtype="float32")
    assert rate == RATE_HZ
    assert speech_dbov(samples) == pytest.approx(SPEECH_DBOV, abs=0.5)
    told = CliRunner().invoke(prompts, ["list", "--prompts", str(tmp_path / "de")])
    assert "welcome  Willkommen." in told.output


@needs_voice
def test_the_package_holds_what_its_texts_say(tmp_path):
    """One prompt spoken anew lasts as long as the one in the package."""
    texts = read_texts(ENGLISH / LIST)
    make_all(Texts(texts.language, texts.voice, texts.words_a_minute, {"muted": texts.texts["muted"]}), tmp_path, str)
    ours, again = soundfile.info(ENGLISH / "muted.flac"), soundfile.info(tmp_path / "muted.flac")
    assert ours.duration == pytest.approx(again.duration, rel=0.15)


@needs_voice
def test_a_voice_that_is_not_there_is_told(tmp_path):
    told = CliRunner().invoke(prompts, ["make", "--voice", "nosuchvoice", "--out", str(tmp_path)])
    assert told.exit_code == 1
    assert told.output.startswith("Error: espeak-ng")


def test_without_espeak_nothing_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = CliRunner().invoke(prompts, ["make", "--out", str(tmp_path / "out")])
    assert (told.exit_code, told.output) == (1, "Error: espeak-ng is not installed\n")
    assert not (tmp_path / "out").exists()


def test_a_list_that_is_not_there(tmp_path):
    for verb in (["make", "--texts", str(tmp_path / "no"), "--out", str(tmp_path)], ["list", "--prompts", "/nowhere"]):
        told = CliRunner().invoke(prompts, verb)
        assert told.exit_code == 1
        assert "No such file" in told.output


def test_listing_needs_no_numpy():
    script = "import sys; from confserver.__main__ import confserver; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# ------------------------------------------------------------------ music
def test_the_music_is_gentle_and_has_no_click_where_it_begins_anew():
    samples, rate = soundfile.read(MUSIC, dtype="float32")
    assert rate == RATE_HZ
    assert 20 < len(samples) / rate < 60
    assert MUSIC.stat().st_size < 400_000
    assert 10 * np.log10((samples**2).mean()) == pytest.approx(MUSIC_DBOV, abs=0.2)
    assert np.abs(samples).max() < 0.5
    joined = np.concatenate((samples[-RATE_HZ // 100 :], samples[: RATE_HZ // 100]))
    assert np.abs(np.diff(joined)).max() < 0.01
    assert np.abs(np.diff(samples)).max() < 0.15
    loudness = (samples[: len(samples) // 1600 * 1600].reshape(-1, 1600) ** 2).mean(axis=1)
    assert (loudness[5:-25] > 1e-5).all(), "it falls silent in the middle"


def test_the_music_fits_a_telephone():
    samples, rate = soundfile.read(MUSIC, dtype="float32")
    power, hz = np.abs(np.fft.rfft(samples)) ** 2, np.fft.rfftfreq(len(samples), 1 / rate)
    assert power[(hz > 200) & (hz < 3400)].sum() > 0.7 * power.sum()


def test_the_music_of_the_package_is_that_of_its_notes():
    samples, _ = soundfile.read(MUSIC, dtype="float32")
    assert np.abs(samples - made()).max() < 2e-4


def test_the_music_is_written_by_the_command(tmp_path):
    told = CliRunner().invoke(prompts, ["music", "--out", str(tmp_path / "new" / "m.flac")])
    assert told.exit_code == 0, told.output
    assert (tmp_path / "new" / "m.flac").stat().st_size == MUSIC.stat().st_size
    assert CliRunner().invoke(prompts, ["music", "--out", "/proc/m.flac"]).exit_code == 1
