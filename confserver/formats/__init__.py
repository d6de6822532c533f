"""The formats of sound that we can agree on: what SDP calls them, and on which parameters we agree.

    format.py            what there is to say of a format
    pcmu.py pcma.py      G.711
    telephone_event.py   key presses; not sound, but beside it

``FORMATS`` lists them in the order of our preference, which is the order of our offers; in answers the offerer's
order counts. Another format is one more file and its name in the tuple (and, for sound, a file in ``engine/codecs``).
Pure data; imported by ``sdp``, ``engine`` and ``focus``; imports none of ours.
"""

from confserver.formats.format import FmtpRule, Format
from confserver.formats.pcma import PCMA
from confserver.formats.pcmu import PCMU
from confserver.formats.telephone_event import TELEPHONE_EVENT

__all__ = ["FORMATS", "PCMA", "PCMU", "TELEPHONE_EVENT", "FmtpRule", "Format", "named"]

FORMATS: tuple[Format, ...] = (PCMU, PCMA, TELEPHONE_EVENT)


def named(name: str) -> Format:
    """The format that ``contract`` calls so. Raises KeyError for any other name."""
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)
