"""Plays about going from room to room: one, many, all; merged rooms; breakout rooms and back."""

from typing import Any

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Forbidden, Full, Invalid, NotFound, NotOpen, Refused
from rooms.participant import Actor, MuteCause, Role
from rooms.rules_of_life import Lobby
from tests.rooms.play import HOST, Stage, kinds

ROOM, BOARD = "standup", "board"


@pytest.fixture
def stage() -> Stage:
    return Stage(ROOM)


def people(stage: Stage, room: str) -> list[str]:
    found = stage.rooms.find(room)
    return [person.id for person in found.present] if found else []


def of(events: list[tell.Event], room: str) -> list[type]:
    return kinds([event for event in events if event.room == room])


def check_numbers(stage: Stage, events: list[tell.Event]) -> None:
    """Each room's events are numbered without gaps."""
    for room in {event.room for event in events}:
        numbers = [event.number for event in events if event.room == room]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        found = stage.rooms.find(room)
        assert found is None or found.number == numbers[-1]


# ---------------------------------------------------------------- one
def test_who_moves_leaves_here_and_arrives_there(stage: Stage) -> None:
    ana, bob, carl = stage.arrive("Ana"), stage.arrive("Bob"), stage.arrive("Carl", BOARD)
    events = stage.do(ask.Move(ROOM, "ana", BOARD), HOST)
    assert of(events, ROOM) == [tell.ParticipantMoved, tell.ParticipantLeft, tell.HearingChanged]
    assert of(events, BOARD) == [
        tell.PlaceReserved, tell.ParticipantMoved, tell.ParticipantArrived, tell.HearingChanged
    ]  # fmt: skip
    moved = [event for event in events if isinstance(event, tell.ParticipantMoved)]
    assert {(one.participant, one.from_room, one.to_room, one.by) for one in moved} == {(ana, ROOM, BOARD, "script")}
    assert next(event for event in events if isinstance(event, tell.ParticipantLeft)).cause == "moved to board"
    assert (people(stage, ROOM), people(stage, BOARD)) == ([bob], [carl, ana])
    check_numbers(stage, events)
    assert {one.listener for one in stage.rooms.get(ROOM).hearing.listeners} == {bob}


def test_the_media_hear_of_a_new_room_before_who_comes_and_of_a_closed_one_after_who_goes(stage: Stage) -> None:
    stage.arrive("Ana")
    events = stage.do(ask.Move(ROOM, "p1", BOARD), HOST)
    order = [(event.room, type(event)) for event in events]
    assert order.index((BOARD, tell.RoomOpened)) < order.index((ROOM, tell.ParticipantMoved))
    assert order.index((ROOM, tell.RoomClosed)) < order.index((BOARD, tell.ParticipantArrived))
    assert len(stage.rooms) == 1 and stage.rooms.get(BOARD).state.value == "alone"
    check_numbers(stage, events)


def test_who_moves_keeps_mutes_loudness_holds_and_voice() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(BOARD, mute_on_entry=True))
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.Mute(ROOM, bob, MuteCause.SELF))
    stage.do(ask.SetGain(ROOM, bob, 3.0, -3.0))
    stage.do(ask.Deafen(ROOM, bob))
    stage.do(ask.HoldParticipant(ROOM, bob))
    stage.do(ask.NoteTalking(ROOM, ana, True))
    before = {who: stage.person(who) for who in (ana, bob)}
    events = stage.do(ask.MoveAll(ROOM, BOARD), HOST)
    stage.room = BOARD
    for who in (ana, bob):
        after = stage.person(who)
        assert after | {"since": 0} == before[who] | {"since": 0}
    assert [(e.room, e.talking) for e in events if isinstance(e, tell.TalkingChanged)] == [(ROOM, False), (BOARD, True)]


def test_what_is_open_of_him_is_closed_before_he_has_left(stage: Stage) -> None:
    ana, _ = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.NoteTalking(ROOM, ana, True))
    stage.do(ask.NoteDominant(ROOM, ana))
    stage.do(ask.Play(ROOM, ("prompt:welcome",), participant=ana))
    stage.do(ask.Transfer(ROOM, ana, "sip:x@y"))
    here = of(stage.do(ask.Move(ROOM, ana, BOARD), HOST), ROOM)
    left = here.index(tell.ParticipantLeft)
    for kind in (tell.TransferEnded, tell.TalkingChanged, tell.PlayEnded, tell.DominantSpeaker):
        assert here.index(kind) < left
    stage.room = BOARD
    assert kinds(stage.do(ask.Transfer(BOARD, ana, "sip:x@y"))) == [tell.Transferring]


