"""The main job: three people with three different phones in one room, and somebody runs it by script.

Two workers with a room on each. In the room under test baresip, pjsua2 and the robot phone play a tone each and
record; sipp joins and is heard. Every recorder hears the others at their level, itself not at all, and no gap. One
holds and comes back, one is muted by a script, all leave, by BYE from either side; nothing is left behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.listen import Recording
from tests.kit.phone import Phone
from tests.kit.pjsua import Pjsua
from tests.kit.robot import Robot
from tests.kit.server import Server, kick
from tests.kit.sipp import Sipp
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.slow]

ANNA, BOB, ROBOT, CARL, OTHER = 400.0, 650.0, 900.0, 1150.0, 1400.0
"""Tones of baresip, pjsua2, `confserver call`, sipp, and whoever is in the other room."""
LOUD_DB = LEVEL_DB - 3.0
SILENT_DB = -40.0
MOST_GAP_MS = 60.0
OF_MEDIA = ("legs", "rooms", "seats", "mixes", "present")
"""Counts of what ends with the call, not with its last transaction."""
ALL_ENDED_SECONDS = 40.0
"""Timer J and K (32 s) keep a transaction for that long after the last BYE (RFC 3261 section 17)."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    need("baresip", "pjsua2", "sipp")
    with Server(tmp_path, media={"workers": 2}) as started:
        yield started


def assert_hears(heard: Recording, tones: list[float], own: float, start: float, end: float, who: str) -> None:
    """All these tones at their level without a gap, his own and the other room's not at all."""
    for hz in tones:
        level = heard.level_db(hz, start, end)
        assert abs(level - LEVEL_DB) <= 3.0, f"{who} hears {hz} Hz at {level:.1f} dB, not {LEVEL_DB} dB"
        gap = heard.longest_gap_ms(hz, LEVEL_DB, start, end)
        assert gap <= MOST_GAP_MS, f"{who} misses {hz} Hz for {gap} ms"
    assert heard.highest_db(own, start, end) < SILENT_DB, f"{who} hears himself"
    assert heard.highest_db(OTHER, start, end) < SILENT_DB, f"{who} hears the other room"


def assert_hears_the_hold(heard: Recording, holder: float, steady: float, own: float, who: str) -> None:
    """The whole call as one recorded it who stayed: the holder's tone twice with a pause, another's in one piece."""
    spans = heard.spans(holder, LEVEL_DB, MOST_GAP_MS)
    assert len(spans) == 2, f"{who} hears the one who held at {spans}"
    (first, paused), (again, last) = spans
    assert again - paused > 1.0, f"{who}: the hold lasts {again - paused:.2f} s"
    assert heard.highest_db(holder, paused + 0.1, again - 0.1) < SILENT_DB, f"{who} hears him during the hold"
    whole = heard.spans(steady, LEVEL_DB, MOST_GAP_MS)
    assert len(whole) == 1, f"{who} hears {steady} Hz in pieces: {whole}"
    for start, end in ((first, paused), (again, last)):
        assert_hears(heard, [holder], own, start + 0.2, end - 0.2, who)
    assert_hears(heard, [steady], own, whole[0][0] + 0.2, whole[0][1] - 0.2, who)


def test_three_phones_talk_hold_and_leave(server: Server, tmp_path: Path) -> None:
    before = server.counts()
    with ExitStack() as phones:
        other = phones.enter_context(Phone(server.address, "other", tone_hz=OTHER))
        assert other.dial("elsewhere").status == 200
        bob = phones.enter_context(Pjsua(tmp_path, "bob", BOB))
        anna = phones.enter_context(Baresip(tmp_path, "anna", ANNA))
        robot = phones.enter_context(Robot(server, tmp_path, "robot", ROBOT, "standup", for_seconds=15))
        bob.dial(server.uri("standup"))
        anna.dial(server.uri("standup"))
        server.wait_until_in("standup", "anna", "bob", "robot")
        server.wait_until_in("elsewhere", "other")
        assert [worker["rooms"] for worker in server.status()["workers"]] == [1, 1], "a room on each worker"
        time.sleep(0.5)

        bob.record()
        time.sleep(3.5)
        assert_hears(bob.heard(), [ANNA, ROBOT], BOB, 0.2, 3.3, "pjsua2")
        bob.hold()
        assert server.wait_until_in("standup", "anna", "bob", "robot")["bob"]["held"]
        time.sleep(1.5)
        bob.resume()
        assert not server.participants("standup")["bob"]["held"]
        bob.record()
        time.sleep(3.0)
        assert_hears(bob.heard(), [ANNA, ROBOT], BOB, 0.5, 2.8, "pjsua2 after the hold")

        robot.finish()
        server.wait_until_in("standup", "anna", "bob")
        assert_hears_the_hold(robot.heard(), BOB, ANNA, ROBOT, "the robot")
        assert_hears_the_hold(anna.heard(), BOB, ROBOT, ANNA, "baresip")

        anna.hang_up()
        server.wait_until_in("standup", "bob")
        kick(server, "standup", "bob")
        bob.wait_for("state", state="DISCONNECTED")
        assert not server.participants("standup")
    server.wait_for_counts(before, ALL_ENDED_SECONDS)


def test_baresip_holds_and_resumes(server: Server, tmp_path: Path) -> None:
    with Pjsua(tmp_path, "bob", BOB) as bob, Baresip(tmp_path, "anna", ANNA) as anna:
        bob.dial(server.uri("standup"))
        anna.dial(server.uri("standup"))
        server.wait_until_in("standup", "anna", "bob")
        anna.hold()
        time.sleep(0.3)
        assert server.participants("standup")["anna"]["held"]
        bob.record()
        time.sleep(1.0)
        assert bob.heard().level_db(ANNA, 0.3) < SILENT_DB
        anna.resume()
        time.sleep(0.5)
        bob.record()
        time.sleep(2.0)
        assert_hears(bob.heard(), [ANNA], BOB, 0.3, 1.8, "pjsua2")
        server.cli("room", "end", "standup")
        bob.wait_for("state", state="DISCONNECTED")
        anna.wait_for_event("CALL_CLOSED")


@pytest.mark.parametrize("waits", [False, True], ids=["sipp hangs up", "the server hangs up"])
def test_sipp_joins_and_is_heard(server: Server, tmp_path: Path, waits: bool) -> None:
    before = server.counts()
    with Phone(server.address, "dora", tone_hz=ANNA) as dora, Pjsua(tmp_path, "bob", BOB) as bob:
        assert dora.dial("standup").status == 200
        bob.dial(server.uri("standup"))
        bob.record()
        with Sipp(tmp_path, "carl", server.address, "standup", CARL, 20 if waits else 3.0, waits=waits) as carl:
            server.wait_until_in("standup", "dora", "bob", "carl")
            time.sleep(2.5)
            if waits:
                kick(server, "standup", "carl")
            carl.finish(10)
        server.wait_until_in("standup", "dora", "bob")
        heard = bob.heard()
        for recording, own, who in ((heard, BOB, "pjsua2"), (dora.heard(), ANNA, "the plain phone")):
            onset = recording.onset_s(CARL, LOUD_DB)
            assert onset is not None, f"{who} does not hear sipp"
            assert_hears(recording, [CARL], own, onset + 0.2, onset + 2.0, who)
        bob.hang_up()
    server.wait_for_counts(before, 5, *OF_MEDIA)
