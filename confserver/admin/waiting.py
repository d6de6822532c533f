"""``--wait``: verbs that begin something long stay until it is over, and say meanwhile how it goes.

What they hear begins before they ask, so that nothing in between is missed. Progress goes to standard error; the exit
status is 1 where it has come to nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from confserver.admin import tables
from confserver.admin.watch import Follow
from confserver.admin.words import Narrator

if TYPE_CHECKING:
    from confserver.admin.asking import Ask, Where

Event = Mapping[str, Any]
HELP = "Stay until it is over; status 1 where it has come to nothing."
POLL_S = 0.5
UNDER_WAY = ("recording", "converting")
"""States of recordings that are not over."""


@dataclass(frozen=True, slots=True)
class Wait:
    """``first`` begins it; ``key`` is the member by which what follows belongs to it; ``ended`` tells how it went."""

    types: tuple[str, ...]
    first: str
    key: str
    ended: Callable[[Event], bool | None]


def _answered(event: Event) -> bool | None:
    return {"participant-arrived": True, "dial-failed": False}.get(str(event["type"]))


def _all_called(event: Event) -> bool | None:
    return event["joined"] > 0 and not event["failed"] if event["type"] == "list-ended" else None


WAITS: Mapping[str, Wait] = {
    "dial": Wait(
        ("dialled", "dial-ringing", "dial-redirected", "dial-failed", "participant-arrived"), "dialled", "participant",
        _answered,
    ),
    "dial-list": Wait(("list-started", "list-changed", "list-ended"), "list-started", "list", _all_called),
}  # fmt: skip
"""By verb; ``stop-recording`` waits for files, of which no event tells."""
VERBS = frozenset({*WAITS, "stop-recording"})


def option() -> click.Option:
    return click.Option(["--wait"], is_flag=True, help=HELP)


def waited(verb: str, ask: Ask, follow: Follow, where: Where, room: str, do: Callable[[], Any]) -> tuple[Any, bool]:
    """Do it and stay; gives what it answered, and whether it went well."""
    if verb not in WAITS:
        told = do()
        return told, _files_kept(ask, where, room)
    wait = WAITS[verb]
    events = follow(where, room, wait.types, False, "")
    narrator = Narrator()
    narrator.line(next(events))
    told = do()
    return told, _heard(wait, events, narrator)


def _heard(wait: Wait, events: Iterator[Event], narrator: Narrator) -> bool:
    mine: object = None
    for event in events:
        if event.get("type") == "snapshot":  # the server has started anew: what was under way is over
            return False
        line = tables.plain(narrator.line(event))
        if mine is None and event["type"] == wait.first:
            mine = event[wait.key]
        if mine is None or event.get(wait.key) != mine:
            continue
        click.echo(line, err=True)
        went = wait.ended(event)
        if went is not None:
            return went
    return False


def _files_kept(ask: Ask, where: Where, room: str) -> bool:
    """Until the room's files are whole."""
    while True:
        mine = [each for each in ask(where, "GET", "/recordings", {}) if each["room"] == room.strip().lower()]
        open_ones = [each for each in mine if each["state"] in UNDER_WAY]
        if not open_ones:
            return not any(each["state"] == "failed" for each in mine[-1:])
        click.echo(f"{tables.plain(open_ones[-1]['name'])}: {open_ones[-1]['state']}", err=True)
        time.sleep(POLL_S)
