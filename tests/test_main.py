"""The command ``confserver`` as a whole: verbs, exit statuses, quick starts, and one real server behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import structlog
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from confserver import __main__ as entry
from confserver.admin.access import CONTROL_NAME, Control, url_of, write_control
from confserver.admin.http import listen
from tests.admin.double import HouseDoor

TOKEN = "t" * 43


@pytest.fixture(autouse=True)
def away_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets a real server of this machine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("CONFSERVER_SERVER", "CONFSERVER_TOKEN", "CONFSERVER_STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def quiet() -> Iterator[None]:
    """The server's log goes elsewhere than the verbs' output."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


class Module(types.ModuleType):
    """Stands in for a module that is loaded only when its verb is used; notes how it was called."""

    def __init__(self, name: str, function: str, status: int = 0) -> None:
        super().__init__(name)
        self.called: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.status = status
        setattr(self, function, self._call)

    def _call(self, *words: Any, **more: Any) -> int:
        self.called.append((words, more))
        return self.status


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, function: str, status: int = 0) -> Module:
    module = Module(name, function, status)
    monkeypatch.setitem(sys.modules, name, module)
    return module


# ------------------------------------------------------------------ joining
def test_serve_gets_the_settings_and_gives_the_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = stand_in(monkeypatch, "confserver.app", "serve", 2)
    config = tmp_path / "c.toml"
    config.write_text("[sip]\nport = 5080")
    assert entry.main(["serve", "--config", str(config)]) == 2
    assert entry.main(["serve"]) == 2
    assert [words[0].sip.port for words, _ in app.called] == [5080, 5060]


@pytest.mark.parametrize("verb", ["serve", "settings"])
def test_settings_that_cannot_be_are_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    app = stand_in(monkeypatch, "confserver.app", "serve")
    config = tmp_path / "c.toml"
    config.write_text("[sip]\nprot = 5080")
    assert entry.main([verb, "--config", str(config)]) == 2
    told = capsys.readouterr()
    assert told.err == f"Error: {config}: sip.prot: unknown setting; did you mean sip.port?\n"
    assert (told.out, app.called) == ("", [])


