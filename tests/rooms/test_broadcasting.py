"""Voices in other rooms: a host is heard in all breakout rooms, and stays where he is."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.broadcasting import BEEP, BEEP_OVER
from rooms.errors import Conflict, Forbidden, Full, NotFound
from rooms.participant import Actor, MuteCause, Role
from rooms.telling import hearing_in_words
from tests.rooms.play import ADMIN, HOST, Stage, kinds


class Family(Stage):
    """A main room with a host and a guest, and two breakout rooms of two."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.host, *others = [self.arrive(name) for name in ("Hana", "Ana", "Bob", "Carl", "Dora", "Emil")]
        self.rooms.find(self.room).places[self.host].role = Role.MODERATOR
        self.stays = others.pop()
        self.first, self.second = others[:2], others[2:]
        assign = [f"{who}=red" for who in self.first] + [f"{who}=blue" for who in self.second]
        self.do(ask.OpenBreakouts(self.room, names=("red", "blue"), assign=tuple(assign), evenly=False), HOST)

    def heard_in(self, room: str) -> set[str]:
        """Whom all in a room hear."""
        return {who for who, gain in self.rooms.find(room).hearing.mixes[1].sources if gain}

    def begin(self, *rooms: str, by: Actor = HOST, room: str = "") -> list[tell.Event]:
        return self.do(ask.BroadcastVoice(room or self.room, self.host, rooms), by)

    def end(self) -> list[tell.Event]:
        return self.do(ask.EndBroadcast(self.room, self.host), HOST)


@pytest.fixture
def family() -> Family:
    return Family()


def of(room: str, events: list[tell.Event]) -> list[tell.Event]:
    return [event for event in events if event.room == room]


def test_a_host_is_heard_in_all_breakout_rooms_and_hears_only_his_own(family: Family) -> None:
    events = family.begin()
    assert family.heard_in("red") == {family.host, *family.first}
    assert family.heard_in("blue") == {family.host, *family.second}
    assert family.heard_in("standup") == {family.host, family.stays}
    for room in ("red", "blue"):
        assert kinds(of(room, events)) == [tell.BroadcastBegan, tell.Announced, tell.HearingChanged]
        assert family.host not in {each.listener for each in family.rooms.find(room).hearing.listeners}
        assert family.rooms.find(room).hearing.private == ()
    began = next(event for event in of("red", events) if isinstance(event, tell.BroadcastBegan))
    assert (began.participant, began.name, began.from_room, began.by) == (family.host, "Hana", "standup", "script")


def test_all_who_hear_him_and_he_himself_hear_a_beep_first(family: Family) -> None:
    said = [event for event in family.begin() if isinstance(event, tell.Announced)]
    assert {(event.room, event.sounds, event.participant) for event in said} == {
        ("standup", (BEEP,), family.host),
        ("red", (BEEP,), ""),
        ("blue", (BEEP,), ""),
    }
    said = [event for event in family.end() if isinstance(event, tell.Announced)]
    assert [(event.room, event.sounds, event.participant) for event in said] == [("standup", (BEEP_OVER,), family.host)]


def test_all_rooms_concerned_tell_of_it(family: Family) -> None:
    family.begin()
    told = {"participant": family.host, "name": "Hana", "from_room": "standup", "rooms": []}
    for room in ("standup", "red", "blue"):
        assert family.rooms.describe(room, family.now)["broadcasts"] == [told]
    family.end()
    for room in ("standup", "red", "blue"):
        assert family.rooms.describe(room, family.now)["broadcasts"] == []


def test_it_is_told_in_words(family: Family) -> None:
    family.begin()
    ana, bob = family.first
    assert hearing_in_words(family.rooms.find("red").hearing) == [
        f"{ana}, {bob} hear {ana}, {bob}, {family.host} from standup"
    ]


def test_the_end(family: Family) -> None:
    family.begin()
    events = family.end()
    for room in ("red", "blue"):
        assert kinds(of(room, events)) == [tell.BroadcastEnded, tell.HearingChanged]
        assert family.host not in family.heard_in(room)
    assert family.end() == [] and family.rooms.abroad() == []


def test_only_the_rooms_that_are_named(family: Family) -> None:
    family.begin("red")
    assert family.host in family.heard_in("red") and family.host not in family.heard_in("blue")
    family.begin("blue")
    assert family.host in family.heard_in("blue") and family.host not in family.heard_in("red")


