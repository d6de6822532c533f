"""One database, one writer: batches, failures, full disks, killed processes."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import pytest_twisted
from sqlite_utils import Database
from twisted.internet import reactor
from twisted.internet.defer import DeferredList, gatherResults

from confserver.storage import Storage, StorageError, StorageFull

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def migrate(db: Database) -> None:
    db["notes"].create({"id": int, "text": str}, pk="id", if_not_exists=True)


def note(text: str, number: int | None = None):
    """A job that writes a line and returns its number."""

    def job(db: Database) -> int:
        row = {"text": text} if number is None else {"id": number, "text": text}
        return db["notes"].insert(row).last_pk

    return job


def notes(db: Database) -> list[str]:
    return [row["text"] for row in db.query("SELECT text FROM notes ORDER BY id")]


def on_disk(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest_twisted.async_yield_fixture
async def storage(path: Path):
    storage = Storage(path, migrate, reactor)
    await storage.start()
    yield storage
    await storage.stop()


class Gate:
    """A job that keeps the writer busy until it is let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()

    def __call__(self, db: Database) -> None:
        self.entered.set()
        assert self.let_go.wait(10)

    def close(self, storage: Storage):
        done = storage.write(self)
        assert self.entered.wait(10)
        return done


# ---------------------------------------------------------------- writing and reading
@pytest_twisted.ensureDeferred
async def test_a_job_gives_its_result_after_the_commit(storage: Storage, path: Path) -> None:
    assert await storage.write(note("first")) == 1
    assert on_disk(path) == ["first"]
    assert await storage.read(notes) == ["first"]


@pytest_twisted.ensureDeferred
async def test_what_comes_together_is_committed_together_and_in_order(storage: Storage, path: Path) -> None:
    gate = Gate()
    held = gate.close(storage)
    written = [storage.write(note(str(number))) for number in range(500)]
    before = storage.describe()["batches"]
    assert storage.describe()["waiting"] == 500
    gate.let_go.set()
    await held
    assert await gatherResults(written) == list(range(1, 501))
    assert storage.describe()["batches"] == before + 2
    assert on_disk(path) == [str(number) for number in range(500)]


@pytest_twisted.ensureDeferred
async def test_a_lone_job_is_written_at_once_and_a_stream_in_few_commits(path: Path) -> None:
    storage = Storage(path, migrate, reactor, gather_s=30.0)
    await storage.start()
    begin = time.monotonic()
    await storage.write(note("lone"))
    assert time.monotonic() - begin < 10
    gathered = [storage.write(note(str(number))) for number in range(50)]
    gate_kept_closed = storage.describe()
    assert (gate_kept_closed["waiting"], gate_kept_closed["batches"]) == (50, 1)
    await storage.stop()
    assert await gatherResults(gathered) == list(range(2, 52))
    assert storage.describe()["batches"] == 2


@pytest_twisted.ensureDeferred
async def test_no_job_waits_longer_than_the_gathering(storage: Storage) -> None:
    await storage.write(note("first"))
    begin = time.monotonic()
    await storage.write(note("second"))
    assert time.monotonic() - begin < 1.0


@pytest_twisted.ensureDeferred
async def test_a_reader_changes_nothing(storage: Storage, path: Path) -> None:
    with pytest.raises(StorageError, match="readonly"):
        await storage.read(note("sneaky"))
    assert on_disk(path) == []


@pytest_twisted.ensureDeferred
async def test_reading_does_not_wait_for_the_writer(storage: Storage) -> None:
    gate = Gate()
    held = gate.close(storage)
    assert await storage.read(notes) == []
    gate.let_go.set()
    await held


# ---------------------------------------------------------------- failures
@pytest_twisted.ensureDeferred
async def test_a_job_that_fails_fails_alone(storage: Storage, path: Path) -> None:
    def half(db: Database) -> None:
        note("half done")(db)
        raise ValueError("no more")

    gate = Gate()
    held = gate.close(storage)
    written = [storage.write(job) for job in (note("a", 1), half, note("twin", 1), note("b", 2))]
    gate.let_go.set()
    await held
    outcomes = await DeferredList(written, consumeErrors=True)
    assert [ok for ok, _ in outcomes] == [True, False, False, True]
    assert outcomes[1][1].check(ValueError)
    assert outcomes[2][1].check(StorageError) and "UNIQUE" in outcomes[2][1].getErrorMessage()
    assert on_disk(path) == ["a", "b"]
    counts = storage.describe()
    assert (counts["accepted"], counts["written"], counts["failed"]) == (5, 3, 2)
    assert "UNIQUE" in counts["last_error"]


