"""``confserver trace``: a call's ladder in words, and its messages as a file for Wireshark."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from confserver.admin import tables

if TYPE_CHECKING:
    from confserver.admin.asking import Ask, Where

HELP = """Show what has passed in a call, message by message; without CALL, list the calls that are kept.

CALL is the number of a call as the log says it, the id of a participant (p7), or a Call-ID. Keys, answers to
challenges and keys that were pressed are blanked.
"""
HEADINGS = ("CALL", "SINCE", "PEER", "MESSAGES", "OVER", "CALL-ID")


def parameters() -> list[click.Parameter]:
    return [
        click.Argument(["call"], required=False),
        click.Option(["--full"], is_flag=True, help="Print the messages themselves, too."),
        click.Option(
            ["--pcap"],
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Write the messages to a file for Wireshark.",
        ),
    ]


def runner(ask: Ask) -> Callable[..., None]:
    def run(where: Where, as_json: bool, call: str | None, full: bool, pcap: Path | None) -> None:
        if call is None:
            if full or pcap is not None:
                raise click.UsageError("--full and --pcap want a CALL.")
            told = ask(where, "GET", "/traces", {})
            click.echo(json.dumps(told, indent=2)) if as_json else _print_calls(told)
            return
        path = f"/traces/{quote(call, safe='')}"
        told = ask(where, "GET", path, {})
        click.echo(json.dumps(told, indent=2)) if as_json else print_ladder(told, full)
        if pcap is not None:
            _write(pcap, base64.b64decode(ask(where, "GET", f"{path}/pcap", {})["pcap"]))

    return run


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error.strerror or error}") from None


def _print_calls(rows: Any) -> None:
    if not rows:
        click.echo("none")
        return
    cells = (
        (str(row["call"]), _clock(row["since"]), row["peer"], str(row["messages"]), "yes" if row["over"] else "no",
         tables.plain(row["call_id"]))
        for row in rows
    )  # fmt: skip
    tables.print_table(HEADINGS, cells)


def print_ladder(told: Mapping[str, Any], full: bool) -> None:
    """One line a message: when, which way, by what, and what it says."""
    begun = f"call {told['call']}" if told["call"] else "no call"
    click.echo(f"{begun}, {tables.plain(told['call_id'])}, since {_clock(told['since'])}")
    for index, step in enumerate(told["steps"]):
        if told["left_out"] and index == len(told["steps"]) - min(160, len(told["steps"])):
            click.echo(f"    ... {told['left_out']} messages left out ...")
        arrow = "->" if step["ours"] else "<-"
        click.echo(
            f"{step['after_s']:9.3f}  {arrow} {step['remote']} {step['transport']}  {tables.plain(step['words'])}"
        )
        if full:
            for line in step["text"].split("\n"):
                click.echo(f"             {tables.plain(line)}".rstrip())
    media = told["media"]
    if media:
        said = [f"{name} {value}" for name, value in media.items() if value is not None]
        click.echo(f"media: {tables.plain(', '.join(said))}")


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
