"""Who is in the sound that a leg is sent, and how loud (RFC 6465): for each packet, the bytes before its sound.

    | header | CSRCs: SSRCs of those heard | extension: a level of each | sound |

All who listen to a mix and number the extension alike share the bytes; a talker's own have everybody but himself.
"""

from __future__ import annotations

import numpy as np

from confserver.engine.frame import Rows
from confserver.engine.mixer import Mixer
from confserver.engine.packets import Prefixes
from confserver.engine.seats import Seats
from confserver.rtp.audio_level import MOST_CSRCS, levels_of, mix_prefix

Heard = list[tuple[int, int, int]]
"""Row, SSRC and level of each, the loudest first."""


class MixLevels:
    """Makes the prefixes of one tick."""

    def __init__(self, seats: Seats, mixers: list[Mixer]) -> None:
        self._seats = seats
        self._mixers = mixers

    def prefixes(self) -> Prefixes:
        """By row that wants them: CSRC count and bytes. Who hears nobody has none."""
        seats, high = self._seats, self._seats.high
        rows = np.flatnonzero(seats.mix_levels[:high])
        rows = rows[seats.sends[rows]] if len(rows) else rows
        heard: dict[tuple[int, int], Heard] = {}
        shared: dict[tuple[int, int, int], tuple[int, bytes]] = {}
        found: Prefixes = {}
        facts = rows.tolist(), seats.band[rows].tolist(), seats.mix[rows].tolist(), seats.mix_levels[rows].tolist()
        for row, band, mix, number in zip(*facts, strict=True):
            if (band, mix) not in heard:
                heard[band, mix] = self._heard(band, mix)
            voices = heard[band, mix]
            if any(each[0] == row for each in voices):
                found[row] = _prefix([each for each in voices if each[0] != row], number)
                continue
            if (band, mix, number) not in shared:
                shared[band, mix, number] = _prefix(voices, number)
            found[row] = shared[band, mix, number]
        return {row: prefix for row, prefix in found.items() if prefix[0]}

    def _heard(self, band: int, mix: int) -> Heard:
        """Whoever sounds in a mix, but for those who have no SSRC: what we play ourselves."""
        seats = self._seats
        rows, gains = self._mixers[band].sounding(mix)
        with_source = seats.has_ssrc[rows]
        rows, gains = rows[with_source], gains[with_source]
        energy = seats.energy[rows] * gains**2
        order: Rows = np.argsort(-energy, kind="stable")
        rows = rows[order]
        return list(zip(rows.tolist(), seats.ssrc[rows].tolist(), levels_of(energy[order]).tolist(), strict=True))


def _prefix(voices: Heard, number: int) -> tuple[int, bytes]:
    csrcs = [ssrc for _, ssrc, _ in voices]
    return min(len(csrcs), MOST_CSRCS), mix_prefix(csrcs, [level for _, _, level in voices], number)
