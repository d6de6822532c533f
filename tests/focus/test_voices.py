"""Loudness and holds by the host, on their way to the worker; who watches sees them."""

from __future__ import annotations

import pytest

from confserver.contract import Play as PlayLeg
from confserver.contract import PlayEnded, SetGain, SetHearing, StopPlay
from rooms import commands as ask
from tests.focus.house import House, every, the
from tests.focus.test_playing import MUSIC, convert, house, paths


def gains(outputs) -> list[tuple[float, float]]:
    return [(round(each.incoming, 3), round(each.outgoing, 3)) for each in every(SetGain, outputs)]


def test_a_gain_goes_to_the_worker_as_a_factor() -> None:
    stage = House()
    call = stage.enter()
    outputs = stage.order(ask.SetGain("standup", "p1", incoming_db=6.0, outgoing_db=-20.0))
    assert the(SetGain, outputs).leg == stage.leg(call).id and gains(outputs) == [(1.995, 0.1)]
    assert gains(stage.order(ask.SetGain("standup", "p1", incoming_db=0.0, outgoing_db=0.0))) == [(1.0, 1.0)]


def test_the_heir_of_a_worker_is_told_the_gains_that_are_not_usual() -> None:
    stage = House()
    stage.enter(), stage.enter()
    stage.order(ask.SetGain("standup", "p2", outgoing_db=12.0))
    stage.lose(0)
    assert gains(stage.order(ask.StepGain("standup", "p2", incoming_db=-30.0))) == []
    outputs = stage.play(stage.focus.worker_ready(0))
    assert gains(outputs) == [(0.032, 3.981)]
    assert the(SetGain, outputs).leg == stage.scene.legs.by_participant["p2"].id


def test_a_hold_by_the_host_takes_ears_and_voice_and_gives_music() -> None:
    stage = house()
    call, _ = stage.enter(), stage.enter()
    outputs = stage.order(ask.HoldParticipant("standup", "p1"))
    leg = stage.leg(call).id
    hearing = the(SetHearing, outputs)
    assert (leg, 0) in hearing.listeners and leg not in hearing.mixes[1].legs
    play = the(PlayLeg, convert(stage, outputs))
    assert (play.leg, play.loop, paths(play)) == (leg, True, [str(MUSIC)])
    outputs = stage.order(ask.ReleaseParticipant("standup", "p1"))
    assert the(StopPlay, outputs).play == play.play
    assert leg in the(SetHearing, outputs).mixes[1].legs


def test_the_music_goes_on_with_the_heir_and_ends_with_the_call() -> None:
    stage = house()
    call, _ = stage.enter(), stage.enter()
    convert(stage, stage.order(ask.HoldParticipant("standup", "p1")))
    stage.lose(0)
    outputs = stage.play(stage.focus.worker_ready(0))
    assert the(PlayLeg, convert(stage, outputs)).loop
    stage.bye(call)
    assert len(stage.focus._holding) == 0 and len(stage.focus._playing) == 0


def test_music_that_cannot_be_played_is_left_out() -> None:
    stage = house()
    stage.enter(), stage.enter()
    play = the(PlayLeg, convert(stage, stage.order(ask.HoldParticipant("standup", "p1"))))
    stage.tell(PlayEnded(play=play.play, cause="failed", reason="no such file"))
    assert every(StopPlay, stage.order(ask.ReleaseParticipant("standup", "p1"))) == []


@pytest.mark.parametrize("is_alone", [False, True])
def test_only_one_music_at_a_time(is_alone: bool) -> None:
    """Alone: music of the room; held by his own phone: none; held by the host: of the hold."""
    stage = house(music=True)
    call = stage.enter()
    if not is_alone:
        stage.enter()
    assert len(stage.focus._playing) == is_alone
    stage.order(ask.HoldParticipant("standup", "p1"))
    assert len(stage.focus._playing) == 1
    stage.order(ask.Hold("standup", "p1"))
    assert len(stage.focus._playing) == 0
    stage.order(ask.Resume("standup", "p1"))
    assert len(stage.focus._playing) == 1
    stage.order(ask.ReleaseParticipant("standup", "p1"))
    assert len(stage.focus._playing) == is_alone
    stage.bye(call)


def test_a_place_goes_to_the_worker_its_heir_and_another_worker() -> None:
    stage = House(workers=2)
    stage.enter(room="board")
    call, _ = stage.enter(), stage.enter()
    who = stage.leg(call).participant
    assert the(SetGain, stage.order(ask.Place("standup", who, -0.5))).pan == -0.5
    stage.lose(stage.leg(call).worker)
    told = the(SetGain, stage.play(stage.focus.worker_ready(stage.leg(call).worker)))
    assert (told.leg, told.pan, told.incoming) == (stage.leg(call).id, -0.5, 1.0)
    told = the(SetGain, stage.order(ask.Move("standup", who, "board")))
    assert (told.leg, told.pan) == (stage.leg(call).id, -0.5)
    assert the(SetGain, stage.order(ask.Place("board", who, auto=True))).pan is None
