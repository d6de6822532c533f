"""A stack that relays, between phones that we write by hand: each has an address, and hears what is sent to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from confserver.sip.flow import Address, Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response, parse
from confserver.sip.outputs import OpenFlow, Output, Resolve, SendBytes
from confserver.sip.proxy.plan import Answer, Plan, Relay, Target
from confserver.sip.stack import Stack, StackSettings
from confserver.sip.uri import Uri, parse_uri
from tests.kit.sip_play import KEPT, SDP, SERVER, START, answer_to, tokens

ALICE: Address = ("192.0.2.9", 5062)
BOB: Address = ("192.0.2.20", 5060)
BOB_2: Address = ("192.0.2.21", 5060)
CAROL: Address = ("192.0.2.30", 5060)


def to(address: Address, user: str = "bob", **more: Any) -> Target:
    return Target(parse_uri(f"sip:{user}@{address[0]}:{address[1]}"), **more)


def is_ours(uri: Uri) -> bool:
    return uri.host in ("192.0.2.1", "example.com") and (uri.port or 5060) == 5060


class Relaying:
    """``plans``: what becomes of requests by the user that they name; all others are for the stack itself."""

    def __init__(self, **settings: Any) -> None:
        self.plans: dict[str, Plan] = {}
        self.asked: list[Request] = []
        given: dict[str, Any] = {"planner": self._plan, "is_ours": is_ours, "secret": "s3cret", **settings}
        self.stack = Stack(StackSettings(**given), tokens())
        self.now = START
        self.is_lenient = False
        """Answers to what is broken may be broken themselves."""
        self.unreachable: set[Address] = set()
        self.names: dict[str, list[str]] = {}
        self.post: dict[Address, list[Request | Response]] = {}
        """What has been sent to each, and not been read."""
        self.heard: list[Output] = []
        self.branch = 0
        self._flows: dict[Address, Flow] = {}

    def _plan(self, request: Request, flow: Flow, now: float) -> Plan | None:
        self.asked.append(request)
        return self.plans.get(request.uri.user)

    def forks(self, user: str, *groups: tuple[Target, ...], **more: Any) -> None:
        self.plans[user] = Relay(groups, **more)

    def answers(self, user: str, status: int, *headers: tuple[str, str]) -> None:
        self.plans[user] = Answer(status, "", headers)

    # -------------------------------------------------------------- the network
    def connect(self, address: Address, transport: str = "TCP", number: int = 1) -> Flow:
        """That phone talks by a connection from now on."""
        self._flows[address] = Flow(transport, SERVER, address, number)
        return self._flows[address]

    def flow(self, address: Address) -> Flow:
        return self._flows.get(address) or Flow("UDP", SERVER, address)

    def perform(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case SendBytes(flow, data):
                    with contextlib.suppress(*((Malformed,) if self.is_lenient else ())):
                        self.post.setdefault(flow.remote, []).append(parse(data))
                case OpenFlow(token, _, remote) if remote in self.unreachable:
                    self.perform(self.stack.flow_failed(token, "refused", self.now))
                case OpenFlow(token, transport, remote):
                    flow = replace(self.flow(remote), transport=transport)
                    self.perform(self.stack.flow_opened(token, flow, self.now))
                case Resolve(token, host):
                    self.perform(self.stack.resolved(token, self.names.get(host, []), self.now))
                case _:
                    self.heard.append(output)

    def hear(self, text: str | bytes, source: Address = ALICE) -> None:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.perform(self.stack.receive(data, self.flow(source), self.now))

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.stack.next_deadline()) is not None and at <= end:
            self.now = max(self.now, at)
            self.perform(self.stack.fire(self.now))
        self.now = end

    # -------------------------------------------------------------- the phones
    def takes(self, who: Address) -> list[Request | Response]:
        """All that has been sent to him since the last time."""
        return self.post.pop(who, [])

    def request_to(self, who: Address, method: str) -> Request:
        found = [each for each in self.takes(who) if isinstance(each, Request) and each.method == method]
        assert len(found) == 1, f"{len(found)} {method} to {who}"
        return found[0]

    def statuses(self, who: Address = ALICE) -> list[int]:
        return [each.status for each in self.takes(who) if isinstance(each, Response)]

    def answer_at(self, who: Address = ALICE) -> Response:
        """The only answer but 100."""
        found = [each for each in self.takes(who) if isinstance(each, Response) and each.status > 100]
        assert len(found) == 1, found
        return found[0]

    def answer_at_last(self, who: Address = ALICE) -> Response:
        """The last answer, whatever came before."""
        found = [each for each in self.takes(who) if isinstance(each, Response)]
        return found[-1]

    def is_there(self, address: Address, transport: str = "TCP", number: int = 1) -> Flow:
        """That phone has a connection, and keeps it."""
        flow = self.connect(address, transport, number)
        self.perform(self.stack.receive(b"\r\n", flow, self.now))
        return flow

    def sends(
        self,
        method: str = "INVITE",
        *headers: str,
        uri: str = "sip:bob@example.com",
        source: Address = ALICE,
        branch: str | None = None,
        call_id: str = "call-1",
        cseq: int = 1,
        from_: str = "<sip:alice@example.com>;tag=alice",
        to: str = "<sip:bob@example.com>",
        forwards: int | None = 70,
        contact: str | None = None,
        body: bytes = b"",
        content_type: str = "application/sdp",
    ) -> str:
        """A request of a phone. Gives its branch."""
        if branch is None:
            self.branch += 1
            branch = f"z9hG4bKp{self.branch}"
        flow = self.flow(source)
        lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/{flow.transport} {source[0]}:{source[1]};branch={branch}"]
        lines += [f"Max-Forwards: {forwards}"] if forwards is not None else []
        lines += [f"From: {from_}", f"To: {to}", f"Call-ID: {call_id}", f"CSeq: {cseq} {method}"]
        if method in ("INVITE", "SUBSCRIBE"):
            lines.append(f"Contact: {contact or f'<sip:alice@{source[0]}:{source[1]}>'}")
        lines += list(headers)
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines += [f"Content-Length: {len(body)}", "", ""]
        self.hear("\r\n".join(lines).encode() + body, source)
        return branch

    def invites(self, *headers: str, **more: Any) -> str:
        return self.sends("INVITE", *headers, **{"body": SDP, **more})

    def replies(self, who: Address, request: Request, status: int, *headers: str, tag: str = "", **more: Any) -> None:
        contact = f"Contact: <sip:bob@{who[0]}:{who[1]}>"
        routes = [f"Record-Route: {value}" for value in request.headers.get_all("Record-Route")]
        lines = [*headers, contact, *routes] if 100 < status < 300 else list(headers)
        self.hear(answer_to(request, status, *lines, tag=tag or f"t{who[0]}", **more), who)

    # -------------------------------------------------------------- plays
    def rings(self, who: Address) -> Request:
        """He gets the INVITE, and rings."""
        invite = self.request_to(who, "INVITE")
        self.replies(who, invite, 180)
        return invite

    def talks(self, who: Address = BOB, **more: Any) -> tuple[Request, Response]:
        """A call from Alice that stands: the INVITE as he has it, the 200 as she has it."""
        self.forks("bob", (to(who),))
        self.invites(**more)
        invite = self.request_to(who, "INVITE")
        self.replies(who, invite, 200, body=SDP)
        return invite, self.answer_at()

    def is_at_rest(self) -> bool:
        now = self.stack.describe()
        return not any(now[name] for name in (*KEPT, "relayed requests"))


def route_set(answer: Response) -> list[str]:
    """The caller's Route values (RFC 3261 12.1.2)."""
    return [f"Route: {value}" for value in answer.headers.get_all("Record-Route")[::-1]]


def route_set_of_called(invite: Request) -> list[str]:
    """The called one's (RFC 3261 12.1.1)."""
    return [f"Route: {value}" for value in invite.headers.get_all("Record-Route")]
