"""The report as a page: one file that needs nothing else, fit for a screen, a printer and a reader of screens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from html import escape

from confserver.admin.report import timeline, words
from confserver.admin.report.facts import Meeting, Person

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7d; --line: #dfe5ec; --paper: #ffffff; --back: #f3f6f9;
 --talk: #1f6fb2; --good: #1d7a4c; --fair: #8a6100; --poor: #b3471b; --bad: #a8201a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf5; --soft: #9aa9ba; --line: #2b3643; --paper: #141b23;
 --back: #0d1218; --talk: #6db5f2; --good: #5cc795; --fair: #e0b04c; --poor: #ee8f62; --bad: #f27a74; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
 font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 17px; margin: 32px 0 10px; }
p { margin: 0 0 8px; } .soft { color: var(--soft); }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 8px; padding: 0; list-style: none; }
.cards li { flex: 1 1 130px; background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
 padding: 12px 16px; }
.cards b { display: block; font-size: 22px; font-weight: 600; line-height: 1.25; }
.sheet { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
.sheet svg { display: block; width: 100%; min-width: 720px; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 8px 12px; vertical-align: top; border-bottom: 1px solid var(--line); }
tr:last-child td, tbody tr:last-child th { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
tbody th span { display: block; font-weight: 400; font-size: 12.5px; }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.share { display: inline-block; height: 6px; border-radius: 3px; background: var(--talk); margin-left: 8px;
 vertical-align: middle; }
.good { color: var(--good); } .fair { color: var(--fair); } .poor { color: var(--poor); } .bad { color: var(--bad); }
.role { border: 1px solid var(--line); border-radius: 8px; padding: 0 6px; font-size: 12px; font-weight: 400; }
ul.plain { margin: 0; padding: 12px 16px 12px 34px; } ul.plain li { margin: 4px 0; }
footer { margin-top: 28px; font-size: 13px; }
@media print { body { background: none; } main { padding: 0; } .sheet, .cards li { break-inside: avoid; } }
"""


def page(meeting: Meeting, zone: tzinfo | None = None) -> str:
    """Write a meeting's report."""
    title = escape(f"{meeting.room}, {words.day(meeting.begun, zone)}")
    return "\n".join([
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{escape(meeting.room)}</h1>",
        f'<p class="soft">{escape(words.when(meeting, zone))}</p>',
        *_cards(meeting),
        f"<p>{escape(words.summary(meeting, zone))}</p>",
        "<h2>Who spoke when</h2>",
        f'<div class="sheet">{timeline.picture(meeting, zone)}</div>',
        "<h2>Who was there</h2>",
        *_table(meeting, zone),
        *_findings(meeting, zone),
        *_recordings(meeting),
        *_messages(meeting, zone),
        *_footer(meeting),
        "</main>",
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def _cards(meeting: Meeting) -> Iterator[str]:
    told = [
        (words.length(meeting.length_s), "long"),
        (str(len(meeting.people)), "person" if len(meeting.people) == 1 else "people"),
        (str(meeting.most), "at most at once"),
        (words.length(meeting.talk_s), "of talk"),
    ]
    yield '<ul class="cards">'
    for figure, word in told:
        yield f'<li><b>{escape(figure)}</b><span class="soft">{escape(word)}</span></li>'
    yield "</ul>"


def _table(meeting: Meeting, zone: tzinfo | None) -> Iterator[str]:
    yield '<div class="sheet"><table>'
    yield (
        '<thead><tr><th scope="col">Who</th><th scope="col">There</th><th scope="col" class="n">Talked</th>'
        '<th scope="col">Share</th><th scope="col" class="n">Muted</th><th scope="col">Sound</th>'
        '<th scope="col">Left because</th></tr></thead><tbody>'
    )
    for person in meeting.people:
        yield from _row(person, zone)
    yield "</tbody></table></div>"


def _row(person: Person, zone: tzinfo | None) -> Iterator[str]:
    host = ' <span class="role" style="display:inline">host</span>' if person.is_host else ""
    yield f'<tr><th scope="row">{escape(person.name)}{host}<span class="soft">{escape(person.address)}</span></th>'
    yield f"<td>{escape(words.stays(person, zone))}</td>"
    yield f'<td class="n">{escape(words.length(person.talk_s)) if person.talk_s else "not at all"}</td>'
    bar = f'<span class="share" style="width:{max(person.share * 90, 2):.0f}px"></span>' if person.talk_s else ""
    yield f'<td class="n" style="text-align:left">{words.share(person.share) if person.talk_s else ""}{bar}</td>'
    yield f'<td class="n">{escape(words.length(person.muted_s)) if person.muted_s else ""}</td>'
    worst = min((each for each in (person.mos_in, person.mos_out) if each), default=None)
    kind = f' class="{words.grade(worst)}"' if worst else ' class="soft"'
    codec = f' <span class="soft">{escape(", ".join(person.codecs))}</span>' if person.codecs else ""
    yield f"<td><span{kind}>{escape(words.sound(person))}</span>{codec}</td>"
    causes = ", ".join(dict.fromkeys(cause for cause in person.causes if cause))
    yield f'<td class="soft">{escape(causes)}</td></tr>'


def _findings(meeting: Meeting, zone: tzinfo | None) -> Iterator[str]:
    told = words.findings(meeting.people)
    if not told:
        return
    yield '<h2>What was wrong with the sound</h2><div class="sheet"><ul class="plain">'
    for _, finding in told:
        advice = f' <span class="soft">{escape(str(finding["advice"]))}</span>' if finding.get("advice") else ""
        yield f"<li>{escape(words.finding(finding, zone))}{advice}</li>"
    yield "</ul></div>"


def _recordings(meeting: Meeting) -> Iterator[str]:
    if meeting.recordings:
        yield '<h2>Recordings</h2><div class="sheet"><ul class="plain">'
        yield from (f"<li>{escape(name)}</li>" for name in meeting.recordings)
        yield "</ul></div>"


def _messages(meeting: Meeting, zone: tzinfo | None) -> Iterator[str]:
    if meeting.messages:
        yield '<h2>Messages</h2><div class="sheet"><ul class="plain">'
        for each in meeting.messages:
            at = f'<span class="soft">{words.clock(float(each["at"]), zone)}</span> ' if each.get("at") else ""
            yield f"<li>{at}<b>{escape(str(each.get('name') or ''))}</b>: {escape(str(each.get('text') or ''))}</li>"
        yield "</ul></div>"


def _footer(meeting: Meeting) -> Iterator[str]:
    over = f"The meeting ended: {meeting.cause}. " if meeting.is_over and meeting.cause else ""
    yield f'<footer class="soft">{escape(over)}Meeting {meeting.number}, as confserver has it on record.</footer>'
