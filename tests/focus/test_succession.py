"""One call takes the place of another, in virtual time (RFC 3891): the participant stays; or joins it (RFC 3911)."""

from __future__ import annotations

import pytest

from confserver.contract import CloseLeg, SetHearing
from confserver.focus import outputs as out
from confserver.focus.dialout import DialTerms
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.sip.extensions.replaces import Other
from rooms import events as tell
from rooms.commands import Kick, Lock, Mute, NoteTalking
from rooms.participant import SYSTEM
from tests.focus.house import House, events, every, sdp, the

CARL = {"name": "Carl <sip:carl@example.com>", "source": ("192.0.2.30", 5060)}


def replacing(it: House, call: int, body: str | None = None, **how: object) -> int:
    """As far as our 200."""
    new, _ = it.invite(body, other=Other(call, True), room="anything", **{**CARL, **how})  # type: ignore[arg-type]
    assert new in it.scene.legs.by_call
    it.opened(new, 20300)
    return new


def test_the_participant_stays_on_another_phone() -> None:
    it = House()
    anna, bob = it.enter(), it.enter(name="Bob <sip:bob@b>")
    it.order(Mute("standup", it.leg(anna).participant))
    person = it.leg(anna).participant
    new = replacing(it, anna)
    assert it.leg(anna).participant == person, "until the new call is up"
    told = it.ack(new)
    assert events(told) == [tell.ParticipantReplaced]
    replaced = the(tell.ParticipantReplaced, told)
    assert (replaced.participant, replaced.name, replaced.address) == (person, "Anna", "sip:carl@example.com")
    assert the(out.HangUp, told) == out.HangUp(anna, "replaced by another call")
    assert the(CloseLeg, told) and anna not in it.acked
    assert it.leg(new).participant == person and it.people() == [person, it.leg(bob).participant]
    hearing = every(SetHearing, told)[-1]
    assert {leg for leg, _ in hearing.listeners} == {it.leg(new).id, it.leg(bob).id}
    [shown] = [each for each in it.focus.room("standup", it.now)["participants"] if each["id"] == person]
    assert shown["muted"] == ["host"] and shown["source"] == "192.0.2.30:5060" and shown["media"]["port"] == 20300
    it.bye(new)
    it.bye(bob)
    assert it.is_empty()


def test_a_room_of_one_stays_open() -> None:
    it = House()
    anna = it.enter()
    told = it.ack(replacing(it, anna))
    assert tell.RoomClosed not in events(told) and len(it.people()) == 1


def test_who_was_talking_is_quiet_and_who_was_on_hold_is_back() -> None:
    it = House()
    anna = it.enter()
    it.scene.ask(NoteTalking("standup", it.leg(anna).participant, True), SYSTEM, it.now)
    it.reinvite(anna, sdp("192.0.2.9", 4000, "sendonly", version=2))
    [person] = it.focus.room("standup", it.now)["participants"]
    assert person["held"] and not person["talking"]
    assert tell.ParticipantResumed in events(it.ack(replacing(it, anna)))


def test_neither_lock_nor_a_full_room_keeps_it_out() -> None:
    it = House(most=1)
    anna = it.enter()
    it.order(Lock("standup"))
    assert tell.ParticipantReplaced in events(it.ack(replacing(it, anna)))


def test_its_first_packet_is_enough() -> None:
    it = House()
    anna = it.enter()
    assert tell.ParticipantReplaced in events(it.first_packet(replacing(it, anna)))


def test_one_without_an_offer() -> None:
    it = House()
    anna = it.enter()
    new = replacing(it, anna, "")
    assert tell.ParticipantReplaced in events(it.ack(new, sdp(port=4100)))


def test_the_old_call_ends_first() -> None:
    """The place waits for the new one, and so does the room."""
    it = House()
    anna = it.enter()
    new = replacing(it, anna)
    assert events(it.bye(anna)) == [] and len(it.people()) == 1
    assert the(tell.ParticipantReplaced, it.ack(new)).address == "sip:carl@example.com"
    assert the(tell.ParticipantLeft, it.bye(new)) and it.is_empty()


@pytest.mark.parametrize("stage", ["opening", "answered"])
def test_the_old_call_ends_first_and_the_new_one_never_stands(stage: str) -> None:
    it = House()
    anna = it.enter()
    new, _ = it.invite(other=Other(anna, True), **CARL)  # type: ignore[arg-type]
    if stage == "answered":
        it.opened(new)
    it.bye(anna)
    assert the(tell.ParticipantLeft, it.cancel(new)).cause == "cancelled"
    assert it.is_empty()


def test_who_is_kicked_does_not_come_back_so() -> None:
    it = House()
    anna = it.enter()
    new = replacing(it, anna)
    told = it.order(Kick("standup", it.leg(anna).participant))
    assert {hang_up.call for hang_up in every(out.HangUp, told)} == {anna, new}
    it.ack(new)
    assert it.is_empty()


def test_a_call_of_ours_that_rings_ends_while_another_is_about_to_answer_it() -> None:
    it = House(dialling=DialTerms(plan=DialPlan(Fence(domains=["*"]))))
    ringing = it.dial("sip:bob@192.0.2.9", name="Bob")
    new = replacing(it, ringing)
    assert events(it.refuses(ringing, 486)) == []
    assert the(tell.ParticipantArrived, it.ack(new)).name == "Bob" and it.leg_of("Bob").call == new
    it.bye(new)
    assert it.is_empty()


