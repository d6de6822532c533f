"""The list of texts, the files beside it, and numbers put together."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from confserver.prompts.catalogue import ENGLISH, LIST, Catalogue, CatalogueError, read_catalogue, read_texts
from confserver.prompts.making import MOST_PEAK, RATE_HZ, SPEECH_DBOV, speech_dbov

TEXTS = read_texts(ENGLISH / LIST)
NUMBERS = [*range(21), 30, 40, 50, 60, 70, 80, 90, 100]
WANTED = (
    "welcome", "first", "only-one", "enter-pin", "wrong-pin", "enter-room", "room-full", "room-locked", "not-found",
    "muted", "unmuted", "recording-started", "recording-stopped", "there-are", "in-the-room", "has-joined", "has-left",
    "waiting-recorded", "goodbye", "ended", "no-moderator", "menu", "press", *map(str, NUMBERS),
)  # fmt: skip


@pytest.mark.parametrize("name", WANTED)
def test_each_prompt_that_is_wanted_is_there(name):
    assert name in read_catalogue(ENGLISH).files


def test_texts_and_files_go_together():
    files = {path.stem for path in ENGLISH.glob("*.flac")}
    assert files == set(TEXTS.texts)
    assert {path.suffix for path in ENGLISH.iterdir()} == {".flac", ".toml"}
    assert sum(path.stat().st_size for path in ENGLISH.iterdir()) < 4_000_000


@pytest.mark.parametrize("name", TEXTS.texts)
def test_each_prompt_sounds_as_the_others(name):
    samples, rate = soundfile.read(ENGLISH / f"{name}.flac", dtype="float32")
    assert (rate, samples.ndim) == (RATE_HZ, 1)
    assert speech_dbov(samples) == pytest.approx(SPEECH_DBOV, abs=0.5)
    assert abs(samples).max() <= MOST_PEAK + 1e-3
    assert 0.3 < len(samples) / rate < 6
    words = len(TEXTS.texts[name].split())
    assert len(samples) / rate < 0.8 + 0.5 * words
    quiet = abs(samples) < 0.02
    assert quiet[:8].all()
    assert quiet[-800:].all()
    assert not quiet[: RATE_HZ // 5].all(), "it begins late"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (7, "7"),
        (20, "20"),
        (21, "20 1"),
        (90, "90"),
        (99, "90 9"),
        (100, "100"),
        (101, "100 1"),
        (200, "2 hundred"),
        (342, "3 hundred 40 2"),
        (1000, "1 thousand"),
        (2017, "2 thousand 17"),
        (100_100, "100 thousand 100"),
        (999_999, "9 hundred 90 9 thousand 9 hundred 90 9"),
    ],
)
def test_numbers_are_put_together(number, said):
    assert " ".join(read_catalogue(ENGLISH).number(number)) == said


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_what_cannot_be_said(number):
    with pytest.raises(KeyError):
        read_catalogue(ENGLISH).number(number)


def test_a_number_with_a_prompt_of_its_own_is_said_by_it():
    german = Catalogue("de", {name: Path(name) for name in ("1", "20", "21")})
    assert german.number(21) == ("21",)
    with pytest.raises(KeyError, match="30"):
        german.number(31)


def test_only_what_is_there_is_told(tmp_path):
    (tmp_path / LIST).write_text('language = "de"\n[texts]\nwelcome = "Willkommen."\nmuted = "Stumm."\n')
    (tmp_path / "welcome.flac").touch()
    assert read_catalogue(tmp_path) == Catalogue("de", {"welcome": tmp_path / "welcome.flac"}, "de")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no table"),
        ("[texts]\n", "no table"),
        ("texts = 3", "no table"),
        ("[texts", "not a list of texts"),
        ('[texts]\n"../etc" = "x"', "is no name"),
        ('[texts]\n"A" = "x"', "is no name"),
        ('[texts]\na = ""', "nothing is said for a"),
        ("[texts]\na = 3", "nothing is said for a"),
        ('voice = 3\n[texts]\na = "b"', "are texts"),
        ('words_a_minute = "fast"\n[texts]\na = "b"', "is a number"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_in_words(tmp_path, text, why):
    (tmp_path / LIST).write_text(text)
    with pytest.raises(CatalogueError, match=why):
        read_texts(tmp_path / LIST)


def test_a_list_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(CatalogueError, match="No such file"):
        read_catalogue(tmp_path)
    (tmp_path / LIST).write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match="not a list"):
        read_catalogue(tmp_path)
