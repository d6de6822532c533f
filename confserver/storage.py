"""The server's memory on disk: one SQLite database, one thread that writes, one that reads.

::

    reactor ──write(job)──► queue ──batch──► writer thread ── BEGIN, jobs, COMMIT ──► file (WAL)
       ▲                                          │
       └────────── Deferreds fire ◄───────────────┘        read(job) ──► reader thread, its own connection

The server never waits for the disk: a job is a function of the database, done behind its back. A job that
comes after a quiet moment is committed at once; under load all that come within ``GATHER_S`` share one commit, and
the writer sleeps until then: whoever hands over a job wakes nobody. A job's Deferred fires after the commit, so what
was acknowledged survives a killed process, though with WAL and ``synchronous=NORMAL`` perhaps not a power cut.

Many small things of one kind need no job each: ``add`` gives them to one function, as many as wait in a row.

A job that fails fails alone, also among those that were done together. A full disk or a broken one fails the jobs it
hits, each by its own Deferred; later jobs are tried anew. Which tables there are is not known here: ``migrate`` is
handed in.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlite_utils import Database
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")
Job = Callable[[Database], T]
"""Done in one transaction. It may be done again when its batch fails, so it touches nothing but the database."""
Together = Callable[[Database, list[T]], object]
"""A job for many items, in order; it may be done again with fewer of them."""

GATHER_S = 0.1
MOST_WAITING = 20_000
BUSY_S = 5.0
"""How long to wait for another process that holds the database, such as an administrator's shell."""


class StorageError(Exception):
    """The store cannot be used now; the reason is one line for the administrator."""


class StorageFull(StorageError):
    """The disk takes no more: it is full, or fails. What was asked for is not kept."""


FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""Primary result codes: no space; and what else a disk answers, such as quotas (https://sqlite.org/rescode.html)."""


class Phase(enum.Enum):
    NEW = "new"
    STARTING = "starting"
    OPEN = "open"
    STOPPING = "stopping"
    CLOSED = "closed"


@dataclass(slots=True)
class Counts:
    """What has become of all jobs so far."""

    accepted: int = 0
    refused: int = 0
    written: int = 0
    failed: int = 0
    batches: int = 0


@dataclass(slots=True, eq=False)
class _Entry:
    """A job in the queue, or an item of one done ``together``, and later what has become of it."""

    job: Job[Any] | None
    deferred: Deferred[Any]
    together: Together[Any] | None = None
    item: Any = None
    result: Any = None
    error: Exception | None = None


class _DaemonThread(threading.Thread):
    """A server that dies without stopping its storage does not wait for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, daemon=True)


class Storage:
    """One database, written behind in batches. All public methods belong to the reactor's thread."""

    def __init__(
        self,
        path: Path,
        migrate: Callable[[Database], object],
        reactor: IReactorFromThreads,
        *,
        gather_s: float = GATHER_S,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """``migrate`` brings the tables up to date; it runs once, on the writer's thread, before all jobs."""
        self._path = path
        self._migrate = migrate
        self._reactor = reactor
        self._gather_s = gather_s
        self._most_waiting = most_waiting
        self._phase = Phase.NEW
        self._counts = Counts()
        self._last_error = ""
        self.trouble = ""
        """Why nothing can be written, from the failure of a full disk until ``recovered``."""
        self._changed = threading.Condition()  # guards the queue, the phase and the counts
        self._is_idle = False
        """The writer waits for a job."""
        self._waiting: deque[_Entry] = deque()
        self._stopped: list[Deferred[None]] = []
        self._readers = ThreadPool(1, 1, name="storage-reader")
        self._readers.threadFactory = _DaemonThread
        self._reading: Database | None = None
        self._lock: int | None = None

    # ---------------------------------------------------------------- the reactor's side
    def start(self) -> Deferred[None]:
        """Lock, open and migrate the database. Fails with StorageError."""
        started: Deferred[None] = Deferred()
        self._phase = Phase.STARTING
        _DaemonThread(target=self._run, args=(started,), name="storage-writer").start()
        return started

    def write(self, job: Job[T]) -> Deferred[T]:
        """Do a job soon; fires with its result after the commit.

        Fails with StorageError when the store is not open, when it cannot keep up and so does not accept the
        job, or when the database refuses; with the job's own error when that raises one. Then the job has left
        no trace.
        """
        return self._queue(_Entry(job, Deferred()))

    def add(self, together: Together[T], item: T) -> Deferred[None]:
        """Have an item written by ``together``, with all others that wait for it in a row; fires after the commit.

        Fails like ``write``, each item by itself.
        """
        return self._queue(_Entry(None, Deferred(), together, item))

    def _queue(self, entry: _Entry) -> Deferred[Any]:
        with self._changed:
            if self._phase is not Phase.OPEN:
                return fail(StorageError("the store is not open"))
            if len(self._waiting) >= self._most_waiting:
                self._counts.refused += 1
                return fail(StorageError(f"the store cannot keep up: {len(self._waiting)} jobs are waiting"))
            self._waiting.append(entry)
            self._counts.accepted += 1
            if self._is_idle:
                self._is_idle = False
                self._changed.notify()
        return entry.deferred

    def read(self, job: Job[T]) -> Deferred[T]:
        """Ask the database something, beside the writer; sees what is committed. The job returns plain data.

        Fails like ``write``; a job that tries to change something fails too.
        """
        if self._phase is not Phase.OPEN:
            return fail(StorageError("the store is not open"))
        return cast("Deferred[T]", deferToThreadPool(self._reactor, self._readers, self._do_read, job))

    def stop(self) -> Deferred[None]:
        """Write all that is waiting, then close; fires when that is done. May be called at any time, and again."""
        stopped: Deferred[None] = Deferred()
        with self._changed:
            if self._phase in (Phase.NEW, Phase.CLOSED):
                self._phase = Phase.CLOSED
                stopped.callback(None)
            else:
                self._phase = Phase.STOPPING
                self._stopped.append(stopped)
                self._changed.notify()
        return stopped

    def describe(self) -> dict[str, Any]:
        with self._changed:
            return {
                "path": str(self._path),
                "phase": self._phase.value,
                "waiting": len(self._waiting),
                **asdict(self._counts),
                "last_error": self._last_error,
            }

    def recovered(self) -> None:
        """A trial has been written: the disk takes more again."""
        self.trouble = ""

    def _deliver(self, batch: list[_Entry]) -> None:
        for entry in batch:
            if entry.error is not None:
                entry.deferred.errback(entry.error)
            else:
                entry.deferred.callback(entry.result)

    def _closed(self) -> None:
        stopped, self._stopped = self._stopped, []
        for deferred in stopped:
            deferred.callback(None)

    # ---------------------------------------------------------------- the writer's thread
    def _run(self, started: Deferred[None]) -> None:
        try:
            db = self._open()
        except StorageError as error:
            self._close(None)
            self._reactor.callFromThread(started.errback, error)
        else:
            self._reactor.callFromThread(started.callback, None)
            quiet_until = 0.0
            while batch := self._next_batch(quiet_until):
                self._commit(db, batch)
                quiet_until = time.monotonic() + self._gather_s
                self._reactor.callFromThread(self._deliver, batch)
            self._close(db)
        self._reactor.callFromThread(self._closed)

    def _open(self) -> Database:
        folder = self._path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(self._path.with_name(self._path.name + ".lock"))
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            db = _connect(self._path)
            db.enable_wal()
            db.execute("PRAGMA synchronous = NORMAL")
        except BlockingIOError as error:
            raise StorageError(f"{folder} is in use by another running server") from error
        except OSError as error:
            raise StorageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
        except sqlite3.Error as error:
            raise StorageError(f"{self._path} cannot be used: {error}") from error
        self._bring_up_to_date(db)
        self._readers.start()
        with self._changed:
            if self._phase is Phase.STARTING:
                self._phase = Phase.OPEN
        return db

    def _bring_up_to_date(self, db: Database) -> None:
        try:
            self._migrate(db)
        except Exception as error:  # whatever a stranger's function raises: the server must not start
            db.close()
            raise StorageError(f"{self._path} cannot be used: {error}") from error

    def _next_batch(self, quiet_until: float) -> list[_Entry]:
        """Sleep while jobs gather, then take them, or wait for one; nothing means that all is done."""
        with self._changed:
            while self._phase is not Phase.STOPPING and (left := quiet_until - time.monotonic()) > 0:
                self._changed.wait(left)
            while not self._waiting and self._phase is not Phase.STOPPING:
                self._is_idle = True
                self._changed.wait()
            self._is_idle = False
            batch = list(self._waiting)
            self._waiting.clear()
            return batch

    def _commit(self, db: Database, batch: list[_Entry]) -> None:
        """Do a batch in one transaction; where that cannot be committed, each job in one of its own."""
        if not self._attempt(db, batch):
            for entry in batch:
                self._attempt(db, [entry])
        errors = [entry.error for entry in batch if entry.error is not None]
        with self._changed:
            self._counts.batches += 1
            self._counts.failed += len(errors)
            self._counts.written += len(batch) - len(errors)
            if errors:
                self._last_error = str(errors[-1])
            full = [error for error in errors if isinstance(error, StorageFull)]
            if full:
                self.trouble = str(full[-1])

    def _attempt(self, db: Database, entries: list[_Entry]) -> bool:
        """Do jobs in one transaction, each behind a savepoint; False when all is undone but might work singly."""
        begun = False
        try:
            db.execute("BEGIN IMMEDIATE")
            begun = True
            work = deque(_runs(entries))
            while work:
                run = work.popleft()
                _do(db, run)
                if not db.conn.in_transaction:  # SQLite gives up the whole transaction where the disk is full
                    return len(entries) == 1
                if len(run) > 1 and run[0].error is not None:
                    work.extendleft([entry] for entry in reversed(run))
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                db.rollback()
            for entry in entries:
                entry.error = _storage_error(error)
            return not begun or len(entries) == 1
        return True

    def _close(self, db: Database | None) -> None:
        """Close what is open, the readers first: the last connection folds the journal into the database."""
        if db is not None:
            self._readers.stop()
            if self._reading is not None:
                self._reading.close()
            db.close()
        if self._lock is not None:
            os.close(self._lock)
        with self._changed:
            self._phase = Phase.CLOSED

    # ---------------------------------------------------------------- the reader's thread
    def _do_read(self, job: Job[T]) -> T:
        try:
            if self._reading is None:
                self._reading = _connect(self._path)
                self._reading.execute("PRAGMA query_only = ON")
            return job(self._reading)
        except sqlite3.Error as error:
            raise StorageError(f"the store: {error}") from error


def _storage_error(error: sqlite3.Error) -> StorageError:
    code = getattr(error, "sqlite_errorcode", None)
    kind = StorageFull if code is not None and code & 0xFF in FULL else StorageError
    return kind(f"the store: {error}")


def _connect(path: Path) -> Database:
    """Open a connection; it is used by one thread at a time, though not closed by the one that opened it."""
    return Database(sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False), execute_plugins=False)


def _lock(path: Path) -> int:
    """Lock the state directory for as long as this process lives. Raises BlockingIOError when another has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _runs(entries: list[_Entry]) -> Iterator[list[_Entry]]:
    """What is done in one go: a job, or items of one kind that follow each other."""
    for _, run in groupby(entries, key=lambda entry: entry.together or entry):
        yield list(run)


def _do(db: Database, run: list[_Entry]) -> None:
    """Do one job behind a savepoint, so that an error leaves no trace of it."""
    result: Any = None
    failed: Exception | None = None
    try:
        with db.atomic():
            result = _done(db, run)
    except sqlite3.Error as error:
        failed = _storage_error(error)
    except Exception as error:  # a job's own error belongs to whoever asked for the job
        failed = error
    for entry in run:
        entry.result, entry.error = result, failed


def _done(db: Database, run: list[_Entry]) -> Any:
    first = run[0]
    if first.together is not None:
        first.together(db, [entry.item for entry in run])
        return None
    assert first.job is not None
    return first.job(db)
