"""The codecs: one file each, one name in CODECS.

A payload type's *meaning* is a small number in the columns: 0 none, EVENT for telephone-event, otherwise
1 + the codec's place in CODECS.
"""

from __future__ import annotations

from confserver.engine.codecs.codec import Stateless
from confserver.engine.codecs.g711 import PCMA, PCMU

CODECS: tuple[Stateless, ...] = (PCMU, PCMA)

NOTHING = 0
EVENT = 255

_MEANINGS = {codec.name: place for place, codec in enumerate(CODECS, 1)} | {"telephone-event": EVENT}


def meaning_of(format_name: str) -> int:
    """The number of a format of ``contract``. Raises KeyError where no codec does it."""
    return _MEANINGS[format_name]


def codec_of(meaning: int) -> Stateless:
    return CODECS[meaning - 1]
