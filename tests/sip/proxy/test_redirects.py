"""A phone sends its callers elsewhere, and the proxy goes there itself (RFC 3261 16.7, step 4)."""

from __future__ import annotations

import pytest

from confserver.sip.message import Response
from tests.kit.sip_play import SDP
from tests.sip.proxy.house import ALICE, BOB, BOB_2, CAROL, Relaying, to

DAVE = ("192.0.2.40", 5060)


@pytest.fixture
def proxy() -> Relaying:
    """Bob has a phone; Carol and Dave have one each."""
    proxy = Relaying(follows_redirects=True)
    proxy.forks("bob", (to(BOB),))
    proxy.forks("carol", (to(CAROL, "carol"),))
    proxy.forks("dave", (to(DAVE, "dave"),))
    return proxy


def moved(proxy: Relaying, *contacts: str, status: int = 302, who: tuple[str, int] = BOB) -> None:
    """He says so; to what he was asked last."""
    invite = proxy.rings(who)
    proxy.takes(ALICE)
    proxy.replies(who, invite, status, *[f"Contact: {contact}" for contact in contacts])
    proxy.request_to(who, "ACK")


def sent_back(proxy: Relaying) -> Response:
    return proxy.answer_at(ALICE)


def test_it_rings_where_the_phone_sends_it(proxy: Relaying) -> None:
    proxy.invites()
    moved(proxy, "<sip:carol@example.com>")
    invite = proxy.rings(CAROL)
    assert str(invite.uri) == "sip:carol@192.0.2.30:5060"
    proxy.replies(CAROL, invite, 200, body=SDP)
    assert proxy.statuses() == [180, 200], "nobody hears of the 302"
    proxy.pass_time(70)
    assert proxy.is_at_rest()


def test_without_the_setting_the_caller_follows() -> None:
    proxy = Relaying()
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    moved(proxy, "<sip:carol@example.com>")
    assert sent_back(proxy).headers.get_all("Contact") == ["<sip:carol@example.com>"]


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:carol@elsewhere.example>",
        "<tel:+4930123>",
        "<sip:room@example.com>",
        "<mailto:carol@example.com>",
        "<http://example.com/>",
    ],
)
def test_what_is_no_relay_of_ours_goes_back(proxy: Relaying, contact: str) -> None:
    """Other servers, rooms, other schemes: the caller may go there."""
    proxy.invites()
    moved(proxy, contact)
    answer = sent_back(proxy)
    assert answer.status == 302 and answer.headers.get_all("Contact") == [contact]
    proxy.pass_time(70)
    assert proxy.is_at_rest()


def test_what_the_caller_may_not_the_phone_may_not_for_him(proxy: Relaying) -> None:
    proxy.answers("0900", 403)
    proxy.invites()
    moved(proxy, "<sip:0900@example.com>")
    assert sent_back(proxy).status == 302
    assert proxy.asked[-1].uri.user == "0900" and proxy.asked[-1].identity is None


def test_some_are_followed_and_the_rest_is_told_if_they_fail(proxy: Relaying) -> None:
    """Those that were followed are taken out of the answer."""
    proxy.invites()
    moved(proxy, "<sip:x@elsewhere.example>;q=0.5", "<sip:carol@example.com>;q=0.9", status=300)
    invite = proxy.rings(CAROL)
    proxy.takes(ALICE)
    proxy.replies(CAROL, invite, 486)
    answer = sent_back(proxy)
    assert answer.status == 300 and answer.headers.get_all("Contact") == ["<sip:x@elsewhere.example>;q=0.5"]


def test_by_q_one_after_another(proxy: Relaying) -> None:
    proxy.invites()
    moved(proxy, "<sip:dave@example.com>;q=0.2", "<sip:carol@example.com>;q=0.7")
    first = proxy.rings(CAROL)
    assert not proxy.takes(DAVE)
    proxy.replies(CAROL, first, 486)
    second = proxy.rings(DAVE)
    proxy.takes(ALICE)
    proxy.replies(DAVE, second, 603)
    assert proxy.statuses() == [603]


