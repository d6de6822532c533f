"""Text in rooms, in virtual time: who may say what, and who gets it."""

from __future__ import annotations

import pytest

from confserver.focus import outputs as out
from confserver.focus.chat import ChatTerms
from confserver.sip.cpim import Address, Cpim, parse_cpim, write_cpim
from rooms import events as tell
from rooms.commands import CreateRoom, Lock, SendText
from rooms.errors import Invalid, NotFound, NotOpen
from tests.focus.house import House, every, the

BOB = {"name": "Bob <sip:bob@example.com>", "source": ("192.0.2.30", 5060)}
CARL = {"name": "Carl <sip:carl@example.com>", "source": ("192.0.2.31", 5060)}
TAKES = ["Allow: INVITE, ACK, BYE, MESSAGE"]


def three(**how: object) -> tuple[House, int, int, int]:
    it = House(**how)  # type: ignore[arg-type]
    anna, bob = it.enter(lines=TAKES), it.enter(**BOB, lines=[*TAKES, "Accept: application/sdp, message/cpim"])
    return it, anna, bob, it.enter(**CARL)


def say(
    it: House, text: str | bytes = "hello", *lines: str, kind: str = "text/plain", **how: object
) -> list[out.Output]:
    return it.ask("MESSAGE", *lines, body=text, kind=kind, **how)  # type: ignore[arg-type]


def status(outputs: list[out.Output]) -> int:
    return the(out.Respond, outputs).status


# ---------------------------------------------------------------- in a call
def test_what_one_says_all_others_get() -> None:
    it, anna, bob, carl = three()
    told = say(it, call=anna)
    assert status(told) == 202
    message = the(tell.Message, told)
    assert (message.participant, message.name, message.text) == (it.leg(anna).participant, "Anna", "hello")
    sent = {ask.call: ask for ask in every(out.Ask, told)}
    assert sent.keys() == {bob, carl} and {ask.method for ask in sent.values()} == {"MESSAGE"}
    assert (sent[carl].content_type, sent[carl].body) == ("text/plain;charset=utf-8", b"Anna: hello")
    assert sent[bob].content_type == "message/cpim"
    envelope = parse_cpim(sent[bob].body)
    assert envelope.from_ == Address("Anna", "sip:anna@example.com") and envelope.text() == "hello"
    assert envelope.to == (Address("", "sip:standup@192.0.2.1"),) and envelope.at == it.now


def test_one_alone_is_heard_by_programs_only() -> None:
    it = House()
    told = say(it, call=it.enter())
    assert status(told) == 200 and the(tell.Message, told) and not every(out.Ask, told)


def test_phones_that_take_no_text_get_none() -> None:
    it = House()
    anna = it.enter()
    it.enter(**BOB, lines=["Allow: INVITE, ACK, BYE"])
    carl = it.enter(**CARL)
    told = say(it, call=anna)
    assert the(out.Ask, told).call == carl, "who does not say is asked"
    it.reply(the(out.Ask, told), 405)
    told = say(it, call=anna)
    assert not every(out.Ask, told) and status(told) == 200, "once is enough"


def test_a_phone_that_takes_no_envelope_gets_plain_text() -> None:
    it, anna, bob, _ = three()
    ask = next(each for each in every(out.Ask, say(it, call=anna)) if each.call == bob)
    again = the(out.Ask, it.reply(ask, 415))
    assert (again.call, again.content_type) == (bob, "text/plain;charset=utf-8")
    assert {each.content_type for each in every(out.Ask, say(it, call=anna))} == {"text/plain;charset=utf-8"}
    assert it.reply(again, 415) == [] and len(every(out.Ask, say(it, call=anna))) == 1


def test_an_envelope_is_opened() -> None:
    it, anna, _, carl = three()
    body = write_cpim(Cpim(Address("Boss", "sip:boss@example.com"), (Address("", "sip:r@h"),), "grüß".encode()))
    told = say(it, body, kind="Message/CPIM", call=anna)
    assert the(tell.Message, told).text == "grüß" and the(tell.Message, told).name == "Anna", "the call says who it is"
    assert next(each for each in every(out.Ask, told) if each.call == carl).body == "Anna: grüß".encode()


@pytest.mark.parametrize(
    ("body", "kind", "lines", "answer"),
    [
        ("x", "", (), 415),
        ("x", "text/html", (), 415),
        ("x", "application/im-iscomposing+xml", (), 415),
        ("x", "text/plain;charset=iso-8859-1", (), 415),
        ("x", "text/plain", ("Content-Encoding: gzip",), 415),
        (b"From: <a>\r\nTo: <b>\r\n\r\nContent-Type: text/html\r\n\r\nx", "message/cpim", (), 415),
        ("x" * 4097, "text/plain", (), 413),
        (b"\xff\xfe", "text/plain", (), 400),
        ("", "text/plain", (), 400),
        (" \r\n\x07", "text/plain", (), 400),
        ("hello", "message/cpim", (), 400),
    ],
)
def test_what_is_not_taken(body: str | bytes, kind: str, lines: tuple[str, ...], answer: int) -> None:
    it, anna, _, _ = three()
    told = say(it, body, *lines, kind=kind, call=anna)
    respond = the(out.Respond, told)
    assert respond.status == answer and not every(tell.Message, told) and not every(out.Ask, told)
    if answer == 415:
        assert dict(respond.headers)["Accept"] == "text/plain, message/cpim"


