"""REFER both ways, in virtual time: rooms are asked to call, to remove; phones are asked to go elsewhere."""

from __future__ import annotations

import pytest

from confserver.contract import LegFailed, LegOpened
from confserver.focus import outputs as out
from confserver.focus import transfers
from confserver.focus.dialout import DialTerms
from confserver.focus.members import Policy
from confserver.focus.transfers import KEPT_S
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.sip import outputs as sip
from confserver.sip.message import REASONS
from confserver.sip.uri import parse_uri
from rooms import events as tell
from rooms.commands import Kick, Transfer
from rooms.errors import Conflict, Invalid, NotFound
from rooms.participant import Role
from tests.focus.house import House, events, every, the

CARL = "sip:carl@192.0.2.40"
BOB = {"name": "Bob <sip:bob@example.com>", "source": ("192.0.2.30", 5060)}


def house(who: Policy = "members") -> House:
    return House(dialling=DialTerms(plan=DialPlan(Fence(domains=["192.0.2.0/24"])), who=who))


def refer(it: House, call: int | None, to: str = f"Carl <{CARL}>", *lines: str, **how: object) -> list[out.Output]:
    return it.ask("REFER", f"Refer-To: {to}", *lines, call=call, **how)  # type: ignore[arg-type]


def news(it: House, outputs: list[out.Output]) -> list[tuple[str, str]]:
    """Of NOTIFYs: the sipfrag and the state."""
    told = []
    for output in outputs:
        match output:
            case out.Grant(transaction=number):
                told.append((number, "active"))
            case out.Notify(subscription=number):
                told.append((number, "active"))
            case out.EndSubscription(subscription=number, reason=reason):
                told.append((number, f"terminated;reason={reason}"))
    said = [(it.grants[number].compose(True), state) for number, state in told]
    assert all(kind == "message/sipfrag;version=2.0" for (_, kind), _ in said)
    return [(body.decode().strip(), state) for (body, _), state in said]


def called(it: House) -> int:
    """The call that has been asked for, as far as the INVITE."""
    leg = list(it.scene.legs.by_id.values())[-1]
    it.tell(LegOpened(leg=leg.id, port=20100, ssrc=leg.id), leg.worker)
    return leg.call


def status(outputs: list[out.Output]) -> int:
    return the(out.Respond, outputs).status


def called_first(it: House) -> int:
    """The same of the first of our calls."""
    leg = next(each for each in it.scene.legs.by_id.values() if each.is_ours)
    it.tell(LegOpened(leg=leg.id, port=20100, ssrc=leg.id), leg.worker)
    return leg.call


TRYING = ("SIP/2.0 100 Trying", "active")
LAST = "terminated;reason=noresource"


def over(code: int) -> tuple[str, str]:
    return f"SIP/2.0 {code} {REASONS[code]}", LAST


# ---------------------------------------------------------------- into the room
def test_a_member_asks_the_room_to_call_somebody() -> None:
    it = house()
    anna = it.enter()
    told = refer(it, anna)
    grant = the(out.Grant, told)
    assert (grant.status, grant.most_s, str(grant.event)) == (202, 180, "refer") and news(it, told) == [TRYING]
    dialled = the(tell.Dialled, told)
    assert (dialled.name, dialled.uri, dialled.by) == ("Carl", CARL, it.leg(anna).participant)
    carl = called(it)
    assert dict(it.invites[carl].headers)["Referred-By"] == '"Anna" <sip:anna@example.com>'
    assert news(it, it.rings(carl)) == [("SIP/2.0 180 Ringing", "active")]
    assert news(it, it.answers(carl)) == [over(200)]
    assert len(it.people()) == 2
    assert news(it, it.bye(carl)) == [], "it is over"


@pytest.mark.parametrize("code", [486, 603, 404])
def test_a_call_that_fails_is_told(code: int) -> None:
    it = house()
    anna = it.enter()
    refer(it, anna)
    assert news(it, it.refuses(called(it), code)) == [over(code)]


def test_no_answer_and_no_port() -> None:
    it = house()
    anna = it.enter()
    refer(it, anna)
    assert news(it, it.unanswered(called(it), 408)) == [over(408)]
    refer(it, anna)
    assert news(it, it.pass_time(3)) == [("SIP/2.0 503 no word from the media worker", LAST)]


def test_news_go_nowhere_once_who_asked_has_gone() -> None:
    it = house()
    anna = it.enter()
    refer(it, anna)
    carl = called(it)
    it.bye(anna)
    it.focus.hear_call(sip.SubscriptionEnded(next(iter(it.grants)), "the call has ended"), it.now)
    assert news(it, it.answers(carl)) == [] and len(it.people()) == 1


