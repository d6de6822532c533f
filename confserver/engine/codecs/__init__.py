"""The codecs: one file each, one name in CODECS.

A payload type's *meaning* is a small number in the columns: NOTHING, COMFORT, one of the events, or 1 + the codec's
place in CODECS. What arrival asks of each packet's meaning is in tables.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs.codec import Codec, Stateful, Stateless
from confserver.engine.codecs.g711 import PCMA, PCMU
from confserver.engine.codecs.g722 import G722
from confserver.engine.codecs.l16 import L16_8, L16_16, L16_48
from confserver.engine.codecs.opus import OPUS
from confserver.engine.frame import RATES_HZ, TICK_S, Lengths

CODECS: tuple[Codec, ...] = (PCMU, PCMA, G722, L16_8, L16_16, L16_48, OPUS)

NOTHING = 0
COMFORT = 252
"""Comfort noise (RFC 3389): the sender is silent. What it tells of its noise is not played."""
FIRST_EVENT = 253
EVENT_16, EVENT_48, EVENT = FIRST_EVENT, 254, 255
"""Telephone-event, by the clock of its timestamps."""
EVENT_CLOCK_HZ = {EVENT: 8000, EVENT_16: 16000, EVENT_48: 48000}

_BESIDE = {
    "CN": COMFORT,
    "telephone-event": EVENT,
    "telephone-event-16": EVENT_16,
    "telephone-event-48": EVENT_48,
}
"""What is no sound."""
_MEANINGS = {codec.name: place for place, codec in enumerate(CODECS, 1)} | _BESIDE


def meaning_of(format_name: str) -> int:
    """The number of a format of ``contract``. Raises KeyError where no codec does it."""
    return _MEANINGS[format_name]


def codec_of(meaning: int) -> Codec:
    return CODECS[meaning - 1]


def is_stateful(codec: Codec) -> bool:
    return hasattr(codec, "encoders")


def stateless(meaning: int) -> Stateless:
    """The codec, where it is known to remember nothing."""
    return cast(Stateless, CODECS[meaning - 1])


def stateful(meaning: int) -> Stateful:
    """The codec, where it is known to remember."""
    return cast(Stateful, CODECS[meaning - 1])


STATEFUL: dict[int, Stateful] = {place: stateful(place) for place, codec in enumerate(CODECS, 1) if is_stateful(codec)}
"""By meaning."""
CONCEALING = tuple(place for place, codec in STATEFUL.items() if codec.conceals)
"""Meanings whose decoders make up lost frames."""

_MOST_BYTES = 1504


def _by_meaning(value: dict[int, int]) -> NDArray[np.int32]:
    table = np.zeros(256, np.int32)
    for meaning, each in value.items():
        table[meaning] = each
    return table


def _durations() -> Lengths:
    """How long a payload sounds, by meaning and length, where that is all that counts."""
    table = np.zeros((256, _MOST_BYTES), np.int32)
    lengths = np.arange(_MOST_BYTES, dtype=np.int32)
    for place, codec in enumerate(CODECS, 1):
        if codec.rate_hz:
            table[place] = codec.duration(np.zeros((_MOST_BYTES, 1), np.uint8), lengths)
    return table


UNITS = _by_meaning({place: round(codec.clock_hz * TICK_S) for place, codec in enumerate(CODECS, 1)})
"""Ticks of the RTP clock in 20 ms, by meaning."""
READ = tuple(place for place, codec in enumerate(CODECS, 1) if not codec.rate_hz)
"""Meanings whose payloads must be read to know how long they sound."""
DURATION = _durations()
"""In ticks of the RTP clock, by meaning and bytes; 0: no such payload can be read, or it is one of ``READ``."""
BAND = _by_meaning({place: RATES_HZ.index(codec.rate_hz) for place, codec in enumerate(CODECS, 1) if codec.rate_hz})
"""Of a meaning's sound; not of those of ``READ``, which come in the band that each leg has."""
