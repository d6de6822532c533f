"""Rules that are changed in the middle of a meeting, and hold at once: for who calls next, for the sound, for music."""

from __future__ import annotations

from confserver.contract import Play, SetRoom, StopPlay
from confserver.focus import outputs as out
from confserver.focus.legs import Stage
from rooms import commands as ask
from rooms import events as tell
from rooms.participant import Role
from tests.focus.house import House, every, the
from tests.focus.test_playing import ALONE, convert, house, paths


def change(stage: House, **rules: object) -> list[out.Output]:
    return stage.order(ask.ChangeRoom("standup", rules=rules))


def comes_in(stage: House, *lines: str) -> bool:
    """Whether the next caller is in at once; he is gone afterwards."""
    before = len(stage.people())
    call, _ = stage.invite(name="Ben <sip:ben@example.com>", lines=lines)
    if call in stage.scene.legs.by_call and stage.leg(call).stage is Stage.OPENING:
        stage.opened(call)
        stage.ack(call)
    found = len(stage.people()) > before
    if call in stage.acked:
        stage.bye(call)
    return found


def test_a_pin_comes_and_goes_during_the_meeting() -> None:
    stage = House()
    stage.enter()
    assert comes_in(stage)
    told = the(tell.RoomChanged, change(stage, pin="1234"))
    assert told.policy.pin == "1234" and len(stage.people()) == 1, "who is in stays in"
    assert not comes_in(stage) and comes_in(stage, "X-Pin: 1234")
    change(stage, pin="4321")
    assert not comes_in(stage, "X-Pin: 1234") and comes_in(stage, "X-Pin: 4321")
    change(stage, pin="")
    assert comes_in(stage)


def test_another_moderator_pin_makes_moderators_and_the_old_one_none() -> None:
    stage = House()
    stage.enter()
    change(stage, pin="1234", moderator_pin="9999")

    def role(pin: str) -> Role | None:
        call, _ = stage.invite(name="Ben <sip:ben@example.com>", lines=(f"X-Pin: {pin}",))
        if call not in stage.acked:
            return None
        stage.opened(call)
        stage.ack(call)
        found = stage.rooms.get("standup").places[stage.leg(call).participant].role
        stage.bye(call)
        return found

    assert (role("9999"), role("1234")) == (Role.MODERATOR, Role.PARTICIPANT)
    change(stage, moderator_pin="8888")
    assert (role("8888"), role("1234")) == (Role.MODERATOR, Role.PARTICIPANT) and role("9999") is not Role.MODERATOR


def test_levelling_is_told_and_heard_at_once() -> None:
    stage = House()
    stage.enter()
    outputs = change(stage, levelling=True)
    assert the(SetRoom, outputs).sound.levelling and the(tell.RoomChanged, outputs).policy.levelling
    assert not the(SetRoom, change(stage, levelling=False)).sound.levelling


def test_music_for_who_is_alone_is_turned_off_and_on() -> None:
    stage = house(music=True)
    call, _ = stage.invite()
    stage.opened(call)
    playing = the(Play, convert(stage, [*stage.ack(call), *stage.first_packet(call)]))
    assert the(StopPlay, change(stage, music_when_alone=False)).play == playing.play
    assert every(Play, convert(stage, change(stage, talkers=3))) == []
    again = the(Play, convert(stage, change(stage, music_when_alone=True)))
    assert (paths(again), again.leg) == ([ALONE], stage.leg(call).id)
