"""A fault of ours costs one tick or one command, never the process; only where every tick fails, another takes over."""

from __future__ import annotations

import socket

import pytest

from confserver.contract import Describe, Described, OpenLeg, OpenRoom, Ping, Pong, event_unpacker
from confserver.engine.tick import Engine
from confserver.worker.channel import Channel
from confserver.worker.loop import MOST_FAULTS_IN_A_ROW, MOST_FAULTS_TOLD, Loop
from confserver.worker.packet_io import PortablePacketIO
from confserver.worker.ports import Ports
from tests.kit.ports import server_range


@pytest.fixture
def loop():
    ours, theirs = socket.socketpair()
    engine = Engine("test@127.0.0.1", lambda: 7)
    io = PortablePacketIO(engine.book)
    first = server_range(4)
    found = Loop(engine, io, Ports(io, first, first + 3, ["127.0.0.1"]), Channel(theirs), 0.0)
    found.heard = lambda: list(event_unpacker().feed(ours.recv(65536)))
    yield found
    ours.close()
    theirs.close()


def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("made for this test")


def test_a_failing_tick_is_told_and_the_next_one_runs(loop, monkeypatch, capsys) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(loop._engine, "tick", fail)
        loop._try_tick(1.0, 1)
    loop._try_tick(1.02, 1)
    told = capsys.readouterr().err
    assert told.count("fault in a tick") == 1 and "ZeroDivisionError: made for this test" in told
    assert loop._engine.ticks == 1


def test_faults_do_not_fill_the_log(loop, monkeypatch, capsys) -> None:
    monkeypatch.setattr(loop._engine, "tick", fail)
    for number in range(MOST_FAULTS_TOLD + 4):
        loop._try_tick(number / 50, 1)
    assert capsys.readouterr().err.count("fault in a tick") == MOST_FAULTS_TOLD


def test_a_worker_whose_ticks_all_fail_gives_up(loop, monkeypatch) -> None:
    monkeypatch.setattr(loop._engine, "tick", fail)
    for number in range(MOST_FAULTS_IN_A_ROW - 1):
        loop._try_tick(number / 50, 1)
    with pytest.raises(ZeroDivisionError):
        loop._try_tick(1.0, 1)


def test_a_failing_command_is_told_and_the_next_one_obeyed(loop, monkeypatch, capsys) -> None:
    loop._obey(OpenRoom(room=1))
    monkeypatch.setattr(loop._engine, "open_leg", fail)
    loop._obey(OpenLeg(leg=1, room=1))
    loop._obey(Ping(token=5))
    loop._obey(Describe(token=6))
    loop._tell()
    heard = loop.heard()
    assert Pong(token=5) in heard
    assert [each.counts["faults"] for each in heard if isinstance(each, Described)] == [1]
    assert "fault in OpenLeg" in capsys.readouterr().err
