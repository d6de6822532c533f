"""Extended reports (RFC 3611): what we and phones say beyond loss and jitter. Bytes to data and back.

Of the blocks of section 4 those that a call can use: receiver reference time (4.4) and DLRR (4.5), by which one who
only receives learns the round trip, and the VoIP metrics (4.7). Others are passed over (section 3: by their length).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

REFERENCE_TIME, DLRR, VOIP_METRICS = 4, 5, 7
"""Block types (RFC 3611 section 4)."""
UNAVAILABLE = 127
"""Of levels, ratings and opinions (section 4.7.3, 4.7.5)."""
MOST_MS = 0xFFFF
PLC_ENHANCED, PLC_STANDARD, PLC_DISABLED = 2, 3, 1
"""Section 4.7.6: how losses are bridged."""
JB_ADAPTIVE, JB_FIXED = 3, 2
"""Section 4.7.6: what the jitter buffer does."""

_HEAD = struct.Struct("!BBH")
_TIME = struct.Struct("!Q")
_HEARD = struct.Struct("!III")
_METRICS = struct.Struct("!IBBBBHHHHbbBBBBBBBxHHH")


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """When the sender of the report, who may send nothing else, sent it (section 4.4)."""

    ntp: int


@dataclass(frozen=True, slots=True)
class Heard:
    """The last reference time that came from ``ssrc``, and how long ago (section 4.5). As LSR and DLSR of a report."""

    ssrc: int
    lrr: int
    """Middle 32 bits of its NTP time; 0: none."""
    dlrr: int
    """In 1/65536 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoipMetrics:
    """How one source is heard (section 4.7). Shares are 0 to 1, durations ms; None and -1: unknown."""

    ssrc: int
    loss: float = 0.0
    """Since the beginning."""
    discarded: float = 0.0
    burst_density: float = 0.0
    gap_density: float = 0.0
    burst_ms: float = 0.0
    gap_ms: float = 0.0
    round_trip_ms: float = 0.0
    """0: unknown."""
    end_system_ms: float = 0.0
    """From the reporter's network to the ear, and from the mouth to the network."""
    signal_db: int | None = None
    """Below the loudest there can be, as a negative number."""
    noise_db: int | None = None
    echo_return_db: int | None = None
    gmin: int = 16
    rating: int | None = None
    """R of the E-model, 0 to 100; ``external``: of another network behind."""
    external: int | None = None
    mos_lq: float | None = None
    """Of listening; ``mos_cq``: of conversation, delay included. 1 to 5."""
    mos_cq: float | None = None
    plc: int = 0
    jb_adaptive: int = 0
    jb_rate: int = 0
    jb_nominal_ms: float = 0.0
    jb_maximum_ms: float = 0.0
    jb_most_ms: float = 0.0
    """What it can grow to at all."""


Block = ReferenceTime | Heard | VoipMetrics


# ------------------------------------------------------------------ reading
def parse(body: bytes) -> tuple[Block, ...]:
    """The blocks behind the SSRC of an XR packet. Raises struct.error for one that is cut off."""
    return tuple(_parsed(body))


def _parsed(body: bytes) -> Iterator[Block]:
    offset = 0
    while offset < len(body):
        kind, _, words = _HEAD.unpack_from(body, offset)
        content = body[offset + 4 : offset + 4 + 4 * words]
        offset += 4 + 4 * words
        if offset > len(body):
            raise struct.error("a block is cut off")
        if kind == REFERENCE_TIME and words == 2:
            yield ReferenceTime(*_TIME.unpack(content))
        elif kind == DLRR and words % 3 == 0:
            yield from (Heard(*heard) for heard in _HEARD.iter_unpack(content))
        elif kind == VOIP_METRICS and words == 8:
            yield _metrics(content)


def _metrics(content: bytes) -> VoipMetrics:
    (
        ssrc, loss, discarded, burst, gap, burst_ms, gap_ms, round_trip_ms, end_system_ms, signal, noise, echo, gmin,
        rating, external, lq, cq, config, nominal, maximum, most,
    ) = _METRICS.unpack(content)  # fmt: skip
    return VoipMetrics(
        ssrc=ssrc,
        loss=loss / 256,
        discarded=discarded / 256,
        burst_density=burst / 256,
        gap_density=gap / 256,
        burst_ms=burst_ms,
        gap_ms=gap_ms,
        round_trip_ms=round_trip_ms,
        end_system_ms=end_system_ms,
        signal_db=_known(signal),
        noise_db=_known(noise),
        echo_return_db=_known(echo),
        gmin=gmin,
        rating=_within(rating, 0, 100),
        external=_within(external, 0, 100),
        mos_lq=_opinion(lq),
        mos_cq=_opinion(cq),
        plc=config >> 6,
        jb_adaptive=config >> 4 & 3,
        jb_rate=config & 15,
        jb_nominal_ms=nominal,
        jb_maximum_ms=maximum,
        jb_most_ms=most,
    )


def _known(value: int) -> int | None:
    return None if value == UNAVAILABLE else value


def _within(value: int, least: int, most: int) -> int | None:
    """Section 4.7.5: values outside the valid range must not be believed."""
    return value if least <= value <= most else None


def _opinion(tenths: int) -> float | None:
    return tenths / 10 if 10 <= tenths <= 50 else None


# ------------------------------------------------------------------ writing
def written(blocks: Sequence[Block]) -> bytes:
    return b"".join(map(_written, blocks))


def _written(block: Block) -> bytes:
    match block:
        case ReferenceTime(ntp):
            return _HEAD.pack(REFERENCE_TIME, 0, 2) + _TIME.pack(ntp)
        case Heard(ssrc, lrr, dlrr):
            return _HEAD.pack(DLRR, 0, 3) + _HEARD.pack(ssrc, lrr, dlrr)
        case VoipMetrics():
            return _HEAD.pack(VOIP_METRICS, 0, 8) + _packed(block)


def _packed(of: VoipMetrics) -> bytes:
    return _METRICS.pack(
        of.ssrc,
        *(_share(each) for each in (of.loss, of.discarded, of.burst_density, of.gap_density)),
        *(_ms(each) for each in (of.burst_ms, of.gap_ms, of.round_trip_ms, of.end_system_ms)),
        *(_clipped(each, -128, 126) for each in (of.signal_db, of.noise_db)),
        _clipped(of.echo_return_db, 0, 126),
        of.gmin,
        _clipped(of.rating, 0, 100),
        _clipped(of.external, 0, 100),
        *(_clipped(None if each is None else round(each * 10), 10, 50) for each in (of.mos_lq, of.mos_cq)),
        of.plc << 6 | of.jb_adaptive << 4 | of.jb_rate,
        *(_ms(each) for each in (of.jb_nominal_ms, of.jb_maximum_ms, of.jb_most_ms)),
    )


def _share(value: float) -> int:
    """Section 4.7.1: in 1/256, the integer part of it; all is 255."""
    return min(max(int(value * 256), 0), 255)


def _ms(value: float) -> int:
    return min(max(round(value), 0), MOST_MS)


def _clipped(value: int | None, least: int, most: int) -> int:
    return UNAVAILABLE if value is None else min(max(value, least), most)
