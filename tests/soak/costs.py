"""What guarding and tracing cost each message. The best of several rounds: other work may go on beside."""

from __future__ import annotations

import ipaddress
import itertools
import time
from collections.abc import Callable, Iterator

from confserver.routing.bans import Bans
from confserver.routing.barrier import Barrier
from confserver.routing.budgets import Rate, bounds
from confserver.routing.guard import Guard
from confserver.routing.overload import Overload
from confserver.sip.message import Request, parse
from confserver.sip.trace import Trace
from tests.kit.sip_play import SDP, START, Wire, udp

ROUNDS, TIMES = 7, 20_000
STRANGER, KNOWN, BANNED, LOOPBACK = "203.0.113.7", "192.0.2.9", "203.0.113.8", "127.0.0.1"


def microseconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in itertools.repeat(None, TIMES):
            work()
        best = min(best, time.perf_counter() - began)
    return best / TIMES * 1e6


def costs_of_each() -> Iterator[tuple[str, float]]:
    guard = Guard(attached=[ipaddress.ip_network("192.0.2.0/24")])
    bans = Bans()
    bans.add(BANNED, "", None, START)
    bans.add("198.51.100.0/24", "", None, START)
    lavish = bounds(messages=1e9, requests=1e9, calls_a_minute=1e9, failures_a_minute=1e9, connections_a_minute=1e9)
    barrier = Barrier(guard, bans, lavish, Rate(1e9, 1e9), Overload(1.0))
    for name, host in (("loopback", LOOPBACK), ("a known host", KNOWN), ("a stranger", STRANGER), ("banned", BANNED)):
        yield f"before a message is read: {name}", microseconds(lambda host=host: barrier.hears(host, START))  # type: ignore[misc]
    numbers = itertools.count()
    yield (
        "before a message is read: a host never seen",
        microseconds(lambda: barrier.hears(f"10.{(n := next(numbers)) >> 16 & 255}.{n >> 8 & 255}.{n & 255}", START)),
    )
    data = Wire().request("INVITE", "User-Agent: Yealink SIP-T46S", body=SDP).encode()
    invite = parse(data)
    assert isinstance(invite, Request)
    for name, host in (("loopback", LOOPBACK), ("a stranger", STRANGER)):
        flow = udp((host, 5060))
        yield f"a new request is weighed: {name}", microseconds(lambda flow=flow: barrier.weigh(invite, flow, START))  # type: ignore[misc]
    trace, flow = Trace(8 << 20), udp()
    yield "a message is kept for the trace: heard", microseconds(lambda: trace.heard("call-1", data, flow, START))
    yield "a message is kept for the trace: said", microseconds(lambda: trace.said(data, flow, START))
    yield "beside all this, reading the INVITE", microseconds(lambda: parse(data))
