"""The addresses of this machine."""

from __future__ import annotations

import ipaddress

import pytest

from confserver.transports.addresses import attached_networks, broadcasts, interfaces, local_addresses, route_to


def test_this_machine_has_loopback() -> None:
    assert "127.0.0.1" in local_addresses()
    assert ipaddress.ip_network("127.0.0.0/8") in attached_networks()


def test_what_stands_in_a_uri_has_no_zone() -> None:
    assert not [host for host in local_addresses() if "%" in host]
    for host, network in interfaces():
        assert ipaddress.ip_address(host.partition("%")[0]) in network


def test_broadcasts() -> None:
    texts = ("192.0.2.0/24", "198.51.100.0/31", "203.0.113.7/32", "2001:db8::/64", "10.0.0.0/8")
    assert broadcasts(ipaddress.ip_network(text) for text in texts) == ["192.0.2.255", "10.255.255.255"]


def test_the_way_to_a_peer_begins_where_the_kernel_says() -> None:
    assert route_to("127.0.0.1", ["127.0.0.1", "192.0.2.1"]) == "127.0.0.1"
    assert route_to("127.0.0.2", ["192.0.2.1", "127.0.0.1"]) == "127.0.0.1"


def test_an_address_that_we_do_not_listen_on_has_a_stand_in_of_its_kind() -> None:
    assert route_to("127.0.0.1", ["192.0.2.1", "127.0.0.3", "::1"]) == "127.0.0.3"
    assert route_to("127.0.0.1", ["192.0.2.1", "::1"]) is None


@pytest.mark.parametrize("host", ["", "phone.example.com", "300.1.1.1", "a" * 70, "::g", "fe80::1%none", "\udcff"])
def test_no_way(host: str) -> None:
    assert route_to(host, ["127.0.0.1", "::1"]) is None
