"""The journal of dialogs between stack and store: what is noted, when it is dropped, what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlite_utils import Database
from twisted.internet.defer import Deferred, fail, succeed

from confserver.app.dialogs import FAREWELLS_A_LOOK, MOST_A_FLUSH, MOST_FAREWELLS, STALE_S, Dialogs
from confserver.routing import store
from confserver.routing.store import KeptDialog
from confserver.sip.outputs import OpenFlow, Output
from confserver.sip.remains import Remains
from confserver.storage import StorageError
from tests.kit.sip_play import SDP, Wire, sent


class Disk:
    """A store at once; ``jobs`` counts what it is asked for."""

    def __init__(self) -> None:
        self.db = Database(memory=True)
        store.migrate(self.db)
        self.jobs = 0
        self.is_full = False

    def write(self, job: Callable[[Database], Any]) -> Deferred[Any]:
        self.jobs += 1
        return fail(StorageError("full")) if self.is_full else succeed(job(self.db))

    def rows(self) -> list[KeptDialog]:
        return store.load_dialogs(self.db)


class Run:
    """A process with a stack, on a disk."""

    def __init__(self, disk: Disk, name: str = "1") -> None:
        self.wire = Wire()
        self.disk = disk
        self.dialogs = Dialogs(self.wire.stack, disk, name)  # type: ignore[arg-type]
        self.said: list[Output] = []

    def follow(self, outputs: list[Output]) -> list[Output]:
        for output in outputs:
            self.dialogs.hear(output)
        return outputs

    def call(self, call_id: str = "call-1") -> tuple[int, str]:
        wire = self.wire
        [arrived] = [each for each in wire.invite(call_id=call_id) if hasattr(each, "call")]
        tag = sent(wire.stack.accept(arrived.call, SDP, wire.now))[0].to.tag
        self.follow(wire.hear(wire.request("ACK", to_tag=tag, call_id=call_id)))
        return arrived.call, tag

    def bye(self, tag: str, call_id: str = "call-1") -> None:
        self.follow(self.wire.hear(self.wire.request("BYE", to_tag=tag, cseq=9, call_id=call_id)))

    def goodbyes(self) -> int:
        before = len(self.said)
        self.dialogs.say_goodbye(self.wire.now, self.said.extend)
        return sum(isinstance(each, OpenFlow) for each in self.said[before:])


@pytest.fixture
def disk() -> Disk:
    return Disk()


def test_a_call_that_stands_is_noted_and_dropped_at_its_end(disk: Disk) -> None:
    run = Run(disk)
    call, tag = run.call()
    assert disk.jobs == 0, "nothing on the call's way"
    run.dialogs.flush()
    assert [row.key for row in disk.rows()] == [f"1:{call}"]
    run.bye(tag)
    run.dialogs.flush()
    assert disk.rows() == []
    run.dialogs.flush()
    assert disk.jobs == 2, "nothing to do costs nothing"


def test_a_short_call_never_touches_the_disk(disk: Disk) -> None:
    run = Run(disk)
    _, tag = run.call()
    run.bye(tag)
    run.dialogs.flush()
    assert disk.jobs == 0


def test_a_call_without_an_ack_is_not_noted(disk: Disk) -> None:
    run = Run(disk)
    [arrived] = [each for each in run.wire.invite() if hasattr(each, "call")]
    run.follow(run.wire.stack.accept(arrived.call, SDP, run.wire.now))
    run.dialogs.flush()
    assert disk.rows() == []


def test_a_new_target_is_noted_again(disk: Disk) -> None:
    run = Run(disk)
    call, tag = run.call()
    run.dialogs.flush()
    moved = run.wire.request("INVITE", to_tag=tag, cseq=2, body=SDP, contact="<sip:alice@192.0.2.9:5099>")
    run.follow(run.wire.hear(moved))
    run.wire.stack.accept_offer(call, SDP, run.wire.now)
    run.dialogs.flush()
    assert "5099" in disk.rows()[0].text and len(disk.rows()) == 1


def test_many_at_once_are_noted_bit_by_bit(disk: Disk) -> None:
    run = Run(disk)
    for number in range(MOST_A_FLUSH + 5):
        run.call(f"c{number}")
    run.dialogs.flush()
    assert len(disk.rows()) == MOST_A_FLUSH
    run.dialogs.flush()
    assert len(disk.rows()) == MOST_A_FLUSH + 5


def test_a_crash_is_followed_by_bye(disk: Disk) -> None:
    first, second = Run(disk, "1"), Run(disk, "2")
    for number in range(3):
        first.call(f"c{number}")
    first.dialogs.flush()
    second.dialogs.inherit(disk.rows(), 5.0)
    call, _ = second.call("new")
    second.dialogs.flush()
    assert second.dialogs.is_waiting and second.goodbyes() == 3 and not second.dialogs.is_waiting
    second.dialogs.flush()
    assert [row.key for row in disk.rows()] == [f"2:{call}"], "a number of this run is not one of the last"
    assert second.goodbyes() == 0


def test_a_second_crash_leaves_the_rest_to_a_third_run(disk: Disk) -> None:
    first, second, third = Run(disk, "1"), Run(disk, "2"), Run(disk, "3")
    for number in range(FAREWELLS_A_LOOK + 4):
        first.call(f"c{number}")
    first.dialogs.flush()
    second.dialogs.inherit(disk.rows(), 1.0)
    assert second.goodbyes() == FAREWELLS_A_LOOK
    second.dialogs.flush()
    third.dialogs.inherit(disk.rows(), 1.0)
    assert third.goodbyes() == 4


def test_they_are_paced_and_bounded(disk: Disk) -> None:
    run = Run(disk, "2")
    text = Remains(
        "c", "<sip:a@b>;tag=1", "<sip:c@d>;tag=2", "sip:c@192.0.2.9", (), 1, "UDP", "192.0.2.9", 5060
    ).written()
    run.dialogs.inherit([KeptDialog(f"1:{n}", text) for n in range(MOST_FAREWELLS + 7)], 1.0)
    counts = []
    while run.dialogs.is_waiting:
        counts.append(run.goodbyes())
    assert set(counts) == {FAREWELLS_A_LOOK} and sum(counts) == MOST_FAREWELLS


def test_long_after_the_crash_nobody_waits(disk: Disk) -> None:
    first, second = Run(disk, "1"), Run(disk, "2")
    first.call()
    first.dialogs.flush()
    second.dialogs.inherit(disk.rows(), STALE_S + 1)
    assert not second.dialogs.is_waiting
    second.dialogs.flush()
    assert disk.rows() == []


def test_damaged_rows_cost_nobody_else_anything(disk: Disk) -> None:
    first, second = Run(disk, "1"), Run(disk, "2")
    first.call()
    first.dialogs.flush()
    second.dialogs.inherit([KeptDialog("1:8", "{"), *disk.rows(), KeptDialog("1:9", "null")], 1.0)
    assert second.goodbyes() == 1
    second.dialogs.flush()
    assert disk.rows() == []


def test_a_full_disk_costs_no_call(disk: Disk) -> None:
    run = Run(disk)
    _, tag = run.call()
    disk.is_full = True
    run.dialogs.flush()
    run.bye(tag)
    run.dialogs.flush()
    assert run.dialogs.describe() == {"noted": 0, "of_the_last_run": 0}