def test_the_other_phone_goes_on_ringing_and_is_cancelled(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB), to(BOB_2)))
    proxy.invites()
    other = proxy.rings(BOB_2)
    moved(proxy, "<sip:carol@example.com>")
    invite = proxy.rings(CAROL)
    assert not proxy.takes(BOB_2)
    proxy.replies(CAROL, invite, 200)
    proxy.replies(BOB_2, proxy.request_to(BOB_2, "CANCEL"), 200)
    proxy.replies(BOB_2, other, 487)
    proxy.pass_time(70)
    assert proxy.is_at_rest()


def test_never_in_circles(proxy: Relaying) -> None:
    """RFC 3261 16.5: nobody is called twice for one request."""
    proxy.invites()
    moved(proxy, "<sip:carol@example.com>")
    moved(proxy, "<sip:bob@example.com>", "<sip:CAROL@192.0.2.1>", who=CAROL)
    assert not proxy.takes(BOB) and not proxy.takes(CAROL)
    assert sent_back(proxy).status == 302
    proxy.pass_time(70)
    assert proxy.is_at_rest()


def test_to_oneself_alone_is_nobody(proxy: Relaying) -> None:
    proxy.invites()
    moved(proxy, "<sip:bob@example.com>")
    assert sent_back(proxy).status == 480


def test_not_endlessly(proxy: Relaying) -> None:
    for at in range(30):
        proxy.forks(f"u{at}", (to(("192.0.2.100", 5000 + at), f"u{at}"),))
    proxy.invites()
    moved(proxy, *[f"<sip:u{at}@example.com>" for at in range(30)])
    for at in range(10):
        proxy.replies(("192.0.2.100", 5000 + at), proxy.rings(("192.0.2.100", 5000 + at)), 480)
    answer = sent_back_last(proxy)
    assert answer.status == 302 and len(answer.headers.get_all("Contact")) == 20


def sent_back_last(proxy: Relaying) -> Response:
    return proxy.answer_at_last(ALICE)


def test_sips_does_not_become_sip(proxy: Relaying) -> None:
    """RFC 3261 16.7, step 4."""
    proxy.is_there(ALICE, "TLS")
    proxy.forks("bob", (to(BOB, flow=proxy.is_there(BOB, "TLS", 2)),))
    proxy.invites(uri="sips:bob@example.com")
    moved(proxy, "<sip:carol@example.com>")
    assert sent_back(proxy).status == 302


@pytest.mark.parametrize("contacts", [(), ("*",), ("<sip:bob@exa mple>",), ("<sip:carol@example.com",)])
def test_a_redirection_that_leads_nowhere_goes_back_as_it_is(proxy: Relaying, contacts: tuple[str, ...]) -> None:
    proxy.invites()
    moved(proxy, *contacts)
    assert sent_back(proxy).status == 302


@pytest.mark.parametrize("status", [305, 380])
def test_other_redirections_are_the_callers(proxy: Relaying, status: int) -> None:
    proxy.invites()
    moved(proxy, "<sip:carol@example.com>", status=status)
    assert sent_back(proxy).status == status


def test_who_has_given_up_is_not_called_elsewhere(proxy: Relaying) -> None:
    branch = proxy.invites()
    invite = proxy.rings(BOB)
    proxy.sends("CANCEL", branch=branch)
    proxy.takes(ALICE)
    proxy.replies(BOB, invite, 302, "Contact: <sip:carol@example.com>")
    assert not proxy.takes(CAROL) and 302 in proxy.statuses()


def test_a_message_is_followed_as_well(proxy: Relaying) -> None:
    proxy.sends("MESSAGE", body=b"hello", content_type="text/plain")
    proxy.replies(BOB, proxy.request_to(BOB, "MESSAGE"), 302, "Contact: <sip:carol@example.com>")
    message = proxy.request_to(CAROL, "MESSAGE")
    assert message.body == b"hello"
    proxy.replies(CAROL, message, 202)
    assert proxy.statuses()[-1] == 202


def test_breadth_is_shared(proxy: Relaying) -> None:
    """RFC 5393 5.3.3: what a redirection begins has the breadth of who has said it."""
    proxy.forks("bob", (to(BOB), to(BOB_2)))
    proxy.forks("carol", (to(CAROL, "carol"), to(DAVE, "dave")))
    proxy.invites("Max-Breadth: 2")
    moved(proxy, "<sip:carol@example.com>")
    assert proxy.rings(CAROL).headers.get("Max-Breadth") == "1"
    assert not proxy.takes(DAVE), "Bob's other phone still rings"