def test_news_have_an_id_where_there_are_others_beside_them() -> None:
    """RFC 3515 2.4.6."""
    it = house()
    anna = it.enter()
    first, second = the(out.Grant, refer(it, anna)), the(out.Grant, refer(it, anna, "<sip:dave@192.0.2.41>"))
    assert str(first.event) == "refer" and str(second.event) == "refer;id=1"
    for leg in list(it.scene.legs.by_id.values())[1:]:
        it.tell(LegFailed(leg=leg.id, reason="no port"))
    assert str(the(out.Grant, refer(it, anna)).event) == "refer"


@pytest.mark.parametrize("line", ["Refer-Sub: false", "Require: nosub"])
def test_who_wants_no_news_gets_none(line: str) -> None:
    it = house()
    anna = it.enter()
    told = refer(it, anna, f"<{CARL}>", line)
    assert status(told) == 202 and news(it, told) == []
    assert ("Refer-Sub", "false") in the(out.Respond, told).headers or "nosub" in line
    assert news(it, it.answers(called(it))) == []


# ---------------------------------------------------------------- news for who asks for them (RFC 7614)
EXPLICIT = "Require: explicitsub"


def place_of(outputs: list[out.Output]) -> str:
    """The user part of where the news are."""
    accepted = the(out.Respond, outputs)
    assert accepted.status == 200 and not every(out.Grant, outputs)
    return parse_uri(dict(accepted.headers)["Refer-Events-At"].strip("<>")).user


def subscribe(it: House, place: str, package: str = "refer") -> list[out.Output]:
    return it.ask("SUBSCRIBE", f"Event: {package}", room=place)


def test_news_are_told_to_who_subscribes_to_them() -> None:
    it = house()
    place = place_of(refer(it, it.enter(), f"<{CARL}>", EXPLICIT))
    assert len(place) > 20 and place_of(refer(it, None, "<sip:dave@192.0.2.41>", EXPLICIT)) != place
    outputs = subscribe(it, place)
    assert the(out.Grant, outputs).status == 200 and news(it, outputs) == [TRYING]
    carl = it.invites[called_first(it)]
    assert carl.target.uri == parse_uri(CARL)


def test_two_may_subscribe_and_both_hear_the_last_word() -> None:
    it = house()
    place = place_of(refer(it, it.enter(), f"<{CARL}>", EXPLICIT))
    subscribe(it, place)
    subscribe(it, place)
    carl = called(it)
    assert [state for _, state in news(it, it.rings(carl))] == ["active", "active"]
    assert {state for _, state in news(it, it.answers(carl))} == {"terminated;reason=noresource"}


def test_who_subscribes_late_hears_the_last_word_at_once() -> None:
    it = house()
    place = place_of(refer(it, it.enter(), f"<{CARL}>", EXPLICIT))
    it.answers(called(it))
    last = news(it, subscribe(it, place))[-1]
    assert last == ("SIP/2.0 200 OK", "terminated;reason=noresource")
    it.pass_time(KEPT_S + 1)
    assert status(subscribe(it, place)) == 404 and it.focus.next_deadline() is None


@pytest.mark.parametrize("place", ["refer-guess", "standup"])
def test_what_nobody_has_laid_out_is_404(place: str) -> None:
    it = house()
    place_of(refer(it, it.enter(), f"<{CARL}>", EXPLICIT))
    assert status(subscribe(it, place)) == 404


def test_a_refused_refer_lays_out_nothing() -> None:
    it = house("nobody")
    told = refer(it, it.enter(), f"<{CARL}>", EXPLICIT)
    assert status(told) == 403 and "Refer-Events-At" not in dict(the(out.Respond, told).headers)


def test_the_oldest_is_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "MOST_KEPT", 2)
    it = house()
    anna = it.enter()
    places = [place_of(refer(it, anna, f"<sip:c{n}@192.0.2.40>", EXPLICIT)) for n in range(3)]
    assert status(subscribe(it, places[0])) == 404
    assert all(every(out.Grant, subscribe(it, place)) for place in places[1:])


def test_attended_transfer_takes_the_other_call_over() -> None:
    """The phone has two calls, one with the room and one with Carl: the room is to take its place there."""
    it = house()
    told = refer(it, it.enter(), f"<{CARL}?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df>")
    assert the(out.Grant, told)
    call = it.invites[called(it)]
    assert dict(call.headers)["Replaces"] == "a@b;to-tag=t;from-tag=f" and str(call.target.uri) == CARL


def test_who_unsubscribes_hears_no_more() -> None:
    it = house()
    the(out.Grant, refer(it, it.enter()))
    it.focus.hear_call(sip.SubscriptionEnded(next(iter(it.grants)), "timeout"), it.now)
    carl = called(it)
    assert news(it, it.rings(carl)) == [] and news(it, it.answers(carl)) == []


