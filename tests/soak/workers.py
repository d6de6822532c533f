"""A media process is killed, again and again: its calls are heard again soon, and their phones hear nothing by SIP.

Two rooms with two phones each stand at two workers; these are struck in turn, some seconds apart, since a worker that
is lost three times within half a minute is given up (docs/architecture.md).
"""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.phone import Phone
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

TONES = {"anna": 400.0, "bob": 650.0, "carl": 500.0, "dora": 800.0}
ROOMS = {"one": ("anna", "bob"), "two": ("carl", "dora")}
PAUSE_S = 8.0
"""Between two blows: of one worker then come twice as much apart."""
MOST_S = 2.0
READY_S = 15.0
BEFORE_S = 0.5
SURELY_S = 0.1
"""What is heard so long after a blow comes from the heir: the dead one's last packets are over."""


@dataclass
class Report:
    kills: int = 0
    silences_s: list[float] = field(default_factory=list)
    """From each blow until each of the two phones heard the other again."""
    faults: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, str]:
        found = sorted(self.silences_s) or [0.0]
        return {
            "kills": str(self.kills),
            "heard again after, median": f"{statistics.median(found):.2f} s",
            "heard again after, longest": f"{found[-1]:.2f} s",
            "faults": str(len(self.faults)),
        }

    def trouble(self) -> str:
        if self.faults:
            return f"{len(self.faults)} faults; the first: " + "\n".join(self.faults[:5])
        if len(self.silences_s) < 2 * self.kills or not self.kills:
            return "not all have heard each other again"
        if max(self.silences_s) >= MOST_S:
            return f"heard again only after {max(self.silences_s):.2f} s"
        return ""


def soak(count: int, folder: Path, pause_s: float = PAUSE_S) -> Report:
    """Strike the workers of a server of our own so often. ``pause_s``: at least so long between two blows."""
    report = Report()
    with Server(folder, media={"workers": 2, "spare": True}) as server, ExitStack() as stack:
        _wait_for_spare(server)
        phones = {name: stack.enter_context(Phone(server.address, name, tone_hz=hz)) for name, hz in TONES.items()}
        since = _gather(server, phones)
        time.sleep(1.0)
        for number in range(count):
            began = time.monotonic()
            _strike(server, phones, number % 2, report)
            _wait_for_spare(server)
            if number + 1 < count:
                time.sleep(max(0.0, began + pause_s - time.monotonic()))
        for phone in phones.values():
            report.faults += _heard_of_it(phone)
        if _gathered(server) != since:
            report.faults.append("somebody has left and come back")
        for phone in phones.values():
            if (status := phone.hang_up().status) != 200:
                report.faults.append(f"{phone.name}: {status} to BYE")
    return report


def _wait_for_spare(server: Server) -> None:
    end = time.monotonic() + READY_S
    while not server.http("GET", "/status")["spare"]["ready"]:
        assert time.monotonic() < end, "no spare"
        time.sleep(0.1)


def _gather(server: Server, phones: dict[str, Phone]) -> dict[str, float]:
    """All dial; each room at a worker of its own. Since when each is there."""
    for room, names in ROOMS.items():
        for name in names:
            assert phones[name].dial(room).status == 200, f"{name} was not let in"
        there = server.wait_until_in(room, *names)
        place = list(ROOMS).index(room)
        assert {person["media"]["worker"] for person in there.values()} == {place}, "not the worker that was expected"
    return _gathered(server)


def _gathered(server: Server) -> dict[str, float]:
    return {name: person["since"] for room in ROOMS for name, person in server.participants(room).items()}


def _strike(server: Server, phones: dict[str, Phone], worker: int, report: Report) -> None:
    one, other = list(ROOMS.values())[worker]
    pid = server.http("GET", "/status")["workers"][worker]["pid"]
    struck = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    report.kills += 1
    pairs = ((one, other), (other, one))
    while time.monotonic() < struck + MOST_S + 0.5:
        time.sleep(0.5)
        if all(silence_s(phones[listener], TONES[talker], struck) for listener, talker in pairs):
            break
    for listener, talker in pairs:
        heard = silence_s(phones[listener], TONES[talker], struck)
        if heard is None:
            report.faults.append(f"blow {report.kills}: {listener} does not hear {talker} any more")
        else:
            report.silences_s.append(heard)


def silence_s(phone: Phone, hz: float, struck: float) -> float | None:
    """From the blow until the tone was there again; None: it was not. 0: nothing was missed."""
    packets = [packet for packet in phone.packets[-1000:] if packet.at > struck - BEFORE_S]
    return silence_of([packet.at for packet in packets if packet.level_db(hz) > LEVEL_DB - 3], struck)


def silence_of(heard: list[float], struck: float) -> float | None:
    """The same, of the times at which packets with the tone came."""
    if len(heard) < 2 or heard[-1] < struck + SURELY_S:
        return None
    before, after = max(itertools.pairwise(heard), key=lambda pair: pair[1] - pair[0])
    return max(after - max(struck, before), 0.0) if after > struck else 0.0


def _heard_of_it(phone: Phone) -> list[str]:
    """One source, one SSRC, sequence and timestamp only forward, and no request of the server's."""
    packets, faults = list(phone.packets), []
    if len({(packet.source, packet.ssrc) for packet in packets}) != 1:
        faults.append(f"{phone.name} heard another stream")
    for one, two in itertools.pairwise(packets):
        if not (0 < (two.sequence - one.sequence) & 0xFFFF < 500):
            faults.append(f"{phone.name}: {one.sequence} was followed by {two.sequence}")
        if not (0 < (two.timestamp - one.timestamp) & 0xFFFFFFFF < 500 * 160):
            faults.append(f"{phone.name}: time {one.timestamp} was followed by {two.timestamp}")
    asked = [request.method for request in phone.requests if request.method != "ACK"]
    if asked or phone.hung_up.is_set():
        faults.append(f"{phone.name} was asked {asked}")
    return faults
