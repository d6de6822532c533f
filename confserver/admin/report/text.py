"""The report as Markdown, for mails, wikis and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import tzinfo

from confserver.admin.report import words
from confserver.admin.report.facts import Meeting, Person


def text(meeting: Meeting, zone: tzinfo | None = None) -> str:
    """Write a meeting's report."""
    return "\n".join(_lines(meeting, zone)) + "\n"


def _lines(meeting: Meeting, zone: tzinfo | None) -> Iterator[str]:
    yield f"# {plain(meeting.room)}"
    yield ""
    yield words.when(meeting, zone)
    yield ""
    yield plain(words.summary(meeting, zone))
    yield ""
    yield "| Who | There | Talked | Share | Muted | Sound | Left because |"
    yield "|---|---|---:|---:|---:|---|---|"
    yield from (_row(person, zone) for person in meeting.people)
    told = words.findings(meeting.people)
    if told:
        yield from ("", "## What was wrong with the sound", "")
        for _, finding in told:
            yield f"- {plain(words.finding(finding, zone))} {plain(str(finding.get('advice') or ''))}".rstrip()
    if meeting.recordings:
        yield from ("", "## Recordings", "", *(f"- {plain(name)}" for name in meeting.recordings))
    if meeting.messages:
        yield from ("", "## Messages", "")
        for each in meeting.messages:
            at = f"{words.clock(float(each['at']), zone)} " if each.get("at") else ""
            yield f"- {at}{plain(str(each.get('name') or ''))}: {plain(str(each.get('text') or ''))}"
    yield ""
    over = f"The meeting ended: {plain(meeting.cause)}. " if meeting.is_over and meeting.cause else ""
    yield f"{over}Meeting {meeting.number}, as confserver has it on record."


def _row(person: Person, zone: tzinfo | None) -> str:
    cells = (
        plain(person.name) + (" (host)" if person.is_host else ""),
        words.stays(person, zone),
        words.length(person.talk_s) if person.talk_s else "not at all",
        words.share(person.share) if person.talk_s else "",
        words.length(person.muted_s) if person.muted_s else "",
        words.sound(person),
        plain(", ".join(dict.fromkeys(cause for cause in person.causes if cause))),
    )
    return f"| {' | '.join(cells)} |"


def plain(said: str) -> str:
    """Nobody's name is a heading, a link or a cell of its own."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~])", r"\\\1", " ".join(said.split()))
