"""Lists of people who are called: who is called when, and what becomes of each."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Full, Invalid, NotFound, NotOpen
from rooms.participant import SYSTEM
from tests.rooms.play import HOST, Stage

ROOM = "standup"


class Caller(Stage):
    """A stage whose focus calls whoever is wanted."""

    def __init__(self, refuses: str = "") -> None:
        super().__init__(ROOM)
        self.called: list[str] = []
        self.told: list[tell.Event] = []
        self.refuses = refuses

    def do(self, command: ask.Command, by=SYSTEM) -> list[tell.Event]:
        return self.obey(super().do(command, by))

    def obey(self, events: list[tell.Event]) -> list[tell.Event]:
        self.told += events
        for event in [event for event in events if isinstance(event, tell.DialWanted)]:
            self.called.append(event.uri)
            if event.uri == self.refuses:
                self.do(ask.NoteListed(ROOM, event.list, event.entry, reason="not allowed"))
                continue
            dialled = super().do(ask.Dial(ROOM, event.uri, event.name, event.ring_s), HOST)
            self.told += dialled
            self.do(ask.NoteListed(ROOM, event.list, event.entry, dialled[-1].participant))
        return events

    def list(self, *whom: str, **how) -> int:
        return self.do(ask.DialList(ROOM, whom, **how), HOST)[0].list

    def states(self, number: int) -> list[str]:
        [found] = [each for each in self.shown()["lists"] if each["list"] == number]
        return [entry["state"] for entry in found["entries"]]

    def who(self, uri: str) -> str:
        return next(p.id for p in self.rooms.get(ROOM).places.values() if p.address == uri)

    def answers(self, uri: str) -> None:
        self.do(ask.Arrive(ROOM, self.who(uri)))

    def fails(self, uri: str, cause: str = "busy") -> None:
        self.do(ask.NoteDialFailed(ROOM, self.who(uri), cause, 486))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.obey(self.rooms.fire(self.now))

    def all(self, kind: type) -> list:
        return [event for event in self.told if isinstance(event, kind)]


def test_some_are_called_at_once_and_then_the_next() -> None:
    it = Caller()
    number = it.list("sip:a@x", "Bob <sip:b@x>", "sip:c@x", at_once=2)
    assert it.called == ["sip:a@x", "sip:b@x"]
    assert it.states(number) == ["calling", "calling", "waits"]
    assert [person["name"] for person in it.shown()["dialling"]] == ["sip:a@x", "Bob"]
    it.answers("sip:a@x")
    assert it.called[2:] == ["sip:c@x"]
    it.fails("sip:c@x", "declined")
    it.answers("sip:b@x")
    assert it.states(number) == ["joined", "joined", "failed"]
    [ended] = it.all(tell.ListEnded)
    assert (ended.list, ended.joined, ended.failed) == (number, 2, 1)


def test_who_is_busy_is_tried_again_after_a_pause_and_not_for_ever() -> None:
    it = Caller()
    it.arrive("Ana")
    number = it.list("sip:a@x", tries=2, pause_s=30)
    it.fails("sip:a@x", "busy: here")
    assert it.states(number) == ["waits"] and it.rooms.next_deadline() == it.now + 30
    it.wait(29)
    assert it.called == ["sip:a@x"]
    it.wait(1)
    assert it.called == ["sip:a@x"] * 2
    it.fails("sip:a@x")
    assert it.states(number) == ["failed"] and it.rooms.next_deadline() is None


def test_a_list_outlives_an_empty_room_until_it_is_over() -> None:
    it = Caller()
    number = it.list("sip:a@x", tries=2, pause_s=30)
    it.fails("sip:a@x", "no answer")
    assert it.shown()["state"] == "empty" and it.states(number) == ["waits"]
    it.wait(31)
    assert it.shown()["state"] == "open"
    it.fails("sip:a@x", "no answer")
    assert len(it.rooms) == 0


def test_who_may_not_be_called_costs_the_others_nothing() -> None:
    it = Caller(refuses="sip:b@x")
    number = it.list("sip:b@x", "sip:a@x", at_once=1)
    assert it.states(number) == ["failed", "calling"]
    [changed] = [event for event in it.all(tell.ListChanged) if event.state == "failed"]
    assert changed.cause == "not allowed"
    it.answers("sip:a@x")
    assert it.all(tell.ListEnded)


def test_a_list_is_cancelled_and_who_is_in_stays() -> None:
    it = Caller()
    number = it.list("sip:a@x", "sip:b@x", "sip:c@x", at_once=2)
    it.answers("sip:a@x")
    it.do(ask.CancelList(ROOM, number), HOST)
    assert [event.participant for event in it.all(tell.ParticipantKicked)] == [it.who("sip:b@x"), it.who("sip:c@x")]
    it.fails("sip:b@x", "cancelled")
    it.fails("sip:c@x", "cancelled")
    assert it.states(number) == ["joined", "failed", "failed"] and len(it.all(tell.ListEnded)) == 1
    with pytest.raises(NotFound, match=f"there are: {number}"):
        it.do(ask.CancelList(ROOM, 99), HOST)
    it.do(ask.CancelList(ROOM), HOST)
    assert len(it.all(tell.ListEnded)) == 1


def test_the_end_of_the_room_ends_its_lists() -> None:
    it = Caller()
    it.list("sip:a@x", "sip:b@x", at_once=1, tries=5)
    it.answers("sip:a@x")
    it.do(ask.End(ROOM), HOST)
    it.fails("sip:b@x", "the room has ended")
    it.leave(it.who("sip:a@x"))
    it.wait(1000)
    assert it.called == ["sip:a@x", "sip:b@x"] and len(it.rooms) == 0
    assert len(it.all(tell.ListEnded)) == 1


def test_who_is_lost_is_called_back_and_who_hangs_up_is_not() -> None:
    it = Caller()
    it.arrive("Ana")
    number = it.list("sip:a@x", "sip:b@x", redial=True, pause_s=10)
    it.answers("sip:a@x")
    it.answers("sip:b@x")
    it.do(ask.Leave(ROOM, it.who("sip:a@x"), "no answer from the phone"))
    it.do(ask.Leave(ROOM, it.who("sip:b@x"), "hung up"))
    assert it.states(number) == ["waits", "joined"]
    it.wait(11)
    assert it.called == ["sip:a@x", "sip:b@x", "sip:a@x"]


@pytest.mark.parametrize(
    ("whom", "how", "word"),
    [
        ((), {}, "whom"), (("sip:a@x",) * 501, {}, "whom"), (("",), {}, "names nobody"), (("Ana <>",), {}, ""),
        (("sip:a@x",), {"at_once": 0}, "at_once"), (("sip:a@x",), {"tries": 11}, "tries"),
        (("sip:a@x",), {"pause_s": 1}, "pause_s"), (("sip:a@x",), {"ring_s": -1}, "ring_s"),
        (("sip:a@x",), {"pause_s": float("nan")}, "pause_s"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be(whom: tuple[str, ...], how: dict, word: str) -> None:
    it = Caller()
    it.arrive("Ana")
    if word:
        with pytest.raises(Invalid, match=word):
            it.do(ask.DialList(ROOM, whom, **how), HOST)
        assert it.shown()["lists"] == []
    else:
        it.list(*whom), "an odd name is an address that the focus will refuse"


def test_a_room_has_its_most_lists_and_one_that_ends_takes_none() -> None:
    it = Caller()
    it.arrive("Ana")
    for _ in range(10):
        it.list("sip:a@x")
    with pytest.raises(Full):
        it.list("sip:a@x")
    it.do(ask.End(ROOM), HOST)
    with pytest.raises(NotOpen):
        it.list("sip:a@x")


def test_nobody_is_called_back_into_a_room_that_ends_for_whatever_cause() -> None:
    it = Caller()
    it.list("sip:a@x", redial=True, pause_s=5)
    it.answers("sip:a@x")
    it.do(ask.End(ROOM), HOST)
    it.do(ask.Leave(ROOM, it.who("sip:a@x"), "time limit"))
    it.wait(100)
    assert it.called == ["sip:a@x"] and len(it.rooms) == 0
