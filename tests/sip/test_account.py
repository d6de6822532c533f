"""A client with a password meets challenges."""

from __future__ import annotations

from itertools import count

import pytest

from confserver.sip.account import Account
from confserver.sip.digest import Challenge, ha1, is_right, parse_credentials
from confserver.sip.headers import Headers
from confserver.sip.message import Request, Response, parse

REGISTER = (
    b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
    b"From: <sip:a@example.com>;tag=1\r\n"
    b"To: <sip:a@example.com>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n\r\n"
)


def request(*lines: tuple[str, str]) -> Request:
    made = parse(REGISTER)
    assert isinstance(made, Request)
    for name, value in lines:
        made.headers.add(name, value)
    return made


def challenged(*challenges: object, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, "", Headers([(name, str(each)) for each in challenges]))


def challenge(algorithm: str = "SHA-256", realm: str = "r", nonce: str = "n1", *, stale: bool = False) -> Challenge:
    return Challenge(realm=realm, nonce=nonce, algorithm=algorithm, stale=stale)


@pytest.fixture
def account() -> Account:
    numbers = count(1)
    return Account("alice", "secret", lambda: f"c{next(numbers)}")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_the_answer_is_right(account: Account, algorithm: str) -> None:
    lines = account.answer(challenged(challenge(algorithm)), request())
    assert lines is not None
    [(name, value)] = lines
    assert name == "Authorization"
    credentials = parse_credentials(value)
    assert is_right(credentials, ha1(algorithm, "alice", "r", "secret"), "REGISTER")
    assert (credentials.nc, credentials.cnonce, credentials.uri) == (1, "c1", "sip:example.com")


def test_the_first_that_is_known_is_taken(account: Account) -> None:
    lines = account.answer(
        challenged("Basic realm=x", challenge("SHA-3"), challenge("SHA-512-256"), challenge("MD5")), request()
    )
    assert lines and parse_credentials(lines[0][1]).algorithm == "SHA-512-256"


def test_a_proxy_is_answered_in_its_own_header(account: Account) -> None:
    assert account.answer(challenged(challenge(), status=407), request())[0][0] == "Proxy-Authorization"  # type: ignore[index]


def test_next_time_it_is_ready_and_counts(account: Account) -> None:
    account.answer(challenged(challenge()), request())
    [(_, value)] = account.prepared("REGISTER", "sip:example.com")
    assert parse_credentials(value).nc == 2


def test_a_wrong_password_is_not_tried_again(account: Account) -> None:
    lines = account.answer(challenged(challenge()), request())
    assert lines
    assert account.answer(challenged(challenge(nonce="n2")), request(*lines)) is None


def test_a_stale_nonce_is_replaced(account: Account) -> None:
    lines = account.answer(challenged(challenge()), request())
    assert lines
    again = account.answer(challenged(challenge(nonce="n2", stale=True)), request(*lines))
    assert again and parse_credentials(again[0][1]).nonce == "n2" and parse_credentials(again[0][1]).nc == 1
    assert account.answer(challenged(challenge(nonce="n2", stale=True)), request(*again)) is None  # no end of it


def test_several_realms_are_answered_one_after_the_other(account: Account) -> None:
    first = account.answer(challenged(challenge(realm="a"), status=407), request())
    assert first
    both = account.answer(challenged(challenge(realm="b"), status=407), request(*first))
    assert both and [parse_credentials(value).realm for _, value in both] == ["a", "b"]


def test_there_is_no_end_of_realms_and_we_do_not_follow(account: Account) -> None:
    lines: tuple[tuple[str, str], ...] | None = ()
    for number in range(20):
        assert lines is not None
        lines = account.answer(challenged(challenge(realm=f"r{number}")), request(*lines))
        if lines is None:
            break
    assert lines is None and len(account.prepared("REGISTER", "sip:x")) == 8


@pytest.mark.parametrize(
    "response",
    [
        Response(401, "", Headers()),
        challenged("Basic realm=x"),
        challenged('Digest realm="x'),
        challenged('Digest realm="r", nonce="n", qop="auth-int"'),
        Response(403, "", Headers([("WWW-Authenticate", str(challenge()))])),
    ],
)
def test_what_cannot_be_answered_is_not(account: Account, response: Response) -> None:
    assert account.answer(response, request()) is None


def test_an_old_server_without_qop(account: Account) -> None:
    lines = account.answer(challenged('Digest realm="r", nonce="n"'), request())
    assert lines
    credentials = parse_credentials(lines[0][1])
    assert credentials.qop == "" and is_right(credentials, ha1("MD5", "alice", "r", "secret"), "REGISTER")


def test_the_password_is_in_no_repr(account: Account) -> None:
    assert "secret" not in repr(account)
