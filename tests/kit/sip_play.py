"""Plays for the SIP stack over a fake clock: raw text against one stack, or stacks joined by a bad network."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from confserver.sip.flow import Address, Flow, written
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request, Response, parse
from confserver.sip.outputs import (
    CallArrived,
    CallId,
    CloseFlow,
    OfferArrived,
    OpenFlow,
    Output,
    RequestArrived,
    Resolve,
    SendBytes,
)
from confserver.sip.stack import Stack, StackSettings
from confserver.sip.uri import parse_uri

Kind = TypeVar("Kind")
START = 1_000_000.0
SERVER: Address = ("192.0.2.1", 5060)
PHONE: Address = ("192.0.2.9", 5062)
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n"
KEPT = (
    "transactions",
    "bytes of requests",
    "merged",
    "waiting requests",
    "calls",
    "dialogs",
    "subscriptions",
    "searches",
    "timers",
)


def tokens(seed: str = "t") -> Callable[[], str]:
    count = iter(range(10**9))
    return lambda: f"{seed}{next(count)}"


def the(kind: type[Kind], outputs: Iterable[object]) -> Kind:
    """The only one of its kind."""
    found = [output for output in outputs if isinstance(output, kind)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__} in {outputs}"
    return found[0]


def none_of(kind: type, outputs: Iterable[object]) -> bool:
    return not any(isinstance(output, kind) for output in outputs)


def sent(outputs: Iterable[object]) -> list[Request | Response]:
    return [parse(output.data) for output in outputs if isinstance(output, SendBytes)]


def statuses(outputs: Iterable[object]) -> list[int]:
    return [message.status for message in sent(outputs) if isinstance(message, Response)]


def methods(outputs: Iterable[object]) -> list[str]:
    return [message.method for message in sent(outputs) if isinstance(message, Request)]


def udp(remote: Address = PHONE, local: Address = SERVER) -> Flow:
    return Flow("UDP", local, remote)


def tcp(remote: Address = PHONE, number: int = 1, local: Address = SERVER) -> Flow:
    return Flow("TCP", local, remote, number)


def at_rest(stack: Stack) -> bool:
    """Nothing is left of what was."""
    now = stack.describe()
    return not any(now[name] for name in KEPT)


class Wire:
    """One stack, and a phone that we write by hand."""

    def __init__(self, flow: Flow | None = None, **settings: Any) -> None:
        self.stack = Stack(StackSettings(**settings), tokens())
        self.flow = flow or udp()
        self.now = START
        self.branch = 0

    def hear(self, data: bytes | str, flow: Flow | None = None) -> list[Output]:
        data = data.encode() if isinstance(data, str) else data
        return self.stack.receive(data, flow or self.flow, self.now)

    def pass_time(self, seconds: float, step: float | None = None) -> list[Output]:
        """Fire every timer at its own time, as the shell does."""
        outputs: list[Output] = []
        end = self.now + seconds
        while (at := self.stack.next_deadline()) is not None and at <= end:
            self.now = max(self.now, at)
            outputs += self.stack.fire(self.now)
        self.now = end
        return outputs

    def request(
        self,
        method: str = "INVITE",
        *headers: str,
        uri: str = "sip:standup@192.0.2.1",
        cseq: int = 1,
        to_tag: str = "",
        from_tag: str = "alice",
        call_id: str = "call-1",
        branch: str | None = None,
        via: str | None = None,
        contact: str | None = "<sip:alice@192.0.2.9:5062>",
        body: bytes = b"",
        content_type: str = "application/sdp",
        cseq_method: str | None = None,
    ) -> str:
        """The text of a request of the phone; each with a branch of its own unless one is given."""
        if branch is None:
            self.branch += 1
            branch = f"z9hG4bKp{self.branch}"
        via = via or f"SIP/2.0/{self.flow.transport} {written(self.flow.remote)};rport;branch={branch}"
        tag = f";tag={to_tag}" if to_tag else ""
        lines = [f"{method} {uri} SIP/2.0", f"Via: {via}", "Max-Forwards: 70", f"From: <sip:alice@a>;tag={from_tag}"]
        lines += [f"To: <sip:standup@192.0.2.1>{tag}", f"Call-ID: {call_id}", f"CSeq: {cseq} {cseq_method or method}"]
        if contact and method in ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"):
            lines.append(f"Contact: {contact}")
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines += [*headers, f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines) + body.decode()

    def invite(self, *headers: str, **more: Any) -> list[Output]:
        return self.hear(self.request("INVITE", *headers, **{"body": SDP, **more}))

    def arrive(self, *headers: str, **more: Any) -> CallId:
        return the(CallArrived, self.invite(*headers, **more)).call

    def establish(self, *headers: str, **more: Any) -> tuple[CallId, str]:
        """A call of the phone that stands, and our To tag."""
        call = self.arrive(*headers, **more)
        answer = sent(self.stack.accept(call, SDP, self.now))[0]
        tag = answer.to.tag
        self.hear(self.request("ACK", to_tag=tag))
        return call, tag

    def dial(self, target: str = "sip:bob@192.0.2.9:5062", **more: Any) -> tuple[CallId, Request, list[Output]]:
        """A call of ours, as far as the INVITE."""
        from_ = parse_name_addr("<sip:us@192.0.2.1>")
        call, outputs = self.stack.call(parse_uri(target), from_, SDP, self.now, **more)
        opened = the(OpenFlow, outputs)
        outputs = self.stack.flow_opened(opened.token, replace(self.flow, remote=opened.remote), self.now)
        invite = sent(outputs)[0]
        assert isinstance(invite, Request)
        return call, invite, outputs

    def answer(self, request: Request, status: int, *headers: str, tag: str = "bob", body: bytes = b"") -> list[Output]:
        """The phone answers a request of ours."""
        return self.hear(answer_to(request, status, *headers, tag=tag, body=body))


def answer_to(request: Request, status: int, *headers: str, tag: str = "bob", body: bytes = b"") -> str:
    to = request.headers.get("To") or ""
    to += f";tag={tag}" if tag and "tag=" not in to else ""
    lines = [f"SIP/2.0 {status} Because", *[f"Via: {via}" for via in request.headers.get_all("Via")]]
    lines += [f"From: {request.headers.get('From')}", f"To: {to}", f"Call-ID: {request.call_id}"]
    lines += [f"CSeq: {request.headers.get('CSeq')}"]
    if request.method == "INVITE" and status < 300 and not any(line.startswith("Contact") for line in headers):
        lines.append("Contact: <sip:bob@192.0.2.9:5062>")
    if body:
        lines.append("Content-Type: application/sdp")
    lines += [*headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines) + body.decode()


# ---------------------------------------------------------------- stacks joined by a network
@dataclass(slots=True)
class Weather:
    """How bad the network is: shares of datagrams lost, doubled and late; streams lose nothing."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    delay: float = 0.01
    lateness: float = 0.3


