"""The ears and the bad network themselves: a test tool that hears nothing wrong would make every test pass."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tests.kit.listen import Recording, read_wav
from tests.kit.network import BadNetwork, Conditions
from tests.kit.tones import pcmu_decoded, pcmu_encoded, tone, tone_file

RATES = (8000, 16000, 48000)


@pytest.mark.parametrize("rate", RATES)
def test_levels_of_two_tones(tmp_path: Path, rate: int) -> None:
    both = tone(400, 2, rate, -20) + tone(650, 2, rate, -26)
    heard = Recording(both, rate)
    assert heard.level_db(400) == pytest.approx(-20, abs=0.1)
    assert heard.level_db(650) == pytest.approx(-26, abs=0.1)
    assert heard.level_db(900) < -80
    assert read_wav(tone_file(tmp_path / "t.wav", 400, 1, rate, -20)).level_db(400) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("gap_ms", [0, 20, 40, 80, 200])
def test_a_gap_is_measured(rate: int, gap_ms: int) -> None:
    sound = tone(400, 2, rate)
    begin = round(1.0037 * rate)
    sound[begin : begin + gap_ms * rate // 1000] = 0
    heard = Recording(sound + tone(650, 2, rate), rate)
    assert heard.longest_gap_ms(400, -14) == pytest.approx(gap_ms, abs=6)
    assert heard.longest_gap_ms(650, -14) == 0


def test_onset_and_spans() -> None:
    silence, sound = np.zeros(8000), tone(400, 1, 8000)
    heard = Recording(np.concatenate((silence, sound, np.zeros(400), sound, silence, sound)), 8000)
    assert heard.onset_s(400, -20) == pytest.approx(1.0, abs=0.015)
    assert heard.onset_s(650, -20) is None
    first, second = heard.spans(400, -14)
    assert first == pytest.approx((1.0, 3.05), abs=0.02)
    assert second == pytest.approx((4.05, 5.05), abs=0.02)
    assert len(heard.spans(400, -14, bridge_ms=20)) == 3


def test_the_phase_shows_a_missing_and_a_doubled_frame() -> None:
    whole = tone(437, 2, 8000)
    assert np.abs(Recording(whole, 8000).phase_steps(437)).max() < 0.01
    missing = np.concatenate((whole[:8000], whole[8160:]))
    doubled = np.concatenate((whole[:8000], whole[7840:]))
    for broken in (missing, doubled):
        steps = np.abs(Recording(broken, 8000).phase_steps(437))
        assert np.flatnonzero(steps > 0.1).tolist() == [49]


def test_a_recording_cut_short_is_read(tmp_path: Path) -> None:
    path = tone_file(tmp_path / "t.wav", 400, 1, 8000)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 40, 0)
    path.write_bytes(data)
    assert read_wav(path).seconds == pytest.approx(1.0)
    path.write_bytes(b"RIFFxxxxJUNK")
    with pytest.raises(ValueError, match="not a WAV"):
        read_wav(path)


def test_pcmu_of_the_tests_own() -> None:
    codes = bytes(range(256))
    again = pcmu_encoded(pcmu_decoded(codes) * 32768 / 32767)
    assert [c for c in range(256) if again[c] != c] == [0x7F], "only the two zeros fall together"
    assert pcmu_encoded(np.zeros(1)) == b"\xff"
    sound = tone(400, 1, 8000)
    noise = pcmu_decoded(pcmu_encoded(sound)) - sound
    assert 10 * np.log10((sound**2).mean() / (noise**2).mean()) > 30


def sent_through(network: BadNetwork) -> list[int]:
    got = []
    for n in range(1000):
        network.send(n.to_bytes(2, "big"), n * 0.02)
        got += [int.from_bytes(d, "big") for d in network.due(n * 0.02)]
    return got + [int.from_bytes(d, "big") for d in network.due(1e9)]


def test_a_good_network_is_just_a_delay() -> None:
    assert sent_through(BadNetwork(Conditions(delay_ms=30))) == list(range(1000))


def test_a_bad_network_is_bad_as_told_and_the_same_each_time() -> None:
    conditions = Conditions(loss=0.1, jitter_ms=30, reorder=0.05, duplicate=0.02)
    network = BadNetwork(conditions, seed=7)
    got = sent_through(network)
    assert got == sent_through(BadNetwork(conditions, seed=7)) != sent_through(BadNetwork(conditions, seed=8))
    assert 60 < network.lost < 140
    assert len(got) == 1000 - network.lost + network.doubled
    assert sorted(set(got)) != sorted(got) and got != sorted(got)
    assert network.next_arrival() is None
