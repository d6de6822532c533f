"""One function for each question, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from confserver.bench import srtp as doors
from confserver.bench.media.churn import churn
from confserver.bench.media.delays import delays
from confserver.bench.media.figures import Stretch, capacity, cost_of_srtp_us, memory_a_leg, ratio
from confserver.bench.media.load import SUITE, Load
from confserver.bench.media.rig import floor_of, rig
from confserver.bench.media.tables import Column, Table
from confserver.bench.media.terms import Terms, told
from confserver.sdp.crypto import SUITES

LOSSY = 26
"""A tenth of our packets lost, by the phones' reports: then FEC is worth making."""
DOOR_TICKS = 100
AIM_SRTP_US = 1.2
CAP = Column("participants at 70 %")


def remarks(stretches: Sequence[Stretch]) -> list[str]:
    """Each once, with the legs of the first window that it is about."""
    found: dict[str, str] = {}
    for one in stretches:
        for remark in one.remarks():
            kind = remark.partition(" used ")[0]
            found.setdefault(kind, f"at {one.legs} legs {remark}")
    return list(found.values())


def measured(load: Load, sizes: Sequence[int], terms: Terms) -> list[Stretch]:
    """One worker, and a window at each size. Raises Silent."""
    found = []
    with rig(load, terms.realtime) as one:
        for legs in sizes:
            told(f"{legs} legs of {', '.join(load.formats)}{' by SRTP' if load.suite else ''}")
            one.grow(legs)
            one.settle(terms.settle)
            found.append(one.window(terms.seconds))
    return found


def pcmu(terms: Terms) -> Table:
    """A worker beside the kernel's own cost, in the same minute."""
    load = Load()
    rows: list[tuple[float | str | None, ...]] = []
    all_found = []
    for legs in terms.sized((500, 1000, 2000, 2500)):
        told(f"{legs} packets received and sent each 20 ms, by the kernel alone")
        floor = floor_of(load, legs, terms.seconds, terms.settle, terms.realtime)
        (found,) = measured(load, [legs], terms)
        all_found += [floor, found]
        rows.append((legs, found.cpu_ms, floor.cpu_ms, ratio(found, floor), found.share * 100, found.in_time * 100,
                     found.missed, found.longest_ms, found.gap_ms.p99, found.lost, found.legs_short))  # fmt: skip
    columns = (Column("legs"), Column("worker, CPU-ms per participant-second", 3), Column("kernel alone", 3),
               Column("ratio", 2), Column("% of a core", 0), Column("% of ticks in time", 2, min),
               Column("ticks missed", 0, max), Column("longest tick, ms", 1, max), Column("largest gap p99, ms", 1),
               Column("packets lost", 0, sum), Column("legs short", 0, max))  # fmt: skip
    return Table("A worker alone: PCMU, rooms of 10, 3 talking", columns, rows, remarks(all_found))


@dataclass(frozen=True, slots=True)
class Case:
    """A load, the sizes at which it is measured, and how many participants are wanted at 70 %."""

    name: str
    load: Load
    sizes: tuple[int, int]
    aim: int | None = None


_OPUS = Load(formats=("opus",), talking=2)
CODECS = (
    Case("Opus 16 kHz, rooms of 10, 2 talking", _OPUS, (60, 120), 230),
    Case("Opus 16 kHz, rooms of 100, 3 talking", replace(_OPUS, rooms_of=100, talking=3), (100, 300), 550),
    Case("Opus 16 kHz with FEC, rooms of 10, 2 talking", replace(_OPUS, fec=True, loss=LOSSY), (50, 100)),
    Case("Opus 48 kHz, rooms of 10, 2 talking", replace(_OPUS, opus_hz=48000), (40, 80)),
    Case("G.722, rooms of 10, 3 talking", Load(formats=("G722",)), (150, 300)),
    Case("a third each of PCMU, G.722, Opus, rooms of 10, 3 talking", Load(("PCMU", "G722", "opus")), (90, 180)),
)