@pytest.mark.parametrize(
    ("to", "lines", "answer"),
    [
        ("<sip:carl@198.51.100.7>", (), 403),
        ("<tel:+1900>", (), 403),
        ("<mailto:carl@x>", (), 416),
        (f"<{CARL};method=SUBSCRIBE>", (), 403),
        ("<<", (), 400),
        (f"<{CARL}?Replaces=x>", (), 400),
        (f"<{CARL}>", ("Refer-To: <sip:dave@192.0.2.41>",), 400),
    ],
)
def test_what_is_refused(to: str, lines: tuple[str, ...], answer: int) -> None:
    it = house()
    told = refer(it, it.enter(), to, *lines)
    assert status(told) == answer and not every(tell.Dialled, told) and news(it, told) == []


def test_a_full_room_calls_nobody() -> None:
    it = House(most=1, dialling=DialTerms(plan=DialPlan(Fence(domains=["*"]))))
    assert status(refer(it, it.enter())) == 486


def test_a_call_that_is_not_up_asks_for_nothing() -> None:
    it = house()
    call, _ = it.invite()
    assert status(refer(it, call)) == 480 and status(refer(it, 99)) == 480


@pytest.mark.parametrize("who", ["nobody", "moderators"])
def test_who_may_not(who: Policy) -> None:
    it = house(who)
    assert status(refer(it, it.enter())) == 403


def test_a_moderator_may() -> None:
    it = house("moderators")
    anna = it.enter()
    it.rooms.get("standup").places[it.leg(anna).participant].role = Role.MODERATOR
    assert the(tell.Dialled, refer(it, anna))


def test_whom_a_member_has_called_by_refer_is_noted() -> None:
    it = house()
    noted = the(out.Audited, refer(it, it.enter())).entry.record().values
    assert (noted["action"], noted["who"], noted["face"], noted["outcome"]) == ("dial", "p1", "sip", "done")
    assert "sip:carl@" in noted["details"]


# ---------------------------------------------------------------- by the room's URI
def test_who_asks_by_the_rooms_uri_hears_of_it_too() -> None:
    it = house()
    it.enter()
    told = refer(it, None, f"<{CARL}>")
    assert str(the(out.Grant, told).event) == "refer" and news(it, told) == [TRYING]
    assert news(it, it.refuses(called(it), 486)) == [over(486)]


def test_a_member_may_ask_by_the_rooms_uri() -> None:
    it = house()
    it.enter()
    told = refer(it, None, f"<{CARL}>", "Refer-Sub: false")
    assert status(told) == 202 and the(tell.Dialled, told)


def test_a_stranger_may_not() -> None:
    it = house()
    it.enter()
    assert status(refer(it, None, f"<{CARL}>", "Refer-Sub: false", **BOB)) == 403


def test_a_stranger_may_where_the_settings_say_so() -> None:
    it = house("callers")
    it.enter()
    assert the(tell.Dialled, refer(it, None, f"<{CARL}>", "Refer-Sub: false", **BOB)).by == "Bob"


def test_no_room_no_call() -> None:
    it = house("callers")
    assert status(refer(it, None, f"<{CARL}>", "Refer-Sub: false")) == 404


# ---------------------------------------------------------------- out of the room
def test_one_may_remove_oneself_and_whom_one_has_called() -> None:
    it = house()
    anna = it.enter()
    refer(it, anna)
    carl = called(it)
    it.answers(carl)
    told = refer(it, anna, f"<{CARL};method=BYE>")
    assert the(out.HangUp, told).call == carl
    assert news(it, told)[-1] == ("SIP/2.0 200 p2 is asked to leave", LAST)
    told = refer(it, anna, "<sip:anna@example.com;method=BYE>")
    assert the(out.HangUp, told).call == anna and it.is_empty()


def test_a_phone_as_the_documents_name_it() -> None:
    """The entity of an endpoint (RFC 4575 5.7)."""
    it = house()
    anna = it.enter()
    assert status(refer(it, anna, "<sip:standup@192.0.2.1;participant=p9;method=BYE>")) == 404
    told = refer(it, anna, "<sip:standup@192.0.2.1;participant=p1;method=BYE>")
    assert the(out.HangUp, told).call == anna


def test_a_call_that_rings_is_given_up_so() -> None:
    it = house()
    anna = it.enter()
    refer(it, anna)
    carl = called(it)
    assert the(out.HangUp, refer(it, anna, f"<{CARL};method=BYE>")).call == carl


