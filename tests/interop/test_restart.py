"""What survives when the server is killed outright: rooms made beforehand, and who has been in."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.interop.kept import Kept
from tests.kit.phone import Phone
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = pytest.mark.interop


def participations(server: Server) -> list[dict[str, object]]:
    """Read from the database itself, while nobody writes."""
    (database,) = server.state_directory.glob("*.db")
    with closing(sqlite3.connect(database)) as found:
        found.row_factory = sqlite3.Row
        return [dict(row) for row in found.execute("SELECT * FROM participations ORDER BY id")]


def test_rooms_and_participations_survive_a_kill_and_all_that_waits(tmp_path: Path) -> None:
    """Also keys of changes, events for webhooks, and countries that wait for a second word."""
    with Kept() as waiting, Server(tmp_path, **waiting.SETTINGS) as server:
        waiting.begin(server)
        server.cli("room", "create", "board", "--max-participants", "7")
        with Phone(server.address, "anna", tone_hz=400) as anna, Phone(server.address, "bob") as bob:
            assert anna.dial("board").status == bob.dial("board").status == 200
            server.wait_until_in("board", "anna", "bob")
            assert bob.hang_up().status == 200
            server.wait_until_in("board", "anna")
            time.sleep(0.3)  # what was said to somebody is on the disk; a departure follows within 100 ms
            server.kill()
            anna.target = ""  # its server is gone: there is nobody to say BYE to
            anna.sending.clear()
        kept = {row["name"]: row for row in participations(server)}
        assert kept.keys() == {"anna", "bob"}
        assert kept["bob"]["left_at"] and not kept["anna"]["left_at"]
        assert all(row["room"] == "board" and row["arrived_at"] for row in kept.values())

        server.start()
        waiting.check(server)
        room = server.cli("room", "show", "board")
        assert (room["max_participants"], room["participants"], room["persistent"]) == (7, [], True)
        ended = {row["name"]: row for row in participations(server)}["anna"]
        assert ended["left_at"] and ended["cause"] == "server stopped"
        with Phone(server.address, "carl", tone_hz=400) as carl, Phone(server.address, "dora") as dora:
            assert carl.dial("board").status == dora.dial("board").status == 200, "its ports are free again"
            time.sleep(0.7)
            assert dora.packets[-1].level_db(400) > LEVEL_DB - 3


def test_a_stopped_server_hangs_up_and_comes_back(tmp_path: Path) -> None:
    with Server(tmp_path) as server, Phone(server.address, "anna", tone_hz=400) as anna:
        server.cli("room", "create", "board")
        assert anna.dial("board").status == 200
        server.wait_until_in("board", "anna")
        server.stop()
        assert anna.hung_up.wait(2)
        server.start()
        assert [room["name"] for room in server.cli("rooms")] == ["board"]


def workers_of(server: Server) -> list[int]:
    """The processes that hold the server's media ports: its children."""
    assert server.child
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == server.child.process.pid and "confserver.worker" in (entry.parent / "cmdline").read_text():
            found.append(int(entry.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers by /proc")
def test_no_worker_outlives_a_killed_server(tmp_path: Path) -> None:
    with Server(tmp_path, media={"workers": 2}) as server:
        workers = workers_of(server)
        assert len(workers) >= 2
        server.kill()
        end = time.monotonic() + 3
        while left := [pid for pid in workers if is_alive(pid)]:
            assert time.monotonic() < end, f"still there: {left}"
            time.sleep(0.05)
        server.start()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers by /proc")
def test_a_worker_that_dies_takes_no_server_with_it(server: Server) -> None:
    """Not even where its spare dies with it: then calls go on as soon as a new process stands."""
    with Phone(server.address, "anna", tone_hz=400) as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        time.sleep(0.5)
        for pid in workers_of(server):
            os.kill(pid, signal.SIGKILL)
        assert server.child
        server.child.wait_for(server.answers, "it answered OPTIONS again", 5)
        killed = time.monotonic()
        while not hears(bob, 400, killed + 0.5):
            assert time.monotonic() < killed + 8 and not bob.hung_up.is_set(), "not restored"
            time.sleep(0.1)
    server.wait_until_ready()
    with Phone(server.address, "carl", tone_hz=400) as carl, Phone(server.address, "dora") as dora:
        assert carl.dial("later").status == dora.dial("later").status == 200
        time.sleep(0.7)
        assert dora.packets[-1].level_db(400) > LEVEL_DB - 3


def hears(phone: Phone, hz: float, since: float) -> bool:
    packets = [packet for packet in list(phone.packets) if packet.at > since]
    return bool(packets) and packets[-1].level_db(hz) > LEVEL_DB - 3
