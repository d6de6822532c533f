"""All languages of the package: each says whatever English says, and counts as people there do."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile

from confserver.prompts.catalogue import (
    ENGLISH,
    HERE,
    LANGUAGES,
    LIST,
    Catalogue,
    CatalogueError,
    Texts,
    read_catalogue,
    read_texts,
)  # fmt: skip
from confserver.prompts.making import MOST_PEAK, RATE_HZ, SPEECH_DBOV, make_all, speech_dbov

TEXTS = {language: read_texts(HERE / language / LIST) for language in LANGUAGES}
CATALOGUES = {language: read_catalogue(HERE / language) for language in LANGUAGES}
NOUNS = ("", "minutes", "seconds", "in-the-room")
MOST_S, MOST_BYTES = 6.5, 3_300_000


def words(language: str, number: int, before: str = "") -> str:
    return " ".join(TEXTS[language].texts[name] for name in CATALOGUES[language].number(number, before))


# ------------------------------------------------------------------ texts and files
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_english_says_is_said(language):
    """A new prompt is a line in each list, and scripts/make-prompts."""
    missing = TEXTS["en"].texts.keys() - TEXTS[language].texts.keys()
    assert not {name for name in missing if not name.isdigit()}
    assert TEXTS[language].language == language
    assert TEXTS[language].voice.partition("+")[0].partition("-")[0] == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_has_its_file_and_no_file_is_left_over(language):
    files = {path.stem for path in (HERE / language).glob("*.flac")}
    assert files == set(TEXTS[language].texts)
    assert sum(path.stat().st_size for path in (HERE / language).iterdir()) < MOST_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_left_in_another_language(language):
    if language != "en":
        same = {name for name, text in TEXTS[language].texts.items() if TEXTS["en"].texts.get(name) == text}
        assert same <= {"minutes", "minute", "6"}
    assert all(text == text.strip() for text in TEXTS[language].texts.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_file_sounds_as_the_others(language):
    for name, text in TEXTS[language].texts.items():
        samples, rate = soundfile.read(HERE / language / f"{name}.flac", dtype="float32")
        assert (rate, samples.ndim) == (RATE_HZ, 1), name
        assert speech_dbov(samples) == pytest.approx(SPEECH_DBOV, abs=1.0), name
        assert np.abs(samples).max() <= MOST_PEAK + 1e-3, name
        assert 0.2 < len(samples) / rate < min(0.9 + 0.085 * len(text), MOST_S), name
        quiet = np.abs(samples) < 0.02
        assert quiet[:8].all(), name
        assert quiet[-800:].all(), name
        assert not quiet[: rate // 5].all(), f"{name} begins late"


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_say_what_the_texts_say(language, tmp_path):
    """One prompt spoken anew is the one in the package."""
    told = TEXTS[language]
    one = {"muted": told.texts["muted"]}
    make_all(Texts(told.language, told.voice, told.words_a_minute, one), tmp_path, str)
    again, _ = soundfile.read(tmp_path / "muted.flac")
    ours, _ = soundfile.read(HERE / language / "muted.flac")
    assert len(again) == pytest.approx(len(ours), rel=0.15)


# ------------------------------------------------------------------ numbers
@pytest.mark.parametrize("before", NOUNS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_can_be_said(language, before):
    """Above a thousand: so many thousands, then the rest, which are numbers below it."""
    prompts = CATALOGUES[language]
    for number in range(1000):
        assert prompts.number(number, before)
        assert 1 <= len(prompts.number(number * 1000 + 1, before)) <= 9
        assert prompts.number(number * 1000, before)
        assert prompts.number(999_000 + number, before)
    below = [prompts.number(number, before) for number in range(1, 1000)]
    assert [prompts.number(7000 + number, before)[-len(said) :] for number, said in enumerate(below, 1)] == below
    assert len(set(below)) == len(below)


SPOKEN = [
    ("de", 0, "", "null"),
    ("de", 1, "", "eins"),
    ("de", 1, "minute", "eine"),
    ("de", 21, "", "einundzwanzig"),
    ("de", 21, "minutes", "einundzwanzig"),
    ("de", 77, "", "siebenundsiebzig"),
    ("de", 100, "", "einhundert"),
    ("de", 101, "", "einhundert eins"),
    ("de", 237, "", "zweihundert siebenunddreißig"),
    ("de", 1000, "", "eintausend"),
    ("de", 1234, "", "eintausend zweihundert vierunddreißig"),
    ("de", 21_000, "", "einundzwanzig tausend"),
    ("de", 101_000, "", "einhundert ein tausend"),
    ("de", 999_999, "", "neunhundert neunundneunzig tausend neunhundert neunundneunzig"),
    ("fr", 1, "", "un"),
    ("fr", 1, "minute", "une"),
    ("fr", 21, "in-the-room", "vingt et une"),
    ("fr", 21, "", "vingt et un"),
    ("fr", 22, "", "vingt deux"),
    ("fr", 71, "minutes", "soixante et onze"),
    ("fr", 77, "", "soixante-dix-sept"),
    ("fr", 80, "", "quatre-vingts"),
    ("fr", 81, "minutes", "quatre-vingt-une"),
    ("fr", 99, "", "quatre-vingt-dix-neuf"),
    ("fr", 100, "", "cent"),
    ("fr", 101, "", "cent un"),
    ("fr", 101, "seconds", "cent une"),
    ("fr", 200, "", "deux cents"),
    ("fr", 1000, "", "mille"),
    ("fr", 1001, "", "mille un"),
    ("fr", 21_000, "minutes", "vingt et un mille"),
    ("fr", 100_000, "", "cent mille"),
    ("es", 1, "", "uno"),
    ("es", 1, "minute", "un"),
    ("es", 21, "minutes", "veintiún"),
    ("es", 22, "", "veintidós"),
    ("es", 31, "", "treinta y uno"),
    ("es", 31, "in-the-room", "treinta y un"),
    ("es", 99, "", "noventa y nueve"),
    ("es", 100, "", "cien"),
    ("es", 101, "", "ciento uno"),
    ("es", 500, "", "quinientos"),
    ("es", 721, "seconds", "setecientos veintiún"),
    ("es", 1000, "", "mil"),
    ("es", 1100, "", "mil cien"),
    ("es", 21_001, "", "veintiún mil uno"),
    ("es", 100_000, "", "cien mil"),
    ("es", 101_031, "minutes", "ciento un mil treinta y un"),
    ("es", 999_999, "", "novecientos noventa y nueve mil novecientos noventa y nueve"),
    ("en", 1, "minute", "one"),
    ("en", 101, "", "one hundred one"),
    ("en", 342, "", "three hundred forty two"),
]


@pytest.mark.parametrize(("language", "number", "before", "said"), SPOKEN)
def test_numbers_are_said_as_people_say_them(language, number, before, said):
    assert words(language, number, before) == said


def test_a_form_that_has_no_prompt_is_said_plainly(tmp_path):
    plain = Catalogue("xx", dict.fromkeys(("1", "2", "2-f"), tmp_path), forms={"minutes": "f"})
    assert plain.number(1, "minutes") == ("1",)
    assert plain.number(2, "minutes") == ("2-f",)
    assert plain.number(2, "seconds") == ("2",)


@pytest.mark.parametrize(
    "forms", ["forms = 3", "[forms]\nminutes = 3", "[forms]\nminutes = 'ff'", "[forms]\n'A' = 'f'"]
)
def test_forms_that_cannot_be_are_refused_in_words(tmp_path, forms):
    (tmp_path / LIST).write_text(f"{forms}\n[texts]\na = 'b'\n")
    with pytest.raises(CatalogueError, match="forms"):
        read_texts(tmp_path / LIST)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_put_together_makes_sentences(language):
    """The pieces: a beginning, the number or the key, an end with a full stop."""
    texts = TEXTS[language].texts
    for end in ("minutes", "minute", "seconds", "in-the-room", "has-joined", "has-left"):
        assert texts[end].endswith("."), end
        assert texts[end][0].islower() or language == "de", end
    for begin in ("ends-in", "back-in", "there-are", "somebody", "press"):
        assert texts[begin][-1].isalpha(), begin
    for name, text in texts.items():
        assert not name.startswith("menu-") or text.endswith(","), name


def test_the_package_is_read_where_it_lies():
    assert ENGLISH == HERE / "en"
