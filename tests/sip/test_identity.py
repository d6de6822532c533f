"""Who calls, by the headers: whom we believe, who wants to stay unknown, who was called first."""

from __future__ import annotations

import pytest

from confserver.sip.doorkeeper import Identity
from confserver.sip.identity import ANONYMOUS, CallerId, caller_id, wants_privacy
from confserver.sip.message import Request, parse


def invite(*lines: str, from_: str = '"Anna" <sip:anna@example.com>;tag=1') -> Request:
    head = ["INVITE sip:standup@192.0.2.1 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "Max-Forwards: 70"]
    head += [f"From: {from_}", "To: <sip:standup@192.0.2.1>", "Call-ID: 1", "CSeq: 1 INVITE", *lines]
    request = parse("\r\n".join([*head, "Content-Length: 0", "", ""]).encode())
    assert isinstance(request, Request)
    return request


def who(*lines: str, is_believed: bool = True, **how: str) -> CallerId:
    return caller_id(invite(*lines, **how), is_believed=is_believed)


def test_by_from() -> None:
    found = who("User-Agent: Phone/1.0")
    assert (found.address.label, str(found.address.uri), found.agent) == ("Anna", "sip:anna@example.com", "Phone/1.0")
    assert not found.is_asserted and not found.is_anonymous


def test_an_asserted_identity_of_one_who_is_believed() -> None:
    found = who('P-Asserted-Identity: "Carl" <sip:carl@example.com>, <tel:+49301>')
    assert found.is_asserted and found.address.label == "Carl" and str(found.address.uri) == "sip:carl@example.com"


def test_and_of_anybody_else() -> None:
    found = who("P-Asserted-Identity: <sip:boss@example.com>", is_believed=False)
    assert not found.is_asserted and str(found.address.uri) == "sip:anna@example.com"


def test_an_asserted_identity_without_a_name_keeps_the_one_of_from() -> None:
    assert who("P-Asserted-Identity: <sip:anna@example.com>").address.display == "Anna"
    assert who("P-Asserted-Identity: <sip:carl@example.com>").address.display == ""


def test_one_that_cannot_be_read_is_none() -> None:
    assert not who("P-Asserted-Identity: <<<").is_asserted


@pytest.mark.parametrize("privacy", ["id", "user", "header;id", "id; critical", "ID", "none;id"])
def test_who_wants_to_stay_unknown_does(privacy: str) -> None:
    for is_believed in (True, False):
        found = who(f"Privacy: {privacy}", "P-Asserted-Identity: <sip:carl@example.com>", is_believed=is_believed)
        assert found.is_anonymous and found.address == ANONYMOUS and found.address.label == "Anonymous"


@pytest.mark.parametrize("privacy", ["none", "history", "", "critical"])
def test_who_does_not_is_shown(privacy: str) -> None:
    assert not wants_privacy(invite(f"Privacy: {privacy}")) and not who(f"Privacy: {privacy}").is_anonymous


def test_nobody_of_nowhere_is_unknown_unless_a_trusted_peer_knows_him() -> None:
    from_ = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'
    assert who(from_=from_).is_anonymous
    assert who("P-Asserted-Identity: <sip:carl@example.com>", from_=from_).address.uri.user == "carl"


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        ((), ""),
        (("Diversion: <sip:bob@b>;reason=user-busy",), "sip:bob@b"),
        (("Diversion: <sip:carl@b>;reason=no-answer, <sip:bob@b>;reason=unconditional",), "sip:bob@b"),
        (("Diversion: <sip:carl@b>", "Diversion: <sip:bob@b>;counter=1"), "sip:bob@b"),
        (("Diversion: <sip:bob@b>;privacy=full",), ""),
        (("Diversion: <sip:bob@b>;privacy=off",), "sip:bob@b"),
        (("Diversion: <<",), ""),
        (("History-Info: <sip:standup@192.0.2.1>;index=1",), ""),
        (("History-Info: <sip:bob@b>;index=1, <sip:standup@192.0.2.1>;index=1.1;mp=1",), "sip:bob@b"),
        (("History-Info: <sip:bob@b?Reason=SIP%3B>;index=1", "History-Info: <sip:x@y>;index=1.1"), "sip:bob@b"),
        (("History-Info: <sip:bob@b?Privacy=history>;index=1, <sip:x@y>;index=1.1",), ""),
        (("History-Info: <sip:x@y>;index=1, <sip:x@y>;index=1.1",), ""),
    ],
)  # fmt: skip
def test_who_was_called_first(lines: tuple[str, ...], first: str) -> None:
    assert who(*lines).diverted_by == first


def test_on_whose_wish() -> None:
    assert who('Referred-By: <sip:boss@example.com>;cid="1@x"').referred_by == "sip:boss@example.com"
    assert who("b: sip:boss@example.com").referred_by == "sip:boss@example.com"


def test_what_phones_call_themselves_is_cut() -> None:
    assert len(who(f"User-Agent: {'x' * 5000}").agent) == 100


def known(display: str = "", *lines: str, **how: str) -> CallerId:
    request = invite(*lines, **how)
    request.identity = Identity("alice", display)
    return caller_id(request, is_believed=True)


@pytest.mark.parametrize(("display", "name"), [("Alice A.", "Alice A."), ("", "Anna")])
def test_a_password_counts_before_all_that_is_said(display: str, name: str) -> None:
    found = known(display, "P-Asserted-Identity: <sip:boss@example.com>")
    assert (found.address.display, str(found.address.uri)) == (name, "sip:alice@example.com")
    assert found.is_asserted and found.user == "alice"


def test_a_user_who_wants_to_stay_unknown_does() -> None:
    for found in (known("Alice", "Privacy: id"), known("Alice", from_="<sip:x@anonymous.invalid>;tag=1")):
        assert found.is_anonymous and found.address == ANONYMOUS and found.user == ""


def test_of_others_no_user_is_named() -> None:
    assert who("P-Asserted-Identity: <sip:alice@example.com>").user == ""
