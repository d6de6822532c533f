"""Rooms run by command while calls are up, what workers notice, and what administration sees."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    DigitPressed,
    LegClosed,
    LegLatched,
    LegReport,
    LegReports,
    LegSilent,
    NoiseDetected,
    NoiseEnded,
    SetHearing,
    SpeakingChanged,
)  # fmt: skip
from confserver.focus import outputs as out
from confserver.focus.terms import MediaTerms
from confserver.sip.outputs import ProbeAnswered
from rooms import events as tell
from rooms.commands import CreateRoom, Deafen, End, Kick, Lock, Mute, RemoveRoom, Undeafen, Unmute
from rooms.errors import NotFound, Refused
from rooms.participant import Actor, Role
from rooms.policy import NoiseGuard
from tests.focus.house import START, House, events, every, the


def report(leg: int) -> LegReport:
    return LegReport(leg, 100, 90, 3, 2, 1, 0, 1.234, 41.26, -1.0, 7, 8, 9)


# ---------------------------------------------------------------- commands
def test_mute_and_deafen() -> None:
    house = House()
    anna, bob = house.enter(), house.enter()
    a, b = house.leg(anna).id, house.leg(bob).id
    assert the(SetHearing, house.order(Mute("standup", "p1"))).mixes[1].legs == [b]
    assert the(SetHearing, house.order(Unmute("standup", "p1"))).mixes[1].legs == [a, b]
    assert the(SetHearing, house.order(Deafen("standup", "p2"))).listeners == [(a, 1), (b, 0)]
    assert the(SetHearing, house.order(Undeafen("standup", "p2"))).listeners == [(a, 1), (b, 1)]


def test_kick() -> None:
    house = House()
    anna = house.enter()
    house.enter()
    outputs = house.order(Kick("standup", "p1"))
    assert the(out.HangUp, outputs).call == anna
    assert the(tell.ParticipantLeft, outputs).cause == "kicked"
    the(CloseLeg, outputs)
    assert house.people() == ["p2"]


def test_nobody_can_kick_who_has_not_arrived() -> None:
    house = House()
    call, _ = house.invite()
    with pytest.raises(NotFound):
        house.order(Kick("standup", "p1"))
    house.cancel(call)
    assert house.is_empty()


def test_end_with_calls_in_every_stage() -> None:
    house = House()
    present, opening, answered = house.enter(), house.invite()[0], house.invite()[0]
    house.opened(answered)
    outputs = house.order(End("standup"))
    assert (the(out.Refuse, outputs).call, the(out.Refuse, outputs).status) == (opening, 480)
    assert {each.call for each in every(out.HangUp, outputs)} == {present, answered}
    assert len(every(CloseLeg, outputs)) == 3 and not every(CloseRoom, outputs)
    the(CloseRoom, house.ack(answered))
    assert house.is_empty()


def test_an_ending_room_takes_no_first_packet() -> None:
    house = House()
    call, _ = house.invite()
    house.opened(call)
    house.order(End("standup"))
    assert house.first_packet(call) == []
    assert the(tell.PlaceReleased, house.ack(call)).participant == "p1"
    assert house.is_empty()


def test_a_room_made_beforehand_outlives_its_calls() -> None:
    house = House(on_demand=False)
    house.order(CreateRoom("standup"))
    call = house.enter()
    house.bye(call)
    assert house.is_empty() and "standup" in house.rooms
    house.enter()
    outputs = house.order(RemoveRoom("standup"))
    assert tell.RoomRemoved in events(outputs) and house.is_empty() and "standup" not in house.rooms


def test_a_refused_command_changes_nothing() -> None:
    house = House()
    house.enter()
    with pytest.raises(Refused):
        house.focus.command(Lock("standup"), Actor("guest", Role.PARTICIPANT), house.now)
    assert not house.rooms.get("standup").locked
    assert house.focus.hear_call(ProbeAnswered(1, 200), house.now) == []


# ---------------------------------------------------------------- what workers notice
def test_speaking() -> None:
    house = House()
    call = house.enter()
    leg = house.leg(call).id
    assert the(tell.TalkingChanged, house.tell(SpeakingChanged(leg=leg, speaking=True))).talking
    assert house.focus.room("standup", house.now)["participants"][0]["talking"]
    house.order(Mute("standup", "p1"))
    assert house.tell(SpeakingChanged(leg=leg, speaking=False)) == [], "nobody heard it any more"


@pytest.mark.parametrize(("guard", "muted"), [(NoiseGuard.REPORT, []), (NoiseGuard.MUTE, ["noise"])])
def test_noise(guard: NoiseGuard, muted: list[str]) -> None:
    """By the settings, or by the room's own policy."""
    for house in (House(terms=MediaTerms(guard=guard)), House()):
        house.order(CreateRoom("standup", guard=None if house.scene.terms("x").mutes_noise == bool(muted) else guard))
        leg = house.leg(house.enter()).id
        assert the(tell.NoiseChanged, house.tell(NoiseDetected(leg=leg, kind="music"))).kind == "music"
        person = house.focus.room("standup", house.now)["participants"][0]
        assert (person["noise"], person["muted"]) == ("music", muted)
        assert the(tell.NoiseChanged, house.tell(NoiseEnded(leg=leg))).kind == ""
        person = house.focus.room("standup", house.now)["participants"][0]
        assert (person["noise"], person["muted"]) == ("", [])


