"""Calls through the proxy, from the INVITE to the BYE (RFC 3261 section 16)."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request, Response
from confserver.sip.outputs import CallArrived, RelayBegan, RelayEnded
from tests.kit.sip_play import SDP
from tests.sip.proxy.house import ALICE, BOB, BOB_2, CAROL, Relaying, route_set, route_set_of_called, to

VIDEO = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\nm=video 4000 RTP/AVPF 99 100\r\na=rtcp-fb:* nack pli\r\n"
MSRP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\nm=message 7654 TCP/MSRP *\r\na=path:msrp://192.0.2.9:7654/x;tcp\r\n"


@pytest.fixture
def proxy() -> Relaying:
    return Relaying()


def test_a_call_from_phone_to_phone(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    assert proxy.statuses() == [100]
    invite = proxy.request_to(BOB, "INVITE")
    assert str(invite.uri) == "sip:bob@192.0.2.20:5060" and invite.max_forwards == 69
    assert [via.host for via in invite.vias] == ["192.0.2.1", "192.0.2.9"] and invite.body == SDP
    assert len(invite.headers.get_all("Record-Route")) == 2
    proxy.replies(BOB, invite, 180)
    ringing = proxy.answer_at()
    assert ringing.status == 180 and [via.host for via in ringing.vias] == ["192.0.2.9"]
    proxy.replies(BOB, invite, 200, body=SDP)
    answer = proxy.answer_at()
    assert answer.status == 200 and answer.body == SDP and len(answer.vias) == 1

    tag = f"<sip:bob@example.com>;tag={answer.to.tag}"
    proxy.sends("ACK", *route_set(answer), uri="sip:bob@192.0.2.20:5060", to=tag)
    ack = proxy.request_to(BOB, "ACK")
    assert str(ack.uri) == "sip:bob@192.0.2.20:5060" and "Route" not in ack.headers and ack.max_forwards == 69
    proxy.sends("BYE", *route_set(answer), uri="sip:bob@192.0.2.20:5060", to=tag, cseq=2)
    bye = proxy.request_to(BOB, "BYE")
    assert "Record-Route" not in bye.headers and "Route" not in bye.headers
    proxy.replies(BOB, bye, 200)
    assert proxy.statuses() == [200]
    proxy.pass_time(70)
    assert proxy.is_at_rest()
    assert [type(each) for each in proxy.heard] == [RelayBegan, RelayEnded]


def test_the_called_one_hangs_up(proxy: Relaying) -> None:
    invite, answer = proxy.talks()
    ends = {"from_": f"<sip:bob@example.com>;tag={answer.to.tag}", "to": "<sip:alice@example.com>;tag=alice"}
    proxy.sends("BYE", *route_set_of_called(invite), uri="sip:alice@192.0.2.9:5062", source=BOB, **ends)
    bye = proxy.request_to(ALICE, "BYE")
    assert str(bye.uri) == "sip:alice@192.0.2.9:5062" and "Route" not in bye.headers
    proxy.replies(ALICE, bye, 200)
    assert proxy.statuses(BOB) == [200]


@pytest.mark.parametrize("body", [VIDEO, MSRP, b"\x00\xff\xfe any bytes"], ids=["video", "msrp", "anything"])
def test_what_a_session_carries_is_passed_untouched(proxy: Relaying, body: bytes) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.sends("INVITE", "X-Thing: one, two", "Require: precondition", body=body, content_type="application/x-any")
    invite = proxy.request_to(BOB, "INVITE")
    assert invite.body == body and invite.content_type == "application/x-any"
    assert invite.headers.get("X-Thing") == "one, two" and invite.headers.get("Require") == "precondition"


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "INFO", "FOO"])
def test_any_method_is_relayed(proxy: Relaying, method: str) -> None:
    """RFC 3261 16.3: a proxy need not know the method."""
    proxy.forks("bob", (to(BOB),))
    proxy.sends(method, body=b"hello", content_type="text/plain")
    request = proxy.request_to(BOB, method)
    assert request.body == b"hello"
    assert len(request.headers.get_all("Record-Route")) == (2 if method == "SUBSCRIBE" else 0)
    assert proxy.statuses() == [], "no 100 to a request that is no INVITE (RFC 4320 4.1)"
    proxy.replies(BOB, request, 202)
    assert proxy.statuses() == [202]
    proxy.pass_time(40)
    assert proxy.is_at_rest()


def test_a_room_is_called_beside_it(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites(uri="sip:standup@example.com", call_id="call-2")
    [arrived] = [each for each in proxy.heard if isinstance(each, CallArrived)]
    proxy.perform(proxy.stack.accept(arrived.call, SDP, proxy.now))
    answer = proxy.answer_at()
    tag = f"<sip:standup@example.com>;tag={answer.to.tag}"
    proxy.sends("ACK", uri="sip:standup@192.0.2.1", to=tag, call_id="call-2")
    proxy.sends("BYE", uri="sip:standup@192.0.2.1", to=tag, call_id="call-2", cseq=2)
    assert proxy.statuses() == [200] and not proxy.takes(BOB)


def test_a_refusal_goes_back_and_is_acknowledged_hop_by_hop(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    branch = proxy.invites()
    proxy.takes(ALICE)
    invite = proxy.request_to(BOB, "INVITE")
    proxy.replies(BOB, invite, 486)
    assert proxy.request_to(BOB, "ACK").via.branch == invite.via.branch
    busy = proxy.answer_at()
    assert busy.status == 486
    proxy.sends("ACK", branch=branch, to=str(busy.to))
    assert not proxy.takes(BOB), "the ACK of a refusal ends at the next hop (RFC 3261 17.1.1.3)"
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_an_invite_that_comes_again_is_not_sent_twice(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    branch = proxy.invites()
    proxy.request_to(BOB, "INVITE")
    proxy.invites(branch=branch)
    assert not proxy.takes(BOB) and proxy.statuses() == [100, 100]


def test_the_invite_is_sent_again_until_somebody_answers(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    proxy.pass_time(3.6)
    assert len(proxy.takes(BOB)) == 4  # 0, 0.5, 1.5, 3.5 s: timer A


def test_nobody_answers(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    proxy.takes(ALICE)
    proxy.pass_time(32)
    assert proxy.answer_at().status == 408
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_nobody_answers_what_is_no_invite(proxy: Relaying) -> None:
    """RFC 4320 4.1: no 408; and what comes late is dropped (4.2)."""
    proxy.forks("bob", (to(BOB),))
    proxy.sends("MESSAGE")
    message = proxy.takes(BOB)[0]
    assert isinstance(message, Request)
    proxy.pass_time(33)
    proxy.replies(BOB, message, 200)
    assert proxy.statuses() == [100]
    proxy.pass_time(40)
    assert proxy.is_at_rest()


def test_the_phone_rings_for_ever(proxy: Relaying) -> None:
    """Timer C (RFC 3261 16.8): CANCEL after three minutes; each provisional answer above 100 begins it anew."""
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    invite = proxy.rings(BOB)
    proxy.pass_time(150)
    proxy.replies(BOB, invite, 180)
    proxy.pass_time(150)
    assert not proxy.takes(BOB)
    proxy.takes(ALICE)
    proxy.pass_time(31.3)
    cancel = proxy.request_to(BOB, "CANCEL")
    assert cancel.via.branch == invite.via.branch and str(cancel.uri) == str(invite.uri) and len(cancel.vias) == 1
    proxy.replies(BOB, cancel, 200)
    proxy.replies(BOB, invite, 487)
    assert proxy.answer_at().status == 408
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_no_way_to_the_phone(proxy: Relaying) -> None:
    """RFC 3261 16.9 and 16.7, step 6: like a 503, which is not told on."""
    proxy.unreachable.add(BOB)
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    assert proxy.statuses() == [100, 500]
    proxy.pass_time(60)
    assert proxy.is_at_rest()


@pytest.mark.parametrize("status", [403, 404, 480])
def test_the_planner_refuses(proxy: Relaying, status: int) -> None:
    proxy.answers("bob", status)
    proxy.invites()
    assert proxy.statuses() == [status] and proxy.is_at_rest()


def test_the_planner_redirects(proxy: Relaying) -> None:
    proxy.answers("bob", 302, ("Contact", "<sip:bob@example.org>"))
    proxy.invites()
    answer = proxy.answer_at()
    assert answer.status == 302 and answer.headers.get("Contact") == "<sip:bob@example.org>"


# ------------------------------------------------------------------ cancelled
def test_the_caller_hangs_up_while_it_rings(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB), to(BOB_2)))
    branch = proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.sends("CANCEL", "Reason: Q.850;cause=16", "Reason: SIP;cause=487", branch=branch)
    assert proxy.statuses() == [200]
    for who, invite in ((BOB, first), (BOB_2, second)):
        cancel = proxy.request_to(who, "CANCEL")
        assert cancel.headers.get_all("Reason") == ["Q.850;cause=16", "SIP;cause=487"]
        proxy.replies(who, cancel, 200)
        proxy.replies(who, invite, 487)
    assert proxy.statuses() == [487]
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_the_caller_hangs_up_before_anything_is_heard(proxy: Relaying) -> None:
    """RFC 3261 9.1: CANCEL waits for a provisional answer."""
    proxy.forks("bob", (to(BOB),))
    branch = proxy.invites()
    invite = proxy.request_to(BOB, "INVITE")
    proxy.sends("CANCEL", branch=branch)
    assert not proxy.takes(BOB)
    proxy.takes(ALICE)
    proxy.replies(BOB, invite, 100)
    proxy.request_to(BOB, "CANCEL")
    proxy.replies(BOB, invite, 487)
    assert proxy.statuses() == [487]


def test_the_phone_that_is_cancelled_says_nothing(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    branch = proxy.invites()
    proxy.rings(BOB)
    proxy.sends("CANCEL", branch=branch)
    proxy.takes(ALICE)
    proxy.pass_time(33)
    assert 487 in proxy.statuses()
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_a_cancel_of_nothing(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.sends("CANCEL")
    assert proxy.statuses() == [481] and not proxy.takes(BOB)


def test_the_answer_crosses_the_cancel(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    branch = proxy.invites()
    invite = proxy.rings(BOB)
    proxy.sends("CANCEL", branch=branch)
    proxy.takes(ALICE)
    proxy.replies(BOB, invite, 200)
    assert proxy.statuses() == [200], "the caller gets it, and says BYE (RFC 3261 16.7, step 5)"


# ------------------------------------------------------------------ answers
def test_a_2xx_comes_again_until_its_ack(proxy: Relaying) -> None:
    """RFC 6026: the proxy's transactions stay, and pass each copy on."""
    invite, _ = proxy.talks()
    proxy.pass_time(4)
    proxy.replies(BOB, invite, 200, body=SDP)
    proxy.pass_time(20)
    proxy.replies(BOB, invite, 200, body=SDP)
    assert proxy.statuses() == [200, 200]
    proxy.pass_time(20)
    proxy.replies(BOB, invite, 200, body=SDP)
    assert proxy.statuses() == [], "strays are dropped (RFC 6026 7.3)"


def test_answers_of_strangers_are_dropped(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    invite = proxy.request_to(BOB, "INVITE")
    proxy.takes(ALICE)
    alone = Response(200, "OK", invite.headers.copy())
    alone.headers.set("Via", str(invite.via))
    proxy.hear(alone.encode(), BOB)
    invite.headers.replace_first("Via", str(invite.via.with_param("branch", "z9hG4bKother")))
    proxy.replies(BOB, invite, 200)
    assert proxy.statuses() == []


def test_a_provisional_answer_behind_the_final_one_is_dropped(proxy: Relaying) -> None:
    invite, _ = proxy.talks()
    proxy.replies(BOB, invite, 183)
    assert proxy.statuses() == []


def test_each_call_is_its_own(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.forks("carol", (to(CAROL),))
    proxy.invites()
    proxy.invites(uri="sip:carol@example.com", call_id="call-2")
    proxy.replies(CAROL, proxy.request_to(CAROL, "INVITE"), 486)
    [busy] = [each for each in proxy.takes(ALICE) if isinstance(each, Response) and each.status > 100]
    assert busy.call_id == "call-2" and proxy.stack.describe()["relayed requests"] == 1
