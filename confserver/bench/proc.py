"""What Linux tells of processes, the machine and sockets (proc(5)): pure readers of text, and a few that fetch it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True, slots=True)
class Process:
    """pid, parent, CPU used so far (user and system, all threads) and resident memory."""

    pid: int
    parent: int
    cpu_s: float
    rss_kib: int


@dataclass(frozen=True, slots=True)
class Use:
    """What a family of processes has used."""

    cpu_s: float
    rss_kib: int
    processes: int


def parse_stat(text: str) -> Process:
    """/proc/PID/stat; the name in parentheses may hold anything, also parentheses. Raises ValueError."""
    head, closing, tail = text.rpartition(")")
    words = tail.split()
    if not closing or len(words) < 22:
        raise ValueError(f"not a process's stat: {text[:80]!r}")
    pid = int(head.partition("(")[0])
    cpu = (int(words[11]) + int(words[12])) / TICKS_A_SECOND
    return Process(pid, int(words[1]), cpu, int(words[21]) * PAGE_KIB)


def parse_busy(text: str) -> float:
    """/proc/stat -> seconds that all cores together were busy since boot (guests are in user). Raises ValueError."""
    words = text.partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        raise ValueError(f"not the machine's stat: {text[:80]!r}")
    user, nice, system, _idle, _wait, irq, softirq, _steal = map(int, words[1:9])
    return (user + nice + system + irq + softirq) / TICKS_A_SECOND


def parse_udp(text: str) -> dict[int, int]:
    """/proc/net/udp -> datagrams dropped for want of room, by local port, all addresses together."""
    drops: dict[int, int] = {}
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 13 or ":" not in words[1]:
            continue
        port = int(words[1].rpartition(":")[2], 16)
        drops[port] = drops.get(port, 0) + int(words[12])
    return drops


def family(root: int, processes: list[Process]) -> list[Process]:
    """A process and all that descend from it."""
    found = {root}
    while True:
        more = {one.pid for one in processes if one.parent in found} - found
        if not more:
            return [one for one in processes if one.pid in found]
        found |= more


def free_range(taken: set[int], count: int, first: int, last: int) -> int:
    """The first, even, of ``count`` ports in a row that nobody holds. Raises LookupError."""
    for start in range(first + first % 2, last - count + 2, 2):
        if taken.isdisjoint(range(start, start + count)):
            return start
    raise LookupError(f"no {count} free ports in a row from {first} to {last}")


# ------------------------------------------------------------------ fetching
def processes() -> list[Process]:
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                found.append(parse_stat((folder / "stat").read_text("utf-8", "replace")))
            except (OSError, ValueError):
                continue
    return found


def use_of(pid: int) -> Use:
    """CPU and memory of a process and its descendants. Raises ProcessLookupError."""
    members = family(pid, processes())
    if not members:
        raise ProcessLookupError(f"no process {pid}")
    return Use(sum(one.cpu_s for one in members), sum(one.rss_kib for one in members), len(members))


def busy() -> float:
    return parse_busy((PROC / "stat").read_text())


def udp_drops() -> dict[int, int]:
    return parse_udp((PROC / "net/udp").read_text())


def parse_schedstat(text: str) -> float:
    """/proc/PID/schedstat -> seconds on a core so far, of one thread, to the nanosecond. Raises ValueError."""
    words = text.split()
    if len(words) != 3:
        raise ValueError(f"not a thread's schedstat: {text[:80]!r}")
    return int(words[0]) / 1e9


def cpu_of(pid: int) -> float:
    """CPU of one process, all its threads, as finely as the system tells. Raises ProcessLookupError."""
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
        return sum(parse_schedstat((thread / "schedstat").read_text()) for thread in threads)
    except (OSError, ValueError):
        return use_of(pid).cpu_s


def rss_of(pid: int) -> int:
    """Resident memory of one process, KiB. Raises ProcessLookupError."""
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text("utf-8", "replace")).rss_kib
    except (OSError, ValueError) as gone:
        raise ProcessLookupError(f"no process {pid}") from gone
