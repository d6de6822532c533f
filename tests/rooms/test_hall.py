"""The entrance number: by plays from the call to the room, and all that can go wrong between them."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.callers import Caller
from rooms.errors import Conflict, Forbidden, NotFound
from rooms.hall import MOST_CALLERS, Wrongs
from rooms.participant import SYSTEM
from rooms.telling import tell as told
from tests.rooms.play import ADMIN, Stage, kinds

DOOR, ROOM = "conference", "4711"
PROMPTS = "prompt:welcome", "prompt:enter-room"


class Porch(Stage):
    """A room 4711 made beforehand, and an entrance."""

    def __init__(self, **settings: object) -> None:
        super().__init__(DOOR, entrance=[DOOR, "100"], on_demand=False, **settings)
        self.do(ask.CreateRoom(ROOM), ADMIN)

    def press(self, who: str, keys: str, room: str = DOOR) -> list[tell.Event]:
        events = []
        for key in keys:
            self.now += 0.3
            events += self.rooms.handle(ask.NoteDigit(room, who, key, 100), SYSTEM, self.now)
        return events

    def wait(self, seconds: float) -> list[tell.Event]:
        """Alarms come when they are due."""
        end, events = self.now + seconds, []
        while (due := self.rooms.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            events += self.rooms.fire(self.now)
        self.now = end
        return events

    def call(self, address: str = "sip:ana@10.0.0.1", host: str = "10.0.0.1", verified: bool = True) -> str:
        [*_, reserved] = self.do(ask.Reserve(DOOR, "Ana", address, f"{host}:5060", is_verified=verified))
        self.do(ask.Arrive(DOOR, reserved.participant))
        return reserved.participant


def said(events: list[tell.Event], room: str = DOOR) -> list[tuple[str, ...]]:
    return [event.sounds for event in events if isinstance(event, tell.Announced) and event.room == room]


def test_who_calls_is_welcomed_and_asked() -> None:
    porch = Porch()
    ana = porch.reserve("Ana")
    events = porch.do(ask.Arrive(DOOR, ana))
    waits = next(event for event in events if isinstance(event, tell.ParticipantWaits))
    assert waits.waits_for.value == "room" and said(events) == [PROMPTS]
    assert tell.ParticipantArrived not in kinds(events)


def test_a_number_and_hash_lead_into_the_room() -> None:
    porch = Porch()
    ana = porch.call()
    assert porch.press(ana, ROOM) == [], "nobody is told what is typed"
    events = porch.press(ana, "#")
    assert [(event.room, type(event)) for event in events if not isinstance(event, tell.HearingChanged)] == [
        (DOOR, tell.RoomChosen), (ROOM, tell.RoomOpened), (ROOM, tell.PlaceReserved),
        (DOOR, tell.ParticipantMoved), (DOOR, tell.WaitEnded), (DOOR, tell.RoomClosed),
        (ROOM, tell.ParticipantMoved), (ROOM, tell.ParticipantArrived),
    ]  # fmt: skip
    assert told(events[0])["digits"] == "set", "and events do not tell it either"
    assert [person["id"] for person in porch.rooms.describe(ROOM, porch.now)["participants"]] == [ana]
    assert DOOR not in porch.rooms and porch.rooms.next_deadline() is None
    porch.do(ask.Leave(ROOM, ana))
    assert porch.rooms.describe(ROOM, porch.now)["state"] == "empty"


def test_without_a_hash_the_number_is_taken_as_it_is_after_a_while() -> None:
    porch = Porch()
    ana = porch.call()
    porch.press(ana, ROOM)
    assert porch.wait(4.9) == []
    assert tell.ParticipantArrived in kinds(porch.wait(0.2))


def test_a_star_begins_again() -> None:
    porch = Porch()
    ana = porch.call()
    assert tell.ParticipantArrived in kinds(porch.press(ana, f"99*{ROOM}#"))


def test_a_wrong_number_costs_time_and_a_right_one_may_follow() -> None:
    porch = Porch()
    ana = porch.call()
    assert kinds(porch.press(ana, "99#")) == [tell.RoomChosen]
    assert porch.press(ana, f"{ROOM}#") == [], "nothing is read meanwhile"
    porch.wait(2)
    assert tell.ParticipantArrived in kinds(porch.press(ana, f"{ROOM}#"))


def test_what_he_hears_after_a_wrong_number() -> None:
    porch = Porch()
    ana = porch.call()
    porch.press(ana, "99#")
    assert said(porch.wait(1.9)) == []
    assert said(porch.wait(0.2)) == [("prompt:not-found", "prompt:enter-room")]


def test_three_wrong_numbers_end_the_call_after_the_last_words() -> None:
    porch = Porch()
    ana = porch.call()
    for _ in range(2):
        porch.press(ana, "99#")
        porch.wait(2.1)
    porch.press(ana, "99#")
    events = porch.wait(2.1)
    assert said(events) == [("prompt:not-found", "prompt:goodbye")] and tell.ParticipantKicked not in kinds(events)
    assert porch.press(ana, f"{ROOM}#") == []
    events = porch.wait(4.1)
    assert [event.participant for event in events if isinstance(event, tell.ParticipantKicked)] == [ana]
    porch.leave(ana)
    assert DOOR not in porch.rooms and porch.rooms.next_deadline() is None


def test_who_presses_nothing_is_asked_again_and_then_hung_up_on() -> None:
    porch = Porch()
    porch.call()
    assert said(porch.wait(15.1)) == [("prompt:nothing-entered", "prompt:enter-room")]
    events = porch.wait(60)
    assert said(events)[-1] == ("prompt:nothing-entered", "prompt:goodbye") and tell.ParticipantKicked in kinds(events)


def test_a_hash_alone_is_no_number() -> None:
    porch = Porch()
    assert porch.press(porch.call(), "##") == []


@pytest.mark.parametrize(
    ("how", "prompt"),
    [("lock", "prompt:room-locked"), ("full", "prompt:room-full"), ("end", "prompt:not-possible")],
)
def test_a_room_that_takes_nobody_says_why_at_once(how: str, prompt: str) -> None:
    porch = Porch()
    bob = porch.arrive("Bob", ROOM)
    porch.do({"lock": ask.Lock(ROOM), "full": ask.ChangeRoom(ROOM, max_participants=1), "end": ask.End(ROOM)}[how])
    ana = porch.call()
    porch.press(ana, f"{ROOM}#")
    assert said(porch.wait(0.1)) == [(prompt, "prompt:enter-room")]
    assert [person["id"] for person in porch.rooms.describe(ROOM, porch.now)["participants"]] == [bob]
    assert len(porch.rooms.wrongs) == 0, "that was no wrong number"


def test_an_entrance_leads_to_no_entrance_and_makes_no_room() -> None:
    porch = Stage(DOOR, entrance=[DOOR, "100"])
    ana = porch.arrive("Ana")
    for number in ("100", "555"):
        for key in f"{number}#":
            events = porch.do(ask.NoteDigit(DOOR, ana, key, 100))
        assert kinds(events) == [tell.RoomChosen] and number not in porch.rooms
        porch.now += 5
        porch.rooms.fire(porch.now)


def test_it_is_no_room() -> None:
    porch = Porch()
    for command in (ask.CreateRoom(DOOR), ask.Dial(DOOR, "sip:a@b")):
        with pytest.raises((Conflict, NotFound)):
            porch.do(command, ADMIN)
    ana = porch.arrive("Ana", ROOM)
    with pytest.raises(Conflict, match="asks for rooms and is none"):
        porch.do(ask.Move(ROOM, ana, DOOR), ADMIN)
    porch.call()
    with pytest.raises(Conflict):
        porch.do(ask.CreateRoom(DOOR), ADMIN)


def test_two_in_the_hall_do_not_mix_and_who_leaves_leaves_nothing() -> None:
    porch = Porch()
    ana, bob = porch.call(), porch.call("sip:bob@10.0.0.1")
    porch.press(ana, "47")
    porch.press(bob, "99")
    porch.leave(bob)
    assert tell.ParticipantArrived in kinds(porch.press(ana, "11#")) and DOOR not in porch.rooms


# ---------------------------------------------------------------------- the room's own door
def test_the_room_asks_for_its_pin_and_its_tries_are_its_own() -> None:
    porch = Porch()
    porch.do(ask.ChangeRoom(ROOM, pin="1234", moderator_pin="9999"), ADMIN)
    ana = porch.call()
    porch.press(ana, "99#")
    porch.wait(2.1)
    events = porch.press(ana, f"{ROOM}#")
    assert said(events, ROOM) == [("prompt:enter-pin",)] and tell.ParticipantArrived not in kinds(events)
    assert ("prompt:wrong-pin",) in said(porch.press(ana, "1111#", ROOM), ROOM)
    events = porch.press(ana, "9999#", ROOM)
    assert tell.ParticipantArrived in kinds(events)
    [person] = porch.rooms.describe(ROOM, porch.now)["participants"]
    assert person["role"] == "moderator" and person["id"] == ana


def test_whom_the_room_does_not_want_hears_that_there_is_none() -> None:
    porch = Porch()
    porch.do(ask.ChangeRoom(ROOM, deny=["eve"]), ADMIN)
    eve = porch.call("sip:eve@10.0.0.1")
    assert kinds(porch.press(eve, f"{ROOM}#")) == [tell.RoomChosen]
    assert said(porch.wait(2.1)) == [("prompt:not-found", "prompt:enter-room")]
    assert tell.ParticipantArrived in kinds(porch.press(porch.call(), f"{ROOM}#"))


# ---------------------------------------------------------------------- probing
def guess(porch: Porch, times: int, address: str, host: str = "10.0.0.1") -> None:
    for _ in range(times):
        porch.press(porch.call(address, host), "99#")


def test_who_has_tried_ten_numbers_is_not_let_in_for_ten_minutes() -> None:
    porch = Porch()
    guess(porch, 10, "sip:eve@10.0.0.1")
    with pytest.raises(Forbidden, match="too many numbers"):
        porch.call("sip:eve@10.0.0.1")
    porch.call("sip:ana@10.0.0.1")  # another caller of the same trunk
    porch.call("sip:eve@10.0.0.1", "10.0.0.9")
    porch.now += 601
    porch.call("sip:eve@10.0.0.1")


def test_who_is_not_vouched_for_gets_no_more_tries_under_other_names() -> None:
    porch = Porch()
    for number in range(10):
        porch.press(porch.call(f"sip:{number}@h", verified=False), "99#")
    with pytest.raises(Forbidden):
        porch.call("sip:new@h", verified=False)
    porch.call("sip:ana@h")
    porch.call("sip:new@h", "10.0.0.9", verified=False)


def test_who_waits_in_many_calls_learns_nothing_by_the_eleventh() -> None:
    porch = Porch()
    calls = [porch.call("sip:eve@10.0.0.1") for _ in range(11)]
    for who in calls[:10]:
        porch.press(who, "99#")
    assert kinds(porch.press(calls[10], f"{ROOM}#")) == [tell.RoomChosen], "a right number looks like a wrong one"
    assert ("prompt:not-found", "prompt:enter-room") in said(porch.wait(2.1))


def test_a_hundred_of_one_address_are_the_most_whoever_they_say_they_are() -> None:
    porch = Porch()
    for number in range(100):
        guess(porch, 1, f"sip:{number}@h")
    with pytest.raises(Forbidden):
        porch.call("sip:new@h")


def test_of_strangers_only_so_much_is_kept() -> None:
    wrongs = Wrongs()
    for number in range(MOST_CALLERS):
        wrongs.note(Caller(f"sip:{number}@h", f"10.0.{number >> 8}.{number & 255}:5060"), float(number))
    assert len(wrongs) <= MOST_CALLERS
    for _ in range(1000):
        wrongs.note(Caller("sip:eve@h", "1.2.3.4:5"), 1e6)
    assert max(map(len, wrongs._times.values())) <= 101


@pytest.mark.parametrize("name", ["", "a b", "x" * 65])
def test_names_that_cannot_be_are_refused(name: str) -> None:
    from rooms.errors import Invalid

    with pytest.raises(Invalid):
        Stage(entrance=[name])
