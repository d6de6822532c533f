"""Where requests go: by the table, to a user's phones, to a room."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from confserver.routing.domains import Domains
from confserver.routing.gruus import Gruus
from confserver.routing.guard import Guard
from confserver.routing.location import Binding, Location
from confserver.routing.patterns import Pattern
from confserver.routing.reach import Reach
from confserver.routing.router import Router, groups_of, through
from confserver.routing.table import Facts, Row, Table
from confserver.routing.trunks import Host, Trunk
from confserver.routing.users import Users
from confserver.sip.doorkeeper import Identity
from confserver.sip.flow import Flow
from confserver.sip.message import Request, parse
from confserver.sip.proxy.plan import Answer, Here, Plan, Relay
from confserver.sip.uri import parse_uri
from confserver.sip.ways import Hop

NOW = 1_000_000.0
SOURCE = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5060))
GUARD = Guard([ipaddress.ip_network("198.51.100.0/24")], [ipaddress.ip_network("192.0.2.0/24")])


class House:
    def __init__(self, *rows: Row, domains: tuple[str, ...] = (), **more: Any) -> None:
        self.users = Users()
        self.location = Location()
        self.users.add("bob", "correct horse", "Bob", ("1000", "+49 30 1234"), NOW)
        self.users.add("carol", "correct horse", "", (), NOW)
        self.reach = Reach(self.users, self.location, Domains(domains, lambda: ("192.0.2.1",)), Gruus(b"x" * 32))
        self.router = Router(self.reach, GUARD, Table(rows, {"staff": (Pattern("bob"),)}), **more)

    def registers(self, *bindings: Binding, user: str = "bob") -> None:
        self.location.update(user, bindings, NOW)

    def plan(self, uri: str = "sip:bob@example.com", method: str = "INVITE", identity: str = "") -> Plan | None:
        return self.router.plan(request(uri, method, identity), SOURCE, NOW)

    def explain(self, uri: str, **more: Any) -> str:
        given: dict[str, Any] = {"method": "INVITE", "source": "192.0.2.9", "now": NOW, **more}
        return "\n".join(self.router.explain(Facts(uri=parse_uri(uri), **given)))


def request(uri: str, method: str = "INVITE", identity: str = "") -> Request:
    lines = [f"{method} {uri} SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "From: <sip:a@b>;tag=1"]
    lines += ["To: <sip:x@b>", "Call-ID: 1", f"CSeq: 1 {method}", "", ""]
    found = parse("\r\n".join(lines).encode())
    assert isinstance(found, Request)
    found.identity = Identity(identity) if identity else None
    return found


def phone(host: str = "192.0.2.20", **more: Any) -> Binding:
    given: dict[str, Any] = {"user": "bob", "expires_at": NOW + 600, "call_id": "1", "cseq": 1, **more}
    return Binding(contact=parse_uri(f"sip:bob@{host}:5060"), **given)


def hosts(plan: Plan | None) -> list[list[str]]:
    assert isinstance(plan, Relay)
    return [[target.uri.host for target in group] for group in plan.groups]


# ------------------------------------------------------------------ without a table
@pytest.mark.parametrize("uri", ["sip:bob@example.com", "sip:BOB@192.0.2.1", "sip:1000@x", "tel:+49301234"])
def test_a_user_is_called_by_any_name(uri: str) -> None:
    house = House()
    house.registers(phone())
    assert hosts(house.plan(uri)) == [["192.0.2.20"]]


def test_a_user_without_a_phone() -> None:
    assert House().plan() == Answer(480)
    assert "480: no phone of user bob is registered" in House().explain("sip:bob@example.com")


@pytest.mark.parametrize("uri", ["sip:standup@example.com", "sip:192.0.2.1", "sip:bob2@example.com", "tel:+1"])
def test_all_else_is_a_room_or_the_server(uri: str) -> None:
    assert House().plan(uri) is None


def test_in_another_domain_nobody_is_ours() -> None:
    house = House(domains=("example.com",))
    house.registers(phone())
    assert house.plan("sip:bob@example.org") is None and hosts(house.plan("sip:bob@example.com"))


def test_who_is_shut_out_cannot_be_called() -> None:
    house = House()
    house.registers(phone())
    house.users.change("bob", NOW, None, None, False)
    assert house.plan() is None


def test_register_is_never_routed() -> None:
    assert House(Row(to="reject", status=403)).plan(method="REGISTER") is None


# ------------------------------------------------------------------ phones
def test_phones_ring_by_q() -> None:
    house = House(ring_s=7.0)
    house.registers(phone("192.0.2.20", q=500), phone("192.0.2.21"), phone("192.0.2.22", q=500))
    plan = house.plan()
    assert isinstance(plan, Relay) and plan.ring_s == 7.0
    first, second = hosts(plan)
    assert first == ["192.0.2.21"] and sorted(second) == ["192.0.2.20", "192.0.2.22"]


def test_path_and_flow() -> None:
    tcp = Flow("TCP", ("192.0.2.1", 5060), ("192.0.2.20", 4711), 3)
    near = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.22", 5060))
    nat = Flow("UDP", ("192.0.2.1", 5060), ("203.0.113.7", 6000))
    bindings = [
        phone("x.invalid", flow=tcp),
        phone("192.0.2.22", flow=near),
        phone("10.0.0.5", flow=nat),
        phone("192.0.2.23", path=("<sip:192.0.2.30;lr>",)),
    ]
    [group] = groups_of(bindings)
    assert [target.flow for target in group] == [tcp, None, nat, None]
    assert [target.routes for target in group] == [(), (), (), ("<sip:192.0.2.30;lr>",)]


def test_flows_of_one_phone_are_tried_one_after_another() -> None:
    """RFC 5626 section 6."""
    flows = [Flow("TCP", ("192.0.2.1", 5060), ("192.0.2.20", 4711 + at), at) for at in (1, 2)]
    bindings = [phone(instance="urn:a", reg_id=at, flow=flow, is_outbound=True) for at, flow in enumerate(flows, 1)]
    [[target]] = groups_of([*bindings])
    assert target.flow == flows[0] and target.instead is not None and target.instead.flow == flows[1]
    assert target.instead.instead is None


def test_sips_is_for_secure_phones_alone() -> None:
    """RFC 5630 5.3."""
    house = House()
    house.registers(phone())
    refused = house.plan("sips:bob@example.com")
    assert isinstance(refused, Answer) and refused.status == 480 and "380" in refused.headers[0][1]
    assert "by sips or TLS" in house.explain("sips:bob@example.com")
    tls = Flow("TLS", ("192.0.2.1", 5061), ("192.0.2.21", 4711), 3)
    house.registers(phone(), phone("192.0.2.21", flow=tls))
    assert hosts(house.plan("sips:bob@example.com")) == [["192.0.2.21"]]
    assert House().plan("sips:bob@example.com") == Answer(480)


def test_an_outbound_phone_without_its_flow_is_not_there() -> None:
    assert groups_of([phone(instance="urn:a", reg_id=1, is_outbound=True)]) == ()


def test_a_gruu_leads_to_one_phone() -> None:
    house = House()
    house.registers(phone(instance="urn:a", gruu=7), phone("192.0.2.21", instance="urn:b", gruu=8))
    assert hosts(house.plan("sip:bob@example.com;gr=urn:b")) == [["192.0.2.21"]]
    assert house.plan("sip:bob@example.com;gr=urn:c") == Answer(480)
    temporary = house.reach._gruus.temporary(parse_uri("sip:bob@example.com"), 7, "00ff")
    assert hosts(house.plan(str(temporary))) == [["192.0.2.20"]]
    assert house.plan("sip:tgruu.x.y@example.com;gr") == Answer(404)


@pytest.mark.parametrize("is_temporary", [False, True])
def test_a_phone_hears_that_its_gruu_was_called(is_temporary: bool) -> None:
    """RFC 5627 section 5: ``gr`` goes along; not where somebody has called the user."""
    house = House()
    house.registers(phone(instance="urn:a", gruu=7))
    gruu = house.reach._gruus.temporary(parse_uri("sip:bob@example.com"), 7, "00ff")
    plan = house.plan(str(gruu) if is_temporary else "sip:bob@example.com;gr=urn:a")
    assert isinstance(plan, Relay)
    assert str(plan.groups[0][0].uri) == "sip:bob@192.0.2.20:5060;gr" + ("" if is_temporary else "=urn:a")
    plain = house.plan()
    assert isinstance(plain, Relay) and not plain.groups[0][0].uri.has_param("gr")


# ------------------------------------------------------------------ by rows
def test_to_a_room_by_another_name() -> None:
    plan = House(Row(users=(Pattern("_8XX"),), to="room", targets=("room-{user}",))).plan("sip:801@example.com")
    assert isinstance(plan, Here) and str(plan.uri) == "sip:room-801@example.com"
    plan = House(Row(to="room", targets=("main",))).plan("tel:+1")
    assert isinstance(plan, Here) and plan.uri.is_sip and plan.uri.user == "main"
    assert House(Row(to="room")).plan("sip:801@example.com") is None


def test_a_row_makes_a_room_of_a_users_name() -> None:
    house = House(Row(users=(Pattern("bob"),), to="room"))
    house.registers(phone())
    assert house.plan() is None


def test_to_a_user() -> None:
    house = House(Row(users=(Pattern("reception"),), to="user", targets=("bob",)))
    assert house.plan("sip:reception@example.com") == Answer(480)
    house.registers(phone())
    assert hosts(house.plan("sip:reception@example.com")) == [["192.0.2.20"]]
    assert House(Row(to="user")).plan("sip:nobody@example.com") == Answer(404)


def test_to_addresses() -> None:
    row = Row(to="address", targets=("sip:{user}@192.0.2.40", "sip:192.0.2.41"), strip=1)
    plan = House(row).plan("sip:9030@example.com")
    assert isinstance(plan, Relay)
    assert [str(target.uri) for target in plan.groups[0]] == ["sip:030@192.0.2.40", "sip:192.0.2.41"]


def test_redirected_and_refused() -> None:
    plan = House(Row(to="redirect", status=302, targets=("sip:{user}@example.org",))).plan()
    assert plan == Answer(302, "", (("Contact", "<sip:bob@example.org>"),))
    assert House(Row(to="reject", status=480, reason="Closed")).plan() == Answer(480, "Closed")


def test_to_a_trunk() -> None:
    """By its hosts that live first; the next one stands in for one that cannot be reached."""
    near, far = Host(Hop("UDP", "192.0.2.50", 5060), is_up=False), Host(Hop("TCP", "192.0.2.51", 5070), is_up=True)
    trunks = through([Trunk("carrier", (near, far), "carrier.example")])
    row = Row(to="trunk", targets=("carrier",), strip=1, prepend="+49")
    plan = House(row, trunks=trunks).plan("sip:030@example.com")
    assert isinstance(plan, Relay)
    [[way]] = plan.groups
    assert str(way.uri) == "sip:+4930@carrier.example;user=phone" and way.hop == far.hop
    assert way.instead is not None and way.instead.hop == near.hop and way.instead.instead is None
    assert "through trunk carrier as +4930" in House(row, trunks=trunks).explain("sip:030@example.com")


def test_to_a_trunk_that_is_not_there() -> None:
    plan = House(Row(to="trunk", targets=("carrier",))).plan("sip:030@example.com")
    assert isinstance(plan, Answer) and plan.status == 503


def test_who_has_shown_a_password() -> None:
    house = House(
        Row(groups=("staff",), to="address", targets=("sip:{user}@192.0.2.40",)), Row(to="reject", status=403)
    )
    assert hosts(house.plan("sip:030@x", identity="bob")) == [["192.0.2.40"]]
    assert house.plan("sip:030@x", identity="carol") == house.plan("sip:030@x") == Answer(403)


# ------------------------------------------------------------------ in words
def test_explained() -> None:
    house = House(Row(name="night", hours=(0, 1), to="reject", status=480), Row(users=(Pattern("_0*"),), to="trunk"))
    house.registers(phone(), phone("192.0.2.21", q=100))
    told = house.explain("sip:bob@example.com")
    assert "192.0.2.9 is inside" in told and "row 1 (night) does not: time is" in told
    assert "row 2 does not: user is bob, not _0*" in told
    assert "it rings at user bob: sip:bob@192.0.2.20:5060, then sip:bob@192.0.2.21:5060" in told
    assert "it is for the room standup" in house.explain("sip:standup@x", source="203.0.113.9")
    house.router.room_named = lambda text: {"4711": "standup"}.get(text, text)
    assert house.explain("sip:4711@x").endswith("it is for the room standup, whose number 4711 is")
    assert house.explain("sip:4712@x").endswith("it is for the room 4712")
    assert "203.0.113.9 is outside" in house.explain("sip:standup@x", source="203.0.113.9")
    assert "trusted_networks" in house.explain("sip:standup@x", source="198.51.100.1")
    assert "bob has shown" in house.explain("sip:standup@x", identity="bob")
    assert "the server itself" in house.explain("sip:192.0.2.1")
    assert "registrar" in house.explain("sip:192.0.2.1", method="REGISTER")


def test_the_table_may_change_at_any_time() -> None:
    house = House()
    house.router.table = Table((Row(to="reject", status=403),))
    assert house.plan() == Answer(403)
