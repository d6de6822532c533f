"""``confserver drain``: the running server is emptied, and how far that is, told until it is done."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from confserver.admin.asking import Ask, Where

HELP = """Turn new calls away from the running server, and let those present finish.

Who calls hears 503, or is sent to the server of the setting limits.drain_to; rooms call nobody either, neither by
lists nor by phones that ask them to. Without an option that is all: --cancel takes new calls again. With --until-empty
it ends when the last call has; with --by it ends at that time at the latest, and hangs up on who is still there.
"""
TIME_HELP = "End at this time at the latest: 23:30, 2026-12-31T23:30, or 45m, 2h, 90s from now."
LOOK_S = 1.0
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smh])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parameters() -> list[click.Parameter]:
    return [
        click.Option(["--until-empty"], is_flag=True, help="Then end the server; wait for that and tell the progress."),
        click.Option(["--by"], metavar="TIME", help=TIME_HELP),
        click.Option(["--cancel"], is_flag=True, help="Take new calls again."),
    ]


def seconds_until(text: str, now: datetime) -> float:
    """Raises click.BadParameter."""
    if span := _SPAN.fullmatch(text.strip()):
        return float(span[1]) * _UNITS[span[2]]
    try:
        if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", text):
            at = datetime.combine(now.date(), datetime.strptime(text[:5].rjust(5, "0"), "%H:%M").time(), now.tzinfo)
            at = at if at > now else at + timedelta(days=1)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time such as 23:30, 2026-12-31T23:30 or 45m") from None
    if at < now:
        raise click.BadParameter(f"{text} is over")
    return (at - now).total_seconds()


def runner(ask: Ask, show: Callable[..., None], sleep: Callable[[float], None] = time.sleep) -> Callable[..., None]:
    def run(where: Where, as_json: bool, until_empty: bool, by: str | None, cancel: bool) -> None:
        if cancel:
            if until_empty or by is not None:
                raise click.UsageError("--cancel goes with no other option.")
            show(ask(where, "DELETE", "/drain", {}), as_json, print_state)
            return
        body: dict[str, object] = {"stop": True} if until_empty or by is not None else {}
        if by is not None:
            body["seconds"] = seconds_until(by, datetime.now().astimezone())
        told = ask(where, "PUT", "/drain", body)
        show(told, as_json, print_state)
        if until_empty or by is not None:
            _follow(lambda: ask(where, "GET", "/drain", {}), told["calls"], as_json, sleep)

    return run


def _follow(look: Callable[[], Any], left: int, quiet: bool, sleep: Callable[[float], None]) -> None:
    """Until the server is gone, or takes calls again."""
    while True:
        sleep(LOOK_S)
        try:
            told = look()
        except click.ClickException:
            if not quiet:
                click.echo("the server has ended")
            return
        if not told["draining"]:
            raise click.ClickException("the server takes new calls again: somebody has cancelled it")
        if told["calls"] != left and not quiet:
            print_state(told)
        left = told["calls"]


def print_state(told: Mapping[str, Any]) -> None:
    if not told["draining"]:
        click.echo(f"new calls are taken; {told['calls']} present")
        return
    ends = " and the server ends with the last" if told["stops"] else ""
    until = f", at {time.strftime('%H:%M:%S', time.localtime(told['until']))} at the latest" if told["until"] else ""
    click.echo(f"new calls are turned away; {told['calls']} left{ends}{until}")
