"""Several workers: where rooms go, and what becomes of calls whose worker is lost."""

from __future__ import annotations

from confserver.contract import (
    CloseLeg,
    EngineReady,
    LegFailed,
    LegLatched,
    LegOpened,
    LegReport,
    LegReports,
    NoiseDetected,
    OpenLeg,
    OpenRoom,
    Overloaded,
    Resume,
    RoomSound,
    SetHearing,
    SpeakingChanged,
    ToWorker,
)  # fmt: skip
from confserver.focus import outputs as out
from confserver.focus.recovery import HEIR_S, LOSSES_S, MOST_LOSSES
from confserver.focus.terms import MediaTerms
from rooms import events as tell
from rooms.commands import Kick
from rooms.policy import NoiseGuard
from tests.focus.house import House, every, sdp, the


def worker_of(house: House, room: str) -> int:
    return house.scene.places[room].worker


def test_rooms_go_where_there_are_fewest_legs() -> None:
    house = House(workers=2)
    for _ in range(3):
        house.enter(room="big")
    house.enter(room="small")
    house.enter(room="new")
    assert (worker_of(house, "big"), worker_of(house, "small"), worker_of(house, "new")) == (0, 1, 1)
    for _ in range(3):
        house.enter(room="small")
    house.enter(room="next")
    assert worker_of(house, "next") == 0


def test_a_room_lives_wholly_in_one_worker() -> None:
    house = House(workers=2)
    calls = [house.enter() for _ in range(4)]
    assert {house.leg(call).worker for call in calls} == {0}


def test_an_overloaded_worker_gets_no_room_until_it_says_otherwise() -> None:
    house = House(workers=2)
    house.tell(Overloaded(load=0.9), 0)
    house.enter(room="one")
    assert worker_of(house, "one") == 1
    house.tell(LegReports(reports=[], load=0.2), 0)
    house.tell(LegReports(reports=[], load=0.3), 1)
    house.enter(room="two")
    assert worker_of(house, "two") == 0


def test_a_worker_stays_overloaded_until_it_has_much_less_to_do() -> None:
    house = House(workers=2)
    house.tell(Overloaded(load=0.72), 0)
    house.tell(LegReports(reports=[], load=0.69), 0)
    house.enter(room="one")
    assert worker_of(house, "one") == 1


def test_rooms_go_where_there_is_least_to_do() -> None:
    """Few legs of a dear codec count more than many of a cheap one."""
    house = House(workers=2)
    house.enter(room="opus")
    for _ in range(5):
        house.enter(room="plain")
    assert (worker_of(house, "opus"), worker_of(house, "plain")) == (0, 1)
    house.tell(LegReports(reports=[], load=0.5), 0)
    house.tell(LegReports(reports=[], load=0.1), 1)
    house.enter(room="new")
    assert worker_of(house, "new") == 1


def commands(outputs: list[out.Output], worker: int = 0) -> list[ToWorker]:
    return [each.command for each in every(out.TellWorker, outputs) if each.worker == worker]


def ready(house: House, worker: int = 0) -> list[out.Output]:
    """The heir stands."""
    return house.play(house.focus.worker_ready(worker))


def test_the_heir_of_a_lost_worker_carries_its_calls_on() -> None:
    """Rooms first, then legs with their ports, then who hears whom; nobody hears of it by SIP, nobody leaves."""
    house = House(workers=2)
    anna, other = house.enter(room="one"), house.enter(room="two")
    carl = house.enter(room="one", name="Carl <sip:carl@example.com>")
    house.tell(LegLatched(leg=house.leg(anna).id, remote=("192.0.2.9", 4444)))
    assert house.lose(0) == [], "nobody is told anything, least of all a worker that is gone"
    outputs = ready(house)
    place = house.scene.places["one"]
    legs = [house.leg(anna), house.leg(carl)]
    assert [type(each) for each in commands(outputs)] == [OpenRoom, OpenLeg, OpenLeg, SetHearing]
    assert commands(outputs)[0] == OpenRoom(
        room=place.number, sound=RoomSound(talkers=8, max_rate_hz=16000)
    ) and not commands(outputs, 1)
    first, second = every(OpenLeg, outputs)
    assert (first.leg, first.room, first.plan) == (legs[0].id, place.number, legs[0].plan)
    assert first.resume == Resume(
        port=20100, ssrc=legs[0].id, sequence=0, timestamp=0, at=0.0, latched=("192.0.2.9", 4444)
    )
    assert second.resume and second.resume.latched is None
    assert {leg for leg, _ in the(SetHearing, outputs).listeners} == {leg.id for leg in legs}
    assert len(every(out.Output, outputs)) == 4 and len(house.people("one")) == 2
    assert house.opened(anna) == [], "its word comes, and the call goes on"
    for call in (anna, carl, other):
        house.bye(call)
    assert house.is_empty()


