from __future__ import annotations

import pytest

from confserver.sip.grammar import Malformed
from confserver.sip.via import Via, parse_via


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("SIP/2.0/UDP h", Via("UDP", "h")),
        (
            "SIP/2.0/udp my_host:5070;rport;branch=z9hG4bKa!b",
            Via("UDP", "my_host", 5070, (("rport", None), ("branch", "z9hG4bKa!b"))),
        ),
        (
            "SIP/2.0/TCP [2001:db8::9]:5060;received=2001:db8::9:255",
            Via("TCP", "2001:db8::9", 5060, (("received", "2001:db8::9:255"),)),
        ),
        (
            "SIP / 2.0 / UDP  h : 5060 ; branch = x ; received = [2001:db8::1]",
            Via("UDP", "h", 5060, (("branch", "x"), ("received", "[2001:db8::1]"))),
        ),
        ("SIP/2.0/WS df7jal23ls0d.invalid", Via("WS", "df7jal23ls0d.invalid")),
        ("SIP/7.0/UDP h", Via("UDP", "h", protocol="SIP/7.0")),
    ],
)  # fmt: skip
def test_read(text: str, via: Via) -> None:
    assert parse_via(text) == via
    assert parse_via(str(via)) == via


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0/UDPh",
        "SIP/2.0/UDP h:",
        "SIP/2.0/UDP h:99999",
        "SIP/2.0/UDP h:5x",
        "SIP/2.0/UDP h;;branch=x",
        "SIP/2.0/UDP h branch=x",
        "SIP/2.0/UDP 2001:db8::9",
        "SIP/2.0/UDP [2001:db8::9",
        "SIP/2.0/UDP h, SIP/2.0/UDP i",
        "SIP//UDP h",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_via(text)


def test_a_branch_is_written_back_unchanged() -> None:
    text = "SIP/2.0/UDP h:5060;branch=z9hG4bK-.!%66*_+`'~;alias"
    assert str(parse_via(text)) == text


def test_what_the_server_writes_into_it() -> None:
    via = parse_via("SIP/2.0/UDP h;rport;branch=x")
    assert via.has_param("rport") and via.param("rport") is None
    marked = via.with_param("rport", "5066").with_param("received", "192.0.2.1")
    assert str(marked) == "SIP/2.0/UDP h;rport=5066;branch=x;received=192.0.2.1"
    assert marked.branch == "x"
    assert Via("UDP", "h").branch == ""
