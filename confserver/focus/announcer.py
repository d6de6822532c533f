"""What rooms say to people, one thing after another, and the music for those who wait meanwhile, or are alone.

::

    Announced ──► line of the listener, or of the room ──► Playing ──its end──► the next
                    │ not before the listener's first packet, nor longer than PATIENCE_S after his call is up;
                    │ what is for the room and what is for one of those present never sound together
                    └─► nothing left: music, where he waits with it or is alone; the hang-up, where he is sent away

An urgent one takes the place of all that is queued for the same listener, and of what is being said to him.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from confserver.contract import PlayId
from confserver.focus.answers import NoAnswer, warning
from confserver.focus.deadlines import soonest
from confserver.focus.legs import Leg, Stage
from confserver.focus.playing import Piece, Playing
from confserver.focus.repertoire import SAY, Score
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.errors import Refused
from rooms.participant import ParticipantId, Presence, Wait
from rooms.plays import NAME

PATIENCE_S = 2.0
"""A phone that sends nothing by then (muted, or behind a mute gateway) is talked to all the same."""
GOODBYE_S = 15.0
"""So long the last words to somebody may take."""
REMOVED_S = 4.0
"""So long those to who is removed, who is out of the room already."""
MOST_QUEUED = 8
"""For one listener; the oldest are left out."""
MOST_APART = 12
"""So many hear what is said to the room each by himself, so that those who wait do not hear it."""
SOMEBODY = "prompt:somebody"
_WITH_MUSIC = (Wait.START, Wait.APPROVAL, Wait.MODERATOR)


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be said, and what is to be done when it has been."""

    score: Score
    then: Callable[[float], None] | None = None


@dataclass(slots=True, eq=False)
class Line:
    """Of one listener, or of a room (``who`` is "")."""

    room: str
    who: ParticipantId
    """A participant, who may move to another room."""
    queue: deque[Words] = field(default_factory=lambda: deque(maxlen=MOST_QUEUED))
    piece: Piece | None = None
    then: Callable[[float], None] | None = None
    """After it."""
    tells_alone: bool = False
    """The piece says that he is alone."""
    listens: bool = False
    """It is his turn to speak: nothing is said to him."""
    music: Piece | None = None
    goodbye: str = ""
    """Why he is hung up on when all is said; at last at ``hang_up_at``."""
    hang_up_at: float | None = None


