"""What plays in a room, because somebody has asked for it: kept here, so that all know of it and can change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Full, Invalid, NotFound, NotOpen
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, Participant, ParticipantId, readable

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_PLAYS = 16
"""At once in a room."""
MOST_SOUNDS = 32
"""One after another in one play."""
MOST_SOUND_NAME = 1024
NAME = "name:"
"""Before whose it is: a sound that he has said himself."""
LOUDEST_DB, SOFTEST_DB = 20.0, -60.0
MOST_DUCK_DB = 60.0
MOST_POSITION_S = 86400.0
NAMES_OF_CAUSES = ("finished", "stopped", "interrupted", "failed")

PlayNumber = int


@dataclass(slots=True)
class Playing:
    """One of them; its number is that of its PlayStarted."""

    number: PlayNumber
    sounds: tuple[str, ...]
    participant: ParticipantId
    """The only one who hears it; empty: everybody does."""
    loop: bool
    volume_db: float
    paused: bool = False


class Plays:
    """Those of one room, by number."""

    def __init__(self) -> None:
        self._by_number: dict[PlayNumber, Playing] = {}

    def __bool__(self) -> bool:
        return bool(self._by_number)

    def describe(self) -> list[dict[str, Any]]:
        return [
            {
                "play": each.number,
                "sounds": list(each.sounds),
                "participant": each.participant,
                "loop": each.loop,
                "volume_db": each.volume_db,
                "paused": each.paused,
            }
            for each in self._by_number.values()
        ]

    def start(self, command: ask.Play, by: Actor, minutes: Minutes) -> None:
        """Raises Invalid, Full."""
        _check(command)
        if len(self._by_number) >= MOST_PLAYS:
            raise Full(f"{minutes.room} has its most plays at once: {MOST_PLAYS}")
        number = minutes.number + 1
        self._by_number[number] = Playing(
            number, command.sounds, command.participant, command.loop, command.volume_db
        )  # fmt: skip
        minutes.say(
            tell.PlayStarted, number, command.sounds, command.participant, command.loop, command.volume_db,
            command.duck_db, command.start_s, command.interruptible, by.name,
        )  # fmt: skip

    def pause(self, command: ask.PausePlay, by: Actor, minutes: Minutes) -> None:
        self._set_paused(command, True, by, minutes)

    def resume(self, command: ask.ResumePlay, by: Actor, minutes: Minutes) -> None:
        self._set_paused(command, False, by, minutes)

    def _set_paused(self, command: ask.PausePlay | ask.ResumePlay, paused: bool, by: Actor, minutes: Minutes) -> None:
        for each in self._meant(command.play):
            if each.paused != paused:
                each.paused = paused
                minutes.say(tell.PlayChanged, each.number, each.paused, each.volume_db, None, by.name)

    def seek(self, command: ask.SeekPlay, by: Actor, minutes: Minutes) -> None:
        _within("position_s", command.position_s, 0.0, MOST_POSITION_S)
        for each in self._meant(command.play):
            minutes.say(tell.PlayChanged, each.number, each.paused, each.volume_db, command.position_s, by.name)

    def set_volume(self, command: ask.SetPlayVolume, by: Actor, minutes: Minutes) -> None:
        _within("volume_db", command.volume_db, SOFTEST_DB, LOUDEST_DB)
        for each in self._meant(command.play):
            if each.volume_db != command.volume_db:
                each.volume_db = command.volume_db
                minutes.say(tell.PlayChanged, each.number, each.paused, each.volume_db, None, by.name)

    def stop(self, command: ask.StopPlay, by: Actor, minutes: Minutes) -> None:
        for each in self._meant(command.play):
            self._end(each, minutes, "stopped", by=by.name)

    def note_ended(self, command: ask.NotePlayEnded, by: Actor, minutes: Minutes) -> None:
        """Ignored where it is over already: the engine's word and another end may cross."""
        playing = self._by_number.get(command.play)
        if playing is not None:
            cause = command.cause if command.cause in NAMES_OF_CAUSES else "failed"
            self._end(playing, minutes, cause, readable(command.digit), readable(command.reason), by.name)

    def leave(self, participant: ParticipantId, minutes: Minutes) -> None:
        """Who goes takes along what is played to him alone."""
        self._end_all(lambda each: each.participant == participant, minutes)

    def close(self, minutes: Minutes) -> None:
        self._end_all(lambda each: True, minutes)

    def _end_all(self, ends: Callable[[Playing], bool], minutes: Minutes) -> None:
        for each in [each for each in self._by_number.values() if ends(each)]:
            self._end(each, minutes, "stopped")

    def _end(
        self, playing: Playing, minutes: Minutes, cause: str, digit: str = "", reason: str = "", by: str = SYSTEM.name
    ) -> None:
        del self._by_number[playing.number]
        minutes.say(tell.PlayEnded, playing.number, playing.participant, cause, digit, reason, by)

    def _meant(self, number: PlayNumber) -> list[Playing]:
        """All where none is named. Raises NotFound."""
        if not number:
            return list(self._by_number.values())
        if number not in self._by_number:
            raise NotFound(f"there is no play {number}; there are: {', '.join(map(str, self._by_number)) or 'none'}")
        return [self._by_number[number]]


