"""The scribe as a real process: it converts, is lost, is replaced, and ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import pytest_twisted
import soundfile
from twisted.internet import reactor

from confserver.contract import ConvertSound, FromScribe, ScribeReady, SoundFailed, SoundReady
from confserver.transports import scribe_link
from confserver.transports.scribe_link import ScribeLink
from tests.transports.street import until

READY_S = 15.0


class Watch:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scribe_link, "ASK_S", 0.1)
        self.heard: list[FromScribe] = []
        self.losses = 0
        self.link = ScribeLink(reactor, ["--recordings", "/nonexistent", "--names", "/nonexistent"], lambda: self)  # type: ignore[arg-type]

    def heard_scribe(self, event: FromScribe) -> None:
        self.heard.append(event)

    def scribe_lost(self) -> None:
        self.losses += 1

    def of(self, kind: type) -> list:
        return [event for event in self.heard if isinstance(event, kind)]

    async def stands(self, times: int = 1) -> int:
        await until(lambda: len(self.of(ScribeReady)) == times, READY_S)
        return self.of(ScribeReady)[-1].pid


@pytest_twisted.async_yield_fixture
async def watch(monkeypatch: pytest.MonkeyPatch):
    found = Watch(monkeypatch)
    found.link.start()
    yield found
    found.link.stop()
    await until(lambda: not found.link.is_alive, 5)


@pytest.fixture
def sound(tmp_path: Path) -> str:
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(np.arange(8000)), 8000)
    return str(tmp_path / "a.wav")


@pytest_twisted.ensureDeferred
async def test_what_is_said_before_it_stands_is_done_when_it_does(watch: Watch, sound: str) -> None:
    watch.link.send(ConvertSound(job=1, path=sound, rates=[8000, 16000]))
    watch.link.send(ConvertSound(job=2, path=sound + "x", rates=[8000]))
    pid = await watch.stands()
    await until(lambda: watch.of(SoundReady) and watch.of(SoundFailed))
    [ready] = watch.of(SoundReady)
    assert ready.job == 1 and [each.frames for each in ready.sounds] == [8000, 16000]
    assert watch.of(SoundFailed) == [SoundFailed(job=2, reason="there is no such file")]
    assert os.getpriority(os.PRIO_PROCESS, pid) >= os.getpriority(os.PRIO_PROCESS, 0) + 10
    await until(lambda: watch.link.describe().get("sounds") == 2)


@pytest_twisted.ensureDeferred
async def test_it_does_not_mind_ctrl_c(watch: Watch, sound: str) -> None:
    os.kill(await watch.stands(), signal.SIGINT)
    watch.link.send(ConvertSound(job=1, path=sound, rates=[8000]))
    await until(lambda: watch.of(SoundReady))


@pytest_twisted.ensureDeferred
async def test_one_that_dies_is_replaced_and_its_directory_removed(watch: Watch, sound: str) -> None:
    pid = await watch.stands()
    watch.link.send(ConvertSound(job=1, path=sound, rates=[8000]))
    await until(lambda: watch.of(SoundReady))
    left = Path(watch.of(SoundReady)[0].sounds[0].path).parent
    os.kill(pid, signal.SIGKILL)
    await until(lambda: watch.losses == 1)
    watch.link.send(ConvertSound(job=2, path=sound, rates=[8000]))
    assert await watch.stands(2) != pid
    await until(lambda: len(watch.of(SoundReady)) == 2)
    assert not left.exists()
    assert watch.link.describe()["restarts"] == 1


@pytest_twisted.ensureDeferred
async def test_one_that_hangs_is_killed_and_replaced(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = await watch.stands()
    monkeypatch.setattr(scribe_link, "LOST_S", 1.0)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    assert await watch.stands(2) != pid
    assert time.monotonic() - began > 0.8
    assert watch.losses == 1


@pytest_twisted.ensureDeferred
async def test_one_that_dies_again_and_again_is_started_ever_more_slowly(watch: Watch) -> None:
    for times in (1, 2):
        os.kill(await watch.stands(times), signal.SIGKILL)
    began = time.monotonic()
    await watch.stands(3)
    assert time.monotonic() - began > 1.0


@pytest_twisted.ensureDeferred
async def test_told_to_stop_it_leaves_nothing(monkeypatch: pytest.MonkeyPatch, sound: str) -> None:
    watch = Watch(monkeypatch)
    watch.link.start()
    pid = await watch.stands()
    watch.link.send(ConvertSound(job=1, path=sound, rates=[8000]))
    await until(lambda: watch.of(SoundReady))
    watch.link.stop()
    await until(lambda: not watch.link.is_alive)
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(watch.of(SoundReady)[0].sounds[0].path).parent.exists()
    assert watch.losses == 0