def test_a_silent_leg_is_probed_once_until_it_answers() -> None:
    house = House()
    call = house.enter()
    silent = LegSilent(leg=house.leg(call).id, seconds=60.0)
    assert house.tell(silent) == [out.Probe(call)]
    assert house.tell(silent) == []
    house.play(house.focus.hear_call(ProbeAnswered(call, 200), house.now))
    assert house.tell(silent) == [out.Probe(call)]
    house.play(house.focus.hear_call(ProbeAnswered(call, 481), house.now))
    assert the(tell.ParticipantLeft, house.bye(call, "unknown to the peer")).cause == "unknown to the peer"
    assert house.tell(silent) == []
    assert house.is_empty()


def test_a_probe_before_the_ack_is_no_probe() -> None:
    """The stack cannot ask then; the next silence must be asked about again."""
    house = House()
    call, _ = house.invite()
    house.opened(call)
    silent = LegSilent(leg=house.leg(call).id, seconds=5.0)
    assert house.tell(silent) == []
    house.first_packet(call)
    house.tell(silent)
    house.ack(call)
    assert house.tell(silent) == [out.Probe(call)]


@pytest.mark.parametrize("stranger", [77, 0])
def test_words_about_legs_that_are_gone(stranger: int) -> None:
    house = House()
    said = [
        LegLatched(leg=stranger, remote=("192.0.2.9", 4000)),
        LegSilent(leg=stranger, seconds=60.0),
        SpeakingChanged(leg=stranger, speaking=True),
        NoiseDetected(leg=stranger, kind="noise"),
        NoiseEnded(leg=stranger),
        DigitPressed(leg=stranger, digit="5", duration_ms=100),
        LegReports(reports=[report(stranger)], load=0.1),
        LegClosed(leg=stranger, report=report(stranger)),
    ]
    assert [house.tell(each) for each in said] == [[]] * len(said)


# ---------------------------------------------------------------- looking in
def test_what_administration_sees() -> None:
    house = House()
    call = house.enter()
    leg = house.leg(call).id
    house.invite()
    house.tell(LegLatched(leg=leg, remote=("2001:db8::9", 4444)))
    room = house.focus.room("Standup", START + 5)
    assert room["reserved"] == 1 and len(room["participants"]) == 1
    media = room["participants"][0]["media"]
    assert (media["codec"], media["port"], media["worker"]) == ("PCMU", 20100, 0)
    assert media["remote"] == "[2001:db8::9]:4444" and media["jitter_ms"] is None
    house.tell(LegReports(reports=[report(leg)], load=0.1))
    assert house.focus.rooms(START + 5) == [house.focus.room("standup", START + 5)]
    media = house.focus.room("standup", START + 5)["participants"][0]["media"]
    assert (media["lost"], media["jitter_ms"], media["delay_ms"], media["rtt_ms"]) == (3, 1.23, 41.3, None)
    named = ("lost_out", "jitter_out_ms", "skew_ppm", "level_db", "mos_in", "mos_out")
    assert [media[name] for name in named] == [None, None, 0.0, None, None, None], "not known yet"
    worth = {
        "skew_ppm": -12.34,
        "mos_in": 4.409,
        "mos_out": 3.604,
        "lost_out": 5,
        "jitter_out_ms": 2.5,
        "level_db": -26.04,
    }
    house.tell(LegReports(reports=[structs.replace(report(leg), **worth)], load=0.1))
    media = house.focus.room("standup", START + 5)["participants"][0]["media"]
    assert [media[name] for name in named] == [5, 2.5, -12.3, -26.0, 4.41, 3.6]
    told = house.focus.describe()
    assert told["legs"] == 2
    assert told["stages"] == {
        "opening": 1,
        "calling": 0,
        "waiting": 0,
        "answered": 0,
        "present": 1,
        "parting": 0,
        "leaving": 0,
    }
    json.dumps([room, told, house.focus.rooms(START)])


def test_a_room_that_nobody_knows() -> None:
    with pytest.raises(NotFound):
        House().focus.room("standup", START)
    assert House().focus.rooms(START) == []


def test_a_room_as_a_media_server_names_it() -> None:
    """RFC 4240 section 5."""
    house = House()
    house.enter()
    call = house.enter(room="conf=standup", name="<sip:bob@b>")
    assert house.leg(call).room == "standup" and len(house.people()) == 2
    assert house.options("conf=standup").status == 200
    _, told = house.invite(room="conf=")
    assert the(out.Refuse, told).status == 404
