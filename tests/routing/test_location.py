"""The directory of bindings."""

from __future__ import annotations

from dataclasses import replace

from confserver.routing.location import Binding, Bound, Location, Unbound
from confserver.sip.flow import Flow
from confserver.sip.uri import parse_uri

TCP = Flow("TCP", ("192.0.2.1", 5060), ("192.0.2.9", 4000), 7)


def binding(contact: str = "sip:alice@192.0.2.9", until: float = 100.0, **more: object) -> Binding:
    values: dict[str, object] = {
        "user": "alice", "contact": parse_uri(contact), "expires_at": until, "call_id": "x", "cseq": 1,
    }  # fmt: skip
    return Binding(**(values | more))  # type: ignore[arg-type]


def test_the_best_come_first() -> None:
    location = Location()
    low, old, new = binding("sip:a@x", q=500), binding("sip:a@y"), binding("sip:a@z", registered_at=5.0)
    location.update("alice", [low, old, new], 0.0)
    assert location.bindings("alice", 1.0) == (new, old, low)
    assert location.bindings("bob", 1.0) == ()


def test_an_update_says_what_has_changed() -> None:
    location = Location()
    one, two = binding("sip:a@x"), binding("sip:a@y")
    assert location.update("alice", [one, two], 0.0) == [Bound(one), Bound(two)]
    longer = replace(two, expires_at=200.0)
    assert location.update("alice", [longer], 0.0) == [Unbound(one, "removed"), Bound(longer)]
    assert location.update("alice", [longer], 0.0) == []
    assert location.update("alice", [], 0.0) == [Unbound(longer, "removed")]
    assert len(location) == 0


def test_what_has_expired_is_not_given_out_and_goes() -> None:
    location = Location()
    short, long = binding("sip:a@x", 10.0), binding("sip:a@y", 20.0)
    location.update("alice", [short, long], 0.0)
    assert location.bindings("alice", 10.0) == (long,)
    assert location.expire(9.0) == []
    assert location.expire(10.0) == [Unbound(short, "expired")]
    assert location.expire(30.0) == [Unbound(long, "expired")]


def test_one_that_is_renewed_does_not_expire_by_its_old_time() -> None:
    location = Location()
    location.update("alice", [binding(until=10.0)], 0.0)
    location.update("alice", [binding(until=20.0)], 5.0)
    assert location.expire(15.0) == []
    assert len(location.bindings("alice", 15.0)) == 1


def test_a_lost_connection_takes_along_what_went_by_it_alone() -> None:
    location = Location()
    outbound = binding("sip:a@x", instance="urn:uuid:1", reg_id=1, flow=TCP, is_outbound=True)
    plain = binding("sip:a@y", flow=TCP)
    other = binding("sip:a@z", flow=replace(TCP, id=8), instance="urn:uuid:1", reg_id=2, is_outbound=True)
    location.update("alice", [outbound, plain, other], 0.0)
    assert location.flow_lost(TCP) == [Unbound(outbound, "its connection is lost")]
    assert set(location.bindings("alice", 1.0)) == {replace(plain, flow=None), other}
    assert location.flow_lost(TCP) == []


def test_a_flow_that_was_left_before_takes_nothing_along() -> None:
    location = Location()
    first = binding(instance="urn:uuid:1", reg_id=1, flow=TCP, is_outbound=True)
    location.update("alice", [first], 0.0)
    location.update("alice", [replace(first, flow=replace(TCP, id=9))], 0.0)
    assert location.flow_lost(TCP) == []
    assert len(location.bindings("alice", 1.0)) == 1


def test_the_key_is_the_phone_and_its_flow_or_the_uri() -> None:
    assert binding(instance="urn:uuid:1", reg_id=2).key == ("urn:uuid:1", "2")
    assert binding(instance="urn:uuid:1").key == ("sip:alice@192.0.2.9",)


def test_forgotten_and_restored() -> None:
    location = Location()
    location.restore([binding(), binding("sip:b@x", user="bob")])
    assert [each.user for each in location.everybody(1.0)] == ["alice", "bob"]
    assert location.forget("alice", "removed by the administrator") == [
        Unbound(binding(), "removed by the administrator")
    ]
    assert [each.user for each in location.everybody(1.0)] == ["bob"]


def test_many_renewals_leave_nothing_behind() -> None:
    location = Location()
    for second in range(10_000):
        location.update("alice", [binding(until=second + 3600.0)], float(second))
    assert len(location) == 1
    assert len(location._due) < 200
