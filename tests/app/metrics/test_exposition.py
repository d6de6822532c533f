"""Prometheus' text format."""

from __future__ import annotations

import math

import pytest

from confserver.app.metrics.exposition import Family, Histogram, number, page


def test_a_page_of_all_kinds() -> None:
    histogram = Histogram((0.5, 1.0))
    for value in (0.5, 0.7, 9.0):
        histogram.add(value)
    told = page([
        Family("a_total", "counter", "One.", [({}, 7.0)]),
        Family("b", "gauge", "By label.", [({"x": "1"}, 0.25), ({"x": "2"}, math.inf)]),
        Family("c_seconds", "histogram", "So long.", histograms=[({"way": "in"}, histogram)]),
        Family("d", "gauge", "Nothing yet."),
    ])  # fmt: skip
    assert told.splitlines() == [
        "# HELP a_total One.", "# TYPE a_total counter", "a_total 7",
        "# HELP b By label.", "# TYPE b gauge", 'b{x="1"} 0.25', 'b{x="2"} +Inf',
        "# HELP c_seconds So long.", "# TYPE c_seconds histogram",
        'c_seconds_bucket{way="in",le="0.5"} 1', 'c_seconds_bucket{way="in",le="1"} 2',
        'c_seconds_bucket{way="in",le="+Inf"} 3', 'c_seconds_sum{way="in"} 10.2', 'c_seconds_count{way="in"} 3',
        "# HELP d Nothing yet.", "# TYPE d gauge",
    ]  # fmt: skip
    assert told.endswith("\n")


def test_what_must_be_escaped_is() -> None:
    told = page([Family("a", "gauge", "two\nlines \\", [({"x": 'say "hi"\n\\'}, 1)])])
    assert told.splitlines() == ["# HELP a two\\nlines \\\\", "# TYPE a gauge", 'a{x="say \\"hi\\"\\n\\\\"} 1']


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (1e15, "1000000000000000.0"), (-3.0, "-3"), (0.1, "0.1"), (math.nan, "NaN"), (-math.inf, "-Inf")],
)
def test_numbers(value: float, said: str) -> None:
    assert number(value) == said
