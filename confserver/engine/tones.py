"""Tones by a small language: the sounds of telephony that need no file.

::

    350+440/-16dB                            two frequencies, each 16 dB below a full-scale sine, without end
    480+620:500/500 ...                      500 ms of sound and 500 of silence, over and over
    950:330, 1400:330, 1800:330/1000         one after another, once
    425:100/100*10, 425                      a step ten times, then without end
    us/busy                                  a name of ``NAMED``

A step is frequencies in Hz (0: silence) with a level, then a colon and how long it sounds and is silent, in ms, then
``*`` and how often. ``...`` at the end repeats the whole. Every step begins and ends by a ramp of 5 ms.

A sequence is a function of time alone: whoever asks for its samples says from where on, at which rate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import RATES_HZ, Samples

CLOCK_HZ = 48000
"""Positions are counted at this rate, whatever the rate of the room: all of RATES_HZ divide it."""
RAMP = 240
"""5 ms."""
DEFAULT_DB = -20.0
LOWEST_HZ, HIGHEST_HZ = 20, 3900
"""What any room can sound."""
LEAST_DB, MOST_DB = -60.0, 0.0
MOST_TEXT = 500
MOST_FREQUENCIES = 4
MOST_STEPS = 32
MOST_BURSTS = 1000
"""Steps, each counted as often as it is repeated."""
LEAST_MS, MOST_MS = 5, 60_000
FOREVER = 1 << 62

NAMED: dict[str, str] = {
    # Frequencies and cadences by ITU-T E.180 Supplement 2; levels 3 dB below dBm0 (full scale is +3.14 dBm0, G.711)
    "us/dial": "350+440/-16dB",
    "us/busy": "480+620/-27dB:500/500 ...",
    "us/ringback": "440+480/-22dB:2000/4000 ...",
    "us/congestion": "480+620/-27dB:250/250 ...",
    "us/unobtainable": "950:380, 1400:380, 1800:380/4000 ...",
    "uk/dial": "350+440/-22dB",
    "uk/busy": "400:375/375 ...",
    "uk/ringback": "400+450/-22dB:400/200, 400+450/-22dB:400/2000 ...",
    "uk/congestion": "400:400/350, 400:225/525 ...",
    "uk/unobtainable": "400",
    # ETSI ES 201 970, what most of the continent has
    "eu/dial": "425",
    "eu/busy": "425:500/500 ...",
    "eu/ringback": "425:1000/4000 ...",
    "eu/congestion": "425:200/200 ...",
    "eu/unobtainable": "950:330, 1400:330, 1800:330/1000 ...",
    "de/dial": "425",
    "de/busy": "425:480/480 ...",
    "de/ringback": "425:1000/4000 ...",
    "de/congestion": "425:240/240 ...",
    "de/unobtainable": "950:330, 1400:330, 1800:330/1000 ...",
    "fr/dial": "440",
    "fr/busy": "440:500/500 ...",
    "fr/ringback": "440:1500/3500 ...",
    "fr/congestion": "440:250/250 ...",
    "fr/unobtainable": "950:300/30, 1400:300/30, 1800:300/1000 ...",
    "au/dial": "413+438/-22dB",
    "au/busy": "425:375/375 ...",
    "au/ringback": "413+438/-22dB:400/200, 413+438/-22dB:400/2000 ...",
    "au/congestion": "425:375/375, 425/-30dB:375/375 ...",
    "au/unobtainable": "425:2500/500 ...",
    # ours
    "beep": "1000/-22dB:200",
    "beep/entry": "660/-26dB:80/20, 880/-26dB:120",
    "beep/exit": "880/-26dB:80/20, 660/-26dB:120",
}

_STEP = re.compile(
    r"(?P<hz>[0-9.]+(?:\+[0-9.]+)*)(?:/(?P<db>[+-]?[0-9.]+)dB)?(?::(?P<on>[0-9]+)(?:/(?P<off>[0-9]+))?)?(?:\*(?P<times>[0-9]+))?"
)
_NUMBER = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?\Z")


class BadTones(ValueError):
    """What is no sequence of tones; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """Frequencies with one level, once. ``on_ms`` None: without end."""

    frequencies: tuple[float, ...]
    amplitude: float
    on_ms: int | None
    off_ms: int = 0


