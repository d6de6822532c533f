"""The verbs ``confserver meetings``, ``records``, ``audit`` and ``report``: what is over, as tables, files and pages.

Long lists are asked for by pages and written as they come: neither the server nor the command ever holds all rows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from confserver.admin import tables
from confserver.admin.export_verb import EXPORT_HELP, Bring, export_options, exporter, nobody_brings, with_export
from confserver.admin.export_verb import write as write_export

if TYPE_CHECKING:
    from confserver.admin.asking import Ask, Where

PAGE = 500
Record = Mapping[str, Any]

MEETINGS_HELP = "List the meetings that are on record, the latest first."
RECORDS_HELP = """List who was in which meeting, the latest first: when, how long, why gone, how it sounded.

With --csv all of them are written to a file, as far as --room, --since and --until let.
"""
REPORT_HELP = """Make a report of a room's last meeting: who was there, who spoke when, and how it sounded.

ROOM is the room's name. Without -o it is printed as text (Markdown); FILE.html is a page with a picture, FILE.svg the
picture alone, FILE.md the text.
"""
AUDIT_HELP = """List who has asked for what, and what has come of it, the latest first.

By every face: HTTP, command line, Python, phones. Secrets are never in it.
"""
AUDIT_HEADINGS = ("WHEN", "WHO", "BY", "FROM", "WHAT", "ROOM", "ABOUT", "OUTCOME", "DETAILS")
MEETING_HEADINGS = ("MEETING", "ROOM", "BEGAN", "LASTED", "PEOPLE", "AT MOST", "ENDED BECAUSE")
RECORD_HEADINGS = ("MEETING", "ROOM", "NAME", "CAME", "STAYED", "TALKED", "MOS", "CODEC", "LEFT BECAUSE")


def verbs(ask: Ask, command: Callable[..., click.Command], bring: Bring = nobody_brings) -> list[click.Command]:
    """``command`` makes a verb with the options that all share."""
    who = click.Option(["--who"], help="Only what this one has asked for.")

    def listed(name: str, show: Callable[[list[Record]], None], help: str, *more: click.Parameter) -> click.Command:
        verb = command(name, lister(ask, bring, f"/{name}", show), [*among(), *more, csv_option()], help)
        inner = command("export", exporter(bring, f"/{name}"), [*export_options(), *more], EXPORT_HELP)
        return with_export(verb, inner)

    return [
        listed("audit", print_audit, AUDIT_HELP, who),
        listed("meetings", print_meetings, MEETINGS_HELP),
        listed("records", print_records, RECORDS_HELP),
        command("report", reporter(ask), report_parameters(), REPORT_HELP),
    ]


# ------------------------------------------------------------------ options
def among() -> list[click.Parameter]:
    return [
        click.Option(["--room"], help="Only of this room."),
        click.Option(["--since"], help="Only what was not over by then, such as 2026-11-29 or 2026-11-29T18:00."),
        click.Option(["--until"], help="Only what had begun by then."),
        click.Option(["--limit"], type=click.IntRange(1), help="At most so many, the latest.  [default: 50]"),
    ]


def csv_option() -> click.Parameter:
    return click.Option(
        ["--csv"], type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE",
        help="Write them to a file as CSV, all of them; - is standard output.",
    )  # fmt: skip


def report_parameters() -> list[click.Parameter]:
    return [
        click.Argument(["room"]),
        click.Option(["--meeting"], type=click.IntRange(1), help="Another meeting than the last, by number."),
        click.Option(
            ["--output", "-o"], type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
            help="Where to: FILE.html, FILE.md or FILE.svg.",
        ),
    ]  # fmt: skip


# ------------------------------------------------------------------ lists
def lister(ask: Ask, bring: Bring, path: str, show: Callable[[list[Record]], None]) -> Any:
    def run(where: Where, as_json: bool, csv: Path | None = None, limit: int | None = None, **among: Any) -> None:
        asked = {name: value for name, value in among.items() if value is not None}
        if csv is not None:
            if limit is not None:
                raise click.UsageError("--csv and --limit exclude each other: a file has all rows.")
            write_export(bring, where, path, {**asked, "format": "csv"}, csv, quiet=as_json)
            return
        found = rows(ask, where, path, asked, limit or (None if as_json and among.get("since") else 50))
        if as_json:
            _print_json(found)
        else:
            show(list(found))

    return run


def rows(ask: Ask, where: Where, path: str, asked: Mapping[str, Any], most: int | None) -> Iterator[Record]:
    """One page after another, until there is no more, or there are enough."""
    after: dict[str, Any] = {}
    left = most if most is not None else sys.maxsize
    while left > 0:
        size = min(PAGE, left)
        page = ask(where, "GET", f"{path}?{urlencode({**asked, 'limit': size, **after})}", {})
        yield from page
        if len(page) < size:
            return
        left -= len(page)
        after = {"after": page[-1]["id"]}


def _print_json(found: Iterator[Record]) -> None:
    """A list, one row a line, while it comes."""
    click.echo("[", nl=False)
    for number, row in enumerate(found):
        click.echo(("," if number else "") + "\n  " + json.dumps(row), nl=False)
    click.echo("\n]")


# ------------------------------------------------------------------ for people
def print_meetings(found: list[Record]) -> None:
    if not found:
        click.echo("no meetings on record")
        return
    tables.print_table(MEETING_HEADINGS, (_meeting_row(row) for row in found))


def _meeting_row(row: Record) -> tuple[str, ...]:
    over = row["closed_at"] is not None
    lasted = tables.duration(row["opened_at"], row["closed_at"] if over else time.time())
    return (
        str(row["id"]), row["room"], when(row["opened_at"]), lasted if over else f"{lasted} so far",
        str(row["people"]), str(row["most_present"]), row["cause"] or "",
    )  # fmt: skip


def print_records(found: list[Record]) -> None:
    if not found:
        click.echo("nobody on record")
        return
    tables.print_table(RECORD_HEADINGS, (_record_row(row) for row in found))


def _record_row(row: Record) -> tuple[str, ...]:
    came, left = row["arrived_at"], row["left_at"]
    stayed = tables.duration(came, left if left is not None else time.time()) if came is not None else "not in"
    opinions = [row["mos_in"], row["mos_out"]]
    mos = "/".join("-" if each is None else f"{each:.1f}" for each in opinions) if any(opinions) else ""
    cause = f"kicked by {row['kicked_by']}" if row["kicked_by"] else row["cause"] or ""
    talked = tables.duration(0.0, row["talk_s"]) if row["talk_s"] else ""
    meeting = str(row["meeting"] or "")
    return (meeting, row["room"], row["name"], when(came), stayed, talked, mos, row["codec"], cause)


def print_audit(found: list[Record]) -> None:
    if not found:
        click.echo("nothing on record")
        return
    tables.print_table(AUDIT_HEADINGS, (_audit_row(row) for row in found))


def _audit_row(row: Record) -> tuple[str, ...]:
    details = ", ".join(f"{name} {tables.said(name, value)}" for name, value in row["details"].items())
    outcome = row["outcome"] + (f": {row['reason']}" if row["reason"] else "")
    return (
        when(row["at"]), f"{row['who']} ({row['role']})", row["face"], row["source"], row["action"], row["room"],
        row["participant"], outcome, details,
    )  # fmt: skip


def when(at: Any) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if isinstance(at, int | float) else ""


# ------------------------------------------------------------------ reports
def reporter(ask: Ask) -> Callable[..., None]:
    def run(where: Where, as_json: bool, room: str, meeting: int | None, output: Path | None) -> None:
        number = meeting or _last(ask, where, room)
        told = ask(where, "GET", f"/meetings/{number}", {})
        if told["room"] != room.strip().lower():
            raise click.ClickException(f"meeting {number} was in {tables.plain(told['room'])}")
        if as_json:
            click.echo(json.dumps(told, indent=2))
            return
        made = _made(told, output)
        if output is None:
            click.echo(made, nl=False)
            return
        try:
            output.write_text(made, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{output}: {error.strerror}") from None

    return run


def _last(ask: Ask, where: Where, room: str) -> int:
    found = ask(where, "GET", f"/rooms/{quote(room, safe='')}/meetings?limit=1", {})
    if not found:
        raise click.ClickException(f"no meeting in {tables.plain(room)} is on record")
    return int(found[0]["id"])


def _made(told: Record, output: Path | None) -> str:
    from confserver.admin import report

    meeting = report.meeting_of(told, time.time())
    makers = {".html": report.page, ".htm": report.page, ".svg": report.picture, ".md": report.text}
    kind = output.suffix.lower() if output else ".md"
    if kind not in makers:
        raise click.UsageError(f"{output}: a report is a file of the kind .html, .md or .svg.")
    return makers[kind](meeting)
