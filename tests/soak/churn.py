"""A room in which three stay and hear each other, while others come and go and the room is run by script.

Whoever stays must hear no gap. Everybody who calls is let in, but while the room is locked; all orders are carried out,
but for those that make no sense any more; the event stream misses no number; and in the end there is nobody and
nothing left but those who stay.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from confserver.bench.sip.load import Load, Tally
from confserver.bench.sip.script import Place, invite
from tests.kit.server import Server, taken
from tests.soak import orders as giving
from tests.soak.orders import ANNEX, HALL, Orders
from tests.soak.stayers import TONES, Heard, Stayers
from tests.soak.watching import Watch

JOINS_A_SECOND = 50.0
ORDERS_A_SECOND = 50.0
HOLD_S = 1.5
"""How long each who comes stays."""
LEFT_S = 10.0
ALL_LEFT_S = 45.0
"""Within which even that is given back which only waits for what may still come (RFC 3261 Timer J: 32 s)."""
AT_ONCE = (
    "legs", "rooms", "mixes", "seats", "ports", "calls", "dialogs", "opening", "calling", "waiting", "answered",
    "present", "leaving", "plays", "searches",
)  # fmt: skip
"""What must be given back at once."""
RIGHT_FAILURES = ("481 to BYE",)
"""Who was hung up on in the very moment in which he hung up."""


@dataclass
class Report:
    joins: int = 0
    came: int = 0
    """By the word of the event stream."""
    turned_away: Counter[str] = field(default_factory=Counter)
    setup_s: list[float] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    orders: giving.Tally = field(default_factory=giving.Tally)
    events: int = 0
    missed_ticks: float = 0.0
    faults: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, str]:
        heard, orders = self.heard, self.orders
        waits, setups = orders.waits_s or [0.0, 0.0], self.setup_s or [0.0]
        return {
            "joins and leaves": f"{self.came} of {self.joins}",
            "turned away": _counted(self.turned_away),
            "set-up, median and longest": f"{statistics.median(setups) * 1000:.0f} ms, {max(setups) * 1000:.0f} ms",
            "orders": f"{sum(orders.asked.values())} of {len(orders.asked)} kinds",
            "refused": _counted(orders.refused),
            "answered after, median, p99": f"{statistics.median(waits) * 1000:.0f} ms, "
            f"{statistics.quantiles(waits, n=100)[-1] * 1000:.0f} ms",
            "orders late by at most": f"{orders.behind_s * 1000:.0f} ms",
            "events": str(self.events),
            "heard by those who stay": f"{heard.packets} packets in {heard.seconds:.0f} s, {heard.lost} lost",
            "gaps heard, ms": _listed(heard.gaps_ms),
            "packets late, ms": _listed(heard.waits_ms),
            "while the phones were late": str(heard.excused),
            "longest between two packets": f"{heard.longest_wait_ms:.0f} ms",
            "ticks missed": f"{self.missed_ticks:.0f}",
            "faults": str(len(self.faults) + len(orders.faults)),
        }

    def trouble(self) -> str:
        faults = self.faults + self.orders.faults
        if faults:
            return f"{len(faults)} faults; the first: " + "\n".join(faults[:5])
        if self.heard.gaps_ms or self.heard.waits_ms or self.heard.lost:
            return f"those who stay have heard gaps: {self.heard}"
        if self.came != self.joins or not self.joins:
            return f"{self.came} of {self.joins} were there"
        return ""


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items())) or "none"


def _listed(found: list[float]) -> str:
    return ", ".join(f"{each:.0f}" for each in sorted(found, reverse=True)[:10]) or "none"


def soak(joins: int, seed: int, folder: Path, waits: bool = True) -> Report:
    """``waits``: for transactions, too, until they are gone."""
    report = Report(joins=joins)
    with Server(folder, media={"workers": 1, "spare": False}) as server, Stayers(server.address, HALL, folder) as stay:
        server.http("PUT", f"/rooms/{HALL}", {"record_notice": "none"})
        server.http("PUT", f"/rooms/{ANNEX}", {})
        before = taken(server.http("GET", "/status"))
        with closing(Watch(server.state_directory)) as watch:
            _wait_for_those_who_stay(watch)
            orders = Orders(server.state_directory, watch, ORDERS_A_SECOND, seed)
            _come_and_go(server, joins, report)
            report.orders = orders.finish()
            _check_kicked(report)
            _check_ghosts(server, watch, before, waits, report)
            report.heard = stay.finish()
            report.faults += watch.faults
            report.events = sum(watch.counts.values())
            report.came = watch.counts["participant-arrived"] - watch.counts["participant-moved"] // 2
    return report


def _wait_for_those_who_stay(watch: Watch) -> None:
    end = time.monotonic() + 5
    while len(watch.there(HALL)) < len(TONES):
        assert time.monotonic() < end, "they are not in the snapshot"
        time.sleep(0.02)


def _come_and_go(server: Server, joins: int, report: Report) -> None:
    """Whom a lock has kept out calls again, until so many were there."""
    with closing(Load(server.address, HOLD_S)) as load:

        def first(place: Place, number: int) -> bytes:
            return invite(place, HALL, number)

        left = joins
        while left > 0 and load.tally.begun < 2 * joins:
            load.run(JOINS_A_SECOND, left / JOINS_A_SECOND, first)
            load.settle(HOLD_S + 10, lambda: not len(load))
            left = joins - len(load.tally.waits_s)
        _judge(load.tally, report)


def _judge(tally: Tally, report: Report) -> None:
    report.setup_s = tally.waits_s
    for why, count in tally.failures.items():
        is_locked = why.startswith(("403", "480", "486")) and "lock" in why
        report.turned_away[why] += count
        if not is_locked and why not in RIGHT_FAILURES:
            report.faults.append(f"{count} calls: {why}")


def _check_kicked(report: Report) -> None:
    """Whose call was over before he hung up had been hung up on."""
    over, kicked = report.turned_away["481 to BYE"], report.orders.asked["POST kick"]
    if over > kicked:
        report.faults.append(f"{over} calls were over before they hung up, and {kicked} were hung up on")


def _check_ghosts(server: Server, watch: Watch, before: dict[str, float], waits: bool, report: Report) -> None:
    """Nobody but those who stay, by the rooms, the stream and every count of the server's."""
    try:
        server.wait_until_in(HALL, *TONES, timeout=LEFT_S)
        server.wait_until_in(ANNEX, timeout=LEFT_S)
        server.wait_for_counts(before, LEFT_S, *AT_ONCE)
        if waits:
            server.wait_for_counts(before, ALL_LEFT_S)
    except AssertionError as error:
        report.faults.append(f"left behind: {error}"[:1000])
    status = server.http("GET", "/status")
    watch.wait_for(status["events"]["number"])
    if len(watch.there(HALL)) != len(TONES) or watch.there(ANNEX):
        report.faults.append(f"by the stream there are {watch.there(HALL)} and {watch.there(ANNEX)}")
    worker = status["workers"][0]
    report.missed_ticks = worker["missed_ticks"]
    if worker["faults"] or worker["restarts"]:
        report.faults.append(f"the worker has had faults: {worker}")
    if status["storage"]["failed"] or status["storage"]["refused"]:
        report.faults.append(f"the store has failed: {status['storage']}")
    if "Traceback" in server.said():
        report.faults.append(f"the log has a fault of ours: {server.said().partition('Traceback')[2][:1500]}")
