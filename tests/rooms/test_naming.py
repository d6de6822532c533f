"""Names that their owners say themselves: who is asked, what becomes of it, and how long it is kept."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden, NotFound
from rooms.naming import ASKED_S, HEARS_S, MOST_TRIES
from rooms.own_name import MOST_LEFT
from rooms.participant import Actor, Role
from tests.rooms.play import HOST, Stage, kinds, sources

ROOM = "standup"
ASKING = {"say": tell.NameAsked, "hurry": tell.NameHurried, "end": tell.NameEnded}


class House(Stage):
    """A room that asks."""

    def __init__(self, names: str = "ask", **rules: object) -> None:
        super().__init__(ROOM)
        self.do(ask.CreateRoom(ROOM, record_names=names, **rules))

    def call(self, name: str = "Ana", *, verified: bool = False, room: str = ROOM, **how: object) -> str:
        address = f"sip:{name.lower()}@10.0.0.1"
        told = self.do(ask.Reserve(room, name, address, "10.0.0.1:5060", is_verified=verified, **how))
        return told[-1].participant

    def come(self, name: str = "Ana", **how: object) -> str:
        """As far as he may without saying his name."""
        who = self.call(name, **how)
        self.happened = self.do(ask.Arrive(how.get("room", ROOM), who))
        return who

    def says(self, who: str, *, kept: bool = True, room: str = ROOM) -> list[tell.Event]:
        return self.do(ask.NoteName(room, who, kept))

    def press(self, who: str, digit: str) -> list[tell.Event]:
        return self.do(ask.NoteDigit(ROOM, who, digit, 100))

    def later(self, seconds: float) -> list[tell.Event]:
        self.now += seconds
        return self.rooms.fire(self.now)

    def named(self, name: str = "Ana", **how: object) -> str:
        """Somebody who has come in with a name of his own."""
        who = self.come(name, **how)
        self.says(who, room=how.get("room", ROOM))
        return who

    def waiting(self) -> dict[str, str]:
        return {each["id"]: each["waits_for"] for each in self.shown()["waiting"]}

    def there(self) -> dict[str, bool]:
        """Who is in, and whether he has said his name."""
        return {each["id"]: each["name_recorded"] for each in self.shown()["participants"]}


def said(events: list[tell.Event]) -> list[tuple[str, tuple[str, ...]]]:
    return [(event.participant, event.sounds) for event in events if isinstance(event, tell.Announced)]


def of(kind: type, events: list[tell.Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


# ------------------------------------------------------------------ who is asked
def test_who_comes_is_asked_says_his_name_and_is_in() -> None:
    house = House()
    ana = house.come()
    assert kinds(house.happened)[:2] == [tell.ParticipantWaits, tell.NameAsked]
    assert house.waiting() == {ana: "name"} and house.there() == {}
    told = house.says(ana)
    assert kinds(told)[:3] == [tell.NameRecorded, tell.NameEnded, tell.ParticipantArrived]
    assert house.there() == {ana: True} and house.rooms.next_deadline() is None


def test_without_the_rule_nobody_is_asked() -> None:
    house = House("none")
    ana = house.come()
    assert house.there() == {ana: False} and not of(tell.NameAsked, house.happened)


def test_who_says_nothing_comes_in_under_the_name_of_his_phone() -> None:
    house = House()
    ana = house.come()
    told = house.says(ana, kept=False)
    assert house.there() == {ana: False} and not of(tell.NameRecorded, told)
    assert of(tell.ParticipantArrived, told)[0].name == "Ana"


def test_nobody_waits_longer_than_the_asking_may_take() -> None:
    house = House()
    ana = house.come()
    assert house.later(ASKED_S - 2) == [] and house.waiting() == {ana: "name"}
    told = house.later(3)
    assert tell.NameEnded in kinds(told) and house.there() == {ana: False}
    house.says(ana)
    assert house.there() == {ana: False}, "too late"


def test_moderators_are_asked_and_robots_are_not() -> None:
    house = House(moderators=["boss"], robots=["meter*"])
    boss = house.come("Boss", user="boss", verified=True)
    robot = house.come("Meter 7")
    assert house.waiting() == {boss: "name"} and house.there() == {robot: False}


def test_whom_we_call_is_asked_once_he_has_pressed_a_key_for_a_machine_has_no_name() -> None:
    house = House()
    for confirm, is_asked in ((False, False), (True, True)):
        who = house.do(ask.Dial(ROOM, "sip:bob@x", "Bob", confirm=confirm), HOST)[-1].participant
        house.do(ask.Arrive(ROOM, who))
        told = house.press(who, "1") if confirm else []
        assert bool(of(tell.NameAsked, told)) is is_asked and (who in house.waiting()) is is_asked


def test_the_pin_comes_first_and_knocking_after_it_by_his_own_name() -> None:
    house = House(pin="1234", lobby="all", moderators=["boss"])
    boss = house.named("Boss", user="boss", verified=True)
    ana = house.come()
    assert house.waiting() == {ana: "pin"} and not of(tell.NameAsked, house.happened)
    for digit in "1234":
        house.press(ana, digit)
    told = house.press(ana, "#")
    assert of(tell.NameAsked, told) and house.waiting() == {ana: "name"}
    told = house.says(ana)
    assert house.waiting() == {ana: "approval"}
    assert (boss, (f"name:{ana}", "prompt:would-like-to-come-in")) in said(told)
    [waiting] = house.shown()["waiting"]
    assert waiting["name_recorded"] is True
    told = house.do(ask.Admit(ROOM, ana), HOST)
    assert house.there() == {boss: True, ana: True}


def test_a_knock_without_a_name_is_somebodys() -> None:
    house = House(lobby="all", moderators=["boss"])
    boss = house.named("Boss", user="boss", verified=True)
    told = house.says(house.come(), kept=False)
    assert (boss, ("prompt:knock",)) in said(told)


def test_a_moderator_who_comes_later_hears_who_has_knocked() -> None:
    house = House(lobby="all", moderators=["boss"])
    ana, bob = house.named("Ana"), house.named("Bob")
    for _ in range(2):
        house.says(house.come("Cem"), kept=False)
    boss = house.come("Boss", user="boss", verified=True)
    told = [sounds for who, sounds in said(house.says(boss)) if who == boss]
    assert told == [
        (f"name:{ana}", "prompt:would-like-to-come-in"),
        (f"name:{bob}", "prompt:would-like-to-come-in"),
        ("prompt:knock",),
    ]


# ------------------------------------------------------------------ keys
def test_hash_hurries_and_other_keys_mean_nothing_and_are_nobodys_business() -> None:
    house = House()
    ana = house.come()
    assert kinds(house.press(ana, "#")) == [tell.NameHurried]
    for digit in "0123456789*AD":
        assert house.press(ana, digit) == []
    assert house.waiting() == {ana: "name"}


def test_he_hears_it_and_one_keeps_it() -> None:
    house = House("review")
    ana = house.come()
    told = house.says(ana)
    assert said(told) == [(ana, (f"name:{ana}", "prompt:name-review"))] and of(tell.Announced, told)[0].urgent
    assert house.waiting() == {ana: "name"} and not of(tell.NameRecorded, told)
    told = house.press(ana, "1")
    assert tell.NameRecorded in kinds(told) and house.there() == {ana: True}


def test_two_asks_again_but_not_for_ever() -> None:
    house = House("review")
    ana = house.come()
    for _ in range(MOST_TRIES - 1):
        house.says(ana)
        told = house.press(ana, "2")
        assert kinds(told)[:2] == [tell.NameForgotten, tell.NameAsked], "the last one is no more his name"
        assert of(tell.NameForgotten, told)[0].sound == ana
    house.says(ana)
    told = house.press(ana, "2")
    assert tell.NameRecorded in kinds(told) and house.there() == {ana: True}


def test_who_says_nothing_the_second_time_has_no_name() -> None:
    house = House("review")
    ana = house.come()
    house.says(ana)
    house.press(ana, "2")
    house.says(ana, kept=False)
    assert house.there() == {ana: False}


def test_who_hears_it_and_presses_nothing_keeps_it() -> None:
    house = House("review")
    ana = house.come()
    house.says(ana)
    house.press(ana, "#")
    told = house.later(HEARS_S + 1)
    assert tell.NameRecorded in kinds(told) and house.there() == {ana: True}


# ------------------------------------------------------------------ crossed and cut short
@pytest.mark.parametrize("heard", [False, True])
def test_who_hangs_up_in_the_middle_leaves_nothing(heard: bool) -> None:
    house = House("review")
    house.named("Bob")
    house.press("p1", "1")
    ana = house.come()
    if heard:
        house.says(ana)
    told = house.do(ask.Leave(ROOM, ana))
    assert kinds(told).index(tell.NameEnded) < kinds(told).index(tell.WaitEnded)
    assert [event.sound for event in of(tell.NameForgotten, told)] == ([ana] if heard else [])
    assert house.says(ana) == [] and house.press(ana, "#") == [], "the focus's word comes too late"
    assert house.rooms.next_deadline() is None


def test_a_moderator_lets_in_who_is_being_asked() -> None:
    house = House()
    ana = house.come()
    told = house.do(ask.Admit(ROOM, ana), HOST)
    assert kinds(told).index(tell.NameEnded) < kinds(told).index(tell.ParticipantArrived)
    assert house.there() == {ana: False} and house.says(ana) == []


def test_who_is_turned_away_is_asked_no_more() -> None:
    house = House()
    ana = house.come()
    told = house.do(ask.TurnAway(ROOM, ana), HOST)
    assert kinds(told)[:3] == [tell.Announced, tell.NameEnded, tell.TurnedAway] or tell.NameEnded in kinds(told)
    assert house.says(ana) == [] and house.later(ASKED_S + 1) == []


def test_who_is_thrown_out_while_he_is_asked_does_not_come_in_first() -> None:
    house = House()
    ana = house.come()
    told = house.do(ask.Kick(ROOM, ana), HOST)
    assert kinds(told).index(tell.NameEnded) < kinds(told).index(tell.ParticipantKicked) and house.there() == {}
    assert tell.ParticipantArrived not in kinds(told)


def test_the_rule_that_is_taken_away_lets_in_who_waits_for_it() -> None:
    house = House(lobby="all")
    ana = house.come()
    house.do(ask.ChangeRoom(ROOM, rules={"record_names": "none"}), HOST)
    assert house.waiting() == {ana: "name"}, "he is being asked: he may finish"
    house.says(ana)
    assert house.waiting() == {ana: "approval"}


def test_the_end_of_the_room_ends_the_asking() -> None:
    house = House()
    ana = house.come()
    house.do(ask.End(ROOM), HOST)
    told = house.do(ask.Leave(ROOM, ana))
    assert kinds(told)[0] is tell.NameEnded and tell.RoomClosed in kinds(told)


# ------------------------------------------------------------------ nobody is asked twice
def test_who_comes_back_and_was_vouched_for_has_his_name() -> None:
    house = House()
    house.named("Bob")
    ana = house.named("Ana", verified=True)
    house.do(ask.Leave(ROOM, ana))
    again = house.come("Ana", verified=True)
    assert house.there()[again] is True and kinds(house.happened)[:2] == [tell.ParticipantArrived, tell.NameRecorded]
    told = house.do(ask.RollCall(ROOM), HOST)
    assert f"name:{ana}" in said(told)[-1][1]


def test_who_is_still_there_by_a_call_that_has_not_ended_yet_is_not_asked_by_the_next() -> None:
    house = House()
    ana = house.named("Ana", user="ana")
    again = house.come("Ana", user="ana")
    assert house.there() == {ana: True, again: True}
    assert not of(tell.NameForgotten, house.do(ask.Leave(ROOM, ana))), "it is the other's as well"
    told = house.do(ask.Leave(ROOM, again))
    assert [event.sound for event in of(tell.NameForgotten, told)] == [ana]


def test_a_stranger_who_calls_himself_so_is_asked() -> None:
    house = House()
    house.named("Bob")
    ana = house.named("Ana")
    house.do(ask.Leave(ROOM, ana))
    again = house.come("Ana")
    assert house.waiting() == {again: "name"}


def test_in_the_next_meeting_everybody_is_asked_anew() -> None:
    house = House()
    ana = house.named("Ana", verified=True)
    told = house.do(ask.Leave(ROOM, ana))
    assert kinds(told)[-2:] == [tell.NameForgotten, tell.RoomClosed] or tell.NameForgotten in kinds(told)
    again = house.come("Ana", verified=True)
    assert house.waiting() == {again: "name"}


def test_no_more_names_are_kept_of_who_has_left_than_anybody_needs() -> None:
    house = House()
    house.named("Bob")
    forgotten = []
    for number in range(MOST_LEFT + 3):
        who = house.named(f"Ana {number}")
        forgotten += of(tell.NameForgotten, house.do(ask.Leave(ROOM, who)))
    assert [event.sound for event in forgotten] == ["p2", "p3", "p4"]


def test_who_moves_and_who_comes_back_from_a_breakout_is_not_asked_and_has_his_name() -> None:
    house = House()
    host, ana = house.named("Bob"), house.named("Ana", verified=True)
    told = house.do(ask.OpenBreakouts(ROOM, names=("corner",), assign=(f"{ana}=corner",)), HOST)
    assert not of(tell.NameAsked, told) and not of(tell.NameForgotten, told)
    corner = house.rooms.describe("corner", house.now)
    assert [each["name_recorded"] for each in corner["participants"]] == [True, True]
    assert tell.RoomClosed in kinds(told), "the room itself is empty, and the meeting goes on"
    told = house.do(ask.CloseBreakouts(ROOM, 0.0), HOST)
    assert not of(tell.NameAsked, told) and not of(tell.NameForgotten, told)
    assert house.there() == {host: True, ana: True}


def test_who_hangs_up_in_a_breakout_and_calls_the_meeting_is_not_asked() -> None:
    house = House()
    house.named("Bob")
    ana = house.named("Ana", verified=True)
    house.do(ask.OpenBreakouts(ROOM, names=("corner",), assign=(f"{ana}=corner",), evenly=False), HOST)
    assert not of(tell.NameForgotten, house.do(ask.Leave("corner", ana)))
    again = house.come("Ana", verified=True)
    assert house.there()[again] is True


def test_who_is_moved_while_he_is_asked_again_is_asked_no_more() -> None:
    house = House()
    house.named("Bob")
    ana = house.named("Ana")
    house.do(ask.AskName(ROOM, ana), HOST)
    told = house.do(ask.Move(ROOM, ana, "board"), HOST)
    assert tell.NameEnded in kinds(told) and not of(tell.NameForgotten, told)
    assert house.says(ana, room="board") == []


def test_merged_rooms_keep_the_names() -> None:
    house = House()
    ana = house.named("Ana")
    house.do(ask.CreateRoom("board", record_names="ask"))
    told = house.do(ask.Merge(ROOM, "board"), HOST)
    assert not of(tell.NameForgotten, told) and not of(tell.NameAsked, told)
    [person] = house.rooms.describe("board", house.now)["participants"]
    assert person["id"] == ana and person["name_recorded"]
    told = house.do(ask.Leave("board", ana))
    assert [event.sound for event in of(tell.NameForgotten, told)] == [ana]


# ------------------------------------------------------------------ by command
def test_who_is_there_says_it_again_and_nobody_hears_him_nor_he_them() -> None:
    house = House()
    ana, bob = house.named("Ana"), house.named("Bob")
    house.do(ask.NoteTalking(ROOM, ana, True))
    told = house.do(ask.AskName(ROOM, ana), HOST)
    assert kinds(told)[0] is tell.NameAsked and sources(told) == {bob}
    assert of(tell.TalkingChanged, told)[-1].talking is False
    assert {each.listener: each.mix for each in told[-1].hearing.listeners}[ana] == 0
    assert house.person(ana)["says_name"] is True
    told = house.says(ana)
    assert sources(told) == {ana, bob} and of(tell.TalkingChanged, told)[-1].talking is True
    assert house.person(ana)["says_name"] is False


def test_who_says_nothing_when_he_is_asked_again_keeps_what_he_had() -> None:
    house = House()
    ana = house.named("Ana")
    house.do(ask.AskName(ROOM, ana), HOST)
    assert not of(tell.NameForgotten, house.says(ana, kept=False)) and house.there() == {ana: True}


def test_one_can_be_asked_where_the_rules_do_not_ask() -> None:
    house = House("none")
    ana = house.come()
    house.do(ask.AskName(ROOM, ana), HOST)
    assert house.do(ask.AskName(ROOM, ana), HOST) == [], "he is being asked"
    house.says(ana)
    assert house.there() == {ana: True}


def test_who_has_knocked_is_asked_before_he_goes_on_waiting() -> None:
    house = House("none", lobby="all")
    ana = house.come()
    assert house.waiting() == {ana: "approval"}
    told = house.do(ask.AskName(ROOM, ana), HOST)
    assert of(tell.NameAsked, told) and house.waiting() == {ana: "name"}
    house.says(ana)
    assert house.waiting() == {ana: "approval"}


def test_a_name_is_forgotten_by_command() -> None:
    house = House()
    ana = house.named("Ana")
    told = house.do(ask.ForgetName(ROOM, ana), HOST)
    assert kinds(told) == [tell.NameForgotten] and house.there() == {ana: False}
    assert house.do(ask.ForgetName(ROOM, ana), HOST) == []
    assert said(house.do(ask.RollCall(ROOM), HOST))[-1][1] == ("say:Ana.",)


def test_a_name_that_came_back_is_another_once_it_is_said_again() -> None:
    house = House()
    house.named("Bob")
    ana = house.named("Ana", verified=True)
    house.do(ask.Leave(ROOM, ana))
    again = house.come("Ana", verified=True)
    house.do(ask.AskName(ROOM, again), HOST)
    told = house.says(again)
    assert [event.sound for event in of(tell.NameForgotten, told)] == [ana]
    assert f"name:{again}" in said(house.do(ask.RollCall(ROOM), HOST))[-1][1]


def test_one_may_ask_for_oneself_and_only_a_moderator_for_others() -> None:
    house = House()
    ana, bob = house.named("Ana"), house.named("Bob")
    himself = Actor("Ana", Role.PARTICIPANT, ana)
    house.do(ask.AskName(ROOM, ana), himself)
    for command in (ask.AskName(ROOM, bob), ask.ForgetName(ROOM, bob)):
        with pytest.raises(Forbidden):
            house.do(command, himself)


def test_nobody_is_asked_who_is_not_there() -> None:
    house = House()
    house.named("Bob")
    with pytest.raises(NotFound):
        house.do(ask.AskName(ROOM, "p99"), HOST)
    with pytest.raises(NotFound):
        house.do(ask.AskName(ROOM, house.call("Ana")), HOST)


def test_who_is_muted_or_held_says_his_name_all_the_same_and_stays_so() -> None:
    house = House()
    ana = house.named("Ana")
    house.named("Bob")
    house.do(ask.Mute(ROOM, ana), HOST)
    house.do(ask.AskName(ROOM, ana), HOST)
    told = house.do(ask.NoteTalking(ROOM, ana, True))
    assert not said(told), "nobody tells him that he is muted while he says it"
    house.says(ana)
    assert house.person(ana)["muted"] == ["host"] and not house.person(ana)["talking"]
