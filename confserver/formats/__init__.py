"""The formats of sound that we can agree on: what SDP calls them, and on which parameters we agree.

    format.py            what there is to say of a format
    opus.py              Opus, and what its parameters say
    g722.py              wideband
    pcmu.py pcma.py      G.711
    l16.py               samples as they are, at three rates
    comfort_noise.py     the sound of pauses; not sound, but beside it
    telephone_event.py   key presses, at two clocks; beside sound too

``FORMATS`` lists them in the order of our preference, which is the order of our offers; in answers the offerer's
order counts. Another format is one more file and its name in the tuple (and, for sound, a file in ``engine/codecs``).
Pure data; imported by ``sdp``, ``engine`` and ``focus``; imports none of ours.
"""

from confserver.formats.comfort_noise import COMFORT_NOISE
from confserver.formats.format import FmtpRule, Format
from confserver.formats.g722 import G722
from confserver.formats.l16 import L16_8, L16_16, L16_48
from confserver.formats.opus import OPUS, OpusParameters
from confserver.formats.pcma import PCMA
from confserver.formats.pcmu import PCMU
from confserver.formats.telephone_event import TELEPHONE_EVENT, TELEPHONE_EVENT_48

__all__ = [
    "COMFORT_NOISE",
    "FORMATS",
    "G722",
    "L16_8",
    "L16_16",
    "L16_48",
    "OFFERED",
    "OPUS",
    "PCMA",
    "PCMU",
    "TELEPHONE_EVENT",
    "TELEPHONE_EVENT_48",
    "FmtpRule",
    "Format",
    "OpusParameters",
    "named",
]

FORMATS: tuple[Format, ...] = (
    OPUS, G722, PCMU, PCMA, L16_48, L16_16, L16_8, COMFORT_NOISE, TELEPHONE_EVENT, TELEPHONE_EVENT_48,
)  # fmt: skip
OFFERED: tuple[Format, ...] = tuple(format for format in FORMATS if format.is_offered)
"""Those of an offer in which nobody has named others."""


def named(name: str) -> Format:
    """The format that ``contract`` calls so. Raises KeyError for any other name."""
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)