@pytest.mark.parametrize("how", ["cancel", "no answer"])
def test_the_new_call_comes_to_nothing(how: str) -> None:
    it = House()
    anna = it.enter()
    new = replacing(it, anna)
    told = it.cancel(new) if how == "cancel" else it.bye(new, "no ACK")
    assert events(told) == [] and it.leg(anna).participant == it.people()[0]
    it.bye(anna)
    assert it.is_empty()


def test_two_at_once_cannot_have_one_place() -> None:
    it = House()
    anna = it.enter()
    replacing(it, anna)
    _, told = it.invite(other=Other(anna, True), **CARL)  # type: ignore[arg-type]
    assert the(out.Refuse, told).status == 486


def test_who_is_kicked_cannot_be_replaced() -> None:
    it = House()
    call, _ = it.invite()
    it.opened(call)
    it.first_packet(call)
    it.order(Kick("standup", it.leg(call).participant))
    _, told = it.invite(other=Other(call, True), **CARL)  # type: ignore[arg-type]
    assert the(out.Refuse, told).status == 603
    _, told = it.invite(other=Other(99, True), **CARL)  # type: ignore[arg-type]
    assert the(out.Refuse, told).status == 603


def test_the_server_stops() -> None:
    it = House()
    anna = it.enter()
    it.scene.is_closing = True
    _, told = it.invite(other=Other(anna, True), **CARL)  # type: ignore[arg-type]
    assert the(out.Refuse, told).status == 503


def test_a_call_of_ours_that_rings_is_answered_elsewhere() -> None:
    """Directed pickup: who was called answers by another call; the ringing one is cancelled (RFC 3891 section 3)."""
    it = House(dialling=DialTerms(plan=DialPlan(Fence(domains=["*"]))))
    ringing = it.dial("sip:bob@192.0.2.9", name="Bob")
    it.rings(ringing)
    told = it.ack(replacing(it, ringing))
    assert the(tell.ParticipantArrived, told).name == "Bob"
    assert the(out.HangUp, told).call == ringing and it.cancelled == [ringing]
    assert every(tell.DialFailed, it.refuses(ringing, 487)) == []
    assert len(it.people()) == 1 and not it.pass_time(120)


def test_a_chain_of_transfers() -> None:
    it = House()
    anna = it.enter()
    first = replacing(it, anna)
    it.ack(first)
    second = replacing(it, first, source=("192.0.2.31", 5060))
    it.ack(second)
    assert len(it.people()) == 1
    it.bye(second)
    assert it.is_empty()


# ---------------------------------------------------------------- Join
def test_join_leads_into_the_room_of_the_call_it_names() -> None:
    it = House()
    anna = it.enter(room="daily")
    new, _ = it.invite(room="anything", other=Other(anna, False), **CARL)  # type: ignore[arg-type]
    it.opened(new)
    it.ack(new)
    assert len(it.people("daily")) == 2 and it.leg(anna).participant in it.people("daily")


def test_join_is_kept_out_by_a_lock() -> None:
    it = House()
    anna = it.enter()
    it.order(Lock("standup"))
    _, told = it.invite(other=Other(anna, False), **CARL)  # type: ignore[arg-type]
    assert the(out.Refuse, told).status == 403


# ---------------------------------------------------------------- who calls
def test_what_the_headers_say_of_a_caller_is_shown() -> None:
    it = House()
    it.enter(
        lines=[
            "User-Agent: Phone/1.0",
            "Diversion: <sip:desk@example.com>;reason=no-answer",
            "Referred-By: <sip:boss@example.com>",
        ]
    )
    [person] = it.focus.room("standup", it.now)["participants"]
    assert person["referred_by"] == "sip:boss@example.com"
    assert (person["agent"], person["diverted_by"]) == ("Phone/1.0", "sip:desk@example.com")


def test_headers_of_ones_own_are_shown_where_the_settings_name_them() -> None:
    it = House()
    it.scene.attribute_headers = ("X-Account", "X-Queue", "X-Missing")
    it.enter(lines=["x-account:  Acme\x1b[31m  Ltd ", f"X-Queue: {'q' * 5000}", "X-Other: secret"])
    [person] = it.focus.room("standup", it.now)["participants"]
    assert person["attributes"] == {"x-account": "Acme[31m Ltd", "x-queue": "q" * 256}


def test_nothing_is_shown_that_the_settings_do_not_name_nor_of_who_wants_to_stay_unknown() -> None:
    it = House()
    it.enter(lines=["X-Account: Acme"])
    it.scene.attribute_headers = ("X-Account",)
    it.enter(lines=["X-Account: Acme", "Privacy: id"])
    assert [each["attributes"] for each in it.focus.room("standup", it.now)["participants"]] == [{}, {}]


def test_who_wants_to_stay_unknown_is_not_shown() -> None:
    it = House()
    _, told = it.invite(lines=["Privacy: id"])
    reserved = the(tell.PlaceReserved, told)
    assert (reserved.name, reserved.address) == ("Anonymous", "sip:anonymous@anonymous.invalid")


@pytest.mark.parametrize(("host", "name"), [("192.0.2.60", "Boss"), ("192.0.2.9", "Anna")])
def test_only_those_listed_assert_identities(host: str, name: str) -> None:
    it = House()
    _, told = it.invite(lines=['P-Asserted-Identity: "Boss" <sip:boss@example.com>'], source=(host, 5060))
    assert the(tell.PlaceReserved, told).name == name
