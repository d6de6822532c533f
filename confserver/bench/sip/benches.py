"""Signalling, measured on a real server of the bench's own: its signalling process on one core, all else on another."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from confserver.bench import proc
from confserver.bench.figures import spread
from confserver.bench.media.tables import Column, Table
from confserver.bench.media.terms import Terms, told
from confserver.bench.options import Options
from confserver.bench.server import NotStarted, Target, target
from confserver.bench.sip import script
from confserver.bench.sip.load import PATIENCE_S, First, Load
from confserver.bench.sip.rates import MOST_P99_MS, Step, highest
from confserver.client import ClientError
from confserver.sip.flow import written

ROOMS = 10
FIRST_RATE, MOST_RATE = 100.0, 5000.0
HOLD_S = 0.1
DIALOGS = 500
SETTLED_S = 40.0
"""After so long all transactions of the set-up are gone (RFC 3261 timers, RFC 6026): what is left is the dialog."""
BESIDE_RATE = 20.0
BESIDE_CALLERS = 500
FORGET_S = 12.0
"""After a step that did not hold: so long until what it left behind is over."""


def _room(number: int) -> str:
    return f"bench{number % ROOMS}"


USERS = 100
COMMITTED_P99_MS = 250.0
"""A registration is answered once it is stored; those of a tenth of a second share one commit."""
CALLED = "bench-phone"


def _registration(place: script.Place, number: int) -> bytes:
    return script.register(place, f"bench-{number % USERS}", number)


def _message(place: script.Place, number: int) -> bytes:
    return script.message(place, CALLED, number)


def _be_registered(load: Load) -> None:
    """As the phone to which messages go: by our own socket, which answers them. Raises NotStarted."""
    load.run(10.0, 0.1, lambda place, number: script.register(place, CALLED, number), is_call=False)
    load.settle(PATIENCE_S, lambda: not load)
    if load.fresh_tally().failed:
        raise NotStarted("the phone that shall be written to could not register")


def _call(place: script.Place, number: int) -> bytes:
    return script.invite(place, _room(number), number)


@contextlib.contextmanager
def server(workers: int = 1) -> Iterator[Target]:
    """Raises NotStarted."""
    with target(Options(workers=workers)) as own:
        assert own.pid is not None
        apart(own.pid)
        yield own


def apart(pid: int) -> bool:
    """The signalling process gets a core of its own, its workers and ourselves the others; False with one core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return False
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(thread.name), cores[:1])
    for member in proc.family(pid, proc.processes()):
        if member.pid != pid:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(member.pid, cores[1:])
    os.sched_setaffinity(0, cores[1:])
    return True


def step(
    load: Load, pid: int, rate: float, seconds: float, first: First, is_call: bool, most_p99_ms: float = MOST_P99_MS
) -> Step:
    """One rate for so long. Raises ProcessLookupError."""
    before, began = proc.cpu_of(pid), time.monotonic()
    load.run(rate, seconds, first, is_call)
    used, lasted = proc.cpu_of(pid) - before, time.monotonic() - began
    load.settle(PATIENCE_S + 1, lambda: not load)
    tally = load.fresh_tally()
    why = tally.failures.most_common(1)
    found = Step(
        rate, tally.begun, tally.failed, spread(tally.waits_s, 1000), used / lasted, 1000 * used / max(tally.begun, 1),
        1000 * tally.late_s, why[0][0] if why else "", most_p99_ms,
    )  # fmt: skip
    told(found.words())
    if not found.has_held:
        time.sleep(FORGET_S)
    return found


RATES = (
    Column("what"), Column("a second"), Column("p50 ms", 1), Column("p99 ms", 1), Column("CPU-ms each", 2),
    Column("cores of the signalling process", 2),
)  # fmt: skip


def _search(
    own: Target,
    what: str,
    first: First,
    terms: Terms,
    is_call: bool = False,
    prepare: Callable[[Load], None] = lambda load: None,
    most_p99_ms: float = MOST_P99_MS,
) -> tuple[tuple[object, ...], list[str]]:
    """The row of a table, and what should be known of it."""
    assert own.pid is not None
    pid, load = own.pid, Load(own.address, HOLD_S)
    told(what)
    try:
        prepare(load)
        best, steps = highest(
            lambda rate: step(load, pid, rate, terms.seconds, first, is_call, most_p99_ms), FIRST_RATE, MOST_RATE
        )
    finally:
        load.close()
    remarks = [f"{what}: the next rate: {each.words().strip()}" for each in steps if not each.has_held][:1]
    if any(each.late_ms > 20 for each in steps if each.has_held):
        remarks.append(f"{what}: the bench itself was late by {max(each.late_ms for each in steps):.0f} ms at most")
    if best is None:
        return (what, None, None, None, None, None), remarks
    return (what, best.rate, best.wait_ms.p50, best.wait_ms.p99, best.cpu_ms, best.cores), remarks


