"""What happened, on disk: participations and rooms survive, and failures are told to whom they matter."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.app.journal import Journal, _facts, settle
from confserver.storage import Storage, StorageError
from rooms import events as tell
from rooms import store
from rooms.commands import Arrive, CreateRoom, Leave, NoteTalking, Reserve
from rooms.manager import Rooms
from rooms.participant import SYSTEM, ParticipantIds
from rooms.policy import RoomPolicy

NOW = 1_700_000_000.0


class Book:
    def __init__(self, path: Path) -> None:
        self.storage = Storage(path / "confserver.db", store.migrate, reactor)
        self.journal = Journal(self.storage)
        self.rooms = Rooms(ParticipantIds())

    def order(self, command: object, at: float = NOW):
        return self.journal.publish(tuple(self.rooms.handle(command, SYSTEM, at)))  # type: ignore[arg-type]


@pytest_twisted.async_yield_fixture
async def book(tmp_path: Path):
    found = Book(tmp_path)
    await found.storage.start()
    yield found
    await found.storage.stop()


@pytest_twisted.ensureDeferred
async def test_what_is_made_is_there_after_a_restart(book: Book, tmp_path: Path) -> None:
    await book.order(CreateRoom("standup", max_participants=7))
    await book.order(Reserve("standup", "Anna", "sip:anna@a", "192.0.2.9:5060"))
    await book.order(Arrive("standup", "p1"))
    await book.order(Leave("standup", "p1"), NOW + 60)
    await book.storage.stop()
    again = Book(tmp_path)
    await again.storage.start()
    kept = await again.storage.write(settle)
    await again.storage.stop()
    assert [(room.name, room.said["max_participants"]) for room in kept.rooms] == [("standup", 7)]
    assert kept.last_participant == 1


@pytest_twisted.ensureDeferred
async def test_what_need_not_be_kept_is_answered_at_once(book: Book) -> None:
    await book.order(Reserve("standup", "Anna", "sip:anna@a", "192.0.2.9:5060"))
    await book.order(Arrive("standup", "p1"))
    before = book.storage.describe()["accepted"]
    assert book.order(NoteTalking("standup", "p1", True)).called
    assert book.storage.describe()["accepted"] == before


@pytest_twisted.ensureDeferred
async def test_a_store_that_is_gone(book: Book) -> None:
    await book.storage.stop()
    with pytest.raises(StorageError):
        await book.order(CreateRoom("standup"))
    book.journal.mark_alive(NOW)


@pytest_twisted.ensureDeferred
async def test_what_comes_together_is_told_in_order_and_each_of_its_own_failure(book: Book) -> None:
    """Two commands share a commit; one that cannot be kept is no trouble of the other's."""
    told: list[str] = []
    await book.order(CreateRoom("first"))
    book.storage.write(lambda db: db.execute("CREATE UNIQUE INDEX once ON participations (name)"))
    for name in ("Anna", "Anna", "Bob"):
        kept = book.order(Reserve("standup", name, "sip:a@b", "192.0.2.9:5060"))
        kept.addCallbacks(
            lambda _, name=name: told.append(name), lambda failure, name=name: told.append(f"{name}: {failure.type}")
        )
    await book.order(CreateRoom("last"))
    assert told == ["Anna", f"Anna: {StorageError}", "Bob"]
    people = await book.storage.read(store.participations)
    assert sorted(row["name"] for row in people) == ["Anna", "Bob"]


def test_the_log_says_no_secret_of_an_event() -> None:
    chosen = tell.RoomChosen("lobby", 3, NOW, "p1", "4711#0815")
    assert "4711" not in str(_facts(chosen)) and _facts(chosen)["digits"] == "set"
    policy = RoomPolicy(pin="123456")
    created = tell.RoomCreated("standup", 1, NOW, True, policy, "", {"pin": "123456", "stereo": True})
    assert "123456" not in str(_facts(created)) and _facts(created)["stereo"] is False
