"""Bursts and gaps against their definition in RFC 3611 section 4.7.2, told in another way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp.bursts import GMIN, Bursts, BurstsAndGaps

STREAM = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 2 * GMIN)), max_size=30)
"""Runs: so many lost, then so many that come."""


def stream(text: str) -> np.ndarray:
    """Of "." and "x", with ".9" for nine that come."""
    plain = "".join(c * (int(n) if n else 1) for c, n in _runs(text))
    return np.array([c == "." for c in plain], bool)


def _runs(text: str):
    number, sign = "", ""
    for c in text + " ":
        if c.isdigit():
            number += c
            continue
        if sign:
            yield sign, number
        sign, number = c, ""


def fed(came: np.ndarray) -> Bursts:
    bursts = Bursts()
    for place in np.flatnonzero(~came):
        bursts.expected = int(place)
        bursts.lose(int(place))
    bursts.expected = len(came)
    return bursts


def by_definition(came: list[bool]) -> BurstsAndGaps:
    """Cut the stream where GMIN or more come in a row; a piece with two losses or more is a burst."""
    losses = [place for place, good in enumerate(came) if not good]
    clusters = [[losses[0]]] if losses else []
    for one, two in itertools.pairwise(losses):
        if two - one - 1 < GMIN:
            clusters[-1].append(two)
        else:
            clusters.append([two])
    bursts = [cluster for cluster in clusters if len(cluster) > 1]
    inside = {place for cluster in bursts for place in range(cluster[0], cluster[-1] + 1)}
    lost_inside = sum(map(len, bursts))
    is_gap = [place not in inside for place in range(len(came))]
    gaps = sum(gap for gap, _ in itertools.groupby(is_gap))
    return BurstsAndGaps(
        lost_inside / len(inside) if inside else 0,
        (len(losses) - lost_inside) / sum(is_gap) if any(is_gap) else 0,
        len(inside) / len(bursts) if bursts else 0,
        sum(is_gap) / gaps if gaps else 0,
    )


@given(st.integers(0, 40), STREAM)
def test_as_defined(lead: int, runs: list[tuple[int, int]]) -> None:
    came = [True] * lead + [good for lost, held in runs for good in [False] * lost + [True] * held]
    bursts = fed(np.array(came, bool))
    assert bursts.measured() == by_definition(came)
    assert (bursts.expected, bursts.lost) == (len(came), came.count(False))
    assert bursts.runs == sum(not good for good, _ in itertools.groupby(came))


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("", BurstsAndGaps()),
        (".100", BurstsAndGaps(gap_length=100)),
        (".50x.49", BurstsAndGaps(gap_density=0.01, gap_length=100)),
        (".20x.16x.20", BurstsAndGaps(gap_density=2 / 58, gap_length=58)),
        (".20x.15x.20", BurstsAndGaps(2 / 17, 0, 17, 20)),
        (".20x4.20", BurstsAndGaps(1, 0, 4, 20)),
        ("x2.20x.20x.1x.20", BurstsAndGaps(4 / 5, 1 / 61, 2.5, 30.5)),
    ],
)
def test_examples(text: str, measured: BurstsAndGaps) -> None:
    assert fed(stream(text)).measured() == measured


def test_runs_of_losses() -> None:
    bursts = fed(stream(".30x3.30x1.30"))
    assert (bursts.mean_run, bursts.loss) == (2, 4 / 94)
    assert (fed(stream(".9")).mean_run, Bursts().loss) == (0, 0)
