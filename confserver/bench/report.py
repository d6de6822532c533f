"""Figures for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from confserver.bench.delay import MEANING
from confserver.bench.figures import Figure, Spread
from confserver.bench.results import Result
from confserver.bench.virtual import EngineFigure

Row = tuple[str, str]


def _number(value: Figure, digits: int = 1, unit: str = "") -> str:
    return "not measured" if value is None else f"{value:.{digits}f}{unit and ' ' + unit}"


def _spread(values: Spread, names: Sequence[str] = ("p50", "p95", "max"), digits: int = 1) -> str:
    if values.p50 is None:
        return "not measured"
    return ", ".join(f"{name} {_number(getattr(values, name), digits)}" for name in names) + " ms"


def rows(result: Result) -> list[Row]:
    """Name and value of each figure."""
    share = result.lost / max(result.received + result.lost, 1) * 100
    return [
        ("calls", f"{result.answered} of {result.legs} answered, {result.ended_by_server} ended by the server"),
        *((f"  failed: {reason}", str(count)) for reason, count in result.failures.items()),
        ("set-up", _spread(result.setup_ms)),
        ("packets", f"{result.received} received, {result.expected} expected by the clock"),
        ("lost", f"{result.lost} by sequence number ({share:.3f} %), {result.legs_short} legs short of packets"),
        ("lost to the server", f"{result.dropped} dropped at its sockets, {result.unsent} not sent"),
        ("odd packets", f"{result.doubled} doubled, {result.reordered} reordered, {result.strange} strange, "
                        f"{result.broken_timestamps} timestamps off"),
        ("largest gap", _spread(result.gap_ms, ("p50", "p99", "max")) + " (over legs)"),
        ("jitter", _spread(result.jitter_ms, ("p50", "p99", "max"), 2) + " (over legs)"),
        ("delay", f"{_spread(result.delay_ms)}; {result.bursts_unheard} of {result.bursts} bursts unheard"),
        ("sound", f"{result.checked - result.wrong} of {result.checked} legs right; worst: others "
                  f"{_number(result.worst_deviation_db, 1, 'dB')}, own {_number(result.worst_own_db, 0, 'dB')}, other "
                  f"rooms {_number(result.worst_other_room_db, 0, 'dB')}, {result.broken_segments} of "
                  f"{result.segments} segments broken"),
        ("server", f"{_number(result.server_cpu_ms, 3)} ms of CPU a participant-second "
                   f"({_number(result.server_cores, 2)} cores)"),
        ("generator", f"{_number(result.generator_cpu_ms, 3)} ms of CPU a participant-second "
                      f"({_number(result.generator_cores, 2)} cores)"),
        ("memory", f"{_number(result.rss_kib_a_leg)} KiB a participant ({_number(result.rss_before_kib, 0)} to "
                   f"{_number(result.rss_after_kib, 0)} KiB)"),
        ("generator's clock", f"{_share(result.late)} of steps over 2 ms late, {_share(result.very_late)} over 10 ms, "
                              f"latest {_number(result.latest_ms, 1, 'ms')} "
            f"({'real-time' if result.realtime else 'ordinary'} priority)"),
        ("others", f"{_number(result.others_cores, 2)} cores used by other programs"),
        ("left behind", _left(result.left_behind)),
    ]  # fmt: skip


def _share(value: Figure) -> str:
    return "not measured" if value is None else f"{value * 100:.2f} %"


def _left(counts: dict[str, int] | None) -> str:
    if counts is None:
        return "not asked (the server's control file is not in its usual place)"
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"


def verdict(result: Result) -> list[str]:
    faults = result.faults()
    lines = ["HELD" if not faults else f"NOT HELD: {'; '.join(faults)}"]
    if result.is_generator_the_limit:
        lines.append("The generator could not keep its own clock: what failed says little of the server.")
    if result.is_disturbed:
        lines.append("Other programs used this machine in the window: the figures are disturbed.")
    return lines


def table(result: Result, runs: int = 1) -> str:
    head = (
        f"{result.callers} callers in {result.rooms} rooms, {result.talkers} talking in each, {result.seconds:g} s, "
        f"and {result.legs - result.callers} that measure the delay"
    )
    if runs > 1:
        head += f"; medians of {runs} runs, faults added up"
    lines = [f"{name:<20} {value}" for name, value in rows(result)]
    return "\n".join([head, *lines, f"(delay: {MEANING})", *verdict(result)])


def engine_table(figures: Iterable[EngineFigure]) -> str:
    lines = ["The engine in virtual time: PCMU, rooms of 10, 3 talking; arrival to departure, no sockets.",
             f"{'legs':>6} {'µs a leg':>10} {'ms a tick':>10} {'p99':>8} {'of 20 ms':>9}"]  # fmt: skip
    lines += [
        f"{one.legs:>6} {one.us_a_leg:>10.2f} {one.tick_ms.p50 or 0:>10.2f} {one.tick_ms.p99 or 0:>8.2f}"
        f" {one.share * 100:>8.1f}%"
        for one in figures
    ]
    return "\n".join(lines)
