"""A stage for plays in the rooms: people who come and go over a fake clock."""

from __future__ import annotations

from rooms import commands as ask
from rooms import events as tell
from rooms.manager import Rooms
from rooms.participant import SYSTEM, Actor, ParticipantIds, Role

HOST = Actor("script", Role.MODERATOR)
ADMIN = Actor("boss", Role.ADMIN)
WATCHER = Actor("screen", Role.OBSERVER)


class Stage:
    """Rooms, a clock, and short words for what calls and scripts do."""

    def __init__(self, room: str = "standup", **settings) -> None:
        self.rooms = Rooms(ParticipantIds(), **settings)
        self.room = room
        self.now = 1000.0

    def do(self, command: ask.Command, by: Actor = SYSTEM) -> list[tell.Event]:
        self.now += 1.0
        return self.rooms.handle(command, by, self.now)

    def reserve(self, name: str = "Ana", room: str | None = None) -> str:
        room = self.room if room is None else room
        events = self.do(ask.Reserve(room, name, f"sip:{name.lower()}@10.0.0.1", "10.0.0.1:5060"))
        return events[-1].participant

    def arrive(self, name: str = "Ana", room: str | None = None) -> str:
        participant = self.reserve(name, room)
        self.do(ask.Arrive(self.room if room is None else room, participant))
        return participant

    def leave(self, participant: str) -> list[tell.Event]:
        return self.do(ask.Leave(self.room, participant))

    def shown(self) -> dict:
        return self.rooms.describe(self.room, self.now)

    def person(self, participant: str) -> dict:
        return next(p for p in self.shown()["participants"] if p["id"] == participant)


def kinds(events: list[tell.Event]) -> list[type]:
    return [type(event) for event in events]


def sources(events: list[tell.Event]) -> set[str]:
    """Who can be heard, by the word of the last event."""
    assert isinstance(events[-1], tell.HearingChanged)
    return {source for source, _ in events[-1].hearing.mixes[1].sources}