def test_nobody_else() -> None:
    it = house("callers")
    anna, bob = it.enter(), it.enter(**BOB)
    remove = "<sip:bob@example.com;method=BYE>"
    assert status(refer(it, anna, remove)) == 403
    assert status(refer(it, None, remove, "Refer-Sub: false", name="<sip:x@y>")) == 403
    assert status(refer(it, anna, "<sip:nobody@example.com;method=BYE>")) == 404
    it.rooms.get("standup").places[it.leg(anna).participant].role = Role.MODERATOR
    assert the(out.HangUp, refer(it, anna, remove)).call == bob


# ---------------------------------------------------------------- elsewhere
def notify(it: House, call: int, body: str, state: str = "active;expires=60", event: str = "refer") -> list[out.Output]:
    lines = (f"Event: {event}", f"Subscription-State: {state}")
    return it.ask("NOTIFY", *lines, call=call, body=body, kind="message/sipfrag")


def moving(it: House) -> tuple[int, out.Ask]:
    anna = it.enter(lines=["Allow: INVITE, REFER"])
    told = it.order(Transfer("standup", "Anna", "sip:daily@192.0.2.1"))
    assert the(tell.Transferring, told).uri == "sip:daily@192.0.2.1"
    return anna, the(out.Ask, told)


def test_a_phone_is_sent_elsewhere() -> None:
    it = house()
    anna, ask = moving(it)
    assert (ask.call, ask.method) == (anna, "REFER")
    assert ask.headers == (("Refer-To", "<sip:daily@192.0.2.1>"), ("Referred-By", "<sip:standup@192.0.2.1>"))
    assert it.reply(ask, 202) == []
    assert events(notify(it, anna, "SIP/2.0 100 Trying")) == [] and anna in it.acked
    told = notify(it, anna, "SIP/2.0 200 OK", LAST)
    ended = the(tell.TransferEnded, told)
    assert status(told) == 200 and (ended.cause, ended.status) == ("done", 200)
    assert the(out.HangUp, told) == out.HangUp(anna, "transferred") and it.is_empty()


def test_it_stays_where_nobody_answers_there() -> None:
    it = house()
    anna, ask = moving(it)
    it.reply(ask, 202)
    told = notify(it, anna, "SIP/2.0 486 Busy Here", LAST)
    assert the(tell.TransferEnded, told).cause == "busy" and len(it.people()) == 1
    assert status(notify(it, anna, "SIP/2.0 200 OK")) == 481, "there is no such subscription any more"


@pytest.mark.parametrize("code", [405, 403, 603, 408])
def test_it_stays_where_the_phone_will_not(code: int) -> None:
    it = house()
    _, ask = moving(it)
    assert the(tell.TransferEnded, it.reply(ask, code)).status == code and len(it.people()) == 1


def test_it_stays_where_the_phone_says_nothing() -> None:
    it = house()
    _, ask = moving(it)
    it.reply(ask, 202)
    assert the(tell.TransferEnded, it.pass_time(91)).cause == "no word from the phone" and len(it.people()) == 1


def test_it_stays_where_the_phone_says_no_more() -> None:
    it = house()
    anna, ask = moving(it)
    it.reply(ask, 202)
    assert the(tell.TransferEnded, notify(it, anna, "", "terminated;reason=giveup")).status == 0


def test_the_phone_hangs_up_by_itself() -> None:
    it = house()
    anna, ask = moving(it)
    it.reply(ask, 202)
    assert the(tell.ParticipantLeft, it.bye(anna)) and not it.pass_time(100) and it.is_empty()


def test_one_transfer_at_a_time() -> None:
    it = house()
    anna, ask = moving(it)
    with pytest.raises(Conflict):
        it.order(Transfer("standup", "Anna", CARL))
    it.reply(ask, 405)
    assert the(out.Ask, it.order(Transfer("standup", it.leg(anna).participant, CARL))).method == "REFER"


def test_who_cannot_be_sent_elsewhere() -> None:
    it = house()
    it.enter(**BOB, lines=["Allow: INVITE, ACK, BYE"])
    it.enter()
    with pytest.raises(Conflict, match="takes no REFER"):
        it.order(Transfer("standup", "Bob", CARL))
    with pytest.raises(Invalid):
        it.order(Transfer("standup", "Anna", "nonsense"))
    with pytest.raises(NotFound):
        it.order(Transfer("standup", "nobody", CARL))


@pytest.mark.parametrize(
    ("event", "body", "answer"), [("presence", "x", 481), ("refer", "nonsense", 400), ("", "", 481)]
)
def test_other_news(event: str, body: str, answer: int) -> None:
    it = house()
    anna, ask = moving(it)
    it.reply(ask, 202)
    assert status(notify(it, anna, body, event=event)) == answer and len(it.people()) == 1


def test_who_is_kicked_meanwhile_is_gone() -> None:
    it = house()
    anna, ask = moving(it)
    it.order(Kick("standup", it.leg(anna).participant))
    assert it.reply(ask, 481) == [] and it.is_empty()