@pytest.mark.parametrize(
    ("to", "error"), [(ROOM, Conflict), ("no room!", Invalid), ("full", Full), ("ending", NotOpen)]
)
def test_a_refused_move_leaves_everything_as_it_was(stage: Stage, to: str, error: type[Refused]) -> None:
    stage.do(ask.CreateRoom("full", max_participants=2))
    stage.arrive("Carl", "full")
    stage.arrive("Dora", "ending")
    stage.do(ask.End("ending"))
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    before = [stage.rooms.describe(room.name, 0.0) for room in stage.rooms]
    with pytest.raises(error):
        stage.do(ask.MoveAll(ROOM, to), HOST)
    with pytest.raises(error):
        stage.do(ask.Merge(ROOM, to), HOST)
    assert [stage.rooms.describe(room.name, 0.0) for room in stage.rooms] == before
    assert people(stage, ROOM) == [ana, bob]


def test_nobody_moves_to_a_room_that_is_not_where_rooms_are_made_beforehand() -> None:
    stage = Stage(ROOM, on_demand=False)
    stage.do(ask.CreateRoom(ROOM))
    ana = stage.arrive("Ana")
    with pytest.raises(NotFound, match="there is no room board"):
        stage.do(ask.Move(ROOM, ana, BOARD), HOST)
    assert people(stage, ROOM) == [ana]


def test_who_is_being_hung_up_on_or_is_not_there_does_not_move(stage: Stage) -> None:
    ana, bob, carl = stage.arrive("Ana"), stage.arrive("Bob"), stage.reserve("Carl")
    stage.do(ask.Kick(ROOM, ana))
    with pytest.raises(Conflict):
        stage.do(ask.Move(ROOM, ana, BOARD), HOST)
    with pytest.raises(NotFound):
        stage.do(ask.Move(ROOM, carl, BOARD), HOST)
    stage.do(ask.MoveAll(ROOM, BOARD), HOST)
    assert (people(stage, ROOM), people(stage, BOARD)) == ([ana], [bob])


def test_a_lock_keeps_nobody_out_whom_a_host_takes_there(stage: Stage) -> None:
    stage.arrive("Carl", BOARD)
    stage.do(ask.Lock(BOARD))
    ana = stage.arrive("Ana")
    stage.do(ask.Move(ROOM, ana, BOARD), HOST)
    assert ana in people(stage, BOARD)


# ---------------------------------------------------------------- the other room's door
def closed(stage: Stage, **rules: Any) -> None:
    stage.do(ask.CreateRoom(BOARD, rules=rules))


@pytest.mark.parametrize(
    "rules",
    [{"pin": "1234"}, {"allow": ("carl",)}, {"lobby": Lobby.ALL}, {"moderator_pin": "1234"}, {"deny": ("eve",)}],
)
def test_who_is_taken_there_has_a_hosts_leave(stage: Stage, rules: dict[str, Any]) -> None:
    closed(stage, **rules)
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.Move(ROOM, ana, BOARD), HOST)
    stage.do(ask.Merge(ROOM, BOARD), HOST)
    assert people(stage, BOARD) == [ana, bob]


@pytest.mark.parametrize("deny", ["eve", "*@10.0.0.1", "10.0.0.0/8", "EVE"])
def test_who_is_denied_there_is_named_and_moves_by_force_only(stage: Stage, deny: str) -> None:
    closed(stage, deny=(deny,))
    eve = stage.arrive("Eve")
    before = [stage.rooms.describe(room.name, 0.0) for room in stage.rooms]
    for command in (ask.Move(ROOM, eve, BOARD), ask.MoveAll(ROOM, BOARD), ask.Merge(ROOM, BOARD)):
        with pytest.raises(Conflict, match=rf"board is closed to Eve \({eve}\) by its rule deny; by force it is not"):
            stage.do(command, HOST)
        assert [stage.rooms.describe(room.name, 0.0) for room in stage.rooms] == before
    stage.do(ask.Move(ROOM, eve, BOARD, force=True), HOST)
    assert people(stage, BOARD) == [eve]


def test_one_who_is_denied_keeps_all_back_unless_he_is_excepted(stage: Stage) -> None:
    closed(stage, deny=("eve", "mallory"))
    ana, eve, mallory = (stage.arrive(name) for name in ("Ana", "Eve", "Mallory"))
    with pytest.raises(Conflict, match=rf"closed to Eve \({eve}\), Mallory \({mallory}\) by"):
        stage.do(ask.MoveAll(ROOM, BOARD), HOST)
    stage.do(ask.MoveAll(ROOM, BOARD, but=(eve, mallory)), HOST)
    assert (people(stage, BOARD), people(stage, ROOM)) == ([ana], [eve, mallory])
    stage.do(ask.MoveAll(ROOM, BOARD, force=True), HOST)
    assert people(stage, BOARD) == [ana, eve, mallory]


