"""The route table of the settings, read, explained, and read again while the server runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from confserver.__main__ import confserver
from confserver.app.orders import Orders
from confserver.app.route_table import table_of
from confserver.app.routes import Routes, explain_offline, facts_of
from confserver.config import Settings, load
from confserver.routing.commands import ExplainRoute
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.refusals import Invalid
from confserver.routing.router import Router
from confserver.sip.flow import Flow
from confserver.sip.message import Request, parse
from confserver.sip.proxy.plan import Answer
from confserver.sip.uri import parse_uri
from rooms import errors

NOW = 1_000_000.0
TABLE = """
[[groups]]
name = "staff"
members = ["alice"]

[[routes]]
name = "out"
user = ["_0Z*"]
group = ["staff"]
to = "address"
target = ["sip:{user}@192.0.2.40"]
strip = 1
prepend = "+49"

[[routes]]
user = ["_0*"]
to = "reject"
reason = "Not Yours"
"""


class Nobody:
    def find(self, uri: object, now: float) -> None:
        return None


class House:
    """A server's routes, from a file."""

    def __init__(self, tmp_path: Path, text: str = TABLE) -> None:
        self.file = tmp_path / "c.toml"
        self.file.write_text(text)
        self.router = Router(Nobody(), Guard(), table_of(load(self.file)))
        self.routes = Routes(self.router, lambda: ("192.0.2.1", "2001:db8::1"), Domains(["example.com"]))
        self.orders = Orders()
        self.routes.join(self.orders)
        self.routes.port_of = {"UDP": 5060, "TCP": 5060, "TLS": 5071}.get  # type: ignore[assignment]

    def explain(self, uri: str, **more: str) -> str:
        told = self.orders.carry_out(ExplainRoute(uri, **more), NOW).told
        assert told is not None
        return "\n".join(told["reasons"])  # type: ignore[arg-type]


def invite(uri: str) -> Request:
    lines = [f"INVITE {uri} SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "From: <sip:a@b>;tag=1"]
    found = parse("\r\n".join([*lines, "To: <sip:x@b>", "Call-ID: 1", "CSeq: 1 INVITE", "", ""]).encode())
    assert isinstance(found, Request)
    return found


# ------------------------------------------------------------------ read and explained
def test_the_settings_become_a_table(tmp_path: Path) -> None:
    house = House(tmp_path)
    told = house.explain("sip:030@example.com", caller="alice", source="203.0.113.9")
    assert told.splitlines() == [
        "alice has shown the password, so the call is taken from anywhere",
        "row 1 (out, settings) matches: address sip:{user}@192.0.2.40, strip 1, prepend +49",
        "it is sent to sip:+4930@192.0.2.40",
    ]
    assert "it is refused: 403 Not Yours" in house.explain("030@example.com")
    assert house.orders.answer("route list", {}, NOW) == [
        {"number": 1, "source": "settings", "name": "out", "when": "user _0Z*, group staff",
         "then": "address sip:{user}@192.0.2.40, strip 1, prepend +49", "off": ""},
        {"number": 2, "source": "settings", "name": "", "when": "user _0*", "then": "reject 403 Not Yours", "off": ""},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"uri": "mailto:<x>"}, "no address"),
        ({"uri": "sip:a@@b"}, "no address"),
        ({"uri": ""}, "no address"),
        ({"uri": "a" * 100_000 + "@@"}, "no address"),
        ({"uri": "sip:a@b", "source": "example.com"}, "not an IP address"),
        ({"uri": "sip:a@b", "request": "IN VITE"}, "no method"),
        ({"uri": "sip:a@b", "request": ""}, "no method"),
        ({"uri": "sip:a@b", "at": "tomorrow"}, "not a time"),
        ({"uri": "sip:a@b", "at": "9999-99-99"}, "not a time"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained(tmp_path: Path, asked: dict[str, str], why: str) -> None:
    with pytest.raises(errors.Invalid, match=why):
        House(tmp_path).orders.carry_out(ExplainRoute(**asked), NOW)


@pytest.mark.parametrize(
    ("text", "uri"),
    [("bob", "sip:bob@localhost"), ("bob@x", "sip:bob@x"), ("tel:+49", "tel:+49"), ("sip:x", "sip:x")],
)
def test_addresses_as_people_write_them(text: str, uri: str) -> None:
    assert str(facts_of(text, "", "::1", "invite", "", NOW).uri) == uri


def test_the_time_may_be_given() -> None:
    assert facts_of("bob", "", "::1", "INVITE", "2026-12-01T12:00", NOW).now != NOW
    with pytest.raises(Invalid):
        facts_of("bob", "", "::1", "INVITE", "noon", NOW)


def test_explained_without_a_server(tmp_path: Path) -> None:
    house = House(tmp_path)
    told = explain_offline(load(house.file), {"uri": "sip:030@x"})
    assert told["uri"] == "sip:030@x" and "403 Not Yours" in str(told["reasons"])
    with pytest.raises(ValueError, match="no address"):
        explain_offline(Settings(), {"uri": "@@"})


def test_on_the_command_line_without_a_server(tmp_path: Path) -> None:
    house = House(tmp_path)
    words = ["route", "explain", "sip:030@x", "--config", str(house.file), "--from", "alice", "--method", "MESSAGE"]
    result = CliRunner().invoke(confserver, words, standalone_mode=False)
    assert result.exit_code == 0 and "MESSAGE sip:030@x\n" in result.output and "sip:+4930@192.0.2.40" in result.output
    house.file.write_text('[[routes]]\nto = "trunk"')
    result = CliRunner().invoke(confserver, words, standalone_mode=False)
    assert result.exception is not None and "row 1: to = 'trunk' wants a target" in str(result.exception)


# ------------------------------------------------------------------ what the stack asks
@pytest.mark.parametrize(
    ("uri", "is_ours"),
    [
        ("sip:192.0.2.1", True),
        ("sip:bob@192.0.2.1:5060", True),
        ("sip:[2001:DB8:0::1]", True),
        ("sip:example.com", True),
        ("sip:Example.COM.;transport=tcp", True),
        ("sip:192.0.2.1;transport=tls", False),
        ("sip:192.0.2.1:5071;transport=tls", True),
        ("sips:192.0.2.1:5071", True),
        ("sip:192.0.2.1:5062", False),
        ("sip:192.0.2.9", False),
        ("sip:example.org", False),
        ("sip:bob@x7.invalid;transport=ws", False),
        ("tel:+49", False),
    ],
)  # fmt: skip
def test_which_routes_are_ours(tmp_path: Path, uri: str, is_ours: bool) -> None:
    house = House(tmp_path)
    house.routes.port_of = lambda transport: {"UDP": 5060, "TCP": 5060, "TLS": 5071}.get(transport, 0)
    assert house.routes.names_us(parse_uri(uri)) is is_ours


def test_a_server_that_stops_sends_nothing_new_on(tmp_path: Path) -> None:
    flow = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5060))
    house = House(tmp_path, '[[routes]]\nto = "address"\ntarget = ["sip:b@192.0.2.40"]')
    assert not isinstance(house.routes.plan(invite("sip:x@y"), flow, NOW), Answer)
    house.routes.is_drained = lambda: True
    assert isinstance(house.routes.plan(invite("sip:x@y"), flow, NOW), Answer)
    house.routes.is_drained, house.routes.is_closed = bool, True
    plan = house.routes.plan(invite("sip:x@y"), flow, NOW)
    assert isinstance(plan, Answer) and plan.status == 503
