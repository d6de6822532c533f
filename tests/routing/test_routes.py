"""Where a request goes."""

from __future__ import annotations

import ipaddress

import pytest

from confserver.routing.guard import Guard
from confserver.routing.routes import Refuse, Route, ToRoom, ToServer, route
from confserver.sip.flow import Flow
from confserver.sip.message import Request, parse

GUARD = Guard([ipaddress.ip_network("198.51.100.0/24")], [ipaddress.ip_network("192.0.2.0/24")])


def routed(uri: str, source: str = "192.0.2.9", method: str = "INVITE") -> Route:
    lines = [f"{method} {uri} SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "From: <sip:a@b>;tag=1"]
    lines += ["To: <sip:somebody-else@b>", "Call-ID: 1", f"CSeq: 1 {method}", "", ""]
    request = parse("\r\n".join(lines).encode())
    assert isinstance(request, Request)
    return route(request, Flow("UDP", ("192.0.2.1", 5060), (source, 5060)), GUARD)


@pytest.mark.parametrize(
    ("uri", "to"),
    [
        ("sip:standup@192.0.2.1", ToRoom("standup")),
        ("sip:StandUp@example.com:5070;transport=tcp", ToRoom("StandUp")),
        ("sip:%73tandup@192.0.2.1", ToRoom("standup")),
        ("sip:standup:secret@192.0.2.1", ToRoom("standup")),
        ("sips:standup@192.0.2.1", ToRoom("standup")),
        ("sip:192.0.2.1", ToServer()),
        ("sip:[2001:db8::1]:5060", ToServer()),
    ],
)
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_the_request_uri_decides(uri: str, to: Route, method: str) -> None:
    assert routed(uri, method=method) == to


@pytest.mark.parametrize("source", ["203.0.113.9", "2001:db8::9", "::ffff:203.0.113.9", "name.example.com"])
@pytest.mark.parametrize("uri", ["sip:standup@192.0.2.1", "sip:192.0.2.1"])
def test_strangers_are_refused_whatever_they_ask_for(source: str, uri: str) -> None:
    refused = routed(uri, source)
    assert isinstance(refused, Refuse) and refused.status == 403 and source in refused.reason


@pytest.mark.parametrize("source", ["127.0.0.1", "192.0.2.9", "198.51.100.9", "::1"])
def test_those_who_may_call(source: str) -> None:
    assert routed("sip:standup@192.0.2.1", source) == ToRoom("standup")
