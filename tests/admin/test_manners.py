"""How the interface behaves among many: once by key, by version, by pages, at a pace, for listed origins, by TLS."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from confserver.admin.endpoints import MOST_BODY_BYTES
from confserver.admin.gate import BURST, Gate, Terms
from confserver.admin.http import MOST_AT_ONCE, Ways
from confserver.transports.certificates import KeyPair, self_signed
from confserver.transports.tls import Tls
from rooms.commands import Dial, Lock
from rooms.errors import Full
from tests.admin.double import HouseDoor
from tests.admin.test_http import TOKEN, Served, until

PAGE = "https://rooms.example.com"


@pytest_twisted.async_yield_fixture
async def tcp() -> AsyncIterator[Served]:
    ways = Ways(origins=frozenset({PAGE}))
    server = Served(HouseDoor(), ("127.0.0.1", 0), ways=ways)
    server.door.make("standup")
    yield server
    await server.port.stopListening()


def headers(answered: tuple[int, Any, http.client.HTTPMessage]) -> http.client.HTTPMessage:
    return answered[2]


# ------------------------------------------------------------------ once
@pytest_twisted.ensureDeferred
async def test_who_asks_again_by_the_same_key_is_not_served_twice(tcp: Served) -> None:
    key = {"Idempotency-Key": '"dial-anna-1"'}
    first = await tcp.ask("POST", "/rooms/lobby/dial", {"uri": "sip:anna@192.0.2.7"}, headers=key)
    again = await tcp.ask("POST", "/rooms/lobby/dial", {"uri": "sip:anna@192.0.2.7"}, headers=key)
    assert first[:2] == again[:2] and first[0] == 201
    assert headers(first)["Location"] == headers(again)["Location"] == "/rooms/lobby"
    assert headers(first)["ETag"] == headers(again)["ETag"]
    assert (headers(first)["Idempotency-Replayed"], headers(again)["Idempotency-Replayed"]) == (None, "true")
    assert [type(command) for command, _ in tcp.door.asked] == [Dial], "called once"
    other = await tcp.ask("POST", "/rooms/lobby/dial", {"uri": "sip:bob@192.0.2.8"}, headers=key)
    assert (other[0], other[1]["kind"]) == (422, "key-reused")
    await tcp.ask("POST", "/rooms/lobby/dial", {"uri": "sip:anna@192.0.2.7"})
    assert len(tcp.door.asked) == 2, "without a key it is another call"


@pytest_twisted.ensureDeferred
async def test_a_key_that_is_under_way(tcp: Served) -> None:
    tcp.door.hold = True
    key = {"Idempotency-Key": "k"}
    first = pytest_twisted.defer.ensureDeferred(tcp.ask("POST", "/rooms/standup/lock", headers=key))
    await until(lambda: len(tcp.door.held) == 1)
    status, problem, head = await tcp.ask("POST", "/rooms/standup/lock", headers=key)
    assert (status, problem["kind"], head["Retry-After"]) == (409, "under-way", "1")
    tcp.door.hold = False
    tcp.door.held[0].callback(None)
    assert (await first)[0] == 200
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers=key))[0] == 200
    assert len(tcp.door.asked) == 1


@pytest_twisted.ensureDeferred
async def test_what_was_not_tried_keeps_no_key(tcp: Served) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await tcp.ask("POST", "/rooms/standup/dial", {"url": "x"}, headers=key))[0] == 400
    assert (await tcp.ask("POST", "/rooms/standup/dial", {"uri": "sip:a@192.0.2.7"}, headers=key))[0] == 200
    tcp.door.fault = Full("no more")
    refused = {"Idempotency-Key": "k2"}
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers=refused))[0] == 409
    tcp.door.fault = None
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers=refused))[0] == 409, "the same answer again"
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers={"Idempotency-Key": ""}))[0] == 400


@pytest_twisted.ensureDeferred
async def test_an_order_that_is_asked_for_again(tcp: Served) -> None:
    key = {"Idempotency-Key": "k"}
    first, again = [await tcp.ask("PUT", "/bans/192.0.2.7", headers=key) for _ in range(2)]
    assert (first[0], first[1]) == (again[0], again[1]) == (201, again[1])
    assert len(tcp.door.orders) == 1


# ------------------------------------------------------------------ versions
@pytest_twisted.ensureDeferred
async def test_who_knows_the_version_reads_nothing_again(tcp: Served) -> None:
    answered = await tcp.ask("GET", "/rooms/standup")
    tag = headers(answered)["ETag"]
    version = answered[1]["version"]
    assert tag == f'"{version["epoch"]}-{version["number"]}"'
    status, nothing, head = await tcp.ask("GET", "/rooms/standup", headers={"If-None-Match": tag})
    assert (status, nothing, head["ETag"]) == (304, None, tag)
    await tcp.ask("POST", "/rooms/standup/lock")
    status, _, head = await tcp.ask("GET", "/rooms/standup", headers={"If-None-Match": tag})
    assert status == 200 and head["ETag"] != tag


@pytest_twisted.ensureDeferred
async def test_a_change_against_somebody_elses_change_is_refused(tcp: Served) -> None:
    tag = headers(await tcp.ask("GET", "/rooms/standup"))["ETag"]
    locked = await tcp.ask("POST", "/rooms/standup/lock", headers={"If-Match": tag})
    assert locked[0] == 200 and headers(locked)["ETag"] != tag
    status, problem, _ = await tcp.ask("DELETE", "/rooms/standup", headers={"If-Match": tag})
    assert (status, problem["kind"]) == (412, "changed") and headers(locked)["ETag"] in problem["detail"]
    assert (await tcp.ask("DELETE", "/rooms/standup", headers={"If-Match": headers(locked)["ETag"]}))[0] == 204
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers={"If-Match": "*"}))[0] == 412


@pytest_twisted.ensureDeferred
async def test_a_room_that_is_only_to_be_made(tcp: Served) -> None:
    new = {"If-None-Match": "*"}
    assert (await tcp.ask("PUT", "/rooms/standup", {"max_participants": 3}, headers=new))[0] == 412
    assert (await tcp.ask("PUT", "/rooms/board", {"max_participants": 3}, headers=new))[0] == 201
    assert [command.room for command, _ in tcp.door.asked] == ["board"]


# ------------------------------------------------------------------ pages and parameters
@pytest_twisted.ensureDeferred
async def test_lists_by_pages(tcp: Served) -> None:
    for name in ("a", "b", "c"):
        tcp.door.make(name)
    seen, path = [], "/rooms?limit=3"
    while path:
        status, rooms, head = await tcp.ask("GET", path)
        assert status == 200 and len(rooms) <= 3
        seen += [room["name"] for room in rooms]
        path = (head["Link"] or "").partition("<")[2].partition(">")[0]
    assert seen == ["a", "b", "c", "standup"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=", "limit=1.5", "limit=1&limit=2", "x=1", "limit", "=", "&",
     "after=%ff", "limit=1e400", "limit=" + "9" * 50, "after=" + "x" * 1025],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_parameters_that_make_no_sense(query: str, tcp: Served) -> None:
    status, problem, _ = await tcp.ask("GET", f"/rooms?{query}")
    assert (status, problem["title"]) == (400, "Bad Request")
    assert (await tcp.ask("GET", "/rooms/standup?limit=1"))[0] == 400, "what is no list has no pages"


# ------------------------------------------------------------------ pace
@pytest_twisted.ensureDeferred
async def test_a_token_has_its_pace() -> None:
    now = [1000.0]
    gate = Gate(TOKEN, None, Terms(requests=2, failures=2))
    server = Served(HouseDoor(), ("127.0.0.1", 0), gate, ways=Ways(now=lambda: now[0]))
    try:
        for _ in range(2 * BURST):
            assert (await server.ask("GET", "/rooms"))[0] == 200
        status, _, head = await server.ask("GET", "/rooms")
        assert (status, head["Retry-After"]) == (429, "1")
        now[0] += 1
        assert (await server.ask("GET", "/rooms"))[0] == 200
        answers = [(await server.ask("GET", "/rooms", token="wrong"))[0] for _ in range(4)]
        assert answers == [401, 401, 429, 429]
        assert (await server.ask("GET", "/rooms"))[0] == 200, "not the administrator of this machine"
        assert (await server.ask("GET", "/health", token=""))[0] == 200
    finally:
        await server.port.stopListening()


# ------------------------------------------------------------------ pages in browsers
@pytest_twisted.ensureDeferred
async def test_a_listed_page_may_ask(tcp: Served) -> None:
    wish = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
    status, nothing, head = await tcp.ask("OPTIONS", "/rooms/standup", token="", headers=wish)
    assert (status, nothing, head["Access-Control-Allow-Origin"]) == (204, None, PAGE)
    assert "Authorization" in head["Access-Control-Allow-Headers"] and "PUT" in head["Access-Control-Allow-Methods"]
    status, _, head = await tcp.ask("GET", "/rooms", headers={"Origin": PAGE})
    assert (status, head["Access-Control-Allow-Origin"], head["Vary"]) == (200, PAGE, "Origin")
    assert "ETag" in head["Access-Control-Expose-Headers"]
    assert (await tcp.ask("GET", "/rooms", token="", headers={"Origin": PAGE}))[0] == 401


@pytest_twisted.ensureDeferred
async def test_no_other_page_may(tcp: Served) -> None:
    for origin in ("https://evil.example", "null", PAGE + ".evil.example", PAGE + ":8443", "http://rooms.example.com"):
        wish = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        status, _, head = await tcp.ask("OPTIONS", "/rooms/standup", token="", headers=wish)
        assert (status, head["Access-Control-Allow-Origin"]) == (401, None), origin
        assert (
            headers(await tcp.ask("GET", "/rooms", headers={"Origin": origin}))["Access-Control-Allow-Origin"] is None
        )
    assert (await tcp.ask("OPTIONS", "/rooms"))[0] == 405


# ------------------------------------------------------------------ TLS
@pytest_twisted.ensureDeferred
async def test_by_tls_any_host_will_do(tmp_path: Path) -> None:
    pair = KeyPair(tmp_path / "c.pem", tmp_path / "k.pem")
    certificate, key = self_signed(["conf.example.com"], datetime.now(UTC))
    pair.certificate.write_bytes(certificate)
    pair.key.write_bytes(key)
    server = Served(HouseDoor(), ("127.0.0.1", 0), secured=Tls(pair).incoming)

    def ask(verified: bool) -> int:
        context = ssl.create_default_context(cadata=certificate.decode() if verified else None)
        context.check_hostname = False
        assert not isinstance(server.where, Path)
        connection = http.client.HTTPSConnection(*server.where, timeout=5, context=context)
        connection.request("GET", "/rooms", headers={"Authorization": f"Bearer {TOKEN}", "Host": "conf.example.com"})
        return connection.getresponse().status

    try:
        assert await deferToThread(ask, True) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await deferToThread(ask, False)
        with pytest.raises((http.client.HTTPException, OSError)):
            await server.ask("GET", "/rooms")
    finally:
        await server.port.stopListening()


# ------------------------------------------------------------------ what is kept when it is too much
@pytest_twisted.ensureDeferred
async def test_what_is_refused_for_its_size_or_its_moment_keeps_no_key(tcp: Served) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await tcp.ask("POST", "/rooms/standup/lock", b" " * (MOST_BODY_BYTES + 1), headers=key))[0] == 413
    tcp.door.hold = True
    waiting = [pytest_twisted.defer.ensureDeferred(tcp.ask("POST", "/rooms/standup/lock")) for _ in range(MOST_AT_ONCE)]
    await until(lambda: len(tcp.door.held) == MOST_AT_ONCE)
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers=key))[0] == 503
    tcp.door.hold = False
    for done in tcp.door.held:
        done.callback(None)
    for each in waiting:
        await each
    assert (await tcp.ask("POST", "/rooms/standup/lock", headers=key))[0] == 200
    assert {type(command) for command, _ in tcp.door.asked} == {Lock}
