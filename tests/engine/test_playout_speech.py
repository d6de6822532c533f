"""Speech through a room and a bad network: how good it sounds (P.862, narrow-band MOS-LQO) and how late it comes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.hall import RATE, Hall, Phone, silence
from tests.kit.network import BadNetwork, Conditions
from tests.kit.speech import lags, mos, speech

FIRST_S = 0.015
"""From the sending of the first packet to the first tick after it."""


def way(network: BadNetwork):
    """What a network does to a leg's packets, for ``Phone.path``."""

    def path(number: int) -> list[float]:
        network.send(b"", 0.0)
        delays = []
        while (at := network.next_arrival()) is not None:
            network.due(at)
            delays.append(at)
        return delays

    return path


def through_a_room(said: np.ndarray, path=lambda number: (0.0,)) -> tuple[Hall, Phone, np.ndarray]:
    hall = Hall()
    talker = hall.add(said, path=path)
    listener = hall.add(silence(1))
    hall.run(len(said) / RATE + 0.5)
    return hall, talker, listener.sound()


def delays(said: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Time and delay in seconds of each stretch that is loud enough to be found again in what was heard."""
    return lags(said, heard) + np.array([0, FIRST_S])


def test_speech_over_a_clean_network():
    said = speech()
    _, _, heard = through_a_room(said)
    assert mos(said, heard) >= 4.4
    assert delays(said, heard)[:, 1].max() < 0.030


@pytest.mark.slow
@pytest.mark.parametrize(
    ("conditions", "least", "most_delay_s"),
    [
        pytest.param(Conditions(loss=0.03), 3.8, 0.030, id="loss 3 %"),
        pytest.param(Conditions(loss=0.10), 2.8, 0.030, id="loss 10 %"),
        pytest.param(Conditions(jitter_ms=60), 4.2, 0.100, id="jitter 60 ms, each packet by itself"),
        pytest.param(Conditions(reorder=0.05), 4.2, 0.100, id="one in 20 comes 50 ms late"),
        pytest.param(Conditions(jitter_ms=60, reorder=0.03, reorder_ms=30), 3.9, 0.110, id="both, to 90 ms"),
    ],
)
def test_speech_over_a_bad_network(conditions, least, most_delay_s):
    said = speech()
    results, behind = [], []
    for seed in range(1, 6):
        _, _, heard = through_a_room(said, way(BadNetwork(conditions, seed)))
        results.append(mos(said, heard))
        behind.append(np.percentile(delays(said, heard)[:, 1], 95))
    print(f"MOS-LQO {np.round(results, 2)}, mean {np.mean(results):.2f}; p95 of the delay {np.round(behind, 3)} s")
    assert np.mean(results) >= least
    assert np.mean(behind) <= most_delay_s
