"""Text that is spoken: each once for as long as the scribe lives, by espeak-ng."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

from confserver.prompts.catalogue import Texts
from confserver.prompts.making import MakingError, polished, spoken, write
from confserver.scribe.conversion import Unplayable

SAY = "say:"
WORDS_A_MINUTE = 165
MOST_KEPT = 500
"""So many spoken texts are kept; then all of them go."""


class Speaker:
    """Makes sound files of texts, in a directory of its own. Any thread may ask."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._guard = threading.Lock()
        self._kept = 0

    def file_of(self, name: str) -> str:
        """The file that says ``say:VOICE:TEXT``. Raises Unplayable."""
        voice, _, text = name.removeprefix(SAY).partition(":")
        program = shutil.which("espeak-ng")
        if program is None:
            raise Unplayable("espeak-ng, which speaks, is not installed")
        place = self._directory / f"{hashlib.sha256(name.encode(errors='replace')).hexdigest()}.flac"
        with self._guard:
            if not place.exists():
                self._make(program, voice, text, place)
        return str(place)

    def _make(self, program: str, voice: str, text: str, place: Path) -> None:
        try:
            if self._kept >= MOST_KEPT:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._kept = 0
            self._directory.mkdir(mode=0o700, exist_ok=True)
            write(place, polished(spoken(program, Texts(voice, voice, WORDS_A_MINUTE), text)))
            self._kept += 1
        except MakingError as error:
            raise Unplayable(str(error)) from error
        except OSError as error:
            raise Unplayable(f"what is spoken cannot be kept: {error.strerror or error}") from error
