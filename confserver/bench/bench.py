"""From a command line to figures and an exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from confserver.bench import command, report, trial, virtual
from confserver.bench import options as command_line
from confserver.bench.command import Wish
from confserver.bench.media import benches, survey
from confserver.bench.media import run as media
from confserver.bench.media.terms import Terms
from confserver.bench.media.worker import Silent
from confserver.bench.options import Options
from confserver.bench.results import Result, medians
from confserver.bench.server import NotStarted, target
from confserver.bench.sip import benches as sip
from confserver.bench.trial import tell

HELD, NOT_HELD, MISUSE = 0, 1, 2


def run_bench(argv: list[str]) -> int:
    """Exit status: HELD, NOT_HELD or MISUSE."""
    try:
        work = _chosen(argv)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else MISUSE
    try:
        return work()
    except (NotStarted, Silent, LookupError, ValueError, OSError) as error:
        tell(f"confserver bench: {error}")
        return NOT_HELD
    except EOFError as error:
        tell(f"confserver bench: {error or 'the generator has died'}")
        return NOT_HELD
    except KeyboardInterrupt:
        tell("stopped")
        return 130  # as a shell says of SIGINT


def _chosen(argv: list[str]) -> Callable[[], int]:
    """What the command line asks for. Raises SystemExit."""
    match argv:
        case [command.CALLS, *rest]:
            return partial(_load, command_line.read(rest))
        case [command.ENGINE, *rest]:
            return partial(_engine, command.read(rest).as_json)
    wish = command.read(argv)
    return partial(_long if wish.names else _short, wish)


def _terms(wish: Wish, usual: Terms) -> Terms:
    seconds = usual.seconds if wish.seconds is None else wish.seconds
    settle = usual.settle if wish.settle is None else wish.settle
    return Terms(seconds, settle, wish.realtime, wish.legs)


def _short(wish: Wish) -> int:
    found = survey.survey(_terms(wish, survey.TERMS))
    print(json.dumps(found.as_dict(), indent=2) if wish.as_json else survey.words(found))
    return HELD


def _long(wish: Wish) -> int:
    media.run(wish.names, _terms(wish, Terms()), wish.repeat, wish.as_json, {**benches.BENCHES, **sip.BENCHES})
    return HELD


def _engine(as_json: bool) -> int:
    found = []
    for legs in virtual.SIZES:
        tell(f"{legs} legs")
        found.append(virtual.measure(legs))
    if as_json:
        told = [{"legs": one.legs, "us_a_leg": one.us_a_leg, "tick_ms": one.tick_ms._asdict()} for one in found]
        print(json.dumps(told, indent=2))
    else:
        print(report.engine_table(found))
    return HELD if all(one.sent == one.legs and one.heard == 1.0 for one in found) else NOT_HELD


def _load(options: Options) -> int:
    results: list[Result] = []
    for number in range(options.repeat):
        if options.repeat > 1:
            tell(f"run {number + 1} of {options.repeat}")
        with target(options) as server:
            result = trial.run(options, server)
        results.append(result)
        for line in report.verdict(result):
            tell(line)
    whole = medians(results)
    if options.as_json:
        print(json.dumps(whole.as_dict() | {"runs": [one.as_dict() for one in results]}, indent=2))
    else:
        print(report.table(whole, len(results)))
    return HELD if whole.has_held else NOT_HELD
