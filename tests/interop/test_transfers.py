"""pjsua2 asks rooms to call, is transferred with and without consultation, writes and presses keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.interop.test_dialout import wait_for_log
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server, kick
from tests.kit.sipp_callee import Callee, answers, is_hung_up_on, refuses

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need("pjsua2", "sipp")
    settings = {"dialout": {"domains": ["127.0.0.0/8"]}, "log": {"level": "debug"}}
    with Server(tmp_path_factory.mktemp("meeting"), **settings) as server:
        yield server


def test_a_room_is_asked_to_call_and_says_how_it_goes(meeting: Server, tmp_path: Path) -> None:
    with Pjsua(tmp_path, "anna", 400) as anna:
        anna.dial(meeting.uri("asked"))
        with Callee(tmp_path, "bob", [answers(), is_hung_up_on()]) as bob:
            anna.tell("refer", uri=bob.uri)
            assert anna.wait_for("transfer", final=True)["status"] == 200
            meeting.wait_until_in("asked", "anna", bob.uri)
            kick(meeting, "asked", bob.uri)
            bob.finish(10)
        with Callee(tmp_path, "carl", [refuses("486 Busy Here")]) as carl:
            anna.tell("refer", uri=carl.uri)
            assert anna.wait_for("transfer", final=True)["status"] == 486
            carl.finish(10)
        meeting.wait_until_in("asked", "anna")


def test_a_colleague_takes_the_place_in_the_room(meeting: Server, tmp_path: Path) -> None:
    """Attended transfer into the room: Bob calls it with Replaces, and goes on as the same participant."""
    with Pjsua(tmp_path, "anna", 400) as anna, Pjsua(tmp_path, "bob", 650) as bob:
        anna.dial(meeting.uri("place"))
        before = meeting.wait_until_in("place", "anna")["anna"]
        anna.tell("consult", uri=f"sip:bob@127.0.0.1:{bob.port}")
        anna.wait_for("state", state="CONFIRMED")
        anna.tell("join")
        anna.wait_for("state", state="DISCONNECTED")
        end = time.monotonic() + 5
        while (after := meeting.participants("place").get("anna")) is None or "bob" not in after["address"]:
            assert time.monotonic() < end, after
            time.sleep(0.05)
        assert after["id"] == before["id"] and after["source"].endswith(f":{bob.port}")
        bob.hang_up()


def test_the_room_takes_the_place_of_a_call(meeting: Server, tmp_path: Path) -> None:
    """Attended transfer by the room: it calls Bob with Replaces, who leaves his call with Anna for it."""
    with Pjsua(tmp_path, "anna", 400) as anna, Pjsua(tmp_path, "bob", 650) as bob:
        anna.dial(meeting.uri("taken"))
        anna.tell("consult", uri=f"sip:bob@127.0.0.1:{bob.port}")
        anna.wait_for("state", state="CONFIRMED")
        anna.tell("hand_over")
        anna.wait_for("state", state="DISCONNECTED")
        end = time.monotonic() + 5
        while len(there := meeting.participants("taken")) != 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert any(person["dialled"] and "bob" in person["address"] for person in there.values()), there


def test_a_phone_is_sent_to_another_room(meeting: Server, tmp_path: Path) -> None:
    with Pjsua(tmp_path, "anna", 400) as anna:
        anna.dial(meeting.uri("here"))
        meeting.wait_until_in("here", "anna")
        meeting.cli("room", "transfer", "here", "anna", "--uri", meeting.uri("there"))
        meeting.wait_until_in("there", "anna")
        wait_for_log(meeting, "transfer ended", "room=here", "cause=done")
        meeting.wait_until_in("here")


def test_text_and_keys(meeting: Server, tmp_path: Path) -> None:
    with Pjsua(tmp_path, "anna", 400) as anna, Pjsua(tmp_path, "bob", 650) as bob:
        anna.dial(meeting.uri("text"))
        bob.dial(meeting.uri("text"))
        meeting.wait_until_in("text", "anna", "bob")
        anna.tell("text", words="hello")
        assert anna.wait_for("sent")["status"] == 202
        assert bob.wait_for("message")["text"] == "anna: hello"
        meeting.cli("room", "message", "text", "--text", "Ten minutes left.")
        assert bob.wait_for("message")["text"] == anna.wait_for("message")["text"] == "Ten minutes left."
        anna.tell("press", digits="5")
        wait_for_log(meeting, "key", "room=text", "digit=5")
