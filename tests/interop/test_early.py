"""A PIN before the answer: the caller hears prompts of a call that costs nothing yet, presses keys, and is let in."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.kit.raw_sip import Message, SipSocket, acknowledgement, offer, request, token, written
from tests.kit.server import Server

pytestmark = pytest.mark.interop
PIN = "4711"
SPOKEN = 3
"""Segment of PCMU (G.711) from which on it is speech, and no comfort noise."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("early")) as started:
        started.http("PUT", "/rooms/quiet", {"pin": PIN, "early_prompts": True})
        yield started


class Caller(SipSocket):
    """Knows reliable provisional answers (RFC 3262), and has an ear."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.address)
        self.uri, self.cseq, self.to = server.uri("quiet"), 1, f"<{server.uri('quiet')}>"
        self.ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ear.bind(("127.0.0.1", 0))
        self.ear.settimeout(0.2)
        self.tag, self.call_id = token(), token()

    def __exit__(self, *_: object) -> None:
        self.ear.close()
        super().__exit__()

    def calls(self) -> Message:
        """As far as the 183, which it acknowledges."""
        body = offer("127.0.0.1", self.ear.getsockname()[1])
        more = (("Supported", "100rel"), ("Allow", "INVITE, ACK, BYE, CANCEL, PRACK, INFO"))
        self.invite = request(
            "INVITE", self.uri, self.local, tag=self.tag, call_id=self.call_id, name="anna", more=more, body=body
        )
        self.send(self.invite)
        early = self.waits_for(183)
        self.to, self.target = early.header("To"), re.findall(r"<(.*?)>", early.header("Contact"))[0]
        assert early.header("Require") == "100rel" and early.media[1]
        assert self.says("PRACK", (("RAck", f"{early.header('RSeq')} 1 INVITE"),)) == 200
        return early

    def waits_for(self, status: int, timeout: float = 5.0) -> Message:
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None and message.is_response and message.status == status:
                return message
        raise AssertionError(f"no {status} came")

    def says(self, method: str, more: tuple[tuple[str, str], ...] = (), body: str = "") -> int:
        """In the dialog; its answer's status."""
        self.cseq += 1
        self.send(self.written(method, self.cseq, more, body))
        end = time.monotonic() + 5
        while (left := end - time.monotonic()) > 0:
            answer = self.receive(left)
            if answer is not None and answer.is_response and answer.header("CSeq") == f"{self.cseq} {method}":
                return answer.status
        raise AssertionError(f"no answer to {method}")

    def written(self, method: str, cseq: int, more: tuple[tuple[str, str], ...] = (), body: str = "") -> bytes:
        return request(
            method, self.target, self.local, tag=self.tag, to=self.to, call_id=self.call_id, name="anna", cseq=cseq,
            more=more, body=body, content_type="application/dtmf",
        )  # fmt: skip

    def hears(self, seconds: float) -> bool:
        """Whether something is spoken to him within that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                data = self.ear.recv(2000)
            except TimeoutError:
                continue
            segments = (~np.frombuffer(data[12:], np.uint8) >> 4) & 7
            if data[1] & 0x7F == 0 and np.mean(segments >= SPOKEN) > 0.3:
                return True
        return False


def test_a_pin_before_the_answer(server: Server) -> None:
    with Caller(server) as anna:
        anna.calls()
        assert anna.hears(5.0), "the question for the PIN"
        assert server.participants("quiet").get("anna", {}).get("presence") != "present"
        for key in f"{PIN}#":
            assert anna.says("INFO", body=key) == 200
        answer = anna.waits_for(200)
        assert answer.header("CSeq") == "1 INVITE" and not answer.body, "offer and answer have been exchanged already"
        anna.send(anna.written("ACK", 1))
        server.wait_until_in("quiet", "anna")
        assert anna.says("BYE") == 200


def test_who_gives_up_before_the_answer(server: Server) -> None:
    before = server.counts()
    with Caller(server) as anna:
        anna.calls()
        asked = Message.read(anna.invite)
        copied = [(name, asked.header(name)) for name in ("Via", "Max-Forwards", "From", "To", "Call-ID")]
        anna.send(written(f"CANCEL {anna.uri} SIP/2.0", [*copied, ("CSeq", "1 CANCEL")]))
        refused = anna.waits_for(487)
        anna.send(acknowledgement(anna.invite, refused))
        server.wait_for_counts(before, 10.0, "legs", "calls")
    assert server.participants("quiet") == {}
