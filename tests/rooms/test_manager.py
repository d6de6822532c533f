"""Plays in many rooms."""

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Forbidden, Full, Invalid, NotFound
from rooms.participant import MuteCause
from rooms.policy import NoiseGuard, RoomPolicy
from rooms.store import StoredRoom
from tests.rooms.play import ADMIN, HOST, WATCHER, Stage, kinds, sources

ROOM = "standup"


@pytest.fixture
def stage() -> Stage:
    return Stage(ROOM)


# ---------------------------------------------------------------- rooms
def test_names_of_rooms_do_not_depend_on_case(stage: Stage) -> None:
    ana = stage.arrive(room="StandUp")
    bob = stage.reserve("Bob", room="STANDUP")
    events = stage.do(ask.Arrive(" standup", bob))
    assert {event.room for event in events} == {ROOM}
    assert sources(events) == {ana, bob}
    assert stage.rooms.get("Standup").name == ROOM and len(stage.rooms) == 1


@pytest.mark.parametrize("name", ["", "a b", "-x", "ü", "x" * 65, "a/b", "x."])
def test_no_room_can_be_called_that(stage: Stage, name: str) -> None:
    with pytest.raises(Invalid):
        stage.reserve(room=name)
    with pytest.raises(Invalid):
        stage.rooms.get(name)


def test_rooms_on_demand_may_be_off() -> None:
    stage = Stage(ROOM, on_demand=False)
    with pytest.raises(NotFound, match="no room standup"):
        stage.reserve()
    stage.do(ask.CreateRoom(ROOM), ADMIN)
    stage.arrive()


@pytest.mark.parametrize("command", [ask.Lock(ROOM), ask.End(ROOM), ask.RemoveRoom(ROOM), ask.Mute(ROOM, "p1")])
def test_only_callers_and_administrators_make_rooms(stage: Stage, command) -> None:
    with pytest.raises(NotFound, match="no room standup"):
        stage.do(command, ADMIN)
    with pytest.raises(NotFound):
        stage.rooms.describe(ROOM, 0.0)
    assert len(stage.rooms) == 0


def test_a_refused_creation_leaves_no_room(stage: Stage) -> None:
    with pytest.raises(Forbidden):
        stage.do(ask.CreateRoom(ROOM), HOST)
    with pytest.raises(Invalid):
        stage.do(ask.CreateRoom(ROOM, max_participants=0), ADMIN)
    with pytest.raises(Forbidden):
        stage.do(ask.Reserve(ROOM, "Ana", "", ""), WATCHER)
    assert len(stage.rooms) == 0


def test_a_room_made_beforehand_stays_when_empty_until_removed(stage: Stage) -> None:
    events = stage.do(ask.CreateRoom(ROOM, max_participants=5, mute_on_entry=True), ADMIN)
    assert events == [tell.RoomCreated(ROOM, 1, stage.now, True, RoomPolicy(5, True), "", stage.rooms.get(ROOM).said)]
    stage.leave(stage.arrive())
    assert stage.shown()["state"] == "empty" and stage.shown()["opened_at"] is None
    assert kinds(stage.do(ask.RemoveRoom(ROOM), ADMIN)) == [tell.RoomRemoved]
    assert len(stage.rooms) == 0


def test_creating_again_changes_the_rules_or_nothing(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM, max_participants=5), ADMIN)
    assert stage.do(ask.CreateRoom(ROOM, max_participants=5), ADMIN) == []
    events = stage.do(ask.CreateRoom(ROOM, max_participants=1), ADMIN)
    assert events == [tell.RoomChanged(ROOM, 2, stage.now, RoomPolicy(1), "", {"max_participants": 1})]
    with pytest.raises(Invalid):
        stage.do(ask.CreateRoom(ROOM, max_participants=10**9), ADMIN)
    stage.arrive()
    with pytest.raises(Full):
        stage.reserve()


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("rate_hz", (None, 0, 8000, 16000, 48000), (1, 24000, -8000)),
        ("talkers", (None, 1, 64), (0, 65, -1)),
        ("ptime_ms", (None, 10, 20, 30, 40, 50, 60), (0, 5, 25, 70)),
        ("codecs", ((), ("opus",), ("PCMU", "L16")), (("Opus",), ("G729",), ("PCMU", "PCMU"), ("",))),
    ],
)
def test_the_rules_of_sound(stage: Stage, rule: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    for value in good:
        stage.do(ask.CreateRoom(ROOM, **{rule: value}), ADMIN)
        assert stage.shown()[rule] == (list(value) if isinstance(value, tuple) else value)
    for value in bad:
        with pytest.raises(Invalid, match=rule):
            stage.do(ask.CreateRoom(ROOM, **{rule: value}), ADMIN)
    assert getattr(stage.rooms.policy_of(ROOM), rule) == good[-1]


def test_rules_that_are_left_out_are_as_the_settings_say(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM, talkers=3, levelling=True, guard=NoiseGuard.MUTE, stereo=True), ADMIN)
    assert (stage.shown()["guard"], stage.shown()["levelling"]) == ("mute", True)
    events = stage.do(ask.CreateRoom(ROOM), ADMIN)
    assert events == [tell.RoomChanged(ROOM, 2, stage.now, RoomPolicy())]
    assert (stage.shown()["guard"], stage.shown()["levelling"], stage.shown()["stereo"]) == (None, None, False)


