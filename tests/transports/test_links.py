"""Media workers as real processes: started, lost, replaced, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.contract import EngineReady, FromWorker, LegOpened, OpenLeg, OpenRoom, Resume
from confserver.transports import links, pulse
from confserver.transports.links import Spares, WorkerLink, WorkerSettings
from tests.kit.ports import free_range
from tests.transports.street import pause, until

READY_S = 15.0


class Watch:
    """One worker and all that is heard of it."""

    def __init__(self, *, spare: bool = False) -> None:
        first = free_range(20)
        self.settings = WorkerSettings(
            first_port=first, last_port=first + 19, addresses=("127.0.0.1",), packet_io="auto",
            epoch=time.time() - time.monotonic(), silence_s=60.0, cname="test@confserver",
        )  # fmt: skip
        self.heard: list[FromWorker] = []
        self.losses: list[int] = []
        self.spares = Spares(reactor, self.settings) if spare else None  # type: ignore[arg-type]
        self.link = WorkerLink(
            reactor, 7, self.settings, lambda _, event: self.heard.append(event), self.losses.append, self.spares  # type: ignore[arg-type]
        )  # fmt: skip

    async def end(self) -> None:
        everybody = [self.link, *([self.spares] if self.spares else [])]
        for each in everybody:
            each.stop()
        try:
            await until(lambda: not any(each.is_alive for each in everybody), 3)
        except AssertionError:
            for each in everybody:
                each.kill()
            await until(lambda: not any(each.is_alive for each in everybody))

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
    await found.end()


@pytest_twisted.async_yield_fixture
async def guarded(monkeypatch: pytest.MonkeyPatch):
    """A worker, and a spare that stands ready."""
    monkeypatch.setattr(links, "NEXT_SPARE_S", 0.0)
    found = Watch(spare=True)
    found.link.start()
    found.spares.start()
    await until(lambda: found.spares.describe()["ready"], READY_S)
    yield found
    await found.end()


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


@pytest.mark.slow
@pytest.mark.alone
@pytest_twisted.ensureDeferred
async def test_a_worker_that_hangs_is_killed_and_replaced(watch: Watch) -> None:
    pid = await watch.stands()
    await pause(3 * pulse.PING_S)  # it has answered: one that has just begun is given longer
    os.kill(pid, signal.SIGSTOP)
    stopped = time.monotonic()
    await until(lambda: watch.losses, 6)
    assert 0.6 < time.monotonic() - stopped < 2.5
    assert await watch.stands(2) != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest_twisted.ensureDeferred
async def test_a_spare_takes_the_place_at_once(how: signal.Signals, guarded: Watch) -> None:
    """It gets the number and the ports, and the next spare gets ready; the lost one is gone before."""
    watch, pid = guarded, await guarded.stands()
    spare = watch.spares.describe()["pid"]
    watch.link.send(OpenRoom(room=1))
    watch.link.send(OpenLeg(leg=2, room=1))
    await until(lambda: watch.of(LegOpened))
    opened = watch.of(LegOpened)[0]
    os.kill(pid, how)
    await until(lambda: watch.losses, 6)
    assert await watch.stands(2) == spare != pid, "in the same breath"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    resume = Resume(port=opened.port, ssrc=opened.ssrc, sequence=1, timestamp=2, at=opened.at)
    watch.link.send(OpenRoom(room=1))
    watch.link.send(OpenLeg(leg=2, room=1, resume=resume))
    await until(lambda: len(watch.of(LegOpened)) == 2)
    again = watch.of(LegOpened)[1]
    assert (again.port, again.ssrc) == (opened.port, opened.ssrc)
    await until(lambda: watch.spares.describe()["ready"], READY_S)
    assert watch.spares.describe()["pid"] not in (pid, spare)
    await until(lambda: watch.link.counts.get("legs") == 1)
    assert watch.losses == [7] and watch.link.describe()["restarts"] == 1


@pytest_twisted.ensureDeferred
async def test_a_spare_that_dies_is_no_loss_but_is_replaced(guarded: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST_DELAY_S", 0.1)
    await guarded.stands()
    spare = guarded.spares.describe()["pid"]
    os.kill(spare, signal.SIGKILL)
    await until(lambda: guarded.spares.describe()["pid"] is None)
    await until(lambda: guarded.spares.describe()["ready"], READY_S)
    assert guarded.spares.describe()["pid"] != spare and guarded.losses == []


@pytest_twisted.ensureDeferred
async def test_with_its_spare_gone_too_a_worker_is_started_anew(guarded: Watch) -> None:
    pid = await guarded.stands()
    os.kill(guarded.spares.describe()["pid"], signal.SIGKILL)
    await until(lambda: guarded.spares.describe()["pid"] is None)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: guarded.losses)
    assert await guarded.stands(2) != pid


@pytest.mark.slow
@pytest.mark.alone
@pytest_twisted.ensureDeferred
async def test_our_own_stall_is_not_held_against_a_worker(watch: Watch) -> None:
    pid = await watch.stands()
    for _ in range(3):
        time.sleep(1.3)
        await pause(0.01)
    await pause(0.6)
    assert watch.link.pid == pid and not watch.losses


@pytest.mark.slow
@pytest.mark.alone
@pytest_twisted.ensureDeferred
async def test_a_busy_machine_is_not_held_against_a_worker(watch: Watch) -> None:
    """More processes than processors want to run all the time."""
    pid = await watch.stands()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1) + 2)]
    try:
        await pause(3)
    finally:
        for each in busy:
            each.kill()
            each.wait()
    assert watch.link.pid == pid and not watch.losses


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
    monkeypatch.setattr(pulse, "STARTING_S", 0.5)
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
