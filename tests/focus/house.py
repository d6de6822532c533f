"""A focus with real rooms, in virtual time: SIP as text on one side, workers that take notes on the other.

What the stack would do by itself is done here in its simplest form: a refused call has ended, a call that is hung up
has ended once its ACK has come.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    FirstPacket,
    FromWorker,
    LegOpened,
    MoveLeg,
    OpenLeg,
    OpenRoom,
    SetHearing,
    ToWorker,
)
from confserver.focus import outputs as out
from confserver.focus.chat import ChatTerms
from confserver.focus.dialout import DialTerms
from confserver.focus.focus import Focus
from confserver.focus.legs import Leg, Stage
from confserver.focus.media import Ground
from confserver.focus.scene import Scene
from confserver.focus.terms import MediaTerms
from confserver.focus.verdict import Decide
from confserver.routing.guard import Guard
from confserver.sip import outputs as sip
from confserver.sip.doorkeeper import Identity
from confserver.sip.extensions.replaces import Other
from confserver.sip.flow import Address, Flow
from confserver.sip.message import Request, Response, parse
from rooms.commands import Command, Dial
from rooms.events import Event
from rooms.manager import Rooms
from rooms.participant import SYSTEM, ParticipantIds
from rooms.policy import RoomPolicy

Kind = TypeVar("Kind")
START = 1_700_000_000.0
SERVER, SERVER6 = "192.0.2.1", "2001:db8::1"
PHONE: Address = ("192.0.2.9", 5062)
OUTSIDE = "93.184.216.34"
"""Outside, but listed."""
RTP_PORTS = (20000, 20999)


class Street:
    """The surroundings: one network of each family, and what is listed."""

    def __init__(self) -> None:
        attached = ("127.0.0.0/8", "::1/128", "192.0.2.0/24", "2001:db8::/64", "fe80::/64")
        networks = [ipaddress.ip_network(text) for text in attached]
        self.guard = Guard([ipaddress.ip_network("93.184.216.0/24")], networks, [ipaddress.ip_network("192.0.2.60/32")])
        self.hosts = {False: SERVER, True: SERVER6}
        self.asked: list[tuple[Flow, str | None, bool]] = []

    def ground(self) -> Ground:
        return Ground((SERVER, SERVER6, "127.0.0.1"), *RTP_PORTS, ("192.0.2.255",))

    def media_host(self, flow: Flow, peer: str | None, is_ipv6: bool) -> str | None:
        self.asked.append((flow, peer, is_ipv6))
        return self.hosts[is_ipv6]

    def own_host(self, peer: str | None, is_ipv6: bool) -> str | None:
        return self.hosts[is_ipv6]


def sdp(
    host: str = "192.0.2.9",
    port: int = 4000,
    *lines: str,
    formats: str = "0 8 101",
    proto: str = "RTP/AVP",
    version: int = 1,
    maps: Sequence[str] = ("rtpmap:101 telephone-event/8000",),
) -> str:
    family = "IP6" if ":" in host else "IP4"
    said = ["v=0", f"o=- 1 {version} IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0"]
    said += [f"m=audio {port} {proto} {formats}", *(f"a={each}" for each in (*maps, *lines))]
    return "\r\n".join(said) + "\r\n"


def the(kind: type[Kind], outputs: Iterable[object]) -> Kind:
    """The only one of its kind, among the outputs, what workers are told and what is published."""
    found = every(kind, outputs)
    assert len(found) == 1, f"{len(found)} of {kind.__name__} in {list(outputs)}"
    return found[0]


def every(kind: type[Kind], outputs: Iterable[object]) -> list[Kind]:
    flat: list[object] = []
    for output in outputs:
        flat.append(output)
        if isinstance(output, out.TellWorker | out.TellScribe):
            flat.append(output.command)
        if isinstance(output, out.Publish):
            flat.extend(output.events)
    return [each for each in flat if isinstance(each, kind)]


class Strict:
    """A worker that wants its orders in order: what it is told of must be there."""

    def __init__(self) -> None:
        self.rooms: set[int] = set()
        self.legs: dict[int, int] = {}
        self.port = 20000

    def obey(self, command: ToWorker) -> None:
        match command:
            case OpenRoom(room=room):
                assert room not in self.rooms
                self.rooms.add(room)
            case CloseRoom(room=room):
                assert room not in self.legs.values(), "people are in it"
                self.rooms.remove(room)
            case OpenLeg(leg=leg, room=room):
                assert room in self.rooms and leg not in self.legs
                self.legs[leg] = room
            case MoveLeg(leg=leg, room=room):
                assert leg in self.legs and room in self.rooms
                self.legs[leg] = room
            case SetHearing(room=room):
                assert room in self.rooms
            case CloseLeg(leg=leg):
                del self.legs[leg]


class House:
    def __init__(
        self,
        *,
        workers: int = 1,
        on_demand: bool = True,
        most: int = 200,
        terms: MediaTerms | None = None,
        dialling: DialTerms | None = None,
        texting: ChatTerms | None = None,
        quiets_muted: bool = False,
        decide: Decide | None = None,
        **rooms: Any,
    ) -> None:
        self.now = START
        self.street = Street()
        policy = RoomPolicy(max_participants=most)
        self.rooms = Rooms(ParticipantIds(), on_demand=on_demand, policy=policy, **rooms)
        self.scene = Scene(self.rooms, self.street, terms)
        self.focus = Focus(self.scene, quiets_muted=quiets_muted, dialling=dialling, texting=texting, decide=decide)
        self.workers = [Strict() for _ in range(workers)]
        self.acked: dict[int, bool] = {}
        """Calls that the stack knows: whether the ACK has come."""
        self._hung_up: dict[int, str] = {}
        self.invites: dict[int, out.Call] = {}
        """Calls of ours, and their offers."""
        self.offers: dict[int, str] = {}
        self.cancelled: list[int] = []
        self.grants: dict[int, out.Grant] = {}
        """Subscriptions, by number."""
        self.outgoing_flow = Flow("UDP", (SERVER, 5060), PHONE)
        self._numbers = itertools.count(1)
        for number in range(workers):
            self.focus.worker_ready(number)

    # ---------------------------------------------------------------- the machinery
    def play(self, outputs: list[out.Output]) -> list[out.Output]:
        """Do what is asked for, and what follows; gives all of it."""
        waiting, done = deque(outputs), []
        while waiting:
            output = waiting.popleft()
            done.append(output)
            match output:
                case out.TellWorker(worker, command):
                    self.workers[worker].obey(command)
                case out.Refuse(call, status, reason) if call in self.acked:
                    waiting.extend(self._ended(call, reason, status))
                case out.Call(leg=leg):
                    call = next(self._numbers)
                    self.invites[call] = output
                    self.focus.called(leg, call)
                    self.offers[call] = output.offer(self.outgoing_flow).decode()
                case out.Grant(transaction=number):
                    self.grants[number] = output
                case out.EndSubscription(subscription=number, reason=reason):
                    waiting.extend(self.focus.hear_call(sip.SubscriptionEnded(number, reason), self.now))
                case out.Abandon(call, cause):
                    waiting.extend(self.focus.hear_call(sip.CallEnded(call, cause, False), self.now))
                case out.HangUp(call, cause) if call in self.invites and call not in self.acked:
                    self.cancelled.append(call)
                case out.HangUp(call, cause) if self.acked.get(call):
                    waiting.extend(self._ended(call, cause))
                case out.HangUp(call, cause) if call in self.acked:
                    self._hung_up[call] = cause
        return done

    def _ended(self, call: int, cause: str, status: int = 0, by_peer: bool = False) -> list[out.Output]:
        del self.acked[call]
        self._hung_up.pop(call, None)
        return self.focus.hear_call(sip.CallEnded(call, cause, by_peer, status), self.now)

    # ---------------------------------------------------------------- phones
    def request(
        self, method: str, room: str, body: str, source: Address, *, name: str, vias: int, transport: str, local: str
    ) -> tuple[Request, Flow]:
        host = f"[{local}]" if ":" in local else local
        ways = [f"Via: SIP/2.0/{transport} hop{n}.example.com;branch=z9hG4bK{n}" for n in range(vias)]
        user = f"{room}@" if room else ""
        lines = [f"{method} sip:{user}{host} SIP/2.0", *ways, "Max-Forwards: 70"]
        lines += [f"From: {name};tag=1", f"To: <sip:{user}{host}>", f"Call-ID: {next(self._numbers)}"]
        lines += [f"CSeq: 1 {method}", "Contact: <sip:phone@192.0.2.9>"]
        lines += ["Content-Type: application/sdp"] if body else []
        text = "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body])
        request = parse(text.encode())
        assert isinstance(request, Request)
        return request, Flow(transport, (local, 5060), source, int(transport != "UDP"))

    def invite(
        self,
        body: str | None = None,
        *,
        room: str = "standup",
        source: Address = PHONE,
        name: str = "Anna <sip:anna@example.com>",
        vias: int = 1,
        local: str = SERVER,
        lines: Sequence[str] = (),
        other: Other | None = None,
        transport: str = "UDP",
        identity: Identity | None = None,
    ) -> tuple[int, list[out.Output]]:
        """``lines``: more headers. ``other``: the call that it replaces or joins. ``identity``: who has shown it."""
        body = sdp() if body is None else body
        request, flow = self.request(
            "INVITE", room, body, source, name=name, vias=vias, transport=transport, local=local
        )  # fmt: skip
        for line in lines:
            request.headers.add(*line.split(": ", 1))
        request.identity = identity
        call = next(self._numbers)
        self.acked[call] = False
        return call, self.play(self.focus.hear_call(sip.CallArrived(call, request, flow, other), self.now))

    def reinvite(self, call: int, body: str, source: Address = PHONE, transport: str = "UDP") -> list[out.Output]:
        request, flow = self.request(
            "INVITE", "standup", body, source, name="<sip:anna@a>", vias=1, transport=transport, local=SERVER
        )  # fmt: skip
        return self.play(self.focus.hear_call(sip.OfferArrived(call, request, flow), self.now))

    def options(self, room: str = "standup", source: Address = PHONE) -> out.Respond:
        request, flow = self.request(
            "OPTIONS", room, "", source, name="<sip:anna@a>", vias=1, transport="UDP", local=SERVER
        )  # fmt: skip
        return the(out.Respond, self.focus.hear_call(sip.RequestArrived(7, request, flow), self.now))

    def ack(self, call: int, body: str = "") -> list[out.Output]:
        self.acked[call] = True
        if call in self._hung_up:
            return self.play(self._ended(call, self._hung_up[call]))
        return self.play(self.focus.hear_call(sip.CallAcknowledged(call, body.encode(), "application/sdp"), self.now))

    def ack_offer(self, call: int, body: str = "") -> list[out.Output]:
        return self.play(self.focus.hear_call(sip.OfferAcknowledged(call, body.encode(), "application/sdp"), self.now))

    def bye(self, call: int, cause: str = "hung up") -> list[out.Output]:
        return self.play(self._ended(call, cause, by_peer=True))

    def cancel(self, call: int) -> list[out.Output]:
        return self.play(self._ended(call, "cancelled", 487, by_peer=True))

    def ask(
        self, method: str, *lines: str, call: int | None = None, room: str = "standup", body: str | bytes = "",
        kind: str = "", source: Address = PHONE, name: str = "Anna <sip:anna@example.com>",
    ) -> list[out.Output]:  # fmt: skip
        """A request other than INVITE, in a call or to a room."""
        request, flow = self.request(
            method, room, "", source, name=name, vias=1, transport="UDP", local=SERVER
        )  # fmt: skip
        for line in (*lines, *([f"Content-Type: {kind}"] if kind else [])):
            request.headers.add(*line.split(": ", 1))
        request.body = body.encode() if isinstance(body, str) else body
        number = next(self._numbers)
        event: sip.Output = sip.RequestArrived(number, request, flow)
        if call is not None:
            event = sip.RequestInCall(call, number, request, flow)
        return self.play(self.focus.hear_call(event, self.now))

    def reply(self, wish: out.Ask | out.Send, status: int, *lines: str) -> list[out.Output]:
        """The phone's answer to a request of ours."""
        number = next(self._numbers)
        self.focus.sent(wish.key, number)
        answer = sip.RequestAnswered(number, self.response(status, "", *lines))
        return self.play(self.focus.hear_call(answer, self.now))

    # ---------------------------------------------------------------- calls of ours
    def response(self, status: int, body: str = "", *lines: str, contact: str = "<sip:bob@192.0.2.9:5062>") -> Response:
        head = [f"SIP/2.0 {status} Because", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "From: <sip:us@a>;tag=1"]
        head += ["To: <sip:bob@b>;tag=2", "Call-ID: 1", "CSeq: 1 INVITE", f"Contact: {contact}", *lines]
        head += ["Content-Type: application/sdp"] if body else []
        response = parse("\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode())
        assert isinstance(response, Response)
        return response

    def dial(self, uri: str = "sip:bob@192.0.2.9", **how: Any) -> int:
        """As far as the INVITE; gives the call."""
        self.order(Dial("standup", uri, **how))
        leg = list(self.scene.legs.by_id.values())[-1]
        self.tell(LegOpened(leg=leg.id, port=20100, ssrc=leg.id), leg.worker)
        return leg.call

    def rings(self, call: int, status: int = 180, body: str = "", *lines: str) -> list[out.Output]:
        return self.play(self.focus.hear_call(sip.CallRinging(call, self.response(status, body, *lines)), self.now))

    def answers(self, call: int, body: str | None = None, **how: Any) -> list[out.Output]:
        self.acked[call] = True
        answer = self.response(200, sdp() if body is None else body, **how)
        return self.play(self.focus.hear_call(sip.CallAccepted(call, answer, self.outgoing_flow), self.now))

    def refuses(self, call: int, status: int, *, contact: str = "<sip:bob@192.0.2.9>") -> list[out.Output]:
        answer = self.response(status, contact=contact)
        ended = sip.CallEnded(call, answer.reason, True, status, "", answer)
        return self.play(self.focus.hear_call(ended, self.now))

    def unanswered(self, call: int, status: int = 408) -> list[out.Output]:
        """Nothing has come back, or there is no way to whom is called."""
        return self.play(self.focus.hear_call(sip.CallEnded(call, "no answer", status == 408, status), self.now))

    # ---------------------------------------------------------------- workers, people, time
    def tell(self, event: FromWorker, worker: int = 0) -> list[out.Output]:
        return self.play(self.focus.hear_worker(worker, event, self.now))

    def leg_of(self, name: str) -> Leg:
        room = self.rooms.get("standup")
        [person] = [each.id for each in room.places.values() if each.name == name]
        return self.scene.legs.by_participant[person]

    def leg(self, call: int) -> Leg:
        return self.scene.legs.by_call[call]

    def opened(self, call: int, port: int = 20100) -> list[out.Output]:
        leg = self.leg(call)
        return self.tell(LegOpened(leg=leg.id, port=port, ssrc=leg.id), leg.worker)

    def first_packet(self, call: int) -> list[out.Output]:
        return self.tell(FirstPacket(leg=self.leg(call).id), self.leg(call).worker)

    def enter(self, body: str | None = None, **how: Any) -> int:
        """A call as far as it can come."""
        call, _ = self.invite(body, **how)
        self.opened(call)
        self.ack(call)
        assert call in self.acked
        if self.leg(call).stage is not Stage.LEAVING:
            self.first_packet(call)
        return call

    def lose(self, worker: int) -> list[out.Output]:
        self.workers[worker] = Strict()
        return self.play(self.focus.worker_lost(worker, self.now))

    def order(self, command: Command) -> list[out.Output]:
        return self.play(self.focus.command(command, SYSTEM, self.now))

    def pass_time(self, seconds: float) -> list[out.Output]:
        end, done, turns = self.now + seconds, [], 0
        while (due := self.focus.next_deadline()) is not None and due <= end:
            turns = turns + 1 if due <= self.now else 0
            assert turns < 100, "what is due is never done: a server would do nothing else"
            self.now = max(self.now, due)
            done += self.play(self.focus.fire(self.now))
        self.now = end
        return done

    def people(self, room: str = "standup") -> list[str]:
        return [person.id for person in self.rooms.get(room).present] if room in self.rooms else []

    def is_empty(self) -> bool:
        """Nothing is left of any call."""
        legs = self.scene.legs
        left = (legs.by_id, legs.by_call, legs.by_participant, legs._by_room, legs._opening, self.scene.places)
        at_workers = [(worker.rooms, worker.legs) for worker in self.workers]
        places = [room.places for room in self.rooms]
        assert legs.next_opening() is None
        return not any(left) and not any(map(any, at_workers)) and not any(places) and not self.acked


def events(outputs: Iterable[object]) -> list[type[Event]]:
    """The kinds of what is published, in order."""
    return [type(event) for event in every(Event, outputs)]