def test_the_rules_of_a_room_that_is_not_there() -> None:
    stage = Stage(ROOM, policy=RoomPolicy(talkers=2))
    assert stage.rooms.policy_of("nowhere") == RoomPolicy(talkers=2)


def test_a_live_room_becomes_one_made_beforehand(stage: Stage) -> None:
    ana = stage.arrive()
    events = stage.do(ask.CreateRoom(ROOM, max_participants=7), ADMIN)
    assert kinds(events) == [tell.RoomCreated] and events[0].persistent is True
    stage.leave(ana)
    assert stage.shown()["persistent"] is True and stage.shown()["max_participants"] == 7


def test_removing_a_live_room_ends_it(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM), ADMIN)
    ana = stage.arrive()
    assert kinds(stage.do(ask.RemoveRoom(ROOM), ADMIN)) == [tell.RoomEnding, tell.RoomRemoved]
    with pytest.raises(NotFound):
        stage.do(ask.RemoveRoom(ROOM), ADMIN)
    stage.leave(ana)
    assert len(stage.rooms) == 0


def test_a_server_has_its_most_rooms() -> None:
    stage = Stage(ROOM, most_rooms=2)
    ana = stage.arrive(room=ROOM)
    stage.do(ask.CreateRoom("board"), ADMIN)
    with pytest.raises(Full):
        stage.reserve(room="third")
    with pytest.raises(Full):
        stage.do(ask.CreateRoom("third"), ADMIN)
    stage.leave(ana)
    stage.reserve(room="third")


def test_restored_rooms_are_as_they_were_made(stage: Stage) -> None:
    stage.rooms.restore(
        [StoredRoom("board", 5.0, {"max_participants": 3, "mute_on_entry": True}), StoredRoom(ROOM, 6.0)]
    )
    assert [(room["name"], room["persistent"], room["created_at"]) for room in stage.rooms.list(9.0)] == [
        ("board", True, 5.0),
        (ROOM, True, 6.0),
    ]
    assert stage.do(ask.CreateRoom("board", max_participants=3, mute_on_entry=True), ADMIN) == []
    events = stage.do(ask.Reserve("board", "Ana", "", ""))
    assert kinds(events) == [tell.RoomOpened, tell.PlaceReserved] and events[0].number == 1


# ---------------------------------------------------------------- participants by name
def test_a_script_names_people_as_people_do(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana Smith"), stage.arrive("Bob")
    assert sources(stage.do(ask.Mute(ROOM, "ana smith"), HOST)) == {bob}
    assert sources(stage.do(ask.Unmute(ROOM, ana), HOST)) == {ana, bob}


def test_an_unknown_name_is_answered_with_who_is_there(stage: Stage) -> None:
    stage.arrive("Ana")
    stage.reserve("Hidden")
    with pytest.raises(NotFound, match=r"'Hidden'; present: p1 \(Ana\)$"):
        stage.do(ask.Kick(ROOM, "Hidden"), HOST)
    for number in range(12):
        stage.arrive(f"Guest {number}")
    with pytest.raises(NotFound, match=r"and 3 more$"):
        stage.do(ask.Kick(ROOM, "Zoe"), HOST)


def test_nobody_is_there(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM), ADMIN)
    with pytest.raises(NotFound, match="nobody is there"):
        stage.do(ask.Kick(ROOM, "Zoe"), HOST)


def test_two_of_one_name_are_told_apart_by_id(stage: Stage) -> None:
    first, second = stage.arrive("Ana"), stage.arrive("ANA")
    with pytest.raises(Conflict, match=r"p1 \(Ana\), p2 \(ANA\)"):
        stage.do(ask.Mute(ROOM, "ana"), HOST)
    assert sources(stage.do(ask.Mute(ROOM, second), HOST)) == {first}


def test_an_id_goes_before_a_name(stage: Stage) -> None:
    ana, impostor = stage.arrive("Ana"), stage.arrive("p1")
    assert sources(stage.do(ask.Mute(ROOM, "p1"), HOST)) == {impostor}
    assert stage.person(ana)["muted"] == ["host"]


def test_calls_go_by_id_only(stage: Stage) -> None:
    ana = stage.arrive("Ana")
    stage.arrive("p1")
    stage.leave(ana)
    for late in (ask.Leave(ROOM, "p1"), ask.Hold(ROOM, "p1"), ask.Release(ROOM, "p1")):
        with pytest.raises(NotFound):
            stage.do(late)


def test_who_may_not_is_not_told_who_is_there(stage: Stage) -> None:
    stage.arrive("Ana")
    with pytest.raises(Forbidden) as refusal:
        stage.do(ask.Mute(ROOM, "nobody", MuteCause.SELF), WATCHER)
    assert "Ana" not in refusal.value.reason


def test_ids_are_unique_over_rooms_and_find_their_room(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.reserve("Bob", room="board")
    assert (ana, bob) == ("p1", "p2")
    room, person = stage.rooms.find_participant(bob)
    assert (room.name, person.name) == ("board", "Bob")
    with pytest.raises(NotFound):
        stage.rooms.find_participant("p3")