def test_not_all_of_many_are_named(stage: Stage) -> None:
    closed(stage, deny=("10.0.0.0/8",))
    for number in range(13):
        stage.arrive(f"Eve{number}")
    with pytest.raises(Conflict, match=r"Eve9 \(p10\) and 3 more by its rule deny"):
        stage.do(ask.MoveAll(ROOM, BOARD), HOST)


def test_a_moderator_of_the_other_room_is_never_denied_there(stage: Stage) -> None:
    closed(stage, deny=("10.0.0.0/8",), moderators=("boss",))
    who = stage.do(ask.Reserve(ROOM, "Boss", "sip:boss@10.0.0.1", "10.0.0.1:5060", user="boss"))[-1].participant
    stage.do(ask.Arrive(ROOM, who))
    stage.do(ask.Move(ROOM, who, BOARD), HOST)
    assert people(stage, BOARD) == [who]


def test_who_is_denied_does_not_follow_a_merged_room_and_stays(stage: Stage) -> None:
    closed(stage, deny=("eve",))
    ana, bob, eve = stage.arrive("Ana"), stage.reserve("Bob"), stage.reserve("Eve")
    stage.do(ask.Merge(ROOM, BOARD), HOST)
    stage.do(ask.Arrive(ROOM, eve))
    stage.do(ask.Arrive(ROOM, bob))
    assert (people(stage, ROOM), people(stage, BOARD)) == ([eve], [ana, bob])


def test_a_merge_by_force_takes_those_along_who_still_arrive(stage: Stage) -> None:
    closed(stage, deny=("eve",))
    ana, eve = stage.arrive("Ana"), stage.reserve("Eve")
    stage.do(ask.Merge(ROOM, BOARD, force=True), HOST)
    stage.do(ask.Arrive(ROOM, eve))
    assert people(stage, BOARD) == [ana, eve]
    stage.do(ask.CreateRoom("third", rules={"deny": ("eve",)}))
    with pytest.raises(Conflict, match="third is closed to Eve"):
        stage.do(ask.Merge(BOARD, "third"), HOST)


def test_who_was_taken_in_by_force_goes_to_breakout_rooms_and_comes_back(stage: Stage) -> None:
    closed(stage, deny=("eve",))
    eve, ana = stage.arrive("Eve"), stage.arrive("Ana")
    stage.do(ask.MoveAll(ROOM, BOARD, force=True), HOST)
    stage.do(ask.OpenBreakouts(BOARD, 2), HOST)
    assert people(stage, BOARD) == []
    stage.do(ask.CloseBreakouts(BOARD), HOST)
    assert sorted(people(stage, BOARD)) == sorted([eve, ana])


def test_it_takes_a_moderator(stage: Stage) -> None:
    ana = stage.arrive("Ana")
    for command in (ask.Move(ROOM, ana, BOARD), ask.MoveAll(ROOM, BOARD), ask.Merge(ROOM, BOARD),
                    ask.OpenBreakouts(ROOM, 2), ask.CloseBreakouts(ROOM), ask.Broadcast(ROOM, text="x")):  # fmt: skip
        with pytest.raises(Forbidden):
            stage.do(command, Actor("Ana", Role.OBSERVER, ana))


def test_many_move_by_name_or_all_but_some(stage: Stage) -> None:
    ana, bob, carl = (stage.arrive(name) for name in ("Ana", "Bob", "Carl"))
    stage.do(ask.MoveAll(ROOM, BOARD, participants=("ana", carl)), HOST)
    assert people(stage, BOARD) == [ana, carl]
    stage.do(ask.MoveAll(BOARD, ROOM, but=("carl",)), HOST)
    assert (people(stage, ROOM), people(stage, BOARD)) == ([bob, ana], [carl])
    assert stage.do(ask.MoveAll(BOARD, ROOM, but=("carl",)), HOST) == []


# ---------------------------------------------------------------- merge
def test_merged_rooms_are_one_and_who_is_on_the_way_follows(stage: Stage) -> None:
    ana, bob, carl = stage.arrive("Ana"), stage.reserve("Bob"), stage.arrive("Carl", BOARD)
    events = stage.do(ask.Merge(ROOM, BOARD), HOST)
    assert of(events, ROOM)[0] is tell.RoomMerged
    assert people(stage, BOARD) == [carl, ana] and stage.shown()["merged_into"] == BOARD
    events = stage.do(ask.Arrive(ROOM, bob))
    assert people(stage, BOARD) == [carl, ana, bob] and ROOM not in stage.rooms
    check_numbers(stage, events)
    dora = stage.arrive("Dora")
    assert people(stage, ROOM) == [dora], "the room had closed: it is a new one"


