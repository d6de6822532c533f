"""The search for the highest rate that holds, and the load against a server that is made to fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from confserver.bench.figures import Spread
from confserver.bench.sip import script
from confserver.bench.sip.load import Load
from confserver.bench.sip.rates import Step, highest
from confserver.sip.flow import Address
from confserver.sip.message import Request, parse, response_to


def step(rate: float, held: bool = True, **more: object) -> Step:
    wait = Spread(1.0, 2.0, 3.0 if held else 300.0, 400.0)
    return Step(**{"rate": rate, "begun": 1000, "failed": 0, "wait_ms": wait, "cores": 0.5, "cpu_ms": 1.0, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [120.0, 333.0, 1000.0])
def test_the_search_comes_near_the_limit(limit: float) -> None:
    best, steps = highest(lambda rate: step(rate, rate <= limit), 100.0, 5000.0)
    assert best is not None and limit / 1.06 <= best.rate <= limit
    assert len(steps) < 14


def test_where_nothing_holds_there_is_none_and_where_all_does_the_last() -> None:
    assert highest(lambda rate: step(rate, False), 100.0, 5000.0)[0] is None
    best, steps = highest(lambda rate: step(rate), 100.0, 200.0)
    assert best is not None and best.rate == 150.0 and len(steps) == 2


def test_what_a_rate_must_be() -> None:
    assert step(1).has_held and step(1, failed=1).has_held
    assert not step(1, failed=2).has_held and not step(1, False).has_held
    assert not step(1, wait_ms=Spread()).has_held
    assert "not held (503 to INVITE)" in step(1, False, why="503 to INVITE").words()
    assert "no answers" in step(1, wait_ms=Spread()).words()


@contextmanager
def double(plays: Callable[[Request], list[int]]) -> Iterator[Address]:
    """Answers each request with these statuses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.05)
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                try:
                    data, source = sock.recvfrom(65536)
                except TimeoutError:
                    continue
                request = parse(data)
                assert isinstance(request, Request)
                for status in plays(request):
                    answer = response_to(request, status, to_tag="t")
                    answer.headers.add("Contact", f"<sip:x@127.0.0.1:{sock.getsockname()[1]}>")
                    sock.sendto(answer.encode(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        host, port = sock.getsockname()
        yield host, port
        stopping.set()
        thread.join()


def run(plays: Callable[[Request], list[int]], is_call: bool = True) -> Load:
    with double(plays) as address:
        load = Load(address, 0.01)
        first = (lambda place, number: script.invite(place, "r", number)) if is_call else _message
        load.run(200.0, 0.1, first, is_call)
        load.settle(3.0, lambda: not load)
        load.close()
    return load


def _message(place: script.Place, number: int) -> bytes:
    return script.message(place, "bob", number)


def test_calls_stand_and_end() -> None:
    heard: list[str] = []

    def plays(request: Request) -> list[int]:
        heard.append(request.method)
        return {"INVITE": [100, 200], "BYE": [200]}.get(request.method, [])

    tally = run(plays).tally
    assert (tally.begun, tally.done, tally.failed, len(tally.waits_s)) == (20, 20, 0, 20)
    assert heard.count("ACK") >= 20 and 0 < min(tally.waits_s) < 1


def test_refusals_are_counted_and_acknowledged() -> None:
    heard: list[str] = []

    def plays(request: Request) -> list[int]:
        heard.append(request.via.branch if request.method == "ACK" else request.method)
        return [503] if request.method == "INVITE" else []

    tally = run(plays).tally
    assert tally.failures == {"503 to INVITE": 20}
    assert sum(branch.endswith("INVITE") and branch != "INVITE" for branch in heard) == 20


def test_single_requests_are_counted_by_their_final_answer() -> None:
    assert run(lambda _: [100, 200], is_call=False).tally.done == 20
    assert run(lambda _: [404], is_call=False).tally.failures == {"404 to MESSAGE": 20}
