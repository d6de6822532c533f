"""What a window was like: cost, capacity, memory, and what spoils it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confserver.bench.media.figures import Stretch, capacity, cost_of_srtp_us, memory_a_leg, ratio

QUIET = Stretch(legs=100, seconds=4.0, cpu_s=0.4, ticks=200, rss_kib=50_000, received=20_000, octets=3_440_000,
                very_late=0.0, generator_cores=0.2, others_cores=0.05)  # fmt: skip


def test_cost_is_for_each_participant_and_second() -> None:
    assert QUIET.cpu_ms == pytest.approx(1.0) and QUIET.share == pytest.approx(0.1)
    assert QUIET.packet_bytes == 172
    assert ratio(QUIET, replace(QUIET, cpu_s=0.1)) == pytest.approx(4.0)
    with pytest.raises(ValueError, match="no time"):
        ratio(QUIET, replace(QUIET, cpu_s=0.0))


def test_ticks_in_time() -> None:
    assert QUIET.in_time == 1
    assert replace(QUIET, missed=3).in_time == pytest.approx(0.985)


def test_capacity_is_read_off_the_line_through_all_sizes() -> None:
    assert capacity([(100, 0.2), (200, 0.3)]) == 600
    assert capacity([(100, 0.2), (200, 0.3), (300, 0.4)], full=0.5) == 400
    assert capacity([(1000, 0.9), (2000, 1.7)]) == pytest.approx(750, abs=1), "both may lie beyond"


@pytest.mark.parametrize("points", [[], [(100, 0.2)], [(100, 0.2), (100, 0.3)], [(100, 0.2), (200, 0.2)]])
def test_capacity_of_what_tells_nothing(points: list[tuple[int, float]]) -> None:
    with pytest.raises(ValueError):
        capacity(points)


def test_memory_is_of_the_legs_that_came() -> None:
    assert memory_a_leg(QUIET, replace(QUIET, legs=1100, rss_kib=70_000)) == pytest.approx(20.48)
    with pytest.raises(ValueError):
        memory_a_leg(QUIET, QUIET)


def test_srtp_costs_each_way() -> None:
    assert cost_of_srtp_us(replace(QUIET, cpu_s=0.44), QUIET) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"very_late": 0.01}, "its own clock"),
        ({"generator_cores": 0.9}, "its own clock"),
        ({"others_cores": 0.66}, "0.66 cores"),
        ({"faults": 2}, "2 faults"),
        ({"unsent": 5}, "5 packets"),
    ],
)
def test_what_spoils_a_window_is_told(change: dict[str, float], words: str) -> None:
    assert QUIET.remarks() == []
    [remark] = replace(QUIET, **change).remarks()  # type: ignore[arg-type]
    assert words in remark


def test_a_window_is_whole_or_not() -> None:
    assert QUIET.is_whole
    assert not any(replace(QUIET, **{name: 1}).is_whole for name in ("lost", "legs_short", "faults"))  # type: ignore[arg-type]
