"""Prompts by name, and how numbers are said with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LANGUAGES = ("en", "de", "fr", "es")
"""Those of the package, each in a directory of this name."""
ENGLISH = HERE / "en"
MUSIC = HERE / "music" / "hold.flac"
LIST = "prompts.toml"
SUFFIX = ".flac"
MOST_SAID = 999_999

_SIZES = ((1000, "thousand"), (100, "hundred"), (10, ""))
"""Round numbers, and the prompts behind how many of them there are; tens have prompts of their own."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
VOICE = re.compile(r"[A-Za-z][A-Za-z0-9+_/-]{0,40}\Z")
_FORM = re.compile(r"[a-z]\Z")


class CatalogueError(Exception):
    """A text list that cannot be used; one line for the administrator."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A text list: what is said, in which language, by which voice of espeak-ng."""

    language: str
    voice: str
    words_a_minute: int
    texts: dict[str, str] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    """Prompts before which numbers have another form, and the letter of that form: ``1-f`` before ``minutes``."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The prompts of one language: name -> file."""

    language: str
    files: dict[str, Path]
    voice: str = ""
    """Of espeak-ng, for what is spoken beside them; empty: the one that the server has by itself."""
    forms: dict[str, str] = field(default_factory=dict)
    """As in ``Texts``."""

    def number(self, number: int, before: str = "") -> tuple[str, ...]:
        """The names of the prompts that say a number, one after another. Raises KeyError where one is missing.

        A number with a prompt of its own is said by it; any other by its round part, which may have a prompt of its
        own too (``100-and`` before a rest, where there is such), and the rest. ``before``: the prompt that follows.
        """
        if not 0 <= number <= MOST_SAID:
            raise KeyError(str(number))
        said = tuple(self._spelled(number, self.forms.get(before, "")))
        for name in said:
            self.files[name]
        return said

    def _spelled(self, number: int, form: str) -> Iterator[str]:
        names = [f"{number}-{form}", str(number)] if form else [str(number)]
        own = next((name for name in names if name in self.files), None)
        if own is not None:
            yield own
            return
        for size, word in _SIZES:
            count, rest = divmod(number, size)
            if count:
                yield from self._round(count, size, word, bool(rest))
                if rest:
                    yield from self._spelled(rest, form)
                return
        yield str(number)

    def _round(self, count: int, size: int, word: str, has_rest: bool) -> Iterator[str]:
        whole = str(count * size)
        if has_rest and f"{whole}-and" in self.files:
            yield f"{whole}-and"
        elif (has_rest and whole in self.files) or not word:
            yield whole
        else:
            yield from self._spelled(count, self.forms.get(word, ""))
            yield word


def read_texts(path: Path) -> Texts:
    """Read a text list. Raises CatalogueError."""
    told = read_toml(path)
    if not isinstance(told.get("texts"), dict) or not told["texts"]:
        raise CatalogueError(f"{path}: it has no table [texts]")
    return texts_of(path, told, Texts("", "", 150))


def read_toml(path: Path) -> dict[str, Any]:
    """Raises CatalogueError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: not a list of texts: {error}") from error


def texts_of(path: Path, told: Mapping[str, Any], usual: Texts) -> Texts:
    """What a list says; what it leaves out is as ``usual``. Raises CatalogueError."""
    texts, language = told.get("texts", {}), told.get("language", usual.language)
    voice = told.get("voice", usual.voice if "language" not in told else language)
    speed = told.get("words_a_minute", usual.words_a_minute)
    if not isinstance(language, str) or not isinstance(voice, str) or not isinstance(speed, int):
        raise CatalogueError(f"{path}: language and voice are texts, words_a_minute is a number")
    if voice and not VOICE.match(voice):
        raise CatalogueError(f"{path}: {voice[:64]!r} is no voice of espeak-ng")
    if not isinstance(texts, dict):
        raise CatalogueError(f"{path}: texts is a table")
    for name, text in texts.items():
        if not NAME.match(name):
            raise CatalogueError(f"{path}: {name[:64]!r} is no name: small letters, digits and hyphens")
        if not isinstance(text, str) or not text.strip():
            raise CatalogueError(f"{path}: nothing is said for {name}")
    return Texts(language, voice, speed, texts, _forms(path, told.get("forms", {})))


def _forms(path: Path, forms: object) -> dict[str, str]:
    """Raises CatalogueError."""
    if not isinstance(forms, dict):
        raise CatalogueError(f"{path}: forms is a table")
    for name, form in forms.items():
        if not NAME.match(name) or not isinstance(form, str) or not _FORM.match(form):
            raise CatalogueError(f"{path}: forms names a prompt and the letter of a form, not {name[:64]!r}")
    return forms


def read_catalogue(directory: Path) -> Catalogue:
    """Find the prompts that a directory's text list tells of and that are there. Raises CatalogueError."""
    texts = read_texts(directory / LIST)
    files = {name: directory / f"{name}{SUFFIX}" for name in texts.texts}
    there = {name: path for name, path in files.items() if path.is_file()}
    return Catalogue(texts.language, there, texts.voice, texts.forms)
