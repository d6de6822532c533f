"""Reports of meetings: what they say, what they look like, and that nobody's name does anything in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from confserver.admin.report import meeting_of, page, picture, text, words
from confserver.admin.report.timeline import MOST_LANES, NAMES, SHARES, WIDTH
from tests.admin.report.sample import BEGUN, meeting, row

BERLIN = ZoneInfo("Europe/Berlin")
SVG = "{http://www.w3.org/2000/svg}"
EVIL = '<script>alert(1)</script>"&\x1b|`'


def drawn(told: dict, zone: ZoneInfo = BERLIN) -> ElementTree.Element:
    return ElementTree.fromstring(picture(meeting_of(told, BEGUN + 9000), zone))


def lanes(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [group for group in svg.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]


def bars(lane: ElementTree.Element, kind: str) -> list[tuple[float, float]]:
    found = [each for each in lane.iter(f"{SVG}rect") if each.get("class") == kind]
    return [(float(each.get("x", 0)), float(each.get("width", 0))) for each in found]


def one(**more: object) -> dict:
    people = [row("Ana", BEGUN, BEGUN + 1000, **more)]
    return meeting(0, 1000.0) | {"participants": people, "most_present": 1}


# ---------------------------------------------------------------- the facts
def test_who_came_back_is_one_person_with_two_stays() -> None:
    told = meeting(0, 1000.0)
    told["participants"] = [
        row("Bob", BEGUN, BEGUN + 100, talk_s=30.0, talks=2, lost=5, mos_in=4.0),
        row("Ana", BEGUN + 10, BEGUN + 900, talk_s=10.0, talks=1),
        row("Bob", BEGUN + 200, BEGUN + 900, talk_s=40.0, talks=3, lost=7, mos_in=3.0, kicked_by="Ana"),
        row("Eve", BEGUN, BEGUN) | {"arrived_at": None},
    ]
    found = meeting_of(told, BEGUN + 5000)
    [bob, ana] = found.people
    assert (bob.stays, bob.talk_s, bob.talks, bob.lost, bob.mos_in) == (
        [(BEGUN, BEGUN + 100), (BEGUN + 200, BEGUN + 900)], 70.0, 5, 12, 3.0,
    )  # fmt: skip
    assert bob.causes == ["hung up", "put out by Ana"]
    assert (bob.share, ana.share) == (0.875, 0.125)


def test_a_meeting_that_goes_on_is_told_until_now() -> None:
    found = meeting_of(meeting(3, 600.0, is_over=False), BEGUN + 700)
    assert not found.is_over and found.ended == BEGUN + 700
    assert all(person.stays[-1][1] == BEGUN + 700 for person in found.people)
    assert "still going on" in text(found, BERLIN)


def test_a_record_with_holes_makes_a_report_all_the_same() -> None:
    told = {"id": 1, "room": "x", "opened_at": BEGUN, "closed_at": None, "participants": [
        {"name": "A", "address": "sip:a", "arrived_at": BEGUN, "left_at": BEGUN - 5, "spurts": "nonsense"},
    ]}  # fmt: skip
    found = meeting_of(told, BEGUN)
    for made in (page, text, picture):
        assert "A" in made(found, BERLIN)
    assert "Nobody was in empty" in text(meeting_of({"id": 1, "room": "empty", "opened_at": 1.0}, 2.0), BERLIN)


@pytest.mark.parametrize(
    ("seconds", "said"), [(40, "40 s"), (59.7, "1 min"), (720, "12 min"), (3600, "1 h"), (3900, "1 h 05 min")]
)
def test_lengths(seconds: float, said: str) -> None:
    assert words.length(seconds) == said


# ---------------------------------------------------------------- the picture
def test_bars_stand_where_the_time_axis_has_them() -> None:
    [lane] = lanes(drawn(one(spurts=[2500, 2500], talk_s=250.0, mutes=[0, 1000], muted_s=100.0)))
    room = WIDTH - NAMES - SHARES
    assert bars(lane, "here") == [(NAMES, pytest.approx(room, abs=0.1))]
    assert bars(lane, "talk") == [(pytest.approx(NAMES + room / 4, abs=0.1), pytest.approx(room / 4, abs=0.1))]
    assert bars(lane, "mute") == [(NAMES, pytest.approx(room / 10, abs=0.1))]


@pytest.mark.parametrize("people", [1, 3, 60, 150])
def test_each_person_has_a_lane_that_says_in_words_what_it_shows(people: int) -> None:
    svg = drawn(meeting(people))
    assert len(lanes(svg)) == people
    said = [lane.findtext(f"{SVG}title", "") for lane in lanes(svg)]
    assert said[0].startswith("Ana Núñez: 11:0") and "talked" in said[0]
    labelled = svg.get("aria-labelledby", "").split()
    assert svg.get("role") == "img" and [svg.find(f"*[@id='{name}']") is not None for name in labelled] == [True] * 2
    assert "people were" in svg.findtext(f"{SVG}desc", "") or people == 1
    tall = float(svg.get("viewBox", "").split()[3])
    assert tall < 160 + 28 * 12 + 21 * 18 + 15 * people, "a crowd has low lanes"
    for lane in lanes(svg):
        ends = [x + width for kind in ("here", "talk", "mute") for x, width in bars(lane, kind)]
        assert max(ends) <= WIDTH - SHARES + 1.5


def test_a_picture_is_bounded_however_many_there_were() -> None:
    svg = drawn(meeting(MOST_LANES + 40, 600.0))
    assert len(lanes(svg)) == MOST_LANES
    assert any("and 40 more" in (each.text or "") for each in svg.iter(f"{SVG}text"))
    busy = one(spurts=[1, 2] * 600, talk_s=120.0)
    assert len(picture(meeting_of(busy, BEGUN), BERLIN)) < 100_000


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (25.0, ["11:00:00", "11:00:10", "11:00:20"]),
        (300.0, ["11:00:00", "11:00:30"]),
        (5400.0, ["11:00", "11:10", "11:20"]),
        (86400.0 * 3, ["12:00", "18:00"]),
        (86400.0 * 40, ["1 Dec", "4 Dec"]),
    ],
)
def test_the_axis_has_round_times_of_the_zone(seconds: float, labels: list[str]) -> None:
    told = meeting(0, seconds) | {"participants": [row("Ana", BEGUN, BEGUN + seconds)]}
    said = [each.text or "" for each in drawn(told).iter(f"{SVG}text")]
    times = [each for each in said if re.fullmatch(r"\d+:\d\d(:\d\d)?|\d+ [A-Z][a-z]{2}", each)]
    assert len(times) // 2 <= 14 and len(times) >= 4
    assert all(label in times for label in labels[:1]) and (seconds > 3600 * 24 or times[::2][:2] == labels[:2])


# ---------------------------------------------------------------- the page
class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action") or name[:2] == "on"]
        if tag not in ("meta", "rect", "line", "polygon", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        self.handle_starttag(tag, attributes)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def evil() -> dict:
    told = meeting(0, 1000.0) | {"room": "standup", "cause": EVIL, "recordings": [EVIL]}
    finding = {"text": EVIL, "advice": EVIL, "since": BEGUN, "until": BEGUN + 5}
    told["participants"] = [
        row(EVIL, BEGUN, BEGUN + 900, address=EVIL, cause=EVIL, codec=EVIL, kicked_by=EVIL, quality=[finding])
    ]
    told["messages"] = [{"at": BEGUN, "name": EVIL, "text": EVIL}]
    return told


def test_a_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    reader = Reader()
    made = page(meeting_of(meeting(9), BEGUN), BERLIN)
    reader.feed(made)
    assert reader.open == [] and reader.links == [] and {"svg", "table", "h1"} <= set(reader.tags)
    assert "Sunday, 29 November 2026, 11:00 to 11:45 (CET)" in made
    assert re.findall(r"https?://[^\"' ]+", made) == ["http://www.w3.org/2000/svg"]


def test_nobody_s_name_does_anything() -> None:
    found = meeting_of(evil(), BEGUN)
    reader = Reader()
    reader.feed(page(found, BERLIN))
    assert "script" not in reader.tags and reader.open == []
    ElementTree.fromstring(picture(meeting_of(one() | {"room": "x"}, BEGUN), BERLIN))
    markdown = text(found, BERLIN)
    assert "<script>" not in markdown.replace("\\<script", "")
    table = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 8 for line in table)


def test_what_was_wrong_is_told_with_its_time_and_what_to_try() -> None:
    finding = {
        "text": "Others hear gaps in Ana",
        "advice": "Wired instead of Wi-Fi.",
        "since": BEGUN + 60,
        "until": None,
    }
    found = meeting_of(one(quality=[finding], mos_in=2.9, lost=900), BEGUN)
    for made in (page(found, BERLIN), text(found, BERLIN)):
        assert "Others hear gaps in Ana (11:01 on)" in re.sub(r"\\", "", made) and "Wired instead of" in made
        assert "from bad (2.9, 9.1 % lost)" in made
