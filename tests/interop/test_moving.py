"""Real phones that are taken to a room of another media process: they follow by re-INVITE, and hear who is there; who
is sent to a breakout room hears a host from the main one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.phone import Phone
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop]

ANNA, BOB, OTHER = 400.0, 650.0, 1400.0
LOUD_DB, SILENT_DB = LEVEL_DB - 3.0, -40.0
PATIENCE_S = 5.0


def hears(phone: Phone | Pjsua, *, loud: tuple[float, ...], silent: tuple[float, ...] = ()) -> bool:
    """Within the last 0.6 s."""
    if isinstance(phone, Pjsua):
        phone.record()
        time.sleep(0.6)
        heard = phone.heard()
    else:
        time.sleep(0.6)
        heard = phone.heard(time.monotonic() - 0.6)
    levels = {hz: heard.level_db(hz) for hz in (*loud, *silent)}
    return all(levels[hz] > LOUD_DB for hz in loud) and all(levels[hz] < SILENT_DB for hz in silent)


def wait_until_it_hears(phone: Phone | Pjsua, *, loud: tuple[float, ...], silent: tuple[float, ...] = ()) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not hears(phone, loud=loud, silent=silent):
        assert time.monotonic() < ends, f"it does not hear {loud} and not {silent}"


def test_pjsua2_and_baresip_follow_to_another_media_process(tmp_path: Path) -> None:
    need("baresip", "pjsua2")
    with (
        Server(tmp_path, media={"workers": 2}) as server,
        Phone(server.address, "other", tone_hz=OTHER) as other,
        Pjsua(tmp_path, "bob", BOB) as bob,
        Baresip(tmp_path, "anna", ANNA) as anna,
    ):
        assert other.dial("board").status == 200
        bob.dial(server.uri("standup"))
        anna.dial(server.uri("standup"))
        before = server.wait_until_in("standup", "anna", "bob")
        assert [worker["rooms"] for worker in server.status()["workers"]] == [1, 1], "a room on each worker"
        wait_until_it_hears(bob, loud=(ANNA,), silent=(OTHER, BOB))

        server.cli("room", "move", "standup", "bob", "--to", "board")
        wait_until_it_hears(bob, loud=(OTHER,), silent=(ANNA, BOB))
        wait_until_it_hears(other, loud=(BOB,), silent=(ANNA,))
        server.cli("room", "move-all", "standup", "--to", "board")
        after = server.wait_until_in("board", "anna", "bob", "other")
        assert {who: after[who]["id"] for who in before} == {who: before[who]["id"] for who in before}
        wait_until_it_hears(other, loud=(ANNA, BOB), silent=(OTHER,))

        server.cli("room", "whisper", "board", "anna", "--to", "bob")
        wait_until_it_hears(bob, loud=(ANNA, OTHER), silent=(BOB,))
        wait_until_it_hears(other, loud=(BOB,), silent=(ANNA,))
        anna.hang_up()
        server.wait_until_in("board", "bob", "other")

        server.cli("room", "open-breakouts", "board", "--names", "red", "--assign", "bob=red", "--no-evenly")
        server.wait_until_in("red", "bob")
        wait_until_it_hears(bob, loud=(), silent=(OTHER,))
        server.cli("room", "broadcast-voice", "board", "other")
        wait_until_it_hears(bob, loud=(OTHER,), silent=(BOB,))
        wait_until_it_hears(other, loud=(), silent=(BOB, OTHER))
        server.cli("room", "end-broadcast", "board", "other")
        wait_until_it_hears(bob, loud=(), silent=(OTHER,))
