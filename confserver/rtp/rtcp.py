"""RTCP packets, bytes to data and back, and the arithmetic of reports (RFC 3550 section 6).

Plain functions on bytes. A datagram is a compound: packets behind each other, the first a report (section 6.1)::

    | SR or RR (up to 31 report blocks) | RR ... | SDES (CNAME) | BYE |
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from confserver.rtp import xr

SR, RR, SDES, BYE = 200, 201, 202, 203  # RFC 3550 section 12.1
XR = 207  # RFC 3611 section 6.2
CNAME = 1  # RFC 3550 section 12.2
VERSION = 2
PADDING = 0x20
MOST_COUNT = 31
"""Of report blocks, chunks or sources in one packet: five bits."""
MOST_PACKETS = 64
"""In one datagram; ours have three, large conferences' some ten."""
MOST_TEXT = 255

NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905 figure 4)."""
ROUNDING_SECONDS = 0.05
"""A round trip may come out that much below zero: the peer's clock steps, and its times are rounded."""

_HEADER = struct.Struct("!BBH")
_SSRC = struct.Struct("!I")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")


class BadRtcp(ValueError):
    """Not RTCP that we could use; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """How the reporter receives one source (section 6.4.1)."""

    ssrc: int
    fraction_lost: int = 0
    """Since the last report, in 1/256."""
    lost: int = 0
    """Since the beginning; below zero where duplicates came. Signed, 24 bits."""
    highest_sequence: int = 0
    """With the cycles in the upper half."""
    jitter: int = 0
    """In units of the RTP clock."""
    lsr: int = 0
    """Middle 32 bits of the NTP time of the last sender report received, 0 for none."""
    dlsr: int = 0
    """Time since then, in 1/65536 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """What SDES says of one source: (type, text) pairs."""

    ssrc: int
    items: tuple[tuple[int, str], ...] = ()

    @property
    def cname(self) -> str | None:
        return next((text for kind, text in self.items if kind == CNAME), None)