def test_a_leg_goes_on_from_its_last_report_and_after_that_from_the_heir_s_word() -> None:
    house = House()
    call = house.enter()
    leg = house.leg(call).id
    report = LegReport(leg, 100, 90, 3, 2, 1, 0, 1.0, 40.0, -1.0, leg, 700, 99_000)
    house.tell(LegReports(reports=[report], load=0.1, at=house.now))
    house.lose(0)
    resume = the(OpenLeg, ready(house)).resume
    assert resume == Resume(
        port=20100, ssrc=leg, sequence=700, timestamp=99_000, at=house.now, sent=90, received=100, lost=3
    )
    house.tell(LegOpened(leg=leg, port=20100, ssrc=leg, sequence=950, timestamp=139_000, at=house.now + 1))
    house.lose(0)
    again = the(OpenLeg, ready(house)).resume
    assert again and (again.sequence, again.timestamp, again.at) == (950, 139_000, house.now + 1)
    house.bye(call)
    assert house.is_empty()


def test_whoever_talked_is_silent_until_heard_again() -> None:
    house = House()
    call, quiet = house.enter(), house.enter()
    house.tell(SpeakingChanged(leg=house.leg(call).id, speaking=True))
    outputs = house.lose(0)
    told = the(tell.Event, outputs)
    assert isinstance(told, tell.TalkingChanged) and (told.participant, told.talking) == ("p1", False)
    assert house.leg(quiet).participant == "p2"
    ready(house)
    assert the(tell.TalkingChanged, house.tell(SpeakingChanged(leg=house.leg(call).id, speaking=True))).talking


def test_who_was_muted_for_noise_is_judged_anew_by_the_heir() -> None:
    house = House(terms=MediaTerms(guard=NoiseGuard.MUTE))
    leg = house.leg(house.enter()).id
    house.tell(NoiseDetected(leg=leg, kind="tone"))
    outputs = house.lose(0)
    assert the(tell.NoiseChanged, outputs).kind == "" and the(tell.ParticipantUnmuted, outputs).silent is False
    ready(house)
    assert the(tell.ParticipantMuted, house.tell(NoiseDetected(leg=leg, kind="tone"))).by == "system"


def test_a_call_on_its_way_in_gets_its_leg_from_the_heir() -> None:
    """Those with ports first: else a new leg could be given a port on which another is not known yet."""
    house = House()
    opening, _ = house.invite()
    present = house.enter()
    house.lose(0)
    late, outputs = house.invite(name="Dora <sip:dora@example.com>")
    assert not every(out.TellWorker, outputs) and not every(out.Refuse, outputs), "it waits for the heir"
    outputs = ready(house)
    order = [(each.leg, each.resume is not None) for each in every(OpenLeg, outputs)]
    assert order == [(house.leg(present).id, True), (house.leg(opening).id, False), (house.leg(late).id, False)]
    for call in (opening, late):
        assert the(out.Accept, house.opened(call, 20102)).call == call
        house.ack(call)
    assert len(house.people()) == 3


def test_a_call_on_its_way_in_waits_no_longer_than_for_any_worker() -> None:
    house = House()
    opening, _ = house.invite()
    house.lose(0)
    refused = the(out.Refuse, house.pass_time(2.1))
    assert (refused.call, refused.status) == (opening, 503)
    assert not every(OpenLeg, ready(house)) and house.is_empty()


