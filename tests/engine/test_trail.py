"""The RTP headers of the last minute: all of them, of the right leg, and no more memory than was given."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.batch import Batch
from confserver.engine.departure import Outbox
from confserver.engine.trail import LAST_S, MOST_LEGS, MOST_OF_A_LEG, RECORD, Trail
from confserver.rtp.address import SOCKADDR_BYTES

NOW = 1000.0
SIZE = 25 * 1000
"""A thousand packets."""


def batch(count: int, at: float = NOW, kind: int = 0, sequence: int = 0) -> Batch:
    made = Batch(max(count, 1))
    made.count = count
    made.length[:count] = 172
    made.arrived[:count] = at
    made.data[:count, 0], made.data[:count, 1] = 0x80, kind
    for index in range(count):
        made.data[index, 2:4] = divmod(sequence + index, 256)
    return made


def outbox(rows: list[int], lengths: list[int]) -> Outbox:
    packets = np.full((len(rows), 180), 0x11, np.uint8)
    return Outbox(
        packets, np.array(lengths, np.int32), np.zeros((len(rows), SOCKADDR_BYTES), np.uint8), [], np.array(rows), 1,
        is_whole=all(lengths),
    )  # fmt: skip


def told(trail: Trail, leg: int, now: float = NOW) -> np.ndarray:
    return np.frombuffer(trail.of(leg, now), RECORD)


def sequences(records: np.ndarray) -> list[int]:
    return [int.from_bytes(bytes(each)[2:4], "big") for each in records["header"]]


def test_both_ways_in_order_of_time() -> None:
    trail = Trail(SIZE)
    trail.opened(7, 3, NOW - 5)
    trail.opened(8, 4, NOW - 5)
    trail.incoming(batch(2, NOW - 1, sequence=10), np.array([3, 4]))
    trail.outgoing([outbox([3, 4], [172, 172]), outbox([3], [0])], NOW - 2)
    mine = told(trail, 7)
    assert mine["at"].tolist() == [NOW - 2, NOW - 1] and mine["is_ours"].tolist() == [1, 0]
    assert mine["length"].tolist() == [172, 172] and sequences(mine) == [0x1111, 10]
    assert sequences(told(trail, 8))[1] == 11


def test_rtcp_strangers_and_scraps_are_left_out() -> None:
    trail = Trail(SIZE)
    trail.opened(7, 3, NOW - 5)
    trail.incoming(batch(2, kind=200), np.array([3, 3]))
    trail.incoming(batch(2), np.array([0, 0]))
    short = batch(1)
    short.length[0] = 11
    trail.incoming(short, np.array([3]))
    assert len(told(trail, 7)) == 0
    marked = batch(1, kind=0x80)
    trail.incoming(marked, np.array([3]))
    assert len(told(trail, 7)) == 1, "a marker is no RTCP"


def test_the_seat_may_be_another_legs_by_then() -> None:
    trail = Trail(SIZE)
    trail.opened(7, 3, NOW - 50)
    trail.incoming(batch(1, NOW - 40, sequence=1), np.array([3]))
    trail.closed(7, NOW - 30)
    trail.opened(9, 3, NOW - 20)
    trail.incoming(batch(1, NOW - 10, sequence=2), np.array([3]))
    assert sequences(told(trail, 7)) == [1] and sequences(told(trail, 9)) == [2]
    assert len(told(trail, 99)) == 0
    trail.closed(99, NOW)


def test_a_minute_and_no_more() -> None:
    trail = Trail(SIZE)
    trail.opened(7, 3, NOW - 500)
    for at in (NOW - LAST_S - 1, NOW - LAST_S + 1, NOW):
        trail.incoming(batch(1, at), np.array([3]))
    assert told(trail, 7)["at"].tolist() == [NOW - LAST_S + 1, NOW]
    trail.closed(7, NOW - 1)
    assert len(told(trail, 7, NOW + 3600)) == 2, "its last minute, whenever that is asked for"


def test_the_ring_goes_round() -> None:
    trail = Trail(SIZE)
    trail.opened(7, 3, NOW - 50)
    for number in range(350):
        trail.incoming(batch(3, NOW - 40 + number / 10, sequence=number * 3), np.full(3, 3))
    mine = told(trail, 7)
    assert len(mine) == 1000 and sequences(mine) == list(range(50, 1050))
    trail.incoming(batch(1001), np.full(1001, 3))  # more than it holds: passed over
    assert sequences(told(trail, 7))[-1] == 1049


def test_off() -> None:
    trail = Trail(0)
    trail.opened(7, 3, NOW)
    trail.incoming(batch(2), np.array([3, 3]))
    trail.outgoing([outbox([3], [172])], NOW)
    assert trail.of(7, NOW) == b""


def test_what_is_kept_is_bounded() -> None:
    trail = Trail(25 * 50_000)
    for leg in range(MOST_LEGS + 100):
        trail.opened(leg, 3, NOW - 50)
    assert len(trail._legs) == MOST_LEGS and trail.of(5, NOW) == b""
    for _ in range(30):
        trail.incoming(batch(1000), np.full(1000, 3))
    assert len(told(trail, MOST_LEGS + 1)) == MOST_OF_A_LEG


@pytest.mark.parametrize("size", [1, 24])
def test_less_than_one_packet_of_memory(size: int) -> None:
    trail = Trail(size)
    trail.incoming(batch(1), np.array([3]))
    assert trail.of(1, NOW) == b""
