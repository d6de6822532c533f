"""Whole sessions by the keys of real phones: what they do, and what the phones hear of it.

baresip presses by RTP (RFC 4733), pjsua2 by INFO. What is heard is compared with the prompts' own sound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.pjsua import Pjsua
from tests.kit.said import Said
from tests.kit.server import Server

pytestmark = pytest.mark.interop

ROOM, PIN, HOST_PIN, DOOR = "4711", "1234", "9876", "conference"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("keypad"), rooms={"entrance": [DOOR], "music_when_alone": False}) as started:
        started.http("PUT", f"/rooms/{ROOM}", {"pin": PIN, "moderator_pin": HOST_PIN})
        yield started


def until(is_so: Callable[[], object], what: str, timeout: float = 15.0) -> None:
    end = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < end, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.1)


def room(server: Server) -> dict[str, Any]:
    told = server.http("GET", f"/rooms/{ROOM}")
    assert isinstance(told, dict)
    return told


def waits_for(server: Server, name: str = ROOM) -> list[str]:
    return [person["waits_for"] for person in server.http("GET", f"/rooms/{name}")["waiting"]]


def test_two_phones_run_a_room_by_their_keys(server: Server, tmp_path: Path) -> None:
    """Bob (baresip, RFC 4733) calls the room, Anna (pjsua2, INFO) the entrance number; each hears what is for him."""
    need("baresip", "pjsua2")
    with Baresip(tmp_path, "bob", 650, sound=np.zeros(8000)) as bob, Pjsua(tmp_path, "anna", 400) as anna:

        def bob_hears(prompt: str) -> None:
            until(lambda: Said(bob.heard()).times(prompt), f"{prompt} is heard")

        anna.record()
        anna.dial(server.uri(DOOR))
        until(lambda: waits_for(server, DOOR) == ["room"], "she is asked for the room")
        bob.dial(server.uri(ROOM))
        anna.tell("press", digits=f"{ROOM}#")
        until(lambda: waits_for(server) == ["pin", "pin"], "both are asked for the PIN")
        bob_hears("enter-pin")
        bob.press("1111#")
        bob_hears("wrong-pin")
        assert waits_for(server) == ["pin", "pin"]
        bob.press(f"{PIN}#")
        anna.tell("press", digits=f"{HOST_PIN}#")
        there = server.wait_until_in(ROOM, "anna", "bob", timeout=8)
        assert (there["anna"]["role"], there["bob"]["role"]) == ("moderator", "participant")
        anna.tell("press", digits="1")  # her tone would be heard in what is said to him
        until(lambda: server.participants(ROOM)["anna"]["muted"] == ["self"], "she is muted")
        bob.press("1")
        bob_hears("muted")
        assert server.participants(ROOM)["bob"]["muted"] == ["self"]
        anna.tell("press", digits="*2")
        until(lambda: room(server)["locked"], "the room is locked")
        bob.press("1")
        bob_hears("unmuted")
        assert server.participants(ROOM)["bob"]["muted"] == []
        bob.press("*2")
        bob.press("5")
        bob_hears("hand-up")
        assert room(server)["hands"] == [there["bob"]["id"]] and room(server)["locked"], "only she unlocks it"
        bob.press("3")
        bob_hears("in-the-room")
        Said(bob.heard()).in_order(["enter-pin", "wrong-pin", "muted", "unmuted", "hand-up", "there-are"])
        assert not Said(bob.heard()).times("room-locked"), "answers are for who has pressed"
        heard = Said(anna.heard())
        heard.in_order(["enter-pin", "muted", "room-locked"])
        assert not heard.times("wrong-pin") and not heard.times("hand-up")
    server.wait_until_in(ROOM)
