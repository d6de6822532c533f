"""Whole sessions by the keys of real phones: what they do, and what the phones hear of it.

baresip presses by RTP (RFC 4733), pjsua2 by INFO. What is heard is compared with the prompts' own sound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


def until(is_so: Callable[[], object], what: str, timeout: float = 8.0) -> None:
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


def test_baresip_comes_in_by_pin_mutes_itself_and_asks_to_speak(server: Server, tmp_path: Path) -> None:
    need("baresip")
    with Baresip(tmp_path, "bob", 650) as bob:

        def said(prompt: str, times: int = 1) -> None:
            until(lambda: len(Said(bob.heard()).times(prompt)) >= times, f"{prompt} is heard")

        bob.dial(server.uri(ROOM))
        until(lambda: waits_for(server) == ["pin"], "he is asked for the PIN")
        said("enter-pin")
        bob.press("1111#")
        said("wrong-pin")
        assert waits_for(server) == ["pin"]
        bob.press(f"{PIN}#")
        server.wait_until_in(ROOM, "bob", timeout=8)
        bob.press("1")
        said("muted")
        assert server.participants(ROOM)["bob"]["muted"] == ["self"]
        bob.press("1")
        said("unmuted")
        assert server.participants(ROOM)["bob"]["muted"] == []
        bob.press("5")
        said("hand-up")
        assert room(server)["hands"] == [server.participants(ROOM)["bob"]["id"]]
        bob.press("3")
        said("only-one")
        bob.press("*2")
        until(lambda: not room(server)["locked"], "a participant locks no room")
        Said(bob.heard()).in_order(["enter-pin", "wrong-pin", "muted", "unmuted", "hand-up", "only-one"])
        bob.hang_up()
    server.wait_until_in(ROOM)


def test_pjsua2_comes_by_the_entrance_as_moderator_and_locks_the_room(server: Server, tmp_path: Path) -> None:
    need("pjsua2")
    with Pjsua(tmp_path, "anna", 400) as anna:
        anna.record()
        anna.dial(server.uri(DOOR))
        until(lambda: waits_for(server, DOOR) == ["room"], "she is asked for the room")
        anna.tell("press", digits=f"{ROOM}#")
        until(lambda: waits_for(server) == ["pin"], "she is asked for the PIN")
        time.sleep(2.5)  # the prompt is heard to its end
        anna.tell("press", digits=f"{HOST_PIN}#")
        server.wait_until_in(ROOM, "anna", timeout=8)
        assert server.participants(ROOM)["anna"]["role"] == "moderator"
        anna.tell("press", digits="*2")
        until(lambda: room(server)["locked"], "the room is locked")
        time.sleep(1.5)
        anna.tell("press", digits="2")
        time.sleep(2.5)
        Said(anna.heard()).in_order(["enter-pin", "room-locked", "only-one"])
        anna.hang_up()
    server.wait_until_in(ROOM)
