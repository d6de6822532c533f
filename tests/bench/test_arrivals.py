"""Loss, gaps and jitter of streams that were spoilt on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.bench.arrivals import Legs, Packets, expected, measure

START = 1000.0
PACKETS = 100
END = START + PACKETS * 0.02


def stream(caller: int, count: int = PACKETS, sequence: int = 65500, offset: float = 0.004) -> list[list[float]]:
    """Rows of caller, arrival, sequence and timestamp, as clean as can be; the sequence turns over on the way."""
    return [
        [caller, START + offset + n * 0.02, (sequence + n) % 65536, (4294960000 + n * 160) % 2**32]
        for n in range(count)
    ]


def judged(rows: list[list[float]], callers: int = 1) -> Legs:
    columns = list(zip(*rows, strict=True)) or [()] * 4
    packets = Packets(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.float64),
        np.array(columns[2], np.uint32).astype(np.uint16),
        np.array(columns[3], np.uint64).astype(np.uint32),
    )
    return measure(packets, callers, START, END)


def faults(legs: Legs) -> list[int]:
    return [int(column[0]) for column in (legs.received, legs.lost, legs.doubled, legs.reordered, legs.broken)]


def test_a_clean_stream_has_no_fault() -> None:
    legs = judged(stream(0))
    assert faults(legs) == [PACKETS, 0, 0, 0, 0]
    assert legs.gap_s[0] == pytest.approx(0.02)
    assert legs.jitter_s[0] == pytest.approx(0, abs=1e-9)
    assert expected(START, END) == PACKETS


def test_packets_left_out_are_lost_and_leave_a_gap() -> None:
    rows = stream(0)
    del rows[40:43]
    legs = judged(rows)
    assert faults(legs) == [PACKETS - 3, 3, 0, 0, 0]
    assert legs.gap_s[0] == pytest.approx(0.08)


def test_a_packet_that_comes_twice_hides_no_loss() -> None:
    rows = stream(0)
    rows[50] = [0, rows[50][1], *rows[49][2:]]
    assert faults(judged(rows)) == [PACKETS, 1, 1, 0, 0]


def test_a_packet_that_is_overtaken_is_not_lost() -> None:
    rows = stream(0)
    rows[50][2:], rows[51][2:] = rows[51][2:], rows[50][2:]
    legs = judged(rows)
    assert faults(legs) == [PACKETS, 0, 0, 1, 0]
    assert legs.jitter_s[0] > 0


def test_a_timestamp_that_jumps_is_seen() -> None:
    rows = [[*row[:3], (row[3] + (160 if n >= 60 else 0)) % 2**32] for n, row in enumerate(stream(0))]
    assert faults(judged(rows)) == [PACKETS, 0, 0, 0, 1]


def test_jitter_is_the_mean_deviation() -> None:
    rows = stream(0)
    for n, row in enumerate(rows):
        row[1] += 0.003 * (n % 2)
    assert judged(rows).jitter_s[0] == pytest.approx(0.003)


def test_what_is_outside_of_the_window_does_not_count() -> None:
    early = [[0, START - 0.001, 1, 1]]
    late = [[0, END, 2, 2]]
    assert faults(judged([*early, *stream(0), *late])) == [PACKETS, 0, 0, 0, 0]


def test_silence_at_either_edge_is_a_gap() -> None:
    assert judged(stream(0)[10:]).gap_s[0] == pytest.approx(0.204)
    assert judged(stream(0)[:-10]).gap_s[0] == pytest.approx(0.216)


def test_legs_do_not_mix() -> None:
    rows = [row for pair in zip(stream(0), stream(2, sequence=7, offset=0.011), strict=True) for row in pair]
    del rows[61]
    legs = judged(rows, callers=4)
    assert legs.received.tolist() == [PACKETS, 0, PACKETS - 1, 0]
    assert legs.lost.tolist() == [0, 0, 1, 0]
    assert legs.gap_s[1] == pytest.approx(END - START)
    assert legs.gap_s[2] == pytest.approx(0.04)


def test_nothing_at_all_is_one_long_gap() -> None:
    legs = judged([], callers=2)
    assert legs.received.tolist() == [0, 0]
    assert legs.lost.tolist() == [0, 0]
    assert legs.gap_s.tolist() == pytest.approx([END - START] * 2)
