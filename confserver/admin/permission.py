"""What a token's holder may ask, and what is there for him: by the route's row, and by his rooms.

Rooms that are not his are as if there were none: the same 404 as for a room that there is not. What is forbidden
by role (403) is so whichever room is named. Whom a route is for stands in its row, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from confserver.admin.endpoints import Found, Route
from confserver.admin.gate import REALM
from confserver.admin.problems import Problem
from confserver.admin.tokens import Holder
from rooms.errors import Forbidden, NotFound
from rooms.participant import Role
from rooms.policy import SECRETS, room_name

SECRET = "set"
"""What stands for a secret that is there."""


def may(route: Route, holder: Holder) -> bool:
    """Whether somebody of this role, in all rooms or in some, may ask this at all."""
    if route.is_open:
        return True
    return holder.role >= route.needs and (not holder.is_scoped or route.is_of_rooms)


def permit(found: Found, holder: Holder) -> None:
    """Whether he may ask this at all. Raises Problem 403."""
    route = found.route
    if not may(route, holder):
        needed = max(route.needs, Role.MODERATOR).name.lower() if route.needs else Role.OBSERVER.name.lower()
        words = f"this takes the token of {'an' if needed[0] in 'ao' else 'a'} {needed}"
        words += "" if holder.role < route.needs else ", for all rooms"
        headers = {"WWW-Authenticate": f'{REALM}, error="insufficient_scope"'}  # RFC 6750 section 3.1
        raise Problem(403, words, kind=Forbidden.kind, headers=headers)


def permit_room(name: str, there: Mapping[str, Any] | None, holder: Holder) -> None:
    """``there``: the room of this name, if there is one. Raises Problem 404, and Invalid for what is no name."""
    if holder.is_scoped and not (sees(there, holder) if there is not None else holder.sees(room_name(name))):
        raise Problem(404, f"there is no room {room_name(name)}", kind=NotFound.kind)


def sees(room: Mapping[str, Any], holder: Holder) -> bool:
    """By the name that a room has, whatever it was called; who sees a room sees its breakout rooms."""
    return holder.sees(str(room["name"])) or bool(room.get("parent") and holder.sees(str(room["parent"])))


def seen(route: Route, told: Any, holder: Holder) -> Any:
    """What is left of an answer for him."""
    if route.room and holder.is_scoped and isinstance(told, Sequence) and not isinstance(told, str):
        told = [row for row in told if _is_his(row, route, holder)]
    if holder.role < Role.MODERATOR and not route.tells_rooms:
        return [_shown(each) for each in told] if isinstance(told, list | tuple) else _shown(told)
    if route.tells_rooms:
        return [room_for(each, holder) for each in told] if isinstance(told, Sequence) else room_for(told, holder)
    return told


def _is_his(row: Mapping[str, Any], route: Route, holder: Holder) -> bool:
    return sees(row, holder) if route.tells_rooms else holder.sees(str(row.get(route.room, "")))


def room_for(room: Mapping[str, Any], holder: Holder) -> Mapping[str, Any]:
    """Observers never see a room's secrets, such as PINs."""
    if holder.role >= Role.MODERATOR:
        return room
    shown: Mapping[str, Any] = _shown({**room, **{name: SECRET for name in SECRETS if room.get(name)}})
    return shown


def _shown(told: Any) -> Any:
    """Also where the rules of a room, or of a profile, stand by themselves."""
    if isinstance(told, Mapping) and isinstance(rules := told.get("rules"), Mapping):
        return {**told, "rules": {**rules, **{name: SECRET for name in SECRETS if rules.get(name)}}}
    return told
