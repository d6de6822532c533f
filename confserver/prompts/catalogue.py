"""Prompts by name, and how numbers are said with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ENGLISH = HERE / "en"
MUSIC = HERE / "music" / "hold.flac"
LIST = "prompts.toml"
SUFFIX = ".flac"
MOST_SAID = 999_999

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")


class CatalogueError(Exception):
    """A text list that cannot be used; one line for the administrator."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A text list: what is said, in which language, by which voice of espeak-ng."""

    language: str
    voice: str
    words_a_minute: int
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The prompts of one language: name -> file."""

    language: str
    files: dict[str, Path]

    def number(self, number: int) -> tuple[str, ...]:
        """The names of the prompts that say a number, one after another. Raises KeyError where one is missing.

        A number with a prompt of its own is said by it, so languages with other rules list more numbers.
        """
        if not 0 <= number <= MOST_SAID:
            raise KeyError(str(number))
        said = tuple(_spelled(number, self.files))
        for name in said:
            self.files[name]
        return said


def _spelled(number: int, there: dict[str, Path]) -> Iterator[str]:
    if str(number) in there:
        yield str(number)
        return
    for size, word in ((1000, "thousand"), (100, "hundred")):
        count, rest = divmod(number, size)
        if count:
            yield from _spelled(count, there)
            yield word
            if rest:
                yield from _spelled(rest, there)
            return
    tens, ones = divmod(number, 10)
    yield str(tens * 10)
    if ones:
        yield str(ones)


def read_texts(path: Path) -> Texts:
    """Read a text list. Raises CatalogueError."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: not a list of texts: {error}") from error
    texts, language = told.get("texts"), told.get("language", "")
    voice, speed = told.get("voice", language), told.get("words_a_minute", 150)
    if not isinstance(texts, dict) or not texts:
        raise CatalogueError(f"{path}: it has no table [texts]")
    if not isinstance(language, str) or not isinstance(voice, str) or not isinstance(speed, int):
        raise CatalogueError(f"{path}: language and voice are texts, words_a_minute is a number")
    for name, text in texts.items():
        if not _NAME.match(name):
            raise CatalogueError(f"{path}: {name[:64]!r} is no name: small letters, digits and hyphens")
        if not isinstance(text, str) or not text.strip():
            raise CatalogueError(f"{path}: nothing is said for {name}")
    return Texts(language, voice, speed, texts)


def read_catalogue(directory: Path) -> Catalogue:
    """Find the prompts that a directory's text list tells of and that are there. Raises CatalogueError."""
    texts = read_texts(directory / LIST)
    files = {name: directory / f"{name}{SUFFIX}" for name in texts.texts}
    return Catalogue(texts.language, {name: path for name, path in files.items() if path.is_file()})
