"""The door of the SIP stack: bytes, times and wishes in; outputs out (``outputs``). No socket, no clock.

    transports -- receive, flow_opened, flow_failed, flow_lost, resolved --> Stack --> SendBytes, OpenFlow, Resolve ...
    user ------- ring, accept, refuse, call, offer, hang_up ... -----------> Stack --> CallArrived, CallEnded ...
    clock ------ fire, at next_deadline ------------------------------------> Stack

Every method gives all outputs that follow, in order. What the user asks for at a wrong moment raises WrongMoment,
what he asks of a call that is no more raises UnknownCall; nothing from the network raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from confserver.sip import asking
from confserver.sip.account import Account
from confserver.sip.call import Call
from confserver.sip.client_calls import ClientCall
from confserver.sip.connections import Connection
from confserver.sip.core import Core, Extra
from confserver.sip.flow import Address, Flow
from confserver.sip.headers import NameAddr
from confserver.sip.incoming import Incoming
from confserver.sip.locating import Target
from confserver.sip.outputs import CallId, Output
from confserver.sip.proxy.routes import Tokens
from confserver.sip.remains import Remains, remains_of, say_goodbye
from confserver.sip.server_calls import ServerCall
from confserver.sip.settings import StackSettings
from confserver.sip.subscribing import SubscriptionDoor, UnknownSubscription
from confserver.sip.transaction import WrongMoment
from confserver.sip.uri import Uri
from confserver.sip.ways import Hop

__all__ = ["Stack", "StackSettings", "UnknownCall", "UnknownSubscription", "WrongMoment"]

SDP = "application/sdp"


class UnknownCall(LookupError):
    """Local fault: the call has ended, or never was."""


class Stack(SubscriptionDoor):
    """``token`` gives fresh random text for tags, branches and Call-IDs: at least 32 random bits (RFC 3261 19.3)."""

    def __init__(self, settings: StackSettings, token: Callable[[], str]) -> None:
        self._core = Core(settings, token)
        self._incoming = Incoming(self._core)

    # -------------------------------------------------------------- the transports
    def receive(self, data: bytes, flow: Flow, now: float) -> list[Output]:
        """One datagram, one message of a WebSocket, or what has come by a stream."""
        if flow.is_reliable:
            self._connect(flow).heard()
        if flow.keeps_messages:
            self._incoming.whole(data, flow, now)
        else:
            self._incoming.stream(data, flow, now)
        return self._taken()

    def flow_opened(self, token: int, flow: Flow, now: float) -> list[Output]:
        """The answer to OpenFlow."""
        if flow.is_reliable:
            self._connect(flow, is_ours=True)
        search = self._core.searches.get(token)
        if search is not None:
            search.opened(flow, now)
        return self._taken()

    def flow_failed(self, token: int, reason: str, now: float) -> list[Output]:
        """The other answer to OpenFlow."""
        search = self._core.searches.get(token)
        if search is not None:
            search.failed(reason, now)
        return self._taken()

    def flow_lost(self, flow: Flow, now: float) -> list[Output]:
        """A connection is no more. Calls live on: the next request or answer opens another (RFC 3261 18.2.2)."""
        connection = self._core.connections.pop(flow, None)
        if connection is not None:
            connection.lost(now)
        return self._taken()

    def resolved(self, token: int, targets: Sequence[Target | str], now: float) -> list[Output]:
        """The answer to Resolve, best first; text is an address of what was asked for, by its transport and port."""
        search = self._core.searches.get(token)
        if search is not None:
            search.resolved(targets, now)
        return self._taken()

    def fire(self, now: float) -> list[Output]:
        """Do all that is due."""
        while (due := self._core.deadlines.pop_due(now)) is not None:
            owner, timer = due
            owner.fire(timer, now)
        return self._taken()

    def next_deadline(self) -> float | None:
        return self._core.deadlines.next_deadline()

    def _connect(self, flow: Flow, is_ours: bool = False) -> Connection:
        connection = self._core.connections.get(flow)
        if connection is None:
            connection = self._core.connections[flow] = Connection(self._core, flow, is_ours)
        return connection

    # -------------------------------------------------------------- calls that came
    def ring(
        self, call: CallId, now: float, status: int = 180, body: bytes = b"", content_type: str = SDP
    ) -> list[Output]:
        """180, or another provisional answer, with the dialog that may be used from now on.

        With a body media may run before the answer: the answer to their offer, or our offer where they made none.
        It is sent reliably where the peer can (RFC 3262), else said again every minute until there is an answer.
        """
        if not 100 < status < 200:
            raise ValueError(f"not a provisional answer: {status}")
        self._server_call(call).ring(now, status, body, content_type if body else "")
        return self._taken()

    def name_contact(self, call: CallId, user: str) -> list[Output]:
        """The user of our Contact in a call, from now on; else it is what the call began with."""
        self._call(call).contact_user = user
        return self._taken()

    def accept(self, call: CallId, body: bytes, now: float, content_type: str = SDP) -> list[Output]:
        self._server_call(call).accept(body, content_type, now)
        return self._taken()

    def refuse(self, call: CallId, status: int, now: float, reason: str = "", headers: Extra = ()) -> list[Output]:
        """``status`` from 300 to 699."""
        self._server_call(call).refuse(_final(status), reason, headers, now)
        return self._taken()

    def accept_offer(self, call: CallId, body: bytes, now: float, content_type: str = SDP) -> list[Output]:
        """Answer their re-INVITE."""
        self._call(call).offers.accept(body, content_type, now)
        return self._taken()

    def refuse_offer(
        self, call: CallId, status: int, now: float, reason: str = "", headers: Extra = ()
    ) -> list[Output]:
        """Refuse their re-INVITE; all stays as it was."""
        self._call(call).offers.refuse(_final(status), reason, headers, now)
        return self._taken()

    # -------------------------------------------------------------- calls that we make
    def call(
        self,
        target: Uri,
        from_: NameAddr,
        body: bytes | Callable[[Flow], bytes],
        now: float,
        headers: Extra = (),
        transport: str = "",
        via: Address | Hop | None = None,
        content_type: str = SDP,
        to: NameAddr | None = None,
        contact_user: str | None = None,
        account: Account | None = None,
    ) -> tuple[CallId, list[Output]]:
        """Send an INVITE to ``via``, an outbound proxy, or else to ``target``; by ``transport`` if that names none.

        ``body`` may be made when it is known by which flow the INVITE goes. ``contact_user``: else that of From.
        ``account``: ours, where credentials are asked for.
        """
        core = self._core
        number = core.next_number()
        request = asking.opening(core, "INVITE", target, from_, to)
        fixed, compose = (body, None) if isinstance(body, bytes) else (b"", body)
        asking.fill(request, (*core.abilities(), *headers), fixed, content_type)
        if compose is not None:
            request.headers.add("Content-Type", content_type)
        request.encode()  # raises Unwritable before anything has changed
        user = from_.uri.user if contact_user is None else contact_user
        ClientCall(core, number, request, user, compose, account).start(asking.way_to(target, transport, via), now)
        return number, self._taken()

    # -------------------------------------------------------------- other requests that we send
    def ask(
        self,
        call: CallId,
        method: str,
        now: float,
        headers: Extra = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> tuple[int, list[Output]]:
        """Send a request in a call: INFO, MESSAGE, REFER ... RequestAnswered comes, with the number given here."""
        number = asking.ask(self._call(call), method, headers, body, content_type, now)
        return number, self._taken()

    def send(
        self,
        method: str,
        target: Uri,
        from_: NameAddr,
        now: float,
        headers: Extra = (),
        body: bytes = b"",
        content_type: str = "",
        transport: str = "",
        via: Address | Hop | None = None,
        to: NameAddr | None = None,
        contact_user: str | None = None,
        account: Account | None = None,
        series: tuple[str, int] | None = None,
    ) -> tuple[int, list[Output]]:
        """Send a request outside of any dialog; ``via`` and the rest as in ``call``. RequestAnswered comes.

        ``series``: Call-ID and number of one that belongs to others before it (REGISTER, RFC 3261 10.2).
        """
        request = asking.fill(asking.opening(self._core, method, target, from_, to), headers, body, content_type)
        if series is not None:
            request.headers.set("Call-ID", series[0])
            request.headers.set("CSeq", f"{series[1]} {method}")
        request.encode()  # raises Unwritable before anything has changed
        user = from_.uri.user if contact_user is None else contact_user
        number = asking.send(self._core, request, user, asking.way_to(target, transport, via), now, account)
        return number, self._taken()

    # -------------------------------------------------------------- both
    def offer(self, call: CallId, body: bytes, now: float, content_type: str = SDP) -> list[Output]:
        """Send a re-INVITE; sent again by itself after 491. A new one replaces one that waits for that."""
        self._established(call).offers.offer(body, content_type, now)
        return self._taken()

    def probe(self, call: CallId, now: float) -> list[Output]:
        """Ask by OPTIONS whether the peer still knows the call."""
        self._call(call).probe(now)
        return self._taken()

    def hang_up(self, call: CallId, now: float, cause: str = "hung up") -> list[Output]:
        """Refuse, cancel or say BYE, as the call stands; also twice. CallEnded comes when nothing is left to wait for:

        before a final answer to our INVITE when that comes, and between our 2xx and its ACK when that comes.
        """
        self._call(call).hang_up(cause, now)
        return self._taken()

    def respond(
        self,
        transaction: int,
        status: int,
        now: float,
        reason: str = "",
        headers: Extra = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> list[Output]:
        """Answer RequestArrived or RequestInCall. After half a minute nobody waits for the answer any more (RFC 4320
        4.2), and it is let go.
        """
        core = self._core
        waiting = core.waiting.get(transaction)
        if waiting is None:
            core.count("answers too late")
            return []
        if waiting.is_answered:
            raise WrongMoment(f"a second answer to {waiting.request}")
        if waiting.request.method == "OPTIONS" and 200 <= status < 300:
            contact = ("Contact", core.contact(waiting.request.uri.user, waiting.flow))  # RFC 3840 section 5
            headers = (*headers, contact, *core.abilities())  # RFC 3261 11.2
        core.settings.sentry.refused(waiting.flow, status, now)
        tag = core.token()
        answer = core.response(
            waiting.request, status, reason, headers, to_tag=tag, body=body, content_type=content_type
        )
        waiting.respond(answer, now)
        return self._taken()

    # -------------------------------------------------------------- over a crash
    def remains(self, call: CallId) -> Remains | None:
        """What is to be kept of a call that stands, for ``say_goodbye`` of the next run."""
        found = self._core.calls.get(call)
        return remains_of(found.dialog) if found is not None and found.dialog is not None else None

    def say_goodbye(self, remains: Remains, cause: str, now: float) -> list[Output]:
        """Send BYE for a dialog of another run; nothing follows."""
        if not say_goodbye(self._core, remains, cause, now):
            self._core.count("remains that make no sense")
        return self._taken()

    def keep_secret(self, secret: str) -> None:
        """One that outlives a restart, so that dialogs through us do (``StackSettings.secret``); before any request."""
        self._core.secret, self._core.tokens = secret, Tokens(secret)

    def flows(self) -> set[Flow]:
        """The connections by which the peers of dialogs are reached."""
        dialogs = [call.dialog for call in self._core.calls.values()] + [
            usages.dialog for usages in self._core.usages.values()
        ]
        sources = {dialog.source for dialog in dialogs if dialog is not None}
        return {source for source in sources if source is not None and source.is_reliable}

    def describe(self) -> dict[str, int]:
        """Counts: what there is now, and what has been dropped since the start."""
        return self._core.describe()

    # -------------------------------------------------------------- look-ups
    def _call(self, number: CallId) -> Call:
        call = self._core.calls.get(number)
        if call is None:
            raise UnknownCall(number)
        return call

    def _server_call(self, number: CallId) -> ServerCall:
        call = self._call(number)
        if not isinstance(call, ServerCall):
            raise WrongMoment(f"call {number} is one of ours")
        return call

    def _established(self, number: CallId) -> Call:
        call = self._call(number)
        if not call.is_established:
            raise WrongMoment(f"call {number} is {call.state.value}")
        return call


def _final(status: int) -> int:
    if not 300 <= status <= 699:
        raise ValueError(f"not a refusal: {status}")
    return status
