"""The proxy between phones that are sipp's: who answers, who is cancelled, what goes back, and what goes untouched."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.raw_sip import SipSocket, offer, request, token, written
from tests.kit.server import Server
from tests.kit.sipp import Flow
from tests.kit.sipp_callee import SDP, Callee, answers, is_cancelled, is_hung_up_on, refuses, rings, waits

pytestmark = pytest.mark.interop

RICH = Path(__file__).parent / "scenarios" / "rich.xml"
PICTURE_AND_CHAT = """\
    m=video 42000 RTP/AVP 97
    a=rtpmap:97 H264/90000
    a=x-colour:red
    m=message 42002 TCP/MSRP *
    a=accept-types:text/plain
    a=path:msrp://127.0.0.1:42002/def;tcp
"""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need("sipp")
    users = {"trust_inside": True, "follow_redirects": True}
    with Server(tmp_path_factory.mktemp("forks"), users=users) as server:
        for user in ("anna", "bob", "carl", "dora", "emil"):
            server.http("PUT", f"/users/{user}", {"password": "correct-horse"})
        yield server


class At(SipSocket):
    """The port at which a phone of sipp's will be."""

    def __init__(self, server: Server, phone: Callee) -> None:
        super().__init__(server.address)
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", phone.port))

    def registers(self, user: str) -> None:
        host, port = self.local
        headers = [("Via", f"SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{token()}"), ("Max-Forwards", "70")]
        headers += [("From", f"<sip:{user}@127.0.0.1>;tag={token()}"), ("To", f"<sip:{user}@127.0.0.1>")]
        headers += [("Call-ID", token()), ("CSeq", "1 REGISTER"), ("Expires", "600")]
        headers += [("Contact", f"<sip:{user}@{host}:{port}>")]
        answer = self.ask(written(f"REGISTER sip:127.0.0.1:{self.server[1]} SIP/2.0", headers))
        assert answer.status == 200, answer


def phone(server: Server, folder: Path, user: str, name: str, *steps: str) -> Callee:
    """A phone of a user, registered, which will do these things at a call."""
    callee = Callee(folder, name, list(steps), is_relayed=True)
    with At(server, callee) as place:
        place.registers(user)
    return callee


def final(server: Server, user: str) -> int:
    """What somebody hears who calls and takes no for an answer."""
    with SipSocket(server.address) as caller:
        return caller.ask(request("INVITE", server.uri(user), caller.local, body=offer("127.0.0.1", 4000))).status


def test_one_phone_answers_and_the_other_is_cancelled(exchange: Server, tmp_path: Path) -> None:
    winner = phone(exchange, tmp_path, "anna", "winner", rings(), waits(300), answers("won"), is_hung_up_on())
    loser = phone(exchange, tmp_path, "anna", "loser", rings(), is_cancelled())
    with winner, loser, Flow(tmp_path / "caller", RICH, exchange.address, "anna") as caller:
        for each in (caller, winner, loser):
            each.finish(15)
    assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in loser.messages()
    assert "487" not in caller.messages()


def test_the_best_of_the_refusals_goes_back(exchange: Server, tmp_path: Path) -> None:
    """RFC 3261 16.7, step 6: the lowest class; among 4xx not that of a phone that has not answered."""
    one = phone(exchange, tmp_path, "bob", "one", rings(), refuses("503 Service Unavailable"))
    two = phone(exchange, tmp_path, "bob", "two", rings(), waits(200), refuses("486 Busy Here"))
    with one, two:
        assert final(exchange, "bob") == 486
        one.finish(10)
        two.finish(10)


def test_who_declines_ends_it_for_all(exchange: Server, tmp_path: Path) -> None:
    one = phone(exchange, tmp_path, "carl", "one", rings(), is_cancelled())
    two = phone(exchange, tmp_path, "carl", "two", rings(), waits(300), refuses("603 Decline"))
    with one, two:
        assert final(exchange, "carl") == 603
        one.finish(10)
        two.finish(10)
    assert "Reason: SIP;cause=603" in one.messages()


def test_picture_and_chat_pass_untouched_also_to_where_a_phone_sends_its_callers(
    exchange: Server, tmp_path: Path
) -> None:
    """RFC 3261 16.6, step 1, and 16.7, step 4: bodies are nobody's business but the phones'."""
    moved = refuses("302 Moved Temporarily").replace("<sip:bob@[local_ip]:[local_port]>", f"<{exchange.uri('emil')}>")
    dora = phone(exchange, tmp_path, "dora", "dora", moved)
    emil = phone(exchange, tmp_path, "emil", "emil", rings(), answers(body=SDP + PICTURE_AND_CHAT), is_hung_up_on())
    with dora, emil, Flow(tmp_path / "caller", RICH, exchange.address, "dora") as caller:
        for each in (caller, dora, emil):
            each.finish(15)
    assert len(offers := bodies(caller, "m=video 41000")) >= 1
    assert bodies(emil, "m=video 41000") == offers == bodies(dora, "m=video 41000"), "the offer"
    assert bodies(caller, "m=video 42000") == bodies(emil, "m=video 42000") != set(), "the answer"
    assert " 302 " not in caller.messages()


def bodies(side: Flow | Callee, wanted: str) -> set[str]:
    """Of all messages that it has seen, those with these words."""
    found = re.findall(r"v=0\r?\n(?:[a-z]=[^\r\n]*\r?\n)+", side.messages())
    return {text.replace("\r", "") for text in found if wanted in text}
