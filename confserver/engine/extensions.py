"""Packets with a header extension, all of a batch at once: the level of the voice is read, the payload moved to where
that of a plain packet lies (RFC 8285; RFC 6464)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.batch import DATAGRAM_BYTES, Batch
from confserver.engine.frame import Bytes, Lengths, Rows
from confserver.engine.seats import Seats
from confserver.rtp.audio_level import (
    APPLICATION_BITS,
    LEVEL,
    MOST_ONE_BYTE_ID,
    ONE_BYTE,
    PADDING_ID,
    TWO_BYTES,
    VOICE,
)
from confserver.rtp.header import HEADER_BYTES, PLAIN

EXTENDED = PLAIN | 0x10
"""First byte of a packet that differs from a plain one by its extension alone."""
_HEAD = 4
MOST_ELEMENTS = 16
"""Of one packet that are looked at; padding counts."""


def strip(batch: Batch, first: NDArray[np.uint8], rows: Rows, seats: Seats) -> None:
    """Make plain packets of extended ones. first: their first bytes, which become PLAIN; those cut off stay."""
    lines = np.flatnonzero((first == EXTENDED) & (batch.length[: batch.count] > HEADER_BYTES + _HEAD))
    if not len(lines):
        return
    data = batch.data
    words = data[lines, HEADER_BYTES + 2].astype(np.int32) << 8 | data[lines, HEADER_BYTES + 3]
    start = HEADER_BYTES + _HEAD + 4 * words
    whole = start < batch.length[lines]
    lines, start = lines[whole], start[whole]
    if not len(lines):
        return
    _read_levels(data, lines, start, rows[lines], seats)
    size = batch.length[lines] - start
    at = np.minimum(start[:, None] + np.arange(int(size.max())), DATAGRAM_BYTES - 1)
    data[lines, HEADER_BYTES : HEADER_BYTES + at.shape[1]] = data[lines[:, None], at]
    data[lines, 0] = first[lines] = PLAIN
    batch.length[lines] = HEADER_BYTES + size


def _read_levels(data: Bytes, lines: Rows, end: Lengths, rows: Rows, seats: Seats) -> None:
    """Keep what the packets of legs that tell their level say; where the SSRC is the leg's."""
    ssrc = np.ascontiguousarray(data[lines, 8:12]).view(">u4")[:, 0]
    asked = np.flatnonzero((seats.level_id[rows] > 0) & seats.has_ssrc[rows] & (ssrc == seats.ssrc[rows]))
    if not len(asked):
        return
    lines, end, rows = lines[asked], end[asked], rows[asked]
    place = find_element(data, lines, end, seats.level_id[rows])
    found = place > 0
    said = data[lines[found], place[found]]
    seats.level_in[rows[found]] = said & LEVEL
    seats.voice_in[rows[found]] = (said & VOICE) > 0


def find_element(data: Bytes, lines: Rows, end: Lengths, wanted: NDArray[np.uint8]) -> Lengths:
    """Where in each line the data of the element with the wanted ID begins; 0: it is not there."""
    profile = data[lines, HEADER_BYTES].astype(np.int32) << 8 | data[lines, HEADER_BYTES + 1]
    is_long = (profile & ~APPLICATION_BITS) == TWO_BYTES
    place = np.full(len(lines), HEADER_BYTES + _HEAD, np.int32)
    found = np.zeros(len(lines), np.int32)
    looking = (profile == ONE_BYTE) | is_long
    for _ in range(MOST_ELEMENTS):
        looking &= place + 1 < end
        if not looking.any():
            break
        at = np.where(looking, place, 0)
        first, second = data[lines, at].astype(np.int32), data[lines, at + 1].astype(np.int32)
        number = np.where(is_long, first, first >> 4)
        padding = number == PADDING_ID
        size = np.where(is_long, second, (first & 0x0F) + 1)
        begin = place + np.where(is_long, 2, 1)
        looking &= padding | (is_long | (number <= MOST_ONE_BYTE_ID)) & (begin + size <= end)
        hit = looking & ~padding & (number == wanted) & (size > 0)
        found[hit] = begin[hit]
        looking &= ~hit
        place = np.where(padding, place + 1, begin + size)
    return found
