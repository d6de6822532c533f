"""Tokens in the server: made once, kept by their hash over a restart, dropped when they are over."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_twisted
from sqlite_utils import Database
from twisted.internet import reactor

from confserver.admin import token_store
from confserver.app.orders import Orders
from confserver.app.tokens import Keys
from confserver.routing.commands import AddToken, RevokeToken, TokenRole
from confserver.storage import Storage
from rooms.errors import Conflict, Invalid, NotFound
from rooms.participant import Role

NOW = 1_700_000_000.0


class Office:
    """A server's keys over a real store."""

    def __init__(self, path: Path) -> None:
        self.storage = Storage(path, token_store.migrate, reactor)
        self.keys = Keys(self.storage)
        self.orders = Orders()
        self.keys.join(self.orders)

    async def open(self, now: float = NOW) -> Office:
        await self.storage.start()
        await self.keys.restore(now)
        return self

    async def add(self, holder: str, **more: object) -> str:
        done = self.orders.carry_out(AddToken(holder, **more), NOW, "root")  # type: ignore[arg-type]
        assert done.job is not None and done.told is not None and done.is_new
        await self.storage.write(done.job)
        return str(done.told["secret"])


@pytest_twisted.ensureDeferred
async def test_it_holds_over_a_restart_and_is_shown_once(tmp_path: Path) -> None:
    path = tmp_path / "db"
    office = await Office(path).open()
    secret = await office.add("reception", role=TokenRole.MODERATOR, rooms=("standup",), seconds=60.0)
    assert secret.startswith("confserver_") and len(secret) > 50
    assert secret != await office.add("other")
    [row, *_] = [row for row in office.orders.answer("token list", {}, NOW) if row["holder"] == "reception"]  # type: ignore[attr-defined]
    assert (row["by"], "secret" in row) == ("root", False)
    await office.storage.stop()
    assert secret.encode() not in path.read_bytes()

    again = await Office(path).open()
    holder = again.keys.tokens.holder_of(secret, NOW)
    assert holder is not None and (holder.name, holder.role, holder.rooms) == (
        "reception", Role.MODERATOR, ("standup",),
    )  # fmt: skip
    done = again.orders.carry_out(RevokeToken("reception"), NOW, "root")
    assert done.job is not None and again.keys.tokens.holder_of(secret, NOW) is None, "at once"
    await again.storage.write(done.job)
    await again.storage.stop()
    last = await Office(path).open()
    assert [token.name for token in last.keys.tokens.list()] == ["other"]
    await last.storage.stop()


@pytest_twisted.ensureDeferred
async def test_what_is_over_goes_from_memory_and_store(tmp_path: Path) -> None:
    office = await Office(tmp_path / "db").open()
    await office.add("short", seconds=5.0)
    office.keys.look(NOW + 4)
    assert len(office.keys.tokens.list()) == 1
    office.keys.look(NOW + 5)
    assert office.keys.tokens.list() == []
    await office.storage.stop()
    assert list(Database(tmp_path / "db").query("SELECT * FROM tokens")) == []


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_changes_nothing(tmp_path: Path) -> None:
    office = await Office(tmp_path / "db").open()
    await office.add("reception")
    for order, refusal in (
        (AddToken("reception"), Conflict), (AddToken("a b"), Invalid), (RevokeToken("nobody"), NotFound),
        (AddToken("x", TokenRole.ADMIN, ("standup",)), Invalid),
    ):  # fmt: skip
        with pytest.raises(refusal):
            office.orders.carry_out(order, NOW, "root")
    assert [token.name for token in office.keys.tokens.list()] == ["reception"]
    await office.storage.stop()
