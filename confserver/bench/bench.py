"""From a command line to figures and an exit status."""

from __future__ import annotations

import json

from confserver.bench import options as command_line
from confserver.bench import report, trial, virtual
from confserver.bench.options import Options
from confserver.bench.results import Result, medians
from confserver.bench.server import NotStarted, target
from confserver.bench.trial import tell

HELD, NOT_HELD, MISUSE = 0, 1, 2


def run_bench(argv: list[str]) -> int:
    """Exit status: HELD, NOT_HELD or MISUSE."""
    try:
        options = command_line.read(argv)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else MISUSE
    try:
        return _engine(options) if options.engine else _load(options)
    except NotStarted as error:
        tell(f"confserver bench: {error}")
        return NOT_HELD
    except (EOFError, ProcessLookupError) as error:
        tell(f"confserver bench: {error or 'the generator has died'}")
        return NOT_HELD
    except KeyboardInterrupt:
        tell("stopped")
        return 130  # as a shell says of SIGINT


def _engine(options: Options) -> int:
    found = []
    for legs in virtual.SIZES:
        tell(f"{legs} legs")
        found.append(virtual.measure(legs))
    if options.as_json:
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
