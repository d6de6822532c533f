"""The short round: what it says, and that it says it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from confserver.bench.figures import Spread
from confserver.bench.media.figures import Stretch
from confserver.bench.media.survey import Carried, Survey, brief, carried, second_size, words
from tests.kit.whole import whole

ROOT = Path(__file__).resolve().parents[3]
FOUND = Survey(
    machine="4 cores, a processor", cores=4, realtime=True, carried=[Carried("PCMU", 2400, 0.29, 18.0, 1.0)],
    delay_ms=Spread(13.0, 21.0, 22.0, 23.0), delay_legs=100, worker_mib=90.0, remarks=[], seconds=61.0,
)  # fmt: skip


def test_what_an_operator_reads() -> None:
    text = words(FOUND)
    assert "2,400 participants" in text and "0.29 ms of CPU" in text and "18 kB each" in text
    assert "half of all sound within 13 ms, 95 % within 21 ms" in text
    assert "3 workers (media.workers = 3)" in text
    assert "Priority" not in text and "Note" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cores": 1}, "share"),
        ({"cores": 2}, "media.workers = 1"),
        ({"realtime": False}, "CAP_SYS_NICE"),
        ({"carried": [Carried("Opus", 200, 3.0, 50.0, 0.98)]}, "98.00 % only, with Opus"),
        ({"remarks": ["other programs used 0.5 cores"]}, "Note: other programs"),
        ({"delay_ms": Spread()}, "not measured"),
    ],
)
def test_what_he_should_know_besides(change: dict[str, object], said: str) -> None:
    assert said in words(replace(FOUND, **change))  # type: ignore[arg-type]


def test_sizes_stay_where_encoders_do_all_their_work() -> None:
    first = Stretch(legs=40, seconds=3.0, cpu_s=0.6)
    assert second_size(first, 120) == 100, "half a core"
    assert second_size(first, 80) == 80
    assert second_size(replace(first, cpu_s=2.9), 120) == 61, "more than at first in any case"


def test_a_load_in_two_sizes() -> None:
    small = Stretch(legs=100, seconds=3.0, cpu_s=0.3, ticks=150, missed=1, rss_kib=50_000)
    found = carried("PCMU", small, Stretch(legs=300, seconds=3.0, cpu_s=0.9, ticks=150, rss_kib=54_000))
    assert found.legs == 700 and found.cpu_ms == pytest.approx(1.0)
    assert found.in_time == pytest.approx(299 / 300)


def test_each_kind_of_remark_is_said_once() -> None:
    assert brief(["other programs used 0.2 cores", "late", "other programs used 0.3 cores"]) == [
        "late", "other programs used 0.2 cores",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.alone
def test_the_short_round_on_this_machine() -> None:
    line = "--legs 200 --seconds 1.5 --settle 0.5 --json".split()
    done = subprocess.run(
        [sys.executable, "-m", "confserver.bench", *line], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["carried"]) == 4 and all(each["legs"] > 60 for each in told["carried"])
    assert 0 < told["delay_ms"]["p50"] < 100
    assert "5 of 5: delay" in done.stderr


@pytest.mark.slow
@pytest.mark.alone
def test_long_benches_on_this_machine() -> None:
    """For each change those that the short round does not come by."""
    kinds = whole("pcmu srtp memory churn delay workers", "srtp churn").split()
    line = [*kinds, *"--legs 40 --seconds 1 --settle 0.5 --json".split()]
    done = subprocess.run(
        [sys.executable, "-m", "confserver.bench", *line], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    benches = json.loads(done.stdout)["benches"]
    assert list(benches) == kinds
    for row in benches.get("pcmu", {"rows": ()})["rows"]:
        assert row["legs short"] == 0 and row["ratio"] > 1
    peace, beside = benches["churn"]["rows"]
    assert (peace["legs opened"], beside["legs opened"] > 50) == (0, True)
    assert all(row["bursts"] and row["unheard"] == 0 for row in benches.get("delay", {"rows": ()})["rows"])
