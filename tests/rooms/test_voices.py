"""Plays about how people are heard: loudness, hold by the host, mutes of many at once, who is told that he is muted."""

import math

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden, Invalid, NotFound
from rooms.participant import Actor, MuteCause, Role
from tests.rooms.play import HOST, Stage, kinds, sources

ROOM = "standup"


@pytest.fixture
def stage() -> Stage:
    return Stage(ROOM)


def by(participant: str) -> Actor:
    return Actor("somebody", Role.PARTICIPANT, participant)


# ---------------------------------------------------------------- loudness
def test_a_gain_is_set_stepped_and_shown(stage: Stage) -> None:
    ana = stage.arrive()
    [changed] = stage.do(ask.SetGain(ROOM, ana, incoming_db=6.0), HOST)
    assert changed == tell.GainChanged(ROOM, changed.number, stage.now, ana, 6.0, 0.0, "script")
    stage.do(ask.StepGain(ROOM, ana, incoming_db=3.0, outgoing_db=-3.0), HOST)
    shown = stage.person(ana)
    assert (shown["incoming_db"], shown["outgoing_db"]) == (9.0, -3.0)
    assert stage.do(ask.SetGain(ROOM, ana, incoming_db=9.0), HOST) == []


def test_steps_end_at_the_ends_of_the_range(stage: Stage) -> None:
    ana = stage.arrive()
    for _ in range(5):
        stage.do(ask.StepGain(ROOM, ana, outgoing_db=5.0), by(ana))
    assert stage.person(ana)["outgoing_db"] == 12.0
    assert stage.do(ask.StepGain(ROOM, ana, outgoing_db=5.0), by(ana)) == []


@pytest.mark.parametrize("db", [12.5, -31, math.inf, -math.inf, math.nan])
def test_a_gain_that_cannot_be_changes_nothing(stage: Stage, db: float) -> None:
    ana = stage.arrive()
    with pytest.raises(Invalid, match="incoming_db must be -30 to 12"):
        stage.do(ask.SetGain(ROOM, ana, incoming_db=db), HOST)
    with pytest.raises(Invalid):
        stage.do(ask.StepGain(ROOM, ana, outgoing_db=db * 4), HOST)
    assert stage.person(ana)["incoming_db"] == 0.0


def test_everybody_may_set_his_own_loudness_and_nobody_elses(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.StepGain(ROOM, ana, outgoing_db=3.0), by(ana))
    with pytest.raises(Forbidden):
        stage.do(ask.StepGain(ROOM, bob, outgoing_db=3.0), by(ana))


def test_a_gain_outlives_hold_and_mute(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.SetGain(ROOM, ana, -6.0, 3.0), HOST)
    for kind in (ask.Hold, ask.Resume, ask.Mute, ask.Unmute, ask.HoldParticipant, ask.ReleaseParticipant):
        stage.do(kind(ROOM, ana))
    assert (stage.person(ana)["incoming_db"], stage.person(ana)["outgoing_db"]) == (-6.0, 3.0)


# ---------------------------------------------------------------- hold by the host
def test_who_is_held_by_the_host_is_neither_heard_nor_hears(stage: Stage) -> None:
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.NoteTalking(ROOM, ana, True))
    events = stage.do(ask.HoldParticipant(ROOM, ana), HOST)
    assert kinds(events) == [tell.TalkingChanged, tell.HeldByHost, tell.HearingChanged]
    assert sources(events) == {bob}
    assert {one.listener: one.mix for one in events[-1].hearing.listeners} == {ana: 0, bob: 1}
    assert stage.person(ana)["held_by_host"] and not stage.person(ana)["held"]
    assert stage.do(ask.HoldParticipant(ROOM, ana), HOST) == []
    events = stage.do(ask.ReleaseParticipant(ROOM, ana), HOST)
    assert kinds(events) == [tell.ReleasedByHost, tell.TalkingChanged, tell.HearingChanged]
    assert sources(events) == {ana, bob}


def test_the_two_holds_are_undone_separately(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.HoldParticipant(ROOM, ana), HOST)
    stage.do(ask.Hold(ROOM, ana))
    assert kinds(stage.do(ask.ReleaseParticipant(ROOM, ana), HOST)) == [tell.ReleasedByHost]
    assert sources(stage.do(ask.Resume(ROOM, ana))) == {ana}
    assert stage.do(ask.ReleaseParticipant(ROOM, ana), HOST) == []


def test_only_moderators_hold(stage: Stage) -> None:
    ana = stage.arrive()
    with pytest.raises(Forbidden):
        stage.do(ask.HoldParticipant(ROOM, ana), by(ana))