def check_sounds(sounds: tuple[str, ...]) -> None:
    """Raises Invalid."""
    if not 1 <= len(sounds) <= MOST_SOUNDS:
        raise Invalid(f"sounds must name 1 to {MOST_SOUNDS}, not {len(sounds)}")
    for sound in sounds:
        if not 1 <= len(sound) <= MOST_SOUND_NAME or not sound.isprintable():
            raise Invalid(f"no sound can be called {sound[:64]!r}")


def _check(command: ask.Play) -> None:
    """Raises Invalid."""
    check_sounds(command.sounds)
    _within("volume_db", command.volume_db, SOFTEST_DB, LOUDEST_DB)
    _within("duck_db", command.duck_db, 0.0, MOST_DUCK_DB)
    _within("start_s", command.start_s, 0.0, MOST_POSITION_S)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise Invalid(f"{name} must be {least:g} to {most:g}, not {value:g}")


def play(room: Room, command: ask.Play, by: Actor, minutes: Minutes) -> None:
    if command.participant:
        room.person(command.participant)
    if room.state not in (State.ALONE, State.LIVE):
        raise NotOpen(f"nobody is in {room.name}")
    room.plays.start(command, by, minutes)


def named(person: Participant, stop: str = "") -> str:
    """The sound that is somebody's name: as he has said it himself, else spoken, with ``stop`` behind it."""
    return f"{NAME}{person.own_name.sound}" if person.own_name.sound else said(f"{person.name}{stop}")


def said(text: str) -> str:
    """The sound that is a text spoken."""
    return f"say:{readable(text, MOST_SOUND_NAME)}"


def say(room: Room, command: ask.Say, by: Actor, minutes: Minutes) -> None:
    sounds = (said(command.text),)
    play(
        room,
        ask.Play(
            command.room, sounds, command.participant, volume_db=command.volume_db, duck_db=command.duck_db,
            interruptible=command.interruptible,
        ),
        by,
        minutes,
    )  # fmt: skip


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.Play: play,
    ask.Say: say,
    ask.PausePlay: lambda room, *how: room.plays.pause(*how),
    ask.ResumePlay: lambda room, *how: room.plays.resume(*how),
    ask.SeekPlay: lambda room, *how: room.plays.seek(*how),
    ask.SetPlayVolume: lambda room, *how: room.plays.set_volume(*how),
    ask.StopPlay: lambda room, *how: room.plays.stop(*how),
    ask.NotePlayEnded: lambda room, *how: room.plays.note_ended(*how),
}
