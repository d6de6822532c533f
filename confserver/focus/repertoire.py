"""What can be played, by the names that people give it: files, prompts, numbers, texts, tones; and the music."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from confserver.prompts.catalogue import MUSIC, Catalogue
from rooms.errors import Invalid, NotFound
from rooms.plays import NAME
from rooms.policy import Announce

PROMPT, NUMBER, TONES, SAY = "prompt:", "number:", "tones:", "say:"
MOST_SAID = 1000
"""Characters of a text that is spoken: about a minute."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a play is made of: files one after another, or tones."""

    files: tuple[str, ...] = ()
    tones: str = ""


@dataclass(frozen=True, slots=True)
class Repertoire:
    """``directory``: where the administrator's sounds lie, None: there are none."""

    directory: Path | None
    prompts: Catalogue
    music: Path
    music_when_alone: bool = True
    """Where a room's own rules do not say; so too ``announce``."""
    announce: Announce = Announce.NONE
    voice: str = ""
    """Of espeak-ng, for texts; empty: there is none."""
    sets: Mapping[str, Catalogue] = field(default_factory=dict)
    """Of the rooms whose rules name a language; ``prompts`` is that of all others."""
    usual: str = ""
    """The name of ``prompts`` among the sets."""

    def spoken_in(self, language: str | None) -> Repertoire:
        """What can be played in a room of this language; where it is not there, as everywhere else."""
        prompts = self.sets.get(language) if language else None
        if prompts is None or prompts is self.prompts:
            return self
        return replace(self, prompts=prompts, voice=(prompts.voice or self.voice) if self.voice else "")

    def check_language(self, language: object) -> None:
        """Raises Invalid for one that is not there."""
        if isinstance(language, str) and language not in self.sets:
            alike = difflib.get_close_matches(language, self.sets, n=1)
            hint = f"did you mean {alike[0]}?" if alike else f"there are: {', '.join(sorted(self.sets)) or 'none'}"
            raise Invalid(f"language: there is no set of prompts {language[:64]}; {hint}")

    def beep(self, name: str, tones: str) -> Score:
        """A sound of its own where the prompts have one."""
        return self.prompt(name) or Score(tones=tones)

    names: dict[str, str] = field(default_factory=dict, compare=False)
    """Files of names that their owners have said, by what stands behind ``name:``; ``naming`` keeps it."""

    def score_of(self, sounds: Sequence[str]) -> Score:
        """Find what is meant by these names. Raises Invalid, NotFound."""
        tones = [sound for sound in sounds if sound.startswith(TONES)]
        if not tones:
            pairs = zip(sounds, (*sounds[1:], ""), strict=True)
            return Score(files=tuple(str(path) for sound, after in pairs for path in self._files_of(sound, after)))
        if len(sounds) > 1:
            raise Invalid("tones are played alone; more of them come one after another with commas between")
        return Score(tones=tones[0].removeprefix(TONES))

    def prompt(self, name: str) -> Score | None:
        """None where the prompts lack it."""
        path = self.prompts.files.get(name)
        return Score(files=(str(path),)) if path else None

    def _files_of(self, sound: str, after: str) -> Iterator[Path | str]:
        """``after``: what follows, for a number may be said in another form before it."""
        if sound.startswith(PROMPT):
            yield self._prompt(sound.removeprefix(PROMPT))
        elif sound.startswith(NUMBER):
            yield from map(self._prompt, self._number(sound.removeprefix(NUMBER), after))
        elif sound.startswith(NAME):
            yield self._own_name(sound.removeprefix(NAME))
        elif sound.startswith(SAY):
            yield self._said(sound.removeprefix(SAY))
        else:
            yield self._file(sound)

    def _own_name(self, whose: str) -> str:
        if whose not in self.names:
            raise NotFound(f"{whose[:64]} has not said his name, or it is deleted")
        return self.names[whose]

    def _said(self, text: str) -> str:
        """As the scribe is asked for it (``contract.ConvertSound``)."""
        text = " ".join(text.split())
        if not self.voice:
            raise NotFound("this server cannot speak: espeak-ng is not installed")
        if not 1 <= len(text) <= MOST_SAID or not any(c.isalnum() for c in text):
            raise Invalid(f"what is spoken has 1 to {MOST_SAID} characters, and words")
        return f"{SAY}{self.voice}:{text}"

    def _prompt(self, name: str) -> Path:
        if name not in self.prompts.files:
            raise NotFound(f"there is no prompt {name[:64]!r}")
        return self.prompts.files[name]

    def _number(self, text: str, after: str) -> tuple[str, ...]:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Invalid(f"{text[:64]!r} is no number that can be said")
        try:
            return self.prompts.number(int(text), after.removeprefix(PROMPT))
        except KeyError as missing:
            raise NotFound(f"the prompts cannot say {text}: {missing} is missing") from None

    def _file(self, name: str) -> Path:
        """By its name alone: nothing is looked up here. Links that the administrator has laid are followed."""
        if self.directory is None:
            raise NotFound("there is no directory of sounds: the setting sounds.directory names one")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
            raise Invalid(f"{name[:64]!r} does not lie below the directory of sounds")
        return self.directory / path


SILENT = Repertoire(None, Catalogue("en", {}), MUSIC, music_when_alone=False)
"""Knows tones alone, and plays nothing by itself."""
