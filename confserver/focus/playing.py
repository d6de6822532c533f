"""Plays on their way: from a name to samples by the scribe, to a room by its worker, to their end.

::

    PlayStarted --> ConvertSound --SoundReady--> Play --PlayEnded of the worker--> NotePlayEnded
                         |                        ^ PlayChanged: SetPlay
                         +--SoundFailed-----------|--------------------------------> NotePlayEnded (failed)

Also what nobody asks for: beeps when somebody comes or goes, and what other parts of the focus play (``announcer``,
``holding``). Of these the rooms know nothing; where one cannot be played, it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from confserver.contract import (
    ConvertSound,
    JobId,
    LegId,
    Play,
    PlayEnded,
    PlayId,
    SetPlay,
    Sound,
    SoundFailed,
    SoundReady,
    StopPlay,
)  # fmt: skip
from confserver.focus.languages import Languages
from confserver.focus.legs import Place
from confserver.focus.outputs import TellScribe
from confserver.focus.remembered import Remembered
from confserver.focus.repertoire import SAY, Score
from confserver.focus.scene import Scene
from confserver.prompts import sets as prompts
from rooms import commands as ask
from rooms import events as tell
from rooms.errors import NotFound
from rooms.participant import SYSTEM
from rooms.plays import NAME, said
from rooms.policy import Announce, room_name

RATES_HZ = (8000, 16000, 48000)
MOST_ATTEMPTS = 2
"""A file that takes the scribe down as often is not converted again."""
ENTRY, EXIT = "beep/entry", "beep/exit"
_LOST = "the media worker is lost"


@dataclass(slots=True, eq=False)
class Piece:
    """One play. ``number``: as the rooms count it, 0: they do not know of it."""

    id: PlayId
    room: str
    place: Place
    score: Score
    number: int = 0
    leg: LegId | None = None
    volume_db: float = 0.0
    duck_db: float = 0.0
    start_s: float = 0.0
    loop: bool = False
    interruptible: bool = False
    paused: bool = False
    sounds: dict[str, list[Sound]] = field(default_factory=dict)
    """What has been converted, by file."""
    is_told: bool = False
    """The worker plays it."""

    @property
    def is_ready(self) -> bool:
        """All its files are converted."""
        return len(self.sounds) == len(set(self.score.files))


@dataclass(slots=True)
class Job:
    """One file that the scribe has in hand."""

    piece: Piece
    command: ConvertSound
    attempts: int = 1


class Playing:
    """All that plays, or is about to."""

    def __init__(self, scene: Scene, languages: Languages) -> None:
        self._scene = scene
        self._languages = languages
        self._pieces: dict[PlayId, Piece] = {}
        self._jobs: dict[JobId, Job] = {}
        self.on_end: Callable[[Piece, float], None] = lambda piece, now: None
        """Of what the rooms know nothing of."""
        self._remembered = Remembered()
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._pieces)

    def check(self, command: ask.Command) -> None:
        """Whether all sounds that are asked for are known. Raises Refused."""
        if isinstance(command, ask.Play | ask.Broadcast) and command.sounds:
            self._check_names(command.room, command.sounds)
            self.score_of(command.sounds, room_name(command.room))
        elif isinstance(command, ask.Say):
            self.score_of((said(command.text),), room_name(command.room))
        elif isinstance(command, ask.CreateRoom | ask.ChangeRoom):
            self._languages.check(command.rules)
            if welcome := command.rules.get("welcome"):
                self.score_of(tuple(welcome), room_name(command.room))

    def _check_names(self, name: str, sounds: Sequence[str]) -> None:
        """What people have said as their names is for their own room. Raises NotFound."""
        room = self._scene.rooms.find(name)
        here = {f"{NAME}{each.own_name.sound}" for each in room.places.values()} if room else set()
        for sound in sounds:
            if sound.startswith(NAME) and sound not in here:
                raise NotFound(f"{sound[len(NAME) :][:64]} is not in {name}, or has not said his name")

    # ------------------------------------------------------------------ what the rooms say
    def follow(self, event: tell.Event) -> None:
        self._now = event.at
        match event:
            case tell.PlayStarted():
                self._start(event)
            case tell.PlayChanged(room=room, play=number):
                self._change(event, self._known(room, number))
            case tell.PlayEnded(room=room, play=number):
                self._drop(self._known(room, number))
            case tell.ParticipantArrived(room=room):
                self._announce(room, ENTRY)
            case tell.ParticipantLeft(room=room):
                self._announce(room, EXIT)
            case tell.RoomClosed(room=room):
                for piece in self._in_room(room):
                    piece.is_told = False
                    self._drop(piece)

    def _start(self, event: tell.PlayStarted) -> None:
        place = self._scene.places[event.room]
        leg = self._scene.legs.by_participant[event.participant].id if event.participant else None
        piece = Piece(
            self._scene.number(), event.room, place, self.score_of(event.sounds, event.room), event.play, leg,
            event.volume_db, event.duck_db, event.start_s, event.loop, event.interruptible,
        )  # fmt: skip
        if not self._prepare(piece):
            self._over(piece, "failed", event.at, reason=_LOST)

    def score_of(self, sounds: tuple[str, ...], room: str) -> Score:
        """As this room says it. Raises Refused."""
        return self._languages.of_room(room).score_of(sounds)

    def say(self, room: str, place: Place, score: Score, leg: LegId | None) -> Piece:
        """What the room itself says, to everybody or to one; ``on_end`` is told when it is over."""
        piece = Piece(self._scene.number(), room, place, score, leg=leg)
        self._prepare(piece)
        return piece

    def _change(self, event: tell.PlayChanged, piece: Piece | None) -> None:
        if piece is None:
            return
        piece.paused, piece.volume_db = event.paused, event.volume_db
        if piece.is_told:
            change = SetPlay(play=piece.id, paused=event.paused, volume_db=event.volume_db, position_s=event.position_s)
            self._scene.tell_worker(piece.place, change)
        elif event.position_s is not None:
            piece.start_s = event.position_s

    def _known(self, room: str, number: int) -> Piece | None:
        return next((piece for piece in self._in_room(room) if number and piece.number == number), None)

    def _in_room(self, room: str) -> list[Piece]:
        return [piece for piece in self._pieces.values() if piece.room == room]

    # ------------------------------------------------------------------ from a name to a room
    def _prepare(self, piece: Piece) -> bool:
        """Have its files converted; what needs no file is played at once. False where it cannot be."""
        self._pieces[piece.id] = piece
        rates = self._rates(piece.room)
        for path in dict.fromkeys(piece.score.files):
            sounds = self._remembered.find(path, rates, self._now)
            if sounds is not None:
                piece.sounds[path] = sounds
                continue
            command = ConvertSound(job=self._scene.number(), path=path, rates=rates)
            self._jobs[command.job] = Job(piece, command)
            self._scene.say(TellScribe(command))
        return not piece.is_ready or self._play(piece)

    def _rates(self, room: str) -> list[int]:
        """Those that the room can have."""
        terms = self._scene.terms(room)
        fixed = terms.sound.rate_hz
        return [fixed] if fixed else [rate for rate in RATES_HZ if rate <= (terms.ours.maxplaybackrate or rate)]

    def _play(self, piece: Piece) -> bool:
        if piece.place.is_lost:
            return False
        piece.is_told = True
        command = Play(
            play=piece.id, room=piece.place.number, leg=piece.leg, tones=piece.score.tones,
            sounds=[piece.sounds[path] for path in piece.score.files], volume_db=piece.volume_db,
            duck_db=piece.duck_db, loop=piece.loop, start_s=piece.start_s, interruptible=piece.interruptible,
        )  # fmt: skip
        self._scene.tell_worker(piece.place, command)
        if piece.paused:
            self._scene.tell_worker(piece.place, SetPlay(play=piece.id, paused=True))
        return True

    def converted(self, event: SoundReady | SoundFailed, now: float) -> None:
        """The scribe has done one of our jobs."""
        job = self._jobs.pop(event.job, None)
        if job is None:
            return
        piece = job.piece
        if isinstance(event, SoundFailed):
            self._over(piece, "failed", now, reason=f"{_called(job.command.path)}: {event.reason}")
            return
        piece.sounds[job.command.path] = event.sounds
        self._remembered.keep(job.command.path, job.command.rates, event.sounds, now)
        if piece.is_ready and not self._play(piece):
            self._over(piece, "failed", now, reason=_LOST)

    def scribe_lost(self, now: float) -> None:
        """What it had in hand is asked for again, of the next one."""
        self._remembered.clear()
        for number, job in list(self._jobs.items()):
            job.attempts += 1
            if job.attempts > MOST_ATTEMPTS:
                reason = f"{_called(job.command.path)}: the scribe has failed at it"
                self._over(job.piece, "failed", now, reason=reason)
            elif number in self._jobs:
                self._scene.say(TellScribe(job.command))

    # ------------------------------------------------------------------ the end
    def ended(self, event: PlayEnded, now: float) -> None:
        """The worker's last word on a play."""
        piece = self._pieces.get(event.play)
        if piece is not None:
            piece.is_told = False
            self._over(piece, event.cause, now, event.digit, event.reason)

    def worker_lost(self, worker: int, now: float) -> None:
        """All that it has played is over."""
        for piece in [piece for piece in self._pieces.values() if piece.place.worker == worker]:
            self._over(piece, "failed", now, reason=_LOST)

    def _over(self, piece: Piece, cause: str, now: float, digit: str = "", reason: str = "") -> None:
        """Tell the rooms, or whose play it was."""
        self._drop(piece)
        if piece.number:
            end = ask.NotePlayEnded(piece.room, piece.number, cause, digit, reason)
            self._scene.try_ask(end, SYSTEM, now)
        else:
            self.on_end(piece, now)

    def _drop(self, piece: Piece | None) -> None:
        """Forget it; the worker, if it still plays it, is told to end."""
        if piece is None or self._pieces.pop(piece.id, None) is None:
            return
        for number in [number for number, job in self._jobs.items() if job.piece is piece]:
            del self._jobs[number]
        if piece.is_told:
            piece.is_told = False
            self._scene.tell_worker(piece.place, StopPlay(play=piece.id))

    # ------------------------------------------------------------------ music and beeps
    def play_music(self, room: str, place: Place, leg: LegId) -> Piece:
        """To one leg, over and over, until ``stop``. The rooms know nothing of it."""
        music = Score(files=(str(self._languages.of_room(room).music),))
        piece = Piece(self._scene.number(), room, place, music, leg=leg, loop=True)
        self._prepare(piece)
        return piece

    def plays(self, piece: Piece) -> bool:
        """Whether it is not over yet."""
        return piece.id in self._pieces

    def stop(self, piece: Piece) -> None:
        self._drop(piece)

    def _announce(self, name: str, tones: str) -> None:
        """To those present, who hear somebody come or go; not to one who comes first."""
        place = self._scene.places.get(name)
        if place is None or place.is_lost or name not in self._scene.rooms or self._scene.is_closing:
            return
        room = self._scene.rooms.get(name)
        wanted = room.policy.announces(self._languages.repertoire.announce)
        least = 2 if tones == ENTRY else 1
        if wanted is Announce.BEEP and least <= len(room.present) <= room.policy.quiet_above:
            own = self._languages.of_room(name).beep(prompts.ENTRY if tones == ENTRY else prompts.EXIT, tones)
            self._prepare(Piece(self._scene.number(), name, place, own))


def _called(path: str) -> str:
    """What people would call a sound."""
    return "what is spoken" if path.startswith(SAY) else PurePath(path).name
