"""Messages from the network: each finds its transaction, its dialog or its call by one look-up.

request --+- malformed -------------> answer at once, as far as it can be answered
          +- its transaction is there -> ServerTransaction.receive (repeated, or ACK of a refusal)
          +- ACK ----------------------> the call of its dialog
          +- CANCEL -------------------> the transaction that it means
          +- of no dialog of ours -----> the sentry: go on, silence, or 503 (``sentry``)
          +- of no dialog, to sips: ---> 403 where it has come by a flow that others can read
          +- of no dialog, no proof ---> the doorkeeper: 401 or 407 at once, no state (``doorkeeper``)
          +- planned by ``proxy`` -----> sent on, or answered: it is not for our own user agent
          +- refused by ``checks`` ----> answer at once, no state (RFC 3261 8.2.7)
          +- To tag -------------------> the call of its dialog, or a subscription in it; 481
          +- from the unwelcome -------> 403 at once, no state
          +- INVITE -------------------> a new call
          `- any other ----------------> RequestArrived
response -- its transaction or nothing
"""

from __future__ import annotations

from collections.abc import Hashable

from confserver.sip.call import Call
from confserver.sip.checks import Refusal, fit, in_the_open, refusal_of
from confserver.sip.connections import PING, PONG
from confserver.sip.core import Core
from confserver.sip.doorkeeper import TurnedAway
from confserver.sip.extensions import METHODS
from confserver.sip.extensions.replaces import other_call
from confserver.sip.flow import Flow
from confserver.sip.framing import Ping
from confserver.sip.grammar import Malformed, Unwritable
from confserver.sip.matching import dialog_key, merged_key, note_source, server_key, way_back
from confserver.sip.message import Request, Response, parse
from confserver.sip.outputs import RelayBegan, RequestArrived
from confserver.sip.proxy.checks import refusal_of as relay_refusal_of
from confserver.sip.proxy.fork import Fork
from confserver.sip.proxy.plan import Answer, Here, Relay
from confserver.sip.proxy.proxy import Planned, Proxy
from confserver.sip.requests import Errand
from confserver.sip.sentry import Verdict
from confserver.sip.server_calls import ServerCall
from confserver.sip.stun import answer_to, is_stun
from confserver.sip.transaction import ClientTransaction, ServerTransaction, State