def test_what_is_agreed_while_no_worker_stands_counts() -> None:
    house = House()
    call = house.enter()
    house.tell(LegLatched(leg=house.leg(call).id, remote=("192.0.2.9", 4000)))
    house.lose(0)
    assert not every(out.TellWorker, house.reinvite(call, sdp("192.0.2.9", 6000, "sendonly", version=2)))
    opened = the(OpenLeg, ready(house))
    assert opened.plan and opened.plan.remote == ("192.0.2.9", 6000) and not opened.plan.sends
    assert opened.resume and opened.resume.latched is None, "the phone has moved: where to is learned anew"


def test_who_has_left_meanwhile_is_not_carried_on() -> None:
    house = House()
    gone, kicked, stays = house.enter(), house.invite()[0], house.enter()
    house.opened(kicked)
    house.first_packet(kicked)
    house.lose(0)
    house.bye(gone)
    assert the(out.HangUp, house.order(Kick("standup", house.leg(kicked).participant))).call == kicked
    outputs = ready(house)
    assert the(OpenLeg, outputs).leg == house.leg(stays).id
    assert [leg for leg, _ in the(SetHearing, outputs).listeners] == [house.leg(stays).id]
    assert not every(CloseLeg, house.ack(kicked)), "the heir never knew it"


def test_a_room_that_ended_meanwhile_is_not_opened_again() -> None:
    house = House()
    call = house.enter()
    house.lose(0)
    house.bye(call)
    assert ready(house) == [] and house.is_empty()


def test_a_leg_that_cannot_be_carried_on_is_hung_up_and_no_other() -> None:
    house = House()
    unlucky, lucky = house.enter(), house.enter()
    house.lose(0)
    ready(house)
    outputs = house.tell(LegFailed(leg=house.leg(unlucky).id, reason="port 20100 cannot be had again"))
    assert the(out.HangUp, outputs).call == unlucky
    assert list(house.acked) == [lucky] and house.people() == ["p2"]


def test_other_rooms_do_not_notice() -> None:
    house = House(workers=2)
    house.enter(room="one")
    call = house.enter(room="two")
    house.lose(0)
    assert house.scene.places["one"].is_lost and not house.scene.places["two"].is_lost
    assert house.enter(room="three") and worker_of(house, "three") == 1
    assert not commands(ready(house), 1) and house.leg(call).worker == 1


def test_without_an_heir_calls_end_after_a_while() -> None:
    house = House(workers=2)
    call, other = house.enter(room="one"), house.enter(room="two")
    house.lose(0)
    assert house.focus.next_deadline() == house.now + HEIR_S
    assert not every(out.HangUp, house.pass_time(HEIR_S - 0.1))
    outputs = house.pass_time(0.2)
    assert the(out.HangUp, outputs).call == call and list(house.acked) == [other]
    assert house.focus.next_deadline() is None and "one" not in house.scene.places
    house.enter(room="one")
    assert worker_of(house, "one") == 1
    assert not commands(ready(house))


def test_calls_that_take_every_heir_down_end() -> None:
    """And those of a worker that is lost as often, but seldom, do not."""
    house = House()
    call = house.enter()
    for _ in range(MOST_LOSSES + 1):
        assert not every(out.HangUp, house.lose(0))
        assert the(OpenLeg, ready(house)).resume
        house.now += LOSSES_S / (MOST_LOSSES - 1)
    for _ in range(MOST_LOSSES - 2):
        house.lose(0)
        ready(house)
    assert the(out.HangUp, house.lose(0)).call == call
    assert not commands(ready(house)) and house.is_empty()


def test_late_words_of_a_lost_worker() -> None:
    house = House()
    _, outputs = house.invite()
    leg = the(OpenLeg, outputs).leg
    house.lose(0)
    assert house.tell(LegOpened(leg=leg, port=20000, ssrc=1)) == [], "that port is nobody's any more"
    ready(house)
    assert the(out.Accept, house.tell(LegOpened(leg=leg, port=20002, ssrc=1)))


def test_losing_a_worker_that_had_nothing() -> None:
    house = House(workers=2)
    assert house.lose(1) == []
    assert house.tell(EngineReady(version=1, pid=1)) == []
    house.enter(room="one")
    house.enter(room="two")
    assert worker_of(house, "one") == worker_of(house, "two") == 0
