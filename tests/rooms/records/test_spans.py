"""Stretches of time, packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.records.spans import MOST_SPANS, Spans, unpacked


def test_spans_are_told_in_tenths_from_a_start() -> None:
    spans = Spans()
    spans.begin(101.2)
    spans.end(104.2)
    spans.begin(110.0)
    assert spans.packed(100.0, 112.0) == [12, 30, 58, 20]
    assert (spans.count, spans.total_s(112.0)) == (2, pytest.approx(5.0))
    assert unpacked([12, 30, 58, 20], 100.0) == [pytest.approx((101.2, 104.2)), pytest.approx((110.0, 112.0))]


def test_ends_and_beginnings_that_say_nothing_new() -> None:
    spans = Spans()
    spans.end(5.0)
    spans.begin(6.0)
    spans.begin(7.0)
    spans.end(5.5)
    assert (spans.count, spans.total_s(10.0), spans.packed(0.0, 10.0)) == (1, 0.0, [])


def test_a_breath_parts_no_spurt() -> None:
    spans = Spans()
    for begun in (1.0, 2.1):
        spans.begin(begun)
        spans.end(begun + 1.0)
    assert spans.packed(0.0, 9.0) == [10, 21]
    assert spans.total_s(9.0) == pytest.approx(2.0), "the breath is not talk"


@given(st.lists(st.floats(0.01, 50.0), min_size=2, max_size=40))
def test_however_many_they_stay_few(steps: list[float]) -> None:
    spans, at = Spans(), 0.0
    for number in range(3 * MOST_SPANS):
        at += steps[number % len(steps)]
        spans.begin(at)
        at += steps[(number + 1) % len(steps)]
        spans.end(at)
    assert len(spans.done) <= MOST_SPANS
    assert spans.count == 3 * MOST_SPANS
    assert spans.done[-1][1] == at, "none is left out at the end"
    assert all(begun <= ended for begun, ended in spans.done)
    assert all(one[1] <= other[0] for one, other in zip(spans.done, spans.done[1:], strict=False))


@pytest.mark.parametrize("told", [None, "[]", [1, "2"], [1, -5], {"a": 1}])
def test_what_makes_no_sense_is_nothing(told: object) -> None:
    assert unpacked(told, 0.0) == []