class Announcer:
    """All lines."""

    def __init__(self, scene: Scene, playing: Playing) -> None:
        self._scene = scene
        self._playing = playing
        self._lines: dict[str, Line] = {}
        """By participant; those of rooms by name behind a colon."""
        self._speaking: dict[PlayId, Line] = {}
        self._alone: dict[ParticipantId, Score | None] = {}
        """Who is alone in his room, and how he is still to be told so (``solitude``)."""
        self._deadline: float | None = None
        self._is_stale = False
        """What has happened since may have changed the deadline."""
        self._fired_at = -inf
        """Who could speak by then and has not waits for something else to happen, not for a time."""
        playing.on_end = self._ended

    def __len__(self) -> int:
        return len(self._lines)

    # ------------------------------------------------------------------ what the rooms say
    def follow(self, event: tell.Event) -> None:
        self._is_stale = True
        match event:
            case tell.Announced():
                self._announce(event)
            case (
                tell.ParticipantWaits(room=room, participant=who) | tell.ParticipantArrived(room=room, participant=who)
            ):
                leg = self._scene.legs.by_participant.get(who)
                if leg is not None:
                    leg.talk_from = leg.talk_from or event.at + PATIENCE_S
                    self._go_on(self._line(room, who), event.at)
            case tell.TurnedAway(room=room, participant=who):
                line = self._line(room, who)
                line.goodbye, line.hang_up_at = event.cause, event.at + GOODBYE_S
                self._go_on(line, event.at)
            case tell.ParticipantKicked() if self._is_parting(event.participant):
                self._part(event)
            case (
                tell.ParticipantLeft(participant=who) | tell.WaitEnded(participant=who)
                | tell.PlaceReleased(participant=who)
            ):  # fmt: skip
                self._forget(who)
            case tell.RoomClosed(room=room):
                self._forget(f":{room}")

    def _announce(self, event: tell.Announced) -> None:
        if self._scene.is_closing or event.room not in self._scene.places:
            return
        with suppress(Refused):
            score = self._score_of(event.sounds, event.room)
            for line in self._lines_for(event):
                if event.urgent:
                    line.queue.clear()
                    self._stop(line)
                line.queue.append(Words(score))
                self._go_on(line, event.at)

    def ask(self, leg: Leg, sounds: tuple[str, ...], then: Callable[[float], None], now: float) -> bool:
        """Say something to one, before all that he has not heard yet, and do something then. False: it is not there."""
        self._is_stale = True
        try:
            score = self._playing.score_of(sounds, leg.room)
        except Refused:
            return False
        line = self._line(leg.room, leg.participant)
        self._stop(line)
        line.queue.appendleft(Words(score, then))
        self._go_on(line, now)
        return True

    def listen(self, leg: Leg, listens: bool, now: float) -> None:
        """It is somebody's turn to speak, or it is no more: what was to ask him to is not said then."""
        self._is_stale = True
        line = self._line(leg.room, leg.participant)
        line.listens = listens
        if not listens:
            line.queue = deque((words for words in line.queue if words.then is None), MOST_QUEUED)
            if line.then is not None:
                self._stop(line)
        self._go_on(line, now)

    def _score_of(self, sounds: tuple[str, ...], room: str) -> Score:
        """Where the names in it cannot be spoken, or are deleted, they are somebody's. Raises Refused."""
        try:
            return self._playing.score_of(sounds, room)
        except Refused:
            if all(sound.startswith(SAY) for sound in sounds):
                raise
        with suppress(Refused):
            return self._playing.score_of(_without(sounds, (SAY,)), room)
        return self._playing.score_of(_without(sounds, (SAY, NAME)), room)

    def _lines_for(self, event: tell.Announced) -> list[Line]:
        if event.participant:
            is_there = event.participant in self._scene.legs.by_participant and not self._is_parting(event.participant)
            return [self._line(event.room, event.participant)] if is_there else []
        room = self._scene.rooms.find(event.room)
        if room is None:
            return []
        people = [each for each in room.present if not each.kicked]
        if (room.waiting or len(people) < len(room.present)) and len(people) <= MOST_APART:
            return [self._line(room.name, each.id) for each in people]
        return [self._line(event.room, "")]

    def _is_parting(self, who: ParticipantId) -> bool:
        leg = self._scene.legs.by_participant.get(who)
        return leg is not None and leg.stage is Stage.PARTING

    def _part(self, event: tell.ParticipantKicked) -> None:
        """He hears what has just been said to him, if it can be, and no more."""
        line = self._line(event.room, event.participant)
        line.goodbye, line.hang_up_at = event.cause, event.at + REMOVED_S
        if line.queue or line.piece:
            self._go_on(line, event.at)
        else:
            self._hang_up(line)

    def _line(self, room: str, who: ParticipantId) -> Line:
        line = self._lines.setdefault(who or f":{room}", Line(room, who))
        line.room = room
        return line

    # ------------------------------------------------------------------ who is alone
    def alone(self, room: str, who: ParticipantId, prompt: Score | None, now: float) -> None:
        """He is told so when all else is said, and hears music whenever there is nothing to hear."""
        self._is_stale = True
        self._alone[who] = prompt
        self._go_on(self._line(room, who), now)

    def in_company(self, room: str, who: ParticipantId, now: float) -> None:
        """It is not so any more, nor is it said."""
        self._is_stale = True
        self._alone.pop(who, None)
        line = self._lines.get(who)
        if line is None:
            return
        if line.tells_alone:
            self._stop(line)
        if not self._wants_music(line):
            self._stop_music(line)
        self._go_on(line, now)
        whole = self._lines.get(f":{room}")
        if whole is not None:
            self._go_on(whole, now)

    # ------------------------------------------------------------------ one after another
    def _go_on(self, line: Line, now: float) -> None:
        """Say what comes next, as soon as it can be heard."""
        if line.piece is not None or not self._may_speak(line, now):
            return
        place, leg = self._scene.places.get(line.room), self._leg_of(line)
        lonely = self._alone.get(line.who) if not (line.queue or line.goodbye) else None
        if (line.queue or lonely) and place is not None and not place.is_lost:
            self._stop_music(line)
            self._hush(line)
            line.tells_alone = lonely is not None
            words = Words(self._told_alone(line.who, lonely)) if lonely is not None else line.queue.popleft()
            line.piece = self._playing.say(line.room, place, words.score, leg.id if leg else None)
            line.then = words.then
            self._speaking[line.piece.id] = line
        elif line.goodbye and leg is not None and not line.queue:
            self._hang_up(line)
        elif leg is not None and line.music is None and not leg.place.is_lost and self._wants_music(line):
            line.music = self._playing.play_music(line.room, leg.place, leg.id)
        elif line.music is not None and not self._wants_music(line):
            self._stop_music(line)
        if not (line.queue or line.piece or line.music or line.goodbye or line.listens or self._wants_music(line)):
            self._lines.pop(line.who or f":{line.room}", None)

    def _told_alone(self, who: ParticipantId, prompt: Score) -> Score:
        """Once."""
        self._alone[who] = None
        return prompt

    def _hush(self, whole: Line) -> None:
        """What is said to the whole room is not said over music."""
        if whole.who:
            return
        for line in self._lines.values():
            if line.room == whole.room and line.who in self._alone:
                self._stop_music(line)

    def _hang_up(self, line: Line) -> None:
        leg, cause = self._leg_of(line), line.goodbye
        if leg is not None:
            self._scene.hang_up(leg, cause, NoAnswer(403, "", (warning(399, cause),)))

    def _may_speak(self, line: Line, now: float) -> bool:
        if not line.who:
            return not any(each.room == line.room and self._hears_room(each) for each in self._speaking.values())
        leg = self._leg_of(line)
        if leg is None or leg.stage is Stage.LEAVING or line.listens:
            return False
        if leg.stage is Stage.WAITING:
            return not leg.only_rings  # a phone that listens before the answer need not send anything
        if not leg.has_sent and not leg.talk_from <= now:
            return False
        whole = self._lines.get(f":{line.room}")
        if leg.stage is Stage.PARTING:
            return True
        return whole is None or not (whole.piece or whole.queue) or not self._hears_room(line)

    def _leg_of(self, line: Line) -> Leg | None:
        return self._scene.legs.by_participant.get(line.who) if line.who else None

    def _hears_room(self, line: Line) -> bool:
        """Not who waits at its door: what is for the room is not for him."""
        room = self._scene.rooms.find(line.room)
        person = room.places.get(line.who) if room else None
        return not line.who or (person is not None and person.presence is Presence.PRESENT)

    def _wants_music(self, line: Line) -> bool:
        room = self._scene.rooms.find(line.room)
        if room is None or line.goodbye:
            return False
        if line.who in self._alone:
            return True
        person = room.places.get(line.who)
        return person is not None and person.waits_for in _WITH_MUSIC and room.policy.waiting_music

    def _ended(self, piece: Piece, now: float) -> None:
        """Of something that was said: the next."""
        ended = self._speaking.pop(piece.id, None)
        if ended is None:
            return
        self._is_stale = True
        ended.piece, ended.tells_alone, then, ended.then = None, False, ended.then, None
        if then is not None:
            then(now)
        whole = self._lines.get(f":{ended.room}")
        if whole is not None:
            self._go_on(whole, now)
        waiting = [
            each for each in self._lines.values()
            if each.room == ended.room and (each.queue or each.goodbye or each.who in self._alone)
        ]  # fmt: skip
        for line in [ended, *waiting]:
            self._go_on(line, now)

    def heard(self, leg: Leg, now: float) -> None:
        """Its first packet has come."""
        if not leg.has_sent:
            leg.has_sent = self._is_stale = True
            line = self._lines.get(leg.participant)
            if line is not None:
                self._go_on(line, now)

    def _stop(self, line: Line) -> None:
        piece, line.piece, line.then, line.tells_alone = line.piece, None, None, False
        if piece is not None:
            self._speaking.pop(piece.id, None)
            self._playing.stop(piece)

    def _stop_music(self, line: Line) -> None:
        music, line.music = line.music, None
        if music is not None:
            self._playing.stop(music)

    def _forget(self, key: str) -> None:
        line = self._lines.pop(key, None)
        if line is None:
            return
        self._stop(line)
        self._stop_music(line)
        for each in list(self._lines.values()):
            if each.room == line.room and each.who in self._alone:
                self._go_on(each, 0.0)  # it may have waited for what was being said

    # ------------------------------------------------------------------ time, workers
    def worker_ready(self, worker: int) -> None:
        """What was being said when the worker was lost is not said again; music begins anew."""
        self._is_stale = True
        for line in list(self._lines.values()):
            place = self._scene.places.get(line.room)
            if place is not None and place.worker == worker:
                line.music = line.music if line.music and self._playing.plays(line.music) else None
                self._go_on(line, inf)

    def _time_of(self, line: Line) -> float | None:
        leg = self._leg_of(line)
        is_held_back = leg is not None and not leg.has_sent and line.piece is None and line.music is None
        starts = leg.talk_from if leg is not None and is_held_back and self._has_more(line) else None
        starts = None if starts is not None and starts <= self._fired_at else starts
        return soonest(starts, line.hang_up_at)

    def _has_more(self, line: Line) -> bool:
        return bool(line.queue or line.goodbye) or self._wants_music(line)

    def next_deadline(self) -> float | None:
        if self._is_stale:
            times = [at for line in self._lines.values() if (at := self._time_of(line)) is not None]
            self._deadline, self._is_stale = min(times, default=None), False
        return self._deadline

    def fire(self, now: float) -> None:
        if self._deadline is None or self._deadline > now:
            return
        self._is_stale = True
        due = [line for line in self._lines.values() if (at := self._time_of(line)) is not None and at <= now]
        self._fired_at = now
        for line in due:
            if line.hang_up_at is not None and line.hang_up_at <= now:
                line.hang_up_at = None
                line.queue.clear()
                self._stop(line)
                self._hang_up(line)
            self._go_on(line, now)


def _without(sounds: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Somebody instead of these; once, however many there are."""
    return tuple(dict.fromkeys(SOMEBODY if sound.startswith(kinds) else sound for sound in sounds))
