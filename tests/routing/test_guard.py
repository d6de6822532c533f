"""Who is inside: addresses in all their spellings, and networks that change."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from confserver.routing.guard import Guard, address_in


def guard(*attached: str, trusted: tuple[str, ...] = ()) -> Guard:
    return Guard([ipaddress.ip_network(each) for each in trusted], [ipaddress.ip_network(each) for each in attached])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
    ],
)
def test_the_address_in_a_host(host: str, address: str) -> None:
    assert address_in(host) == ipaddress.ip_address(address)


@pytest.mark.parametrize("host", ["", "phone.example.com", "localhost", "192.0.2", "192.0.2.01", "1", "::g", "%eth0"])
def test_what_is_no_address(host: str) -> None:
    assert address_in(host) is None
    assert not guard("0.0.0.0/0", "::/0").is_inside(host) and not guard("0.0.0.0/0", "::/0").may_call(host)


@given(some.text(max_size=40))
def test_any_text_is_an_address_or_none(text: str) -> None:
    found = address_in(text)
    assert found is None or ipaddress.ip_address(str(found)) == found


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "[::1]"])
def test_loopback_is_always_inside(host: str) -> None:
    assert guard().is_inside(host) and guard().may_call(host)


@pytest.mark.parametrize("host", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7", "fe80::7%eth0"])
def test_attached_networks(host: str) -> None:
    assert guard("192.0.2.0/24", "2001:db8::/64", "fe80::/64").is_inside(host)
    assert not guard("198.51.100.0/24", "2001:db8:1::/64").may_call(host)


def test_listed_networks_may_call_but_are_not_inside() -> None:
    found = guard(trusted=("198.51.100.0/24", "2001:db8::/32"))
    for host in ("198.51.100.9", "::ffff:198.51.100.9", "2001:db8:5::1"):
        assert found.may_call(host) and not found.is_inside(host)
    assert not found.may_call("198.51.101.9") and not found.may_call("2001:db9::1")


def test_a_network_of_one_family_says_nothing_of_the_other() -> None:
    assert not guard("0.0.0.0/0").may_call("2001:db8::1")
    assert not guard("::/0").may_call("192.0.2.1")


def test_attached_networks_change() -> None:
    found = guard("192.0.2.0/24")
    found.attached = (ipaddress.ip_network("198.51.100.0/24"),)
    assert found.may_call("198.51.100.1") and not found.may_call("192.0.2.1")