@dataclass(frozen=True, slots=True)
class Sdes:
    chunks: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """What else its sender has to say (RFC 3611)."""

    ssrc: int
    blocks: tuple[xr.Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """A packet of another type (APP, feedback ...); ``body`` without header and padding."""

    packet_type: int
    count: int
    body: bytes


Packet = SenderReport | ReceiverReport | Sdes | Bye | ExtendedReport | Other


# ------------------------------------------------------------------ reading
def is_compound(data: bytes) -> bool:
    """The checks of RFC 3550 appendix A.2: a report without padding first, version 2 always, lengths that add up."""
    if len(data) < 8 or data[0] & 0xE0 != VERSION << 6 or data[1] not in (SR, RR):
        return False
    offset = 0
    while offset + _HEADER.size <= len(data):
        first, _, words = _HEADER.unpack_from(data, offset)
        if first >> 6 != VERSION:
            return False
        offset += 4 * (words + 1)
    return offset == len(data)


def parse(data: bytes) -> list[Packet]:
    """Read a compound, in its order. Raises BadRtcp.

    More tolerant than ``is_compound``: the first packet may be of any type (RFC 5506 section 3.4.2), padding may be
    in any packet, and unknown types are passed on.
    """
    return [_packet(kind, count, body) for kind, count, body in _cut(data)]


def _cut(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, count and body of each packet."""
    offset = 0
    for _ in range(MOST_PACKETS):
        if offset + _HEADER.size > len(data):
            raise BadRtcp("a header is cut off" if offset or data else "no bytes")
        first, kind, words = _HEADER.unpack_from(data, offset)
        end = offset + 4 * (words + 1)
        if first >> 6 != VERSION:
            raise BadRtcp(f"version {first >> 6}")
        if end > len(data):
            raise BadRtcp(f"a packet of {end - offset} bytes in {len(data) - offset}")
        body = data[offset + _HEADER.size : end]
        yield kind, first & MOST_COUNT, _unpadded(body) if first & PADDING else body
        offset = end
        if offset == len(data):
            return
    raise BadRtcp(f"more than {MOST_PACKETS} packets")


def _unpadded(body: bytes) -> bytes:
    """Without its padding, whose last byte counts it (section 6.4.1)."""
    padding = body[-1] if body else 0
    if padding == 0 or padding % 4 or padding > len(body):
        raise BadRtcp(f"padding of {padding} bytes in {len(body)}")
    return body[:-padding]


def _packet(kind: int, count: int, body: bytes) -> Packet:
    reader = _READERS.get(kind)
    if reader is None:
        return Other(kind, count, body)
    try:
        return reader(count, body)
    except (struct.error, IndexError):
        raise BadRtcp(f"type {kind} with {count} entries in {len(body)} bytes") from None


def _sender_report(count: int, body: bytes) -> Packet:
    ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
    blocks = _blocks(count, body, _SENDER.size)
    return SenderReport(ssrc=ssrc, ntp=ntp, rtp_timestamp=timestamp, packets=packets, octets=octets, blocks=blocks)


def _receiver_report(count: int, body: bytes) -> Packet:
    (ssrc,) = _SSRC.unpack_from(body)
    return ReceiverReport(ssrc=ssrc, blocks=_blocks(count, body, _SSRC.size))


def _blocks(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    return tuple(_block(body, start + index * _BLOCK.size) for index in range(count))


def _block(body: bytes, offset: int) -> ReportBlock:
    ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, offset)
    lost = loss & 0xFF_FFFF
    return ReportBlock(
        ssrc=ssrc,
        fraction_lost=loss >> 24,
        lost=lost - 0x100_0000 if lost & 0x80_0000 else lost,
        highest_sequence=highest,
        jitter=jitter,
        lsr=lsr,
        dlsr=dlsr,
    )


def _sdes(count: int, body: bytes) -> Packet:
    chunks = []
    offset = 0
    for _ in range(count):
        (ssrc,) = _SSRC.unpack_from(body, offset)
        items, offset = _items(body, offset + _SSRC.size)
        chunks.append(Chunk(ssrc, items))
    return Sdes(tuple(chunks))


def _items(body: bytes, offset: int) -> tuple[tuple[tuple[int, str], ...], int]:
    """The items of a chunk up to the zero byte, and where the next chunk begins: at a multiple of four (section 6.5).

    A missing zero byte at the very end is overlooked.
    """
    items = []
    while offset < len(body) and body[offset]:
        kind, length = body[offset], body[offset + 1]
        items.append((kind, _text(body, offset + 2, length)))
        offset += 2 + length
    return tuple(items), (offset // 4 + 1) * 4


def _bye(count: int, body: bytes) -> Packet:
    ssrcs = struct.unpack_from(f"!{count}I", body)
    offset = count * _SSRC.size
    return Bye(ssrcs, _text(body, offset + 1, body[offset]) if offset < len(body) else "")


def _text(body: bytes, start: int, length: int) -> str:
    text = body[start : start + length]
    if len(text) != length:
        raise IndexError
    return text.decode("utf-8", "replace")


def _extended_report(_: int, body: bytes) -> Packet:
    return ExtendedReport(_SSRC.unpack_from(body)[0], xr.parse(body[_SSRC.size :]))


_READERS = {SR: _sender_report, RR: _receiver_report, SDES: _sdes, BYE: _bye, XR: _extended_report}


# ------------------------------------------------------------------ writing
def compound(report: SenderReport | ReceiverReport, cname: str, bye: str | None = None) -> bytes:
    """What we send for one leg: its report, our CNAME and, with a reason ("" for none), BYE (section 6.1)."""
    parts: list[Packet] = [report, Sdes((Chunk(report.ssrc, ((CNAME, cname),)),))]
    if bye is not None:
        parts.append(Bye((report.ssrc,), bye))
    return write(parts)


def write(packets: Sequence[Packet]) -> bytes:
    """The packets one behind the other; blocks above 31 go into further RRs behind their report (section 6.1).

    Raises ValueError or struct.error for what has no place: those are our own mistakes.
    """
    return b"".join(part for packet in packets for part in _parts(packet))


def _parts(packet: Packet) -> Iterator[bytes]:
    match packet:
        case SenderReport(ssrc=ssrc, blocks=blocks):
            sender = _SENDER.pack(ssrc, packet.ntp, packet.rtp_timestamp, packet.packets, packet.octets)
            yield _framed(SR, len(blocks[:MOST_COUNT]), sender + _written(blocks[:MOST_COUNT]))
            yield from _receiver_reports(ssrc, blocks[MOST_COUNT:])
        case ReceiverReport(ssrc=ssrc, blocks=()):
            yield _framed(RR, 0, _SSRC.pack(ssrc))
        case ReceiverReport(ssrc=ssrc, blocks=blocks):
            yield from _receiver_reports(ssrc, blocks)
        case Sdes(chunks):
            yield _framed(SDES, len(chunks), b"".join(map(_chunk, chunks)))
        case Bye(ssrcs, reason):
            text = _counted(reason) if reason else b""
            yield _framed(BYE, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs) + _aligned(text))
        case ExtendedReport(ssrc, extended):
            yield _framed(XR, 0, _SSRC.pack(ssrc) + xr.written(extended))
        case Other(kind, count, body):
            yield _framed(kind, count, _aligned(body))


def _framed(kind: int, count: int, body: bytes) -> bytes:
    if count > MOST_COUNT:
        raise ValueError(f"{count} entries in one RTCP packet")
    return _HEADER.pack(VERSION << 6 | count, kind, len(body) // 4) + body


def _receiver_reports(ssrc: int, blocks: tuple[ReportBlock, ...]) -> Iterator[bytes]:
    for start in range(0, len(blocks), MOST_COUNT):
        part = blocks[start : start + MOST_COUNT]
        yield _framed(RR, len(part), _SSRC.pack(ssrc) + _written(part))


def _written(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | clamped_lost(block.lost) & 0xFF_FFFF,
            block.highest_sequence,
            block.jitter,
            block.lsr,
            block.dlsr,
        )
        for block in blocks
    )


def _chunk(chunk: Chunk) -> bytes:
    items = b"".join(bytes((kind,)) + _counted(text) for kind, text in chunk.items)
    return _SSRC.pack(chunk.ssrc) + _aligned(items + b"\0")


def _counted(text: str) -> bytes:
    """The text with its length before it, cut between characters where it is too long."""
    data = text.encode()[:MOST_TEXT].decode(errors="ignore").encode()
    return bytes((len(data),)) + data


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


# ------------------------------------------------------------------ arithmetic
def ntp_time(now: float) -> int:
    """Epoch seconds as NTP time, 32 bits of seconds and 32 of fraction (section 4)."""
    fraction, seconds = math.modf(now)
    return ((int(seconds) + NTP_EPOCH << 32) + int(fraction * 2**32)) & 0xFFFF_FFFF_FFFF_FFFF


def middle(ntp: int) -> int:
    """The middle 32 bits: what LSR repeats (section 6.4.1)."""
    return ntp >> 16 & 0xFFFF_FFFF


def delay_since(received_at: float | None, now: float) -> int:
    """DLSR for a sender report that came then, in 1/65536 s; 0 for none (section 6.4.1)."""
    if received_at is None:
        return 0
    return min(max(int((now - received_at) * 65_536), 0), 0xFFFF_FFFF)


def round_trip(block: ReportBlock, now: float) -> float | None:
    """Seconds to the reporter and back, from a block about us that came ``now`` (section 6.4.1).

    None where it has not had a report of ours yet, or where its times cannot be true.
    """
    if block.lsr == 0:
        return None
    units = (middle(ntp_time(now)) - block.lsr - block.dlsr) & 0xFFFF_FFFF
    seconds = (units - 0x1_0000_0000 if units & 0x8000_0000 else units) / 65_536
    return max(seconds, 0.0) if seconds > -ROUNDING_SECONDS else None


def fraction_lost(expected: int, received: int, expected_before: int, received_before: int) -> int:
    """The loss since the last report in 1/256, from counts now and then (appendix A.3); duplicates make it 0."""
    interval = expected - expected_before
    lost = interval - (received - received_before)
    return 0 if interval <= 0 or lost <= 0 else min((lost << 8) // interval, 255)


def clamped_lost(lost: int) -> int:
    """The cumulative loss, in the 24 bits with sign that it has in a block (appendix A.3)."""
    return min(max(lost, -0x80_0000), 0x7F_FFFF)