def codecs(terms: Terms, cases: Sequence[Case] = CODECS) -> Table:
    """How many participants make a worker's core 70 % full: by the line through two sizes.

    Both lie below the load at which encoders do less.
    """
    rows: list[tuple[float | str | None, ...]] = []
    all_found = []
    for case in cases:
        found = measured(case.load, terms.sized(case.sizes), terms)
        all_found += found
        first, last = found[0], found[-1]
        most = capacity([(one.legs, one.share) for one in found])
        rows.append((case.name, f"{first.legs}, {last.legs}", first.share * 100, last.share * 100, last.cpu_ms,
                     most, case.aim, last.packet_bytes, last.missed, last.legs_short))  # fmt: skip
    columns = (Column("load"), Column("legs"), Column("% of a core at the first", 1), Column("at the second", 1),
               Column("CPU-ms per participant-second", 2), CAP, Column("aim"), Column("bytes a packet", 0),
               Column("ticks missed", 0, max), Column("legs short", 0, max))  # fmt: skip
    return Table("Codecs: complexity 5, 24 kbit/s", columns, rows, remarks(all_found))


def srtp(terms: Terms) -> Table:
    """What protection adds to a packet: at the engine's door, each way; and to a whole worker, both ways halved."""
    (legs,) = terms.sized((500,))
    plain, protected = (measured(Load(suite=suite), [legs], terms)[0] for suite in ("", SUITE))
    rows: list[tuple[float | str | None, ...]] = []
    for suite in SUITES:
        told(f"{legs} packets by {suite}")
        door = doors.Legs(suite, legs)
        into, out = (doors.measured(door, work, DOOR_TICKS) for work in (door.open, door.close))
        whole = cost_of_srtp_us(protected, plain) if suite == SUITE else None
        rows.append((suite, legs, into, out, whole, AIM_SRTP_US))
    columns = (Column("suite"), Column("legs"), Column("µs a packet, in", 2), Column("out", 2),
               Column("in a whole worker, each way", 2), Column("at most", 1))  # fmt: skip
    return Table("SRTP: PCMU of 20 ms", columns, rows, remarks([plain, protected]))


def memory(terms: Terms) -> Table:
    """By how much a worker grows; what it takes before the first legs is not in it."""
    rows: list[tuple[float | str | None, ...]] = []
    for name, load, aim in (
        ("PCMU, rooms of 10", Load(), 20),
        ("Opus 16 kHz, rooms of 100, 3 talking", replace(_OPUS, rooms_of=100, talking=3), 64),
    ):
        found = measured(load, terms.sized((100, 1000)), terms)
        first, last = found[0], found[-1]
        rows.append((name, f"{first.legs}, {last.legs}", first.rss_kib / 1024, last.rss_kib / 1024,
                     memory_a_leg(first, last), aim))  # fmt: skip
    columns = (Column("load"), Column("legs"), Column("MiB resident at the first", 1), Column("at the second", 1),
               Column("kB a leg", 1), Column("at most"))  # fmt: skip
    return Table("Memory of a worker", columns, rows)


def workers(terms: Terms) -> Table:
    """The same legs on one worker and on two."""
    rows: list[tuple[float | str | None, ...]] = []
    all_found = []
    for count in (1, 2):
        legs = terms.sized((1000,))[0]
        told(f"{legs} legs on {count} worker{'s' * (count > 1)}")
        with rig(Load(), terms.realtime, workers=count) as one:
            one.grow(legs)
            one.settle(terms.settle)
            found = one.window(terms.seconds)
        all_found.append(found)
        rows.append((str(count), legs, found.cpu_ms, found.cpu_ms / all_found[0].cpu_ms, found.missed,
                     found.legs_short))  # fmt: skip
    columns = (Column("workers"), Column("legs"), Column("CPU-ms per participant-second", 3),
               Column("times that of one", 2), Column("ticks missed", 0, max),
               Column("legs short", 0, max))  # fmt: skip
    return Table("One worker and two: PCMU, rooms of 10, 3 talking", columns, rows, remarks(all_found))


Bench = Callable[[Terms], Table]
BENCHES: dict[str, Bench] = {
    "pcmu": pcmu,
    "codecs": codecs,
    "srtp": srtp,
    "memory": memory,
    "churn": churn,
    "delay": delays,
    "workers": workers,
}
"""By the name that it has on the command line."""
