"""Users call each other through the server: baresip with baresip and the robot, and phones of raw text beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.phone import Phone
from tests.kit.pjsua import Pjsua
from tests.kit.raw_sip import Message, SipSocket, acknowledgement, offer, request, token, written
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = pytest.mark.interop
ANNA, BOB = 400.0, 650.0
PASSWORD = "correct-horse"
ROUTES = """
[[routes]]
name = "reception"
user = ["reception"]
to = "user"
target = ["bob"]

[[routes]]
user = ["_9*"]
to = "reject"
reason = "Not There"
"""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need("baresip")
    server = Server(tmp_path_factory.mktemp("exchange"), users={"trust_inside": True, "ring_s": 1.0})
    server.config.write_text(server.config.read_text() + ROUTES)
    with server:
        for user in ("anna", "bob", "carl", "dora"):
            server.http("PUT", f"/users/{user}", {"password": PASSWORD})
        yield server


def registered(server: Server, folder: Path, name: str, tone_hz: float) -> Baresip:
    host, port = server.address
    return Baresip(folder, name, tone_hz, registrar=f"{host}:{port}", password=PASSWORD)


def wait_for_phones(server: Server, user: str, count: int, timeout: float = 10.0) -> None:
    end = time.monotonic() + timeout
    while len(server.http("GET", f"/users/{user}")["phones"]) != count:
        assert time.monotonic() < end, server.said()[-3000:]
        time.sleep(0.05)


class RawPhone(SipSocket):
    """Registers a user, and answers as it is told."""

    def __init__(self, server: Server, user: str, q: float = 1.0) -> None:
        super().__init__(server.address)
        self.user, self.q, self.tag, self.call_id, self.cseq = user, q, token(), token(), 0
        self.register(60)

    def __exit__(self, *_: object) -> None:
        self.register(0)
        super().__exit__()

    def register(self, expires_s: int) -> None:
        self.cseq += 1
        host, port = self.local
        headers = [("Via", f"SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{token()}"), ("Max-Forwards", "70")]
        headers += [("From", f"<sip:{self.user}@127.0.0.1>;tag={token()}"), ("To", f"<sip:{self.user}@127.0.0.1>")]
        headers += [("Call-ID", self.call_id), ("CSeq", f"{self.cseq} REGISTER"), ("Expires", str(expires_s))]
        headers += [("Contact", f"<sip:{self.user}@{host}:{port}>;q={self.q}")]
        self.send(written(f"REGISTER sip:127.0.0.1:{self.server[1]} SIP/2.0", headers))
        while (answer := self.final()).method != "REGISTER":
            pass  # of a call before
        assert answer.status == 200, answer

    def waits_for(self, method: str, timeout: float = 5.0) -> Message:
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None and not message.is_response and message.method == method:
                return message
        raise AssertionError(f"no {method} came")

    def replies(self, request: Message, status: str) -> None:
        copied = [(name, value) for name, value in request.headers if name in ("Via", "From", "Call-ID", "CSeq")]
        copied += [(name, value) for name, value in request.headers if name == "Record-Route"]
        host, port = self.local
        to = request.header("To") + ("" if ";tag=" in request.header("To") else f";tag={self.tag}")
        self.send(written(f"SIP/2.0 {status}", [*copied, ("To", to), ("Contact", f"<sip:{self.user}@{host}:{port}>")]))


def test_two_phones_call_each_other_and_a_room_beside(exchange: Server, tmp_path: Path) -> None:
    with registered(exchange, tmp_path, "anna", ANNA) as anna, registered(exchange, tmp_path, "bob", BOB) as bob:
        wait_for_phones(exchange, "anna", 1)
        wait_for_phones(exchange, "bob", 1)
        anna.dial(exchange.uri("bob"))
        bob.wait_for_event("CALL_ESTABLISHED")
        with Phone(exchange.address, "carl") as carl:
            assert carl.dial("beside").status == 200
            exchange.wait_until_in("beside", "carl")
        time.sleep(1.5)
        bob.hang_up()
        anna.wait_for_event("CALL_CLOSED")
        for heard, hz in ((anna.heard(), BOB), (bob.heard(), ANNA)):
            assert abs(heard.level_db(hz, 0.5, 1.3) - LEVEL_DB) < 3
    assert exchange.participants("bob") == {}, "no room was made of it"


def test_baresip_calls_pjsua_by_tcp(exchange: Server, tmp_path: Path) -> None:
    """Who registered by a connection is called by it; the caller's own UDP goes on."""
    need("pjsua2")
    host, port = exchange.address
    uri = f"sip:{host}:{port};transport=tcp"
    with Pjsua(tmp_path, "bob", BOB, transport="tcp", registrar=uri, password=PASSWORD) as bob:
        assert bob.register() == 200
        with registered(exchange, tmp_path, "anna", ANNA) as anna:
            anna.dial(exchange.uri("bob"))
            bob.wait_for("media", active=True)
            bob.record()
            time.sleep(1.5)
            heard = bob.heard()
            anna.hang_up()
            bob.wait_for("state", state="DISCONNECTED")
            assert abs(heard.level_db(ANNA, 0.5, 1.2) - LEVEL_DB) < 3
            assert abs(anna.heard().level_db(BOB, 0.5, 1.2) - LEVEL_DB) < 3
        bob.register(renew=False)


