"""Tokens of each role and scope at each endpoint, over real requests; what comes out is what the table says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted

from confserver.admin.endpoints import ROUTES, Route
from confserver.admin.gate import Gate
from confserver.admin.permission import SECRET, may, room_for, seen
from confserver.admin.tokens import Holder, Tokens
from rooms.participant import Role
from tests.admin.double import HouseDoor
from tests.admin.test_http import TOKEN, Served
from tests.test_docs import NAMES

HOLDERS = {
    "observer": (Role.OBSERVER, ()),
    "observer of the room": (Role.OBSERVER, ("stand*",)),
    "observer of another": (Role.OBSERVER, ("board",)),
    "moderator": (Role.MODERATOR, ()),
    "moderator of the room": (Role.MODERATOR, ("board", "standup")),
    "moderator of another": (Role.MODERATOR, ("board",)),
    "admin": (Role.ADMIN, ()),
}
NOBODY = ("no token", "a wrong token", "a revoked token")
NO_ROOM = "there is no room standup"


def tokens() -> Tokens:
    made = Tokens()
    for number, (name, (role, rooms)) in enumerate(HOLDERS.items()):
        made.add(f"h{number}", role, rooms, None, name, 0.0, "administrator")
    made.add("gone", Role.ADMIN, (), None, "a revoked token", 0.0, "administrator")
    made.revoke("gone")
    return made


@pytest_twisted.async_yield_fixture
async def served() -> AsyncIterator[Served]:
    server = Served(HouseDoor(), ("127.0.0.1", 0), Gate(TOKEN, tokens()))
    server.door.make("standup")
    server.door.make("board")
    server.door.arrive("standup", "Anna")
    yield server
    await server.port.stopListening()


def outcome(status: int, told: Any) -> str:
    detail = told.get("detail", "") if isinstance(told, dict) else ""
    if status == 404 and detail == NO_ROOM:
        return "no such room"
    return {401: "no right at all", 403: "forbidden"}.get(status, "heard")


def expected(route: Route, who: str) -> str:
    """Written out beside ``permission``, from the table alone."""
    if route.is_open:
        return "heard"
    if who in NOBODY:
        return "no right at all"
    role, rooms = HOLDERS[who]
    if role < route.needs:
        return "forbidden"
    names_room = "{room}" in route.path
    if rooms and not (names_room or route.room or route.is_for_all):
        return "forbidden"
    return "no such room" if names_room and "another" in who else "heard"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest_twisted.ensureDeferred
async def test_each_token_at_each_endpoint(route: Route, served: Served) -> None:
    path = route.path.format(**NAMES)
    for who in (*HOLDERS, *NOBODY):
        if not {"standup", "board"} <= {room.name for room in served.door.house}:
            served.door.make("standup")  # DELETE /rooms/{room} has been heard
        status, told, headers = await served.ask(route.method, path, token="" if who == "no token" else who)
        assert outcome(status, told) == expected(route, who), (who, status, told)
        assert status != 500
        if status in (401, 403):
            assert headers["Content-Type"] == "application/problem+json" and "Bearer" in headers["WWW-Authenticate"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_endpoint_says_whom_it_is_for(route: Route) -> None:
    observer, admin = Holder("o", Role.OBSERVER), Holder("a", Role.ADMIN)
    assert may(route, admin)
    if route.method != "GET":
        assert route.needs > Role.OBSERVER and not may(route, observer), "who observes changes nothing"
    if route.query in ("user list", "user show", "token list", "trace list", "trace show", "trace pcap", "ban list"):
        assert route.needs is Role.ADMIN


@pytest_twisted.ensureDeferred
async def test_who_tries_what_he_may_not_is_told_to_the_door(served: Served) -> None:
    """For the audit log: his name, his face, where he came from, and what he wanted."""
    await served.ask("POST", "/rooms/standup/lock", token="observer")
    await served.ask("GET", "/tokens", token="observer")
    await served.ask("POST", "/rooms/standup/lock", token="admin")
    (lock, by, reason, kind), (tokens, *_) = served.door.refused
    assert (lock.action, lock.names, by.role, by.source) == ("lock", {"room": "standup"}, Role.OBSERVER, "127.0.0.1")
    assert by.face == "http" and "moderator" in reason and kind == "forbidden"
    assert tokens.action == "GET /tokens"
    assert [type(command).__name__ for command, _ in served.door.asked] == ["Lock"]


@pytest_twisted.ensureDeferred
async def test_lists_show_the_rooms_of_the_token_alone(served: Served) -> None:
    both = ["board", "standup"]
    for who, names in (("observer", both), ("observer of another", ["board"]), ("admin", both)):
        assert [room["name"] for room in (await served.ask("GET", "/rooms", token=who))[1]] == names
    assert len((await served.ask("GET", "/recordings", token="observer of the room"))[1]) == 1
    assert (await served.ask("GET", "/recordings", token="observer of another"))[1] == []


@pytest_twisted.ensureDeferred
async def test_a_room_that_is_not_his_is_as_if_there_were_none(served: Served) -> None:
    for method, path in (("GET", "/rooms/{}"), ("POST", "/rooms/{}/lock"), ("POST", "/rooms/{}/participants/p1/mute")):
        there, missing = [
            await served.ask(method, path.format(name), token="moderator of another") for name in ("standup", "nowhere")
        ]
        assert there[0] == missing[0] == 404
        assert json.dumps(there[1]).replace("standup", "nowhere") == json.dumps(missing[1])
        assert {n: v for n, v in there[2].items() if n not in ("Date", "Content-Length")} == {
            n: v for n, v in missing[2].items() if n not in ("Date", "Content-Length")
        }
    assert not served.door.asked, "nothing was tried"


@pytest_twisted.ensureDeferred
async def test_nobody_is_taken_to_a_room_that_is_not_his(served: Served) -> None:
    served.door.make("secret")
    who = "moderator of the room"
    for path, body in (
        ("participants/Anna/move", {"to": "secret"}), ("move", {"to": "secret"}), ("merge", {"to": "secret"}),
        ("merge", {"to": "nowhere"}), ("breakouts", {"names": ["standup-1", "secret"]}),
    ):  # fmt: skip
        status, told, _ = await served.ask("POST", f"/rooms/standup/{path}", body, token=who)
        assert (status, told["detail"].startswith("there is no room")) == (404, True), (path, told)
    assert not served.door.asked, "nothing was tried"
    status, _, _ = await served.ask("POST", "/rooms/standup/participants/Anna/move", {"to": "board"}, token=who)
    assert status == 200


@pytest_twisted.ensureDeferred
async def test_breakout_rooms_are_of_who_has_the_room(served: Served) -> None:
    assert (await served.ask("POST", "/rooms/standup/breakouts", {"count": 2}, token="observer of the room"))[0] == 403
    served.door.make("standup-1")
    plain = served.door.room
    served.door.room = lambda name: plain(name) | {"parent": "standup" if name == "standup-1" else ""}  # type: ignore[method-assign]
    assert (await served.ask("GET", "/rooms/standup-1", token="moderator of the room"))[0] == 200
    assert (await served.ask("GET", "/rooms/standup-1", token="moderator of another"))[0] == 404


@pytest_twisted.ensureDeferred
async def test_by_another_name_it_is_the_same_room(served: Served) -> None:
    plain = served.door.room
    names = {"100": "standup", "board-line": "standup"}
    served.door.room = lambda name: plain(names.get(name, name))  # type: ignore[method-assign]
    assert (await served.ask("GET", "/rooms/100", token="moderator of the room"))[0] == 200
    for name in ("100", "board-line"):
        assert (await served.ask("GET", f"/rooms/{name}", token="moderator of another"))[0] == 404


@pytest_twisted.ensureDeferred
async def test_the_token_says_who_has_done_it(served: Served) -> None:
    await served.ask("POST", "/rooms/standup/lock", token="moderator of the room")
    [(_, by)] = served.door.asked
    assert (by.name, by.role) == ("h4", Role.MODERATOR)


def test_observers_see_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confserver.admin.permission.SECRETS", ("pin", "moderator_pin"))
    room = {"name": "standup", "pin": "1234", "moderator_pin": ""}
    shown = {"name": "standup", "pin": SECRET, "moderator_pin": ""}
    assert room_for(room, Holder("o", Role.OBSERVER)) == shown
    assert room_for(room, Holder("m", Role.MODERATOR)) == room
    profiles = [{"profile": "board", "rules": {"pin": "1234", "talkers": 3}}]
    [route] = [each for each in ROUTES if each.query == "profile list"]
    assert seen(route, profiles, Holder("m", Role.MODERATOR)) == profiles
    assert seen(route, profiles, Holder("o", Role.OBSERVER))[0]["rules"] == {"pin": SECRET, "talkers": 3}
    assert seen(route, profiles[0], Holder("o", Role.OBSERVER))["rules"]["pin"] == SECRET
