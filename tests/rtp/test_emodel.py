"""The E-model against figures of ITU-T G.107, G.109 and G.113."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp import emodel

G711 = emodel.codec_of("PCMU")
SHARE = st.floats(0, 1)


def test_a_clean_call_is_worth_what_g_107_says() -> None:
    """G.107 Annex B: R 93.2 is MOS 4.41."""
    assert emodel.rating(G711, 0, 0) == 93.2
    assert emodel.mos(93.2) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(("r", "mos"), [(90, 4.34), (80, 4.02), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1), (100, 4.5)])
def test_opinions_of_ratings(r: float, mos: float) -> None:
    """G.107 figure B.2 and G.109 table 1."""
    assert emodel.mos(r) == pytest.approx(mos, abs=0.006)


@pytest.mark.parametrize(("delay_ms", "less"), [(0, 0), (100, 0), (150, 0.16), (200, 3.04), (300, 14.76), (400, 24.07)])
def test_delay(delay_ms: float, less: float) -> None:
    """Idd of G.107 clause 7.4, reckoned by hand: 25((1+X^6)^(1/6) - 3(1+(X/3)^6)^(1/6) + 2), X = log2(Ta/100)."""
    assert emodel.delay_impairment(delay_ms) == pytest.approx(less, abs=0.01)


@pytest.mark.parametrize(("codec", "loss", "less"), [(G711, 0.01, 3.6), (G711, 0.1, 27.1), (emodel.BARE, 0.01, 17.9)])
def test_loss(codec: emodel.Codec, loss: float, less: float) -> None:
    """G.107 clause 7.5 with Bpl 25.1 and 4.3: 95 * Ppl / (Ppl + Bpl)."""
    assert emodel.rating(codec, loss, 0) == pytest.approx(93.2 - less, abs=0.05)


def test_losses_in_bursts_do_more_harm() -> None:
    assert emodel.burst_ratio(0.1, 1 / 0.9) == pytest.approx(1)
    ratio = emodel.burst_ratio(0.1, 4)
    assert ratio == pytest.approx(3.6)
    assert emodel.rating(G711, 0.1, 0, ratio) < emodel.rating(G711, 0.1, 0) - 5
    assert emodel.burst_ratio(0.1, 0) == 1


@given(SHARE, SHARE, st.floats(0, 1000), st.floats(0, 1000), st.floats(1, 10))
def test_more_loss_and_more_delay_are_never_better(
    one: float, two: float, soon: float, late: float, run: float
) -> None:
    codec, (less, more), (soon, late) = emodel.codec_of("opus"), sorted((one, two)), sorted((soon, late))
    assert 0 <= emodel.rating(codec, more, late, run) <= emodel.rating(codec, less, soon, run) <= 93.2
    assert 1 <= emodel.mos(emodel.rating(codec, more, late, run)) <= 4.42


def test_formats_by_name() -> None:
    assert emodel.codec_of("L16/16000") is emodel.CODECS["L16"]
    assert emodel.codec_of("opus").robustness < G711.robustness
    assert emodel.codec_of("something") is emodel.CONCEALED
