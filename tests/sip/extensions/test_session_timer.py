"""Session timers (RFC 4028) in both roles, as plays over a fake clock."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request, Response
from confserver.sip.outputs import CallAccepted, CallEnded, CallRinging, OfferArrived
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, methods, none_of, sent, statuses, the

KNOWS = "Supported: timer"
ALLOWS = "Allow: INVITE, ACK, BYE, UPDATE"


def accepted(wire: Wire, *headers: str) -> tuple[int, Response]:
    """A call of theirs that stands, and our 2xx."""
    call = wire.arrive(*headers)
    answer = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert isinstance(answer, Response)
    wire.hear(wire.request("ACK", to_tag=answer.to.tag))
    return call, answer


def granted(wire: Wire, *headers: str) -> str | None:
    return accepted(wire, *headers)[1].headers.get("Session-Expires")


def the_request(outputs: object, method: str) -> Request:
    [request] = [m for m in sent(outputs) if isinstance(m, Request) and m.method == method]  # type: ignore[arg-type]
    return request


# ---------------------------------------------------------------- as UAS
@pytest.mark.parametrize(
    ("headers", "ours", "said"),
    [
        ((KNOWS, "Session-Expires: 1800"), 0, "1800;refresher=uac"),
        ((KNOWS, "Session-Expires: 1800;refresher=uas"), 0, "1800;refresher=uas"),
        ((KNOWS, "Session-Expires: 1800;refresher=uac"), 600, "600;refresher=uac"),  # never longer than asked
        ((KNOWS, "Session-Expires: 600"), 1800, "600;refresher=uac"),
        ((KNOWS, "Session-Expires: 1800", "Min-SE: 900"), 600, "900;refresher=uac"),  # never below what they want
        (("Session-Expires: 1800",), 0, "1800;refresher=uas"),  # a proxy's wish: the phone knows none
        ((KNOWS,), 600, "600;refresher=uac"),
        ((KNOWS,), 0, None),
        ((), 600, None),
        (("x: 200;Refresher=UAS", "k: timer"), 0, "200;refresher=uas"),
    ],
)
def test_what_is_granted(headers: tuple[str, ...], ours: int, said: str | None) -> None:
    wire = Wire(session_expires_s=ours)
    _, answer = accepted(wire, *headers)
    assert answer.headers.get("Session-Expires") == said
    assert ("timer" in answer.headers.get_all("Require")) == bool(said and said.endswith("uac"))


def test_too_short_gets_422_and_keeps_nothing() -> None:
    wire = Wire(min_se_s=120)
    [answer] = sent(wire.invite(KNOWS, "Session-Expires: 90"))
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers.get("Min-SE")) == (422, "120") and at_rest(wire.stack)


def test_who_cannot_mend_it_is_not_refused_for_it() -> None:
    assert granted(Wire(min_se_s=120), "Session-Expires: 90") == "90;refresher=uas"


@pytest.mark.parametrize("text", ["soon", "-90", "90x", "99999999999", "", "1800;;;=", "1800;refresher=uac;;"])
def test_nonsense_gets_400_or_is_read_as_far_as_it_goes(text: str) -> None:
    wire = Wire()
    outputs = wire.invite(KNOWS, f"Session-Expires: {text}")
    assert statuses(outputs) == [400] and at_rest(wire.stack)


def test_a_phone_that_refreshes_keeps_its_call() -> None:
    wire = Wire()
    _, answer = accepted(wire, KNOWS, "Session-Expires: 300;refresher=uac")
    for round in range(5):
        assert none_of(CallEnded, wire.pass_time(150))
        request = wire.request("UPDATE", KNOWS, "Session-Expires: 300", to_tag=answer.to.tag, cseq=2 + round)
        [updated] = sent(wire.hear(request))
        assert isinstance(updated, Response)
        assert updated.status == 200 and updated.headers.get("Session-Expires") == "300;refresher=uac"
        assert updated.headers.get("Contact")
    ended = the(CallEnded, wire.pass_time(300))
    assert ended.cause == "session expired" and ended.by_peer


def test_who_waits_in_vain_says_bye_shortly_before_the_end() -> None:
    """Section 10: 32 s before, or a third of the interval where that is less."""
    for interval, least in ((300, 268), (90, 60)):
        wire = Wire()
        accepted(wire, KNOWS, f"Session-Expires: {interval}")
        assert none_of(CallEnded, wire.pass_time(least - 0.5))
        outputs = wire.pass_time(1)
        the(CallEnded, outputs)
        assert methods(outputs)[0] == "BYE"


def test_a_re_invite_refreshes_too_and_one_without_a_timer_ends_it() -> None:
    wire = Wire()
    call, answer = accepted(wire, KNOWS, "Session-Expires: 300")
    wire.pass_time(200)
    the(OfferArrived, wire.invite(KNOWS, "Session-Expires: 300", to_tag=answer.to.tag, cseq=2))
    wire.stack.accept_offer(call, SDP, wire.now)
    wire.hear(wire.request("ACK", to_tag=answer.to.tag, cseq=2))
    assert none_of(CallEnded, wire.pass_time(200))
    wire.hear(wire.request("UPDATE", to_tag=answer.to.tag, cseq=3))
    assert none_of(CallEnded, wire.pass_time(3000))


def test_we_refresh_by_update_where_the_phone_knows_it() -> None:
    wire = Wire()
    accepted(wire, KNOWS, ALLOWS, "Session-Expires: 300;refresher=uas")
    outputs = wire.pass_time(150.1)
    update = the_request(outputs, "UPDATE")
    assert update.headers.get("Session-Expires") == "300;refresher=uac" and not update.body
    assert update.headers.get("Contact") and "timer" in update.headers.get_all("Supported")
    wire.hear(answer_to(update, 200, "Session-Expires: 300;refresher=uac", tag=""))
    outputs = wire.pass_time(160)
    assert none_of(CallEnded, outputs) and "UPDATE" in methods(outputs)


def test_we_refresh_by_re_invite_with_what_we_said_last_where_it_does_not() -> None:
    wire = Wire()
    accepted(wire, KNOWS, "Session-Expires: 300;refresher=uas")
    invite = the_request(wire.pass_time(150.1), "INVITE")
    assert invite.body == SDP and invite.headers.get("Session-Expires") == "300;refresher=uac"
    outputs = wire.hear(answer_to(invite, 200, "Session-Expires: 300;refresher=uac", tag="", body=SDP))
    assert methods(outputs) == ["ACK"]
    assert none_of(CallEnded, wire.pass_time(140))


@pytest.mark.parametrize(("status", "cause"), [(481, "unknown to the peer"), (408, "no answer")])
def test_a_refresh_that_finds_nobody_ends_the_call(status: int, cause: str) -> None:
    wire = Wire()
    accepted(wire, KNOWS, ALLOWS, "Session-Expires: 300;refresher=uas")
    update = the_request(wire.pass_time(150.1), "UPDATE")
    assert the(CallEnded, wire.hear(answer_to(update, status, tag=""))).cause == cause


def test_a_phone_that_takes_no_update_after_all_is_refreshed_by_re_invite() -> None:
    wire = Wire()
    accepted(wire, KNOWS, ALLOWS, "Session-Expires: 300;refresher=uas")
    update = the_request(wire.pass_time(150.1), "UPDATE")
    assert methods(wire.hear(answer_to(update, 405, tag=""))) == ["INVITE"]


def test_an_answer_too_small_is_asked_again_for_longer() -> None:
    wire = Wire()
    accepted(wire, KNOWS, ALLOWS, "Session-Expires: 300;refresher=uas")
    update = the_request(wire.pass_time(150.1), "UPDATE")
    again = the_request(wire.hear(answer_to(update, 422, "Min-SE: 600", tag="")), "UPDATE")
    assert again.headers.get("Session-Expires") == "600;refresher=uac" and again.headers.get("Min-SE") == "600"
    outputs = wire.hear(answer_to(again, 422, "Min-SE: 600", tag=""))  # it does not mean what it says
    assert methods(outputs) == ["INVITE"]


def test_no_answer_to_a_refresh_ends_the_call() -> None:
    wire = Wire()
    accepted(wire, KNOWS, ALLOWS, "Session-Expires: 300;refresher=uas")
    outputs = wire.pass_time(190)
    the(CallEnded, outputs)
    assert "BYE" in methods(outputs)


# ---------------------------------------------------------------- as UAC
def test_we_ask_for_a_timer_and_refresh_as_agreed() -> None:
    wire = Wire(session_expires_s=600)
    _, invite, _ = wire.dial()
    assert invite.headers.get("Session-Expires") == "600" and "timer" in invite.headers.get_all("Supported")
    ours = (ALLOWS, "Session-Expires: 600;refresher=uac", "Require: timer")
    the(CallAccepted, wire.answer(invite, 200, *ours, body=SDP))
    assert the_request(wire.pass_time(300.2), "UPDATE").headers.get("Session-Expires") == "600;refresher=uac"


def test_without_a_session_expires_in_the_2xx_there_is_no_timer() -> None:
    wire = Wire(session_expires_s=600)
    _, invite, _ = wire.dial()
    wire.answer(invite, 200, ALLOWS, body=SDP)
    assert methods(wire.pass_time(3000)) == []


def test_a_422_is_asked_again_with_the_next_cseq() -> None:
    wire = Wire(session_expires_s=600)
    call, invite, _ = wire.dial()
    outputs = wire.answer(invite, 422, "Min-SE: 1200", tag="one")
    assert methods(outputs)[0] == "ACK" and none_of(CallEnded, outputs)
    again = the_request(outputs, "INVITE")
    assert again.cseq.number == 2 and again.call_id == invite.call_id and not again.to.tag
    assert again.from_.tag == invite.from_.tag and again.via.branch != invite.via.branch
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("1200", "1200")
    assert len(again.headers.get_all("Via")) == len(again.headers.get_all("Contact")) == 1
    the(CallRinging, wire.answer(again, 180, tag="two"))
    assert the(CallAccepted, wire.answer(again, 200, tag="two", body=SDP)).call == call


def test_a_422_that_asks_for_no_more_ends_the_call() -> None:
    wire = Wire(session_expires_s=600)
    _, invite, _ = wire.dial()
    for least in ("600", "soon"):
        assert the(CallEnded, wire.answer(invite, 422, f"Min-SE: {least}")).status == 422
        _, invite, _ = Wire.dial(wire := Wire(session_expires_s=600))
