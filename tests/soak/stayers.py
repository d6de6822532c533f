"""Phones that stay, in a process of their own, and hear each other's tones: what was missing, and whose fault it was.

    with Stayers(server.address, "hall", folder) as stayers:
        ...
        heard = stayers.finish()

A tone that is missing in a packet, and a packet that is missing or late, count; not where the phones themselves were
late just then, for then the machine stood still.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.kit.phone import FRAME_S, LATE_S, Packet, Phone
from tests.kit.process import Child
from tests.kit.raw_sip import Address
from tests.kit.server import ROOT
from tests.kit.tones import LEVEL_DB

TONES = {"anna": 400.0, "bob": 650.0, "carl": 900.0}
SETTLE_S = 1.5
"""Until all hear all, before anything counts."""
LEAST_DB = LEVEL_DB - 6.0
"""Half of it: below this a packet is without the tone."""
WAIT_S = 0.06
"""What any phone's playout bridges."""
WITNESS_S = 0.5
"""A phone that was late so short a time before excuses a gap: its packets came too late to be played."""
ORDERLY_S = 20.0


@dataclass
class Heard:
    """What three phones have heard of each other, added up."""

    seconds: float = 0.0
    packets: int = 0
    lost: int = 0
    gaps_ms: list[float] = field(default_factory=list)
    """How long a tone was missing, each time."""
    waits_ms: list[float] = field(default_factory=list)
    """Between two packets, where it was more than WAIT_S."""
    excused: int = 0
    """Gaps and waits while the phones themselves were late."""
    longest_wait_ms: float = 0.0


Late = Sequence[tuple[float, float]]
"""When a phone was late to send, and by how many seconds."""


def gaps(packets: Sequence[Packet], hz: float) -> list[tuple[float, float]]:
    """When the tone was missing, and for how many seconds; packets that never came are without it."""
    found: list[tuple[float, float]] = []
    gone, began = 0, 0.0
    before: Packet | None = None
    for packet in packets:
        missing = 0 if before is None else ((packet.sequence - before.sequence) & 0xFFFF) - 1
        is_there = packet.level_db(hz) >= LEAST_DB
        if missing > 0 or not is_there:
            began = began if gone else packet.at
            gone += max(missing, 0) + (not is_there)
        if is_there and gone:
            found.append((began, gone * FRAME_S))
            gone = 0
        before = packet
    return [*found, (began, gone * FRAME_S)] if gone else found


def was_late(late: Late, begin: float, end: float, least_s: float = LATE_S) -> float:
    """By how much the phones were late in that time."""
    return max((by for at, by in late if begin <= at <= end and by >= least_s), default=0.0)


def judged(listener: Sequence[Packet], talkers: Sequence[float], late: Late, into: Heard) -> None:
    """Count what one phone has heard."""
    into.packets += len(listener)
    for one, two in itertools.pairwise(listener):
        into.lost += max(((two.sequence - one.sequence) & 0xFFFF) - 1, 0)
        wait = two.at - one.at
        into.longest_wait_ms = max(into.longest_wait_ms, round(wait * 1000, 1))
        if wait <= WAIT_S:
            continue
        if wait - was_late(late, one.at - FRAME_S, two.at + FRAME_S) - LATE_S > WAIT_S:
            into.waits_ms.append(round(wait * 1000, 1))
        else:
            into.excused += 1
    for hz in talkers:
        for at, seconds in gaps(listener, hz):
            if was_late(late, at - WITNESS_S, at + seconds + FRAME_S, FRAME_S):
                into.excused += 1
            else:
                into.gaps_ms.append(round(seconds * 1000, 1))


def stay(server: Address, room: str) -> Heard:
    """Be there until a line comes in on standard input."""
    with ExitStack() as stack:
        phones = {name: stack.enter_context(Phone(server, name, tone_hz=hz)) for name, hz in TONES.items()}
        for name, phone in phones.items():
            assert phone.dial(room).status == 200, f"{name} was not let in"
        time.sleep(SETTLE_S)
        begin = time.monotonic()
        print("here", flush=True)
        sys.stdin.readline()
        end = time.monotonic() - WAIT_S
        heard, late = Heard(seconds=round(end - begin, 1)), [each for phone in phones.values() for each in phone.late]
        for name, phone in phones.items():
            assert not phone.hung_up.is_set(), f"{name} was hung up on"
            packets = sorted(
                (packet for packet in list(phone.packets) if begin <= packet.at <= end), key=lambda each: each.at
            )
            judged(packets, [hz for other, hz in TONES.items() if other != name], late, heard)
    return heard


class Stayers:
    """The other process, from here."""

    def __init__(self, server: Address, room: str, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.soak.stayers", server[0], str(server[1]), room]
        self._child = Child(command, folder, "stayers", environment={"PYTHONPATH": str(ROOT)}, talks=True)

    def __enter__(self) -> Stayers:
        if self._line() != "here":
            raise AssertionError(f"they could not stay:\n{self._child.said()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()

    def finish(self) -> Heard:
        """They hang up, and say what they have heard."""
        assert self._child.process.stdin
        self._child.process.stdin.write(b"enough\n")
        self._child.process.stdin.flush()
        told = self._line()
        if not told:
            raise AssertionError(f"they did not stay to the end:\n{self._child.said()}")
        self._child.process.wait(ORDERLY_S)
        return Heard(**json.loads(told))

    def _line(self) -> str:
        assert self._child.process.stdout
        return self._child.process.stdout.readline().decode().strip()


if __name__ == "__main__":
    print(json.dumps(asdict(stay((sys.argv[1], int(sys.argv[2])), sys.argv[3]))), flush=True)
