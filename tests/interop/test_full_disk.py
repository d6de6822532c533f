"""A disk that is really full: what is new is refused with a reason, calls are heard, and with space again all is well.

The server has its state on a small disk of its own, made of memory in a mount namespace of its own: where the system
does not let us make one (unprivileged user namespaces), the test is skipped. ``tests/app/test_space.py`` does the same
by a quota.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit import server as kit
from tests.kit.phone import Phone
from tests.kit.process import Child
from tests.kit.tones import LEVEL_DB

pytestmark = pytest.mark.interop

DISK_MB = 24
ALONE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = "mount -t tmpfs -o size={size}m tmpfs '{place}' && exec \"$@\""
PIECE = b"\0" * 65536


def may_mount(place: Path) -> bool:
    command = [*ALONE, MOUNT.format(size=1, place=place), "sh", "true"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except OSError:
        return False


class SmallDisk(kit.Server):
    """A server whose state, recordings among it, is on a disk of DISK_MB that only it and its children see by name."""

    def start(self) -> None:
        place = self.folder / "state"
        place.mkdir(exist_ok=True)
        mount = [*ALONE, MOUNT.format(size=DISK_MB, place=place), "sh"]
        command = [*mount, *kit.COMMAND, "serve", "--config", str(self.config)]
        self.child = Child(command, self.folder, "serve", environment=self.environment)
        self.state_directory = Path(f"/proc/{self.child.process.pid}/root{place.resolve()}") / "confserver"
        self.child.wait_for(self.answers, "it answered OPTIONS", kit.START_SECONDS)
        self.wait_until_ready()

    @property
    def filler(self) -> Path:
        return self.state_directory.parent / "filler"

    def fill(self) -> None:
        with self.filler.open("wb", buffering=0) as file:
            try:
                while file.write(PIECE):
                    pass
            except OSError:
                return

    def asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self.http(method, path, body) or {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def wait_for(happened: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def hears(phone: Phone, hz: float) -> None:
    """In most packets of the next half second."""
    since = time.monotonic()
    wait_for(lambda: sum(p.at > since for p in phone.packets[-100:]) >= 25, f"{phone.name} gets packets")
    levels = [packet.level_db(hz) for packet in list(phone.packets) if packet.at > since]
    there = sum(level > LEVEL_DB - 3 for level in levels)
    assert there > len(levels) * 0.8, f"{phone.name} hears {hz} Hz in {there} of {len(levels)} packets"


def test_a_full_disk(tmp_path: Path) -> None:
    if not may_mount(tmp_path):
        pytest.skip("not run: this system lets us make no disk of our own")
    with (
        SmallDisk(tmp_path, state={"reserve_mb": 1}) as server,
        Phone(server.address, "anna", tone_hz=400) as anna,
        Phone(server.address, "bob", tone_hz=650) as bob,
    ):
        assert server.asked("PUT", "/rooms/before", {"max_participants": 7})[0] == 200
        assert anna.dial("hall").status == bob.dial("hall").status == 200
        server.wait_until_in("hall", "anna", "bob")
        server.fill()

        for method, path, body in (
            ("PUT", "/rooms/during", {}),
            ("PATCH", "/rooms/before", {"max_participants": 9}),
            ("POST", "/rooms/hall/recording", {"tracks": False}),
            ("PUT", "/profiles/during", {"rules": {"mute_on_entry": True}}),
        ):
            status, told = server.asked(method, path, body)
            assert (status, told.get("kind")) == (507, "no-space"), f"{method} {path}: {status} {told}"
            assert "space" in told["detail"] or "full" in told["detail"], told  # whichever write has met it first
        rooms = {room["name"]: room for room in server.http("GET", "/rooms")}
        assert "during" not in rooms and rooms["before"]["max_participants"] == 7
        assert rooms["hall"]["recording"] is None
        with Phone(server.address, "carl", tone_hz=900) as carl:
            assert carl.dial("hall").status == 200, "calls still come in"
            hears(bob, 900)
            hears(carl, 400)
            assert carl.hang_up().status == 200
        hears(anna, 650)
        assert not anna.hung_up.is_set() and not bob.hung_up.is_set()

        server.filler.unlink()
        wait_for(lambda: server.asked("PUT", "/rooms/after", {})[0] == 200, "there is space again")
        assert server.asked("POST", "/rooms/hall/recording", {"tracks": False})[0] == 200
        wait_for(lambda: server.http("GET", "/status")["scribe"]["recordings"] > 0, "it is recorded again")
        assert server.asked("DELETE", "/rooms/hall/recording")[0] == 200
        hears(bob, 400)
        assert "Traceback" not in server.said()
