"""Socket addresses as bytes, and the one number by which a batch of datagrams is told apart.

A *key* holds the local socket's index in its low 16 bits and the sender's address above: for IPv4 the port
and address themselves, so that a whole batch becomes keys by one assignment; for IPv6 a number given
to each address that is known. IPv4 and IPv6 never share a socket, so their keys never meet.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from functools import lru_cache

Address = tuple[str, int]
SOCKADDR_BYTES = 28
"""Room for either family: sockaddr_in has 16 bytes, sockaddr_in6 28."""
IPV4_BYTES = 16

_IPV4 = struct.Struct("=H2s4s8x")
_IPV6 = struct.Struct("=H2sI16sI")


@lru_cache(4096)
def sockaddr(address: Address) -> bytes:
    """Write an address as the kernel has it, padded to SOCKADDR_BYTES. Raises ValueError for no IP address.

    A leg's is asked for nine times while it opens and closes: those of late are kept.
    """
    host, port = address
    parsed = ipaddress.ip_address(host)
    if not 0 <= port <= 65535:
        raise ValueError(f"no port {port}")
    port_bytes = port.to_bytes(2, "big")
    if parsed.version == 4:
        return _IPV4.pack(socket.AF_INET, port_bytes, parsed.packed).ljust(SOCKADDR_BYTES, b"\0")
    scope = int(parsed.scope_id) if parsed.scope_id and parsed.scope_id.isdigit() else 0
    return _IPV6.pack(socket.AF_INET6, port_bytes, 0, parsed.packed, scope)


def address_of(raw: bytes) -> Address:
    """Read a kernel's sockaddr."""
    (family,) = struct.unpack_from("=H", raw)
    if family == socket.AF_INET6:
        _, port, _, packed, scope = _IPV6.unpack_from(raw)
        host = str(ipaddress.IPv6Address(packed))
        return (f"{host}%{scope}" if scope else host), int.from_bytes(port, "big")
    _, port, packed = _IPV4.unpack_from(raw)
    return socket.inet_ntoa(packed), int.from_bytes(port, "big")


def canonical(host: str) -> str:
    """The one way to write an IP address that ``address_of`` has too. Raises ValueError for no IP address."""
    return address_of(sockaddr((host, 0)))[0]


def is_ipv6(address: Address) -> bool:
    return ":" in address[0]


class AddressBook:
    """Gives each known IPv6 address a number, as long as some leg uses it."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._uses: dict[bytes, int] = {}
        self._next = 1

    def key(self, local: int, address: Address) -> int:
        """The key of datagrams that come from ``address`` to the socket of index ``local``."""
        raw = sockaddr(address)
        if not is_ipv6(address):
            return int.from_bytes(local.to_bytes(2, "little") + raw[2:8], "little")
        return self._numbers.get(_identity(raw), 0) << 16 | local

    def hold(self, address: Address) -> None:
        """Count one more use of an address."""
        if not is_ipv6(address):
            return
        identity = _identity(sockaddr(address))
        if identity not in self._numbers:
            self._numbers[identity] = self._next
            self._next += 1
        self._uses[identity] = self._uses.get(identity, 0) + 1

    def drop(self, address: Address) -> None:
        """Count one use less; an address without a use is forgotten."""
        if not is_ipv6(address):
            return
        identity = _identity(sockaddr(address))
        left = self._uses.get(identity, 0) - 1
        if left > 0:
            self._uses[identity] = left
        else:
            self._uses.pop(identity, None)
            self._numbers.pop(identity, None)

    def number(self, raw: bytes) -> int:
        """The number of a received sockaddr_in6, 0 where nobody uses it."""
        return self._numbers.get(_identity(raw), 0)


def _identity(raw: bytes) -> bytes:
    """Port, address and scope: all of a sockaddr_in6 but family and flow label."""
    return raw[2:4] + raw[8:28]
