"""SRTP contexts (RFC 3711, RFC 7714) by libsrtp, which works on packets where they lie.

pylibsrtp's own class copies each packet twice (2.1 to 3.3 us); its binding, given pointers into a numpy matrix, takes
0.7 to 0.9. A handle frees its context when nobody holds it any more. Functions give libsrtp's status: 0 is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibsrtp._binding import ffi, lib

Handle = Any
"""A context of libsrtp (cffi has no types): all streams protected by one master key."""

PROFILES: dict[str, tuple[int, int]] = {
    "AES_CM_128_HMAC_SHA1_80": (lib.srtp_profile_aes128_cm_sha1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (lib.srtp_profile_aes128_cm_sha1_32, 30),
    "AEAD_AES_128_GCM": (lib.srtp_profile_aead_aes_128_gcm, 28),
    "AEAD_AES_256_GCM": (lib.srtp_profile_aead_aes_256_gcm, 44),
}
"""The suites of RFC 4568 section 6.2 and RFC 7714 section 14.2, and the octets of their key with its salt."""
TRAILER_BYTES = 20
"""Most that protection adds: a tag of 16 and, to RTCP, an index of 4 (RFC 7714 sections 8 and 9)."""
MOST_REPORT = 2048

protect = lib.srtp_protect
"""(handle, pointer to packet, pointer to length) -> status; the length grows by the tag."""
unprotect = lib.srtp_unprotect
"""The same, back. A packet that does not pass may lie there in ruins."""

_STEP = 0x4000
_scratch = ffi.new("unsigned char[]", MOST_REPORT + TRAILER_BYTES)
_size = ffi.new("int *")


def context(suite: str, key: bytes, outgoing: bool) -> Handle:
    """A fresh context, all counters at 0. Raises ValueError for an unknown suite or a key of the wrong length."""
    check(suite, key)
    profile, _ = PROFILES[suite]
    policy = ffi.new("srtp_policy_t *")
    lib.srtp_crypto_policy_set_from_profile_for_rtp(ffi.addressof(policy.rtp), profile)
    lib.srtp_crypto_policy_set_from_profile_for_rtcp(ffi.addressof(policy.rtcp), profile)
    held = ffi.new("unsigned char[]", key)
    policy.key = held
    policy.ssrc.type = lib.ssrc_any_outbound if outgoing else lib.ssrc_any_inbound
    made = ffi.new("srtp_t *")
    status = lib.srtp_create(made, policy)
    if status:
        raise ValueError(f"libsrtp makes no context (status {status})")
    return ffi.gc(made[0], lib.srtp_dealloc)


def check(suite: str, key: bytes) -> None:
    """Raises ValueError."""
    if suite not in PROFILES or len(key) != PROFILES[suite][1]:
        raise ValueError(f"{suite[:40]} with a key of {len(key)} octets is no suite of ours")


def advance(handle: Handle, ssrc: int, index: int) -> None:
    """Let a fresh context believe that the stream has come to just below this packet index (RFC 3711 section 3.3.1).

    libsrtp's own call for that is not in the binding: empty packets are protected, in steps that it follows, and
    thrown away. It works for contexts of both ways.
    """
    for passed in range(_STEP // 2, index, _STEP):
        _scratch[0:12] = b"\x80\0" + (passed & 0xFFFF).to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
        _size[0] = 12
        protect(handle, _scratch, _size)


def protect_report(handle: Handle, data: bytes) -> bytes | None:
    """SRTCP of a compound packet."""
    return _through(lib.srtp_protect_rtcp, handle, data)


def unprotect_report(handle: Handle, data: bytes) -> bytes | None:
    """RTCP again; None where it does not pass."""
    return _through(lib.srtp_unprotect_rtcp, handle, data)


def unprotect_one(handle: Handle, data: bytes) -> bytes | None:
    """A single RTP packet, by way of a copy: one that does not pass can be tried with another key."""
    return _through(unprotect, handle, data)


def _through(work: Any, handle: Handle, data: bytes) -> bytes | None:
    if len(data) > MOST_REPORT:
        return None
    _scratch[0 : len(data)] = data
    _size[0] = len(data)
    if work(handle, _scratch, _size):
        return None
    out: bytes = ffi.buffer(_scratch, _size[0])[:]
    return out


class Pointers:
    """Where rows of a matrix lie, and their lengths: some 0.3 us each to find out. places: which, all by default.

    data: uint8 (n, bytes), length: int32 (n), both contiguous; they must outlive every use of the pointers, which
    is why they are kept here.
    """

    __slots__ = ("_kept", "length", "packet")

    def __init__(self, data: NDArray[np.uint8], length: NDArray[np.int32], places: Sequence[int] | None = None) -> None:
        count, stride = data.shape
        packets, lengths = ffi.from_buffer("unsigned char[]", data), ffi.from_buffer("int[]", length)
        self._kept = packets, lengths
        which = range(count) if places is None else places
        self.packet = [packets + stride * place for place in which]
        self.length = [lengths + place for place in which]
