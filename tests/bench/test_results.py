"""When a server has held, and what several runs come to."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from confserver.bench.figures import Spread
from confserver.bench.report import rows, table, verdict
from confserver.bench.results import Result, medians
from confserver.bench.server import counts

GOOD = Result(
    callers=20, rooms=2, talkers=3, legs=24, seconds=2.0, answered=24, setup_ms=Spread(3.0, 4.0, 5.0, 6.0),
    left_behind={}, expected=2400, received=2400, gap_ms=Spread(20.0, 21.0, 22.0, 23.0), checked=4, segments=40,
    delay_ms=Spread(20.0, 28.0, 29.0, 30.0), bursts=6, server_cpu_ms=0.6, server_cores=0.3, generator_cores=0.2,
    generator_cpu_ms=0.4, rss_before_kib=1000.0, rss_after_kib=2000.0, rss_kib_a_leg=40.0, very_late=0.0,
    others_cores=0.0,
)  # fmt: skip


def test_a_good_run_has_held() -> None:
    assert GOOD.faults() == []
    assert replace(GOOD, broken_segments=2).has_held
    assert verdict(GOOD) == ["HELD"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answered": 23, "failures": {"486 Busy Here": 1}}, "1 of 24 calls failed"),
        ({"ended_by_server": 2}, "2 calls ended by the server"),
        ({"lost": 1}, "1 packets lost"),
        ({"legs_short": 3}, "3 legs got fewer"),
        ({"dropped": 4}, "4 packets dropped"),
        ({"gap_ms": Spread(20.0, 21.0, 60.0, 61.0)}, "gaps of 60 ms"),
        ({"wrong": 1}, "1 of 4 legs is wrong"),
        ({"broken_segments": 3}, "voices break in 3 of 40"),
        ({"bursts_unheard": 1}, "1 of 6 bursts"),
        ({"left_behind": {"focus legs": 2}}, "left behind: 2 focus legs"),
    ],
)
def test_each_fault_is_told(change: dict[str, object], words: str) -> None:
    [fault] = replace(GOOD, **change).faults()  # type: ignore[arg-type]
    assert words in fault


def test_a_run_knows_when_it_was_spoilt() -> None:
    assert replace(GOOD, others_cores=0.2).is_disturbed
    assert not GOOD.is_disturbed
    assert replace(GOOD, very_late=0.002).is_generator_the_limit
    assert replace(GOOD, generator_cores=0.9).is_generator_the_limit
    assert not GOOD.is_generator_the_limit
    assert len(verdict(replace(GOOD, others_cores=0.2, very_late=0.002))) == 3


def test_medians_hide_no_fault() -> None:
    runs = [
        GOOD,
        replace(GOOD, server_cpu_ms=0.8, lost=2, setup_ms=Spread(9.0, 9.0, 9.0, 9.0)),
        replace(GOOD, server_cpu_ms=0.7),
    ]
    whole = medians(runs)
    assert whole.server_cpu_ms == pytest.approx(0.7)
    assert whole.setup_ms == Spread(3.0, 4.0, 5.0, 6.0)
    assert (whole.lost, whole.received) == (2, 7200)
    assert not whole.has_held
    assert not medians([GOOD, replace(GOOD, left_behind={"sip calls": 1})]).has_held
    assert not medians([GOOD, replace(GOOD, answered=20)]).has_held
    with pytest.raises(ValueError, match="nothing"):
        medians([])


def test_json_holds_every_figure() -> None:
    told = json.loads(json.dumps(GOOD.as_dict()))
    assert {one.name for one in fields(Result)} <= told.keys()
    assert told["delay_ms"] == {"p50": 20.0, "p95": 28.0, "p99": 29.0, "max": 30.0}
    assert told["held"] is True


def test_what_was_not_measured_is_said_so() -> None:
    bare = Result(callers=1, rooms=1, talkers=0, legs=1, seconds=1.0)
    told = dict(rows(bare))
    assert "not measured" in told["server"]
    assert "not asked" in told["left behind"]
    assert "nothing" in dict(rows(GOOD))["left behind"]
    assert table(GOOD, 3).splitlines()[0].endswith("medians of 3 runs, faults added up")
    assert table(GOOD).splitlines()[-1] == "HELD"


def test_what_calls_leave_behind_is_found_in_a_status() -> None:
    status = {
        "focus": {"rooms": 0, "legs": 0, "stages": {}},
        "sip": {"calls": 0, "dialogs": 0, "transactions": 12},
        "workers": [{"worker": 0, "legs": 0, "rooms": 0, "ports": 0, "open_ports": 64}],
    }
    assert counts(status) == {}
    status["focus"]["legs"] = 2  # type: ignore[index]
    status["workers"].append({"worker": 1, "ports": 1})  # type: ignore[attr-defined]
    assert counts(status) == {"focus legs": 2, "worker 1 ports": 1}
    assert counts({}) == {}
