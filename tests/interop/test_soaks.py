"""The long trials of docs/reliability.md at a tenth; whole: ``scripts/soak``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import churn, kills, workers

pytestmark = pytest.mark.interop


def test_what_was_answered_outlives_kills(tmp_path: Path) -> None:
    report = kills.soak(5, 5118, tmp_path)
    assert not report.trouble(), report.trouble()
    assert report.kills == 5 and report.answered >= 30 and report.rooms_back > 0, report.figures()


def test_calls_outlive_their_media_processes(tmp_path: Path) -> None:
    """One blow for each of two workers."""
    report = workers.soak(2, tmp_path, pause_s=0.0)
    assert not report.trouble(), report.trouble()


@pytest.mark.alone
def test_who_stays_hears_no_gap_while_others_come_and_go(tmp_path: Path) -> None:
    report = churn.soak(100, 5118, tmp_path, waits=False)
    assert not report.trouble(), f"{report.trouble()}\n{report.figures()}"
    assert sum(report.orders.asked.values()) >= 90 and len(report.orders.asked) > 15, report.figures()
    assert report.events > 500 and report.heard.packets > 300, report.figures()
