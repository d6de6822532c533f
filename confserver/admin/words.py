"""Events in words, for ``confserver watch``: one line each, people by their names.

``WORDS`` has a sentence for each type; a type that it does not know is told by its members. Names are known from
snapshots and arrivals, and forgotten when somebody leaves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

Told = Mapping[str, Any]

WORDS: Mapping[str, str] = {
    "room-created": "the room is made",
    "room-changed": "the room has other rules",
    "room-removed": "the room is forgotten",
    "room-locked": "the room is locked",
    "room-unlocked": "the room is open to all again",
    "room-opened": "the room opens",
    "room-ending": "the room ends",
    "room-closed": "the room is empty",
    "place-reserved": "{who} is on the way in, from {source}",
    "place-released": "{who} has not come in",
    "participant-arrived": "{who} comes in, from {source}",
    "participant-left": "{who} leaves: {cause}",
    "participant-kicked": "{who} is thrown out",
    "participant-waits": "{who} waits for {waits_for}",
    "wait-ended": "{who} has waited and not come in: {cause}",
    "name-asked": "{who} is asked to say his name",
    "name-hurried": "{who} has pressed # about his name",
    "name-recorded": "{who} has said his name",
    "name-ended": "{who} is asked for his name no more",
    "name-forgotten": "a name that was said is deleted: {sound}",
    "participant-muted": "{who} is muted ({cause})",
    "participant-unmuted": "{who} is not muted ({cause}) any more",
    "participant-deafened": "{who} hears nothing",
    "participant-undeafened": "{who} hears again",
    "participant-held": "{who} is on hold",
    "participant-resumed": "{who} is back from hold",
    "participant-replaced": "{who} goes on by another phone, {source}",
    "talking-changed": "{who} {talks}",
    "noise-changed": "{who}: {kind_or_end}",
    "digit-received": "{who} has pressed {digit}",
    "digits-sent": "{keys} keys are pressed towards {who}",
    "dominant-speaker": "{who} has the word",
    "broadcast-began": "{who} speaks from {from_room} to {spoken_to}",
    "broadcast-ended": "{who} speaks only to {from_room} again",
    "participant-placed": "{who} is heard {where}",
    "hearing-changed": "who hears whom: {lines}",
    "dialled": "{who} is called at {uri}",
    "dial-ringing": "it rings at {who} ({status})",
    "dial-redirected": "{who} is called on at {uri}",
    "dial-failed": "{who} does not come: {cause}",
    "transferring": "{who} is asked to call {uri}",
    "transfer-ended": "transfer of {who}: {cause}",
    "message": "{who}: {text}",
    "announced": "said to {who}: {spoken}",
    "play-started": "play {play} to {who}: {spoken}",
    "play-changed": "play {play} {goes_on}",
    "play-ended": "play {play} ends: {cause}",
    "recording-started": "the room is recorded",
    "recording-paused": "the recording pauses",
    "recording-resumed": "the recording goes on",
    "recording-ended": "the recording ends",
    "recording-failed": "the recording has failed: {reason}",
    "forward-started": "forward {forward}: the sound of {who} goes to port {port} of {host}",
    "forward-troubled": "forward {forward} to port {port} of {host}: {trouble_or_end}",
    "forward-ended": "forward {forward} to port {port} of {host} ends: {cause}",
}
BASIC = frozenset({"id", "type", "room", "number", "at"})
NOBODY_TELLS = frozenset({"", "system"})


def _where(pan: Any) -> str:
    """Between left and right."""
    if not isinstance(pan, int | float):
        return "where the room places them"
    return f"{abs(pan):.0%} {'left' if pan < 0 else 'right'}" if pan else "in the middle"


class Narrator:
    """Knows who is called what."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def line(self, event: Told) -> str:
        """When, where and what, on one line (a message's own lines are joined)."""
        clock = time.strftime("%H:%M:%S", time.localtime(float(event.get("at") or 0)))
        if event.get("type") == "snapshot":
            return f"{clock}  {self._look(event)}"
        self._learn(event)
        words = " ".join(self._sentence(event).split())
        self._forget(event)
        by = str(event.get("by") or "")
        return f"{clock}  {event.get('room')}  {words}" + (f", by {by}" if by not in NOBODY_TELLS else "")

    def _sentence(self, event: Told) -> str:
        kind = str(event.get("type"))
        try:
            return WORDS[kind].format_map({**event, **self._more(event)})
        except (KeyError, ValueError, IndexError):
            members = {name: value for name, value in event.items() if name not in BASIC and name != "by"}
            told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in members.items() if value)
            return f"{kind.replace('-', ' ')}: {told}" if told else kind.replace("-", " ")

    def _more(self, event: Told) -> dict[str, str]:
        return {
            "who": self._who(event),
            "talks": "talks" if event.get("talking") else "is silent",
            "trouble_or_end": str(event.get("trouble") or "all is well again"),
            "kind_or_end": str(event.get("kind") or "no noise any more"),
            "where": _where(event.get("pan")),
            "spoken_to": ", ".join(map(str, event.get("rooms") or ["all breakout rooms"])),
            "lines": "; ".join(map(str, event.get("words") or ["nobody"])),
            "spoken": " ".join(map(str, event.get("sounds") or ())),
            "goes_on": "pauses" if event.get("paused") else "goes on",
        }

    def _who(self, event: Told) -> str:
        person = event.get("participant") or event.get("voice")
        if not person:
            return str(event.get("name") or "") or (
                "nobody" if event.get("type") == "dominant-speaker" else "everybody"
            )
        name = self._names.get(str(person))
        return f"{name} ({person})" if name else str(person)

    # -------------------------------------------------------------- names
    def _look(self, snapshot: Told) -> str:
        self._names.clear()
        rooms = list(snapshot.get("rooms") or ())
        for room in rooms:
            for group in ("participants", "dialling", "waiting"):
                self._names |= {str(person["id"]): str(person["name"]) for person in room.get(group) or ()}
        people = sum(len(room.get("participants") or ()) for room in rooms)
        return f"{len(rooms)} rooms, {people} people in them"

    def _learn(self, event: Told) -> None:
        if event.get("participant") and event.get("name"):
            self._names[str(event["participant"])] = str(event["name"])

    def _forget(self, event: Told) -> None:
        if event.get("type") in ("participant-left", "place-released", "wait-ended"):
            self._names.pop(str(event.get("participant")), None)
