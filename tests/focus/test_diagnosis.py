"""From reports over a bad network to the room's description, events and records."""

from __future__ import annotations

from typing import Any

from confserver.contract import LegReports
from rooms import events as tell
from rooms.commands import Mute, NoteQuality, NoteTalking
from rooms.participant import SYSTEM
from tests.focus.house import House, every
from tests.focus.test_measuring import report
from tests.kit.network import BadNetwork, Conditions


class Call:
    """One who sends 50 packets a second through a network, and hears as many."""

    def __init__(self, house: House, conditions: Conditions, seed: int = 7) -> None:
        self.house = house
        self.leg = house.leg(house.enter()).id
        self.network = BadNetwork(conditions, seed)
        self.sent = self.came = 0
        self.events: list[tell.QualityChanged] = []

    def talk(self, seconds: float, conditions: Conditions | None = None) -> None:
        if conditions is not None:
            self.network = BadNetwork(conditions, 7)
        for _ in range(int(seconds / 5)):
            for _ in range(250):
                self.house.now += 0.02
                self.sent += 1
                self.network.send(b"x", self.house.now)
                self.came += len(self.network.due(self.house.now))
            self.report(received=self.came, lost=max(self.sent - self.came - 10, 0), sent=self.sent)

    def report(self, **figures: Any) -> None:
        told = LegReports(reports=[report(self.leg, **figures)], load=0.1, at=self.house.now)
        self.events += every(tell.QualityChanged, self.house.tell(told))

    def quality(self) -> list[dict[str, Any]]:
        return self.house.focus.room("standup", self.house.now)["participants"][0]["quality"]


def test_losses_are_named_once_and_gone_when_the_network_is_mended() -> None:
    call = Call(House(), Conditions(loss=0.08))
    call.talk(60)
    assert [(each.kind, each.is_wrong) for each in call.events] == [("loss-in", True)]
    [found] = call.quality()
    assert "Others hear gaps in Anna" in found["text"] and found["side"] == "Anna's network"
    call.talk(40, Conditions())
    assert [(each.kind, each.is_wrong) for each in call.events] == [("loss-in", True), ("loss-in", False)]
    assert call.quality() == []


def test_a_good_network_is_not_spoken_of() -> None:
    call = Call(House(), Conditions(jitter_ms=20))
    call.talk(60)
    assert call.events == [] and call.quality() == []


def test_who_talks_and_is_muted() -> None:
    house = House()
    call = Call(house, Conditions())
    who = house.leg_of("Anna").participant
    house.order(Mute("standup", who))
    house.order(NoteTalking("standup", who, True))
    call.talk(15)
    assert [(each.kind, each.is_wrong, each.side) for each in call.events] == [("talks-muted", True, "Anna")]
    house.order(NoteTalking("standup", who, False))
    call.talk(10)
    assert [each.is_wrong for each in call.events] == [True, False]


def test_a_finding_is_over_before_its_participant_leaves() -> None:
    house = House()
    call = Call(house, Conditions(loss=0.2))
    call.talk(20)
    outputs = house.bye(house.scene.legs.by_id[call.leg].call)
    kinds = [type(each) for each in every(tell.Event, outputs)]
    assert kinds.index(tell.QualityChanged) < kinds.index(tell.ParticipantLeft)
    assert len(house.focus._diagnosis) == 0


def test_what_is_said_twice_or_of_nobody_is_no_news() -> None:
    house = House()
    Call(house, Conditions())
    who = house.leg_of("Anna").participant
    said = house.rooms.handle(NoteQuality("standup", who, "noise", True, text="t"), SYSTEM, house.now)
    again = house.rooms.handle(NoteQuality("standup", who, "noise", True, text="t"), SYSTEM, house.now)
    over = house.rooms.handle(NoteQuality("standup", who, "noise", False), SYSTEM, house.now)
    nobody = house.rooms.handle(NoteQuality("standup", "p99", "noise", True), SYSTEM, house.now)
    assert [len(each) for each in (said, again, over, nobody)] == [1, 0, 1, 0]
    assert over[0].text == "t"  # type: ignore[attr-defined]
