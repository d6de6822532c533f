"""``confserver records export`` and the like: a whole list into a file, as it comes, however long it is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlencode

import click

if TYPE_CHECKING:
    from confserver.admin.asking import Where

Bring = Callable[["Where", str, BinaryIO, Callable[[int, int], None]], int]
"""Path, where it goes, who is told how much has come; gives its length."""
PROGRESS_S = 0.2
EXPORT_HELP = """Write all of them to a file, the latest first, as far as --room, --from and --to let.

As CSV, or with --jsonl as JSON, one object a line. The server reads them piece by piece as they are taken; a file is
there whole or not at all. Cells that a spreadsheet would take for formulas begin with an apostrophe in CSV.
"""


def nobody_brings(where: Where, path: str, into: BinaryIO, told: Callable[[int, int], None]) -> int:
    raise click.UsageError("No list can be brought from here.")


def export_options() -> list[click.Parameter]:
    return [
        click.Option(["--csv", "form"], flag_value="csv", default="csv", help="As CSV.  [default]"),
        click.Option(["--jsonl", "form"], flag_value="jsonl", help="As JSON, one object a line."),
        click.Option(["--room"], help="Only of this room."),
        click.Option(["--from", "since"], help="Only what was not over by then, such as 2026-11-29T18:00."),
        click.Option(["--to", "until"], help="Only what had begun by then."),
        click.Option(
            ["--output", "-o"], type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default=Path("-"),
            metavar="FILE", help="Where to.  [default: standard output]",
        ),
    ]  # fmt: skip


def exporter(bring: Bring, path: str) -> Callable[..., None]:
    def run(where: Where, as_json: bool, form: str, output: Path, **among: Any) -> None:
        asked = {name: value for name, value in among.items() if value is not None}
        size = write(bring, where, path, {**asked, "format": form}, output, quiet=as_json)
        if str(output) != "-":
            click.echo(json.dumps({"file": str(output), "bytes": size}) if as_json else f"{output}: {size} bytes")

    return run


def with_export(verb: click.Command, export: click.Command) -> click.Group:
    """The verb as it is, and beside it ``verb export``."""
    run = cast("Callable[..., Any]", verb.callback)

    @click.pass_context
    def callback(context: click.Context, /, **given: Any) -> Any:
        return run(**given) if context.invoked_subcommand is None else None

    return click.Group(
        verb.name, callback=callback, params=verb.params, help=verb.help, short_help=verb.short_help,
        invoke_without_command=True, commands=[export],
    )  # fmt: skip


# ------------------------------------------------------------------ the file
def write(bring: Bring, where: Where, path: str, asked: Mapping[str, Any], output: Path, *, quiet: bool) -> int:
    """Whole or not at all: what breaks off leaves nothing. Gives its length."""
    source = f"{path}?{urlencode(asked)}"
    if str(output) == "-":
        return bring(where, source, sys.stdout.buffer, _silent)
    progress = None if quiet or not sys.stderr.isatty() else _Progress(path.strip("/"))
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as file:
            size = bring(where, source, file, progress or _silent)
        draft.replace(output)
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
        if progress is not None:
            progress.end()
    return size


def _silent(come: int, size: int) -> None:
    pass


class _Progress:
    """How much has come; nobody knows how much there will be."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told_at = 0.0

    def __call__(self, come: int, size: int) -> None:
        if (now := time.monotonic()) >= self._told_at + PROGRESS_S:
            self._told_at = now
            click.echo(f"\r{self._name}: {come / 1e6:.1f} MB", nl=False, err=True)

    def end(self) -> None:
        click.echo("\r\x1b[K", nl=False, err=True)
