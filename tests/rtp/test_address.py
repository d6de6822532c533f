"""Addresses as the kernel has them, and the keys by which batches are told apart."""

from __future__ import annotations

import ipaddress
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp.address import SOCKADDR_BYTES, AddressBook, address_of, canonical, is_ipv6, sockaddr

PORTS = st.integers(0, 65535)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)


@given(st.tuples(IPV4 | IPV6, PORTS))
def test_an_address_comes_back(address):
    raw = sockaddr(address)
    assert len(raw) == SOCKADDR_BYTES
    host, port = address_of(raw)
    assert (ipaddress.ip_address(host), port) == (ipaddress.ip_address(address[0]), address[1])


def test_the_kernel_writes_addresses_so():
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
            try:
                one.bind((host, 0))
            except OSError:
                pytest.skip("no IPv6 here")
            other.sendto(b"x", address_of(sockaddr(one.getsockname()[:2])))
            one.settimeout(2)
            assert one.recvfrom(9)[0] == b"x"


def test_a_scope_is_kept():
    assert address_of(sockaddr(("fe80::1%4", 9))) == ("fe80::1%4", 9)


@pytest.mark.parametrize("address", [("example.com", 1), ("1.2.3", 1), ("", 1), ("127.0.0.1", -1), ("::1", 65536)])
def test_what_is_no_address(address):
    with pytest.raises(ValueError):
        sockaddr(address)


@pytest.mark.parametrize(("text", "same"), [("2001:DB8:0:0::1", "2001:db8::1"), ("192.0.2.1", "192.0.2.1")])
def test_one_way_to_write_an_address(text, same):
    assert canonical(text) == same
    with pytest.raises(ValueError):
        canonical(text + "x")


@given(st.lists(st.tuples(st.integers(0, 65535), IPV4 | IPV6, PORTS), min_size=2, max_size=20, unique=True))
def test_no_two_known_senders_have_one_key_on_a_socket_of_their_family(senders):
    book = AddressBook()
    for _, host, port in senders:
        book.hold((host, port))
    keys = {}
    for local, host, port in senders:
        key = (book.key(local, (host, port)), is_ipv6((host, port)))
        assert keys.setdefault(key, (local, host, port)) == (local, host, port)


@given(IPV4, PORTS, st.integers(0, 65535))
def test_the_key_of_an_ipv4_sender_is_read_from_its_sockaddr(host, port, local):
    raw = np.frombuffer(sockaddr((host, port))[:8], np.uint64)[0]
    assert int(raw & ~np.uint64(0xFFFF) | np.uint64(local)) == AddressBook().key(local, (host, port))


def test_an_ipv6_address_is_known_as_long_as_it_is_used():
    book, address = AddressBook(), ("2001:db8::1", 4000)
    raw = sockaddr(address)
    assert book.number(raw) == 0 == book.key(5, address) >> 16
    book.hold(address)
    book.hold(address)
    assert book.number(raw) == book.key(5, address) >> 16 > 0
    assert book.number(sockaddr(("2001:db8::1", 4001))) == 0
    book.drop(address)
    assert book.number(raw) > 0
    book.drop(address)
    book.drop(address)
    assert book.number(raw) == 0
    book.hold(("127.0.0.1", 5))
    book.drop(("127.0.0.1", 5))