def test_who_finds_no_place_in_the_other_room_stays(stage: Stage) -> None:
    stage.do(ask.CreateRoom(BOARD, max_participants=1))
    ana, bob = stage.arrive("Ana"), stage.reserve("Bob")
    stage.do(ask.Merge(ROOM, BOARD), HOST)
    stage.do(ask.Arrive(ROOM, bob))
    assert (people(stage, ROOM), people(stage, BOARD)) == ([bob], [ana])


def test_two_rooms_that_are_merged_into_each_other_do_not_chase_people(stage: Stage) -> None:
    stage.arrive("Ana"), stage.reserve("Bob"), stage.arrive("Carl", BOARD)
    dora = stage.reserve("Dora", BOARD)
    stage.do(ask.Merge(ROOM, BOARD), HOST)
    stage.do(ask.Merge(BOARD, ROOM), HOST)
    stage.do(ask.Arrive(BOARD, dora))
    assert len(people(stage, ROOM)) == 3 and people(stage, BOARD) == []


# ---------------------------------------------------------------- breakout rooms
def four(stage: Stage) -> list[str]:
    found = [stage.arrive(name) for name in ("Ana", "Bob", "Carl", "Dora")]
    stage.rooms.get(ROOM).places[found[0]].role = Role.MODERATOR
    return found


def test_people_are_divided_evenly_and_moderators_stay(stage: Stage) -> None:
    ana, bob, carl, dora = four(stage)
    events = stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    assert people(stage, ROOM) == [ana]
    assert (people(stage, "standup-1"), people(stage, "standup-2")) == ([bob, dora], [carl])
    assert stage.shown()["breakouts"] == ["standup-1", "standup-2"]
    assert stage.rooms.describe("standup-1", 0)["parent"] == ROOM
    told = {event.participant: event.sounds for event in events if isinstance(event, tell.Announced)}
    assert told == dict.fromkeys((bob, carl, dora), ("prompt:breakout-room",))
    check_numbers(stage, [event for event in events if event.room == ROOM])


def test_people_are_divided_by_a_list_and_rooms_are_named(stage: Stage) -> None:
    ana, bob, carl, dora = four(stage)
    stage.do(ask.OpenBreakouts(ROOM, names=("red", "Blue"), assign=("bob=blue", f"{ana}=RED"), evenly=False), HOST)
    assert (people(stage, ROOM), people(stage, "red"), people(stage, "blue")) == ([carl, dora], [ana], [bob])


def test_breakout_rooms_have_the_rules_of_their_room_and_are_there_where_rooms_are_made_beforehand() -> None:
    stage = Stage(ROOM, on_demand=False)
    stage.do(ask.CreateRoom(ROOM, stereo=True, max_participants=7))
    four(stage)
    stage.do(ask.OpenBreakouts(ROOM, 3), HOST)
    assert stage.rooms.get("standup-3").policy == stage.rooms.get(ROOM).policy
    assert not stage.rooms.get("standup-3").persistent


def test_all_come_back(stage: Stage) -> None:
    ana, bob, carl, dora = four(stage)
    stage.do(ask.Lock(ROOM))
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    stage.do(ask.ChangeRoom(ROOM, max_participants=2))
    stage.do(ask.Move("standup-1", bob, "standup-2"), HOST)
    events = stage.do(ask.CloseBreakouts(ROOM), HOST)
    assert set(people(stage, ROOM)) == {ana, bob, carl, dora} and len(stage.rooms) == 1
    assert stage.shown()["breakouts"] == [] and tell.BreakoutsClosed in kinds(events)
    told = {event.participant for event in events if isinstance(event, tell.Announced)}
    assert told == {bob, carl, dora}
    assert stage.do(ask.CloseBreakouts(ROOM), HOST) == []


def test_a_countdown_is_told_and_then_all_come_back(stage: Stage) -> None:
    four(stage)
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    events = stage.do(ask.CloseBreakouts(ROOM, countdown_s=60.0), HOST)
    assert {event.room for event in events if isinstance(event, tell.Announced)} == {"standup-1", "standup-2"}
    assert ("prompt:back-in", "number:60", "prompt:seconds") in [getattr(event, "sounds", ()) for event in events]
    assert stage.rooms.next_deadline() == stage.now + 60
    assert stage.rooms.fire(stage.now + 59) == [] and len(people(stage, ROOM)) == 1
    stage.rooms.fire(stage.now + 60)
    assert len(people(stage, ROOM)) == 4 and stage.rooms.next_deadline() is None