@pytest.mark.parametrize(
    "kind", ["text/plain; charset=UTF-8", 'text/plain;charset="utf-8";format=flowed', "TEXT/PLAIN"]
)
def test_all_kinds_of_plain_text(kind: str) -> None:
    it, anna, _, _ = three()
    assert status(say(it, "grüß", kind=kind, call=anna)) == 202


def test_nobody_floods_a_room() -> None:
    it, anna, bob, _ = three()
    assert [status(say(it, call=anna)) for _ in range(12)] == [202] * 10 + [480] * 2
    assert status(say(it, call=bob, **BOB)) == 202, "the others may go on"
    it.pass_time(10)
    assert status(say(it, call=anna)) == 202


def test_a_call_that_is_not_up_says_nothing() -> None:
    it = House()
    call, _ = it.invite()
    assert status(say(it, call=call)) == 480 and status(say(it, call=99)) == 480


# ---------------------------------------------------------------- by the room's URI
def test_a_member_may_write_to_the_room_by_its_uri() -> None:
    it, anna, bob, carl = three()
    told = say(it)
    assert status(told) == 202 and the(tell.Message, told).participant == it.leg(anna).participant
    assert {ask.call for ask in every(out.Ask, told)} == {bob, carl}


@pytest.mark.parametrize(
    "who",
    [{"name": "Dave <sip:dave@example.com>"}, {"source": ("192.0.2.99", 5060)}, {"name": "<sip:bob@example.com>"}],
)
def test_strangers_may_not(who: dict[str, object]) -> None:
    """Neither by another name, nor from another host, nor by another member's name."""
    it, *_ = three()
    told = say(it, **who)
    assert status(told) == 403 and not every(tell.Message, told)


def test_callers_may_where_the_settings_say_so() -> None:
    it, *_ = three(texting=ChatTerms(who="callers"))
    told = say(it, name="Dave <sip:dave@example.com>")
    message = the(tell.Message, told)
    assert (message.participant, message.name, message.address) == ("", "Dave", "sip:dave@example.com")
    assert len(every(out.Ask, told)) == 3 and b"Dave: hello" in {ask.body for ask in every(out.Ask, told)}
    assert [status(say(it, name="Dave <sip:d@e>")) for _ in range(10)] == [202] * 9 + [480]


def test_nobody_may_where_the_settings_say_so() -> None:
    it, anna, *_ = three(texting=ChatTerms(who="nobody"))
    assert status(say(it, call=anna)) == 403 and status(say(it)) == 403


def test_members_are_no_moderators() -> None:
    it, anna, *_ = three(texting=ChatTerms(who="moderators"))
    assert status(say(it, call=anna)) == 403


@pytest.mark.parametrize("room", ["nowhere", "", "a%20b"])
def test_no_such_room(room: str) -> None:
    it, *_ = three()
    assert status(say(it, room=room)) == 404 and len(it.rooms) == 1


def test_a_lock_silences_nobody() -> None:
    it, *_ = three()
    it.order(Lock("standup"))
    assert status(say(it)) == 202


# ---------------------------------------------------------------- by script
def test_an_administrator_writes_to_a_room_or_to_one() -> None:
    it, anna, bob, carl = three()
    told = it.order(SendText("standup", "Ten minutes\nleft.\x07"))
    assert {ask.call for ask in every(out.Ask, told)} == {anna, bob, carl}
    assert next(each for each in every(out.Ask, told) if each.call == carl).body == b"Ten minutes\nleft."
    alone = the(out.Ask, it.order(SendText("standup", "psst", "Bob")))
    assert alone.call == bob and parse_cpim(alone.body).from_ == Address("system", "sip:standup@192.0.2.1")


def test_what_an_administrator_cannot_say() -> None:
    it, *_ = three()
    for text in (" ", "x" * 20000):
        with pytest.raises(Invalid):
            it.order(SendText("standup", text))
    for room, who in (("standup", "Dave"), ("nowhere", "")):
        with pytest.raises(NotFound):
            it.order(SendText(room, "x", who))
    empty = House()
    empty.invite()
    with pytest.raises(NotOpen):
        empty.order(SendText("standup", "x"))


def test_who_comes_later_is_sent_what_was_written_before() -> None:
    it = House()
    it.order(CreateRoom("standup", chat_replay=2))
    anna = it.enter(lines=TAKES)
    for text in ("one", "two", "three"):
        say(it, text, call=anna)
    call, _ = it.invite(**BOB, lines=TAKES)
    it.opened(call)
    sent = every(out.Ask, it.ack(call))
    assert [(each.call, each.body) for each in sent] == [(call, b"Anna: two"), (call, b"Anna: three")]
    call, _ = it.invite(**CARL, lines=["Allow: INVITE, ACK, BYE"])
    it.opened(call)
    assert every(out.Ask, it.ack(call)) == [], "that phone takes none"
