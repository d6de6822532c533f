"""Opus (RFC 7587): the format, and what its parameters say of their writer.

Each side states what it would like to receive, and (``sprop-``) what it is likely to send; nothing is mirrored.
Sampling rates are folded to those at which we work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from confserver.formats.format import Format

RATES_HZ = (8000, 16000, 48000)
LOWEST_HZ, HIGHEST_HZ = 8000, 48000
LEAST_BITRATE, MOST_BITRATE = 6000, 510_000
"""RFC 7587 section 6.1: values beyond these should be ignored."""
MOST_PACKET_MS = 120
MOST_PARAMETERS = 64

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusParameters:
    """What one side states (RFC 7587 section 6.1), with the defaults of what it leaves out."""

    maxplaybackrate: int = HIGHEST_HZ
    """It cannot play more; Hz."""
    sprop_maxcapturerate: int = HIGHEST_HZ
    """It is not likely to send more; Hz."""
    maxaveragebitrate: int | None = None
    """It would like to receive at most this; bit/s."""
    useinbandfec: bool = False
    """It can make use of in-band FEC."""
    usedtx: bool = False
    """It would rather receive nothing while nothing is to be heard."""
    cbr: bool = False
    stereo: bool = False
    """It would rather receive two channels."""
    sprop_stereo: bool = False
    """It is likely to send two channels."""
    ptime: int | None = None
    """As ``a=ptime``, where some write it (RFC 7587 section 7 maps it there)."""
    maxptime: int | None = None

    @property
    def playback_hz(self) -> int:
        """The highest of our rates that it can play."""
        return folded_hz(self.maxplaybackrate)

    @property
    def capture_hz(self) -> int:
        """The highest of our rates that its sound can fill."""
        return folded_hz(self.sprop_maxcapturerate)


def folded_hz(rate_hz: int) -> int:
    """The highest of our rates that is not above this one: 12000 -> 8000, 24000 -> 16000."""
    return max((rate for rate in RATES_HZ if rate <= rate_hz), default=LOWEST_HZ)


def read(fmtp: str) -> OpusParameters:
    """Read a parameter list. What is unknown or malformed is passed over by itself, and of two the first counts."""
    found: dict[str, Any] = {}
    for part in fmtp.split(";", MOST_PARAMETERS)[:MOST_PARAMETERS]:
        name, _, text = part.partition("=")
        field = _FIELDS.get(name.strip().lower())
        value = _READERS[field](text.strip()) if field else None
        if field and value is not None:
            found.setdefault(field, value)
    return OpusParameters(**found)


def write(parameters: OpusParameters) -> str:
    """Write what is not so by default; ``ptime`` and ``maxptime`` have attributes of their own."""
    words = []
    for name, field in _FIELDS.items():
        value = getattr(parameters, field)
        if value != getattr(_DEFAULTS, field) and field not in ("ptime", "maxptime"):
            words.append(f"{name}={int(value)}")
    return ";".join(words)


def _within(least: int, most: int) -> Callable[[str], int | None]:
    def read_number(text: str) -> int | None:
        value = int(text) if _NUMBER.fullmatch(text) else None
        return value if value is not None and least <= value <= most else None

    return read_number


def _flag(text: str) -> bool | None:
    return {"0": False, "1": True}.get(text)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "maxplaybackrate": _within(LOWEST_HZ, HIGHEST_HZ),
    "sprop_maxcapturerate": _within(LOWEST_HZ, HIGHEST_HZ),
    "maxaveragebitrate": _within(LEAST_BITRATE, MOST_BITRATE),
    "ptime": _within(1, MOST_PACKET_MS),
    "maxptime": _within(1, MOST_PACKET_MS),
    "useinbandfec": _flag,
    "usedtx": _flag,
    "cbr": _flag,
    "stereo": _flag,
    "sprop_stereo": _flag,
}
_FIELDS = {field.name.replace("_", "-"): field.name for field in fields(OpusParameters)}
_DEFAULTS = OpusParameters()

OPUS = Format(
    name="opus",
    encoding="opus",
    clock_hz=48000,  # RFC 7587 section 4.1: whatever the sampling rate
    channels=2,  # section 7: always, also for one
    usual_payload_type=111,
    fmtp=write(OpusParameters(useinbandfec=True)),
    is_declarative=True,
    packets_ms=(10, 20, 40, 60),
)
