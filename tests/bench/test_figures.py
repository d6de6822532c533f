"""Quantiles and medians."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.bench.figures import Spread, middle, quantile, spread

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.0, 1.0), (0.5, 5.0), (0.51, 6.0), (0.95, 10.0), (0.9, 9.0), (1.0, 10.0)]
)
def test_a_quantile_is_a_value_that_was_measured(share: float, wanted: float) -> None:
    assert quantile([10.0, 3.0, 1.0, 2.0, 5.0, 4.0, 9.0, 8.0, 7.0, 6.0], share) == wanted


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quantile([], 0.5)
    assert spread([]) == Spread(None, None, None, None)


@settings(max_examples=100)
@given(VALUES, st.floats(0, 1))
def test_enough_values_lie_at_or_below_a_quantile(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) <= share * len(values) + 1e-6


def test_a_spread_is_in_the_unit_that_is_asked_for() -> None:
    assert spread([0.001, 0.002, 0.003], 1000) == Spread(2.0, 3.0, 3.0, 3.0)


def test_what_was_not_measured_is_not_in_the_median() -> None:
    assert middle([3.0, None, 1.0, 2.0]) == 2.0
    assert middle([None, None]) is None
