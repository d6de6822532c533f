"""Event streams by tokens: their rooms alone, no secrets for observers, and an end when the right ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.admin import permission
from confserver.admin.gate import Gate
from confserver.admin.http import listen
from confserver.admin.opening import open_stream
from confserver.admin.permission import SECRET
from confserver.admin.tokens import Tokens
from rooms.participant import Role
from tests.admin.double import NOW
from tests.admin.test_http import TOKEN, until
from tests.admin.test_stream import House, Listening


class Hall:
    """A house whose streams want tokens."""

    def __init__(self) -> None:
        self.house = House()
        self.tokens = Tokens()
        for name, role, rooms in (
            ("all", Role.OBSERVER, ()), ("board", Role.OBSERVER, ("board*",)), ("host", Role.MODERATOR, ("standup",)),
        ):  # fmt: skip
            self.tokens.add(name, role, rooms, None, f"secret of {name}", NOW, "administrator")
        self.house.streams.holds = self.tokens.holds

        def stream(request: Any, by: Any, room: str, asked: Any) -> Any:
            return open_stream(self.house.streams, request, by, room, asked, reactor)

        self.port, self.where = listen(reactor, self.house, Gate(TOKEN, self.tokens), ("127.0.0.1", 0), stream)
        self.open: list[Listening] = []

    def hear(self, path: str, who: str) -> Listening:
        self.open.append(Listening(self.where, path, token=f"secret of {who}"))
        return self.open[-1]


@pytest_twisted.async_yield_fixture
async def hall() -> AsyncIterator[Hall]:
    found = Hall()
    yield found
    for each in found.open:
        each.close()
    await until(lambda: not found.house.streams._readers)
    await found.port.stopListening()


@pytest_twisted.ensureDeferred
async def test_only_the_rooms_of_the_token_are_told(hall: Hall) -> None:
    hall.house.come("standup", "Ana")
    hall.house.come("board", "Bob")
    reader = hall.hear("/events", "board")
    assert [room["name"] for room in (await reader.message())["told"]["rooms"]] == ["board"]
    hall.house.come("standup", "Eve")
    hall.house.come("board", "Carl")
    told = [(await reader.message())["told"] for _ in range(2)]
    assert {each["room"] for each in told} == {"board"}
    assert await hall.hear("/rooms/standup/events", "board").status() == 404
    assert await hall.hear("/rooms/nowhere/events", "board").status() == 404
    assert await hall.hear("/rooms/board-2/events", "board").status() == 200


@pytest_twisted.ensureDeferred
async def test_snapshots_show_secrets_to_who_may_see_them(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "SECRETS", ("agenda",))
    plain = hall.house.rooms
    monkeypatch.setattr(hall.house, "rooms", lambda: [{**room, "agenda": "1234"} for room in plain()])
    hall.house.come("standup", "Ana")
    for who, shown in (("all", SECRET), ("host", "1234")):
        snapshot = await hall.hear("/events", who).message()
        assert [room["agenda"] for room in snapshot["told"]["rooms"]] == [shown]


@pytest_twisted.ensureDeferred
async def test_a_stream_ends_when_the_token_is_revoked(hall: Hall) -> None:
    hall.house.come("standup", "Ana")
    revoked, stays = hall.hear("/events", "host"), hall.hear("/events", "all")
    await revoked.message(), await stays.message()
    hall.tokens.revoke("host")
    hall.house.streams._look()
    last = await revoked.message()
    assert (last["event"], last["told"]["reason"]) == ("end", "no-right")
    assert await revoked.message() == {}
    hall.house.come("standup", "Bob")
    assert (await stays.message())["told"]["room"] == "standup"
    assert await hall.hear("/events", "host").status() == 401
