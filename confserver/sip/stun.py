"""STUN on the SIP port (RFC 5626 sections 4.4.2 and 8): phones ask by it whether their UDP flow still stands.

Only the Binding request of RFC 5389 without authentication; the answer says where it came from. Whoever asks with
something that is no such request hears nothing.
"""

from __future__ import annotations

import ipaddress

from confserver.sip.flow import Flow

_REQUEST, _SUCCESS = b"\x00\x01", b"\x01\x01"
_COOKIE = b"\x21\x12\xa4\x42"
"""RFC 5389 section 6."""
_HEADER = 20
_XOR_MAPPED_ADDRESS = b"\x00\x20"
MOST_BYTES = 548
"""RFC 5389 7.1: what fits where the path's MTU is unknown."""


def is_stun(data: bytes) -> bool:
    """No SIP message begins so (RFC 5626 section 8)."""
    return data[:2] in (_REQUEST, _SUCCESS) and data[4:8] == _COOKIE


def answer_to(data: bytes, flow: Flow) -> bytes | None:
    """The Binding success response; None where none is due."""
    length = int.from_bytes(data[2:4], "big")
    if data[:2] != _REQUEST or length % 4 or len(data) != _HEADER + length or len(data) > MOST_BYTES:
        return None
    transaction = data[8:_HEADER]
    host, port = flow.remote
    address = ipaddress.ip_address(host.partition("%")[0])
    family, mask = (b"\x01", _COOKIE) if address.version == 4 else (b"\x02", _COOKIE + transaction)
    value = b"\x00" + family + _xored(port.to_bytes(2, "big"), _COOKIE) + _xored(address.packed, mask)
    attribute = _XOR_MAPPED_ADDRESS + len(value).to_bytes(2, "big") + value
    return _SUCCESS + len(attribute).to_bytes(2, "big") + _COOKIE + transaction + attribute


def _xored(data: bytes, mask: bytes) -> bytes:
    """RFC 5389 15.2."""
    return bytes(a ^ b for a, b in zip(data, mask, strict=False))
