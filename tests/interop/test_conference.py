"""sipp watches rooms by UDP and TCP while people come, are muted and go (RFC 4575, RFC 6665).

What must stand in each message is checked by the scenarios themselves (``scenarios/*.xml``).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.phone import Phone
from tests.kit.server import Server
from tests.kit.sipp import Flow

pytestmark = pytest.mark.interop

SCENARIOS = Path(__file__).parent / "scenarios"
WAYS = ["u1", "t1"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need("sipp")
    with Server(tmp_path_factory.mktemp("conference")) as server:
        yield server


def wait_for_document(sipp: Flow, version: int) -> None:
    end = time.monotonic() + 10
    while not re.search(rf'version="{version}"', sipp.messages()):
        assert time.monotonic() < end, f"no document of version {version}:\n{sipp.messages()[-3000:]}"
        time.sleep(0.05)


@pytest.mark.parametrize("transport", WAYS)
def test_a_room_is_watched(house: Server, tmp_path: Path, transport: str) -> None:
    room = f"watched-{transport}"
    house.cli("room", "create", room)
    with Flow(tmp_path, SCENARIOS / "watch.xml", house.address, room, transport=transport) as sipp:
        wait_for_document(sipp, 1)
        with Phone(house.address, "anna") as anna:
            assert anna.dial(room).status == 200
            wait_for_document(sipp, 2)
            house.cli("room", "mute", room, "anna")
            wait_for_document(sipp, 3)
        sipp.finish(15)
    assert house.status()["focus"]["watchers"] == 0


@pytest.mark.parametrize("transport", WAYS)
def test_what_cannot_be_watched_and_what_is_asked_once(house: Server, tmp_path: Path, transport: str) -> None:
    room = f"asked-{transport}"
    house.cli("room", "create", room)
    with Flow(tmp_path, SCENARIOS / "bad_event.xml", house.address, room, transport=transport) as sipp:
        sipp.finish(15)


def test_the_room_goes(house: Server, tmp_path: Path) -> None:
    house.cli("room", "create", "goes")
    with Flow(tmp_path, SCENARIOS / "room_ends.xml", house.address, "goes") as sipp:
        wait_for_document(sipp, 1)
        house.cli("room", "remove", "goes")
        sipp.finish(15)


def test_the_server_stops(tmp_path: Path) -> None:
    """Its watchers hear of it before it is gone."""
    need("sipp")
    with Server(tmp_path / "stops") as server:
        server.cli("room", "create", "goes")
        with Flow(tmp_path / "sipp", SCENARIOS / "server_stops.xml", server.address, "goes") as sipp:
            wait_for_document(sipp, 1)
            server.stop()
            sipp.finish(15)