class Incoming:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._proxy = Proxy(core)

    def whole(self, data: bytes, flow: Flow, now: float) -> None:
        """One message, in one piece. Over a WebSocket it needs no Content-Length (RFC 7118 section 5)."""
        if not flow.is_reliable and is_stun(data):
            if answer := answer_to(data, flow):
                self._core.send(flow, answer)
        elif data.strip(b"\r\n\0"):
            self._message(data, flow, now)
        elif flow.is_reliable and data == PING:
            self._core.send(flow, PONG)
        # else a keep-alive of phones behind a NAT

    def stream(self, data: bytes, flow: Flow, now: float) -> None:
        core = self._core
        connection = core.connections[flow]
        if connection.is_closing:
            return
        try:
            for piece in connection.framer.feed(data):
                if isinstance(piece, Ping):
                    core.send(flow, PONG)
                else:
                    self._message(piece, flow, now)
        except Malformed as fault:
            self._malformed(fault, flow, now)
            connection.close(fault.reason)

    def _message(self, data: bytes, flow: Flow, now: float) -> None:
        """The door: what is wrong with one message stays with it."""
        try:
            message = parse(data)
            self._core.settings.tap.heard(message.call_id, data, flow, now)
            if isinstance(message, Request):
                self._request(message, flow, now)
            else:
                self._response(message, now)
        except Malformed as fault:
            self._malformed(fault, flow, now)
        except Unwritable:
            self._core.count("malformed")

    def _malformed(self, fault: Malformed, flow: Flow, now: float) -> None:
        self._core.count("malformed")
        request = fault.remains
        if request is None:
            return
        try:
            note_source(request, flow)
            reason = fit(fault.reason) if fault.status == 400 else ""  # RFC 3261 21.4.1: say what is wrong
            self._refuse(request, flow, Refusal(fault.status, reason), now)
        except (Malformed, Unwritable):
            self._core.count("unanswerable")

    # -------------------------------------------------------------- responses
    def _response(self, response: Response, now: float) -> None:
        core = self._core
        transaction = core.clients.get((response.via.branch, response.cseq.method))
        is_one = len(response.headers.get_all("Via")) == 1
        if transaction is None or is_one == _is_relayed(transaction):  # RFC 3261 8.1.3.3, 16.7 step 3
            core.drop("response to nothing")
            return
        ours = transaction.request.via
        if (response.via.host, response.via.port) != (ours.host, ours.port):  # RFC 3261 18.1.2
            core.drop("response for another")
            return
        connection = core.connections.get(transaction.flow)
        if connection is not None:
            connection.answered(response, now)
        transaction.receive(response, now)

    # -------------------------------------------------------------- requests
    def _request(self, request: Request, flow: Flow, now: float) -> None:
        core = self._core
        note_source(request, flow)
        if flow.is_reliable:
            core.connections[flow].note_alias(request)
        key = server_key(request)
        transaction = core.servers.get(key)
        if request.method == "ACK":
            self._ack(request, transaction, flow, now)
        elif transaction is not None:
            transaction.way_back = way_back(request, flow)  # by the connection, or the NAT's port, that it has now
            transaction.receive(request, now)
        elif not self._is_ours(request) and not self._may_enter(request, flow, now):
            return
        elif request.method == "CANCEL":
            self._cancel(request, flow, now)
        elif (refusal := in_the_open(request, flow)) is not None:
            core.count("refused")
            self._refuse(request, flow, refusal, now)
        elif not request.to.tag and not self._is_admitted(request, flow, now):
            return
        elif (planned := self._plan(request, flow, now)) is not None:
            self._relay(planned, request, key, flow, now)
        elif (refusal := refusal_of(request, core.settings)) is not None:
            core.count("refused")
            self._refuse(request, flow, refusal, now)
        elif request.to.tag:
            self._in_dialog(request, key, flow, now)
        else:
            self._out_of_dialog(request, key, flow, now)

    def _is_ours(self, request: Request) -> bool:
        """It belongs to a dialog, or cancels what we are about."""
        if request.method == "CANCEL":
            return server_key(request, "INVITE") in self._core.servers
        if not request.to.tag:
            return False
        core, key = self._core, dialog_key(request)
        return key in core.dialogs or key in core.usages or key[:2] in core.awaiting or self._proxy.has_begun(request)

    def _may_enter(self, request: Request, flow: Flow, now: float) -> bool:
        """Ask the sentry; the refusal is given here."""
        verdict = self._core.settings.sentry.weigh(request, flow, now)
        if verdict is Verdict.BUSY:
            self._busy(request, flow)
        elif verdict is Verdict.SILENCE:
            self._core.count("silenced")
        return verdict is Verdict.TAKE

    def _is_admitted(self, request: Request, flow: Flow, now: float) -> bool:
        """Ask the doorkeeper who sends it; where that is no good the answer is given here."""
        settings = self._core.settings
        known = settings.doorkeeper.admit(request, flow, now)
        if isinstance(known, TurnedAway):
            self._core.count("turned away")
            if known.is_offence:
                self._refuse(request, flow, Refusal(known.status, known.reason, known.headers), now)
            else:
                self._core.answer_at_once(request, flow, known.status, known.reason, known.headers)
            return False
        if known is not None:
            request.identity = known
            settings.sentry.proved(flow, now)
        return True

    def _refuse(self, request: Request, flow: Flow, refusal: Refusal, now: float) -> None:
        """At once and without a trace, unless whoever is there has been refused too often."""
        if self._core.settings.sentry.refused(flow, refusal.status, now) is Verdict.SILENCE:
            self._core.count("silenced")
            return
        self._core.answer_at_once(request, flow, refusal.status, refusal.reason, refusal.headers)

    def _busy(self, request: Request, flow: Flow) -> None:
        self._core.count("refused for load")
        retry_after = str(self._core.settings.retry_after)
        self._core.answer_at_once(request, flow, 503, headers=(("Retry-After", retry_after),))

    def _ack(self, ack: Request, transaction: ServerTransaction | None, flow: Flow, now: float) -> None:
        if transaction is not None:
            if isinstance(transaction.user, Fork) and transaction.state is State.ACCEPTED:
                self._proxy.relay_ack(ack, flow, now)  # with the branch of its INVITE, as in RFC 2543
            transaction.receive(ack, now)
            return
        call = self._core.dialogs.get(dialog_key(ack))
        if call is None:
            self._proxy.relay_ack(ack, flow, now)
        else:
            call.acknowledged(ack, now)

    def _cancel(self, request: Request, flow: Flow, now: float) -> None:
        """RFC 3261 9.2. A CANCEL is answered hop by hop: at once, and again when it comes again.

        Deviation: it has no effect on a re-INVITE, which is answered within milliseconds, by nobody's decision;
        its final answer crosses the CANCEL, as it may anyhow.
        """
        core = self._core
        invite = core.servers.get(server_key(request, "INVITE"))
        if invite is None:
            core.answer_at_once(request, flow, 481)
            return
        call = invite.user
        answer = core.response(request, 200, to_tag=call.local_tag if isinstance(call, Call) else "")
        core.send(way_back(request, flow), answer.encode())
        if isinstance(call, Fork) or (isinstance(call, ServerCall) and call.transaction is invite and not call.is_over):
            call.cancelled(request, now)

    # -------------------------------------------------------------- for others
    def _plan(self, request: Request, flow: Flow, now: float) -> Planned | None:
        """A request whose routes cannot be read is answered as one that is malformed (RFC 3261 16.3, step 1)."""
        try:
            planned = self._proxy.plan(request, flow, now)
        except Malformed as fault:
            return Planned(Answer(400, fit(fault.reason)), (), "")
        if planned is not None and isinstance(planned.plan, Here):
            request.uri = planned.plan.uri
            return None
        return planned

    def _relay(self, planned: Planned, request: Request, key: Hashable, flow: Flow, now: float) -> None:
        core, plan = self._core, planned.plan
        refusal = plan if isinstance(plan, Answer) else self._relay_refusal(request, planned.mark)
        if refusal is not None:
            core.count("refused")
            self._refuse(request, flow, Refusal(refusal.status, refusal.reason, refusal.headers), now)
        elif isinstance(plan, Relay) and self._has_room(request, flow):
            number = core.next_number()
            if not request.to.tag:
                targets = tuple(str(target.uri) for group in plan.groups for target in group)
                core.emit(RelayBegan(number, request, flow, targets))
            fork = Fork(core, number, self._open(request, key, flow, now), plan, planned.routes, planned.mark)
            fork.start(now)

    def _relay_refusal(self, request: Request, mark: str) -> Answer | None:
        try:
            refused = relay_refusal_of(request, mark)
        except Malformed as fault:
            return Answer(400, fit(fault.reason))
        return Answer(*refused) if refused else None

    def _in_dialog(self, request: Request, key: Hashable, flow: Flow, now: float) -> None:
        core, named = self._core, dialog_key(request)
        call, usages = core.dialogs.get(named), core.usages.get(named)
        if request.method == "NOTIFY" and (first := core.awaiting.get(named[:2])) is not None:
            if self._has_room(request, flow):
                first.notified(self._open(request, key, flow, now), flow, now)
            return
        whose = usages if usages is not None and (call is None or usages.has(request)) else call
        if whose is None:
            core.answer_at_once(request, flow, 481)
        elif request.method == "BYE" or self._has_room(request, flow):
            whose.receive(self._open(request, key, flow, now), flow, now)

    def _out_of_dialog(self, request: Request, key: Hashable, flow: Flow, now: float) -> None:
        core = self._core
        merged = merged_key(request)
        if request.identity is None and (why := core.settings.unwelcome(flow)):
            core.count("unwelcome")
            warning = ("Warning", f'399 confserver "{fit(why)}"')
            self._refuse(request, flow, Refusal(403, headers=(warning,)), now)
        elif merged in core.merged:
            core.answer_at_once(request, flow, 482)  # RFC 3261 8.2.2.2
        elif request.method in ("BYE", "INFO", "NOTIFY", *METHODS):
            core.answer_at_once(request, flow, 481)  # RFC 3261 15.1.2, RFC 6086 4.2.2, RFC 6665 4.1.3: only in a dialog
        elif self._has_room(request, flow):
            other = other_call(request, core) if request.method == "INVITE" else None
            if isinstance(other, Refusal):
                core.count("refused")
                core.answer_at_once(request, flow, other.status, other.reason, other.headers)
                return
            transaction = self._open(request, key, flow, now)
            transaction.merged_key = merged
            core.merged[merged] = transaction
            if request.method == "INVITE":
                ServerCall(core, core.next_number(), transaction, flow, other)
            else:
                core.emit(RequestArrived(core.let_wait(transaction), request, flow))

    def _has_room(self, request: Request, flow: Flow) -> bool:
        """Answers 503 where there is none (RFC 3261 21.5.4)."""
        core, settings = self._core, self._core.settings
        is_new_call = request.method == "INVITE" and not request.to.tag
        if (
            len(core.servers) < settings.most_transactions
            and core.bytes_of_requests < settings.most_bytes
            and not (is_new_call and len(core.calls) >= settings.most_calls)
        ):
            return True
        self._busy(request, flow)
        return False

    def _open(self, request: Request, key: Hashable, flow: Flow, now: float) -> ServerTransaction:
        transaction = ServerTransaction(self._core, key, request, flow, way_back(request, flow))
        self._core.keep_server(transaction)
        transaction.start(now)
        assert transaction.state is not State.TERMINATED
        return transaction


def _is_relayed(transaction: ClientTransaction) -> bool:
    return isinstance(transaction.user, Errand) and transaction.user.is_relayed
