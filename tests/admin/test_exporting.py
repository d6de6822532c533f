"""Whole lists as CSV and JSON Lines: what a piece says, and how it is sent to fast and slow clients, and to none."""

from __future__ import annotations

import csv
import http.client
import io
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from confserver.admin import export_sender
from confserver.admin.exporting import AUDIT, COLUMNS, Export, Piece, cell, form_of, piece_of
from confserver.admin.way_schemas import SCHEMAS
from confserver.storage import StorageError
from rooms.errors import Invalid
from tests.admin.double import HouseDoor
from tests.admin.test_http import TOKEN, Served


# ---------------------------------------------------------------- a piece
def row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "at": 1_700_000_000.0, "who": "boss", "details": {"uri": "sip:ü@b"}, **more}


def test_csv_has_its_columns_once_and_says_where_it_goes_on() -> None:
    first = piece_of("audit", "csv", [row(9), row(8)], is_first=True, size=2)
    last = piece_of("audit", "csv", [row(7)], is_first=False, size=2)
    assert (first.before, last.before) == (8, None)
    lines = list(csv.DictReader(io.StringIO((first.text + last.text).decode(), newline="")))
    assert [line["id"] for line in lines] == ["9", "8", "7"] and tuple(lines[0]) == AUDIT
    assert json.loads(lines[0]["details"]) == {"uri": "sip:ü@b"} and lines[0]["room"] == ""
    assert lines[0]["at"].startswith("2023-11-14T")


def test_an_empty_list_is_a_heading() -> None:
    assert piece_of("audit", "csv", [], is_first=True) == Piece((",".join(AUDIT) + "\r\n").encode(), None)
    assert piece_of("audit", "jsonl", [], is_first=True) == Piece(b"", None)


def test_json_lines_are_the_rows_of_a_page() -> None:
    piece = piece_of("records", "jsonl", [row(2, name="a\nb"), row(1)], is_first=True, size=2)
    assert [json.loads(line) for line in piece.text.splitlines()] == [row(2, name="a\nb"), row(1)] and piece.before == 1


@pytest.mark.parametrize("name", ["=1+1", "+49", "-x", "@a", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(name: str) -> None:
    assert cell("name", name) == "'" + name
    piece = piece_of("records", "csv", [row(1, name=name)], is_first=True)
    [line] = csv.DictReader(io.StringIO(piece.text.decode(), newline=""))
    assert line["name"] == "'" + name


def test_what_cannot_be_written_breaks_nothing() -> None:
    assert b"?" in piece_of("records", "csv", [row(1, name="\ud800")], is_first=True).text


def test_columns_are_members_of_what_is_described() -> None:
    for kind, schema in (("meetings", "MeetingRow"), ("records", "RecordRow"), ("audit", "AuditEntry")):
        assert set(COLUMNS[kind]) <= set(SCHEMAS[schema]["properties"])


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, ""), ("", ""), ("*/*", ""), ("application/json, text/csv;q=0.5", ""), ("text/csv", "csv"),
        ("TEXT/CSV; header=present", "csv"), ("application/x-ndjson", "jsonl"), ("text/csv;q=9", "csv"),
        ("application/jsonl, */*;q=0.1", "jsonl"), ("text/html, text/csv;q=0.9, */*;q=0.8", "csv"),
        ("text/csv;q=0", ""), ("text/csv;q=x", ""), (",;,;q=,text/csv;;", "csv"),
    ],
)  # fmt: skip
def test_what_a_client_would_rather_have(accept: str | None, form: str) -> None:
    assert form_of(accept) == form


# ---------------------------------------------------------------- on its way
class Archive(HouseDoor):
    """A long list: ``pieces`` of so many bytes; reads may be held, or fail at one of them."""

    def __init__(self, pieces: int = 3, size: int = 10) -> None:
        super().__init__()
        self.pieces, self.size = pieces, size
        self.reads: list[int | None] = []
        self.names: list[dict[str, str]] = []
        self.fails_at = -1
        self.error: Exception = StorageError("the store: disk I/O error")
        self.held: list[Deferred[Piece]] = []  # type: ignore[assignment]
        self.holds = False

    def answer(self, question: str, names: Any) -> object:
        self.names.append(dict(names))
        if names.get("format") not in (None, "csv", "jsonl"):
            raise Invalid("format: must be csv or jsonl")
        return Export("records", names["format"], self._read) if names.get("format") else []

    def _read(self, before: int | None) -> Deferred[Piece]:
        self.reads.append(before)
        number = self.pieces if before is None else before - 1
        if self.pieces - number == self.fails_at:
            return fail(self.error)
        piece = Piece(bytes([65 + number % 26]) * self.size, number if number > 1 else None)
        if self.holds:
            self.held.append(Deferred())
            return self.held[-1]
        return succeed(piece)


@pytest_twisted.async_yield_fixture
async def served() -> AsyncIterator[Served]:
    found = Served(Archive(), ("127.0.0.1", 0))
    yield found
    await found.port.stopListening()


