"""What the command line prints for people: the HTTP interface's JSON as tables and lines.

Names come from phones all over the world: what could move the cursor or colour the terminal is shown as U+FFFD.
rich is imported only when a table is printed, so that ``--json`` and errors are quick.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from confserver.admin import about

Record = Mapping[str, Any]
PIPED_COLUMNS = 240
"""Width of a table that goes into a pipe or file, where no line should be broken."""

MOST_IN_A_LINE = 20
"""Of the rows within one thing; more are a table of their own."""
ROOM_HEADINGS = ("ROOM", "STATE", "PEOPLE", "TALKING", "LOCKED", "MADE", "OPEN FOR")
RECORDING_HEADINGS = ("ROOM", "STATE", "LENGTH", "TRACKS", "FILE", "TROUBLE")
PARTICIPANT_HEADINGS = ("ID", "NAME", "ADDRESS", "FROM", "IN FOR", "MOS", "STATE")


def print_rooms(rooms: Sequence[Record]) -> None:
    if not rooms:
        click.echo("no rooms")
        return
    print_table(ROOM_HEADINGS, (_room_row(room) for room in rooms))


def print_room(room: Record) -> None:
    print_room_line(room)
    for line in about.lines(room):
        click.echo(f"  {plain(line)}")
    if room["participants"]:
        click.echo()
        print_table(PARTICIPANT_HEADINGS, (_participant_row(person, room["at"]) for person in room["participants"]))
    for line in (*_turns(room), *room.get("warnings", ())):
        click.echo(plain(line))
    findings = [finding for person in room["participants"] for finding in person.get("quality", ())]
    for finding in sorted(findings, key=lambda each: each["since"]):
        since = time.strftime("%H:%M", time.localtime(finding["since"]))
        click.echo()
        click.echo(plain(f"{finding['text']}, since {since} ({finding['side']})."))
        click.echo(f"  {plain(finding['advice'])}")


def print_room_line(room: Record) -> None:
    """Tell in one line how the room is now."""
    words = [room["state"], f"{len(room['participants'])} of {room['max_participants']} in"]
    if room["waiting"]:
        words.append(f"{len(room['waiting'])} waiting")
    if room["reserved"]:
        words.append(f"{room['reserved']} on the way in")
    words += [_dialled(person) for person in room["dialling"]]
    words += ["locked"] if room["locked"] else []
    if room["recording"]:
        words.append("recording paused" if room["recording"]["paused"] else "recorded")
    words += [f"breakout rooms {', '.join(map(plain, room['breakouts']))}"] if room["breakouts"] else []
    words += ["muted on entry"] if room["mute_on_entry"] else []
    words += [_played(play) for play in room["plays"]]
    words += [_forwarded(forward) for forward in room["forwards"]]
    click.echo(f"{plain(room['name'])}: {', '.join(words)}")


def _dialled(person: Record) -> str:
    state = "rings" if person["ringing"] in (180, 183) else "is being called"
    return f"{plain(person['name'])} ({plain(person['id'])}) {state}"


def _played(play: Record) -> str:
    state = "pauses" if play["paused"] else "plays"
    return f"play {play['play']} {state} {' '.join(map(plain, play['sounds']))}"


def _forwarded(forward: Record) -> str:
    """Where sound is sent on to, and what is wrong with it."""
    what = f"voice of {plain(forward['voice'])} " if forward["voice"] else ""
    there = f"{forward['codec']} to port {forward['port']} of {plain(forward['host'])}"
    trouble = f" ({plain(forward['trouble'])})" if forward["trouble"] else ""
    return f"forward {forward['forward']} sends {what}as {there}{trouble}"


def print_told(told: Any, columns: Sequence[str] = ()) -> None:
    """Whatever the server tells: a table of rows with these members, or what one thing is, line by line."""
    if isinstance(told, Mapping):
        long = {name: rows for name, rows in told.items() if _is_table(rows)}
        for name, value in told.items():
            if name not in long:
                click.echo(f"{name}: {said(name, value)}")
        for rows in long.values():
            click.echo()
            print_told(rows, tuple(rows[0]))
    elif not told:
        click.echo("none")
    else:
        headings = tuple(name.upper().replace("_", " ") for name in columns)
        print_table(headings, (tuple(said(name, row[name]) for name in columns) for row in told))


def _is_table(value: object) -> bool:
    is_long = isinstance(value, list) and len(value) > MOST_IN_A_LINE
    return is_long and all(isinstance(row, Mapping) for row in value)  # type: ignore[attr-defined]


_TIMES = ("since", "until", "at", "expires_at", "created_at", "changed_at", "registered_at")


def said(name: str, value: object) -> str:
    """A member as people read it."""
    if name in _TIMES:
        is_time = isinstance(value, int | float)
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value)) if is_time else "-"  # type: ignore[arg-type]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return plain(", ".join(f"{key}={_value(inner)}" for key, inner in value.items())) or "-"
    if isinstance(value, list):
        return plain("; ".join(_row_said(each) for each in value)) or "-"
    return "-" if value is None else plain(str(value))


def _value(value: object) -> str:
    """As it is typed behind an equals sign."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | Mapping) else str(value)