def test_settings_are_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[sip]\nport = 5080")
    assert entry.main(["settings", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "\nport = 5080\n" in out and "# workers = 0\n" in out


def test_call_hands_over_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = stand_in(monkeypatch, "confserver.phone", "run", 1)
    assert entry.main(["call", "sip:a@h", "--play", "in.wav", "--record", "out.wav", "--for", "2.5", "--json"]) == 1
    assert entry.main(["call", "sip:a@h", "--tone", "440", "--name", "Anna", "--bind", "127.0.0.2"]) == 1
    nothing = {"play": None, "record": None, "seconds": None, "tone_hz": None, "name": "confserver", "bind": None}
    nothing |= {"insecure": False, "transport": "udp", "hold_at": None, "resume_at": None, "user": "", "password": ""}
    nothing |= {"rtp_ports": None}
    assert phone.called == [
        (
            ("sip:a@h",),
            {**nothing, "play": Path("in.wav"), "record": Path("out.wav"), "seconds": 2.5, "as_json": True},
        ),
        (("sip:a@h",), {**nothing, "tone_hz": 440.0, "name": "Anna", "bind": "127.0.0.2", "as_json": False}),
    ]
    assert entry.main(["call", "sip:a@h", "--tone", "440", "--play", "in.wav"]) == 2
    assert entry.main(["call"]) == 2


def test_a_password_never_stands_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = stand_in(monkeypatch, "confserver.phone", "run")
    monkeypatch.setenv("CONFSERVER_PASSWORD", "correct horse")
    assert entry.main(["call", "sip:a@h", "--user", "alice"]) == 0
    assert entry.main(["call", "sip:a@h", "--user", "alice", "--password", "x"]) == 2
    [(_, given)] = phone.called
    assert (given["user"], given["password"]) == ("alice", "correct horse")


def test_bench_gets_its_own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = stand_in(monkeypatch, "confserver.bench", "run")
    assert entry.main(["bench", "--callers", "500", "--help"]) == 0
    assert bench.called == [((["--callers", "500", "--help"],), {})]


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    app = Module("confserver.app", "unused")
    app.serve = interrupted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "confserver.app", app)
    assert entry.main(["serve"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def interrupted(*_: object) -> int:
    raise KeyboardInterrupt


# ------------------------------------------------------------------ help
@pytest.mark.parametrize(
    "words", [[], ["serve"], ["settings"], ["call"], ["rooms"], ["room"], ["status"], ["room", "mute"]]
)
def test_help_pages(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([*words, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: confserver {' '.join(words)}".rstrip())
    assert "..." not in out.split("Options:")[0].replace("[ARGS]...", "")


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["dance"]) == 2
    assert "No such command 'dance'" in capsys.readouterr().err
    assert entry.main(["--loud"]) == 2


# ------------------------------------------------------------------ a running server
@pytest.mark.parametrize(
    "words", [["rooms"], ["status"], ["room", "show", "x"], ["room", "lock", "x", "--json"], ["watch"]]
)
def test_no_server_is_one_line_and_status_3(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(words) == 3
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert told.err.startswith("Error: no server is running: there is no ")


def test_a_server_that_is_gone_is_not_given_the_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_control(tmp_path / "state" / "confserver", Control("http://127.0.0.1:1", TOKEN, gone.pid))
    assert entry.main(["rooms"]) == 3
    assert capsys.readouterr().err.endswith(f"process {gone.pid}, is gone\n")


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@pytest_twisted.ensureDeferred
async def test_verbs_on_a_real_server(
    tmp_path: Path, kind: str, quiet: None, capfd: pytest.CaptureFixture[str]
) -> None:
    state, door = tmp_path / "state" / "confserver", HouseDoor()
    state.mkdir(parents=True, mode=0o700)
    port, where = listen(reactor, door, TOKEN, state / "http.sock" if kind == "unix" else ("127.0.0.1", 0))
    write_control(state, Control(url_of(where), TOKEN, os.getpid()))

    async def run(*words: str) -> tuple[int, str, str]:
        status = await deferToThread(entry.main, list(words))
        told = capfd.readouterr()
        return status, told.out, told.err

    try:
        assert (await run("room", "create", "standup", "--max-participants", "9"))[1] == "standup: empty, 0 of 9 in\n"
        who = door.arrive("standup", "Anna")
        assert (await run("room", "mute", "standup", "anna"))[0] == 0
        assert "muted (host)" in (await run("room", "show", "standup"))[1]
        status, out, _ = await run("room", "show", "standup", "--json")
        assert (status, json.loads(out)["participants"][0]["id"]) == (0, who)
        assert (await run("rooms"))[1].splitlines()[1].startswith("standup")
        assert (await run("room", "kick", "standup", "p99"))[0] == 1
        assert (await run("room", "show", "nowhere")) == (1, "", "Error: there is no room nowhere\n")
        status, _, err = await run("rooms", "--server", url_of(where), "--token", "wrong")
        assert (status, err.count("\n"), "the token is wrong" in err) == (4, 1, True)
        (state / CONTROL_NAME).chmod(0o644)
        status, _, err = await run("rooms")
        assert (status, "others can read it" in err) == (4, True)
    finally:
        await port.stopListening()


# ------------------------------------------------------------------ as a process
def test_administration_starts_quickly() -> None:
    """Without what only the server needs."""
    code = (
        "import sys\nfrom confserver.__main__ import main\n"
        "assert main(['rooms']) == 3\n"
        "heavy = {'twisted', 'numpy', 'rich', 'msgspec', 'structlog', 'sqlite_utils'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "confserver", "rooms"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: no server is running")


def test_a_reader_that_has_enough_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m confserver settings | head -n 1", shell=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("# ") and done.stderr == ""
