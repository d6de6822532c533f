"""The codecs: one file each, one name in CODECS.

A payload type's *meaning* is a small number in the columns: 0 none, EVENT for telephone-event, otherwise
1 + the codec's place in CODECS.
"""

from __future__ import annotations

from typing import cast

from confserver.engine.codecs.codec import Codec, Stateful, Stateless
from confserver.engine.codecs.g711 import PCMA, PCMU
from confserver.engine.codecs.g722 import G722
from confserver.engine.codecs.l16 import L16_8, L16_16, L16_48
from confserver.engine.codecs.opus import OPUS

CODECS: tuple[Codec, ...] = (PCMU, PCMA, G722, L16_8, L16_16, L16_48, OPUS)

NOTHING = 0
EVENT = 255

_BESIDE = {"telephone-event": EVENT, "telephone-event-48": EVENT, "CN": NOTHING}
"""What is no sound. Comfort noise of a phone is not played: pauses are for us to fill."""
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
