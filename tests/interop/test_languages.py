"""A room speaks its own language, with one sound of one's own, and tells who is removed: by a phone's ears."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from confserver.prompts.catalogue import HERE
from tests.kit.robot import Robot
from tests.kit.said import Said
from tests.kit.server import Server

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("languages")
    own = folder / "sets" / "acme"
    own.mkdir(parents=True)
    shutil.copy(HERE / "fr" / "goodbye.flac", own / "muted.flac")
    (own / "prompts.toml").write_text('extends = "de"\n')
    with Server(folder, rooms={"music_when_alone": False}, sounds={"sets": str(folder / "sets")}) as started:
        started.http("PUT", "/rooms/berlin", {"language": "acme"})
        yield started


def test_german_words_and_one_french_sound(server: Server, tmp_path: Path) -> None:
    before = time.monotonic()
    with Robot(server, tmp_path, "anna", 400, "berlin", for_seconds=20) as anna:
        server.wait_until_in("berlin", "anna", timeout=10)
        server.http("POST", "/rooms/berlin/play", {"sounds": ["prompt:ended", "prompt:muted"]})
        while server.http("GET", "/rooms/berlin")["plays"]:
            assert time.monotonic() - before < 15
            time.sleep(0.1)
        told = server.http("POST", "/rooms/berlin/participants/anna/kick")
        assert [person["removed"] for person in told["participants"]] == [True], "his call lives for the words alone"
        anna.child.process.wait(10)
    heard = anna.heard()
    german = Said(heard, "de")
    ended, removed = german.at("ended"), german.at("removed")
    assert ended < Said(heard, "fr").at("goodbye") < removed
    assert not german.times("muted") and not Said(heard).times("removed") and not Said(heard).times("ended")
    assert not server.participants("berlin")