def test_asked_twice_it_is_as_it_was(family: Family) -> None:
    family.begin()
    assert family.begin() == []


def test_from_within_a_breakout_room_the_main_room_hears_it_too(family: Family) -> None:
    family.do(ask.Move("standup", family.host, "red"), HOST)
    family.begin(room="red")
    assert family.host in family.heard_in("standup") & family.heard_in("blue") & family.heard_in("red")
    assert dict(family.rooms.find("red").hearing.guests) == {}
    assert family.rooms.find("blue").hearing.guests == ((family.host, "red"),)


@pytest.mark.parametrize(
    "silent", [ask.Hold("standup", "p1"), ask.HoldParticipant("standup", "p1"), ask.Whisper("standup", "p1", "p6")]
)
def test_who_is_not_heard_where_he_is_is_not_heard_elsewhere(family: Family, silent: ask.Command) -> None:
    family.begin()
    events = family.do(silent)
    assert family.host not in family.heard_in("red") | family.heard_in("blue")
    assert kinds(of("red", events)) == [tell.HearingChanged], "no end, and no beep when he is back"


def test_who_mutes_himself_is_heard_again_when_he_unmutes(family: Family) -> None:
    family.begin()
    himself = Actor("Hana", Role.MODERATOR, family.host)
    family.do(ask.Mute("standup", family.host, MuteCause.SELF), himself)
    assert family.host not in family.heard_in("red")
    events = family.do(ask.Unmute("standup", family.host, MuteCause.SELF), himself)
    assert family.host in family.heard_in("red") and kinds(of("red", events)) == [tell.HearingChanged]


def test_deaf_and_held_people_hear_nobody_from_elsewhere_either(family: Family) -> None:
    ana, bob = family.first
    family.do(ask.Deafen("red", ana))
    family.begin()
    mixes = {each.listener: each.mix for each in family.rooms.find("red").hearing.listeners}
    assert mixes == {ana: 0, bob: 1} and family.rooms.find("red").hearing.mixes[0].sources == ()


def test_a_floor_and_a_sidebar_elsewhere_do_not_keep_him_out(family: Family) -> None:
    family.do(ask.ChangeRoom("red", rules={"one_speaker": True}))
    family.do(ask.GiveFloor("red", family.first[0]))
    family.do(ask.OpenSidebar("blue", tuple(family.second), hears_room=False))
    family.begin()
    assert family.heard_in("red") == {family.first[0], family.host}
    sidebar = family.rooms.find("blue").hearing.mixes[2]
    assert dict(sidebar.sources) == dict.fromkeys((*family.second, family.host), 1.0)


def test_who_comes_to_a_breakout_room_that_was_empty_hears_him(family: Family) -> None:
    for who in family.first:
        family.do(ask.Leave("red", who))
    events = family.begin()
    assert not of("red", events)
    family.do(ask.Move("standup", family.stays, "red"), HOST)
    assert family.heard_in("red") == {family.stays, family.host}


def test_who_calls_a_breakout_room_himself_belongs_to_it(family: Family) -> None:
    for who in family.first:
        family.do(ask.Leave("red", who))
    family.begin()
    late = family.arrive("Late", "red")
    assert family.heard_in("red") == {late, family.host}
    assert family.rooms.describe("red", family.now)["parent"] == "standup"


def test_a_room_that_closes_has_closed_it_first(family: Family) -> None:
    family.begin()
    family.do(ask.Leave("red", family.first[0]))
    events = of("red", family.do(ask.Leave("red", family.first[1])))
    assert kinds(events).index(tell.BroadcastEnded) < kinds(events).index(tell.RoomClosed)
    assert "red" not in family.rooms


@pytest.mark.parametrize("goes", [ask.Leave("standup", "p1"), ask.Move("standup", "p1", "elsewhere")])
def test_it_ends_before_he_has_left(family: Family, goes: ask.Command) -> None:
    family.begin()
    events = family.do(goes)
    mine = kinds(of("standup", events))
    assert mine.index(tell.BroadcastEnded) < mine.index(tell.ParticipantLeft)
    assert family.host not in family.heard_in("red") | family.heard_in("blue")
    assert [event.room for event in events if isinstance(event, tell.BroadcastEnded)] == ["standup", "blue", "red"]


