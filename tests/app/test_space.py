"""A full disk: nothing new is kept, who asks is told so, rooms and store agree, and calls go on."""

from __future__ import annotations

import itertools
import json
import resource
import time
import urllib.error
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlite_utils import Database
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed

from confserver.app.space import LOOK_S, Space, free_at
from confserver.app.tables import migrate
from confserver.routing.commands import AddUser, LiftBan, RemoveUser
from confserver.storage import Storage, StorageError, StorageFull
from rooms.commands import ChangeRoom, CreateRoom, Lock, RemoveRoom, Reserve, StartRecording
from rooms.errors import NoSpace
from rooms.manager import Rooms
from rooms.participant import SYSTEM, Actor, Role
from tests.kit.phone import Phone
from tests.kit.server import Server

NOW = 1_000_000.0
ADMIN = Actor("admin", Role.ADMIN)
MB = 1 << 20


class FakeStorage:
    trouble = ""

    def __init__(self) -> None:
        self.fails = True

    def write(self, job: Any) -> Deferred[Any]:
        if self.fails:
            return fail(StorageFull("the store: database or disk is full"))
        job(Database(memory=True))
        return succeed(None)

    def recovered(self) -> None:
        self.trouble = ""


class FakeFocus:
    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms

    def command(self, command: Any, by: Any, now: float) -> Any:
        return self.rooms.handle(command, by, now)


class House:
    def __init__(self) -> None:
        self.free = {"state": 100 * MB, "recordings": 100 * MB}
        self.storage: Any = FakeStorage()
        numbers = itertools.count(1)
        self.rooms = Rooms(lambda: f"p{next(numbers)}")
        self.space = Space(
            Path("state"), Path("recordings"), 64, self.storage, lambda: NOW, lambda path: self.free[path.name]
        )
        focus: Any = FakeFocus(self.rooms)
        self.space.begin(self.rooms, focus, lambda outputs: None)

    def fails(self, command: Any) -> Exception:
        """Carried out in the rooms, and the store cannot keep it."""
        failed = self.space.guard(command)
        self.rooms.handle(command, ADMIN, NOW)
        error = failed(StorageFull("the store: database or disk is full"))
        assert isinstance(error, Exception)
        return error


@pytest.fixture
def house() -> House:
    return House()


KEEPING = [CreateRoom("x"), ChangeRoom("x", talkers=3), AddUser("alice")]


@pytest.mark.parametrize("command", KEEPING, ids=lambda each: type(each).__name__)
def test_with_little_space_nothing_new_is_kept(house: House, command: Any) -> None:
    house.space.check(command)
    house.free["state"] = 63 * MB
    with pytest.raises(NoSpace, match=r"63 MB are free on the disk, and 64 MB are kept back .*calls go on"):
        house.space.check(command)


@pytest.mark.parametrize("command", [Lock("x"), RemoveUser("alice"), LiftBan("192.0.2.1"), RemoveRoom("x")], ids=str)
def test_the_rest_goes_on(house: House, command: Any) -> None:
    house.free = {"state": 0, "recordings": 0}
    house.space.check(command)


def test_recordings_have_a_disk_of_their_own(house: House) -> None:
    house.free["recordings"] = 0
    house.space.check(CreateRoom("x"))
    with pytest.raises(NoSpace, match="no space for recording"):
        house.space.check(StartRecording("x"))


def test_once_the_store_has_failed_it_is_refused_before(house: House) -> None:
    house.storage.trouble = "the store: database or disk is full"
    for command in (*KEEPING, RemoveRoom("x")):
        with pytest.raises(NoSpace, match="disk is full"):
            house.space.check(command)
    house.space.look()
    assert house.storage.trouble, "the trial has failed, too"
    house.storage.fails = False
    house.space.look()
    assert not house.storage.trouble
    house.space.check(CreateRoom("x"))


def test_what_could_not_be_kept_is_taken_back(house: House) -> None:
    error = house.fails(CreateRoom("x", talkers=3))
    assert isinstance(error, NoSpace) and "nothing has changed" in error.reason and "x" not in house.rooms
    house.rooms.handle(CreateRoom("y", talkers=3), ADMIN, NOW)
    house.fails(ChangeRoom("y", talkers=4))
    assert house.rooms.get("y").said == {"talkers": 3}
    house.fails(CreateRoom("y"))
    assert house.rooms.get("y").said == {"talkers": 3}
    house.fails(RemoveRoom("y"))
    assert house.rooms.get("y").said == {"talkers": 3} and house.rooms.get("y").persistent


