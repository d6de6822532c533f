"""A full disk: what would be lost at the next start is refused before it is done, and calls go on.

Two ways lead here: little is free where the state is (``state.reserve_mb``), or the store has failed to write. Then
nothing new is kept, until there is space and a trial write goes through. What was under way when the store failed is
taken back in the rooms, so that they and the store agree.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from sqlite_utils import Database

from confserver.focus.focus import Focus
from confserver.focus.outputs import Output
from confserver.routing import commands as orders
from confserver.storage import Storage, StorageFull
from rooms.commands import ChangeRoom, Command, CreateRoom, RemoveRoom, StartRecording
from rooms.errors import NoSpace, Refused
from rooms.manager import Rooms
from rooms.participant import SYSTEM
from rooms.room import Room

log = structlog.get_logger("storage")
LOOK_S = 5.0
TRIAL_BYTES = 256 * 1024
KEPT = (CreateRoom, ChangeRoom, RemoveRoom)
ORDERS = (
    orders.AddUser, orders.ChangeUser, orders.SetPassword, orders.AddBan, orders.PutProfile, orders.AddToken,
    orders.ApproveCountry, orders.AddRoute, orders.ChangeRoute, orders.PlaceRoute,
    orders.SetRoutes, orders.AddGroup, orders.ChangeGroup,
)  # fmt: skip
"""Those that keep something more. What takes something away may give space."""


class Space:
    """``look`` is called every LOOK_S."""

    def __init__(
        self, state: Path, recordings: Path, reserve_mb: int, storage: Storage,
        now: Callable[[], float], free: Callable[[Path], int] | None = None,
    ) -> None:  # fmt: skip
        self._state, self._recordings = state, recordings
        self._reserve = reserve_mb << 20
        self._storage = storage
        self._now = now
        self._free = free or free_at
        self._told = ""
        self._rooms: Rooms | None = None
        self._focus: Focus | None = None
        self._perform: Callable[[Sequence[Output]], object] = lambda outputs: None

    def begin(self, rooms: Rooms, focus: Focus, perform: Callable[[Sequence[Output]], object]) -> None:
        self._rooms, self._focus, self._perform = rooms, focus, perform

    # ------------------------------------------------------------------ before
    def check(self, command: Command | orders.Command) -> None:
        """Raises NoSpace for what could not be kept."""
        if isinstance(command, StartRecording):
            self._check_free(self._recordings, "recording")
        if not isinstance(command, KEPT + ORDERS):
            return
        if self._storage.trouble:
            raise NoSpace(f"nothing can be kept now ({self._storage.trouble}); nothing has changed, calls go on")
        if not isinstance(command, RemoveRoom):
            self._check_free(self._state, "this")

    def _check_free(self, path: Path, what: str) -> None:
        free = self._free(path)
        if free < self._reserve:
            raise NoSpace(
                f"there is no space for {what}: {free >> 20} MB are free on the disk, and {self._reserve >> 20} MB are "
                "kept back (state.reserve_mb); nothing has changed, calls go on"
            )

    # ------------------------------------------------------------------ when the store fails nevertheless
    def guard(self, command: Command) -> Callable[[BaseException], BaseException]:
        """Asked before the command is done: what to do where the store cannot keep it."""
        back = self._way_back(command)

        def failed(error: BaseException) -> BaseException:
            if not isinstance(error, StorageFull):
                return error
            is_undone = back is not None and self._take_back(back)
            words = "nothing has changed" if is_undone else "it holds until the server stops"
            return NoSpace(f"it could not be kept ({error}); {words}, calls go on")

        return failed

    def _way_back(self, command: Command) -> Command | None:
        """What makes all as it is now; None: nothing could without an end of calls."""
        if not isinstance(command, KEPT):
            return None
        room = self._room(command.room)
        if room is None:
            return RemoveRoom(command.room)
        if room.persistent:
            return CreateRoom(command.room, room.profile, room.said)
        if isinstance(command, ChangeRoom):
            return ChangeRoom(command.room, room.profile, {name: room.said.get(name) for name in command.rules})
        return None

    def _room(self, name: str) -> Room | None:
        try:
            return self._rooms.get(name) if self._rooms is not None else None
        except Refused:
            return None

    def _take_back(self, command: Command) -> bool:
        """Never at the cost of a call: somebody may have come in meanwhile."""
        room = self._room(command.room)
        if self._focus is None or (isinstance(command, RemoveRoom) and room is not None and room.places):
            return False
        try:
            self._perform(self._focus.command(command, SYSTEM, self._now()))
        except Refused as refused:
            log.warning("could not be taken back", room=command.room, why=refused.reason)
            return False
        return True

    # ------------------------------------------------------------------ afterwards
    def look(self) -> None:
        """Is there space again? Told once each way."""
        trouble = self._storage.trouble
        if trouble:
            self._storage.write(_trial).addCallbacks(lambda _: self._storage.recovered(), lambda _: None)
        free = self._free(self._state)
        why = trouble or (f"{free >> 20} MB are free on the disk" if free < self._reserve else "")
        if bool(why) != bool(self._told):
            if why:
                log.error("nothing new is kept: there is no space", why=why)
            else:
                log.warning("there is space again")
        self._told = why

    def describe(self) -> dict[str, object]:
        return {"free_mb": self._free(self._state) >> 20, "reserve_mb": self._reserve >> 20,
                "trouble": self._storage.trouble}  # fmt: skip


def _trial(db: Database) -> None:
    """As much as a few rooms take, written and taken away again."""
    db.execute("CREATE TABLE IF NOT EXISTS trial (bytes BLOB)")
    db.execute("INSERT INTO trial VALUES (zeroblob(?))", [TRIAL_BYTES])
    db.execute("DELETE FROM trial")


def free_at(path: Path) -> int:
    """Bytes; where it cannot be told, as much as anybody wants."""
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 1 << 62
