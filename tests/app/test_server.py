"""The whole server as a process of its own: started, stopped, hit."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.process import Child
from tests.kit.server import COMMAND, Server

pytestmark = pytest.mark.slow


def pids(server: Server) -> list[int]:
    return [worker["pid"] for worker in server.http("GET", "/status")["workers"]]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stopped_while_calls_are_up(tmp_path: Path, how: signal.Signals) -> None:
    with Server(tmp_path, media={"workers": 2}) as server:
        with Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
            assert anna.dial("one").status == bob.dial("two").status == 200
            workers, began = pids(server), time.monotonic()
            server.stop(how)
            assert time.monotonic() - began < 3, "nobody is waited for who has answered"
            assert anna.hung_up.wait(1) and bob.hung_up.wait(1)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        assert "Traceback" not in server.said()


def test_stopped_while_a_phone_is_dead(tmp_path: Path) -> None:
    """Its BYE gets no answer; ten seconds are the most."""
    with Server(tmp_path) as server, Phone(server.address, "anna") as anna:
        assert anna.dial("one").status == 200
        anna.sip.close()
        anna.hung_up.set()
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5])
def test_stopped_before_it_stands(tmp_path: Path, delay: float) -> None:
    server = Server(tmp_path)
    command = [*COMMAND, "serve", "--config", str(server.config)]
    child = Child(command, server.folder, "serve", environment=server.environment)
    child.wait_for(lambda: has_handler(child.process.pid), "it took signals", 20)
    time.sleep(delay)
    assert child.end(signal.SIGTERM, 12) == 0, child.said()
    assert "Traceback" not in child.said() and "cannot start" not in child.said()


def has_handler(pid: int) -> bool:
    """SIGTERM is among the signals that the process catches."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught & 1 << (signal.SIGTERM - 1))


def test_workers_killed_while_calls_are_up(tmp_path: Path) -> None:
    with Server(tmp_path, media={"workers": 2}) as server:
        with Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
            assert anna.dial("one").status == bob.dial("two").status == 200
            old = pids(server)
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            end = time.monotonic() + 15
            while not server._is_ready() or set(pids(server)) & set(old):
                assert time.monotonic() < end, server.said()
                time.sleep(0.05)
            for phone in (anna, bob):
                phone.wait_for_packets(50)
                assert not phone.hung_up.is_set() and len({packet.ssrc for packet in phone.packets}) == 1
                assert {packet.source for packet in phone.packets} == {phone.media}
        with Phone(server.address, "carl", tone_hz=400) as carl, Phone(server.address, "dora") as dora:
            assert carl.dial("one").status == dora.dial("one").status == 200
            dora.wait_for_packets(50)
            assert dora.packets[-1].level_db(400) > -30
        end = time.monotonic() + 5
        while (left := left_of_calls(server)) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left, left


def left_of_calls(server: Server) -> dict[str, float]:
    """What calls take and give back at once; transactions stay for half a minute."""
    found = server.counts().items()
    return {name: count for name, count in found if count and name.rpartition(".")[2] in ("legs", "calls", "rooms")}


def test_a_second_server(tmp_path: Path) -> None:
    with Server(tmp_path) as first:
        same_state = Server(tmp_path / "b", state={"directory": str(first.state_directory)})
        same_port = Server(tmp_path / "c", sip={"port": first.address[1]})
        same_http = Server(tmp_path / "d", http={"address": http_of(first)})
        for second in (same_state, same_port, same_http):
            done = second.run("serve", "--config", str(second.config), timeout=20)
            assert done.returncode == 2 and done.stdout == ""
            assert done.stderr.startswith("confserver: ") and done.stderr.count("\n") == 1, done.stderr
        assert first.answers(2) and first.status()


def http_of(server: Server) -> str:
    control = json.loads((server.state_directory / "control.json").read_text())
    return str(control["url"]).removeprefix("http://")
