"""The HTTP interface of a real server held to its own description, by schemathesis and member by member."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from confserver.client import Client, Problem, Unauthorized
from tests.admin.test_openapi import check
from tests.kit.phone import Phone
from tests.kit.server import Server

pytestmark = [pytest.mark.interop, pytest.mark.slow]

UNASKED = "events$|^/drain|^/backup|^/restore|^/webhooks"
"""What has no end, ends the server, or speaks to others."""
SETTINGS = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422"]

[parameters]
"path.room" = "standup"
"path.participant" = "anna"
"path.user" = "alice"
"path.holder" = "reception"
"path.route" = "desk"
"path.group" = "staff"
"""
"""422: a name or number that cannot be, which no type can say; 412: a tag that is no tag matches nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With somebody in a room: who is there is described, too."""
    bounds = {"requests": 0, "failures": 0}
    with Server(tmp_path_factory.mktemp("api"), http=bounds) as started, Phone(started.address, "anna") as anna:
        started.http("PUT", "/rooms/standup", {"max_participants": 5})
        started.http("PUT", "/users/alice", {"password": "correct horse"})
        assert anna.dial("standup").status == 200
        started.wait_until_in("standup", "anna")
        yield started


def control(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((server.state_directory / "control.json").read_text())
    return found


def test_answers_have_the_members_that_are_described(server: Server) -> None:
    asked = server.http
    check("User", asked("POST", "/users/alice", {"display": "Alice A."}))
    check("Ban", asked("PUT", "/bans/192.0.2.7", {"seconds": 60}))
    check("Token", asked("PUT", f"/tokens/t{time.monotonic_ns()}", {"rooms": ["standup"]}))
    check("Profile", asked("PUT", "/profiles/board", {"rules": {"talkers": 3}}))
    check("Profile", asked("GET", "/profiles/board"))
    check("Draining", asked("GET", "/drain"))
    check("Webhook", asked("PUT", "/webhooks/desk", {"url": "http://127.0.0.1:9/desk"}))
    check("Retried", asked("POST", "/webhooks/desk/retry", {}))
    check("Tested", asked("POST", "/webhooks/desk/test", {}))
    check("Reloaded", asked("POST", "/reload", {}))
    check("RouteTable", asked("PUT", "/route-table", {"routes": [], "groups": []}))
    check("Group", asked("PUT", "/groups/staff", {"members": ["alice"]}))
    check("Route", asked("PUT", "/routes/desk", {"user": ["desk"], "group": ["staff"]}))
    check("RouteTable", asked("GET", "/route-table"))
    check("Health", asked("GET", "/health"))
    asked("POST", "/rooms/standup/recording", {})
    check("Explanation", asked("POST", "/routes/explain/sip%3Abob%40example.com", {}))
    check("Fence", asked("GET", "/fence"))
    check("User", asked("GET", "/users/alice"))
    for path, name in (
        ("/rooms", "Room"), ("/recordings", "Recording"), ("/bans", "Ban"), ("/tokens", "Token"), ("/users", "User"),
        ("/profiles", "Profile"), ("/traces", "TraceRow"), ("/rules", "RoomRules"), ("/webhooks", "Webhook"),
        ("/routes", "Route"), ("/groups", "Group"),
    ):  # fmt: skip
        rows = asked("GET", path)
        assert rows, path
        for row in rows:
            check(name, row)
    check("Trace", asked("GET", f"/traces/{asked('GET', '/traces')[0]['call']}"))
    check("Pcap", asked("GET", f"/traces/{asked('GET', '/traces')[0]['call']}/pcap"))
    asked("DELETE", "/rooms/standup/recording")


def test_a_token_does_what_its_role_may_until_it_is_revoked(server: Server) -> None:
    made = server.cli("token", "add", "host", "--role", "moderator", "--rooms", "stand*")
    with Client(control(server)["url"], made["secret"]) as host:
        assert [room["name"] for room in host.rooms()] == ["standup"]
        assert host.lock("standup") and host.unlock("standup")
        for forbidden in (lambda: host.create("standup"), host.status, host.list_user):
            with pytest.raises(Problem) as caught:
                forbidden()
            assert (caught.value.status, caught.value.kind) == (403, "forbidden")
        with pytest.raises(Problem, match="there is no room board"):
            host.lock("board")
        assert f"by={'host'}" in server.said() or '"by": "host"' in server.said()
        server.cli("token", "revoke", "host")
        with pytest.raises(Unauthorized):
            host.rooms()


def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    """Every operation with every kind of value that its description allows, and many that it does not."""
    pytest.importorskip("schemathesis")
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis"
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    where = control(server)
    done = subprocess.run(
        [
            program, "--config-file", "schemathesis.toml", "run", f"{where['url']}/openapi.json",
            "--header", f"Authorization: Bearer {where['token']}", "--exclude-path-regex", UNASKED,
            "--phases", "fuzzing", "--max-examples", "2", "--seed", "1", "--generation-deterministic", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    assert " passed" in done.stdout and "Traceback" not in server.said()
    end = time.monotonic() + 5
    while server.http("GET", "/health") != {"status": "ok"}:
        assert time.monotonic() < end
