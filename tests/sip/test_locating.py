"""Where a domain's SIP servers are (RFC 3263 section 4): plays of questions and answers, and lots (RFC 2782)."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.sip.locating import (
    MOST_HOSTS,
    MOST_TARGETS,
    Naptr,
    Query,
    Question,
    Srv,
    Target,
    chosen,
    in_order,
    locate,
)

OURS = ("UDP", "TCP", "TLS")


class Zone:
    """What a name server knows."""

    def __init__(self, **records: Any) -> None:
        self.naptr: list[Naptr] = []
        self.srv: dict[str, list[Srv]] = {}
        self.addresses: dict[str, list[str]] = {}
        self.asked: list[Query] = []
        for name, value in records.items():
            setattr(self, name, value)

    def answer(self, query: Query) -> Any:
        self.asked.append(query)
        if query.kind == "NAPTR":
            return self.naptr
        return (self.srv if query.kind == "SRV" else self.addresses).get(query.name, [])

    def locate(self, question: Question, ours: tuple[str, ...] = OURS, seed: int = 1) -> list[Target]:
        steps = locate(question, ours, random.Random(seed))
        queries = next(steps)
        while True:
            try:
                queries = steps.send([self.answer(query) for query in queries])
            except StopIteration as end:
                return list(end.value)

    def kinds(self) -> list[str]:
        return [query.kind for query in self.asked]


def naptr(service: str, replacement: str, order: int = 10, preference: int = 10, flags: str = "s") -> Naptr:
    return Naptr(order, preference, flags, service, "", replacement)


A = {"a.example": ["192.0.2.1", "2001:db8::1"], "b.example": ["192.0.2.2"], "example.com": ["192.0.2.9"]}


# ---------------------------------------------------------------- what is asked
def test_the_example_of_the_rfc() -> None:
    """RFC 3263 section 4.1: the domain would rather have TLS, then TCP, then UDP."""
    zone = Zone(
        naptr=[
            naptr("SIPS+D2T", "_sips._tcp.example.com.", preference=50),
            naptr("SIP+D2T", "_sip._tcp.example.com.", preference=90),
            naptr("SIP+D2U", "_sip._udp.example.com.", preference=100),
        ],
        srv={"_sip._tcp.example.com": [Srv(0, 1, 5060, "a.example"), Srv(0, 2, 5062, "b.example")]},
        addresses=A,
    )
    found = zone.locate(Question("example.com"), ("UDP", "TCP"))
    assert {(each.transport, each.port) for each in found} == {("TCP", 5060), ("TCP", 5062)}
    assert zone.asked[0] == Query("NAPTR", "example.com")
    assert Query("SRV", "_sips._tcp.example.com") not in zone.asked, "we have none"
    assert [each.transport for each in Zone(naptr=zone.naptr, addresses=A).locate(Question("example.com"))] == ["UDP"]


def test_a_port_means_addresses_alone() -> None:
    """Section 4.2; the transport is UDP where none is named (4.1)."""
    zone = Zone(naptr=[naptr("SIP+D2T", "x.example")], addresses=A)
    assert zone.locate(Question("a.example", port=5070)) == [
        Target("UDP", "192.0.2.1", 5070), Target("UDP", "2001:db8::1", 5070)
    ]  # fmt: skip
    assert zone.kinds() == ["ADDRESS"]
    assert zone.locate(Question("b.example", "TCP", 5070)) == [Target("TCP", "192.0.2.2", 5070)]
    assert zone.locate(Question("b.example", port=5071, is_secure=True)) == [Target("TLS", "192.0.2.2", 5071)]


def test_a_transport_means_its_srv_records() -> None:
    zone = Zone(srv={"_sip._tcp.example.com": [Srv(0, 0, 5080, "b.example")]}, addresses=A)
    assert zone.locate(Question("example.com", "TCP")) == [Target("TCP", "192.0.2.2", 5080)]
    assert zone.kinds() == ["SRV", "ADDRESS"]


def test_without_records_the_host_itself_at_the_usual_port() -> None:
    zone = Zone(addresses=A)
    assert zone.locate(Question("example.com")) == [Target("UDP", "192.0.2.9", 5060)]
    assert zone.kinds() == ["NAPTR", "SRV", "SRV", "SRV", "ADDRESS"]
    assert zone.locate(Question("example.com", "TLS")) == [Target("TLS", "192.0.2.9", 5061)]
    assert zone.locate(Question("example.com", "WS")) == [Target("WS", "192.0.2.9", 80)]
    assert zone.locate(Question("example.com"), ("TCP", "TLS")) == [Target("TCP", "192.0.2.9", 5060)]


def test_without_naptr_all_that_have_srv_records_in_our_order() -> None:
    zone = Zone(
        srv={
            "_sip._tcp.example.com": [Srv(0, 0, 5060, "a.example")],
            "_sip._udp.example.com": [Srv(0, 0, 5060, "b.example")],
        },
        addresses=A,
    )
    assert [each.transport for each in zone.locate(Question("example.com"))] == ["UDP", "TCP", "TCP"]


def test_sips_is_tls_and_nothing_else() -> None:
    zone = Zone(
        naptr=[naptr("SIP+D2U", "_sip._udp.example.com"), naptr("SIPS+D2T", "_s.example", preference=99)],
        srv={"_s.example": [Srv(0, 0, 5061, "a.example")], "_sip._udp.example.com": [Srv(0, 0, 5060, "b.example")]},
        addresses=A,
    )
    assert {each.transport for each in zone.locate(Question("example.com", is_secure=True))} == {"TLS"}
    assert Zone(addresses=A).locate(Question("example.com", is_secure=True)) == [Target("TLS", "192.0.2.9", 5061)]


def test_websockets_are_found_by_naptr_alone() -> None:
    zone = Zone(
        naptr=[naptr("SIPS+D2W", "_sips._wss.example.com")],
        srv={"_sips._wss.example.com": [Srv(0, 0, 443, "b.example")]},
        addresses=A,
    )
    assert zone.locate(Question("example.com"), ("UDP", "WSS")) == [Target("WSS", "192.0.2.2", 443)]
    without = Zone(addresses=A)
    assert without.locate(Question("example.com"), ("UDP", "WSS")) == [Target("UDP", "192.0.2.9", 5060)]
    assert not any("_ws" in query.name for query in without.asked)


def test_a_rule_may_lead_to_the_host_at_once() -> None:
    zone = Zone(naptr=[naptr("SIP+D2T", "b.example", flags="a")], addresses=A)
    assert zone.locate(Question("example.com")) == [Target("TCP", "192.0.2.2", 5060)]


def test_a_dot_says_that_there_is_no_such_service() -> None:
    """RFC 2782: the host is not asked instead."""
    zone = Zone(srv={"_sip._udp.example.com": [Srv(0, 0, 0, ".")]}, addresses=A)
    assert zone.locate(Question("example.com", "UDP")) == []
    assert "ADDRESS" not in zone.kinds()


def test_nobody() -> None:
    assert Zone().locate(Question("nowhere.example")) == []
    dangling = Zone(srv={"_sip._udp.x.example": [Srv(0, 0, 5060, "gone.example"), Srv(1, 0, 5060, "b.example")]})
    dangling.addresses = A
    assert dangling.locate(Question("x.example", "UDP")) == [Target("UDP", "192.0.2.2", 5060)]


# ---------------------------------------------------------------- NAPTR
def test_only_the_lowest_order_that_is_of_use_counts() -> None:
    """RFC 3403 section 4.1."""
    rules = [
        naptr("SIP+D2S", "sctp.example", order=1), naptr("SIP+D2U", "u.example", order=3),
        naptr("sip+d2t", "t.example.", order=2, preference=20), naptr("SIPS+D2T", "s.example", order=2, preference=5),
    ]  # fmt: skip
    assert [(each.transport, each.name) for each in chosen(rules, OURS)] == [("TLS", "s.example"), ("TCP", "t.example")]


@pytest.mark.parametrize(
    "rule",
    [
        Naptr(1, 1, "s", "SIP+D2U", "!^.*$!sip:x@y!", "x.example"), naptr("SIP+D2U", "x.example", flags="u"),
        naptr("SIP+D2U", "."), naptr("E2U+sip", "x.example"), naptr("", "x.example"), naptr("SIP+D2U", "x", flags=""),
    ],
)  # fmt: skip
def test_rules_that_are_not_for_us(rule: Naptr) -> None:
    assert chosen([rule], OURS) == []


# ---------------------------------------------------------------- SRV
def test_priorities_come_before_weights() -> None:
    records = [Srv(20, 100, 5060, "late"), Srv(10, 0, 5060, "early"), Srv(15, 7, 5060, "middle")]
    assert [each.target for each in in_order(records, random.Random(3))] == ["early", "middle", "late"]


def test_the_first_is_drawn_by_its_weight() -> None:
    records = [Srv(0, 60, 5060, "sixty"), Srv(0, 30, 5060, "thirty"), Srv(0, 10, 5060, "ten"), Srv(0, 0, 5060, "zero")]
    chance = random.Random(7)
    firsts = Counter(in_order(records, chance)[0].target for _ in range(4000))
    for name, share in (("sixty", 0.6), ("thirty", 0.3), ("ten", 0.1)):
        assert abs(firsts[name] / 4000 - share) < 0.03, firsts
    assert 0 < firsts["zero"] < 120, "now and then"


def test_all_weights_zero_is_a_lot_too() -> None:
    records = [Srv(0, 0, 5060, name) for name in "abc"]
    assert [each.target for each in in_order(records, random.Random(1))] == ["a", "b", "c"]


def test_port_0_and_no_name_are_no_hosts() -> None:
    assert in_order([Srv(0, 0, 0, "a.example"), Srv(0, 0, 5060, "."), Srv(0, 0, 5060, "")], random.Random(1)) == []


@given(
    st.lists(st.builds(Srv, st.integers(0, 3), st.integers(0, 65535), st.integers(0, 65535), st.sampled_from("abc."))),
    st.integers(),
)
def test_whatever_the_records_nobody_is_lost_or_doubled(records: list[Srv], seed: int) -> None:
    found = in_order(records, random.Random(seed))
    fit = [each for each in records if each.target != "." and each.port]
    assert len(found) == min(len(fit), MOST_HOSTS) or len(found) >= MOST_HOSTS
    assert not Counter(found) - Counter(fit)
    assert [each.priority for each in found] == sorted(each.priority for each in found)


def test_a_domain_that_lists_too_many() -> None:
    many = [Srv(0, 1, 5060, f"h{n}.example") for n in range(1000)]
    zone = Zone(srv={"_sip._udp.x.example": many}, addresses={f"h{n}.example": ["192.0.2.1"] * 3 for n in range(1000)})
    assert zone.locate(Question("x.example", "UDP")) == [Target("UDP", "192.0.2.1", 5060)]
    assert len(zone.asked) == 1 + MOST_HOSTS
    zone.addresses = {f"h{n}.example": [f"192.0.{n % 256}.{m}" for m in range(9)] for n in range(1000)}
    assert len(zone.locate(Question("x.example", "UDP"))) == MOST_TARGETS
