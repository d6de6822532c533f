"""What ``confserver plan`` and ``confserver apply`` do; ``options`` has how they are asked.

Exit status of plan: 0 nothing to do, 2 changes, 1 error; of apply: 0 done or nothing to do, 1 not, or not all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from confserver.plan.difference import GONE, Plan, Step, difference
from confserver.plan.document import KINDS, DocumentError, read
from confserver.plan.export import as_toml
from confserver.plan.present import Ask, Refusal, look

CHANGES = 2


def run_plan(ask: Ask, as_json: bool, path: Path | None, prune: bool, export: bool) -> int:
    if export:
        if path is not None or prune:
            raise click.UsageError("--export goes with no PATH and no --prune.")
        click.echo(as_toml(_refusable(lambda: look(ask, set(KINDS)))), nl=False)
        return 0
    if path is None:
        raise click.UsageError("Missing argument 'PATH'.")
    plan = _made(ask, path, prune)
    if as_json:
        click.echo(json.dumps(_as_json(plan), indent=2))
    else:
        print_plan(plan)
    return CHANGES if plan.steps else 0


def run_apply(ask: Ask, as_json: bool, path: Path, prune: bool, yes: bool) -> int:
    plan = _made(ask, path, prune)
    if not as_json:
        print_plan(plan)
    if plan.removals and not yes:
        click.confirm(f"Remove {plan.removals}?", abort=True, err=True)
    done, left, failed = carry_out(plan.steps, ask, (lambda line: None) if as_json else click.echo)
    if as_json:
        click.echo(json.dumps({"done": done, "left": left, "failed": failed, "drift": plan.drift}, indent=2))
    elif plan.steps:
        click.echo(f"{len(done)} done" + (f", {len(left)} left" if left else ""))
    if failed:
        waiting = [step.what for step in plan.steps[len(done) + len(left) + 1 :]]
        undone = f"; not done: {', '.join(waiting)}" if waiting else ""
        said = f"done before: {', '.join(done)}" if done else "nothing was done before"
        raise click.ClickException(f"{failed} ({said}{undone})")
    return 0


def carry_out(steps: Sequence[Step], ask: Ask, say: Callable[[str], object]) -> tuple[list[str], list[str], str]:
    """Gives what was done, what was left as it is, and why it ended before its end ("": it did not)."""
    done: list[str] = []
    left: list[str] = []
    for step in steps:
        try:
            if step.room and _people(ask, step):
                left.append(step.what)
                say(f"{step.what} stays: somebody is in it")
                continue
            told = ask(step.method, step.path, step.body)
        except Refusal as refusal:
            return done, left, f"{step.what}: {refusal}"
        done.append(step.what)
        say(f"{_DONE[step.sign]} {step.what}")
        if isinstance(told, dict) and told.get("password"):
            say(f"  its password, told this once: {told['password']}")
    return done, left, ""


_DONE = {"+": "made", "~": "changed", "-": "removed"}


def _people(ask: Ask, step: Step) -> int:
    told = ask("GET", step.path, {})
    return len(told["participants"]) + int(told["reserved"])


def _made(ask: Ask, path: Path, prune: bool) -> Plan:
    try:
        wanted = read(path)
        return difference(wanted, _refusable(lambda: look(ask, wanted.kinds)), prune=prune)
    except DocumentError as error:
        raise click.ClickException(_plain(str(error))) from None


def _refusable(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None


def print_plan(plan: Plan) -> None:
    for step in plan.steps:
        click.echo(_plain(f"{step.sign} {step.what}"))
        for line in step.lines:
            click.echo(_plain(f"    {line}"))
    for line in plan.drift:
        click.echo(_plain(f"! {line}"))
    if not plan.steps:
        click.echo("nothing to do")
        return
    counts = [f"{sum(step.sign == sign for step in plan.steps)} {word}" for sign, word in _COUNTED.items()]
    click.echo(", ".join(counts))


_COUNTED = {"+": "to make", "~": "to change", GONE: "to remove"}


_INWARD = ("body", "room", "removes")


def _as_json(plan: Plan) -> dict[str, Any]:
    steps = [{name: value for name, value in asdict(step).items() if name not in _INWARD} for step in plan.steps]
    return {"steps": steps, "drift": list(plan.drift)}


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