class Tones:
    """A sequence of steps, ready to sound. ``length``: in samples of CLOCK_HZ, None where it has no end."""

    def __init__(self, steps: list[Step], repeats: bool) -> None:
        self._steps = steps
        sounding = [FOREVER if step.on_ms is None else step.on_ms * CLOCK_HZ // 1000 for step in steps]
        silent = [step.off_ms * CLOCK_HZ // 1000 for step in steps]
        ends = np.cumsum(np.add(sounding, silent))
        self._sounding: NDArray[np.int64] = np.array(sounding, np.int64)
        self._starts: NDArray[np.int64] = np.concatenate(([0], ends[:-1])).astype(np.int64)
        self.round = int(ends[-1])
        """Samples after which it is over, or begins anew."""
        self.length = None if repeats or self.round >= FOREVER else self.round

    def render(self, position: int, rate_hz: int, out: Samples) -> None:
        """Write the samples from a position (in samples of CLOCK_HZ) on; beyond the end is silence."""
        at = position + np.arange(len(out), dtype=np.int64) * (CLOCK_HZ // rate_hz)
        if self.length is None:
            at %= self.round
        places = np.searchsorted(self._starts, at, "right") - 1
        for place in np.unique(places).tolist():
            here = places == place
            out[here] = self._sound(place, at[here] - self._starts[place])

    def _sound(self, place: int, since: NDArray[np.int64]) -> NDArray[np.float64]:
        """Samples of one step. since: of CLOCK_HZ, from the step's beginning on."""
        step, end = self._steps[place], int(self._sounding[place])
        ramp = max(min(RAMP, end // 2), 1)
        edges = np.minimum((since + 1) / ramp, (end - since) / ramp)
        turns = since[:, None] * (np.array(step.frequencies) / CLOCK_HZ)
        waves = np.sin(2 * np.pi * (turns % 1.0)).sum(axis=1)
        return np.asarray(waves * step.amplitude * np.clip(edges, 0, 1))


# ------------------------------------------------------------------ reading
def parse(text: str, repeats: bool = False) -> Tones:
    """Read a sequence or a name. repeats: over and over, also without ``...``. Raises BadTones."""
    text = NAMED.get(text.strip().lower(), text).strip()
    if len(text) > MOST_TEXT:
        raise BadTones(f"tones of {len(text)} characters: {MOST_TEXT} are the most")
    if re.match(r"[a-z]+(/|\Z)", text, re.IGNORECASE):
        raise BadTones(f"no tone is called {text[:40]!r}: there are {', '.join(NAMED)}")
    if text.endswith("..."):
        text, repeats = text[:-3], True
    words = [word.strip() for word in text.split(",")]
    if len(words) > MOST_STEPS:
        raise BadTones(f"{len(words)} steps: {MOST_STEPS} are the most")
    steps = [step for word in words for step in _steps(word)]
    if len(steps) > MOST_BURSTS:
        raise BadTones(f"{len(steps)} steps with all repeats: {MOST_BURSTS} are the most")
    endless = [step.on_ms is None for step in steps]
    if any(endless[:-1]):
        raise BadTones("a step without a time has no end: nothing can come after it")
    return Tones(steps, repeats)


def _steps(word: str) -> list[Step]:
    """Read one step; gives it as often as it is to sound."""
    match = _STEP.fullmatch(word)
    if not match:
        raise BadTones(f"{word[:40]!r} is no tone: say 440+480/-20dB:2000/4000*3 (Hz, level, ms on, ms off, times)")
    times = _within(match["times"] or "1", 1, MOST_BURSTS, "times")
    if match["on"] is None:
        if times > 1:
            raise BadTones(f"{word!r}: a step without a time has no end and cannot be repeated")
        return [Step(_frequencies(match["hz"]), _amplitude(match), None)]
    on = _within(match["on"], LEAST_MS, MOST_MS, "ms")
    off = _within(match["off"] or "0", 0, MOST_MS, "ms")
    return [Step(_frequencies(match["hz"]), _amplitude(match), on, off)] * times


def _frequencies(text: str) -> tuple[float, ...]:
    words = text.split("+")
    if words == ["0"]:
        return ()
    if len(words) > MOST_FREQUENCIES:
        raise BadTones(f"{text!r}: {MOST_FREQUENCIES} frequencies at once are the most")
    for word in words:
        if not _NUMBER.match(word) or not LOWEST_HZ <= float(word) <= HIGHEST_HZ:
            raise BadTones(f"{word!r} Hz: a frequency is {LOWEST_HZ} to {HIGHEST_HZ}")
    return tuple(float(word) for word in words)


def _amplitude(match: re.Match[str]) -> float:
    """Of each frequency. Raises BadTones also where all together would be more than full scale."""
    text = match["db"] or str(DEFAULT_DB)
    if not _NUMBER.match(text.lstrip("+-")) or not LEAST_DB <= float(text) <= MOST_DB:
        raise BadTones(f"{text!r} dB: a level is {LEAST_DB:g} to {MOST_DB:g}")
    amplitude = float(10 ** (float(text) / 20))
    if amplitude * (match["hz"].count("+") + 1) > 1.001:
        raise BadTones(f"{match[0]!r} is louder than full scale: each frequency has that level")
    return amplitude


def _within(text: str, least: int, most: int, what: str) -> int:
    if len(text) > 9 or not least <= int(text) <= most:
        raise BadTones(f"{text[:20]} {what}: {least} to {most} can be")
    return int(text)


assert all(CLOCK_HZ % rate == 0 for rate in RATES_HZ)
