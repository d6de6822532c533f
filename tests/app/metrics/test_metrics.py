"""What is counted, what the page says, and that the board asks for nothing that is not there."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from confserver.app.metrics.catalogue import METRICS, families
from confserver.app.metrics.exposition import page
from confserver.app.metrics.tally import MOST_SETTING_UP, RESULTS, Tally
from confserver.contract import LegReports
from confserver.focus.outputs import Measured, Recorded
from confserver.sip import outputs as sip
from rooms import events as tell
from rooms.records.figures import Figures
from tests.app.metrics.test_media import report

ROOT = Path(__file__).resolve().parents[3]
STATUS: dict[str, Any] = {
    "version": "1.0", "uptime_s": 12.5, "not_ready": "", "http_answers": Counter({2: 7, 4: 1}),
    "drain": {"draining": False},
    "focus": {
        "rooms": 2, "dialling": 0, "watchers": 1, "recordings": 1, "forwards": 2,
        "stages": {"present": 5, "leaving": 1},
    },
    "workers": [
        {"worker": 0, "ready": True, "load": 0.25, "legs": 5, "restarts": 0, "ticks": 9, "missed_ticks": 1,
         "longest_tick_ms": 8.0, "faults": 0},
        {"worker": 1, "ready": False},
    ],
    "sip": {"transactions": 3, "dialogs": 5, "connections": 0, "dropped": 2, "malformed": 1},
    "barrier": {"late_ms": 2.5, "bans": 4},
    "users": {"users": 1, "bindings": 2},
    "storage": {"waiting": 0, "written": 20, "failed": 1, "refused": 0},
    "events": {"readers": 1, "number": 30},
    "webhooks": {"hooks": 1, "dead": 0},
}  # fmt: skip


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def tally() -> Tally:
    return Tally(Clock())


def arrived(call: int) -> sip.CallArrived:
    event = object.__new__(sip.CallArrived)
    object.__setattr__(event, "call", call)
    return event


def told(counted: Tally, status: dict[str, Any] = STATUS) -> dict[str, float]:
    lines = page(families(status, counted)).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


# ---------------------------------------------------------------- counting
@pytest.mark.parametrize(
    ("status", "outcome"),
    [(486, "refused"), (404, "refused"), (603, "refused"), (487, "cancelled"), (503, "failed"), (500, "failed"),
     (0, "failed")],
)  # fmt: skip
def test_a_call_that_came_to_nothing_by_its_outcome(status: int, outcome: str) -> None:
    counted = tally()
    counted.follow(arrived(1))
    counted.follow(sip.CallEnded(1, "why", by_peer=False, status=status))
    assert counted.calls == {outcome: 1} and sum(counted.setup.counts) == 0


def test_an_answered_call_with_its_set_up_time() -> None:
    counted = tally()
    counted.follow(arrived(1))
    counted._now.now += 0.2  # type: ignore[attr-defined]
    counted.follow(sip.CallAcknowledged(1, b"", ""))
    counted.follow(sip.CallAcknowledged(1, b"", ""))
    counted.follow(sip.CallEnded(1, "hung up", by_peer=True))
    counted.follow(sip.CallEnded(9, "of ours", by_peer=True))
    assert counted.calls == {"answered": 1}
    assert counted.setup.total == pytest.approx(0.2) and sum(counted.setup.counts) == 1
    assert not counted._setting_up


def test_calls_that_never_end_are_not_kept_for_ever() -> None:
    counted = tally()
    for call in range(MOST_SETTING_UP + 50):
        counted.follow(arrived(call))
    assert len(counted._setting_up) == MOST_SETTING_UP


@pytest.mark.parametrize(
    ("status", "result"),
    [(486, "busy"), (408, "no answer"), (603, "declined"), (404, "unreachable"), (403, "refused"), (0, "failed"),
     (999, "failed")],
)  # fmt: skip
def test_dial_outs_by_result(status: int, result: str) -> None:
    counted = tally()
    dialled = tell.Dialled("standup", 1, 1.0, "p1", "Ana", "sip:a@b", 30.0, "boss")
    counted.hear((dialled, tell.DialFailed("standup", 2, 2.0, "p1", "why", status)))
    assert counted.dialled == {result: 1} and result in RESULTS and not counted._dialling
    counted.hear((dialled, tell.ParticipantArrived("standup", 3, 3.0, "p1", "Ana", "sip:a@b", "h:1")))
    counted.hear((tell.ParticipantArrived("standup", 4, 3.0, "p2", "Bob", "sip:b@b", "h:1"),))
    assert counted.dialled["answered"] == 1


def test_what_calls_were_worth_is_counted_once() -> None:
    counted = tally()
    figures = Figures(received=100, sent=90, lost=5, late=1, lost_out=3, mos_in=4.1, mos_out=None)
    counted.note(Measured("standup", "p1", figures, 1.0))
    counted.note(Measured("standup", "p1", figures, 1.0, is_last=True))
    counted.note(Recorded("standup", "x", 1.0))
    found = told(counted)
    assert found['confserver_packets_total{direction="in"}'] == 0, "those are counted while it runs"
    assert found['confserver_mos_count{direction="in"}'] == 1 and found['confserver_mos_count{direction="out"}'] == 0


def test_findings_are_those_of_now() -> None:
    counted = tally()
    begun = tell.QualityChanged("standup", 1, 1.0, "p1", "noise", True, "in", "", "", "", 1.0)
    counted.hear((begun, begun, tell.QualityChanged("standup", 2, 2.0, "p1", "noise", False, "in", "", "", "", 1.0)))
    found = told(counted)
    assert found['confserver_findings{kind="noise"}'] == 1 and found['confserver_findings{kind="loss-in"}'] == 0


# ---------------------------------------------------------------- the page
def test_every_metric_is_on_the_page_and_named_as_prometheus_wants() -> None:
    found = families(STATUS, tally())
    assert [family.name for family in found] == [metric.name for metric in METRICS]
    for metric in METRICS:
        assert re.fullmatch(r"confserver_[a-z_]+", metric.name) and metric.help.endswith(".")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_what_the_page_says() -> None:
    found = told(tally())
    assert found["confserver_participants"] == 5 and found["confserver_ready"] == 1
    assert found['confserver_worker_load{worker="0"}'] == 0.25 and 'confserver_worker_load{worker="1"}' not in found
    assert found['confserver_worker_ready{worker="1"}'] == 0
    assert found['confserver_worker_longest_tick_seconds{worker="0"}'] == 0.008
    assert found['confserver_http_answers_total{class="2xx"}'] == 7
    assert found['confserver_calls_total{outcome="answered"}'] == 0, "there before it is counted"
    assert told(tally(), STATUS | {"not_ready": "no worker"})["confserver_ready"] == 0


@pytest.mark.parametrize("part", sorted(set(STATUS) - {"not_ready", "http_answers"}))
def test_a_part_that_does_not_stand_costs_its_own_rows(part: str) -> None:
    whole = told(tally())
    left = told(tally(), {name: value for name, value in STATUS.items() if name != part})
    assert 0 < len(left) < len(whole)


def test_no_label_names_a_person_a_room_or_an_address() -> None:
    labels = {label for line in page(families(STATUS, tally())).splitlines() for label in re.findall(r'(\w+)="', line)}
    assert labels <= {
        "version",
        "stage",
        "outcome",
        "result",
        "direction",
        "le",
        "kind",
        "worker",
        "what",
        "class",
        "worth",
    }


def test_what_reads_prometheus_pages_reads_it() -> None:
    """Types, samples of histograms, no name twice: as Prometheus' own parser has it."""
    counted = tally()
    counted.media.hear(0, LegReports(reports=[report(1, 40, mos_in=4.2)], load=0.1), 100.0)
    counted.setup.add(0.2)
    read = {family.name: family for family in text_string_to_metric_families(page(families(STATUS, counted)))}
    for metric in METRICS:
        family = read.pop(metric.name.removesuffix("_total"))
        assert (family.type, family.documentation) == (metric.kind, metric.help) and family.samples
        if metric.kind != "histogram":
            labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
            assert len(set(labels)) == len(labels) and {sample.name for sample in family.samples} == {metric.name}
            assert not any("le" in sample.labels for sample in family.samples)
    assert not read
    [seen] = [
        sample.value for family in text_string_to_metric_families(page(families(STATUS, counted)))
        for sample in family.samples
        if sample.name == "confserver_mos_now" and sample.labels == {"direction": "in", "worth": "high"}
    ]  # fmt: skip
    assert seen == 1


# ---------------------------------------------------------------- the board
def test_the_board_asks_for_metrics_that_there_are() -> None:
    board = json.loads((ROOT / "docs" / "grafana" / "confserver.json").read_text("utf-8"))
    there = {metric.name for metric in METRICS}
    there |= {f"{m.name}_{end}" for m in METRICS if m.kind == "histogram" for end in ("bucket", "sum", "count")}
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    asked = {name for panel in panels for target in panel["targets"]
             for name in re.findall(r"confserver_\w+", target["expr"])}  # fmt: skip
    assert asked <= there, asked - there
    assert len(asked) >= 20
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["title"] and panel["targets"] and panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")") and "$instance" in target["expr"]
            labels = set(re.findall(r"by \(([\w, ]+)\)", target["expr"]))
            assert labels <= {"instance", "outcome", "result", "direction", "kind", "le", "class", "worth"}
    assert {each["name"] for each in board["templating"]["list"]} == {"datasource", "instance"}
