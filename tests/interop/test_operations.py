"""Rooms as code, backup and doctor at a running server, with somebody in a call all the while."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.server import Server

pytestmark = pytest.mark.interop

WANTED = """
[profiles.webinar]
extends = "office"
talkers = 3

[rooms.town-hall]
profile = "webinar"
max_participants = 50

[users.alice]
display = "Alice"
aliases = ["+49 30 1000"]

[bans."198.51.100.7"]
reason = "scans"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    profiles = {"profiles.office": {"announce": "none"}}
    with Server(tmp_path_factory.mktemp("operations"), **profiles) as running:
        yield running


@pytest.fixture(scope="module")
def anna(server: Server) -> Iterator[Phone]:
    """Is in a room that the files are about."""
    with Phone(server.address, "anna") as phone:
        assert phone.dial("town-hall").status == 200
        yield phone
        assert not phone.hung_up.is_set(), "her call has been dropped"


def test_planned_applied_and_nothing_left(server: Server, anna: Phone, tmp_path: Path) -> None:
    file = tmp_path / "rooms.toml"
    file.write_text(WANTED.replace("talkers", "talker"))
    wrong = server.run("apply", str(file))
    assert wrong.returncode == 1 and "rooms.toml:4: profiles.webinar.talker: is not known; did you mean" in wrong.stderr
    assert server.http("GET", "/users") == [], "nothing was done"
    file.write_text(WANTED)
    planned = server.run("plan", str(file))
    assert planned.returncode == 2 and "+ room town-hall\n    profile: webinar" in planned.stdout, planned
    applied = server.run("apply", str(file))
    assert applied.returncode == 0 and "told this once" in applied.stdout, applied
    again = server.run("plan", str(file), "--prune")
    assert (again.returncode, again.stdout) == (0, "nothing to do\n"), again
    room = server.http("GET", "/rooms/town-hall")
    assert (room["max_participants"], room["talkers"], room["profile"]) == (50, 3, "webinar")
    file.write_text(WANTED.replace("talkers = 3", "talkers = 4").replace("[rooms.town-hall]", "[rooms.other]"))
    pruned = server.run("apply", str(file), "--prune", "--yes")
    assert pruned.returncode == 0 and "room town-hall stays: somebody is in it" in pruned.stdout, pruned
    assert server.http("GET", "/rooms/town-hall")["talkers"] == 4, "its profile has changed under it"
    file.write_text(server.run("plan", "--export").stdout)
    exported = server.run("plan", str(file), "--prune")
    assert exported.returncode == 0, exported
    anna.wait_for_packets(10)


def test_kept_while_it_runs_and_started_from_that(server: Server, anna: Phone, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    where = ("--config", str(server.config), "--json")
    assert server.cli("backup", str(file), *where[:2])["files"] >= 3
    refused = server.run("restore", str(file), *where)
    assert refused.returncode == 1 and "a server is running on it" in refused.stderr
    anna.wait_for_packets(10)
    with_copy = tmp_path / "state"
    restored = server.run("restore", str(file), "--state-directory", str(with_copy), "--json")
    assert restored.returncode == 0 and json.loads(restored.stdout)["version"], restored
    token = json.loads((with_copy / "control.json").read_text())["token"]
    assert token == json.loads((server.state_directory / "control.json").read_text())["token"]
    checked = server.run("restore", str(file), "--state-directory", str(with_copy), "--check")
    assert checked.returncode == 0, checked
    shutil.rmtree(with_copy)


def test_examined_while_it_runs(server: Server, anna: Phone) -> None:
    """Without its settings file: the server says where that is, and where its media are."""
    told = server.run("doctor", "--json", timeout=60)
    findings = {row["check"]: row for row in json.loads(told.stdout)["findings"]}
    call = findings["test call"]
    assert call["verdict"] in ("ok", "warning") and "the running server: 440 Hz heard in" in call["words"], told
    assert findings["sip ports"]["verdict"] == "ok" and "the server has them" in findings["sip ports"]["words"]
    assert findings["media ports"]["verdict"] != "fault" and not findings["server"]["words"].count("cannot be read")
    assert not [room for room in server.http("GET", "/rooms") if room["name"].startswith("doctor-")]