def test_two_phones_ring_and_the_loser_is_cancelled(exchange: Server, tmp_path: Path) -> None:
    with RawPhone(exchange, "carl") as slow, RawPhone(exchange, "carl") as quick:
        wait_for_phones(exchange, "carl", 2)
        with registered(exchange, tmp_path, "anna", ANNA) as anna:
            anna.command("dial", exchange.uri("carl"))
            loser, winner = slow.waits_for("INVITE"), quick.waits_for("INVITE")
            slow.replies(loser, "180 Ringing")
            quick.replies(winner, "603 Decline")
            quick.waits_for("ACK")
            cancel = slow.waits_for("CANCEL")
            slow.replies(cancel, "200 OK")
            slow.replies(loser, "487 Request Terminated")
            slow.waits_for("ACK")
            assert "603" in str(anna.wait_for_event("CALL_CLOSED")["param"])


class Caller(SipSocket):
    """Calls somebody, and says what has come of it."""

    def calls(self, server: Server, user: str) -> None:
        self.invite = request("INVITE", server.uri(user), self.local, body=offer("127.0.0.1", 4000))
        self.send(self.invite)

    def hears(self) -> int:
        answer = self.final()
        self.send(acknowledgement(self.invite, answer))
        return answer.status


def test_busy(exchange: Server) -> None:
    with RawPhone(exchange, "dora") as dora, Caller(exchange.address) as caller:
        caller.calls(exchange, "dora")
        dora.replies(dora.waits_for("INVITE"), "486 Busy Here")
        dora.waits_for("ACK")
        assert caller.hears() == 486


def test_who_does_not_answer_gives_way_to_the_next(exchange: Server) -> None:
    with RawPhone(exchange, "dora") as first, RawPhone(exchange, "dora", q=0.5) as second:
        with Caller(exchange.address) as caller:
            caller.calls(exchange, "dora")
            invite = first.waits_for("INVITE")
            first.replies(invite, "180 Ringing")
            later = second.waits_for("INVITE")
            first.replies(first.waits_for("CANCEL"), "200 OK")
            first.replies(invite, "487 Request Terminated")
            first.waits_for("ACK")
            second.replies(later, "480 Temporarily Unavailable")
            second.waits_for("ACK")
            assert caller.hears() == 480


def test_the_caller_gives_up(exchange: Server) -> None:
    with RawPhone(exchange, "dora") as dora, Caller(exchange.address) as caller:
        caller.calls(exchange, "dora")
        invite = dora.waits_for("INVITE")
        dora.replies(invite, "180 Ringing")
        asked = Message.read(caller.invite)
        headers = [(name, asked.header(name)) for name in ("Via", "Max-Forwards", "From", "To", "Call-ID")]
        caller.send(written(f"CANCEL {exchange.uri('dora')} SIP/2.0", [*headers, ("CSeq", "1 CANCEL")]))
        assert caller.final().method == "CANCEL"
        dora.replies(dora.waits_for("CANCEL"), "200 OK")
        dora.replies(invite, "487 Request Terminated")
        dora.waits_for("ACK")
        assert caller.hears() == 487


def test_nobody_is_registered(exchange: Server) -> None:
    wait_for_phones(exchange, "dora", 0)
    with Caller(exchange.address) as caller:
        caller.calls(exchange, "dora")
        assert caller.hears() == 480
    with Caller(exchange.address) as caller:
        caller.calls(exchange, "900")
        assert caller.hears() == 403


def test_explained_and_reloaded(exchange: Server) -> None:
    with RawPhone(exchange, "bob") as bob:
        told = exchange.run("route", "explain", "sip:reception@127.0.0.1", "--source", "203.0.113.9").stdout
        assert (
            "row 1 (reception, settings) matches" in told
            and f"it rings at user bob: sip:bob@127.0.0.1:{bob.local[1]}" in told
        )
    before = exchange.config.read_text()
    exchange.config.write_text(before + '\n[[routes]]\nto = "moon"\n')
    refused = exchange.run("reload")
    assert refused.returncode == 1 and "nothing has changed" in refused.stderr and "moon" in refused.stderr
    assert len(exchange.cli("route", "list")) == 2
    exchange.config.write_text(before.replace("_9*", "_8*"))
    assert exchange.cli("reload") == {"routes": 2, "changed": ["routes"], "restart": []}
    assert "for the room 900" in exchange.run("route", "explain", "900").stdout
    exchange.config.write_text(before)
    exchange.cli("reload")


AS_CODE = """
[[routes]]
name = "to the shop"
user = ["sales"]
target = ["shop"]

[[routes]]
name = "late"
user = ["reception"]
to = "reject"
status = 480
"""


def test_a_table_from_a_file_holds_for_the_next_call_and_leaves_those_that_stand(
    exchange: Server, tmp_path: Path
) -> None:
    (tmp_path / "routes.toml").write_text(AS_CODE)
    with Phone(exchange.address, "carl") as carl, Phone(exchange.address, "dora") as dora:
        assert carl.dial("sales").status == 200
        exchange.wait_until_in("sales", "carl")
        assert exchange.run("apply", str(tmp_path / "routes.toml")).returncode == 0
        assert dora.dial("sales").status == 200
        exchange.wait_until_in("shop", "dora")
        with Phone(exchange.address, "anna") as anna:
            assert anna.dial("reception").status == 480, "rows that were made are asked before those of the settings"
        assert [person["name"] for person in exchange.http("GET", "/rooms/sales")["participants"]] == ["carl"]
    exchange.http("PUT", "/route-table", {"routes": []})
