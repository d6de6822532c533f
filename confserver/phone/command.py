"""One call as a command: runs the reactor, prints for people or as JSON, obeys SIGINT and SIGTERM."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

from twisted.internet.defer import Deferred

from confserver.log import set_up
from confserver.phone.orders import Orders, Outcome
from confserver.phone.robot import Robot

INTERRUPTED = 130
"""As a shell says of SIGINT."""


def call(orders: Orders, as_json: bool) -> int:
    """Gives the exit status: 0, 1 for a call that could not be, 130 for one interrupted before it was answered."""
    set_up("warning", "text")
    reactor = _reactor()

    def tell(line: str) -> None:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)

    robot = Robot(reactor, orders, tell)
    ended: list[Outcome] = []
    over: Deferred[None] = Deferred()

    def finished(outcome: Outcome) -> None:
        ended.append(outcome)
        over.callback(None)
        if reactor.running:
            reactor.callLater(0, _stop, reactor)

    def interrupted() -> Deferred[None] | None:
        if ended:
            return None
        robot.hang_up()
        return over

    robot.done.addCallback(finished)
    reactor.callWhenRunning(robot.start)
    reactor.addSystemEventTrigger("before", "shutdown", interrupted)
    gc.collect()
    gc.freeze()  # a collection in the middle of a word would be heard as jitter
    reactor.run()
    return _report(ended[0] if ended else robot.outcome, as_json)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor


def _stop(reactor: Any) -> None:
    from twisted.internet.error import ReactorNotRunning

    try:
        reactor.stop()
    except ReactorNotRunning:
        return  # a signal was quicker


def _report(outcome: Outcome, as_json: bool) -> int:
    if as_json:
        print(json.dumps(outcome.as_dict()), flush=True)
    elif outcome.set_up_ms is not None:
        print(outcome.summary(), flush=True)
    if outcome.error is not None:
        print(f"confserver: {outcome.error}", file=sys.stderr)
        return 1
    return 0 if outcome.set_up_ms is not None else INTERRUPTED
