"""Calls at the door of a room: PINs that come with them, what is answered, and who waits before his answer."""

from __future__ import annotations

import pytest

from confserver.contract import DigitPressed, LegOpened, SetHearing
from confserver.focus import outputs as out
from confserver.focus.legs import Stage
from confserver.focus.pins import manner_of, without_pin
from confserver.sip.blanking import blanked
from confserver.sip.doorkeeper import Identity
from confserver.sip.message import Request, parse
from rooms import commands as ask
from rooms import events as tell
from rooms.participant import Role
from tests.focus.house import PHONE, House, every, the
from tests.focus.test_dialout import house as calling

ASSERTING = ("192.0.2.60", 5060)
"""A peer that is trusted to say who calls."""


def house(**rules: object) -> House:
    made = House()
    made.order(ask.CreateRoom("standup", **rules))
    return made


def press(it: House, call: int, digits: str) -> list[out.Output]:
    return [
        each for digit in digits for each in it.tell(DigitPressed(leg=it.leg(call).id, digit=digit, duration_ms=90))
    ]


@pytest.mark.parametrize(
    ("user", "lines"),
    [
        ("standup*1234", ()), ("standup;pin=1234", ()), ("standup:1234", ()), ("conf=standup*1234", ()),
        ("standup%2A1234", ()), ("standup", ("X-Pin: 1234",)),
    ],
)  # fmt: skip
def test_a_pin_comes_by_the_uri_or_a_header(user: str, lines: tuple[str, ...]) -> None:
    it = house(pin="1234")
    call, _ = it.invite(room=user, lines=lines)
    it.opened(call)
    it.ack(call)
    assert len(it.people()) == 1
    it.bye(call)
    assert it.is_empty()


@pytest.mark.parametrize(
    ("uri", "line", "manner"),
    [
        ("sip:a@b;muted", "", {"muted"}), ("sip:a@b;deaf;MUTED", "", {"muted", "deaf"}),
        ("sip:a@b;deaf=yes", "", {"deaf"}),
        ("sip:a@b", "X-Enter: muted", {"muted"}), ("sip:a@b", "X-Enter:  Deaf , MUTED", {"muted", "deaf"}),
        ("sip:a@b", "X-Enter: unmuted, dead", set()), ("sip:a@b", f"X-Enter: {'x' * 64},muted", set()),
        ("sip:muted@deaf", "", set()), ("sip:a@b", "X-Entry: muted", set()),
    ],
)  # fmt: skip
def test_how_a_caller_wants_to_come_in(uri: str, line: str, manner: set[str]) -> None:
    head = [f"INVITE {uri} SIP/2.0", "Via: SIP/2.0/UDP a;branch=z9hG4bK1", "From: <sip:a@b>;tag=1", "To: <sip:a@b>"]
    text = "\r\n".join([*head, "Call-ID: 1", "CSeq: 1 INVITE", *([line] if line else []), "", ""])
    request = parse(text.encode())
    assert isinstance(request, Request) and manner_of(request) == manner


def test_who_calls_deaf_hears_nothing_from_the_first_moment() -> None:
    it = house()
    it.enter()
    call, outputs = it.invite(lines=("X-Enter: deaf, muted",), name="Ben <sip:ben@example.com>")
    it.opened(call)
    outputs = it.ack(call)
    hearing, leg = the(SetHearing, outputs), it.leg(call).id
    assert (leg, 0) in hearing.listeners and leg not in hearing.mixes[1].legs
    assert [each["muted"] for each in it.focus.room("standup", it.now)["participants"]] == [[], ["self"]]


def test_whom_a_list_calls_deaf_comes_in_so() -> None:
    it = calling()
    it.enter()
    it.order(ask.DialList("standup", ("sip:bob@192.0.2.9",), deaf=True))
    it.answers(_opened(it))
    assert [each["deaf"] for each in it.focus.room("standup", it.now)["participants"]] == [False, True]


def _opened(it: House) -> int:
    leg = list(it.scene.legs.by_id.values())[-1]
    it.tell(LegOpened(leg=leg.id, port=20100, ssrc=leg.id), leg.worker)
    return leg.call


def test_our_contact_names_the_room_without_its_pin() -> None:
    it = house(pin="1234")
    _, outputs = it.invite(room="standup*1234")
    assert the(out.NameRoom, outputs).user == "standup"


def test_a_wrong_pin_is_refused_and_told_of_without_the_pin() -> None:
    it = house(pin="1234", pin_tries=1)
    _, outputs = it.invite(room="standup*4321")
    refused, told = the(out.Refuse, outputs), the(tell.CallerRefused, outputs)
    assert refused.status == 403 and "4321" not in str(refused) + str(told)
    assert "PIN" in told.cause and told.source == f"{PHONE[0]}:{PHONE[1]}"
    _, outputs = it.invite(room="standup*1234")
    assert the(out.Refuse, outputs).status == 403 and "too often" in the(tell.CallerRefused, outputs).cause
    assert it.is_empty()


def test_a_refusal_of_a_room_that_is_not_there_stands_in_the_log() -> None:
    it = House()
    it.focus.use_profiles(it.rooms.profiles.policy_of({"deny": ["anna"]}), (), it.now)
    _, outputs = it.invite(room="new")
    assert the(out.Refuse, outputs).status == 403 and dict(the(out.Tell, outputs).facts)["room"] == "new"


