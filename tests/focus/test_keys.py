"""Keys and the word between workers and rooms."""

from __future__ import annotations

from confserver.contract import DigitPressed, DigitsSent, DominantChanged
from confserver.contract import SendDigits as Press
from confserver.focus import outputs as out
from rooms import events as told
from rooms.commands import SendDigits
from tests.focus.house import House, events, every, the


def _house() -> tuple[House, int, int]:
    house = House()
    return house, house.enter(), house.enter()


def test_a_key_from_a_phone_is_told():
    house, call, _ = _house()
    leg = house.leg(call)
    (event,) = every(told.DigitReceived, house.tell(DigitPressed(leg=leg.id, digit="7", duration_ms=90)))
    assert (event.participant, event.digit, event.duration_ms) == (leg.participant, "7", 90)


def test_a_key_of_a_call_that_is_over_is_nobodys():
    house, call, _ = _house()
    leg = house.leg(call)
    house.bye(call)
    assert house.tell(DigitPressed(leg=leg.id, digit="7", duration_ms=90)) == []


def test_keys_towards_a_phone_go_to_its_worker():
    house, call, _ = _house()
    leg = house.leg(call)
    outputs = house.order(SendDigits("standup", leg.participant, "12,c", 120, 70))
    assert events(outputs) == [told.DigitsSent]
    command = the(out.TellWorker, outputs)
    assert command.worker == leg.worker
    assert command.command == Press(leg=leg.id, digits="12,C", duration_ms=120, gap_ms=70)
    assert house.tell(DigitsSent(leg=leg.id)) == []


def test_the_word_is_told_and_shown():
    house, call, other = _house()
    first, second = house.leg(call), house.leg(other)
    room = first.place.number
    for leg in (first, second):
        (event,) = every(told.Event, house.tell(DominantChanged(room=room, leg=leg.id)))
        assert isinstance(event, told.DominantSpeaker) and event.participant == leg.participant
    assert house.focus.room("standup", house.now)["dominant"] == second.participant
    assert events(house.tell(DominantChanged(room=room, leg=None))) == [told.DominantSpeaker]
    assert house.focus.room("standup", house.now)["dominant"] is None
    assert house.tell(DominantChanged(room=999, leg=None)) == []


def test_a_lost_worker_takes_the_word_along():
    house, call, _ = _house()
    leg = house.leg(call)
    house.tell(DominantChanged(room=leg.place.number, leg=leg.id))
    assert told.DominantSpeaker in events(house.lose(leg.worker))
    assert house.focus.room("standup", house.now)["dominant"] is None
