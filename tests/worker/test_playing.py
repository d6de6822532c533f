"""Plays in a worker as the process it is: files mapped, or refused without a fault."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest

from confserver.contract import (
    Describe,
    Described,
    Incoming,
    LegOpened,
    MediaPlan,
    OpenLeg,
    OpenRoom,
    Play,
    PlayEnded,
    SetHearing,
    SetPlay,
    Sound,
    StopPlay,
)  # fmt: skip
from confserver.contract.commands import MixSources
from confserver.engine.codecs import PCMU
from tests.engine.hall import level_db, tone
from tests.worker.test_loop import Worker, start  # noqa: F401
from tests.worker.test_sounds import lay


def heard(ear: socket.socket, seconds: float) -> np.ndarray:
    """What comes from now on."""
    ear.settimeout(0.05)
    payload, ends = b"", time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            payload += ear.recv(2048)[12:]
        except TimeoutError:
            continue
    out = np.empty((1, len(payload)), np.float32)
    PCMU.decode(np.frombuffer(payload, np.uint8)[None], out)
    return out[0]


@pytest.fixture
def stage(start):  # noqa: F811
    """A worker with one leg, and where its sound arrives."""
    worker: Worker = start(first=31300, last=31339)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        plan = MediaPlan(
            remote=ear.getsockname(), incoming=[Incoming(payload_type=0, format="PCMU")],
            outgoing_payload_type=0, outgoing_format="PCMU",
        )  # fmt: skip
        mixes = [MixSources(legs=[5], gains=[1.0])]
        worker.say(OpenRoom(room=1), OpenLeg(leg=5, room=1, plan=plan))
        worker.wait(LegOpened, leg=5)
        worker.say(SetHearing(room=1, mixes=mixes, listeners=[(5, 0)]))
        yield worker, ear


@pytest.mark.slow
def test_a_file_is_heard_until_it_is_stopped(stage, tmp_path) -> None:
    worker, ear = stage
    sound = lay(tmp_path / "a", tone(500, 1.0) * 32767)
    worker.say(Play(play=1, room=1, leg=5, sounds=[[sound]], loop=True))
    assert level_db(heard(ear, 1.5)[-8000:], 500) == pytest.approx(-14, abs=0.5)
    (tmp_path / "a").unlink()
    assert level_db(heard(ear, 0.5), 500) == pytest.approx(-14, abs=0.5)
    worker.say(SetPlay(play=1, volume_db=-12.0))
    assert level_db(heard(ear, 0.5)[-2400:], 500) == pytest.approx(-26, abs=0.5)
    worker.say(StopPlay(play=1))
    assert worker.wait(PlayEnded, play=1).cause == "stopped"


def test_what_cannot_be_played_fails_and_costs_no_tick(stage, tmp_path) -> None:
    worker, _ = stage
    good = lay(tmp_path / "a", tone(500, 1.0) * 32767)
    short = Sound(path=good.path, rate_hz=8000, channels=1, frames=99999)
    missing = Sound(path=str(tmp_path / "b"), rate_hz=8000, channels=1, frames=1600)
    worker.say(
        Play(play=1, room=1, sounds=[[missing]]), Play(play=2, room=1, sounds=[[short]]),
        Play(play=3, room=1, tones="440/9dB"), Play(play=4, room=1), Play(play=5, room=9, tones="440"),
        Play(play=6, room=1, leg=77, tones="440"), SetPlay(play=99, paused=True), StopPlay(play=99),
        Play(play=7, room=1, sounds=[[good]]),
    )  # fmt: skip
    reasons = {number: worker.wait(PlayEnded, play=number).reason for number in range(1, 7)}
    assert "No such file" in reasons[1]
    assert "16000 of 199998 bytes" in reasons[2]
    assert "-60 to 0" in reasons[3]
    assert reasons[5] == "no room 9"
    assert reasons[6] == "no leg 77 in room 1"
    assert worker.wait(PlayEnded, play=7).cause == "finished"
    worker.say(Describe(token=1))
    counts = worker.wait(Described, token=1).counts
    assert (counts["faults"], counts["plays"], counts["seats"]) == (0, 0, 1)
