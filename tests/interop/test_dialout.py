"""Rooms call real phones: sipp with each result, baresip with sound both ways."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.phone import Phone
from tests.kit.server import Server, kick
from tests.kit.sipp_callee import Callee, answers, is_cancelled, is_hung_up_on, refuses, rings, waits
from tests.kit.tones import LEVEL_DB

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need("sipp")
    with Server(tmp_path_factory.mktemp("calling"), dialout={"domains": ["127.0.0.0/8"]}) as server:
        yield server


def dial(server: Server, room: str, uri: str, **more: object) -> None:
    server.http("POST", f"/rooms/{room}/dial", {"uri": uri, "name": "Bob", **more})


def wait_for_log(server: Server, *words: str, timeout: float = 10.0) -> None:
    """Until one line of the log has all these words."""
    end = time.monotonic() + timeout
    while not any(all(word in line for word in words) for line in server.said().splitlines()):
        assert time.monotonic() < end, f"no line with {words} in:\n{server.said()[-3000:]}"
        time.sleep(0.05)


def test_who_is_called_rings_answers_and_is_hung_up_on(calling: Server, tmp_path: Path) -> None:
    with Callee(tmp_path, "bob", [rings(), waits(200), answers(), is_hung_up_on()]) as bob:
        dial(calling, "answered", bob.uri)
        calling.wait_until_in("answered", "Bob")
        wait_for_log(calling, "dial ringing", "room=answered", "status=180")
        kick(calling, "answered", "Bob")
        bob.finish(10)
        assert 'From: "answered" <sip:answered@127.0.0.1' in bob.messages()


def test_early_media_breaks_nothing(calling: Server, tmp_path: Path) -> None:
    early = rings("183 Session Progress", with_sound=True)
    with Callee(tmp_path, "bob", [early, waits(300), answers(), is_hung_up_on()]) as bob:
        dial(calling, "early", bob.uri)
        wait_for_log(calling, "dial ringing", "room=early", "status=183")
        calling.wait_until_in("early", "Bob")
        calling.cli("room", "end", "early")
        bob.finish(10)


@pytest.mark.parametrize(
    ("status", "cause"), [("486 Busy Here", "busy"), ("603 Decline", "declined"), ("408 Request Timeout", "no answer")]
)
def test_a_refusal(calling: Server, tmp_path: Path, status: str, cause: str) -> None:
    room = f"refused-{status[:3]}"
    with Callee(tmp_path, "bob", [rings(), refuses(status)]) as bob:
        dial(calling, room, bob.uri)
        bob.finish(10)
    wait_for_log(calling, "dial failed", f"room={room}", cause, f"status={status[:3]}")
    assert calling.participants(room) == {}


def test_nobody_answers(calling: Server, tmp_path: Path) -> None:
    with Callee(tmp_path, "bob", [rings(), is_cancelled()]) as bob:
        dial(calling, "unanswered", bob.uri, ring_s=1.0)
        bob.finish(10)
    wait_for_log(calling, "dial failed", "room=unanswered", "no answer")


def test_a_forwarded_call(calling: Server, tmp_path: Path) -> None:
    with Callee(tmp_path, "carl", [answers(), is_hung_up_on()]) as carl:
        moved = refuses("302 Moved Temporarily").replace("<sip:bob@[local_ip]:[local_port]>", f"<{carl.uri}>")
        with Callee(tmp_path, "bob", [moved]) as bob:
            dial(calling, "forwarded", bob.uri)
            bob.finish(10)
        calling.wait_until_in("forwarded", "Bob")
        calling.cli("room", "end", "forwarded")
        carl.finish(10)
    wait_for_log(calling, "dial redirected", "room=forwarded", carl.uri)


def test_two_answer_one_call(calling: Server, tmp_path: Path) -> None:
    """A forked 2xx: the second answer is acknowledged and hung up, the first stays (RFC 3261 13.2.2.4)."""
    with Callee(tmp_path, "bob", [answers("first", "second"), is_hung_up_on(), is_hung_up_on()]) as bob:
        dial(calling, "forked", bob.uri)
        calling.wait_until_in("forked", "Bob")
        wait_until_hung_up(bob, "second")
        assert calling.participants("forked").keys() == {"Bob"}
        calling.cli("room", "end", "forked")
        bob.finish(10)


def wait_until_hung_up(bob: Callee, tag: str, timeout: float = 5.0) -> None:
    end = time.monotonic() + timeout
    while not re.search(rf"BYE sip:.*?\nTo: [^\n]*tag={tag}", bob.messages(), re.DOTALL):
        assert time.monotonic() < end, bob.messages()
        time.sleep(0.05)


def test_beyond_the_fence(calling: Server) -> None:
    done = calling.run("room", "dial", "standup", "--uri", "sip:bob@198.51.100.7")
    assert done.returncode == 1 and "198.51.100.7 is not listed in dialout.domains" in done.stderr


def test_baresip_is_called_and_both_hear_each_other(calling: Server, tmp_path: Path) -> None:
    need("baresip")
    with Baresip(tmp_path, "bob", 650) as bob, Phone(calling.address, "anna", tone_hz=400) as anna:
        assert anna.dial("sound").status == 200
        dial(calling, "sound", f"sip:bob@127.0.0.1:{bob.port}")
        calling.wait_until_in("sound", "anna", "Bob")
        time.sleep(2.0)
        kick(calling, "sound", "Bob")
        bob.wait_for_event("CALL_CLOSED")
        assert abs(anna.heard().level_db(650, start=-1.5, end=-0.5) - LEVEL_DB) < 3
        assert abs(bob.heard().level_db(400, 0.7, 1.5) - LEVEL_DB) < 3