def test_nothing_is_taken_back_at_the_cost_of_a_call(house: House) -> None:
    who = Reserve("x", "Anna", "sip:anna@example.com", "192.0.2.1:5060")
    failed = house.space.guard(CreateRoom("x"))
    house.rooms.handle(CreateRoom("x"), ADMIN, NOW)
    house.rooms.handle(who, SYSTEM, NOW)
    error = failed(StorageFull("full"))
    assert isinstance(error, NoSpace) and "holds until the server stops" in error.reason
    assert house.rooms.get("x").places
    house.rooms.handle(replace(who, room="demand"), SYSTEM, NOW)
    error = house.fails(CreateRoom("demand", talkers=3))  # was there, made by a call
    assert isinstance(error, NoSpace) and "holds until" in error.reason and house.rooms.get("demand").places


def test_a_change_of_a_room_that_calls_have_made_is_taken_back(house: House) -> None:
    house.rooms.handle(Reserve("demand", "Anna", "sip:anna@example.com", "192.0.2.1:5060"), SYSTEM, NOW)
    house.rooms.handle(ChangeRoom("demand", talkers=3, stereo=True), ADMIN, NOW)
    error = house.fails(ChangeRoom("demand", talkers=5, mute_on_entry=True))
    assert isinstance(error, NoSpace) and "nothing has changed" in error.reason
    assert house.rooms.get("demand").said == {"talkers": 3, "stereo": True}


def test_another_failure_is_none_of_space(house: House) -> None:
    failed = house.space.guard(CreateRoom("x"))
    error = StorageError("the store is not open")
    assert failed(error) is error


def test_free_space_of_what_is_not_there_yet(tmp_path: Path) -> None:
    assert free_at(tmp_path / "a" / "b") > 0


# ------------------------------------------------------------------ the store itself
@pytest_twisted.ensureDeferred
async def test_a_full_store_says_that_it_is_full(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "x.db", migrate, reactor, gather_s=0.0)
    await storage.start()
    try:
        await storage.write(lambda db: db.execute("CREATE TABLE t (b BLOB)"))
        [pages] = await storage.write(lambda db: db.execute("PRAGMA page_count").fetchone())
        await storage.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 2}"))
        assert storage.trouble == ""
        with pytest.raises(StorageFull, match="full"):
            await storage.write(lambda db: db.execute("INSERT INTO t VALUES (zeroblob(100000))"))
        assert "full" in storage.trouble
        with pytest.raises(StorageError):  # a fault of the job's own is no full disk
            await storage.write(lambda db: db.execute("INSERT INTO nowhere VALUES (1)"))
        await storage.write(lambda db: db.execute("PRAGMA max_page_count = 100000"))
        await storage.write(lambda db: db.execute("INSERT INTO t VALUES (zeroblob(100000))"))
        storage.recovered()
        assert storage.trouble == ""
    finally:
        await storage.stop()


# ------------------------------------------------------------------ a whole server
def asked(server: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    try:
        return 200, server.http(method, path, body)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.slow
def test_a_server_whose_disk_fills_up(tmp_path: Path) -> None:
    """As by a quota: no file may grow any more. Calls stay up, new ones come in, and afterwards all is well."""
    with Server(tmp_path) as server, Phone(server.address, "anna") as anna:
        assert anna.dial("one").status == 200
        assert asked(server, "PUT", "/rooms/before")[0] == 200
        assert server.child is not None
        pid = server.child.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        wal = server.state_directory / "confserver.db-wal"
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
        try:
            status, told = asked(server, "PUT", "/rooms/during")
            assert (status, told["kind"]) == (507, "no-space") and "calls go on" in told["detail"], told
            status, told = asked(server, "PATCH", "/rooms/before", {"talkers": 3})
            assert (status, told["kind"]) == (507, "no-space")
            assert asked(server, "PUT", "/users/alice")[0] == 507
            names = [room["name"] for room in server.http("GET", "/rooms")]
            assert "before" in names and "during" not in names
            assert server.http("GET", "/status")["space"]["trouble"]
            with Phone(server.address, "bob") as bob:
                assert bob.dial("one").status == 200, "calls come in"
                anna.wait_for_packets(50)
                bob.hang_up()
            assert not anna.hung_up.is_set()
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        ends = time.monotonic() + LOOK_S + 10
        while asked(server, "PUT", "/rooms/during")[0] != 200:
            assert time.monotonic() < ends, server.said()
            time.sleep(0.3)
        anna.hang_up()
        server.stop()
        server.start()
        assert {"before", "during"} <= {room["name"] for room in server.http("GET", "/rooms")}
        assert "Traceback" not in server.said()