def test_a_room_whose_people_are_all_in_breakout_rooms_waits_for_them(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    assert stage.shown()["state"] == "empty" and people(stage, ROOM) == []
    stage.do(ask.CloseBreakouts(ROOM, countdown_s=5.0), HOST)
    events = stage.rooms.fire(stage.now + 5)
    assert people(stage, ROOM) == [ana, bob]
    check_numbers(stage, [event for event in events if event.room == ROOM])


def test_where_all_have_gone_nothing_is_left(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    stage.do(ask.CloseBreakouts(ROOM, countdown_s=500.0), HOST)
    stage.do(ask.Leave("standup-1", ana))
    events = stage.do(ask.Leave("standup-2", bob))
    assert of(events, ROOM) == [tell.BreakoutsClosed]
    assert len(stage.rooms) == 0 and stage.rooms.next_deadline() is None and stage.rooms.heads() == []


def test_a_room_that_ends_takes_its_breakout_rooms_along(stage: Stage) -> None:
    four(stage)
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    stage.do(ask.CloseBreakouts(ROOM, countdown_s=5.0), HOST)
    events = stage.do(ask.End(ROOM), HOST)
    assert {event.room for event in events if isinstance(event, tell.RoomEnding)} == {ROOM, "standup-1", "standup-2"}
    assert stage.rooms.fire(stage.now + 5) == []
    for room in [room.name for room in stage.rooms]:
        for who in people(stage, room):
            stage.do(ask.Leave(room, who))
    assert len(stage.rooms) == 0


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({}, Invalid), ({"count": 2, "names": ("a", "b")}, Invalid), ({"count": 51}, Invalid), ({"count": -1}, Invalid),
        ({"names": ("a", "A")}, Invalid), ({"names": ("no name!",)}, Invalid), ({"names": (BOARD,)}, Conflict),
        ({"names": ("a",), "assign": ("p1=b",)}, NotFound), ({"names": ("a",), "assign": ("nobody=a",)}, NotFound),
        ({"names": ("a", "b"), "assign": ("p1=a", "ana=b")}, Conflict), ({"names": ("a",), "assign": ("",)}, Invalid),
    ],
)  # fmt: skip
def test_breakout_rooms_that_cannot_be_change_nothing(stage: Stage, how: dict, error: type[Refused]) -> None:
    four(stage)
    stage.arrive("Else", BOARD)
    before = [stage.rooms.describe(room.name, 0.0) for room in stage.rooms]
    with pytest.raises(error):
        stage.do(ask.OpenBreakouts(ROOM, **how), HOST)
    assert [stage.rooms.describe(room.name, 0.0) for room in stage.rooms] == before


def test_breakout_rooms_have_none_of_their_own_and_a_room_has_them_once(stage: Stage) -> None:
    four(stage)
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    for room in (ROOM, "standup-1"):
        with pytest.raises(Conflict):
            stage.do(ask.OpenBreakouts(room, 2), HOST)
    with pytest.raises(Invalid):
        stage.do(ask.CloseBreakouts(ROOM, countdown_s=-1), HOST)


def test_a_broadcast_is_heard_everywhere(stage: Stage) -> None:
    four(stage)
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    everywhere = {ROOM, "standup-1", "standup-2"}
    events = stage.do(ask.Broadcast(ROOM, ("prompt:welcome",)), HOST)
    assert {event.room for event in events} == everywhere and set(kinds(events)) == {tell.Announced}
    events = stage.do(ask.Broadcast(ROOM, text="Five minutes."), HOST)
    assert {(event.room, event.text) for event in events} == {(room, "Five minutes.") for room in everywhere}
    for wrong in (ask.Broadcast(ROOM), ask.Broadcast(ROOM, ("a",), "b"), ask.Broadcast(ROOM, text="\n")):
        with pytest.raises(Invalid):
            stage.do(wrong, HOST)


def test_a_breakout_room_does_not_take_the_numbers_of_its_room() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, numbers=("1234",), stereo=True))
    four(stage)
    stage.do(ask.OpenBreakouts(ROOM, 2), HOST)
    numbered = stage.rooms.numbered("1234")
    assert numbered is not None and numbered.name == ROOM
    assert stage.rooms.get("standup-1").policy.numbers == () and stage.rooms.get("standup-1").policy.stereo
