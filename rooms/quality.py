"""What is wrong with the sound of those present, in words. The focus finds it; the room remembers it while it is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands.command import Command
from rooms.commands.quality import NoteQuality
from rooms.participant import Actor, Finding, Participant, Presence

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room


def note_quality(room: Room, command: NoteQuality, by: Actor, minutes: Minutes) -> None:
    """Ignored for those not present, and where it is known already: reports and a departure may cross."""
    person = room.places.get(command.participant)
    if person is None or person.presence is not Presence.PRESENT:
        return
    known = person.findings.get(command.kind)
    if command.is_wrong == (known is not None):
        return
    if known is not None:
        finding = person.findings.pop(command.kind)
    else:
        finding = person.findings[command.kind] = Finding(
            command.kind, command.way, command.side, command.text, command.advice, command.since
        )
    minutes.say(
        tell.QualityChanged, person.id, finding.kind, command.is_wrong, finding.way, finding.side, finding.text,
        finding.advice, finding.since,
    )  # fmt: skip


def close(person: Participant, minutes: Minutes) -> None:
    """He leaves the room, and what was wrong with him."""
    for kind, each in person.findings.items():
        minutes.say(
            tell.QualityChanged, person.id, kind, False, each.way, each.side, each.text, each.advice, each.since
        )
    person.findings.clear()


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {NoteQuality: note_quality}
