"""The verbs ``confserver route explain`` and ``confserver reload``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from confserver.admin import tables

HELP = """Say where a request would go, and why; nothing is sent.

URI is what would be called, such as sip:bob@example.com.

The running server is asked, which knows who is registered. With --config the rows of that file are tried instead,
without a server: no user is known then.
"""
RELOAD_HELP = """Have the running server read its settings again.

Whole or not at all; calls in progress stay. It says which settings have changed, and which want a restart.
"""
Offline = Callable[[Path, Mapping[str, str]], Mapping[str, Any]]
"""A settings file and what is asked, to what the server would say."""


def not_here(config: Path, asked: Mapping[str, str]) -> Mapping[str, Any]:
    raise click.UsageError("Only the server's own machine can try a file.")


def parameters(words: Mapping[str, str]) -> list[click.Parameter]:
    return [
        click.Argument(["uri"]),
        click.Option(["--from", "--caller", "caller"], help=words["caller"]),
        click.Option(["--source"], help=words["source"] + "  [default: 127.0.0.1]"),
        click.Option(["--method", "--request", "request"], help=words["request"] + "  [default: INVITE]"),
        click.Option(["--at"], help=words["at"]),
        click.Option(
            ["--config"], type=click.Path(path_type=Path, dir_okay=False), help="Try the rows of this file, offline."
        ),
    ]


def explainer(ask: Callable[..., Any], offline: Offline, show: Callable[..., None]) -> Callable[..., None]:
    def run(where: Any, as_json: bool, uri: str, config: Path | None, **given: str | None) -> None:
        body = {name: value for name, value in given.items() if value is not None}
        if config is not None:
            told = offline(config, {"uri": uri, **body})
        else:
            told = ask(where, "POST", f"/routes/explain/{quote(uri, safe='')}", body)
        show(told, as_json, print_reasons)

    return run


def reloader(ask: Callable[..., Any], show: Callable[..., None]) -> Callable[..., None]:
    def run(where: Any, as_json: bool) -> None:
        told = ask(where, "POST", "/reload", {})
        show(told, as_json, print_reloaded)

    return run


def print_reloaded(told: Mapping[str, Any]) -> None:
    click.echo(f"routes: {told['routes']}")
    click.echo(f"changed: {', '.join(told['changed']) or 'nothing'}")
    if told["restart"]:
        click.echo(f"changed when the server starts again: {', '.join(told['restart'])}")


def print_reasons(told: Mapping[str, Any]) -> None:
    click.echo(f"{tables.plain(told['method'])} {tables.plain(told['uri'])}")
    for reason in told["reasons"]:
        click.echo(f"  {tables.plain(reason)}")
