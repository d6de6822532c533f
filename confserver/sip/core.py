"""What all transactions and calls of one stack share: outputs, deadlines, tables, counts, and the way out.

Nothing here decides anything about SIP's states; it looks up, writes down and sends.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Protocol

from confserver.sip.connections import Alias, Connection
from confserver.sip.flow import Address, Flow
from confserver.sip.grammar import Unwritable
from confserver.sip.matching import COOKIE, DEFAULT_PORT, DialogKey, dialog_key, way_back
from confserver.sip.message import Request, Response, response_to
from confserver.sip.outputs import CallId, Output, SendBytes
from confserver.sip.proxy.discretion import clean
from confserver.sip.proxy.routes import Tokens
from confserver.sip.timers import Deadlines, Timer
from confserver.sip.ways import Hop, Search, Seeker, Way

if TYPE_CHECKING:
    from confserver.sip.call import Call
    from confserver.sip.dialog import Dialog
    from confserver.sip.headers import Headers
    from confserver.sip.proxy.fork import Fork
    from confserver.sip.settings import StackSettings
    from confserver.sip.subscriber import Subscriber
    from confserver.sip.subscription import Subscription
    from confserver.sip.transaction import ClientTransaction, ServerTransaction
    from confserver.sip.usages import Usages

Extra = tuple[tuple[str, str], ...]
"""Header lines to add."""


class TimerOwner(Protocol):
    def fire(self, timer: Timer, now: float) -> None: ...


class Core:
    def __init__(self, settings: StackSettings, token: Callable[[], str]) -> None:
        self.settings = settings
        self.token = token
        self.outputs: list[Output] = []
        self.deadlines: Deadlines[TimerOwner] = Deadlines()
        self.servers: dict[Hashable, ServerTransaction] = {}
        self.clients: dict[Hashable, ClientTransaction] = {}
        self.merged: dict[Hashable, ServerTransaction] = {}
        self.waiting: dict[int, ServerTransaction] = {}
        """Requests our user has to answer, by number."""
        self.calls: dict[CallId, Call] = {}
        self.dialogs: dict[DialogKey, Call] = {}
        self.usages: dict[DialogKey, Usages] = {}
        """The subscriptions of each dialog that has any."""
        self.subscriptions: dict[int, Subscription] = {}
        self.subscribers: dict[int, Subscriber] = {}
        """Subscriptions of ours, by number."""
        self.awaiting: dict[tuple[str, str], Subscriber] = {}
        """Those that have had no NOTIFY yet, by Call-ID and our tag."""
        self.subscribers_at: Counter[str] = Counter()
        """How many of them each host has."""
        self.connections: dict[Flow, Connection] = {}
        self.aliases: dict[Alias, Flow] = {}
        """Connections by which peers want requests to where they listen (RFC 5923)."""
        self.searches: dict[int, Search] = {}
        self.without_tcp: dict[Address, float] = {}
        """Peers that could not be reached by TCP with a large request, and until when that is believed."""
        self.counts: Counter[str] = Counter()
        self.secret = settings.secret or token()
        """For what nobody else shall be able to make: marks of loops, our Record-Routes, settled To tags."""
        self.tokens = Tokens(self.secret)
        self.relays: dict[int, Fork] = {}
        """Requests that we have sent on and not answered yet."""
        self.random = random.Random(token())
        """For waits that must not be the same on both sides."""
        self._number = 0
        self.bytes_of_requests = 0
        """That server transactions keep."""

    def next_number(self) -> int:
        """For calls, searches and requests; never reused."""
        self._number += 1
        return self._number

    def let_wait(self, transaction: ServerTransaction) -> int:
        """A request that our user answers, by this number."""
        transaction.number = number = self.next_number()
        self.waiting[number] = transaction
        return number

    def emit(self, output: Output) -> None:
        self.outputs.append(output)

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def drop(self, why: str) -> None:
        """An input from the network that nothing waits for."""
        self.counts["dropped"] += 1
        self.counts[f"dropped: {why}"] += 1

    # -------------------------------------------------------------- sending
    def is_alive(self, flow: Flow) -> bool:
        if not flow.is_reliable:
            return True
        connection = self.connections.get(flow)
        return connection is not None and not connection.is_closing

    def send(self, flow: Flow, data: bytes) -> None:
        """Send where that is still possible; a lost connection has been told to whom it matters."""
        if self.is_alive(flow):
            self.outputs.append(SendBytes(flow, data))

    def send_back(self, transaction: ServerTransaction, now: float) -> None:
        """The last answer of a transaction, by its connection or, if that is lost, by a new one (RFC 3261 18.2.2)."""
        flow = transaction.way_back
        if flow is None:
            return
        if self.is_alive(flow):
            self.outputs.append(SendBytes(flow, transaction.data))
            return
        transaction.way_back = None
        if flow.is_websocket:
            transaction.not_found("the WebSocket is closed", now)
            return
        port = transaction.request.via.port or DEFAULT_PORT.get(flow.transport, 5060)
        self.find(transaction, Way(hop=Hop(flow.transport, flow.remote[0], port)), now)

    def alias_of(self, transport: str, remote: Address, name: str) -> Flow | None:
        """A connection that its peer offers for requests to there, and that is believed to be the peer's."""
        flow = self.aliases.get((transport, remote))
        if flow is None or not self.is_alive(flow) or not self.settings.vouches(flow, name):
            return None
        return flow

    def find(self, seeker: Seeker, way: Way, now: float, within_s: float | None = None) -> Search | None:
        """Find a flow for the seeker; None where that is decided at once."""
        if way.flow is not None and self.is_alive(way.flow):
            seeker.found(way.flow, now)
        elif way.hop is not None:
            search = Search(self, seeker, way.hop, way.fallback, within_s)
            search.start(now)
            return search
        elif way.fallback is not None and self.is_alive(way.fallback):
            seeker.found(way.fallback, now)
        else:
            seeker.not_found("no way to the peer", now)
        return None

    # -------------------------------------------------------------- writing
    def advertised(self, flow: Flow) -> Address:
        return self.settings.advertised(flow)

    def via(self, flow: Flow) -> str:
        """A Via for a new request (RFC 3261 8.1.1.7; rport: RFC 3581 section 3)."""
        connection = self.connections.get(flow) if flow.is_reliable else None
        wishes = connection.wishes if connection is not None else ""
        return f"SIP/2.0/{flow.transport} {self._sent_by(flow)};rport;branch={COOKIE}{self.token()}{wishes}"

    def contact(self, user: str, flow: Flow, is_sips: bool = False) -> str:
        """A Contact of ours for who talks to us by this flow."""
        return self.address(user, flow, is_sips) + self.settings.features

    def address(self, user: str, flow: Flow, is_sips: bool = False) -> str:
        """The same, without what we are. WSS is ``transport=ws`` too (RFC 7118 section 5.2.3).

        Deviation: ``transport=tls`` is deprecated (RFC 3261 26.2.2), but phones know nothing else for sip URIs.
        """
        scheme, transport = "sips" if is_sips else "sip", "ws" if flow.is_websocket else flow.transport.lower()
        named = "" if transport == "udp" or (is_sips and transport == "tls") else f";transport={transport}"
        whom = f"{user}@" if user else ""
        return f"<{scheme}:{whom}{self._sent_by(flow)}{named}>"

    def _sent_by(self, flow: Flow) -> str:
        """Port 0 is not written: who has a made-up host (RFC 7118 appendix B.1) has no port either."""
        host, port = self.advertised(flow)
        host = f"[{host}]" if ":" in host else host
        return f"{host}:{port}" if port else host

    def response(
        self,
        request: Request,
        status: int,
        reason: str = "",
        headers: Extra = (),
        *,
        to_tag: str = "",
        body: bytes = b"",
        content_type: str = "",
    ) -> Response:
        """Raises Unwritable for text of our user that would break a line, before anything has changed."""
        if any("\r" in text or "\n" in text for text in (reason, content_type, *[value for _, value in headers])):
            raise Unwritable("a line break in an answer")
        response = response_to(request, status, reason, to_tag)
        if self.settings.user_agent:
            response.headers.add("Server", self.settings.user_agent)
        for name, value in headers:
            response.headers.add(name, value)
        if body:
            response.headers.add("Content-Type", content_type)
            response.body = body
        return response

    def abilities(self) -> Extra:
        """What we can do (RFC 3261 13.2.1, 13.3.1.4, 11.2)."""
        settings = self.settings
        supported = (("Supported", ", ".join(settings.option_tags)),) if settings.option_tags else ()
        allow, accept = ("Allow", ", ".join(settings.allow)), ("Accept", ", ".join(settings.content_types))
        return allow, accept, *supported, *self.events_header()

    def events_header(self) -> Extra:
        """The packages that we notify of (RFC 6665 4.4.4)."""
        events = self.settings.events
        return (("Allow-Events", ", ".join(events)),) if events else ()

    def answer_at_once(self, request: Request, flow: Flow, status: int, reason: str = "", headers: Extra = ()) -> None:
        """Answer and forget (RFC 3261 8.2.7): a repeated request gets the same answer, with the same To tag."""
        if request.method == "ACK":
            return
        answer = self.response(request, status, reason, headers, to_tag=self._settled_tag(request))
        self.send(way_back(request, flow), answer.encode())

    def _settled_tag(self, request: Request) -> str:
        seed = f"{self.secret} {request.call_id} {request.headers.get('CSeq')} {request.via.branch}"
        return hashlib.blake2s(seed.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()

    def tidy(self, headers: Headers, came_by: Flow) -> None:
        """Before a message is sent on to others."""
        clean(headers, self.settings.realm, is_believed=self.settings.believes(came_by))

    # -------------------------------------------------------------- tables
    def forget_client(self, transaction: ClientTransaction) -> None:
        self.clients.pop(transaction.key, None)
        connection = self.connections.get(transaction.flow)
        if connection is not None:
            connection.requests.discard(transaction)

    def keep_server(self, transaction: ServerTransaction) -> None:
        self.servers[transaction.key] = transaction
        self.bytes_of_requests += transaction.size

    def forget_server(self, transaction: ServerTransaction) -> None:
        self.bytes_of_requests -= transaction.size
        self.servers.pop(transaction.key, None)
        self.waiting.pop(transaction.number, None)
        if self.merged.get(transaction.merged_key) is transaction:
            del self.merged[transaction.merged_key]

    def keep_subscription(self, subscription: Subscription) -> None:
        self.subscriptions[subscription.number] = subscription
        self.subscribers_at[subscription.source] += 1

    def forget_subscription(self, subscription: Subscription) -> None:
        del self.subscriptions[subscription.number]
        self.subscribers_at[subscription.source] -= 1
        if not self.subscribers_at[subscription.source]:
            del self.subscribers_at[subscription.source]
        key = subscription.dialog.key
        if self.usages[key].remove(subscription):
            del self.usages[key]

    def forget_subscriber(self, subscriber: Subscriber) -> None:
        self.awaiting.pop(subscriber.key, None)
        self.subscribers.pop(subscriber.number, None)
        key = subscriber.dialog.key if subscriber.dialog is not None else None
        if key in self.usages and self.usages[key].remove(subscriber):
            del self.usages[key]

    def dialog_of(self, request: Request) -> Dialog | None:
        """The dialog that a request of theirs is in."""
        key = dialog_key(request)
        call, usages = self.dialogs.get(key), self.usages.get(key)
        if call is not None:
            return call.dialog_of(request)
        return None if usages is None else usages.dialog

    def describe(self) -> dict[str, int]:
        return {
            "transactions": len(self.servers) + len(self.clients),
            "server transactions": len(self.servers),
            "client transactions": len(self.clients),
            "unanswered": sum(not each.is_answered for each in self.clients.values()),
            "bytes of requests": self.bytes_of_requests,
            "merged": len(self.merged),
            "waiting requests": len(self.waiting),
            "calls": len(self.calls),
            "dialogs": len(self.dialogs),
            "subscriptions": len(self.subscriptions),
            "subscriptions of ours": len(self.subscribers),
            "relayed requests": len(self.relays),
            "connections": len(self.connections),
            "searches": len(self.searches),
            "timers": len(self.deadlines),
            "dropped": self.counts["dropped"],
            "malformed": self.counts["malformed"],
            **self.counts,
        }
