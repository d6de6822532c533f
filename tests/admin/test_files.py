"""Files of recordings by HTTP: whole, in parts, to whom they are for, and nothing else."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from click.testing import CliRunner
from twisted.internet.threads import deferToThread

from confserver.admin.cli import verbs
from confserver.client import BadAnswer, Client, Problem
from tests.admin.double import HouseDoor
from tests.admin.test_http import TOKEN, Served

NAME = "standup-20261122-101500"
MIX, TRACK = f"{NAME}.flac", f"{NAME}-p1-Anna.flac"
SOUND = bytes(range(256)) * 1000


@pytest_twisted.async_yield_fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    door = HouseDoor()
    door.directory = tmp_path
    (tmp_path / MIX).write_bytes(SOUND)
    (tmp_path / f"{NAME}.json").write_text("{}")
    (tmp_path / "secret").write_text("secret")
    server = Served(door, ("127.0.0.1", 0))
    yield server
    await server.port.stopListening()


async def got(served: Served, file: str, headers: dict[str, str] | None = None, token: str = TOKEN) -> tuple:
    def asked() -> tuple:
        connection = served.connection()
        connection.request("GET", f"/recordings/{file}", None, {"Authorization": f"Bearer {token}"} | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    return await deferToThread(asked)


@pytest_twisted.ensureDeferred
async def test_a_file_comes_whole_and_in_parts(served: Served) -> None:
    status, body, headers = await got(served, f"{NAME}/{MIX}")
    assert (status, body, headers["Content-Type"]) == (200, SOUND, "audio/flac")
    assert headers["Content-Length"] == str(len(SOUND)) and MIX in headers["Content-Disposition"]
    status, body, headers = await got(served, f"{NAME}/{MIX}", {"Range": "bytes=100-199"})
    assert (status, body) == (206, SOUND[100:200]) and headers["Content-Range"] == f"bytes 100-199/{len(SOUND)}"
    assert (await got(served, f"{NAME}/{MIX}", {"Range": "bytes=999999999-"}))[0] == 416
    status, body, headers = await got(served, f"{NAME}/{NAME}.json")
    assert (status, body, headers["Content-Type"]) == (200, b"{}", "application/json")


@pytest.mark.parametrize(
    "file",
    [
        f"{NAME}/secret",
        f"{NAME}/..%2Fsecret",
        f"{NAME}/%2Fetc%2Fpasswd",
        f"nothing/{MIX}",
        f"{NAME}/{TRACK}",
        f"{NAME}/%00",
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_no_file_of_a_recording_is_not_there(served: Served, file: str) -> None:
    status, body, _ = await got(served, file)
    assert status == 404 and b"secret" not in body.replace(b"file secret", b"").replace(b"../secret", b"")


@pytest_twisted.ensureDeferred
async def test_a_stranger_gets_nothing(served: Served) -> None:
    assert (await got(served, f"{NAME}/{MIX}", token="wrong"))[0] == 401


@pytest_twisted.ensureDeferred
async def test_the_client_brings_one_and_says_how_far_it_is(served: Served) -> None:
    client = Client(f"http://127.0.0.1:{served.where[1]}", TOKEN)
    into, told = io.BytesIO(), []
    size = await deferToThread(client.download, NAME, MIX, into, lambda come, all_: told.append((come, all_)))
    assert (size, into.getvalue(), told[-1]) == (len(SOUND), SOUND, (len(SOUND), len(SOUND)))
    with pytest.raises(Problem, match="has no file"):
        await deferToThread(client.download, NAME, "x", io.BytesIO())


# ---------------------------------------------------------------- the command line
def bring(tmp_path: Path, *words: str, fails: bool = False) -> tuple[int, str]:
    def fetch(where: object, recording: str, file: str, into: io.BufferedWriter, told: object) -> int:
        if fails:
            into.write(b"half")
            raise BadAnswer("only 4 of 9 bytes have come")
        return into.write(f"{recording}:{file}".encode())

    rows = HouseDoor().recordings()
    import click

    group = click.Group("confserver", commands=verbs(lambda *_: rows, fetch=fetch))
    result = CliRunner().invoke(group, ["recording", "get", *words, "--out", str(tmp_path / "here")])
    return result.exit_code, result.output


def test_all_files_of_a_recording_come_here(tmp_path: Path) -> None:
    code, output = bring(tmp_path, NAME)
    assert code == 0 and MIX in output
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == sorted([MIX, TRACK, f"{NAME}.json"])
    code, output = bring(tmp_path, NAME, "--file", MIX)
    assert code == 1 and "is there already" in output
    assert bring(tmp_path, NAME, "--file", MIX, "--force")[0] == 0
    code, output = bring(tmp_path, "nothing")
    assert code == 1 and "there is no recording nothing" in output


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    assert bring(tmp_path, NAME, fails=True)[0] != 0
    assert list((tmp_path / "here").iterdir()) == []
