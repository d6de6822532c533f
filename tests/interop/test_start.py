"""Starting and stopping: what is wrong is said in one line, status 2; a signal ends it with status 0."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.server import Server, toml

pytestmark = pytest.mark.interop


def refused(server: Server, *words: str) -> str:
    """Start a server that must not start; the one line that it says."""
    done = server.run("serve", "--config", str(server.config), timeout=15)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in lines[0], f"{word!r} is not in {lines[0]!r}"
    return lines[0]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
def test_a_port_in_use(tmp_path: Path, kind: socket.SocketKind) -> None:
    server = Server(tmp_path)
    with closing(socket.socket(socket.AF_INET, kind)) as taken:
        taken.bind(server.address)
        if kind == socket.SOCK_STREAM:
            taken.listen()
        refused(server, str(server.address[1]))


def test_an_http_port_in_use(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(Server(tmp_path, http={"address": f"127.0.0.1:{port}"}), str(port))


@pytest.mark.parametrize("text", ["[sip\nport = 1", "\udcff", "[sip]\nport = 'x'", "[sip]\nport = 99999"])
def test_an_unreadable_config(tmp_path: Path, text: str) -> None:
    server = Server(tmp_path)
    server.config.write_text(text, errors="surrogateescape")
    refused(server, "config.toml")


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.config.unlink()
    refused(server, "config.toml")


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    refused(Server(tmp_path, sip={"prot": 5060}), "prot")
    server = Server(tmp_path)
    server.config.write_text(toml({"spi": {"port": 5060}}))
    refused(server, "spi")


def test_a_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    refused(Server(tmp_path, state={"directory": str(blocked / "state")}), str(blocked))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_hangs_up(tmp_path: Path, how: signal.Signals) -> None:
    with Server(tmp_path, media={"workers": 2}) as server, Phone(server.address, "anna", tone_hz=400) as anna:
        assert anna.dial("standup").status == 200
        server.stop(how)
        assert anna.hung_up.wait(2), "who is in a call gets a BYE"
        assert "Traceback" not in server.said()


def test_a_signal_right_after_the_start(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.stop(signal.SIGINT)
        done = server.run("rooms")
        assert done.returncode == 3
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_two_servers_of_one_state_directory(tmp_path: Path) -> None:
    """The second must not write into the first one's store."""
    with Server(tmp_path) as first:
        second = Server(tmp_path / "second", state={"directory": str(first.state_directory)})
        refused(second, str(first.state_directory))
        assert first.answers()
