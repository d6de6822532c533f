"""A tenth of the long trial of mutations (``scripts/soak mutations``), with other messages than the long one."""

from __future__ import annotations

import pytest

from tests.soak.mutations import GOOD, Report, soak


@pytest.mark.slow
def test_mutations() -> None:
    report = soak(20_000, 5118)
    assert not report.trouble(), report.trouble()
    assert report.malformed > 5000, "else nothing was broken"
    for event in ("CallArrived", "CallAcknowledged", "OfferArrived", "CallEnded"):
        assert report.events[event] > 50, "else nothing came through"


@pytest.mark.parametrize(
    "wrong", [{"good": GOOD - 1}, {"left": {"calls": 1}}, {"slowest_ms": 1e4}, {"growth_mb": 500.0}]
)
def test_trouble_is_told(wrong: dict[str, object]) -> None:
    fine: dict[str, object] = {"good": GOOD, "count": 1, "seconds": 1.0}
    assert not Report(**fine).trouble()  # type: ignore[arg-type]
    assert Report(**fine | wrong).trouble()  # type: ignore[arg-type]
    faulty = Report(**fine)  # type: ignore[arg-type]
    faulty.faults["ValueError"] += 1
    assert "ValueError" in faulty.trouble() and faulty.figures()["faults of ours"] == 1
