"""Which prompts a room speaks: those of the language that its rules name, else the server's."""

from __future__ import annotations

from dataclasses import replace

from confserver.focus.repertoire import Repertoire
from confserver.focus.scene import Scene
from rooms.profiles import Said


class Languages:
    """``repertoire``: what all rooms have in common, and what is said where no language is named."""

    def __init__(self, scene: Scene, repertoire: Repertoire) -> None:
        self._scene = scene
        self.repertoire = repertoire

    def use(self, repertoire: Repertoire) -> None:
        """Another one, for whatever is said from now on."""
        self.repertoire = replace(repertoire, names=self.repertoire.names)

    def of_room(self, room: str) -> Repertoire:
        return self.repertoire.spoken_in(self._scene.rooms.policy_of(room).language)

    def check(self, said: Said) -> None:
        """Whether the language that a room's own rules name is there. Raises Invalid."""
        self.repertoire.check_language(said.get("language"))

    def lost(self) -> list[tuple[str, str]]:
        """Rooms whose language is there no more, and that language."""
        wanted = [(room.name, room.policy.language) for room in self._scene.rooms]
        return [(room, language) for room, language in wanted if language and language not in self.repertoire.sets]

    def describe(self, room: str) -> dict[str, object]:
        """What a room really speaks, with a warning where that is not what its rules say."""
        wanted, usual = self._scene.rooms.policy_of(room).language, self.repertoire.usual
        if wanted is None or wanted in self.repertoire.sets:
            return {"speaks": wanted or usual, "warnings": []}
        return {"speaks": usual, "warnings": [warning(wanted, usual)]}


def warning(wanted: str, usual: str) -> str:
    return f"there is no set of prompts {wanted} any more; the room speaks {usual or 'as the others do'}"
