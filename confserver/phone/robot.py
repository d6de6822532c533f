"""One call of the robot, from the name of its target to the last statistics."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall

from confserver.phone.leg import Leg
from confserver.phone.line import Line
from confserver.phone.media import Media, NoPort
from confserver.phone.orders import CallFailed, Orders, Outcome
from confserver.phone.recorder import Recorder
from confserver.phone.speech import Speech, Tone, Unreadable, read_clip, silence
from confserver.phone.terms import Terms
from confserver.sdp.agreement import Local, Rejected
from confserver.sip import outputs as told
from confserver.sip.account import Account
from confserver.sip.grammar import printable
from confserver.sip.headers import NameAddr
from confserver.sip.locating import Target
from confserver.sip.message import Response
from confserver.sip.stack import UnknownCall, WrongMoment
from confserver.sip.uri import Uri, escape_user
from confserver.sip.ways import Hop, hop_of, is_address
from confserver.transports.addresses import local_addresses, route_to
from confserver.transports.dns import Names
from confserver.transports.tls import Tls

OURS = ("UDP", "TCP", "TLS", "WS", "WSS")
"""Transports that the robot has, where a domain leaves the choice."""
ANSWER_S = 32.0
"""64 * T1 (RFC 3261 section 17.1.1.2), also for who only rings."""
GOODBYE_S = 2.0
LINGER_S = 0.05
"""For the last bytes to leave."""


class Robot:
    """``tell`` is given lines for people; ``done`` fires with the Outcome, once."""

    def __init__(self, reactor: Any, orders: Orders, tell: Callable[[str], None]) -> None:
        self._reactor = reactor
        self._orders = orders
        self._tell = tell
        self.done: Deferred[Outcome] = Deferred()
        self.outcome = Outcome()
        self._line: Line | None = None
        self._media: Media | None = None
        self._leg: Leg | None = None
        self._recorder: Recorder | None = None
        self._terms: Terms | None = None
        self._call: told.CallId | None = None
        self._peer = ""
        self._called_at = 0.0
        self._answered_at: float | None = None
        self._is_leaving = self._is_over = False
        self._timers: list[IDelayedCall] = []

    # ---------------------------------------------------------------- dialling
    def start(self) -> None:
        """Read and open the files, look the target up and call it."""
        try:
            speech = self._speech()
            if self._orders.record is not None:
                self._recorder = _recorder(self._orders.record)
        except CallFailed as failed:
            self._fail(str(failed))
            return
        self._leg = Leg(speech, self._recorder, f"{secrets.token_hex(6)}@confserver")
        hop = _hop(self._orders)
        if is_address(hop.host):
            self._found([Target(hop.transport, hop.host, hop.port)])
        else:
            Names(self._reactor, OURS).locate(hop.question, self._found)

    def _speech(self) -> Speech:
        if self._orders.tone_hz is not None:
            return Tone(self._orders.tone_hz)
        if self._orders.play is None:
            return silence()
        try:
            return read_clip(self._orders.play)
        except Unreadable as error:
            raise CallFailed(str(error)) from None

    def _found(self, targets: list[Target]) -> None:
        """Where the domain is, best first."""
        if self._is_over:
            return
        try:
            self._dial(*self._way(targets))
        except CallFailed as failed:
            self._fail(str(failed))

    def _way(self, targets: Sequence[Target]) -> tuple[str, Target]:
        """Our own address, and the first target that it reaches. Raises CallFailed."""
        host, bind = self._orders.target.host, self._orders.bind
        if not targets:
            raise CallFailed(f"{host} is not known to the name service")
        listening = local_addresses() if bind is None else [bind]
        for target in targets:
            local = route_to(target.host, listening)
            if local is not None:
                return local, target
        raise CallFailed(f"no way to {host}" + (f" from {bind}" if bind else ""))

    def _dial(self, local: str, target: Target) -> None:
        orders = self._orders
        hop = Hop(target.transport, target.host, target.port, _hop(orders).name)
        assert self._leg is not None
        tls = Tls(is_verified=not orders.is_insecure)
        line = Line(self._reactor, local, hop.transport.lower(), self._hear, self._goodbye, tls)
        media = Media(self._reactor, self._leg, line.now, self._not_recorded, orders.ports)
        self._line, self._media = line, media
        try:
            line.open()
            media.open(local)
        except (CannotListenError, NoPort) as error:
            raise CallFailed(f"cannot call from {local}: {_words(error)}") from None
        self._terms = Terms(Local(host=local, port=media.port, session_id=secrets.randbits(62)))
        name = printable(orders.name)
        from_ = NameAddr(name, Uri("sip", escape_user(orders.user or name) or "confserver", host=local))
        account = Account(orders.user, orders.password, lambda: secrets.token_hex(8)) if orders.user else None
        self._called_at = line.now()
        self._later(ANSWER_S, self._not_answered)
        self._call, outputs = line.stack.call(
            orders.target.replace(headers=()), from_, self._terms.offer(), line.now(),
            via=hop, account=account,
        )  # fmt: skip
        line.perform(outputs)

    # ---------------------------------------------------------------- what happens to the call
    def _hear(self, output: told.Output) -> Iterable[told.Output]:
        assert self._line is not None and self._terms is not None
        stack, now = self._line.stack, self._line.now()
        try:
            match output:
                case told.CallArrived(call=call):
                    return stack.refuse(call, 486, now)
                case told.RequestArrived(transaction=transaction, request=request):
                    return stack.respond(transaction, 200 if request.method == "OPTIONS" else 405, now)
                case told.CallRinging(response=response):
                    self._ringing(response)
                case told.CallAccepted():
                    return self._accepted(output, now)
                case told.OfferArrived():
                    return self._offered(output, now)
                case told.OfferAcknowledged(body=body) | told.OfferAnswered(status=200, body=body):
                    return self._settled(body, now)
                case told.OfferAnswered(status=status):
                    self._terms.withdraw()
                    self._tell(f"the change was refused: {status}")
                case told.CallEnded():
                    self._ended(output)
        except (UnknownCall, WrongMoment):
            return ()  # it has crossed with something newer
        return ()

    def _ringing(self, response: Response) -> None:
        self._tell("ringing" if response.status == 180 else f"{response.status} {response.reason}")

    def _accepted(self, accepted: told.CallAccepted, now: float) -> Iterable[told.Output]:
        assert self._line is not None
        self._answered_at = now
        self._peer = accepted.flow.remote[0]
        self.outcome.status = accepted.response.status
        self.outcome.set_up_ms = round((now - self._called_at) * 1000, 1)
        self._stop_timers()
        follows = self._settled(accepted.response.body, now)
        if follows:
            return follows
        orders = self._orders
        self._tell(f"answered after {self.outcome.set_up_ms:.0f} ms: {self.outcome.codec} with {self.outcome.remote}")
        for seconds, what in ((orders.hold_at, self._hold), (orders.resume_at, self._resume)):
            if seconds is not None:
                self._later(seconds, what)
        if orders.seconds is not None:
            self._later(orders.seconds, self.hang_up)
        return ()

    def _settled(self, body: bytes, now: float) -> Iterable[told.Output]:
        """The answer to an offer of ours; the ACK of our own answer brings none."""
        assert self._terms is not None and self._line is not None and self._call is not None
        if not self._terms.is_open:
            return ()
        try:
            self._terms.answered(body)
        except Rejected as rejected:
            self.outcome.error = f"the answer cannot be used: {rejected.reason}"
            return self._line.stack.hang_up(self._call, now, "bad answer")
        self._run_media()
        return ()

    def _offered(self, offered: told.OfferArrived, now: float) -> Iterable[told.Output]:
        assert self._terms is not None and self._line is not None
        stack = self._line.stack
        if not offered.request.body:
            return stack.accept_offer(offered.call, self._terms.offer(), now)
        try:
            answer = self._terms.answer(offered.request.body)
        except Rejected as rejected:
            warning = ("Warning", f'{rejected.warning_code} confserver "{_plain(rejected.reason)}"')
            return stack.refuse_offer(offered.call, rejected.status, now, headers=(warning,))
        self._run_media()
        return stack.accept_offer(offered.call, answer, now)

    def _run_media(self) -> None:
        assert self._media is not None and self._terms is not None and self._terms.agreed is not None
        agreed = self._terms.agreed
        self._media.agree(agreed, self._peer)
        self.outcome.codec = agreed.outgoing[1].name
        if agreed.remote is not None:
            host, port = agreed.remote
            self.outcome.remote = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    # ---------------------------------------------------------------- what we do about it
    def _hold(self) -> None:
        self._offer(hold=True)

    def _resume(self) -> None:
        self._offer(hold=False)

    def _offer(self, hold: bool) -> None:
        if self._line is None or self._terms is None or self._call is None or self._is_leaving:
            return
        self._tell("hold" if hold else "resume")
        try:
            self._line.perform(self._line.stack.offer(self._call, self._terms.offer(hold), self._line.now()))
        except (UnknownCall, WrongMoment) as error:
            self._terms.withdraw()
            self._tell(f"not now: {error}")

    def hang_up(self) -> None:
        """End the call as it stands, politely. Also twice."""
        if self._is_leaving or self._is_over:
            return
        self._is_leaving = True
        if self._line is None or self._call is None:
            self._finish()
            return
        self._stop_timers()
        self._later(GOODBYE_S, self._finish)
        self._line.perform(self._line.stack.hang_up(self._call, self._line.now()))

    def _not_answered(self) -> None:
        self.outcome.error = f"no answer within {ANSWER_S:.0f} s"
        self.hang_up()

    def _not_recorded(self, error: OSError) -> None:
        if self.outcome.error is None:
            self.outcome.error = f"{self._orders.record} cannot be written: {_words(error)}"
            self.hang_up()

    def _goodbye(self) -> None:
        if self._is_leaving:
            self._finish()

    def _ended(self, ended: told.CallEnded) -> None:
        """The stack's last word; after a BYE of ours its answer is still to come."""
        outcome = self.outcome
        if self._answered_at is None:
            outcome.status = ended.status or outcome.status
            if outcome.error is None and not self._is_leaving:
                outcome.error = _refusal(ended)
            self._finish()
            return
        outcome.ended_by = "them" if ended.by_peer else "us"
        self._measure()
        if ended.by_peer:
            is_theirs = ended.cause.startswith("hung up")  # with their Reason behind it, if they say one
            self._tell(f"the other side {ended.cause}" if is_theirs else f"the call ended: {ended.cause}")
            self._finish()
            return
        self._tell("hanging up")
        if not self._is_leaving:
            self._is_leaving = True
            self._later(GOODBYE_S, self._finish)

    # ---------------------------------------------------------------- the end
    def _measure(self) -> None:
        """Fill in the statistics, and let the media rest."""
        outcome, leg = self.outcome, self._leg
        if self._line is not None and self._answered_at is not None:
            outcome.duration_s = round(self._line.now() - self._answered_at, 3)
        if leg is not None:
            heard = leg.reception
            outcome.ssrc, outcome.sent = leg.ssrc, leg.sent
            outcome.received, outcome.lost = heard.received, heard.lost
            outcome.jitter_ms = round(heard.jitter_ms, 2)
            outcome.rtt_ms = None if leg.rtt_s is None else round(leg.rtt_s * 1000, 2)
        if self._media is not None:
            self._media.close()

    def _fail(self, line: str) -> None:
        self.outcome.error = line
        self._finish()

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._stop_timers()
        if self._media is not None:
            self._media.close()
        if self._recorder is not None:
            try:
                self._recorder.close()
            except OSError as error:
                self.outcome.error = self.outcome.error or f"{self._orders.record} cannot be written: {_words(error)}"
        if self._line is not None:
            self._line.close()
        self._reactor.callLater(LINGER_S, self.done.callback, self.outcome)

    def _later(self, delay: float, what: Callable[[], None]) -> None:
        self._timers.append(self._reactor.callLater(delay, what))

    def _stop_timers(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()


def _hop(orders: Orders) -> Hop:
    """Where the INVITE goes: to the target, by the transport that its URI names, or else the orders."""
    target = orders.target
    if not target.has_param("transport") and orders.transport != "udp":
        target = target.with_param("transport", orders.transport)
    hop = hop_of(target)
    assert hop is not None
    return hop


def _recorder(path: Any) -> Recorder:
    try:
        return Recorder(path)
    except OSError as error:
        raise CallFailed(f"{path} cannot be written: {_words(error)}") from None


def _refusal(ended: told.CallEnded) -> str:
    if not ended.by_peer or ended.status == 408:
        return f"no call: {ended.cause}"
    why = f" ({ended.detail})" if ended.detail else ""
    return f"refused: {ended.status} {ended.cause}{why}"


def _words(error: BaseException) -> str:
    error = getattr(error, "socketError", error)
    return str(getattr(error, "strerror", None) or error)


def _plain(text: str) -> str:
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