@pytest_twisted.ensureDeferred
async def test_a_full_disk_fails_what_it_hits_and_nothing_else(storage: Storage, path: Path) -> None:
    def pages(most: int):
        return lambda db: db.execute(f"PRAGMA max_page_count = {most}").fetchone()[0]

    now = await storage.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await storage.write(pages(now + 1))
    gate = Gate()
    held = gate.close(storage)
    written = [storage.write(note(text)) for text in ("small", "x" * 200_000, "also small")]
    gate.let_go.set()
    await held
    outcomes = await DeferredList(written, consumeErrors=True)
    assert [ok for ok, _ in outcomes] == [True, False, True]
    assert "full" in outcomes[1][1].getErrorMessage()
    assert on_disk(path) == ["small", "also small"]
    await storage.write(pages(100_000))
    await storage.write(note("y" * 200_000))
    assert len(on_disk(path)) == 3


@pytest_twisted.ensureDeferred
async def test_a_commit_that_fails_is_done_again_job_by_job(path: Path) -> None:
    def with_parents(db: Database) -> None:
        migrate(db)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TABLE children (of INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)")

    storage = Storage(path, with_parents, reactor)
    await storage.start()
    held = (gate := Gate()).close(storage)
    written = [
        storage.write(note("good")),
        storage.write(lambda db: db.execute("INSERT INTO children VALUES (99)").rowcount),
        storage.write(note("good too")),
    ]
    gate.let_go.set()
    await held
    outcomes = await DeferredList(written, consumeErrors=True)
    assert [ok for ok, _ in outcomes] == [True, False, True]
    assert "FOREIGN KEY" in outcomes[1][1].getErrorMessage()
    assert on_disk(path) == ["good", "good too"]
    await storage.stop()


