"""Plays in one room."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Forbidden, Full, Locked, NotFound, NotOpen
from rooms.participant import Actor, MuteCause, Role, readable
from rooms.policy import RoomPolicy
from tests.rooms.play import ADMIN, HOST, WATCHER, Stage, kinds, sources

ROOM = "standup"


@pytest.fixture
def stage() -> Stage:
    return Stage(ROOM)


def states(stage: Stage) -> str:
    return stage.shown()["state"]


# ---------------------------------------------------------------- coming and going
def test_the_first_place_opens_the_room_and_tells_nobody_who_calls(stage: Stage) -> None:
    events = stage.do(ask.Reserve(ROOM, "Ana", "sip:ana@10.0.0.1", "10.0.0.1:5060"))
    assert kinds(events) == [tell.RoomCreated, tell.RoomOpened, tell.PlaceReserved]
    assert events[0].persistent is False
    assert events[2] == tell.PlaceReserved(ROOM, 3, stage.now, "p1", "Ana", "sip:ana@10.0.0.1", "10.0.0.1:5060")
    assert stage.shown()["participants"] == [] and stage.shown()["reserved"] == 1


def test_three_arrive_and_hear_each_other(stage: Stage) -> None:
    first = stage.reserve("Ana")
    assert states(stage) == "open"
    events = stage.do(ask.Arrive(ROOM, first))
    assert kinds(events) == [tell.ParticipantArrived, tell.HearingChanged]
    assert states(stage) == "alone"
    second = stage.arrive("Bob")
    assert states(stage) == "live"
    third = stage.reserve("Carl")
    events = stage.do(ask.Arrive(ROOM, third))
    assert sources(events) == {first, second, third}
    assert {(one.listener, one.mix) for one in events[-1].hearing.listeners} == {(first, 1), (second, 1), (third, 1)}


def test_arriving_twice_is_arriving_once(stage: Stage) -> None:
    ana = stage.arrive()
    assert stage.do(ask.Arrive(ROOM, ana)) == []


def test_the_last_one_closes_the_room_and_it_is_forgotten(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.leave(ana)
    assert states(stage) == "alone"
    events = stage.leave(bob)
    assert kinds(events) == [tell.ParticipantLeft, tell.RoomClosed, tell.HearingChanged]
    assert events[0].cause == "hung up"
    assert events[-1].hearing.listeners == ()
    assert len(stage.rooms) == 0


def test_a_room_with_only_kept_places_is_open(stage: Stage) -> None:
    ana = stage.arrive("Ana")
    bob = stage.reserve("Bob")
    stage.leave(ana)
    assert states(stage) == "open"
    stage.do(ask.Arrive(ROOM, bob))
    assert states(stage) == "alone"


@pytest.mark.parametrize("give_back", [ask.Release, ask.Leave])
def test_a_call_that_comes_to_nothing_gives_its_place_back(stage: Stage, give_back) -> None:
    ana = stage.reserve()
    assert kinds(stage.do(give_back(ROOM, ana))) == [tell.PlaceReleased, tell.RoomClosed]
    assert len(stage.rooms) == 0


def test_a_place_taken_by_somebody_present_is_not_released(stage: Stage) -> None:
    ana = stage.arrive()
    with pytest.raises(Conflict):
        stage.do(ask.Release(ROOM, ana))


@pytest.mark.parametrize("command", [ask.Arrive, ask.Leave, ask.Release, ask.Hold, ask.Resume, ask.Kick, ask.Mute])
def test_nobody_knows_who_is_not_there(stage: Stage, command) -> None:
    stage.arrive()
    with pytest.raises(NotFound):
        stage.do(command(ROOM, "p99"))


def test_who_has_only_a_place_cannot_be_muted_yet(stage: Stage) -> None:
    stage.arrive("Ana")
    bob = stage.reserve("Bob")
    with pytest.raises(NotFound):
        stage.do(ask.Mute(ROOM, bob), HOST)


def test_kept_places_count_for_the_limit() -> None:
    stage = Stage(ROOM, policy=RoomPolicy(max_participants=2))
    stage.arrive("Ana")
    bob = stage.reserve("Bob")
    with pytest.raises(Full, match="2 of 2"):
        stage.reserve("Carl")
    stage.do(ask.Release(ROOM, bob))
    stage.reserve("Carl")


def test_names_from_the_network_are_made_readable(stage: Stage) -> None:
    ana = stage.arrive("\x1b[31mAna\x00  \u202eof\nRome\ud800" + "x" * 100)
    shown = stage.person(ana)
    assert shown["name"].startswith("[31mAna of Rome") and len(shown["name"]) == 64
    json.dumps(shown).encode()


@given(st.text(alphabet="ab \t.-", max_size=12))
def test_texts_that_are_readable_already_are_what_they_would_become(text: str) -> None:
    assert readable(text, 8) == readable("\t" + text, 8)[:8]
    assert readable(text, 12) == " ".join(text.split())


def test_who_has_no_name_goes_by_address(stage: Stage) -> None:
    nameless = stage.do(ask.Reserve(ROOM, " \x07 ", "sip:100@10.0.0.9", "10.0.0.9:5060"))[-1]
    assert nameless.name == "sip:100@10.0.0.9"
    nobody = stage.do(ask.Reserve(ROOM, "", "", ""))[-1]
    assert nobody.name == nobody.participant


# ---------------------------------------------------------------- lock and end
def test_a_locked_room_lets_in_only_those_who_had_a_place(stage: Stage) -> None:
    stage.arrive("Ana")
    bob = stage.reserve("Bob")
    assert kinds(stage.do(ask.Lock(ROOM), HOST)) == [tell.RoomLocked]
    assert stage.do(ask.Lock(ROOM), HOST) == []
    with pytest.raises(Locked):
        stage.reserve("Carl")
    stage.do(ask.Arrive(ROOM, bob))
    assert stage.do(ask.Unlock(ROOM), HOST)[0].by == "script"
    assert stage.do(ask.Unlock(ROOM), HOST) == []
    stage.reserve("Carl")


def test_a_lock_ends_with_its_meeting(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM), ADMIN)
    ana = stage.arrive()
    stage.do(ask.Lock(ROOM), HOST)
    events = stage.leave(ana)
    assert kinds(events) == [tell.ParticipantLeft, tell.RoomUnlocked, tell.RoomClosed, tell.HearingChanged]
    assert events[1].by == "system"
    stage.reserve()


def test_a_room_locked_while_empty_stays_locked(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM), ADMIN)
    stage.do(ask.Lock(ROOM), HOST)
    assert stage.do(ask.End(ROOM), HOST) == []
    with pytest.raises(Locked):
        stage.reserve()


def test_an_ending_room_takes_nobody_until_it_is_empty(stage: Stage) -> None:
    ana, bob, carl = stage.arrive("Ana"), stage.arrive("Bob"), stage.reserve("Carl")
    assert kinds(stage.do(ask.End(ROOM), HOST)) == [tell.RoomEnding]
    assert stage.do(ask.End(ROOM), HOST) == []
    with pytest.raises(NotOpen):
        stage.reserve("Dora")
    with pytest.raises(NotOpen):
        stage.do(ask.Arrive(ROOM, carl))
    stage.leave(ana)
    stage.leave(bob)
    assert states(stage) == "ending"
    assert kinds(stage.do(ask.Release(ROOM, carl))) == [tell.PlaceReleased, tell.RoomClosed]
    stage.reserve("Dora")


def test_numbers_have_no_gaps_over_refusals_and_closings(stage: Stage) -> None:
    heard = list(stage.do(ask.CreateRoom(ROOM, max_participants=1), ADMIN))
    for _ in range(2):
        heard += stage.do(ask.Reserve(ROOM, "Ana", "sip:a@x", "h:1"))
        ana = heard[-1].participant
        heard += stage.do(ask.Arrive(ROOM, ana))
        with pytest.raises(Full):
            stage.reserve("Bob")
        heard += stage.leave(ana)
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))


# ---------------------------------------------------------------- mute, deaf, hold, talking
def test_a_muted_one_is_heard_by_nobody_and_hears_on(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    events = stage.do(ask.Mute(ROOM, bob), HOST)
    assert kinds(events) == [tell.ParticipantMuted, tell.HearingChanged]
    assert sources(events) == {ana}
    assert {one.mix for one in events[-1].hearing.listeners} == {1}
    assert stage.do(ask.Mute(ROOM, bob), HOST) == []
    assert sources(stage.do(ask.Unmute(ROOM, bob), HOST)) == {ana, bob}
    assert stage.do(ask.Unmute(ROOM, bob), HOST) == []


def test_each_cause_of_a_mute_stands_for_itself(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana), HOST)
    assert kinds(stage.do(ask.Mute(ROOM, ana, MuteCause.SELF), HOST)) == [tell.ParticipantMuted]
    assert stage.person(ana)["muted"] == ["host", "self"]
    events = stage.do(ask.Unmute(ROOM, ana), HOST)
    assert kinds(events) == [tell.ParticipantUnmuted] and events[0].silent is True
    events = stage.do(ask.Unmute(ROOM, ana, MuteCause.SELF), HOST)
    assert events[0].silent is False and sources(events) == {ana}


@pytest.mark.parametrize("cause", [MuteCause.SELF, MuteCause.HOST, MuteCause.ENTRY])
def test_muted_on_entry_until_anybody_unmutes(cause: MuteCause) -> None:
    stage = Stage(ROOM, policy=RoomPolicy(mute_on_entry=True))
    ana = stage.reserve()
    events = stage.do(ask.Arrive(ROOM, ana))
    assert kinds(events) == [tell.ParticipantArrived, tell.ParticipantMuted, tell.HearingChanged]
    assert (events[1].cause, events[1].by) == (MuteCause.ENTRY, "system")
    assert sources(events) == set()
    assert sources(stage.do(ask.Unmute(ROOM, ana, cause), HOST)) == {ana}


def test_a_deaf_one_hears_nothing_and_is_heard(stage: Stage) -> None:
    ana = stage.arrive()
    events = stage.do(ask.Deafen(ROOM, ana), HOST)
    assert kinds(events) == [tell.ParticipantDeafened, tell.HearingChanged]
    assert sources(events) == {ana} and events[-1].hearing.listeners[0].mix == 0
    assert stage.do(ask.Deafen(ROOM, ana), HOST) == []
    assert stage.do(ask.Undeafen(ROOM, ana), HOST)[-1].hearing.listeners[0].mix == 1
    assert stage.do(ask.Undeafen(ROOM, ana), HOST) == []


def test_who_is_on_hold_neither_speaks_nor_hears(stage: Stage) -> None:
    ana = stage.arrive()
    events = stage.do(ask.Hold(ROOM, ana))
    assert kinds(events) == [tell.ParticipantHeld, tell.HearingChanged]
    assert sources(events) == set() and events[-1].hearing.listeners[0].mix == 0
    assert stage.do(ask.Hold(ROOM, ana)) == []
    assert kinds(stage.do(ask.Resume(ROOM, ana))) == [tell.ParticipantResumed, tell.HearingChanged]
    assert stage.do(ask.Resume(ROOM, ana)) == []


def test_hearing_is_told_only_when_it_differs(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.Hold(ROOM, ana))
    assert kinds(stage.do(ask.Mute(ROOM, ana), HOST)) == [tell.ParticipantMuted]
    assert kinds(stage.do(ask.Deafen(ROOM, ana), HOST)) == [tell.ParticipantDeafened]


def test_a_call_may_be_on_hold_before_it_arrives(stage: Stage) -> None:
    ana = stage.reserve()
    assert stage.do(ask.Hold(ROOM, ana)) == []
    events = stage.do(ask.Arrive(ROOM, ana))
    assert kinds(events) == [tell.ParticipantArrived, tell.ParticipantHeld, tell.HearingChanged]
    assert sources(events) == set()


def test_talking_is_told_when_it_changes(stage: Stage) -> None:
    ana = stage.arrive()
    assert kinds(stage.do(ask.NoteTalking(ROOM, ana, True))) == [tell.TalkingChanged]
    assert stage.do(ask.NoteTalking(ROOM, ana, True)) == []
    assert stage.person(ana)["talking"] is True
    assert stage.do(ask.NoteTalking(ROOM, ana, False))[0].talking is False


@pytest.mark.parametrize(
    ("command", "kind"),
    [(ask.Mute, tell.ParticipantMuted), (ask.Hold, tell.ParticipantHeld), (ask.Leave, tell.ParticipantLeft)],
)
def test_who_falls_silent_in_the_middle_of_a_word_stops_talking_first(stage: Stage, command, kind) -> None:
    ana, _ = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.NoteTalking(ROOM, ana, True))
    events = stage.do(command(ROOM, ana))
    assert kinds(events) == [tell.TalkingChanged, kind, tell.HearingChanged]
    assert events[0].talking is False


def test_a_muted_one_does_not_talk_until_unmuted(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana), HOST)
    assert kinds(stage.do(ask.NoteTalking(ROOM, ana, True))) == [tell.Announced]
    events = stage.do(ask.Unmute(ROOM, ana), HOST)
    assert kinds(events) == [tell.ParticipantUnmuted, tell.TalkingChanged, tell.HearingChanged]


# ---------------------------------------------------------------- noise
def test_noise_is_told_with_its_kind_and_its_end(stage: Stage) -> None:
    ana = stage.arrive()
    events = stage.do(ask.NoteNoise(ROOM, ana, "music"))
    assert events == [tell.NoiseChanged(ROOM, events[0].number, stage.now, ana, "music")]
    assert stage.person(ana)["noise"] == "music" and stage.person(ana)["muted"] == []
    assert stage.do(ask.NoteNoise(ROOM, ana, "music")) == []
    assert stage.do(ask.NoteNoise(ROOM, ana, "noise"))[0].kind == "noise"
    assert stage.do(ask.NoteNoise(ROOM, ana, ""))[0].kind == ""
    assert stage.do(ask.NoteNoise(ROOM, ana, "")) == []


def test_who_is_muted_for_noise_is_heard_again_when_it_ends(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.NoteTalking(ROOM, ana, True))
    events = stage.do(ask.NoteNoise(ROOM, ana, "music", True))
    assert kinds(events) == [tell.NoiseChanged, tell.TalkingChanged, tell.ParticipantMuted, tell.HearingChanged]
    assert sources(events) == {bob} and stage.person(ana)["muted"] == ["noise"]
    events = stage.do(ask.NoteNoise(ROOM, ana, "", True))
    assert kinds(events) == [tell.NoiseChanged, tell.ParticipantUnmuted, tell.TalkingChanged, tell.HearingChanged]
    assert sources(events) == {ana, bob}


def test_other_causes_outlast_the_noise(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.NoteNoise(ROOM, ana, "noise", True))
    stage.do(ask.Mute(ROOM, ana), HOST)
    assert kinds(stage.do(ask.NoteNoise(ROOM, ana, ""))) == [tell.NoiseChanged, tell.ParticipantUnmuted]
    assert stage.person(ana)["muted"] == ["host"]


@pytest.mark.parametrize("cause", [MuteCause.SELF, MuteCause.HOST, MuteCause.NOISE])
def test_people_know_better_than_the_guard(stage: Stage, cause: MuteCause) -> None:
    ana = stage.arrive()
    stage.do(ask.NoteNoise(ROOM, ana, "noise", True))
    assert sources(stage.do(ask.Unmute(ROOM, ana, cause), HOST)) == {ana}
    assert stage.do(ask.NoteNoise(ROOM, ana, "noise", True)) == [], "no second time for the same noise"


def test_noise_of_somebody_who_is_not_there_is_ignored(stage: Stage) -> None:
    bob = stage.reserve("Bob")
    assert stage.do(ask.NoteNoise(ROOM, bob, "noise", True)) == []
    assert stage.do(ask.NoteNoise(ROOM, "p77", "noise", True)) == []


def test_the_word_of_somebody_who_is_gone_is_ignored(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.reserve("Bob")
    assert stage.do(ask.NoteTalking(ROOM, "p99", True)) == []
    assert stage.do(ask.NoteTalking(ROOM, bob, True)) == []
    assert stage.person(ana)["talking"] is False


def test_a_kicked_one_is_there_until_the_call_is_over(stage: Stage) -> None:
    ana = stage.arrive()
    events = stage.do(ask.Kick(ROOM, ana), HOST)
    assert kinds(events) == [tell.Announced, tell.ParticipantKicked, tell.HearingChanged]
    assert (events[1].by, events[1].is_told, events[0].sounds) == ("script", True, ("prompt:removed",))
    assert stage.do(ask.Kick(ROOM, ana), HOST) == []
    assert stage.person(ana)["id"] == ana
    assert stage.leave(ana)[0] == tell.ParticipantLeft(ROOM, 9, stage.now, ana, "hung up")


# ---------------------------------------------------------------- who may
def test_one_may_mute_oneself_and_nobody_else(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    herself = Actor("Ana", Role.PARTICIPANT, ana)
    assert sources(stage.do(ask.Mute(ROOM, ana, MuteCause.SELF), herself)) == {bob}
    assert sources(stage.do(ask.Unmute(ROOM, ana, MuteCause.SELF), herself)) == {ana, bob}
    for forbidden in (
        ask.Mute(ROOM, bob, MuteCause.SELF), ask.Mute(ROOM, ana), ask.Unmute(ROOM, ana), ask.Kick(ROOM, ana),
        ask.Leave(ROOM, bob), ask.Hold(ROOM, bob), ask.Lock(ROOM), ask.End(ROOM),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            stage.do(forbidden, herself)
    assert kinds(stage.do(ask.Leave(ROOM, ana), herself)) == [tell.ParticipantLeft, tell.HearingChanged]


def test_a_mute_by_the_host_is_not_undone_by_the_muted(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana), HOST)
    assert stage.do(ask.Unmute(ROOM, ana, MuteCause.SELF), Actor("Ana", Role.PARTICIPANT, ana)) == []
    assert stage.person(ana)["muted"] == ["host"]


def test_every_command_knows_who_may_not(stage: Stage) -> None:
    ana = stage.arrive()
    for kind in (*ask.COMMANDS, *ask.INTERNAL):
        fields = {"participant": ana, "name": "x", "address": "x", "source": "x", "talking": True, "kind": "music"}
        fields |= {"play": 1, "cause": "finished", "position_s": 1.0, "volume_db": 0.0, "recording": 1, "reason": "x"}
        fields |= {
            "digits": "1",
            "digit": "1",
            "duration_ms": 100,
            "uri": "sip:a@b",
            "status": 180,
            "text": "x",
            "by": "x",
            "to": "board",
            "other": ana,
            "trainee": ana,
            "relation": None,
            "sidebar": 1,
            "whom": ("x",),
            "list": 1,
            "entry": 0,
            "action": "dial",
            "is_kept": True,
            "host": "192.0.2.7",
            "port": 5004,
            "forward": 1,
            "trouble": "x",
        }
        command = kind(ROOM, **{name: fields[name] for name in kind.__dataclass_fields__ if name in fields})
        with pytest.raises(Forbidden, match=f"takes an? {kind.needs.name.lower()}; screen is an observer only") as why:
            stage.do(command, WATCHER)
        assert why.value.reason.partition(" takes")[0].replace(" ", "") == kind.__name__.lower()


def test_a_description_is_plain_data(stage: Stage) -> None:
    ana = stage.arrive("Ana")
    arrived = stage.now
    stage.reserve("Bob")
    stage.do(ask.Mute(ROOM, ana), HOST)
    assert json.loads(json.dumps(stage.shown())) == {
        "name": ROOM, "state": "alone", "locked": False, "persistent": False, **RoomPolicy().describe(),
        "version": {"epoch": "0", "number": stage.rooms.get(ROOM).number}, "profile": "", "schedule": None,
        "waiting": [], "lists": [],
        "parent": "", "breakouts": [], "merged_into": "", "in_lecture": False, "hands": [], "floor": [],
        "whispers": [], "sidebars": [], "unheard": [], "broadcasts": [],
        "ends_at": None, "ends_because": "", "created_at": 1001.0, "opened_at": 1001.0, "at": stage.now,
        "reserved": 1, "dominant": None, "plays": [], "recording": None, "forwards": [],
        "dialling": [],
        "participants": [{
            "id": "p1", "name": "Ana", "address": "sip:ana@10.0.0.1", "source": "10.0.0.1:5060", "role": "participant",
            "since": arrived, "muted": ["host"], "deaf": False, "held": False,
            "held_by_host": False, "removed": False, "incoming_db": 0.0, "outgoing_db": 0.0,
            "pan": None, "talking": False,
            "noise": "", "quality": [], "dialled": False, "agent": "", "diverted_by": "", "referred_by": "", "user": "",
            "attributes": {},
            "name_recorded": False, "says_name": False,
        }],
    }  # fmt: skip
