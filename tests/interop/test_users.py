"""Real phones register, with the password, without it, again, and away; and call from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server

pytestmark = pytest.mark.interop

PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """127.0.0.2 counts as outside."""
    with Server(tmp_path_factory.mktemp("home"), limits={"outside_networks": ["127.0.0.2/32"]}) as server:
        for user in ("alice", "bob"):
            server.http("PUT", f"/users/{user}", {"password": PASSWORD, "display": user.title()})
        server.http("POST", "/users/alice", {"aliases": ["1000"]})
        yield server


def registrar(server: Server) -> str:
    return f"{server.address[0]}:{server.address[1]}"


def phones(server: Server, user: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.http("GET", f"/users/{user}")["phones"]
    return found


def wait(what: Callable[[], object], timeout: float = 10.0) -> None:
    end = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def right(server: Server, algorithm: str) -> int:
    return int(server.http("GET", "/status")["users"].get(f"right by {algorithm}", 0))


def test_baresip_registers_and_goes(home: Server, tmp_path: Path) -> None:
    need("baresip")
    with Baresip(tmp_path, "alice", 440, registrar=registrar(home), password=PASSWORD) as alice:
        wait(lambda: phones(home, "alice"))
        [phone] = phones(home, "alice")
        assert phone["source"] == f"127.0.0.1:{alice.port}" and "baresip" in phone["user_agent"]
    wait(lambda: phones(home, "alice") == [])
    assert right(home, "MD5") >= 2


def test_a_room_calls_a_user_by_number(home: Server, tmp_path: Path) -> None:
    """Nothing is listed in `dialout`: users of ours need not be. The phone is called where it has registered from."""
    need("baresip")
    with Baresip(tmp_path, "alice", 440, registrar=registrar(home), password=PASSWORD) as alice:
        wait(lambda: phones(home, "alice"))
        home.http("POST", "/rooms/called/dial", {"uri": "1000", "name": "Alice"})
        alice.wait_for_event("CALL_ESTABLISHED")
        home.wait_until_in("called", "Alice")
        home.cli("room", "end", "called")
        alice.wait_for_event("CALL_CLOSED")


def test_baresip_with_a_wrong_password(home: Server, tmp_path: Path) -> None:
    need("baresip")
    with Baresip(tmp_path, "alice", 440, registrar=registrar(home), password="battery-staple") as alice:
        wait(lambda: "401 Unauthorized" in alice.child.said())
        assert phones(home, "alice") == []


def test_baresip_calls_from_outside_with_its_password(home: Server, tmp_path: Path) -> None:
    """Without one it is not let in; what the room shows is the user, not what the phone says."""
    need("baresip")
    room = f"sip:outside@{registrar(home)}"
    with Baresip(tmp_path, "bob", 440, host="127.0.0.2", registrar=registrar(home), password=PASSWORD) as bob:
        wait(lambda: phones(home, "bob"))
        bob.dial(room)
        there = home.wait_until_in("outside", "Bob")
        assert there["Bob"]["user"] == "bob"
        bob.hang_up()
        home.wait_until_in("outside")
    with Baresip(tmp_path, "carol", 440, host="127.0.0.2") as carol:
        carol.command("dial", room)
        carol.wait_for_event("CALL_CLOSED")
        assert home.participants("outside") == {}


def test_pjsua_registers_again_and_away(home: Server, tmp_path: Path) -> None:
    need("pjsua2")
    before = right(home, "SHA-256")
    with Pjsua(tmp_path, "bob", 440, registrar=f"sip:{registrar(home)}", password=PASSWORD) as bob:
        assert bob.register() == 200
        first = phones(home, "bob")[0]
        assert bob.register() == 200
        [again] = phones(home, "bob")
        assert again["expires_at"] >= first["expires_at"] and again["contact"] == first["contact"]
        assert bob.register(renew=False) == 200
        assert phones(home, "bob") == []
    assert right(home, "SHA-256") - before >= 3


def test_pjsua_with_a_wrong_password(home: Server, tmp_path: Path) -> None:
    need("pjsua2")
    with Pjsua(tmp_path, "bob", 440, registrar=f"sip:{registrar(home)}", password="battery-staple") as bob:
        assert bob.register() == 401
        assert phones(home, "bob") == []


def test_after_a_restart_the_phone_is_still_there(tmp_path: Path) -> None:
    """And goes on: its next REGISTER, by a nonce of the last run, is taken without a new password."""
    need("pjsua2")
    with Server(tmp_path) as server:
        server.http("PUT", "/users/bob", {"password": PASSWORD})
        with Pjsua(tmp_path, "bob", 440, registrar=f"sip:{registrar(server)}", password=PASSWORD) as bob:
            assert bob.register() == 200
            before = phones(server, "bob")
            server.kill()
            server.start()
            assert phones(server, "bob") == before
            assert bob.register() == 200
            assert len(phones(server, "bob")) == 1


@pytest.mark.parametrize(("password", "status"), [(PASSWORD, 200), ("battery-staple", 407)])
def test_the_robot_phone_calls_from_outside(
    home: Server, monkeypatch: pytest.MonkeyPatch, password: str, status: int
) -> None:
    monkeypatch.setenv("CONFSERVER_PASSWORD", password)
    words = "--bind", "127.0.0.2", "--user", "alice", "--for", "0.2", "--json"
    done = home.run("call", f"sip:robots@{registrar(home)}", *words)
    assert json.loads(done.stdout)["status"] == status, done.stderr
    assert password not in done.stdout + done.stderr


def test_a_user_outside_calls_a_user_inside(home: Server, tmp_path: Path) -> None:
    """By the password, through the proxy; without one nobody gets there."""
    need("baresip", "pjsua2")
    with Pjsua(tmp_path, "bob", 440, registrar=f"sip:{registrar(home)}", password=PASSWORD) as bob:
        assert bob.register() == 200
        with Baresip(tmp_path, "alice", 550, host="127.0.0.2", registrar=registrar(home), password=PASSWORD) as alice:
            alice.dial(f"sip:bob@{registrar(home)}")
            bob.wait_for("state", state="CONFIRMED")
            alice.hang_up()
            bob.wait_for("state", state="DISCONNECTED")
        with Baresip(tmp_path, "carol", 550, host="127.0.0.2") as carol:
            carol.command("dial", f"sip:bob@{registrar(home)}")
            carol.wait_for_event("CALL_CLOSED")
