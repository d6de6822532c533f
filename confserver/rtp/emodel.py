"""How well a call can be heard, reckoned from loss and delay by the E-model (ITU-T G.107 in its narrow-band form).

    R = 93.2 - Id (delay) - Ie,eff (codec and loss);   R -> MOS

All parameters but codec, loss, burstiness and delay have the defaults of G.107 table 3. So the best is R 93.2 and MOS
4.41, which is what a clean G.711 call is worth; wide band, which people hear as better, earns nothing on this scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

BEST_R = 93.2
"""G.107 clause 7.7: all defaults, no delay, no loss."""
_NOTICED_MS = 100.0
"""Clause 7.4: less delay does no harm."""


@dataclass(frozen=True, slots=True)
class Codec:
    """What a codec does to speech by itself (``impairment``, Ie), and how well it bears loss (``robustness``, Bpl)."""

    impairment: float
    robustness: float


CONCEALED = Codec(0.0, 25.1)
"""G.113 Appendix I: G.711 with the concealment of its own Appendix I."""
BARE = Codec(0.0, 4.3)
"""G.113 Appendix I: G.711 without concealment."""
CODECS: dict[str, Codec] = {
    "PCMU": CONCEALED,
    "PCMA": CONCEALED,
    # No figures on this scale. In the narrow band neither is worse than G.711, and the same concealment is used.
    "G722": CONCEALED,
    "L16": CONCEALED,
    # An approximation: at our bit rates it adds nothing that the narrow band would show; its concealment is that of a
    # speech codec, as G.729A's (G.113 Appendix I: Bpl 19.0). What FEC brings back is no loss in the first place.
    "opus": Codec(0.0, 19.0),
}


def codec_of(format_name: str) -> Codec:
    """By the name in ``formats``: "L16/16000" counts as L16. What is not known counts as concealed G.711."""
    return CODECS.get(format_name) or CODECS.get(format_name.partition("/")[0], CONCEALED)


def rating(codec: Codec, loss: float, delay_ms: float, burstiness: float = 1.0) -> float:
    """R, from 0 to 93.2. loss: share of the packets that are not heard, 0 to 1; delay_ms: from mouth to ear.

    burstiness: mean run of losses over that of random losses of the same share (clause 7.5, BurstR), 1 at least.
    """
    percent = 100 * min(max(loss, 0.0), 1.0)
    worn = percent / (percent / max(burstiness, 1.0) + codec.robustness)
    effective = codec.impairment + (95 - codec.impairment) * worn
    return min(max(BEST_R - delay_impairment(delay_ms) - effective, 0.0), 100.0)


def delay_impairment(delay_ms: float) -> float:
    """Idd of clause 7.4, for the default sensitivity to delay; echo counts as cancelled."""
    if delay_ms <= _NOTICED_MS:
        return 0.0
    doublings = math.log2(delay_ms / _NOTICED_MS)
    return 25.0 * (math.pow(1 + doublings**6, 1 / 6) - 3 * math.pow(1 + (doublings / 3) ** 6, 1 / 6) + 2)


def mos(r: float) -> float:
    """The mean opinion that goes with R (G.107 Annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0)


def burst_ratio(loss: float, mean_run: float) -> float:
    """BurstR, of a share of losses whose runs have this mean length (clause 7.5): random ones give 1 / (1 - loss)."""
    return max(mean_run * (1 - min(max(loss, 0.0), 1.0)), 1.0)
