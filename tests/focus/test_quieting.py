"""Phones of muted participants are asked to be silent, where the settings say so."""

from __future__ import annotations

import pytest

from confserver.contract import SetLeg
from confserver.focus import outputs as out
from confserver.sdp.direction import Direction
from confserver.sdp.text import parse
from confserver.sip import outputs as sip
from rooms.commands import (
    Coach,
    Command,
    CreateRoom,
    EndWhisper,
    GiveFloor,
    HoldParticipant,
    Move,
    Mute,
    ReleaseParticipant,
    StartLecture,
    Unmute,
)
from rooms.participant import MuteCause
from tests.focus.house import House, every, sdp, the

ROOM = "standup"


def mute(house: House, call: int, cause: MuteCause = MuteCause.HOST) -> Command:
    return Mute(ROOM, house.leg(call).participant, cause)


def unmute(house: House, call: int, cause: MuteCause = MuteCause.HOST) -> Command:
    return Unmute(ROOM, house.leg(call).participant, cause)


def asked(outputs: list[out.Output]) -> Direction:
    description = parse(the(out.Offer, outputs).body)
    return description.direction_of(description.media[0])


def answer(house: House, call: int, direction: str = "sendrecv", status: int = 200) -> list[out.Output]:
    body = sdp("192.0.2.9", 4000, direction, version=2).encode() if status == 200 else b""
    event = sip.OfferAnswered(call, status, body, "application/sdp")
    return house.play(house.focus.hear_call(event, house.now))


def test_a_hold_by_the_host_asks_for_silence_and_a_mute_within_it_for_nothing_more() -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    who = house.leg(call).participant
    assert asked(house.order(HoldParticipant(ROOM, who))) is Direction.SENDONLY
    answer(house, call, "recvonly")
    assert not every(out.Offer, house.order(mute(house, call)))
    assert not every(out.Offer, house.order(ReleaseParticipant(ROOM, who))), "he is muted all the same"
    assert asked(house.order(unmute(house, call))) is Direction.SENDRECV
    answer(house, call)
    agreed = house.leg(call).agreed
    assert agreed is not None and agreed.receives and not agreed.held, "a hold of ours is none of the phone's"


def test_a_mute_asks_for_silence_and_its_end_for_sound() -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    assert asked(house.order(mute(house, call))) is Direction.SENDONLY
    answer(house, call, "recvonly")
    agreed = house.leg(call).agreed
    assert agreed is not None and not agreed.receives and agreed.sends and not agreed.held
    assert asked(house.order(unmute(house, call))) is Direction.SENDRECV
    answer(house, call)
    agreed = house.leg(call).agreed
    assert agreed is not None and agreed.receives and agreed.sends and not agreed.held


def test_without_the_setting_nobody_is_asked() -> None:
    house = House()
    call = house.enter()
    assert not every(out.Offer, house.order(mute(house, call)))


def test_one_of_two_causes_gone_is_not_the_end() -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    house.order(mute(house, call))
    answer(house, call, "recvonly")
    assert not every(out.Offer, house.order(mute(house, call, MuteCause.SELF)))
    assert not every(out.Offer, house.order(unmute(house, call)))
    assert asked(house.order(unmute(house, call, MuteCause.SELF))) is Direction.SENDRECV


@pytest.mark.parametrize("status", [488, 500, 403])
def test_a_phone_that_refuses_keeps_its_call(status: int) -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    house.order(mute(house, call))
    assert not every(out.HangUp, answer(house, call, status=status))
    person = house.focus.room(ROOM, house.now)["participants"][0]
    assert person["muted"] == ["host"] and house.leg(call).agreed is not None


def test_who_changes_his_mind_meanwhile_is_asked_once_more() -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    house.order(mute(house, call))
    assert not every(out.Offer, house.order(unmute(house, call)))
    assert asked(answer(house, call, "recvonly")) is Direction.SENDRECV


def test_who_is_muted_on_entry_is_asked_as_soon_as_he_may_be() -> None:
    house = House(quiets_muted=True)
    house.order(CreateRoom(ROOM, mute_on_entry=True))
    call, _ = house.invite()
    house.opened(call)
    assert asked(house.ack(call)) is Direction.SENDONLY
    assert every(out.Offer, answer(house, call, status=491)) == []
    assert asked(house.pass_time(1.0)) is Direction.SENDONLY


def test_a_re_invite_of_the_muted_phone_is_answered_without_wanting_its_sound() -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    house.order(mute(house, call))
    answer(house, call, "recvonly")
    outputs = house.reinvite(call, sdp(version=3))
    description = parse(the(out.AcceptOffer, outputs).body)
    assert description.direction_of(description.media[0]) is Direction.SENDONLY
    assert the(SetLeg, outputs).plan is not None


def test_a_coach_is_asked_for_sound_however_muted_unless_by_himself() -> None:
    house = House(quiets_muted=True)
    call, trainee = house.enter(), house.enter()
    house.order(mute(house, call))
    answer(house, call, "recvonly")
    coach = Coach(ROOM, house.leg(call).participant, house.leg(trainee).participant)
    assert asked(house.order(coach)) is Direction.SENDRECV
    answer(house, call)
    assert asked(house.order(mute(house, call, MuteCause.SELF))) is Direction.SENDONLY
    answer(house, call, "recvonly")
    assert asked(house.order(unmute(house, call, MuteCause.SELF))) is Direction.SENDRECV
    answer(house, call)
    assert asked(house.order(EndWhisper(ROOM, house.leg(call).participant))) is Direction.SENDONLY


def test_a_coach_who_goes_to_another_room_is_only_muted_there() -> None:
    house = House(quiets_muted=True)
    call, trainee = house.enter(), house.enter()
    house.order(Coach(ROOM, house.leg(call).participant, house.leg(trainee).participant))
    assert not every(out.Offer, house.order(mute(house, call)))
    assert asked(house.order(Move(ROOM, house.leg(call).participant, "board"))) is Direction.SENDONLY


def test_who_is_given_the_floor_is_asked_for_sound() -> None:
    house = House(quiets_muted=True)
    call = house.enter()
    assert asked(house.order(StartLecture(ROOM))) is Direction.SENDONLY
    answer(house, call, "recvonly")
    assert asked(house.order(GiveFloor(ROOM, house.leg(call).participant))) is Direction.SENDRECV