def test_who_finds_a_room_locked_or_full_is_told_of() -> None:
    it = house(max_participants=1)
    it.enter()
    _, outputs = it.invite()
    told = the(tell.CallerRefused, outputs)
    assert the(out.Refuse, outputs).status == 486 and "full" in told.cause
    assert (told.room, told.source) == ("standup", f"{PHONE[0]}:{PHONE[1]}")
    it.order(ask.Lock("standup"))
    _, outputs = it.invite()
    assert the(out.Refuse, outputs).status == 403 and "locked" in the(tell.CallerRefused, outputs).cause
    assert len(it.people()) == 1


def test_a_server_with_its_most_rooms_says_so_in_the_log_alone() -> None:
    it = House(most_rooms=1)
    it.enter(room="one")
    _, outputs = it.invite(room="two")
    assert the(out.Refuse, outputs).status == 486 and not every(tell.CallerRefused, outputs)
    assert dict(the(out.Tell, outputs).facts)["room"] == "two"


def test_who_is_verified_is_taken_for_whom_he_is() -> None:
    it = house(allow=["bob"], moderators=["alice"])
    asserted = ("P-Asserted-Identity: <sip:bob@example.com>",)
    _, outputs = it.invite(name="Bob <sip:bob@example.com>", lines=asserted)
    assert the(out.Refuse, outputs).status == 403, "not from just anybody"
    assert not every(out.Refuse, it.invite(source=ASSERTING, lines=asserted)[1])
    assert not every(out.Refuse, it.invite(identity=Identity("alice"))[1])
    roles = [person.role for person in it.rooms.get("standup").places.values()]
    assert roles == [Role.PARTICIPANT, Role.MODERATOR]


def test_who_hides_is_nobody_even_where_a_peer_knows_him() -> None:
    it = house(allow=["bob"])
    hiding = ("P-Asserted-Identity: <sip:bob@example.com>", "Privacy: id")
    _, outputs = it.invite(source=ASSERTING, lines=hiding)
    assert the(out.Refuse, outputs).status == 403


def test_the_pin_by_keys_lets_in_and_goes_nowhere() -> None:
    it = house(pin="778899")
    call = it.enter()
    assert it.people() == [] and it.leg(call).stage is Stage.PRESENT
    outputs = press(it, call, "778899#")
    assert len(it.people()) == 1
    assert not every(tell.DigitReceived, outputs) and "778899" not in repr(outputs)


def test_who_has_guessed_too_often_hears_so_and_is_hung_up_on() -> None:
    it = house(pin="1234", pin_tries=1)
    call = it.enter()
    press(it, call, "9999#")
    it.pass_time(20)
    assert call not in it.acked and it.is_empty()


def test_who_waits_before_the_answer_is_answered_when_he_is_let_in() -> None:
    it = house(lobby="all", early_prompts=True)
    call, _ = it.invite()
    outputs = it.opened(call)
    assert the(out.Ring, outputs).status == 183 and the(tell.ParticipantWaits, outputs)
    outputs = it.order(ask.Admit("standup"))
    assert the(out.Accept, outputs).call == call and the(tell.ParticipantArrived, outputs)
    it.ack(call)
    assert it.leg(call).stage is Stage.PRESENT
    it.bye(call)
    assert it.is_empty()


def test_who_is_turned_away_before_the_answer_is_refused() -> None:
    it = house(lobby="all", early_prompts=True)
    call, _ = it.invite()
    it.opened(call)
    outputs = it.order(ask.TurnAway("standup", it.leg(call).participant)) + it.pass_time(20)
    assert the(out.Refuse, outputs).status == 403 and it.is_empty()


def test_who_need_not_wait_is_answered_at_once() -> None:
    it = house(early_prompts=True)
    call, _ = it.invite()
    assert the(out.Accept, it.opened(call)).call == call


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        (b"INVITE sip:standup*1234@h SIP/2.0", b"INVITE sip:standup*xxxx@h SIP/2.0"),
        (b"To: <sip:standup;pin=1234@h>;tag=1", b"To: <sip:standup;pin=xxxx@h>;tag=1"),
        (b"To: <sip:standup@h;pin=1234>", b"To: <sip:standup@h;pin=xxxx>"),
        (b"To: <sip:standup:1234@h>", b"To: <sip:standup:xxxx@h>"),
        (b"Refer-To: <sip:standup@h?X-Pin=1234&a=b>", b"Refer-To: <sip:standup@h?X-Pin=xxxx&a=b>"),
        (b"X-Pin: 1234", b"X-Pin:xxxxx"),
        (b"Contact: <sip:192.0.2.1:5060>;x=1", b"Contact: <sip:192.0.2.1:5060>;x=1"),
        (b"Contact: <sip:a@192.0.2.1:5060;transport=tcp>", b"Contact: <sip:a@192.0.2.1:5060;transport=tcp>"),
    ],
)
def test_no_trace_shows_a_pin(text: bytes, blank: bytes) -> None:
    assert blanked(text + b"\r\n\r\n") == blank + b"\r\n\r\n"


def test_what_is_no_pin_stays_in_the_name() -> None:
    assert [without_pin(user) for user in ("standup", "*1234", "a*b*c", ";pin=1", "a;pin=")] == [
        "standup", "*1234", "a*b*c", ";pin=1", "a",
    ]  # fmt: skip