@pytest_twisted.ensureDeferred
async def test_a_database_held_by_somebody_else_fails_a_batch_and_comes_back(path: Path, monkeypatch) -> None:
    monkeypatch.setattr("confserver.storage.BUSY_S", 0.05)
    storage = Storage(path, migrate, reactor)
    await storage.start()
    with contextlib.closing(sqlite3.connect(path)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            await storage.write(note("in vain"))
        shell.rollback()
    await storage.write(note("again"))
    await storage.stop()
    assert on_disk(path) == ["again"]


@pytest_twisted.ensureDeferred
async def test_a_store_that_cannot_keep_up_says_so(path: Path) -> None:
    storage = Storage(path, migrate, reactor, most_waiting=3)
    await storage.start()
    gate = Gate()
    held = gate.close(storage)
    accepted = [storage.write(note(str(number))) for number in range(3)]
    with pytest.raises(StorageError, match="cannot keep up: 3 jobs"):
        await storage.write(note("one too many"))
    assert storage.describe()["refused"] == 1
    gate.let_go.set()
    await held
    await gatherResults(accepted)
    await storage.write(note("later"))
    await storage.stop()
    assert on_disk(path) == ["0", "1", "2", "later"]


# ---------------------------------------------------------------- many small things of one kind
def notes_together(db: Database, texts: list[str]) -> None:
    """One of them, "twin", can be there once; another, "half", fails when it is half done."""
    for text in texts:
        db["notes"].insert({"id": 1000, "text": text} if text == "twin" else {"text": text})
        if text == "half":
            raise ValueError("no more")


class Ledger:
    """Remembers how many items each call was given."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, db: Database, texts: list[str]) -> None:
        self.runs.append(len(texts))
        notes_together(db, texts)


@pytest_twisted.ensureDeferred
async def test_items_that_wait_in_a_row_are_written_by_one_call_and_in_order(storage: Storage, path: Path) -> None:
    held, ledger = (gate := Gate()).close(storage), Ledger()
    written = [storage.add(ledger, text) for text in ("a", "b")]
    written.append(storage.write(note("a job between")))
    written += [storage.add(ledger, text) for text in ("c", "d", "e")]
    gate.let_go.set()
    await held
    await gatherResults(written)
    assert ledger.runs == [2, 3]
    assert on_disk(path) == ["a", "b", "a job between", "c", "d", "e"]


@pytest_twisted.ensureDeferred
async def test_items_of_two_kinds_are_not_mixed(storage: Storage, path: Path) -> None:
    held, one, other = (gate := Gate()).close(storage), Ledger(), Ledger()
    written = [storage.add(kind, text) for kind, text in ((one, "a"), (other, "b"), (other, "c"), (one, "d"))]
    gate.let_go.set()
    await held
    await gatherResults(written)
    assert (one.runs, other.runs) == ([1, 1], [2])
    assert on_disk(path) == ["a", "b", "c", "d"]


@pytest_twisted.ensureDeferred
async def test_an_item_that_fails_fails_alone_and_all_are_told(storage: Storage, path: Path) -> None:
    held = (gate := Gate()).close(storage)
    texts = ("a", "twin", "half", "twin", "b")
    written = [storage.add(notes_together, text) for text in texts]
    gate.let_go.set()
    await held
    outcomes = await DeferredList(written, consumeErrors=True)
    assert [ok for ok, _ in outcomes] == [True, True, False, False, True]
    assert outcomes[2][1].check(ValueError) and outcomes[3][1].check(StorageError)
    assert storage.describe()["failed"] == 2
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY text")] == ["a", "b", "twin"]


@pytest_twisted.ensureDeferred
async def test_a_disk_that_is_full_for_one_item_takes_the_others(storage: Storage, path: Path) -> None:
    now = await storage.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await storage.write(lambda db: db.execute(f"PRAGMA max_page_count = {now + 1}").fetchone()[0])
    held = (gate := Gate()).close(storage)
    written = [storage.add(notes_together, text) for text in ("small", "x" * 200_000, "also small")]
    gate.let_go.set()
    await held
    outcomes = await DeferredList(written, consumeErrors=True)
    assert [ok for ok, _ in outcomes] == [True, False, True]
    assert outcomes[1][1].check(StorageFull) and "full" in storage.trouble
    assert on_disk(path) == ["small", "also small"]


@pytest_twisted.ensureDeferred
async def test_items_are_refused_as_jobs_are(path: Path) -> None:
    storage = Storage(path, migrate, reactor, most_waiting=2)
    with pytest.raises(StorageError, match="not open"):
        await storage.add(notes_together, "early")
    await storage.start()
    held = (gate := Gate()).close(storage)
    accepted = [storage.add(notes_together, str(number)) for number in range(2)]
    with pytest.raises(StorageError, match="cannot keep up"):
        await storage.add(notes_together, "one too many")
    gate.let_go.set()
    await held
    await gatherResults(accepted)
    await storage.stop()
    assert on_disk(path) == ["0", "1"]


@pytest_twisted.ensureDeferred
async def test_a_writer_that_sleeps_while_jobs_gather_is_woken_by_the_end_alone(path: Path) -> None:
    storage = Storage(path, migrate, reactor, gather_s=30.0)
    await storage.start()
    await storage.add(notes_together, "lone")
    waiting = [storage.add(notes_together, "a"), storage.write(note("b"))]
    begin = time.monotonic()
    await storage.stop()
    assert time.monotonic() - begin < 10
    await gatherResults(waiting)
    assert on_disk(path) == ["lone", "a", "b"]


# ---------------------------------------------------------------- starting and stopping
@pytest_twisted.ensureDeferred
async def test_stopping_writes_what_waits_and_takes_nothing_more(path: Path) -> None:
    storage = Storage(path, migrate, reactor)
    await storage.start()
    held = (gate := Gate()).close(storage)
    waiting = storage.write(note("last words"))
    stopped, again = storage.stop(), storage.stop()
    for refused in (storage.write(note("too late")), storage.read(notes)):
        with pytest.raises(StorageError, match="not open"):
            await refused
    gate.let_go.set()
    await held
    assert await waiting == 1
    await stopped
    await again
    await storage.stop()
    assert storage.describe()["phase"] == "closed"
    assert sorted(file.name for file in path.parent.iterdir()) == ["store.db", "store.db.lock"]
    assert on_disk(path) == ["last words"]
    assert not [thread for thread in threading.enumerate() if "storage" in thread.name and "reader" in thread.name]


def test_a_server_that_dies_does_not_wait_for_its_storage(path: Path) -> None:
    dying = WRITER.replace("reactor.run()", "reactor.callLater(0.8, reactor.stop); reactor.run()")
    done = subprocess.run(
        [sys.executable, "-c", dying, str(path)], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, timeout=20
    )
    assert done.stdout and done.returncode == 0


@pytest_twisted.ensureDeferred
async def test_stopping_what_never_ran_is_no_trouble(path: Path) -> None:
    storage = Storage(path, migrate, reactor)
    with pytest.raises(StorageError):
        await storage.write(note("early"))
    await storage.stop()
    assert not path.exists()


@pytest_twisted.ensureDeferred
async def test_stopping_while_starting(path: Path) -> None:
    storage = Storage(path, migrate, reactor)
    started = storage.start()
    await storage.stop()
    await started
    assert storage.describe()["phase"] == "closed"


@pytest_twisted.ensureDeferred
async def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    for text in ("one", "two"):
        storage = Storage(path, migrate, reactor)
        await storage.start()
        await storage.write(note(text))
        await storage.stop()
    assert on_disk(path) == ["one", "two"]


@pytest_twisted.ensureDeferred
async def test_only_the_owner_reads_the_store(storage: Storage, path: Path) -> None:
    await storage.write(note("private"))
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest_twisted.ensureDeferred
async def test_a_second_server_is_refused_until_the_first_has_gone(storage: Storage, path: Path) -> None:
    second = Storage(path, migrate, reactor)
    with pytest.raises(StorageError, match="in use by another running server"):
        await second.start()
    await second.stop()
    await storage.write(note("unharmed"))
    await storage.stop()
    third = Storage(path, migrate, reactor)
    await third.start()
    await third.stop()


@pytest_twisted.ensureDeferred
async def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for folder in (Path("/sys"), Path("/proc/nothing"), tmp_path / "file"):
        with pytest.raises(StorageError, match=f"^{folder}.* cannot be (written|used): [^\n]+$"):
            await Storage(folder / "store.db", migrate, reactor).start()


@pytest_twisted.ensureDeferred
async def test_what_is_no_database_is_one_clear_line(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"whatever this is, it is no database" * 100)
    with pytest.raises(StorageError, match=r"store\.db cannot be used: file is not a database$"):
        await Storage(path, migrate, reactor).start()
    assert path.read_bytes().startswith(b"whatever")


@pytest_twisted.ensureDeferred
async def test_a_migration_that_fails_is_one_clear_line_and_can_be_tried_again(path: Path) -> None:
    def fails(db: Database) -> None:
        raise RuntimeError("made by a newer version")

    with pytest.raises(StorageError, match=r"store\.db cannot be used: made by a newer version$"):
        await Storage(path, fails, reactor).start()
    storage = Storage(path, migrate, reactor)
    await storage.start()
    await storage.stop()


# ---------------------------------------------------------------- kill -9
WRITER = """
import os, sys
from pathlib import Path
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import reactor, task
from confserver.storage import Storage
from tests.test_storage import migrate, note

storage = Storage(Path(sys.argv[1]), migrate, reactor, gather_s=0.01)
count = 0

def acknowledged(number):
    os.write(1, b"%d\\n" % number)

def more():
    global count
    for _ in range(20):
        count += 1
        storage.write(note(str(count), count)).addCallback(acknowledged)

storage.start().addCallback(lambda _: task.LoopingCall(more).start(0.002))
reactor.run()
"""


def test_every_acknowledged_write_survives_a_killed_process(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    assert process.wait(10) == -signal.SIGKILL
    acknowledged = {line.strip().decode() for line in lines if line.endswith(b"\n")}
    assert len(acknowledged) >= 300
    assert acknowledged <= set(on_disk(path))
