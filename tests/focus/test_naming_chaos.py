"""Names at random: people come, speak, go and are moved, worker and scribe die; at the end nothing of them is left."""

from __future__ import annotations

import contextlib
import random
from collections import deque

import pytest

from confserver.contract import DigitPressed, DropName, KeepName, NameKept, NameLost, PlayEnded, SoundTaken, TakeSound
from confserver.focus.legs import Stage
from confserver.sip.doorkeeper import Identity
from confserver.sip.extensions.replaces import Other
from rooms import commands as ask
from rooms.errors import Refused
from rooms.hearing import may_be_heard
from tests.focus.test_naming import CARL, SAID, Door

ROOM, OTHER = "standup", "board"


class Fair:
    """A hall in which anything may happen, and a scribe who does one thing after another, some time later."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.door = Door(self.dice.choice(("ask", "review")), lobby=self.dice.choice(("off", "all")))
        self.door.order(ask.CreateRoom(OTHER, record_names="ask"))
        self.files: set[str] = set()
        self.desk: deque[KeepName | DropName] = deque()
        self.takes: list[TakeSound] = []
        self.plays: list[int] = []
        self.is_lost = False

    def step(self) -> None:
        self.door.now += self.dice.random()
        self.door.pass_time(0)
        moves = [self.comes, self.hears, self.speaks, self.scribe, self.key, self.order, self.goes, self.breaks]
        self.dice.choices(moves, (2, 4, 4, 4, 1, 1, 1, 0.5))[0]()
        self.note()

    def note(self) -> None:
        for order in self.door.orders():
            if isinstance(order, KeepName | DropName):
                self.desk.append(order)
            elif isinstance(order, TakeSound):
                self.takes.append(order)
        self.plays += [play.play for play in self.door.taken()]
        for room in self.door.rooms:
            heard = {who for who, _ in room.hearing.mixes[1].sources}
            assert all(may_be_heard(room.places[who]) for who in heard), "who says his name is heard by nobody"

    def legs(self) -> list:
        return [leg for leg in self.door.scene.legs.by_id.values() if leg.stage in (Stage.ANSWERED, Stage.PRESENT)]

    # ---------------------------------------------------------------- what may happen
    def comes(self) -> None:
        if self.is_lost:
            return
        user = self.dice.choice(("", "ana", "bob"))
        with contextlib.suppress(KeyError):
            self.door.enter(room=self.dice.choice((ROOM, OTHER)), identity=Identity(user) if user else None)

    def hears(self) -> None:
        """Whatever plays comes to its end."""
        plays, self.plays = self.plays, []
        for number in plays:
            self.door.tell(PlayEnded(play=number, cause=self.dice.choice(("finished", "failed"))))

    def speaks(self) -> None:
        takes, self.takes = self.takes, []
        for take in takes:
            samples = self.dice.choice((SAID, SAID, SAID, b""))
            self.door.tell(SoundTaken(take=take.take, cause="quiet", samples=samples))

    def scribe(self) -> None:
        if not self.desk:
            return
        match self.desk.popleft():
            case KeepName(job=job) if self.dice.random() < 0.2:
                self.door.play(self.door.focus.hear_scribe(NameLost(job=job, reason="no space"), self.door.now))
            case KeepName(job=job, name=name):
                self.files.add(name)
                if self.dice.random() < 0.1:
                    self.loses_scribe()  # it has written, and not told
                else:
                    kept = NameKept(job=job, path=f"/state/names/{name}.flac")
                    self.door.play(self.door.focus.hear_scribe(kept, self.door.now))
            case DropName(name=name):
                self.files.discard(name)

    def loses_scribe(self) -> None:
        self.desk.clear()
        self.door.orders()
        self.door.play(self.door.focus.scribe_lost(self.door.now))

    def key(self) -> None:
        if legs := self.legs():
            self.door.now += 3
            digit = self.dice.choice("##12")
            self.door.tell(DigitPressed(leg=self.dice.choice(legs).id, digit=digit, duration_ms=100))

    def order(self) -> None:
        legs = self.legs()
        if not legs:
            return
        leg = self.dice.choice(legs)
        commands = [ask.AskName(leg.room, leg.participant), ask.ForgetName(leg.room, leg.participant)]
        commands += [ask.Admit(leg.room), ask.Admit(leg.room, leg.participant), ask.Kick(leg.room, leg.participant)]
        commands += [ask.Move(leg.room, leg.participant, OTHER if leg.room == ROOM else ROOM)]
        commands += [ask.TurnAway(leg.room, leg.participant), ask.RollCall(leg.room), ask.End(leg.room)]
        weights = (6, 2, 4, 2, 1, 3, 1, 2, 0.3)
        with contextlib.suppress(Refused):
            self.door.order(self.dice.choices(commands, weights)[0])

    def goes(self) -> None:
        legs = [leg for leg in self.legs() if leg.call in self.door.acked]
        if not legs:
            return
        leg = self.dice.choice(legs)
        if self.dice.random() < 0.3 and not self.is_lost:
            new, _ = self.door.invite(other=Other(leg.call, True), **CARL)
            if new in self.door.scene.legs.by_call:
                self.door.opened(new, 20300)
                self.door.ack(new)
        else:
            self.door.bye(leg.call)

    def breaks(self) -> None:
        if self.is_lost:
            self.door.play(self.door.focus.worker_ready(0))
            self.is_lost = False
        elif self.dice.random() < 0.2:
            self.note()
            self.takes.clear()
            self.plays.clear()
            self.is_lost = True
            self.door.lose(0)
        elif self.dice.random() < 0.3:
            self.note()
            self.loses_scribe()

    def finish(self) -> None:
        if self.is_lost:
            self.door.play(self.door.focus.worker_ready(0))
        for call in list(self.door.acked):
            if call in self.door.acked:
                self.door.bye(call)
        self.door.pass_time(120)
        self.note()
        while self.desk:
            self.scribe()
            self.note()


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_of_any_name(seed: int) -> None:
    fair = Fair(seed)
    for _ in range(200):
        fair.step()
    fair.finish()
    focus = fair.door.focus
    assert fair.files == set() and focus.languages.repertoire.names == {}
    assert len(focus._naming) == 0 and not focus._naming._jobs and not len(focus._announcer) and fair.door.is_empty()
