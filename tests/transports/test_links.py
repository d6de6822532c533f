"""Media workers as real processes: started, lost, replaced, ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.contract import EngineReady, FromWorker, LegOpened, OpenLeg, OpenRoom
from confserver.transports import links
from confserver.transports.links import WorkerLink, WorkerSettings
from tests.kit.ports import free_range
from tests.transports.street import pause, until

READY_S = 15.0


class Watch:
    """One worker and all that is heard of it."""

    def __init__(self) -> None:
        first = free_range(20)
        self.settings = WorkerSettings(
            first_port=first, last_port=first + 19, addresses=("127.0.0.1",), packet_io="auto",
            epoch=time.time() - time.monotonic(), silence_s=60.0, cname="test@confserver",
        )  # fmt: skip
        self.heard: list[FromWorker] = []
        self.losses: list[int] = []
        self.link = WorkerLink(
            reactor, 7, self.settings, lambda number, event: self.heard.append(event), self.losses.append  # type: ignore[arg-type]
        )  # fmt: skip

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def stands(self, times: int = 1) -> int:
        await until(lambda: len(self.of(EngineReady)) == times, READY_S)
        pid = self.link.pid
        assert pid is not None and self.of(EngineReady)[-1].pid == pid
        return pid


@pytest_twisted.async_yield_fixture
async def watch():
    found = Watch()
    found.link.start()
    yield found
    found.link.stop()
    try:
        await until(lambda: not found.link.is_alive, 3)
    except AssertionError:
        found.link.kill()
        await until(lambda: not found.link.is_alive)


@pytest_twisted.ensureDeferred
async def test_a_worker_stands_answers_and_ends(watch: Watch) -> None:
    await watch.stands()
    await until(lambda: watch.link.counts)
    assert watch.link.describe()["restarts"] == 0 and "legs" in watch.link.describe()
    watch.link.send(OpenRoom(room=1))
    watch.link.send(OpenLeg(leg=2, room=1))
    await until(lambda: watch.of(LegOpened))
    opened = watch.of(LegOpened)[0]
    assert opened.leg == 2 and watch.settings.first_port <= opened.port <= watch.settings.last_port
    watch.link.stop()
    await until(lambda: not watch.link.is_alive)
    await pause(0.2)
    assert watch.losses == [] and watch.link.pid is None, "it was asked to end"
    watch.link.send(OpenRoom(room=2))
    watch.link.kill()


@pytest_twisted.ensureDeferred
async def test_a_killed_worker_is_replaced_and_its_heir_left_alone(watch: Watch) -> None:
    """The line of the dead closes after its heir has started: that must not end the heir."""
    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for times in (2, 3):
        pid = watch.link.pid
        assert pid is not None and await watch.stands(times - 1) == pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda: len(watch.losses) == times - 1)
        assert watch.losses[-1] == 7
        assert await watch.stands(times) != pid
    await pause(0.3)
    assert watch.link.is_alive and len(watch.losses) == 2 and watch.link.describe()["restarts"] == 2
    if files:
        assert len(os.listdir("/proc/self/fd")) <= files, "no file is left of the dead"


@pytest_twisted.ensureDeferred
async def test_a_worker_that_hangs_is_killed_and_replaced(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LOST_S", 0.5)
    pid = await watch.stands()
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: watch.losses, 6)
    assert await watch.stands(2) != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest_twisted.ensureDeferred
async def test_a_worker_that_never_stands_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody counts on it yet; it is tried again."""
    watch = Watch()
    monkeypatch.setattr(WorkerSettings, "arguments", lambda self: ["python3", "-c", "raise SystemExit(3)"])
    watch.link.start()
    await until(lambda: watch.link.restarts == 1)
    assert watch.losses == [] and watch.heard == []
    watch.link.stop()
    await until(lambda: not watch.link.is_alive)
    await pause(1.1)
    assert watch.link.restarts == 1


@pytest_twisted.ensureDeferred
async def test_a_worker_that_hangs_before_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    monkeypatch.setattr(links, "STARTING_S", 0.5)
    monkeypatch.setattr(WorkerSettings, "arguments", lambda self: ["python3", "-c", "import time; time.sleep(60)"])
    watch.link.start()
    await until(lambda: watch.link.restarts == 1, 6)
    watch.link.stop()
    watch.link.kill()
    await until(lambda: not watch.link.is_alive)


SPEAKERS = {
    "rubbish": "s.sendall(b'\\xff' * 9); s.recv(9)",
    "another version": "from confserver import contract as c; s.sendall(c.packed(c.EngineReady(version=9, pid=1)))",
}


@pytest.mark.parametrize("kind", SPEAKERS)
@pytest_twisted.ensureDeferred
async def test_a_worker_that_speaks_another_language_is_ended(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    script = f"import socket, time; s = socket.socket(fileno=3); {SPEAKERS[kind]}; time.sleep(60)"
    monkeypatch.setattr(WorkerSettings, "arguments", lambda self: ["python3", "-c", script])
    watch.link.start()
    await until(lambda: watch.link.restarts == 1, 6)
    assert watch.heard == []
    watch.link.stop()
    watch.link.kill()
    await until(lambda: not watch.link.is_alive)


@pytest_twisted.ensureDeferred
async def test_no_more_room_for_processes(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = await watch.stands()

    def none_left() -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", none_left)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: watch.losses)
    await pause(0.2)
    assert not watch.link.is_alive, "and the server lives; it tries again later"
