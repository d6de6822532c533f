"""Records from what happens in the rooms to the answers about them, over a real database."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.admin.answers import Document
from confserver.admin.exporting import Export
from confserver.admin.paging import Page
from confserver.admin.way_schemas import SCHEMAS
from confserver.app.archive import SHARES, Archive, time_of
from confserver.app.journal import Journal
from confserver.app.orders import Orders
from confserver.config.records import Records
from confserver.focus.outputs import Measured, Recorded
from confserver.storage import Storage
from rooms import events as tell
from rooms import store
from rooms.commands import Arrive, Leave, NoteTalking, Reserve
from rooms.errors import Invalid, NotFound
from rooms.manager import Rooms
from rooms.participant import SYSTEM, ParticipantIds
from rooms.records.figures import Figures
from rooms.records.ledger import Share, is_in

NOW = 1_700_000_000.0
DAY = 86400.0


class Focus:
    def __init__(self) -> None:
        self.told: dict[tuple[str, str], Figures] = {}

    def figures(self, share: Share) -> dict[tuple[str, str], Figures]:
        return {key: figures for key, figures in self.told.items() if is_in(share, key[1])}


class Shelf:
    def __init__(self, path: Path) -> None:
        self.now = NOW
        self.storage = Storage(path / "confserver.db", store.migrate, reactor)
        self.journal = Journal(self.storage)
        self.rooms, self.focus, self.orders = Rooms(ParticipantIds()), Focus(), Orders()
        self.archive = Archive(Records(days=10), self.storage, self.journal, lambda: self.now)
        self.archive.join(self.orders)
        self.archive.begin(self.rooms, self.focus, 0)  # type: ignore[arg-type]

    async def do(self, *commands: Any) -> None:
        for command in commands:
            self.now += 1
            await self.journal.publish(tuple(self.rooms.handle(command, SYSTEM, self.now)))

    async def meet(self, room: str, name: str, who: str) -> None:
        reserve = Reserve(room, name, f"sip:{name}@h", "192.0.2.1:5060")
        await self.do(reserve, Arrive(room, who), NoteTalking(room, who, True), Leave(room, who, "hung up"))

    async def ask(self, question: str, **names: str) -> Any:
        return await self.orders.answer(question, names, self.now)


@pytest_twisted.async_yield_fixture
async def shelf(tmp_path: Path):
    found = Shelf(tmp_path)
    await found.storage.start()
    yield found
    await found.storage.stop()


@pytest_twisted.ensureDeferred
async def test_what_has_happened_is_told(shelf: Shelf) -> None:
    await shelf.meet("standup", "ana", "p1")
    await shelf.journal.note(Measured("standup", "p1", Figures(codec="opus", mos_in=4.2), shelf.now))
    await shelf.meet("board", "bob", "p2")
    found = await shelf.ask("meeting list")
    assert isinstance(found, Page) and [row["room"] for row in found.rows] == ["board", "standup"]
    assert [row["name"] for row in (await shelf.ask("record list", room="Standup")).rows] == ["ana"]
    assert [row["id"] for row in (await shelf.ask("room_meeting list", room="board")).rows] == [2]
    told = await shelf.ask("meeting show", meeting="1")
    assert told["participants"][0]["talk_s"] == 1.0 and told["participants"][0]["codec"] == "opus"
    described = {"$defs": {}, **json.loads(json.dumps(SCHEMAS).replace("#/components/schemas/", "#/$defs/"))}
    for name, rows in (
        ("MeetingRow", found.rows),
        ("Meeting", [told]),
        ("RecordRow", (await shelf.ask("record list")).rows),
    ):
        for row in rows:
            jsonschema.validate(row, {"$defs": described, "$ref": f"#/$defs/{name}"})
            assert row.keys() == SCHEMAS[name]["properties"].keys()
    page = await shelf.ask("meeting report", meeting="1")
    assert isinstance(page, Document) and page.content_type == "text/html" and "ana" in page.text


@pytest_twisted.ensureDeferred
async def test_what_was_written_is_in_the_report_as_far_as_it_is_kept(shelf: Shelf) -> None:
    for room in ("standup", "board"):
        await shelf.do(Reserve(room, "ana", "sip:a@h", "h:1"))
    await shelf.do(Arrive("standup", "p1"), Arrive("board", "p2"))
    for room, text, until in (
        ("standup", "hello", NOW + DAY),
        ("board", "elsewhere", NOW + DAY),
        ("standup", "x", None),
    ):
        shelf.now += 1
        said = tell.Message(room, 9, shelf.now, "p1", "ana", "sip:a@h", text, "", until)
        await shelf.journal.publish((said,))
    told = await shelf.ask("meeting show", meeting="1")
    assert [(row["name"], row["text"]) for row in told["messages"]] == [("ana", "hello")]
    assert "hello" in (await shelf.ask("meeting report", meeting="1")).text


@pytest_twisted.ensureDeferred
async def test_a_recording_is_named_while_the_meeting_lasts(shelf: Shelf) -> None:
    await shelf.do(Reserve("standup", "ana", "sip:a@h", "h:1"), Arrive("standup", "p1"))
    await shelf.journal.note(Recorded("standup", "standup-1", shelf.now))
    await shelf.journal.note(Recorded("nowhere", "x", shelf.now))
    await shelf.journal.note(Recorded("standup", "", shelf.now))
    assert (await shelf.ask("meeting show", meeting="1"))["recordings"] == ["standup-1"]


@pytest_twisted.ensureDeferred
async def test_pages_say_where_to_go_on(shelf: Shelf) -> None:
    for number in range(1, 6):
        await shelf.meet("standup", "ana", f"p{number}")
    found, after, pages = [], "", 0
    while pages == 0 or after:
        page = await shelf.ask("record list", limit="2", **({"after": after} if after else {}))
        found += [row["id"] for row in page.rows]
        after, pages = page.after, pages + 1
    assert found == [5, 4, 3, 2, 1] and pages == 3


@pytest_twisted.ensureDeferred
async def test_a_checkpoint_is_written_in_small_jobs(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confserver.app.journal.CHECKPOINT", 2)
    for number in range(1, 6):
        await shelf.do(Reserve("standup", f"n{number}", "sip:a@h", "h:1"), Arrive("standup", f"p{number}"))
        shelf.focus.told["standup", f"p{number}"] = Figures(received=number)
    for _ in range(SHARES):
        shelf.archive._checkpoint()
    await shelf.storage.write(lambda db: None)
    rows = (await shelf.ask("meeting show", meeting="1"))["participants"]
    assert [row["received"] for row in rows] == [1, 2, 3, 4, 5]


@pytest_twisted.ensureDeferred
async def test_what_is_old_is_forgotten_until_nothing_old_is_left(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rooms.records.keeping.BATCH", 1)
    for number in (1, 2, 3):
        await shelf.meet("standup", "ana", f"p{number}")
    shelf.now += 11 * DAY
    await shelf.meet("standup", "ana", "p4")
    shelf.archive._prune()
    for _ in range(8):
        await shelf.storage.write(lambda db: None)
    assert [row["id"] for row in (await shelf.ask("record list")).rows] == [4]
    assert [row["id"] for row in (await shelf.ask("meeting list")).rows] == [4]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("number", ["0", "7", "-1", "x", "9" * 40, "\N{ARABIC-INDIC DIGIT ONE}"])
async def test_meetings_that_are_not_there(shelf: Shelf, number: str) -> None:
    with pytest.raises(NotFound):
        await shelf.ask("meeting show", meeting=number)


@pytest.mark.parametrize(
    ("text", "at"), [("", None), (None, None), ("12.5", 12.5), ("-3", -3.0), ("2026-11-29T18:00+00:00", 1795975200.0)]
)
def test_times(text: str | None, at: float | None) -> None:
    assert time_of("since", text) == at


@pytest.mark.parametrize("text", ["soon", "nan", "1e400", "9" * 30, "2026-13-01", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_times_that_cannot_be(text: str) -> None:
    with pytest.raises(Invalid, match="since"):
        time_of("since", text)


# ---------------------------------------------------------------- whole lists
async def read_all(export: Export, meanwhile: Any = None) -> bytes:
    text, before = b"", None
    while True:
        piece = await export.read(before)
        text, before = text + piece.text, piece.before
        if before is None:
            return text
        if meanwhile is not None:
            await meanwhile()


@pytest_twisted.ensureDeferred
async def test_a_whole_list_comes_by_pieces_and_what_comes_meanwhile_is_not_in_it(shelf: Shelf) -> None:
    number = 450

    def fill(db: Any) -> None:
        rows = (
            "INSERT INTO participations (room, participant, name, address, source, reserved_at) VALUES (?,?,?,'','',?)"
        )
        for each in range(1, number + 1):
            db.execute(rows, ["standup" if each % 3 else "board", f"p{each}", f"n{each}", NOW + each])

    async def another() -> None:
        await shelf.meet("late", "x", f"p{next(numbers)}")

    numbers = itertools.count(1)
    await shelf.storage.write(fill)
    whole = shelf.orders.answer("record list", {"format": "jsonl"}, NOW)
    told = [json.loads(line) for line in (await read_all(whole, another)).splitlines()]
    assert [row["id"] for row in told] == list(range(number, 0, -1)) and "spurts" not in told[0]
    some = shelf.orders.answer("record list", {"format": "csv", "room": "board", "until": str(NOW + 30)}, NOW)
    lines = (await read_all(some)).decode().splitlines()
    assert lines[0].startswith("id,meeting,room") and [line.split(",")[0] for line in lines[1:]] == [
        str(each) for each in range(30, 0, -3)
    ]
    few = shelf.orders.answer("record list", {"format": "jsonl", "limit": "7", "after": "100", "room": "board"}, NOW)
    assert [json.loads(line)["id"] for line in (await read_all(few)).splitlines()] == list(range(99, 80, -3))
    for question, name in (("meeting list", "meetings"), ("audit list", "audit")):
        export = shelf.orders.answer(question, {"format": "csv"}, NOW)
        assert export.name == name and (await read_all(export)).startswith(b"id,")


@pytest_twisted.ensureDeferred
async def test_a_whole_list_is_refused_as_a_page_would_be(shelf: Shelf) -> None:
    for wrong in ({"format": "xml"}, {"format": "csv", "since": "yesterday"}, {"format": "csv", "room": "a b/c"}):
        with pytest.raises(Invalid):
            shelf.orders.answer("record list", wrong, NOW)
