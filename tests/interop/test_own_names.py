"""A caller says his name to real phones' ears: what he has said is what the others hear before "has joined".

His name is a tone, so that it is known again: its length and level, and that neither the beep nor the key is in it.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.said import Said
from tests.kit.server import Server
from tests.kit.tones import tone

pytestmark = pytest.mark.interop

ROOM, HZ, BEEP_HZ = "names", 650, 1000
SPEAKS_S = 3.0
PEAK_DB = -17.0
"""Of a sine whose power is -20 dBov."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """In whose state directory a name lies that another run has left there."""
    stopped = Server(tmp_path_factory.mktemp("names"), rooms={"music_when_alone": False})
    left = stopped.state_directory / "names" / "p3.flac"
    left.parent.mkdir(parents=True, mode=0o700)
    left.write_bytes(b"of yesterday")
    with stopped as started:
        assert not left.exists()
        started.http("PUT", f"/rooms/{ROOM}", {"record_names": "ask", "robots": ["anna"]})
        yield started


def until(is_so: Callable[[], object], what: str, timeout: float = 15.0) -> None:
    end = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < end, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.1)


def waiting(server: Server) -> list[dict[str, Any]]:
    return list(server.http("GET", f"/rooms/{ROOM}")["waiting"])


def test_the_others_hear_what_he_has_said(server: Server, tmp_path: Path) -> None:
    """Bob goes to the tone by #, is silent after SPEAKS_S, and ends it by #."""
    need("baresip")
    names = server.state_directory / "names"
    says = tone(HZ, SPEAKS_S, 8000)
    with Baresip(tmp_path, "anna", 0, sound=np.zeros(800)) as anna, Baresip(tmp_path, "bob", HZ, sound=says) as bob:
        anna.dial(server.uri(ROOM))
        server.wait_until_in(ROOM, "anna")
        bob.dial(server.uri(ROOM))
        began = time.monotonic()
        until(lambda: [each["waits_for"] for each in waiting(server)] == ["name"], "he is asked")
        bob.press("#")
        until(lambda: bob.heard().highest_db(BEEP_HZ) > -35, "he hears the beep")
        time.sleep(max(began + SPEAKS_S + 0.8 - time.monotonic(), 0.0))
        bob.press("#")
        there = server.wait_until_in(ROOM, "anna", "bob", timeout=10)
        assert there["bob"]["name_recorded"] and not there["anna"]["name_recorded"]
        [file] = names.iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.name == f"{there['bob']['id']}.flac"
        until(lambda: Said(anna.heard()).times("has-joined"), "she hears that he has joined")
        joined = Said(anna.heard()).at("has-joined")
        spans = [span for span in anna.heard().spans(HZ, PEAK_DB - 6) if span[0] < joined]
        begins, ends = max(spans, key=lambda span: span[1] - span[0])  # words have such tones too, for a moment
        assert 0.5 < ends - begins < SPEAKS_S and -0.2 < joined - ends < 0.5
        name = anna.heard().between(begins + 0.1, ends - 0.1)
        assert name.level_db(HZ) == pytest.approx(PEAK_DB, abs=1.0)
        for other in (BEEP_HZ, 941, 1477):
            assert name.highest_db(other) < -45, f"{other} Hz is in it"
    until(lambda: not list(names.iterdir()), "nothing is left of it when all have gone")