def test_all_come_back(family: Family) -> None:
    family.begin()
    events = family.do(ask.CloseBreakouts("standup"), HOST)
    assert [event.room for event in events if isinstance(event, tell.BroadcastEnded)] == ["red", "blue", "standup"]
    assert family.rooms.abroad() == [] and len(family.heard_in("standup")) == 6


def test_the_main_room_ends(family: Family) -> None:
    family.begin()
    family.do(ask.End("standup"), HOST)
    for room in ("red", "blue", "standup"):
        for who in list(family.rooms.find(room).places):
            family.do(ask.Leave(room, who))
    assert len(family.rooms) == 0 and family.rooms.abroad() == []


def test_by_keypad(family: Family) -> None:
    """It is asked of others than the room; its end is the room's affair."""
    events = [family.do(ask.NoteDigit("standup", family.host, digit, 100))[-1] for digit in "**0"]
    assert isinstance(events[-1], tell.KeysAsked) and events[-1].action == "broadcast"
    family.begin()
    for digit in "**":
        family.do(ask.NoteDigit("standup", family.host, digit, 100))
    events = family.do(ask.NoteDigit("standup", family.host, "0", 100))
    assert tell.BroadcastEnded in kinds(events) and family.host not in family.heard_in("red")


# ------------------------------------------------------------------ refusals
def test_who_may(family: Family) -> None:
    for by in (Actor("Hana", Role.PARTICIPANT, family.host), Actor("screen", Role.OBSERVER)):
        with pytest.raises(Forbidden):
            family.begin(by=by)
    family.begin()
    family.do(ask.EndBroadcast("standup", family.host), Actor("Hana", Role.PARTICIPANT, family.host))
    assert family.rooms.abroad() == []


def test_refusals(family: Family) -> None:
    with pytest.raises(NotFound, match="green is no other room of standup; there are: red, blue"):
        family.begin("green")
    with pytest.raises(NotFound, match="standup is no other room"):
        family.begin("standup")
    with pytest.raises(NotFound):
        family.do(ask.BroadcastVoice("standup", family.first[0]), HOST)
    assert family.rooms.abroad() == []


def test_a_room_by_itself_has_nobody_to_speak_to() -> None:
    stage = Stage()
    ana = stage.arrive("Ana")
    with pytest.raises(Conflict, match="has no breakout rooms"):
        stage.do(ask.BroadcastVoice("standup", ana), HOST)


def test_two_at_once_and_no_more(family: Family) -> None:
    family.begin()
    family.do(ask.BroadcastVoice("red", family.first[0]), HOST)
    with pytest.raises(Full):
        family.do(ask.BroadcastVoice("blue", family.second[0]), HOST)
    assert family.heard_in("blue") == {family.host, family.first[0], *family.second}
    assert family.heard_in("red") == {family.host, *family.first}
    family.end()
    family.do(ask.BroadcastVoice("blue", family.second[0]), HOST)
    assert family.heard_in("red") == {family.second[0], *family.first}


# ------------------------------------------------------------------ what a family is
def test_a_room_that_was_a_breakout_room_is_none_when_they_are_closed(family: Family) -> None:
    """Who is being hung up on stays behind: nobody speaks to him, and who may see the main room does not see his."""
    family.do(ask.Kick("red", family.first[0]), HOST)
    family.do(ask.CloseBreakouts("standup"), HOST)
    assert family.rooms.describe("red", family.now)["parent"] == ""
    assert family.rooms.family("red") == ("red",) and family.rooms.family("standup") == ("standup",)
    family.do(ask.OpenBreakouts("standup", names=("green",)), HOST)
    family.begin()
    assert family.host not in family.heard_in("red")


def test_a_room_made_beforehand_by_that_name_goes_its_own_way_afterwards(family: Family) -> None:
    for who in family.first:
        family.do(ask.Leave("red", who))
    family.do(ask.CreateRoom("red", rules={"max_participants": 5}), ADMIN)
    assert family.rooms.describe("red", family.now)["parent"] == "standup"
    family.do(ask.CloseBreakouts("standup"), HOST)
    told = family.rooms.describe("red", family.now)
    assert (told["parent"], told["max_participants"], told["persistent"]) == ("", 5, True)
