"""Messages as a file for Wireshark and tcpdump: packets of our own making around what was said.

The classic pcap format (draft-ietf-opsawg-pcap), raw IP (link type 101): one UDP datagram for each message, or
segments of TCP with sequence numbers that go on. What went by TLS or WebSocket is shown without these.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass

MAGIC_NANOSECONDS = 0xA1B23C4D
LINK_RAW = 101
SNAP_BYTES = 262_144
TCP, UDP = 6, 17
MOST_IN_SEGMENT = 16_000
MOST_IN_DATAGRAM = 0xFFFF - 48
PSH_ACK = 0x18

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Packet:
    at: float
    source: Endpoint
    target: Endpoint
    is_stream: bool
    data: bytes
    left_out: int = 0
    """Bytes of a datagram that there were, but that nobody has kept."""


def pcap(packets: Iterable[Packet]) -> bytes:
    """The whole file."""
    out = [struct.pack("<IHHiIII", MAGIC_NANOSECONDS, 2, 4, 0, 0, SNAP_BYTES, LINK_RAW)]
    streams: dict[tuple[Endpoint, Endpoint], int] = {}
    for packet in packets:
        for raw in _raw(packet, streams):
            seconds, rest = divmod(round(packet.at * 1e9), 1_000_000_000)
            length = len(raw) + packet.left_out
            out.append(struct.pack("<IIII", seconds & 0xFFFFFFFF, rest, len(raw), length) + raw)
    return b"".join(out)


def _raw(packet: Packet, streams: dict[tuple[Endpoint, Endpoint], int]) -> list[bytes]:
    if not packet.is_stream:
        data = packet.data[:MOST_IN_DATAGRAM]
        head = struct.pack("!HHHH", packet.source[1], packet.target[1], 8 + len(data) + packet.left_out, 0)
        return [_ip(packet, UDP, head, 6, data)]
    there, back = (packet.source, packet.target), (packet.target, packet.source)
    raws = []
    for begin in range(0, len(packet.data) or 1, MOST_IN_SEGMENT):
        piece = packet.data[begin : begin + MOST_IN_SEGMENT]
        sequence, other = streams.get(there, 1), streams.get(back, 1)
        streams[there] = (sequence + len(piece)) & 0xFFFFFFFF
        head = struct.pack(
            "!HHIIBBHHH", packet.source[1], packet.target[1], sequence, other, 5 << 4, PSH_ACK, 0xFFFF, 0, 0
        )
        raws.append(_ip(packet, TCP, head, 16, piece))
    return raws


def _ip(packet: Packet, protocol: int, head: bytes, checksum_at: int, data: bytes) -> bytes:
    """Around a UDP or TCP header, whose checksum is written here (RFC 768, RFC 9293 3.1, RFC 8200 8.1)."""
    source, target = _address(packet.source[0]), _address(packet.target[0])
    if source.version != target.version:
        source, target = _mapped(source), _mapped(target)
    length = len(head) + len(data) + packet.left_out
    pseudo = source.packed + target.packed + struct.pack("!II", length, protocol)
    checksum = (_checksum(pseudo + head + data) or 0xFFFF) if not packet.left_out else 0
    head = head[:checksum_at] + struct.pack("!H", checksum) + head[checksum_at + 2 :]
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, length, protocol, 64) + source.packed + target.packed + head + data
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, protocol, 0) + source.packed + target.packed
    return ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + head + data


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host.partition("%")[0])


def _mapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv6Address):
        return address
    return ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
