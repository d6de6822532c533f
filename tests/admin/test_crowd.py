"""Too many connections: hung up on, and nothing kept of those who have gone."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.protocol import Factory, Protocol

from confserver.admin.crowd import Crowd


class Wire:
    connected = True


class Line(Protocol):
    pass


def house(most: int = 10, most_of_one: int = 2) -> Crowd:
    inner = Factory.forProtocol(Line)
    return Crowd(inner, most, most_of_one)


def come(crowd: Crowd, host: str = "192.0.2.1") -> Wire | None:
    kind = IPv6Address if ":" in host else IPv4Address
    address: Any = kind("TCP", host, 1000) if host else UNIXAddress(None)
    protocol = crowd.buildProtocol(address)
    if protocol is None:
        return None
    wire = Wire()
    protocol.makeConnection(wire)
    assert protocol.transport is wire
    return wire


def test_one_place_has_only_so_many() -> None:
    crowd = house()
    first, second = come(crowd), come(crowd)
    assert first and second and come(crowd) is None
    assert come(crowd, "192.0.2.2"), "others are not touched"
    first.connected = False
    assert come(crowd) and come(crowd) is None, "one has gone, one may come"


def test_hosts_of_one_network_are_one_place() -> None:
    crowd = house()
    assert come(crowd, "2001:db8::1") and come(crowd, "2001:db8::2") and come(crowd, "2001:db8::3") is None


def test_all_together_are_bounded_on_this_machine_too() -> None:
    crowd = house(most=5)
    wires = [come(crowd, host) for host in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "::1", "192.0.2.1")]
    assert all(wires) and come(crowd, "127.0.0.1") is None
    for wire in wires:
        wire.connected = False  # type: ignore[union-attr]
    assert all(come(crowd, "127.0.0.1") for _ in range(5))
    assert len(crowd._present) == 5
