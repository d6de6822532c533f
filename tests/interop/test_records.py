"""A meeting of two robots, told of afterwards by every face: lists, report, audit log, metrics."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from confserver.app.metrics.catalogue import METRICS
from tests.kit.robot import Robot
from tests.kit.server import Server, kick

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A meeting has been there, and is over."""
    folder = tmp_path_factory.mktemp("records")
    with Server(folder, http={"metrics_open": True}) as started:
        with Robot(started, folder, "anna", 440, "standup", for_seconds=3) as anna:
            with Robot(started, folder, "bob", 600, "standup", for_seconds=30) as bob:
                started.wait_until_in("standup", "anna", "bob", timeout=10)
                started.cli("room", "mute", "standup", "bob")
                anna.finish()
                kick(started, "standup", "bob")
                bob.child.process.wait(10)
        deadline = time.monotonic() + 5
        while not (found := started.cli("records")) or any(not row["received"] for row in found):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        yield started


def page(server: Server, path: str, token: str = "") -> Any:
    url = json.loads((server.state_directory / "control.json").read_text())["url"]
    asked = urllib.request.Request(url + path)
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    return urllib.request.urlopen(asked, timeout=10)


def test_who_was_there_and_how_it_sounded(server: Server, tmp_path: Path) -> None:
    [meeting] = server.cli("meetings", "--room", "standup")
    assert (meeting["people"], meeting["most_present"], meeting["cause"]) == (2, 2, "everybody has left")
    people = {row["name"]: row for row in server.cli("records")}
    assert people["anna"]["codec"] and people["anna"]["received"] > 100 and people["anna"]["sent"] > 100
    assert people["anna"]["lost"] < 50 and people["anna"]["talk_s"] > 1
    assert (people["bob"]["cause"], people["bob"]["kicked_by"]) == ("kicked", "administrator")
    assert people["bob"]["muted_s"] > 0.5
    table = list(csv.DictReader(io.StringIO(server.run("records", "--csv", "-").stdout)))
    assert {row["name"] for row in table} == {"anna", "bob"}
    file = tmp_path / "who.jsonl"
    assert server.run("records", "export", "--jsonl", "--to", "2999-01-01", "-o", str(file)).returncode == 0
    assert {json.loads(line)["name"] for line in file.read_text().splitlines()} == {"anna", "bob"}


def test_a_report_as_a_page_a_text_and_a_picture(server: Server, tmp_path: Path) -> None:
    for kind, begins in (("html", "<!doctype html>"), ("md", "# standup"), ("svg", "<svg")):
        file = tmp_path / f"report.{kind}"
        done = server.run("report", "standup", "-o", str(file))
        assert done.returncode == 0, done.stderr
        assert file.read_text("utf-8").startswith(begins)
    token = json.loads((server.state_directory / "control.json").read_text())["token"]
    answer = page(server, "/meetings/1/report", token)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8" and b"anna" in answer.read()


def test_who_has_asked_for_what_by_which_face(server: Server) -> None:
    server.http("PUT", "/rooms/board", {"max_participants": 5})
    with pytest.raises(urllib.error.HTTPError):
        server.http("POST", "/rooms/nowhere/lock")
    found = {(row["action"], row["face"], row["outcome"]) for row in server.cli("audit")}
    assert {("mute", "cli", "done"), ("create room", "http", "done"), ("lock", "http", "not-found")} <= found
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            page(server, "/rooms", "wrong" * 9)
    [row] = [row for row in server.cli("audit") if row["outcome"] == "unauthorized" and "wrong" in row["reason"]]
    assert (row["source"], row["who"]) == ("127.0.0.1", "nobody")


def test_the_page_of_metrics_is_whole(server: Server) -> None:
    answer = page(server, "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.read().decode()
    told = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    named = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    assert named == {metric.name for metric in METRICS}, "read from parts that do not say so any more"
    assert float(told['confserver_calls_total{outcome="answered"}']) == 2
    assert float(told['confserver_packets_total{direction="in"}']) > 100
    assert float(told['confserver_mos_now{direction="in",worth="best"}']) == 0, "nobody is there any more"
    assert float(told["confserver_call_setup_seconds_count"]) == 2
    with pytest.raises(urllib.error.HTTPError, match="401"):
        page(server, "/status")