@dataclass
class Party:
    """A stack with an address and a user who notes what he hears; ``plays`` answers by itself."""

    play: Play
    address: Address
    stack: Stack
    heard: list[Output] = field(default_factory=list)
    plays: Callable[[Party, Output], None] | None = None

    def do(self, outputs: list[Output]) -> list[Output]:
        self.play.perform(self, outputs)
        return outputs

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [output for output in self.heard if isinstance(output, kind)]

    def dial(self, other: Party, transport: str = "UDP") -> CallId:
        host, port = other.address
        target = parse_uri(f"sip:room@{host}:{port};transport={transport.lower()}")
        from_ = parse_name_addr(f"<sip:us@{self.address[0]}>")
        call, outputs = self.stack.call(target, from_, SDP, self.play.now)
        self.do(outputs)
        return call


class Play:
    """The network and the clock between parties."""

    def __init__(self, seed: int = 0, weather: Weather | None = None) -> None:
        self.now = START
        self.random = random.Random(seed)
        self.weather = weather or Weather()
        self.parties: dict[Address, Party] = {}
        self.names: dict[str, list[str]] = {}
        self._flights: list[tuple[float, int, Address, Flow, bytes]] = []
        self._count = 0
        self._next_port = 40000
        self.wire: list[tuple[float, Address, Request | Response]] = []
        """All that was sent, before the weather."""

    def party(self, host: str, port: int = 5060, **settings: Any) -> Party:
        party = Party(self, (host, port), Stack(StackSettings(**settings), tokens(f"{host}-")))
        self.parties[party.address] = party
        return party

    def perform(self, party: Party, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case SendBytes(flow, data):
                    self._send(party, flow, data)
                case OpenFlow(token, transport, remote):
                    self._open(party, token, transport, remote)
                case Resolve(token, host):
                    party.do(party.stack.resolved(token, self.names.get(host, []), self.now))
                case CloseFlow():
                    raise AssertionError(output)
                case _:
                    party.heard.append(output)
                    if party.plays is not None:
                        party.plays(party, output)

    def _open(self, party: Party, token: int, transport: str, remote: Address) -> None:
        if remote not in self.parties:
            party.do(party.stack.flow_failed(token, "refused", self.now))
            return
        local = party.address
        if transport != "UDP":
            self._next_port += 1
            local = (party.address[0], self._next_port)
        party.do(party.stack.flow_opened(token, Flow(transport, local, remote, int(transport != "UDP")), self.now))

    def _send(self, party: Party, flow: Flow, data: bytes) -> None:
        self.wire.append((self.now, party.address, parse(data)))
        back = Flow(flow.transport, flow.remote, flow.local, flow.id)
        weather, dice = self.weather, self.random
        if flow.is_reliable:
            self._fly(back, data, weather.delay)
            return
        for _ in range(2 if dice.random() < weather.doubled else 1):
            if dice.random() >= weather.lost:
                late = dice.random() * weather.lateness if dice.random() < weather.late else 0.0
                self._fly(back, data, weather.delay + late)

    def _fly(self, flow: Flow, data: bytes, delay: float) -> None:
        self._count += 1
        heapq.heappush(self._flights, (self.now + delay, self._count, flow.local, flow, data))

    def _receiver(self, flow: Flow) -> Party | None:
        exact = self.parties.get(flow.local)
        return exact or next((p for p in self.parties.values() if p.address[0] == flow.local[0]), None)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            due = [at for p in self.parties.values() if (at := p.stack.next_deadline()) is not None]
            due += [self._flights[0][0]] if self._flights else []
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            self._step()
        self.now = end

    def _step(self) -> None:
        while self._flights and self._flights[0][0] <= self.now:
            _, _, _, flow, data = heapq.heappop(self._flights)
            party = self._receiver(flow)
            if party is not None:
                party.do(party.stack.receive(data, flow, self.now))
        for party in list(self.parties.values()):
            party.do(party.stack.fire(self.now))


def accepting(party: Party, output: Output) -> None:
    """A user who takes every call, every offer, and answers every other request 200."""
    now = party.play.now
    match output:
        case CallArrived(call):
            party.do(party.stack.ring(call, now))
            party.do(party.stack.accept(call, SDP, now))
        case OfferArrived(call):
            party.do(party.stack.accept_offer(call, SDP, now))
        case RequestArrived(transaction):
            party.do(party.stack.respond(transaction, 200, now))
