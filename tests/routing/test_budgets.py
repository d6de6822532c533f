"""Buckets, sources and what is forgotten."""

from __future__ import annotations

import ipaddress

import pytest

from confserver.routing.budgets import MOST_SOURCES, Bucket, Kind, Rate, Recent, Source, bounds, key_of

RATES = bounds(messages=10, requests=2, calls_a_minute=6, failures_a_minute=3, connections_a_minute=6)


def taken(bucket: Bucket, rate: Rate, now: float, factor: float = 1.0) -> int:
    """How many can be taken at once."""
    count = 0
    while count < 10_000 and bucket.take(rate, now, factor):
        count += 1
    return count


def test_a_burst_then_the_rate() -> None:
    bucket, rate = Bucket(), Rate(2.0, 5.0)
    assert taken(bucket, rate, 100.0) == 5
    assert taken(bucket, rate, 100.4) == 0
    assert taken(bucket, rate, 101.5) == 3
    assert taken(bucket, rate, 10_000.0) == 5, "no more than the burst is saved up"


def test_a_factor_makes_burst_and_rate_larger() -> None:
    bucket, rate = Bucket(), Rate(2.0, 5.0)
    assert taken(bucket, rate, 100.0, 10.0) == 50
    assert taken(bucket, rate, 101.0, 10.0) == 20


def test_nought_is_no_bound() -> None:
    assert taken(Bucket(), Rate(0.0, 0.0), 1.0) == 10_000


def test_a_refusal_costs_nothing_of_what_comes_later() -> None:
    bucket, rate = Bucket(), Rate(1.0, 1.0)
    assert bucket.take(rate, 0.0)
    for at in range(1, 10):
        assert not bucket.take(rate, at / 10)
    assert bucket.take(rate, 1.01)


def test_a_source_has_a_bucket_for_each_kind() -> None:
    source = Source("192.0.2.7")
    assert [source.take(Kind.REQUESTS, RATES, 5.0) for _ in range(11)].count(True) == 10
    assert source.take(Kind.MESSAGES, RATES, 5.0) and source.take(Kind.CALLS, RATES, 5.0)


def test_a_good_source_has_ten_times_as_much_for_as_long_as_it_is_good() -> None:
    source = Source("192.0.2.7")
    source.good_until = 50.0
    assert [source.take(Kind.FAILURES, RATES, 5.0) for _ in range(31)].count(True) == 30
    assert [source.take(Kind.FAILURES, RATES, 5000.0) for _ in range(31)].count(True) == 3


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_what_one_source_is(address: str, key: str) -> None:
    assert key_of(ipaddress.ip_address(address)) == key


def test_memory_is_bounded_and_who_is_asked_for_stays() -> None:
    known: Recent[int] = Recent(100)
    known.put("friend", 1)
    for number in range(100_000):
        known.put(str(number), number)
        if number % 50 == 0:
            assert known.get("friend") == 1
        assert len(known) <= 200
    assert known.get("0") is None and known.get("99999") == 99_999
    assert MOST_SOURCES < 100_000
