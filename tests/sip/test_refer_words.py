"""What a REFER, a sipfrag and a key in INFO say."""

from __future__ import annotations

import pytest

from confserver.sip.dtmf import BARE, RELAY, read_key
from confserver.sip.extensions.refer import Refer, read_sipfrag, refer_of, write_sipfrag
from confserver.sip.extensions.replaces import Named
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, parse
from tests.kit.sip_play import Wire


def refer(*lines: str) -> Refer:
    request = parse(Wire().request("REFER", *lines).encode())
    assert isinstance(request, Request)
    return refer_of(request)


def test_whom_to_call() -> None:
    found = refer('Refer-To: "Carl" <sip:carl@example.com>')
    assert (str(found.target), found.name, found.method, found.wants_news) == (
        "sip:carl@example.com", "Carl", "INVITE", True,
    )  # fmt: skip
    assert found.referred_by == "<sip:alice@a>", "who sends it, where it says nothing else"


def test_whom_to_remove_and_by_whose_wish() -> None:
    found = refer("r: <sip:carl@example.com;method=BYE>", 'Referred-By: <sip:boss@example.com>;cid="1@x"')
    assert (str(found.target), found.method, found.referred_by) == (
        "sip:carl@example.com", "BYE", "<sip:boss@example.com>",
    )  # fmt: skip


def test_whose_place_to_take() -> None:
    found = refer("Refer-To: <sip:carl@x?Replaces=a%40b%3Bto-tag%3Dt%3Bfrom-tag%3Df&Accept-Contact=*>")
    assert found.replaces == Named("a@b", "t", "f") and str(found.target) == "sip:carl@x"


@pytest.mark.parametrize("line", ["Refer-Sub: false", "Refer-Sub: FALSE;x", "Require: nosub"])
def test_who_wants_no_news(line: str) -> None:
    found = refer("Refer-To: <sip:carl@x>", line)
    assert not found.wants_news and found.is_told_so == line.startswith("Refer-Sub")


@pytest.mark.parametrize(
    "lines",
    [(), ("Refer-To: <<",), ("Refer-To: <sip:a@b>", "Refer-To: <sip:c@d>"), ("Refer-To: <sip:a@b?Replaces=nothing>",)],
)
def test_what_makes_no_sense(lines: tuple[str, ...]) -> None:
    with pytest.raises(Malformed):
        refer(*lines)


def test_a_sipfrag_is_a_status_line() -> None:
    assert write_sipfrag(100) == b"SIP/2.0 100 Trying\r\n"
    assert write_sipfrag(486, "busy\r\nX: y") == b"SIP/2.0 486 busyX: y\r\n"
    assert read_sipfrag(b"SIP/2.0 603 Declined\r\nServer: x\r\n") == (603, "Declined")
    assert read_sipfrag(b"SIP/2.0 200") == (200, "")


@pytest.mark.parametrize("body", [b"", b"SIP/2.0", b"SIP/2.0 700 x", b"INVITE sip:a@b SIP/2.0", b"\xff"])
def test_what_is_no_sipfrag(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_sipfrag(body)


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", ("5", 160)),
        (RELAY, b"Signal= *\r\nDuration= 250", ("*", 250)),
        (RELAY, b"Signal=11\nDuration=x", ("#", 100)),
        (RELAY, b"duration=99999999\r\nsignal=d", ("D", 100)),
        (RELAY, b"Signal=1\r\nDuration=600000", ("1", 10000)),
        (BARE, b"7", ("7", 100)),
        (BARE, b" #\r\n", ("#", 100)),
    ],
)
def test_keys(kind: str, body: bytes, key: tuple[str, int]) -> None:
    assert read_key(kind, body) == key


@pytest.mark.parametrize(
    ("kind", "body"), [(RELAY, b""), (RELAY, b"Signal="), (RELAY, b"Signal=55"), (BARE, b"x"), (BARE, b"\xff" * 999)]
)
def test_no_keys(kind: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        read_key(kind, body)