async def got(served: Served, path: str = "/records?format=csv", method: str = "GET", **headers: str) -> Any:
    def asked() -> Any:
        connection = served.connection()
        connection.request(method, path, headers={"Authorization": f"Bearer {TOKEN}", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    return await deferToThread(asked)


async def until(condition: Any) -> None:
    for _ in range(500):
        if condition():
            return
        await deferLater(reactor, 0.01, lambda: None)
    raise AssertionError("it never came so far")


ASKED = f"GET /records?format=csv HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


def sender(served: Served) -> export_sender.ExportSender:
    return served.port.factory._inner.resource._exports  # type: ignore[attr-defined,no-any-return]


@pytest_twisted.ensureDeferred
async def test_a_list_comes_whole_and_says_what_it_is(served: Served) -> None:
    status, text, headers = await got(served)
    assert (status, text) == (200, b"D" * 10 + b"C" * 10 + b"B" * 10) and served.door.reads == [None, 3, 2]
    assert headers["Content-Type"] == "text/csv; charset=utf-8; header=present" and headers["Vary"] == "Accept"
    assert headers["Content-Disposition"] == 'attachment; filename="records.csv"'
    assert headers["Transfer-Encoding"] == "chunked" and headers["Cache-Control"] == "no-store"


@pytest_twisted.ensureDeferred
async def test_by_accept_where_the_list_is_long_and_nowhere_else(served: Served) -> None:
    _, text, headers = await got(served, "/records?room=a", Accept="application/jsonl")
    assert headers["Content-Type"] == "application/jsonl" and len(text) == 30
    assert served.door.names[-1] == {"format": "jsonl", "room": "a"}
    await got(served, "/records?format=csv", Accept="application/json")
    assert served.door.names[-1]["format"] == "csv", "what is asked for goes before"
    status, _, headers = await got(served, "/rooms", Accept="text/csv")
    assert status == 200 and headers["Content-Type"] == "application/json"


@pytest_twisted.ensureDeferred
async def test_a_form_that_there_is_not_is_refused(served: Served) -> None:
    status, text, _ = await got(served, "/records?format=xml")
    assert status == 422 and b"csv or jsonl" in text and served.door.reads == []
    assert (await got(served, "/rooms?format=csv"))[0] == 400


@pytest_twisted.ensureDeferred
async def test_head_reads_nothing(served: Served) -> None:
    status, text, headers = await got(served, method="HEAD")
    assert (status, text, served.door.reads) == (200, b"", []) and headers["Content-Type"].startswith("text/csv")


@pytest_twisted.ensureDeferred
async def test_a_store_that_fails_at_once_is_a_problem(served: Served) -> None:
    served.door.fails_at = 0
    status, text, headers = await got(served)
    assert status == 500 and headers["Content-Type"] == "application/problem+json" and json.loads(text)["status"] == 500


@pytest_twisted.ensureDeferred
async def test_a_store_that_fails_later_breaks_the_list_off(served: Served) -> None:
    """Nobody takes the half for the whole."""
    served.door.fails_at = 1
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        await got(served)


@pytest_twisted.ensureDeferred
async def test_a_slow_reader_is_waited_for_and_read_for_no_further() -> None:
    door = Archive(pieces=2000, size=50_000)
    served = Served(door, ("127.0.0.1", 0))
    try:
        with socket.create_connection(served.where) as client:
            client.sendall(
                f"GET /records?format=csv HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            await until(lambda: len(door.reads) > 2)
            seen = -1
            while seen != len(door.reads):
                seen = len(door.reads)
                await deferLater(reactor, 0.1, lambda: None)
            assert seen < 400, "the sockets' buffers, and no list in memory"
            received = await deferToThread(lambda: sum(len(client.recv(1 << 16)) for _ in range(300)))
            assert received > 100_000
            await until(lambda: len(door.reads) > seen)
        await until(lambda: len(sender(served)) == 0)
        assert len(door.reads) < 2000, "who has gone is read for no further"
    finally:
        await served.port.stopListening()


@pytest_twisted.ensureDeferred
async def test_who_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_sender, "STALL_S", 0.2)
    served = Served(Archive(pieces=2000, size=50_000), ("127.0.0.1", 0))
    try:
        with socket.create_connection(served.where) as client:
            client.sendall(
                f"GET /records?format=csv HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            await until(lambda: len(sender(served)) == 1)
            await until(lambda: len(sender(served)) == 0)
    finally:
        await served.port.stopListening()


@pytest_twisted.ensureDeferred
async def test_so_many_at_once_and_no_more(served: Served) -> None:
    served.door.holds = True
    tasks = [Deferred.fromCoroutine(got(served)) for _ in range(export_sender.MOST)]
    await until(lambda: len(served.door.held) == export_sender.MOST)
    status, text, headers = await got(served)
    assert status == 503 and headers["Retry-After"] == "5" and b"already" in text
    for held in served.door.held:
        held.callback(Piece(b"x", None))
    for task in tasks:
        assert (await task)[:2] == (200, b"x")
    served.door.holds = False
    assert (await got(served))[0] == 200
