"""Header extensions (RFC 8285), and the two that tell levels: of one voice (RFC 6464), of each in a mix (RFC 6465).

Plain functions on bytes. A *level* is an int, 0 to 127: so many dB below the loudest there can be (-dBov).

::

    | header | CSRC list | profile, words | elements, padded to words | payload |
                         one byte:  0xBEDE   ID and length-1 in one byte, data
                         two bytes: 0x100x   ID, length, data
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

CLIENT_TO_MIXER = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
"""RFC 6464 section 4."""
MIXER_TO_CLIENT = "urn:ietf:params:rtp-hdrext:csrc-audio-level"
"""RFC 6465 section 4."""

ONE_BYTE = 0xBEDE
"""RFC 8285 section 4.2."""
TWO_BYTES, APPLICATION_BITS = 0x1000, 0x000F
"""RFC 8285 section 4.3: the last four bits are the application's."""
MOST_ONE_BYTE_ID, MOST_TWO_BYTE_ID = 14, 255
"""Section 4.2: 15 is kept back, and ends the elements."""
PADDING_ID = 0
MOST_CSRCS = 15
"""RFC 3550 section 5.1: what four bits can count."""

QUIETEST = 127
VOICE = 0x80
"""RFC 6464 section 3: set where the sender believes that it holds speech."""
LEVEL = 0x7F
EXTENDED = 0x10
"""Of an RTP header's first byte: an extension follows the CSRC list (RFC 3550 section 5.1)."""

_HEAD = struct.Struct("!HH")


# ------------------------------------------------------------------ reading
def extension_of(data: bytes) -> tuple[int, bytes] | None:
    """Profile and words of a packet's extension; None where it has none or it is cut off (RFC 3550 section 5.3.1)."""
    if len(data) < 12 or not data[0] & EXTENDED:
        return None
    start = 12 + 4 * (data[0] & 0x0F)
    if len(data) < start + _HEAD.size:
        return None
    profile, words = _HEAD.unpack_from(data, start)
    end = start + _HEAD.size + 4 * words
    return (profile, data[start + _HEAD.size : end]) if end <= len(data) else None


def elements(profile: int, words: bytes) -> Iterator[tuple[int, bytes]]:
    """ID and data of each element; ends where nothing more can be understood, as RFC 8285 wants (section 4.1.2)."""
    if profile == ONE_BYTE:
        yield from _one_byte_elements(words)
    elif profile & ~APPLICATION_BITS == TWO_BYTES:
        yield from _two_byte_elements(words)


def _one_byte_elements(words: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(words):
        number, size = words[place] >> 4, (words[place] & 0x0F) + 1
        place += 1
        if number == PADDING_ID:
            continue
        if number > MOST_ONE_BYTE_ID or place + size > len(words):
            return
        yield number, words[place : place + size]
        place += size


def _two_byte_elements(words: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 1 < len(words):
        number, size = words[place], words[place + 1]
        if number == PADDING_ID:
            place += 1
            continue
        place += 2
        if place + size > len(words):
            return
        yield number, words[place : place + size]
        place += size


def voice_level(data: bytes, number: int) -> tuple[int, bool] | None:
    """How loud a packet says that it is, and whether it holds speech (RFC 6464 section 3); None: it does not say."""
    for found in _data_of(data, number):
        return found[0] & LEVEL, bool(found[0] & VOICE)
    return None


def mix_levels(data: bytes, number: int) -> dict[int, int]:
    """The level of each CSRC of a packet (RFC 6465 section 3); empty where it does not say."""
    for found in _data_of(data, number):
        csrcs = struct.unpack_from(f"!{data[0] & 0x0F}I", data, 12)
        return {csrc: level & LEVEL for csrc, level in zip(csrcs, found, strict=False)}
    return {}


def _data_of(data: bytes, number: int) -> Iterator[bytes]:
    extension = extension_of(data)
    if extension is not None:
        yield from (found for each, found in elements(*extension) if each == number and found)


# ------------------------------------------------------------------ writing
def extension(wanted: Sequence[tuple[int, bytes]]) -> bytes:
    """The extension with these elements, in the one-byte profile where all fit, else in the other.

    Raises ValueError for an ID or data that no profile has room for; those are our own mistakes.
    """
    fits = all(0 < number <= MOST_ONE_BYTE_ID and 1 <= len(data) <= 16 for number, data in wanted)
    for number, data in wanted:
        if not (0 < number <= MOST_TWO_BYTE_ID and len(data) <= 255):
            raise ValueError(f"an element {number} of {len(data)} octets")
    if fits:
        body = b"".join(bytes((number << 4 | len(data) - 1,)) + data for number, data in wanted)
    else:
        body = b"".join(bytes((number, len(data))) + data for number, data in wanted)
    words = -(-len(body) // 4)
    return _HEAD.pack(ONE_BYTE if fits else TWO_BYTES, words) + body.ljust(4 * words, b"\0")


def voice_element(level: int, has_voice: bool = True) -> bytes:
    """The data of RFC 6464: one octet."""
    return bytes((min(max(level, 0), QUIETEST) | (VOICE if has_voice else 0),))


def mix_prefix(csrcs: Sequence[int], levels: Sequence[int], number: int) -> bytes:
    """What stands between header and payload of a packet that tells who is in the mix and how loud (RFC 6465).

    At most MOST_CSRCS of them are taken, the first. Empty for nobody: there is nothing to tell then.
    """
    count = min(len(csrcs), MOST_CSRCS)
    if not count:
        return b""
    data = bytes(min(max(level, 0), QUIETEST) for level in levels[:count])
    return struct.pack(f"!{count}I", *csrcs[:count]) + extension([(number, data)])


def first_byte(csrcs: int) -> int:
    """Of the header before such a prefix: version 2, extension, and how many CSRCs follow."""
    return 0x80 | EXTENDED | csrcs if csrcs else 0x80


# ------------------------------------------------------------------ arithmetic
def levels_of(energy: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Levels of mean squares, full scale 1.0."""
    db = -10 * np.log10(np.maximum(energy, np.float32(1e-13)))
    levels: NDArray[np.uint8] = np.clip(np.rint(db), 0, QUIETEST).astype(np.uint8)
    return levels
