"""Who is asked for his name says it: the words and the tone, the take, and what is kept of it.

::

    NameAsked ──► line: words, tone ──their end──► TakeSound ──SoundTaken──► KeepName ──NameKept──► NoteName
                    └──#: to the tone                └──#: StopTake             └──nothing──────────► NoteName

Meanwhile nothing else is said to him. A worker or scribe that is lost, words that are missing, a full disk: all are as
if he had said nothing. Names are sounds from then on, ``name:`` and whose they are, until ``NameForgotten``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from confserver.contract import (
    DropName,
    JobId,
    KeepName,
    NameKept,
    NameLost,
    SoundTaken,
    StopTake,
    TakeId,
    TakeSound,
)  # fmt: skip
from confserver.focus.announcer import Announcer
from confserver.focus.legs import Leg, Place, Stage
from confserver.focus.outputs import TellScribe
from confserver.focus.repertoire import TONES
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.commands import NoteName
from rooms.participant import SYSTEM, ParticipantId

MOST_S = 5.0
QUIET_S = 2.0
"""Once something has been said."""
MOST_DROPPED = 20
WORDS, TONE = "prompt:say-your-name", f"{TONES}beep"


@dataclass(slots=True, eq=False)
class Asking:
    """One who is asked. ``take``: what he says is being taken; ``job``: it is being kept."""

    participant: ParticipantId
    place: Place | None = None
    take: TakeId = 0
    job: JobId = 0
    is_last: bool = False
    """The tone is what is said to him now, or is about to be."""


class Naming:
    """All who are asked."""

    def __init__(self, scene: Scene, announcer: Announcer, names: dict[str, str]) -> None:
        """``names``: where the names lie, by sound; filled here, read by who plays them."""
        self._scene = scene
        self._announcer = announcer
        self._names = names
        self._asked: dict[ParticipantId, Asking] = {}
        self._failed: dict[ParticipantId, float] = {}
        """Who cannot be asked, and since when: the rooms are told when they have said all."""
        self._jobs: dict[JobId, ParticipantId] = {}
        """What the scribe has in hand, whether or not it is still wanted."""
        self._dropped: deque[str] = deque(maxlen=MOST_DROPPED)
        """What was deleted of late: a scribe that is lost may not have done it."""

    def __len__(self) -> int:
        return len(self._asked)

    # ------------------------------------------------------------------ what the rooms say
    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.NameAsked(participant=who):
                self._ask(who, event.at)
            case tell.NameHurried(participant=who) if who in self._asked:
                self._hurry(self._asked[who], event.at)
            case tell.NameEnded(participant=who):
                self._end(who, event.at)
            case tell.NameForgotten(sound=sound):
                self._names.pop(sound, None)
                self._drop(sound)

    @staticmethod
    def _then(what: Callable[[Asking, float], None], asking: Asking) -> Callable[[float], None]:
        return lambda at: what(asking, at)

    def _ask(self, who: ParticipantId, now: float) -> None:
        """Not before his call is answered: nothing need come of him before."""
        asking = self._asked[who] = Asking(who)
        leg = self._leg_of(who)
        then = self._then(self._sound_tone, asking)
        is_up = leg is not None and leg.stage not in (Stage.OPENING, Stage.WAITING)
        if leg is None or not is_up or not self._announcer.ask(leg, (WORDS,), then, now):
            self._failed[who] = now

    def _sound_tone(self, asking: Asking, now: float) -> None:
        leg = self._leg_of(asking.participant)
        if leg is None or self._asked.get(asking.participant) is not asking or asking.is_last:
            return
        asking.is_last = True
        if not self._announcer.ask(leg, (TONE,), self._then(self._take, asking), now):
            self._failed[asking.participant] = now

    def _take(self, asking: Asking, now: float) -> None:
        leg = self._leg_of(asking.participant)
        if leg is None or self._asked.get(asking.participant) is not asking or asking.take:
            return
        self._announcer.listen(leg, True, now)
        asking.take, asking.place = self._scene.number(), leg.place
        self._scene.tell_worker(leg.place, TakeSound(take=asking.take, leg=leg.id, most_s=MOST_S, quiet_s=QUIET_S))
        if leg.place.is_lost:
            self._failed[asking.participant] = now

    def _hurry(self, asking: Asking, now: float) -> None:
        if asking.take and asking.place is not None:
            self._scene.tell_worker(asking.place, StopTake(take=asking.take))
        elif not asking.is_last:
            self._sound_tone(asking, now)

    def _end(self, who: ParticipantId, now: float) -> None:
        asking = self._asked.pop(who, None)
        if asking is not None:
            if asking.take and asking.place is not None:
                self._scene.tell_worker(asking.place, StopTake(take=asking.take))
            leg = self._leg_of(who)
            if leg is not None:
                self._announcer.listen(leg, False, now)

    # ------------------------------------------------------------------ worker and scribe
    def taken(self, event: SoundTaken, now: float) -> None:
        asking = next((each for each in self._asked.values() if each.take == event.take), None)
        if asking is None:
            return
        asking.take = 0
        leg = self._leg_of(asking.participant)
        if leg is not None:
            self._announcer.listen(leg, False, now)
        if not event.samples:
            self._note(asking, False, now)
            return
        asking.job = self._scene.number()
        self._jobs[asking.job] = asking.participant
        keep = KeepName(job=asking.job, name=asking.participant, rate_hz=event.rate_hz, samples=event.samples)
        self._scene.say(TellScribe(keep))

    def kept(self, event: NameKept | NameLost, now: float) -> None:
        """What is wanted no more by now is deleted again, unless he has said another that is."""
        who = self._jobs.pop(event.job, None)
        if who is None:
            return
        asking = self._asked.get(who)
        if asking is not None and asking.job == event.job:
            if isinstance(event, NameKept):
                self._names[who] = event.path
            self._note(asking, isinstance(event, NameKept), now)
        elif isinstance(event, NameKept) and who not in self._names and who not in self._jobs.values():
            self._drop(who)

    def _drop(self, sound: str) -> None:
        self._dropped.append(sound)
        self._scene.say(TellScribe(DropName(name=sound)))

    def worker_lost(self, worker: int, now: float) -> None:
        """What it was taking is lost."""
        for asking in list(self._asked.values()):
            if asking.take and asking.place is not None and asking.place.worker == worker:
                leg = self._leg_of(asking.participant)
                if leg is not None:
                    self._announcer.listen(leg, False, now)
                self._note(asking, False, now)

    def scribe_lost(self, now: float) -> None:
        """What it had in hand is lost, be it written or not; what it was to delete is deleted by the next."""
        jobs, self._jobs = self._jobs, {}
        for sound in dict.fromkeys([*self._dropped, *jobs.values()]):
            if sound not in self._names:
                self._drop(sound)
        for asking in [each for each in self._asked.values() if each.job in jobs]:
            self._note(asking, False, now)

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        return min(self._failed.values(), default=None)

    def fire(self, now: float) -> None:
        failed, self._failed = self._failed, {}
        for who in failed:
            if who in self._asked:
                self._note(self._asked[who], False, now)

    def _note(self, asking: Asking, is_kept: bool, now: float) -> None:
        leg = self._leg_of(asking.participant)
        if leg is not None:
            self._scene.try_ask(NoteName(leg.room, asking.participant, is_kept), SYSTEM, now)

    def _leg_of(self, who: ParticipantId) -> Leg | None:
        leg = self._scene.legs.by_participant.get(who)
        return leg if leg is not None and leg.stage is not Stage.LEAVING else None
