"""Several workers: where rooms go, and what becomes of calls whose worker is lost."""

from __future__ import annotations

from confserver.contract import EngineReady, LegOpened, LegReports, OpenLeg, OpenRoom, Overloaded, SetHearing
from confserver.focus import outputs as out
from rooms import events as tell
from tests.focus.house import House, every, the


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
    house.enter(room="two")
    assert worker_of(house, "two") == 0


def test_a_lost_worker_ends_its_calls_and_no_others() -> None:
    house = House(workers=2)
    present, opening = house.enter(room="one"), house.invite(room="one")[0]
    other = house.enter(room="two")
    outputs = house.lose(0)
    assert the(out.HangUp, outputs).call == present
    refused = the(out.Refuse, outputs)
    assert (refused.call, refused.status) == (opening, 503)
    assert not every(out.TellWorker, outputs), "there is nobody to tell"
    assert list(house.acked) == [other] and "one" not in house.scene.places


def test_the_room_finds_another_place() -> None:
    house = House(workers=2)
    house.enter(room="one")
    house.lose(0)
    call, outputs = house.invite(room="one")
    assert the(OpenRoom, outputs) and house.leg(call).worker == 1
    house.opened(call)
    assert house.leg(call).id in the(SetHearing, house.ack(call)).mixes[1].legs
    house.bye(call)
    assert house.is_empty()


def test_the_heir_never_hears_of_its_forebear_s_legs() -> None:
    """The old call still waits for its ACK when the room goes on, at a new process of the same number."""
    house = House()
    old, _ = house.invite()
    house.opened(old)
    house.first_packet(old)
    outputs = house.lose(0)
    assert the(out.HangUp, outputs).call == old
    house.focus.worker_ready(0)
    fresh, _ = house.invite()
    house.opened(fresh)
    leg = house.leg(fresh).id
    hearing = the(SetHearing, house.ack(fresh))
    assert hearing.mixes[1].legs == [leg] and hearing.listeners == [(leg, 1)]
    outputs = house.ack(old)
    assert the(tell.ParticipantLeft, outputs).participant == "p1"
    hearing = the(SetHearing, outputs)
    assert hearing.mixes[1].legs == [leg] and hearing.listeners == [(leg, 1)]
    assert [each.command for each in every(out.TellWorker, outputs)] == [hearing]
    house.bye(fresh)
    assert house.is_empty()


def test_a_room_without_a_place_says_nothing_of_hearing() -> None:
    house = House()
    old, _ = house.invite()
    house.opened(old)
    house.first_packet(old)
    house.lose(0)
    outputs = house.ack(old)
    assert not every(out.TellWorker, outputs) and house.is_empty()


def test_late_words_of_a_lost_worker() -> None:
    house = House()
    call, outputs = house.invite()
    leg = the(OpenLeg, outputs).leg
    house.lose(0)
    assert house.tell(LegOpened(leg=leg, port=20000, ssrc=1)) == []
    assert call not in house.acked and house.is_empty()
    house.focus.worker_ready(0)
    house.enter()


def test_losing_a_worker_that_had_nothing() -> None:
    house = House(workers=2)
    assert house.lose(1) == []
    assert house.tell(EngineReady(version=1, pid=1)) == []
    house.enter(room="one")
    house.enter(room="two")
    assert worker_of(house, "one") == worker_of(house, "two") == 0