def rates(terms: Terms) -> Table:
    """The highest rate of each kind that holds: at most 0.1 % fail, and 99 of 100 have their answer within 50 ms."""
    rows, remarks = [], []
    with server() as own:
        assert own.client is not None
        for name in (CALLED, *(f"bench-{number}" for number in range(USERS))):
            own.client.add_user(name, password=secrets.token_urlsafe(12))
        for row, more in (
            _search(own, "calls (INVITE, 200, ACK, BYE)", _call, terms, is_call=True),
            _search(own, f"registrations of {USERS} users", _registration, terms, most_p99_ms=COMMITTED_P99_MS),
            _search(own, "messages through the proxy", _message, terms, prepare=_be_registered),
        ):
            rows.append(row)
            remarks += more
    return Table("Signalling: the highest rate that holds", RATES, rows, remarks)  # type: ignore[arg-type]


def dialogs(terms: Terms) -> Table:
    """What a confirmed dialog leaves in the signalling process."""
    count = terms.legs or DIALOGS
    with server() as own:
        assert own.pid is not None
        load = Load(own.address, float("inf"))
        try:
            load.run(100.0, count / 100.0, _call)  # what is made once is made, and what a set-up needs for a while
            load.settle(PATIENCE_S)
            load.wait(time.monotonic() + SETTLED_S)
            before = proc.rss_of(own.pid)
            load.run(100.0, count / 100.0, _call)
            load.settle(PATIENCE_S)
            told(f"{load.tally.begun} calls stand; waiting {SETTLED_S:g} s")
            load.wait(time.monotonic() + SETTLED_S)
            grown = proc.rss_of(own.pid) - before
            failed = load.tally.failed
            load.hang_up_all(200.0)
        finally:
            load.close()
    columns = (Column("dialogs"), Column("kB a dialog", 1), Column("failed"))
    return Table("Signalling: memory of a confirmed dialog", columns, [(float(count), grown * 1.024 / count, failed)])


@contextlib.contextmanager
def _asking(own: Target) -> Iterator[Callable[[], int]]:
    """The HTTP API kept busy by two who ask without a pause; gives how often they were answered."""
    stopping, answered = threading.Event(), [0]
    client = own.client
    assert client is not None

    def ask() -> None:
        while not stopping.is_set():
            with contextlib.suppress(ClientError):
                client.request("GET", "/rooms")
                answered[0] += 1

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: answered[0]
    finally:
        stopping.set()
        for thread in threads:
            thread.join(5)


@contextlib.contextmanager
def _talking(own: Target, callers: int, seconds: float) -> Iterator[None]:
    """So many callers, of ``confserver bench calls``, three of ten in each room talking. Raises NotStarted."""
    line = f"calls --server {written(own.address)} --callers {callers} --probes 0 --settle 0 --seconds {seconds + 2:g}"
    process = subprocess.Popen(
        [sys.executable, "-m", "confserver.bench", *line.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        if not any("calls stand" in line for line in process.stderr):
            raise NotStarted("the callers who shall talk do not come in")
        yield
    finally:
        threading.Thread(target=process.stderr.read, daemon=True).start()
        process.wait()


def beside(terms: Terms) -> Table:
    """Set-up of a call while nothing else happens, while others talk, and while the HTTP API is kept busy."""
    columns = (Column("beside"), Column("set-up p50 ms", 1), Column("p99 ms", 1), Column("failed"))
    rows: list[tuple[float | str | None, ...]] = []
    with server() as own:
        assert own.pid is not None
        load = Load(own.address, HOLD_S)
        try:
            quiet = step(load, own.pid, BESIDE_RATE, terms.seconds, _call, True)
            rows.append(("nothing", quiet.wait_ms.p50, quiet.wait_ms.p99, quiet.failed))
            callers = terms.legs or BESIDE_CALLERS
            with _talking(own, callers, terms.seconds):
                loud = step(load, own.pid, BESIDE_RATE, terms.seconds, _call, True)
            rows.append((f"{callers} legs in rooms of 10", loud.wait_ms.p50, loud.wait_ms.p99, loud.failed))
            with _asking(own) as answered:
                begun = answered()
                busy = step(load, own.pid, BESIDE_RATE, terms.seconds, _call, True)
                rate = (answered() - begun) / terms.seconds
            rows.append((f"{rate:.0f} HTTP requests a second", busy.wait_ms.p50, busy.wait_ms.p99, busy.failed))
        finally:
            load.close()
    return Table(f"Signalling: set-up of {BESIDE_RATE:g} calls a second beside other work", columns, rows)


BENCHES: dict[str, Callable[[Terms], Table]] = {"signalling": rates, "dialogs": dialogs, "beside": beside}
