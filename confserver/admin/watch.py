"""``confserver watch``: what happens, while it happens, in words or as JSON, one event a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from confserver.admin import tables
from confserver.admin.words import Narrator

if TYPE_CHECKING:
    from confserver.admin.asking import Where

HELP = """Tell what happens in a room, or in all, while it happens; Ctrl-C ends it.

ROOM is the room's name, which need not be there yet; without it, all rooms are watched. With --json each line is one
event as docs/events.md words it, the first one a snapshot of the rooms.
"""
QUIET = frozenset({"place-reserved", "place-released", "hearing-changed", "talking-changed"})
"""Told in words only where they are asked for: what goes before and behind what matters, or comes too often."""

Follow = Callable[["Where", str | None, Sequence[str], bool, str], Iterator[Mapping[str, Any]]]
"""Server, room, types, levels, and after which event: the events, as they come."""


def nobody_follows(*_: object) -> Iterator[Mapping[str, Any]]:
    raise click.UsageError("Events cannot be followed here.")


def parameters() -> list[click.Parameter]:
    return [
        click.Argument(["room"], required=False),
        click.Option(
            ["--type", "types"],
            multiple=True,
            metavar="TYPE",
            help="Only events of this type, such as message or participant-*; more than one: say it again.",
        ),
        click.Option(["--after"], metavar="ID", help="Begin after this event, where it is still known."),
    ]


def runner(follow: Follow) -> Callable[..., None]:
    def run(where: Where, as_json: bool, room: str | None, types: tuple[str, ...], after: str | None) -> None:
        narrator = Narrator()
        try:
            for event in follow(where, room, types, False, after or ""):
                if as_json:
                    click.echo(json.dumps(event, separators=(",", ":")))
                elif types or event.get("type") not in QUIET:
                    click.echo(tables.plain(narrator.line(event)))
                else:
                    narrator.line(event)
        except KeyboardInterrupt:
            return

    return run