def _row_said(row: object) -> str:
    if not isinstance(row, Mapping):
        return str(row)
    return ", ".join(f"{name} {said(name, value)}" for name, value in row.items() if value not in ("", [], None))


def print_recordings(recordings: Sequence[Record]) -> None:
    if not recordings:
        click.echo("no recordings")
        return
    print_table(RECORDING_HEADINGS, (_recording_row(recording) for recording in recordings))


def print_change(room: Record, participant: str) -> None:
    """Tell how the room is now, and the participant whom a change was about, unless he is gone."""
    print_room_line(room)
    wanted = participant.strip().casefold()
    for person in room["participants"]:
        if wanted in (person["id"].casefold(), person["name"].casefold()):
            words = [word for word in _marks(person) if word != "talking"] or ["neither muted nor deaf"]
            click.echo(f"{plain(person['id'])} ({plain(person['name'])}): {', '.join(words)}")


def print_status(status: Record) -> None:
    """Print whatever the server counts, one line each."""
    lines = list(_flat("", status))
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        click.echo(f"{name:<{width}}  {value}")


def plain(text: object) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def duration(start: float | None, now: float) -> str:
    """Word a time span as h:mm:ss."""
    if start is None:
        return ""
    seconds = max(0, int(now - start))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _room_row(room: Record) -> tuple[str, ...]:
    people = room["participants"]
    return (
        room["name"],
        room["state"],
        f"{len(people)}/{room['max_participants']}",
        str(sum(person["talking"] for person in people)),
        "yes" if room["locked"] else "no",
        "beforehand" if room["persistent"] else "on demand",
        duration(room["opened_at"], room["at"]),
    )


def _recording_row(recording: Record) -> tuple[str, ...]:
    files, seconds = recording["files"], recording["seconds"]
    if seconds is None and recording["state"] == "recording":
        seconds = time.time() - recording["started_at"]
    return (
        recording["room"],
        recording["state"],
        duration(0.0, seconds) if seconds is not None else "",
        str(max(len(files) - 1, 0)),
        files[0] if files else recording["name"],
        recording["reason"],
    )


def _participant_row(person: Record, now: float) -> tuple[str, ...]:
    return (
        person["id"],
        person["name"],
        person["address"],
        person["source"],
        duration(person["since"], now),
        _opinions(person.get("media")),
        ", ".join(_marks(person)),
    )


def _opinions(media: Record | None) -> str:
    """What the call is worth, from the participant and to him: "4.4/4.1"."""
    opinions = [media.get(name) for name in ("mos_in", "mos_out")] if media else []
    known = any(opinion is not None for opinion in opinions)
    return "/".join("-" if opinion is None else f"{opinion:.1f}" for opinion in opinions) if known else ""


def _turns(room: Record) -> list[str]:
    """Who takes turns how, and what is private, a line each; nothing in an ordinary room."""
    lines = ["", "in a lecture"] if room["in_lecture"] else [""]
    for what, word in (("hands", "hands up"), ("floor", "on the floor"), ("breakouts", "breakout rooms")):
        lines += [f"{word}: {', '.join(room[what])}"] if room[what] else []
    for each in room["whispers"]:
        lines.append(f"{each['participant']} {'coaches' if each['coach'] else 'whispers to'} {each['to']}")
    for each in room["sidebars"]:
        lines.append(f"sidebar {each['sidebar']}: {', '.join(each['participants'])}")
    for each in room["broadcasts"]:
        to = ", ".join(each["rooms"]) or "all breakout rooms"
        lines.append(f"{each['name']} ({each['participant']}) speaks from {each['from_room']} to {to}")
    lines += [f"{listener} does not hear {source}" for listener, source in room["unheard"]]
    return lines if len(lines) > 1 else []


def _marks(person: Record) -> list[str]:
    marks = ["moderator"] if person["role"] == "moderator" else []
    marks += [f"muted ({', '.join(person['muted'])})"] if person["muted"] else []
    marks += [word for word in ("deaf", "held", "talking") if person[word]]
    marks += ["held by host"] if person["held_by_host"] else []
    marks += ["being hung up on"] if person.get("removed") else []
    marks += [
        f"{person[way]:+g} dB {word}" for way, word in (("incoming_db", "in"), ("outgoing_db", "out")) if person[way]
    ]
    marks += [f"at {person['pan']:+g}"] if person.get("pan") is not None else []
    marks += [f"user {person['user']}"] if person.get("user") else []
    return marks + ([person["noise"]] if person["noise"] else [])


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Take nested objects apart into dotted names."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{name}[{index}]", inner)
    elif isinstance(value, list):
        yield plain(name), ", ".join(plain(inner) for inner in value)
    else:
        yield plain(name), _worded(value)


def _worded(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return "" if value is None else plain(value)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False).print(table)
