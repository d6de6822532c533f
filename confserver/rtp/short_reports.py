"""Reports of a session of two, as bytes without an object on the way: the same that ``rtcp.write`` makes of objects."""

from __future__ import annotations

import struct

from confserver.rtp.rtcp import RR, SR, clamped_lost

Block = tuple[int, int, int, int, int, int, int]
"""The fields of a ``rtcp.ReportBlock`` in their order."""

_SENDER = struct.Struct("!BBHIQIII")
_SENDER_AND_BLOCK = struct.Struct("!BBHIQIIIIIIIII")
_RECEIVER = struct.Struct("!BBHI")
_RECEIVER_AND_BLOCK = struct.Struct("!BBHIIIIIII")


def sender_report(ssrc: int, ntp: int, rtp_timestamp: int, packets: int, octets: int, block: Block | None) -> bytes:
    """RFC 3550 section 6.4.1; block: how the other is received, None where nothing came of him."""
    if block is None:
        return _SENDER.pack(0x80, SR, 6, ssrc, ntp, rtp_timestamp, packets, octets)
    return _SENDER_AND_BLOCK.pack(0x81, SR, 12, ssrc, ntp, rtp_timestamp, packets, octets, *_merged(block))


def receiver_report(ssrc: int, block: Block | None) -> bytes:
    """RFC 3550 section 6.4.2: of one who sends nothing."""
    if block is None:
        return _RECEIVER.pack(0x80, RR, 1, ssrc)
    return _RECEIVER_AND_BLOCK.pack(0x81, RR, 7, ssrc, *_merged(block))


def _merged(block: Block) -> tuple[int, ...]:
    """With both losses in one word."""
    ssrc, fraction, lost, *others = block
    return ssrc, fraction << 24 | clamped_lost(lost) & 0xFF_FFFF, *others
