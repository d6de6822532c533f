"""Deliveries over real sockets, to receivers that take them, refuse, hang, close, send elsewhere, or never end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from confserver.admin import hook_sender
from confserver.admin.feed import Feed
from confserver.admin.hook_sender import Http, Sender
from confserver.admin.hooks import Hook, Letter, Line, Outcome
from confserver.client.signature import is_signed
from tests.admin.test_http import until
from tests.kit.news import news_of

SECRET = "correct horse battery staple"
NOW = 1_700_000_000.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver(Protocol):
    """Takes one request after the other; ``answers`` says what it does about each."""

    factory: House

    def connectionMade(self) -> None:
        self.data = b""
        self.factory.connections += 1
        self.factory.open.append(self)

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        head, _, rest = self.data.partition(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        if _ and len(rest) >= length:
            self.data = rest[length:]
            lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
            self.factory.heard.append((lines[0], headers, rest[:length]))
            self.factory.answers[min(len(self.factory.heard), len(self.factory.answers)) - 1](self)


class House(Factory):
    protocol = Receiver
    noisy = False

    def __init__(self, *answers: Callable[[Any], object]) -> None:
        self.answers = answers
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.open: list[Receiver] = []
        self.connections = 0
        self.port: Any = reactor.listenTCP(0, self, interface="127.0.0.1")  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port.getHost().port}/calls?x=1"

    async def stop(self) -> None:
        for each in self.open:
            each.transport.abortConnection()  # type: ignore[union-attr]
        await self.port.stopListening()


def say(text: bytes) -> Callable[[Receiver], object]:
    return lambda receiver: receiver.transport.write(text)  # type: ignore[union-attr]


def status(code: int, *headers: str) -> Callable[[Receiver], object]:
    return say("\r\n".join([f"HTTP/1.1 {code} x", "Content-Length: 0", *headers, "", ""]).encode())


def close(receiver: Receiver) -> None:
    receiver.transport.abortConnection()  # type: ignore[union-attr]


def hang(receiver: Receiver) -> None:
    """Nothing comes."""


@pytest_twisted.async_yield_fixture
async def http() -> AsyncIterator[Http]:
    made = Http(reactor, "confserver/test")
    yield made
    await made.close()


async def post(http: Http, house: House, url: str = "") -> Outcome:
    line = Line(Hook("crm", url or house.url, SECRET), Feed("abc", 1000), lambda: 1.0)
    try:
        return await http(line, Letter("abc-7", "message", NOW, b'{"id":"abc-7"}', 7), NOW)
    finally:
        await house.stop()


# ------------------------------------------------------------------ one delivery
@pytest_twisted.ensureDeferred
async def test_a_delivery_is_a_signed_post(http: Http) -> None:
    house = House(say(OK))
    assert await post(http, house) == Outcome(True, "200")
    [(line, headers, body)] = house.heard
    assert line == "POST /calls?x=1 HTTP/1.1" and body == b'{"id":"abc-7"}'
    assert (headers["x-confserver-event"], headers["x-confserver-delivery"]) == ("message", "abc-7")
    assert headers["content-type"] == "application/json" and headers["user-agent"] == "confserver/test"
    assert is_signed(SECRET, headers["x-confserver-signature"], body, NOW + 5)


@pytest.mark.parametrize(
    ("answer", "words", "is_final", "later"),
    [
        (status(204), "204", False, 0.0), (status(500), "500", False, 0.0), (status(404), "404", False, 0.0),
        (status(410), "410", True, 0.0), (status(503, "Retry-After: 30"), "503", False, 30.0),
        (status(429, "Retry-After: tomorrow"), "429", False, 0.0), (close, "", False, 0.0),
        (say(b"SSH-2.0-OpenSSH\r\n\r\n"), "", False, 0.0),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "", False, 0.0),
    ],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_what_comes_of_it(
    http: Http, answer: Callable[[Any], object], words: str, is_final: bool, later: float
) -> None:
    outcome = await post(http, House(answer))
    assert outcome.is_good == (words == "204") and outcome.words.startswith(words) and outcome.words
    assert (outcome.is_final, outcome.later_s) == (is_final, later)


@pytest_twisted.ensureDeferred
async def test_nobody_is_sent_elsewhere(http: Http) -> None:
    other = House(say(OK))
    outcome = await post(http, House(status(307, f"Location: {other.url}")))
    assert not outcome.is_good and "not followed" in outcome.words and not other.heard
    await other.stop()


@pytest_twisted.ensureDeferred
async def test_a_receiver_that_hangs_is_given_up(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_sender, "ANSWER_S", 0.1)
    for answer in (hang, say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nslow")):
        outcome = await post(http, House(answer))
        assert not outcome.is_good and "no answer within" in outcome.words


@pytest_twisted.ensureDeferred
async def test_a_receiver_that_talks_without_end_is_cut_off(http: Http) -> None:
    def talk(receiver: Receiver) -> None:
        receiver.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")  # type: ignore[union-attr]

        def more() -> None:
            if receiver.connected:
                receiver.transport.write(b"x" * 65536)  # type: ignore[union-attr]
                reactor.callLater(0.001, more)  # type: ignore[attr-defined]

        more()

    assert (await post(http, House(talk))).is_good, "the status counts; the rest is nobody's"


@pytest_twisted.ensureDeferred
async def test_nobody_is_there(http: Http) -> None:
    house = House(say(OK))
    url = house.url
    await house.stop()
    outcome = await post(http, House(say(OK)), url)
    assert not outcome.is_good and "refused" in outcome.words.lower()
    outcome = await post(http, House(say(OK)), "http://[::ffff:/")
    assert not outcome.is_good


# ------------------------------------------------------------------ many
class Desk:
    """A sender at work."""

    def __init__(self, *houses: House) -> None:
        self.feed = Feed("abc", 1 << 20)
        self.http = Http(reactor, "confserver/test")
        self.buried: list[str] = []
        self.sender = Sender(reactor, reactor.seconds, self.http, lambda line, letter: self.buried.append(letter.id))  # type: ignore[attr-defined]
        for number, house in enumerate(houses):
            hook = Hook(f"h{number}", house.url, SECRET)
            self.sender.lines[hook.name] = Line(hook, self.feed, lambda: 0.0)

    def happen(self, count: int = 1) -> None:
        for _ in range(count):
            told = {"type": "message", "room": "standup", "number": 1, "at": reactor.seconds()}  # type: ignore[attr-defined]
            self.feed.append([news_of(told)])()
        self.sender.wake()

    async def stop(self, *houses: House) -> None:
        self.sender.close()
        await self.http.close()
        for each in houses:
            await each.stop()


def ids(house: House) -> list[str]:
    return [json.loads(body)["id"] for _, _, body in house.heard]


@pytest_twisted.ensureDeferred
async def test_each_hook_gets_all_in_order_over_one_connection() -> None:
    first, second = House(say(OK)), House(say(OK))
    desk = Desk(first, second)
    desk.happen(20)
    desk.happen(5)
    await until(lambda: len(first.heard) == len(second.heard) == 25)
    assert ids(first) == ids(second) == [f"abc-{number}" for number in range(1, 26)]
    assert first.connections == 1
    await desk.stop(first, second)


@pytest_twisted.ensureDeferred
async def test_one_that_fails_is_tried_again_and_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confserver.admin.hooks.FIRST_PAUSE_S", 0.05)
    bad, good = House(status(500), close, status(302), say(OK)), House(say(OK))
    desk = Desk(bad, good)
    desk.happen(3)
    await until(lambda: len(good.heard) == 3 and len(bad.heard) == 6)
    assert ids(bad) == ["abc-1"] * 4 + ["abc-2", "abc-3"] and ids(good) == ["abc-1", "abc-2", "abc-3"]
    assert desk.buried == []
    await desk.stop(bad, good)


@pytest_twisted.ensureDeferred
async def test_what_is_under_way_when_the_server_stops_is_the_next_ones() -> None:
    house = House(hang)
    desk = Desk(house)
    desk.happen(3)
    await until(lambda: len(house.heard) == 1)
    desk.sender.close()
    desk.sender.wake()
    await desk.stop(house)
    assert desk.buried == [] and desk.sender.lines["h0"].place == 0 and len(house.heard) == 1


@pytest_twisted.ensureDeferred
async def test_a_hook_that_is_taken_away_meanwhile() -> None:
    house = House(hang)
    desk = Desk(house)
    desk.happen()
    await until(lambda: len(house.heard) == 1)
    line = desk.sender.lines.pop("h0")
    house.open[0].transport.write(OK)  # type: ignore[union-attr]
    await until(lambda: not line.delivered)
    await desk.stop(house)


def test_a_sender_without_hooks_has_no_timer() -> None:
    from twisted.internet.task import Clock

    clock = Clock()

    def never(*_: object) -> Deferred[Outcome]:
        raise AssertionError("there is nobody")

    sender = Sender(clock, clock.seconds, never, lambda line, letter: None)
    sender.wake()
    clock.advance(0)
    assert not clock.getDelayedCalls()
