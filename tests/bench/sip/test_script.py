"""What the bench's callers say is SIP, and what they read of answers is what stands there."""

from __future__ import annotations

import pytest

from confserver.bench.sip import script
from confserver.bench.sip.script import Place
from confserver.sdp import text as sdp
from confserver.sip.message import Request, Response, parse, response_to

PLACE = Place(("127.0.0.1", 5060), ("127.0.0.1", 4000), (("127.0.0.1", 5000), ("127.0.0.1", 5001)))


@pytest.mark.parametrize(
    ("data", "method", "user"),
    [
        (script.invite(PLACE, "bench3", 7), "INVITE", "bench3"),
        (script.register(PLACE, "anna", 7), "REGISTER", ""),
        (script.message(PLACE, "bob", 7), "MESSAGE", "bob"),
    ],
)
def test_requests_are_well_formed(data: bytes, method: str, user: str) -> None:
    request = parse(data)
    assert isinstance(request, Request)
    assert (request.method, request.uri.user, request.call_id) == (method, user, "7@bench")
    assert request.contacts and request.via.has_param("rport")
    if method == "INVITE":
        assert sdp.parse(request.body).media[0].port == 5001


def test_answers_are_read_and_used_in_the_dialog() -> None:
    invite = parse(script.invite(PLACE, "bench", 12))
    assert isinstance(invite, Request)
    response = response_to(invite, 200, to_tag="theirs")
    response.headers.add("Contact", "<sip:bench@127.0.0.1:5062>")
    response.body = b"v=0\r\nm=audio 20014 RTP/AVP 0\r\n"
    answer = script.answer_of(response.encode())
    assert answer is not None
    assert (answer.number, answer.status, answer.method, answer.media_port) == (12, 200, "INVITE", 20014)
    bye = parse(script.in_call("BYE", PLACE, answer, 2))
    assert isinstance(bye, Request)
    assert (str(bye.uri), bye.to.tag, bye.from_.tag) == ("sip:bench@127.0.0.1:5062", "theirs", invite.from_.tag)


def test_the_words_of_a_warning_are_told() -> None:
    invite = parse(script.invite(PLACE, "bench", 1))
    assert isinstance(invite, Request)
    refused = response_to(invite, 503, to_tag="t")
    refused.headers.add("Warning", '399 confserver "no free port"')
    answer = script.answer_of(refused.encode())
    assert answer is not None and (answer.status, answer.why) == (503, "no free port")


@pytest.mark.parametrize(
    "data", [b"", b"BYE sip:x SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n\r\n", b"SIP/2.0 2x0 OK\r\nCall-ID: 1@bench\r\n"]
)
def test_what_is_no_answer_to_us_is_passed_over(data: bytes) -> None:
    assert script.answer_of(data) is None


def test_their_requests_are_answered() -> None:
    asked = parse(script.message(PLACE, "bob", 3))
    answer = parse(script.reply_to(asked.encode()))
    assert isinstance(answer, Response)
    assert (answer.status, answer.call_id, str(answer.cseq), answer.to.tag) == (200, "3@bench", "1 MESSAGE", "b")
