"""Several phones at once and one after another, and which answer goes back (RFC 3261 16.5 to 16.7)."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request, Response, parse
from confserver.sip.proxy.best import best_of
from tests.kit.sip_play import SDP
from tests.sip.proxy.house import ALICE, BOB, BOB_2, CAROL, Relaying, to


@pytest.fixture
def proxy() -> Relaying:
    proxy = Relaying()
    proxy.forks("bob", (to(BOB), to(BOB_2)))
    return proxy


def test_two_phones_ring_one_answers_the_other_is_cancelled(proxy: Relaying) -> None:
    proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    assert first.via.branch != second.via.branch
    assert proxy.statuses() == [100, 180, 180]
    proxy.replies(BOB_2, second, 200, body=SDP)
    assert proxy.answer_at().to.tag == "t192.0.2.21"
    cancel = proxy.request_to(BOB, "CANCEL")
    assert cancel.headers.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'
    assert cancel.via == first.via and cancel.cseq.number == first.cseq.number
    proxy.replies(BOB, cancel, 200)
    proxy.replies(BOB, first, 487)
    proxy.request_to(BOB, "ACK")
    assert proxy.statuses() == [], "the 487 goes nowhere"
    proxy.pass_time(70)
    assert proxy.is_at_rest()


def test_both_answer_at_once(proxy: Relaying) -> None:
    """RFC 3261 16.7, step 5: each 2xx goes back; the caller says BYE to one."""
    proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.replies(BOB, first, 200)
    proxy.replies(BOB_2, second, 200)
    assert proxy.statuses() == [200, 200]


def test_a_busy_phone_does_not_end_the_ringing_of_the_other(proxy: Relaying) -> None:
    proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.replies(BOB, first, 486)
    assert proxy.statuses() == []
    proxy.replies(BOB_2, second, 480)
    assert proxy.statuses() == [486], "the first of the best class"


def test_whoever_declines_declines_for_all(proxy: Relaying) -> None:
    """RFC 3261 16.7, step 5: a 6xx goes back once all others are cancelled."""
    proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.replies(BOB, first, 603)
    assert proxy.statuses() == []
    assert proxy.request_to(BOB_2, "CANCEL").headers.get("Reason") == "SIP;cause=603"
    proxy.replies(BOB_2, second, 487)
    assert proxy.statuses() == [603]


def test_a_2xx_that_crosses_a_6xx(proxy: Relaying) -> None:
    proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.replies(BOB, first, 603)
    proxy.replies(BOB_2, second, 200)
    assert proxy.statuses() == [200]


def test_a_2xx_behind_the_final_answer_goes_back_all_the_same(proxy: Relaying) -> None:
    """RFC 3261 16.7, step 5, and RFC 6026 8.5: straight to the transport."""
    proxy.forks("bob", (to(BOB),), (to(BOB_2),), ring_s=20)
    proxy.invites()
    first = proxy.rings(BOB)
    proxy.pass_time(20.2)
    second = proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.replies(BOB_2, second, 486)
    assert proxy.statuses() == [486]
    proxy.replies(BOB, first, 200)
    assert 200 in proxy.statuses()


def test_one_after_another_by_q(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),), (to(BOB_2), to(CAROL)), ring_s=20)
    proxy.invites()
    first = proxy.rings(BOB)
    assert not proxy.takes(BOB_2)
    proxy.replies(BOB, first, 486)
    second, third = proxy.rings(BOB_2), proxy.rings(CAROL)
    proxy.replies(BOB_2, second, 486)
    proxy.replies(CAROL, third, 404)
    proxy.takes(BOB_2)
    assert proxy.statuses()[-1] == 486
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_who_does_not_answer_gives_way_to_the_next(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),), (to(BOB_2),), ring_s=20)
    proxy.invites()
    first = proxy.rings(BOB)
    proxy.pass_time(19.9)
    assert not proxy.takes(BOB_2)
    proxy.pass_time(0.3)
    proxy.request_to(BOB, "CANCEL")
    second = proxy.rings(BOB_2)
    proxy.takes(ALICE)
    proxy.replies(BOB, first, 487)
    proxy.replies(BOB_2, second, 200)
    assert proxy.statuses() == [200]
    proxy.pass_time(90)
    assert proxy.is_at_rest()


def test_a_phone_that_is_off_does_not_hold_up_the_next(proxy: Relaying) -> None:
    """It gives no sign, so there is nothing to cancel yet; a late ringing is cancelled."""
    proxy.forks("bob", (to(BOB),), (to(BOB_2),), ring_s=5)
    proxy.invites()
    first = proxy.takes(BOB)[0]
    assert isinstance(first, Request)
    proxy.pass_time(5.1)
    second = proxy.rings(BOB_2)
    proxy.takes(BOB)
    proxy.replies(BOB, first, 180)
    proxy.request_to(BOB, "CANCEL")
    proxy.replies(BOB_2, second, 486)
    assert proxy.statuses()[-1] == 486
    proxy.pass_time(90)
    assert proxy.is_at_rest()


def test_no_new_group_once_the_caller_has_gone(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),), (to(BOB_2),), ring_s=20)
    branch = proxy.invites()
    invite = proxy.rings(BOB)
    proxy.sends("CANCEL", branch=branch)
    proxy.replies(BOB, invite, 487)
    assert proxy.statuses()[-1] == 487 and not proxy.takes(BOB_2)
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_no_new_group_behind_a_6xx(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),), (to(BOB_2),))
    proxy.invites()
    proxy.replies(BOB, proxy.rings(BOB), 600)
    assert proxy.statuses()[-1] == 600 and not proxy.takes(BOB_2)


def test_all_ways_fail(proxy: Relaying) -> None:
    proxy.unreachable |= {BOB, BOB_2, CAROL}
    proxy.forks("bob", (to(BOB), to(BOB_2)), (to(CAROL),))
    proxy.invites()
    assert proxy.statuses() == [100, 500]
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_a_503_is_not_told_on(proxy: Relaying) -> None:
    """RFC 3261 16.7, step 6: it would mean that we are overloaded."""
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    proxy.replies(BOB, proxy.rings(BOB), 503, "Retry-After: 3600")
    assert proxy.answer_at_last().status == 500


def test_the_challenges_of_all_are_gathered(proxy: Relaying) -> None:
    """RFC 3261 16.7, step 7."""
    proxy.invites()
    first, second = proxy.rings(BOB), proxy.rings(BOB_2)
    proxy.replies(BOB, first, 407, 'Proxy-Authenticate: Digest realm="one", nonce="1"')
    proxy.replies(BOB_2, second, 401, 'WWW-Authenticate: Digest realm="two", nonce="2"')
    answer = proxy.answer_at_last()
    assert answer.status == 407
    assert answer.headers.get_all("Proxy-Authenticate") == ['Digest realm="one", nonce="1"']
    assert answer.headers.get_all("WWW-Authenticate") == ['Digest realm="two", nonce="2"']


def test_another_flow_of_the_same_phone(proxy: Relaying) -> None:
    """RFC 5626 section 6: one flow at a time; the next where the first is dead."""
    proxy.unreachable.add(BOB)
    proxy.forks("bob", (to(BOB, instead=to(BOB_2)),))
    proxy.invites()
    proxy.replies(BOB_2, proxy.rings(BOB_2), 486)
    assert proxy.statuses()[-1] == 486, "nothing is tried instead of a phone that has answered"


def test_a_phone_that_has_answered_is_not_tried_elsewhere(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB, instead=to(BOB_2)),))
    proxy.invites()
    proxy.replies(BOB, proxy.rings(BOB), 486)
    assert proxy.statuses()[-1] == 486 and not proxy.takes(BOB_2)


# ------------------------------------------------------------------ RFC 5393
def breadth(request: Request) -> str | None:
    return request.headers.get("Max-Breadth")


def test_breadth_is_shared_out(proxy: Relaying) -> None:
    proxy.invites("Max-Breadth: 5")
    assert (breadth(proxy.request_to(BOB, "INVITE")), breadth(proxy.request_to(BOB_2, "INVITE"))) == ("3", "2")


@pytest.mark.parametrize("given", [(), ("Max-Breadth: 4000000",)])
def test_breadth_is_sixty_at_most(proxy: Relaying, given: tuple[str, ...]) -> None:
    proxy.invites(*given)
    assert breadth(proxy.request_to(BOB, "INVITE")) == "30"


def test_with_too_little_breadth_phones_ring_one_after_another(proxy: Relaying) -> None:
    proxy.invites("Max-Breadth: 1")
    first = proxy.rings(BOB)
    assert not proxy.takes(BOB_2)
    proxy.replies(BOB, first, 486)
    assert breadth(proxy.rings(BOB_2)) == "1"


def test_without_breadth_nothing_is_sent(proxy: Relaying) -> None:
    proxy.invites("Max-Breadth: 0")
    assert proxy.statuses() == [440] and not proxy.takes(BOB) and proxy.is_at_rest()


def test_breadth_that_is_no_number(proxy: Relaying) -> None:
    proxy.invites("Max-Breadth: many")
    assert proxy.statuses() == [400] and not proxy.takes(BOB)


# ------------------------------------------------------------------ the choice
def response(status: int) -> Response:
    text = (
        f"SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
    )
    found = parse(f"{text}Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n".encode())
    assert isinstance(found, Response)
    return found


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        ((404, 486), 404),
        ((486, 404), 486),
        ((486, 302), 302),
        ((500, 480), 480),
        ((503, 500), 500),
        ((486, 407), 407),
        ((480, 415, 420), 415),
        ((408, 487, 480), 480),
        ((302, 486, 603), 603),
        ((504, 301, 600), 600),
        ((408,), 408),
    ],
)  # fmt: skip
def test_the_best_answer(statuses: tuple[int, ...], best: int) -> None:
    assert best_of([response(status) for status in statuses]).status == best
