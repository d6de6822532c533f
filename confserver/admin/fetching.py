"""``confserver recording get``: the files of a recording, brought here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

if TYPE_CHECKING:
    from confserver.admin.asking import Ask, Where

Fetch = Callable[["Where", str, str, BinaryIO, Callable[[int, int], None]], int]
"""Recording, file, where it goes, who is told how much has come; gives its length."""

HELP = """Bring the files of a recording here: the sound of the room, each track, and the timeline.

RECORDING is a recording's name, as confserver recordings prints it.
"""


def nobody_fetches(where: Where, recording: str, file: str, into: BinaryIO, told: Callable[[int, int], None]) -> int:
    raise click.UsageError("No recording can be brought from here.")


def parameters() -> list[click.Parameter]:
    return [
        click.Argument(["recording"]),
        click.Option(
            ["--out"], type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="DIRECTORY",
            help="Where the files go.  [default: here]",
        ),
        click.Option(["--file", "names"], multiple=True, metavar="FILE", help="Only this one; more: say it again."),
        click.Option(["--force"], is_flag=True, help="Write over files that are there."),
    ]  # fmt: skip


def runner(ask: Ask, fetch: Fetch) -> Callable[..., None]:
    def run(where: Where, as_json: bool, recording: str, out: Path, names: Sequence[str], force: bool) -> None:
        rows: list[Mapping[str, Any]] = ask(where, "GET", "/recordings", {})
        row = next((row for row in rows if row["name"] == recording), None)
        if row is None:
            raise click.ClickException(f"there is no recording {recording}")
        files = list(names) or [*row["files"], f"{recording}.json"]
        got = [_bring(where, fetch, recording, file, out, force, quiet=as_json) for file in files]
        if as_json:
            click.echo(json.dumps([str(path) for path in got], indent=2))

    return run


def _bring(where: Where, fetch: Fetch, recording: str, file: str, out: Path, force: bool, quiet: bool) -> Path:
    """Whole or not at all: what breaks off leaves nothing."""
    place = out / Path(file).name
    if place.exists() and not force:
        raise click.ClickException(f"{place}: is there already; --force writes over it")
    half = place.with_name(f".{place.name}.part")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as into:
            size = _fetched(where, fetch, recording, file, into, quiet)
        half.replace(place)
    except OSError as error:
        raise click.ClickException(f"{place}: cannot be written: {error.strerror or error}") from None
    finally:
        half.unlink(missing_ok=True)
    if not quiet:
        click.echo(f"{place}: {size} bytes")
    return place


def _fetched(where: Where, fetch: Fetch, recording: str, file: str, into: BinaryIO, quiet: bool) -> int:
    """With a bar on a terminal."""
    if quiet or not sys.stderr.isatty():
        return fetch(where, recording, file, into, lambda _, __: None)
    bar = click.progressbar(length=1, label=file, file=sys.stderr)

    def told(come: int, size: int) -> None:
        bar.length = max(size, 1)
        bar.update(come - bar.pos)

    with bar:
        return fetch(where, recording, file, into, told)
