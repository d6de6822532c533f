"""The way out to a child: at once, in order, also where the line is full for a while."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock

from confserver.transports.outgoing import AGAIN_S, Outgoing


class Line:
    def __init__(self) -> None:
        self.clock = Clock()
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.outgoing = Outgoing(self.clock, self.ours)

    def heard(self) -> bytes:
        heard = b""
        while True:
            try:
                more = self.theirs.recv(1 << 20)
            except BlockingIOError:
                return heard
            if not more:
                return heard
            heard += more

    def close(self) -> None:
        self.outgoing.close()
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def line() -> Iterator[Line]:
    found = Line()
    yield found
    found.close()


def test_what_is_said_is_there_at_once(line: Line) -> None:
    line.outgoing.write(b"open")
    assert line.heard() == b"open"
    assert line.clock.getDelayedCalls() == []


def test_what_a_full_line_does_not_take_follows_in_order(line: Line) -> None:
    said = b""
    for number in range(200):
        word = str(number).encode().rjust(20_000)
        line.outgoing.write(word)
        said += word
    assert line.outgoing.waiting_bytes, "a socket does not hold four megabytes"
    heard = b""
    for _ in range(1000):
        heard += line.heard()
        line.clock.advance(AGAIN_S)
    assert heard == said and line.outgoing.waiting_bytes == 0
    assert line.clock.getDelayedCalls() == []
    line.outgoing.write(b"more")
    assert line.heard() == b"more"


def test_a_line_that_nobody_reads_any_more_keeps_nothing(line: Line) -> None:
    line.theirs.close()
    for _ in range(3):
        line.outgoing.write(b"x" * 1_000_000)
    assert line.outgoing.waiting_bytes == 0 and line.clock.getDelayedCalls() == []


def test_the_reader_goes_while_words_wait(line: Line) -> None:
    line.outgoing.write(b"x" * 4_000_000)
    assert line.outgoing.waiting_bytes
    line.theirs.close()
    line.clock.advance(AGAIN_S)
    assert line.outgoing.waiting_bytes == 0 and line.clock.getDelayedCalls() == []


def test_once_closed_it_says_nothing_and_waits_for_nothing(line: Line) -> None:
    line.outgoing.write(b"x" * 4_000_000)
    line.outgoing.close()
    line.outgoing.close()
    line.outgoing.write(b"late")
    assert line.clock.getDelayedCalls() == []
    line.heard()
    line.ours.close()
    assert line.theirs.recv(10) == b"", "both ends of ours are closed: they hear of it"
