"""A main room and its breakout rooms: opened in one media process (``Scene.place_of``), so that one voice can be in
all of them."""

from __future__ import annotations

from confserver.focus.scene import Scene
from rooms.commands import BroadcastVoice, Command
from rooms.errors import Conflict
from rooms.policy import room_name


def check(scene: Scene, command: Command) -> None:
    """Whether somebody can be heard in other rooms. Raises Conflict where these are apart all the same, Invalid."""
    if not isinstance(command, BroadcastVoice):
        return
    family = scene.rooms.family(room_name(command.room))
    workers = {scene.places[name].worker for name in family if name in scene.places}
    if len(workers) > 1:
        raise Conflict(f"the rooms of {family[0]} are in different media processes: nobody can be heard in all of them")