# ---------------------------------------------------------------- mutes
def test_each_cause_of_a_mute_is_undone_separately(stage: Stage) -> None:
    ana = stage.arrive()
    for cause in MuteCause:
        stage.do(ask.Mute(ROOM, ana, cause), HOST)
    lifted = {MuteCause.ENTRY: {"entry"}, MuteCause.LECTURE: {"lecture"}, MuteCause.NOISE: {"noise"}}
    left = {cause.value for cause in MuteCause}
    for cause, gone in lifted.items():
        stage.do(ask.Unmute(ROOM, ana, cause), HOST)
        left -= gone
        assert set(stage.person(ana)["muted"]) == left
    stage.do(ask.Unmute(ROOM, ana, MuteCause.SELF), by(ana))
    events = stage.do(ask.Unmute(ROOM, ana), HOST)
    assert sources(events) == {ana}


def test_a_lecture_is_not_ended_by_the_muted_nor_by_an_unmute_of_the_host(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana, MuteCause.LECTURE), HOST)
    assert stage.do(ask.Unmute(ROOM, ana, MuteCause.SELF), by(ana)) == []
    assert stage.do(ask.Unmute(ROOM, ana), HOST) == []


def test_a_toggle_goes_there_and_back(stage: Stage) -> None:
    ana = stage.arrive()
    toggle = ask.ToggleMute(ROOM, ana, MuteCause.SELF)
    assert sources(stage.do(toggle, by(ana))) == set()
    assert sources(stage.do(toggle, by(ana))) == {ana}


def test_a_toggle_of_ones_own_takes_back_what_the_server_has_muted() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, mute_on_entry=True))
    ana = stage.arrive()
    assert sources(stage.do(ask.ToggleMute(ROOM, ana, MuteCause.SELF), by(ana))) == {ana}


def test_a_toggle_of_ones_own_leaves_what_the_host_has_muted(stage: Stage) -> None:
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana), HOST)
    stage.do(ask.ToggleMute(ROOM, ana, MuteCause.SELF), by(ana))
    assert stage.person(ana)["muted"] == ["host", "self"]
    with pytest.raises(Forbidden):
        stage.do(ask.ToggleMute(ROOM, ana), by(ana))


def test_all_are_muted_but_moderators_and_who_is_named(stage: Stage) -> None:
    ana, bob, carl, dora = (stage.arrive(name) for name in ("Ana", "Bob", "Carl", "Dora"))
    stage.rooms.get(ROOM).places[dora].role = Role.MODERATOR
    events = stage.do(ask.MuteAll(ROOM, but=("bob", bob)), HOST)
    assert kinds(events) == [tell.ParticipantMuted] * 2 + [tell.HearingChanged]
    assert sources(events) == {bob, dora}
    assert sources(stage.do(ask.MuteAll(ROOM, moderators=True), HOST)) == set()
    assert sources(stage.do(ask.UnmuteAll(ROOM, but=(carl,)), HOST)) == {ana, bob, dora}
    assert stage.do(ask.UnmuteAll(ROOM, but=(carl,)), HOST) == []


def test_a_moderator_who_mutes_all_by_phone_stays_heard(stage: Stage) -> None:
    stage.arrive("Ana")
    bob = stage.arrive("Bob")
    events = stage.do(ask.MuteAll(ROOM, moderators=True), Actor("Bob", Role.MODERATOR, bob))
    assert sources(events) == {bob}


def test_to_mute_all_but_a_stranger_mutes_nobody(stage: Stage) -> None:
    ana = stage.arrive("Ana")
    for who in ("carl", "p99"):
        with pytest.raises(NotFound):
            stage.do(ask.MuteAll(ROOM, but=(ana, who)), HOST)
    with pytest.raises(Invalid, match="at most 200"):
        stage.do(ask.MuteAll(ROOM, but=(ana,) * 201), HOST)
    assert stage.person(ana)["muted"] == []


def test_who_has_muted_himself_stays_so_when_all_are_unmuted(stage: Stage) -> None:
    ana = stage.arrive("Ana")
    stage.do(ask.Mute(ROOM, ana, MuteCause.SELF), by(ana))
    stage.do(ask.MuteAll(ROOM), HOST)
    stage.do(ask.UnmuteAll(ROOM), HOST)
    assert stage.person(ana)["muted"] == ["self"]


# ---------------------------------------------------------------- who talks and is muted
def test_who_talks_while_the_host_has_muted_him_is_told_how_to_ask_every_30_s(stage: Stage) -> None:
    ana, _ = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.Mute(ROOM, ana), HOST)
    [told] = stage.do(ask.NoteTalking(ROOM, ana, True))
    assert told.participant == ana and told.sounds[0] == "prompt:muted-by-host" and "number:5" in told.sounds
    told_at = stage.now
    while stage.now < told_at + 28:
        assert stage.do(ask.NoteTalking(ROOM, ana, False)) == stage.do(ask.NoteTalking(ROOM, ana, True)) == []
    stage.now = told_at + 29
    assert kinds(stage.do(ask.NoteTalking(ROOM, ana, True))) == [tell.Announced]


