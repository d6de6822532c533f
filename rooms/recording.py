"""Whether a room is recorded, and who has asked for it. Its sound is written elsewhere; all know of it here.

Who waits is never recorded, unless that is asked for (``waiting``). Nobody hears those who wait, nor do they hear one
another: so there is no mix of them, but a track of each, while he waits for the start, a moderator or to be let in.
Who is still asked for a PIN or a room's number is a stranger, and is not recorded in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Invalid, NotFound, NotOpen
from rooms.hearing import Hearing, may_be_heard
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, Participant, Wait, readable
from rooms.policy import RecordNotice

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room


class Recording:
    """That of one room, if there is one: nobody records a room twice at once."""

    def __init__(self) -> None:
        self.number = 0
        """Of its RecordingStarted; 0: the room is not recorded."""
        self.paused = False
        self.is_wanted = True
        """Nobody has ended what the room has begun by itself, in this meeting."""
        self.with_waiting = False
        """Who waits is recorded, too."""
        self._tracks = False
        self._since = 0.0
        self._by = ""

    def __bool__(self) -> bool:
        return bool(self.number)

    def describe(self) -> dict[str, Any] | None:
        if not self.number:
            return None
        told = {"since": self._since, "by": self._by, "tracks": self._tracks, "paused": self.paused}
        return told | {"waiting": self.with_waiting}

    def start(self, command: ask.StartRecording, by: Actor, minutes: Minutes, state: State) -> None:
        """Raises NotOpen, Conflict, Invalid."""
        if command.waiting and not command.tracks:
            raise Invalid("who waits is recorded by himself: that takes tracks")
        if state not in (State.ALONE, State.LIVE) and not (command.waiting and state is State.WAITING):
            waits = state is State.WAITING and not command.waiting
            raise NotOpen(f"nobody is in {minutes.room}{', and who waits is not to be recorded' if waits else ''}")
        if self.number:
            raise Conflict(f"{minutes.room} is recorded already, since {self._by} has asked for it")
        self.number, self.paused = minutes.number + 1, False
        self._tracks, self._since, self._by = command.tracks, minutes.at, by.name
        self.with_waiting = command.waiting
        minutes.say(tell.RecordingStarted, command.tracks, by.name, command.waiting)

    def pause(self, command: ask.PauseRecording, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound."""
        self._set_paused(True, by, minutes)

    def resume(self, command: ask.ResumeRecording, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound."""
        self._set_paused(False, by, minutes)

    def _set_paused(self, paused: bool, by: Actor, minutes: Minutes) -> None:
        self._check(minutes)
        if self.paused != paused:
            self.paused = paused
            minutes.say(tell.RecordingPaused if paused else tell.RecordingResumed, by.name)

    def stop(self, command: ask.StopRecording, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound. It does not begin again by itself."""
        self._check(minutes)
        self.is_wanted = False
        self._end(minutes, by)

    def close(self, minutes: Minutes) -> None:
        """A recording ends with the meeting."""
        self.is_wanted = True
        if self.number:
            self._end(minutes, SYSTEM)

    def _end(self, minutes: Minutes, by: Actor) -> None:
        self.number = 0
        minutes.say(tell.RecordingEnded, by.name)

    def note_failed(self, command: ask.NoteRecordingFailed, by: Actor, minutes: Minutes) -> None:
        """Ignored where another has begun meanwhile."""
        if self.number and self.number == command.recording:
            self.number = 0
            minutes.say(tell.RecordingFailed, readable(command.reason))

    def add_to(self, hearing: Hearing, waiting: Iterable[Participant]) -> Hearing:
        """Who waits and is recorded, beside who hears whom."""
        if not (self.number and self.with_waiting):
            return hearing
        return replace(hearing, waiting=tuple(sorted(each.id for each in waiting if _is_recorded(each))))

    def _check(self, minutes: Minutes) -> None:
        if not self.number:
            raise NotFound(f"{minutes.room} is not recorded")


def _is_recorded(person: Participant) -> bool:
    """Of who waits: who has come as far as the room's door, and could be heard if he were in."""
    return person.waits_for in WAITS and may_be_heard(person)


def follow(room: Room, minutes: Minutes) -> bool:
    """Begin by itself where the room's rules say so; say that it is recorded, also to who comes later.

    Gives whether others of those who wait are recorded from now on than it was said: a hold of theirs is no event.
    """
    arrived = [event.participant for event in minutes.events if isinstance(event, tell.ParticipantArrived)]
    waits = [event.participant for event in minutes.events if isinstance(event, tell.ParticipantWaits)]
    own, rules = room.recording, room.policy
    if (arrived or (waits and rules.record_waiting)) and not own and own.is_wanted and _is_due(room):
        command = ask.StartRecording(room.name, rules.record_tracks, rules.record_waiting)
        own.start(command, SYSTEM, minutes, room.state)
    began = any(isinstance(event, tell.RecordingStarted) for event in minutes.events)
    ended = any(isinstance(event, tell.RecordingEnded | tell.RecordingFailed) for event in minutes.events)
    if began:
        _notify(room, "", _STARTED, minutes)
    elif own:
        for who in arrived:
            _notify(room, who, _STARTED, minutes)
    if own and own.with_waiting:
        for person in room.waiting if began else [room.places[who] for who in waits if who in room.places]:
            if _is_recorded(person):
                _notify(room, person.id, _WAITING, minutes)
    if ended and room.present and room.state is not State.ENDING:
        _notify(room, "", _STOPPED, minutes)
    return own.add_to(room.hearing, room.waiting).waiting != room.hearing.waiting


def _is_due(room: Room) -> bool:
    """By the rule: so many are in, or wait where they are recorded as well."""
    rules = room.policy
    waiting = [each for each in room.waiting if _is_recorded(each)] if rules.record_waiting else []
    if not rules.record_from or room.state not in (State.ALONE, State.LIVE, State.WAITING):
        return False
    return bool(room.present or waiting) and len(room.present) + len(waiting) >= rules.record_from


WAITS = (Wait.START, Wait.MODERATOR, Wait.APPROVAL)
_STARTED = {RecordNotice.SPOKEN: "prompt:recording-started", RecordNotice.BEEP: "tones:beep"}
_WAITING = {RecordNotice.SPOKEN: "prompt:waiting-recorded", RecordNotice.BEEP: "tones:beep"}
_STOPPED = {RecordNotice.SPOKEN: "prompt:recording-stopped"}


def _notify(room: Room, who: str, words: dict[RecordNotice, str], minutes: Minutes) -> None:
    sound = words.get(room.policy.record_notice)
    if sound and (who or room.present):
        minutes.say(tell.Announced, (sound,), who)


def start(room: Room, command: ask.StartRecording, by: Actor, minutes: Minutes) -> None:
    room.recording.start(command, by, minutes, room.state)


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.StartRecording: start,
    ask.StopRecording: lambda room, *how: room.recording.stop(*how),
    ask.PauseRecording: lambda room, *how: room.recording.pause(*how),
    ask.ResumeRecording: lambda room, *how: room.recording.resume(*how),
    ask.NoteRecordingFailed: lambda room, *how: room.recording.note_failed(*how),
}
