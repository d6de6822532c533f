"""The picture: a lane for each person, with presence, talk and mutes, over a common time axis. SVG without anything
from elsewhere; what it shows it also says in words, for those who have it read to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from html import escape

from confserver.admin.report import words
from confserver.admin.report.facts import Meeting, Person, Span

WIDTH = 1000
NAMES = 190
SHARES = 78
"""Columns left and right of the lanes."""
TOP = 92
BOTTOM = 34
MOST_LANES = 200
CROWD_H = 34
STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
LEAST_LABEL = 58.0
"""Between two labels of the axis."""

STYLE = """
.cs { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
 --ink: #1c2733; --soft: #64748b;
 --grid: #e4e9ef; --zebra: #f7f9fb; --here: #d3e3f2; --talk: #1f6fb2; --host: #b4690e; --hosthere: #f6e3c9;
 --mute: #94a3b8; --paper: #ffffff; --crowd: #e3edf6; }
@media (prefers-color-scheme: dark) { .cs { --ink: #e6edf5; --soft: #93a3b5; --grid: #2b3643; --zebra: #1a222c;
 --here: #27415a; --talk: #6db5f2; --host: #f0ae55; --hosthere: #4d3b22; --mute: #64748b; --paper: #141b23;
 --crowd: #20303f; } }
.cs text { fill: var(--ink); } .cs .soft { fill: var(--soft); } .cs .grid { stroke: var(--grid); }
.cs .zebra { fill: var(--zebra); } .cs .here { fill: var(--here); } .cs .talk { fill: var(--talk); }
.cs .host .here { fill: var(--hosthere); } .cs .host .talk { fill: var(--host); }
.cs .mute { fill: var(--mute); } .cs .paper { fill: var(--paper); } .cs .crowd { fill: var(--crowd); }
.cs .edge { fill: none; stroke: var(--talk); stroke-opacity: .45; }
"""


def picture(meeting: Meeting, zone: tzinfo | None = None) -> str:
    """Draw a meeting."""
    people = meeting.people[:MOST_LANES]
    lane = _lane_height(len(people))
    left_out = len(meeting.people) - len(people)
    height = TOP + len(people) * lane + BOTTOM + (16 if left_out else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cs" viewBox="0 0 {WIDTH} {height:g}" role="img"'
        f' aria-labelledby="cs-t{meeting.number} cs-d{meeting.number}">',
        f'<title id="cs-t{meeting.number}">{escape(f"Who was in {meeting.room}, and who spoke when")}</title>',
        f'<desc id="cs-d{meeting.number}">{escape(words.summary(meeting, zone))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height:g}" rx="6"/>',
        *_legend(meeting),
        *_zebra(len(people), lane),
        *_axis(meeting, zone, TOP + len(people) * lane),
        *_crowd(meeting),
    ]
    for number, person in enumerate(people):
        parts += _lane(meeting, person, TOP + number * lane, lane, zone)
    if left_out:
        parts.append(_text(NAMES, height - 8, f"and {left_out} more", 11, "soft"))
    return "\n".join([*parts, "</svg>"])


def _lane_height(lanes: int) -> float:
    return 28 if lanes <= 12 else 21 if lanes <= 30 else 15 if lanes <= 80 else 11


def _x(meeting: Meeting, at: float) -> float:
    room = WIDTH - NAMES - SHARES
    return NAMES + room * min(max((at - meeting.begun) / max(meeting.length_s, 1.0), 0.0), 1.0)


def _text(x: float, y: float, said: str, size: float, kind: str = "", anchor: str = "start", weight: int = 400) -> str:
    kind = f' class="{kind}"' if kind else ""
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"{kind}{where}{bold}>{escape(said)}</text>'


def _bar(x: float, y: float, width: float, height: float, kind: str, round_: float = 0.0) -> str:
    corner = f' rx="{round_:g}"' if round_ else ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{corner}/>'


# ------------------------------------------------------------------ around the lanes
def _legend(meeting: Meeting) -> Iterator[str]:
    shown = [("here", "present", ""), ("talk", "talks", ""), ("mute", "muted", "")]
    if any(person.is_host for person in meeting.people):
        shown.append(("talk", "host talks", "host"))
    x = float(NAMES)
    for kind, word, group in shown:
        swatch = _bar(x, 14 if kind != "mute" else 19, 16, 10 if kind != "mute" else 3, kind, 2)
        yield f'<g class="{group}">{swatch}</g>' if group else swatch
        yield _text(x + 21, 23, word, 11, "soft")
        x += 40 + 7 * len(word)
    yield _text(WIDTH - 8, 23, "share of talk", 11, "soft", "end")


def _zebra(lanes: int, lane: float) -> Iterator[str]:
    for number in range(0, lanes, 2):
        yield _bar(0, TOP + number * lane, WIDTH, lane, "zebra")


def _axis(meeting: Meeting, zone: tzinfo | None, bottom: float) -> Iterator[str]:
    """Round times of the zone, as many as there is room for."""
    room = WIDTH - NAMES - SHARES
    step = _step(meeting, room)
    for at in _marks(meeting.begun, meeting.ended, step, zone):
        x = _x(meeting, at)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP - CROWD_H - 6}" x2="{x:.1f}" y2="{bottom + 5:g}"/>'
        yield _text(x, bottom + 19, _label(at, step, zone), 11, "soft", "middle")
        yield _text(x, TOP - CROWD_H - 11, _label(at, step, zone), 11, "soft", "middle")


def _step(meeting: Meeting, room: float) -> int:
    for step in STEPS_S:
        if room * step / max(meeting.length_s, 1.0) >= LEAST_LABEL:
            return step
    return math.ceil(meeting.length_s * LEAST_LABEL / room / 86400) * 86400


def _marks(begun: float, ended: float, step: int, zone: tzinfo | None) -> Iterator[float]:
    """Round by the wall clock: of an hour at :00, of a day at midnight."""
    there = datetime.fromtimestamp(begun, zone).astimezone(zone)
    offset = (there.utcoffset() or there - there).total_seconds()
    at = math.ceil((begun + offset) / step) * step - offset
    while at <= ended:
        yield at
        at += step


def _label(at: float, step: int, zone: tzinfo | None) -> str:
    if step >= 86400:
        found = datetime.fromtimestamp(at, zone)
        return f"{found.day} {found:%b}"
    return words.clock(at, zone, seconds=step < 60)


def _crowd(meeting: Meeting) -> Iterator[str]:
    """How many were there, as a hill above the lanes."""
    changes = sorted([(at, 1) for each in meeting.people for at, _ in each.stays]
                     + [(at, -1) for each in meeting.people for _, at in each.stays])  # fmt: skip
    most, count, base = max(meeting.most, 1), 0, TOP - 6
    points = [(_x(meeting, meeting.begun), float(base))]
    for at, change in changes:
        x = _x(meeting, at)
        points.append((x, points[-1][1]))
        count += change
        points.append((x, base - (CROWD_H - 8) * min(count / most, 1.0)))
    points.append((points[-1][0], float(base)))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polygon class="crowd" points="{line}"/>'
    yield f'<polyline class="edge" points="{line}"/>'
    yield _text(NAMES - 10, base - 10, f"{meeting.most} at most", 11, "soft", "end")


# ------------------------------------------------------------------ a lane
def _lane(meeting: Meeting, person: Person, top: float, lane: float, zone: tzinfo | None) -> Iterator[str]:
    size = min(13.0, lane * 0.72)
    middle = top + lane / 2
    host = ' class="host"' if person.is_host else ""
    yield f"<g{host}><title>{escape(words.lane(person, zone))}</title>"
    name = _short(person.name, (NAMES - 22) / (size * 0.56) - (6 if person.is_host else 0))
    yield _text(12, middle + size * 0.36, name + (" · host" if person.is_host else ""), size, "", "start", 500)
    for begun, ended in person.stays:
        yield _span(meeting, (begun, ended), top + lane * 0.2, lane * 0.6, "here", 3)
    for span in person.mutes:
        yield _span(meeting, span, top + lane * 0.74, max(lane * 0.1, 1.5), "mute")
    for span in _joined(meeting, person.spurts):
        yield _span(meeting, span, top + lane * 0.27, lane * 0.42, "talk", 1.5 if lane > 12 else 0)
    if person.talk_s:
        said = "<1 %" if person.share < 0.01 else f"{person.share * 100:.0f} %"
        yield _text(WIDTH - 8, middle + size * 0.36, said, size - 1, "soft", "end")
    yield "</g>"


def _span(meeting: Meeting, span: Span, y: float, height: float, kind: str, corner: float = 0.0) -> str:
    x = _x(meeting, span[0])
    return _bar(x, y, max(_x(meeting, span[1]) - x, 1.2), height, kind, corner)


def _joined(meeting: Meeting, spans: Sequence[Span]) -> list[Span]:
    """Those that could not be told apart are one: a picture has so many points, however long the meeting was."""
    least = meeting.length_s / (WIDTH - NAMES - SHARES) * 0.8
    joined: list[Span] = []
    for begun, ended in sorted(spans):
        if joined and begun - joined[-1][1] < least:
            joined[-1] = joined[-1][0], max(ended, joined[-1][1])
        else:
            joined.append((begun, ended))
    return joined


def _short(text: str, most: float) -> str:
    return text if len(text) <= most else text[: max(int(most) - 1, 1)].rstrip() + "…"