def test_the_key_that_is_named_is_that_of_the_room_s_menu() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, menu={"participant": {"5": [], "*0": "hand"}}))
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.do(ask.MuteAll(ROOM), HOST)
    [told] = stage.do(ask.NoteTalking(ROOM, ana, True))
    assert told.sounds[-3:] == ("prompt:press", "prompt:star", "number:0")
    stage.do(ask.ChangeRoom(ROOM, menu={"participant": {"5": []}}), HOST)
    [told] = stage.do(ask.NoteTalking(ROOM, bob, True))
    assert told.sounds == ("prompt:muted-by-host",), "nobody can ask by a key"


@pytest.mark.parametrize("cause", [MuteCause.ENTRY, MuteCause.NOISE])
def test_who_may_unmute_himself_is_told_only_that_he_is_muted(stage: Stage, cause: MuteCause) -> None:
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana, cause), HOST)
    [told] = stage.do(ask.NoteTalking(ROOM, ana, True))
    assert told.sounds == ("prompt:muted",)


def test_who_has_muted_himself_or_hears_nothing_or_plays_music_is_told_nothing(stage: Stage) -> None:
    ana, bob, carl = stage.arrive("Ana"), stage.arrive("Bob"), stage.arrive("Carl")
    stage.do(ask.Mute(ROOM, ana, MuteCause.SELF), by(ana))
    assert stage.do(ask.NoteTalking(ROOM, ana, True)) == []
    stage.do(ask.Mute(ROOM, bob), HOST)
    stage.do(ask.Deafen(ROOM, bob), HOST)
    assert stage.do(ask.NoteTalking(ROOM, bob, True)) == []
    stage.do(ask.NoteNoise(ROOM, carl, "music", mutes=True))
    assert stage.do(ask.NoteTalking(ROOM, carl, True)) == []


def test_a_room_may_tell_nobody() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, tell_muted=False))
    ana = stage.arrive()
    stage.do(ask.Mute(ROOM, ana), HOST)
    assert stage.do(ask.NoteTalking(ROOM, ana, True)) == []


def test_who_leaves_by_a_key_was_not_kicked() -> None:
    stage = Stage()
    ana = stage.arrive("Ana")
    event, hearing = stage.do(ask.Depart("standup", ana), Actor("Ana", Role.PARTICIPANT, ana))
    assert isinstance(event, tell.ParticipantKicked) and (event.cause, event.is_told) == ("left by key", False)
    assert isinstance(hearing, tell.HearingChanged)


# ------------------------------------------------------------------ between left and right
def test_a_place_between_left_and_right(stage: Stage) -> None:
    stage.arrive("Ana")
    [event] = stage.do(ask.Place("standup", "p1", -0.5), HOST)
    assert (type(event), event.participant, event.pan, event.by) == (tell.ParticipantPlaced, "p1", -0.5, "script")
    assert stage.person("p1")["pan"] == -0.5 and stage.do(ask.Place("standup", "p1", -0.5), HOST) == []
    [event] = stage.do(ask.Place("standup", "p1", auto=True), HOST)
    assert event.pan is None and stage.person("p1")["pan"] is None


def test_a_place_outlives_a_move(stage: Stage) -> None:
    stage.arrive("Ana")
    stage.do(ask.Place("standup", "p1", 1), HOST)
    stage.do(ask.Move("standup", "p1", "board"), HOST)
    [person] = stage.rooms.describe("board", stage.now)["participants"]
    assert person["pan"] == 1.0


@pytest.mark.parametrize("how", [{}, {"pan": 0.5, "auto": True}, {"pan": 1.1}, {"pan": -2.0}, {"pan": math.nan}])
def test_a_place_that_cannot_be(stage: Stage, how: dict) -> None:
    stage.arrive("Ana")
    with pytest.raises(Invalid):
        stage.do(ask.Place("standup", "p1", **how), HOST)
    assert stage.person("p1")["pan"] is None


def test_only_a_host_places_people(stage: Stage) -> None:
    stage.arrive("Ana")
    with pytest.raises(Forbidden):
        stage.do(ask.Place("standup", "p1", 0.5), Actor("Ana", Role.PARTICIPANT, "p1"))
    with pytest.raises(NotFound):
        stage.do(ask.Place("standup", "p99", 0.5), HOST)
