"""The other side of the robot's calls: answers by our own stack, sends sound back, hangs up when it is told to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import deferLater

from confserver.formats import FORMATS
from confserver.phone.line import Line
from confserver.sdp import text
from confserver.sdp.agreement import Agreed, Local
from confserver.sdp.direction import Direction
from confserver.sdp.negotiation import answer, negotiate, offer
from confserver.sip import outputs as told
from confserver.sip.flow import Flow
from confserver.transports.tls import Tls
from tests.kit.ports import free_port


class Echo(DatagramProtocol):
    """Sends every packet back to where it came from, and keeps them."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, tuple[str, int]]] = []

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        self.heard.append((datagram, addr))
        self.transport.write(datagram, addr)  # type: ignore[union-attr]


class FarEnd:
    """One UAS on the loopback. ``status`` other than 200 refuses; 0 leaves callers without an answer, ringing."""

    def __init__(self, transport: str = "udp", status: int = 200, tls: Tls | None = None) -> None:
        self.status = status
        self.line = Line(reactor, "127.0.0.1", transport, self._hear, lambda: None, tls, is_called=True)
        self.line.open()
        self.echo = Echo()
        self.port = reactor.listenUDP(free_port(), self.echo, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.local = Local(host="127.0.0.1", port=self.port.getHost().port, session_id=1)
        self.invite: Any = None
        self.flow: Flow | None = None
        self.agreed: list[Agreed] = []
        self.ended: list[told.CallEnded] = []
        self.answers: list[told.OfferAnswered] = []
        self.sent: Any = None
        self.body: bytes | None = None
        """What to answer with instead of a proper answer."""

    @property
    def uri(self) -> str:
        return f"sip:room@127.0.0.1:{self.line.port}"

    def _hear(self, output: told.Output) -> Iterable[told.Output]:
        stack, now = self.line.stack, self.line.now()
        match output:
            case told.CallArrived(call=call, request=request, flow=flow):
                self.invite, self.call, self.flow = request, call, flow
                if self.status == 0:
                    return stack.ring(call, now)
                if self.status != 200:
                    return stack.refuse(call, self.status, now)
                rings = stack.ring(call, now)
                body = self._answered(request.body) if self.body is None else self.body
                return [*rings, *stack.accept(call, body, now)]
            case told.OfferArrived(call=call, request=request):
                return stack.accept_offer(call, self._answered(request.body), now)
            case told.OfferAnswered():
                self.answers.append(output)
            case told.CallEnded():
                self.ended.append(output)
        return ()

    def _answered(self, body: bytes) -> bytes:
        offered = text.parse(body)
        agreed = negotiate(offered, previous=self.agreed[-1] if self.agreed else None)
        self.agreed.append(agreed)
        self.sent = answer(offered, agreed, self.local, self.sent)
        return text.write(self.sent)

    # ---------------------------------------------------------------- what it does by itself
    def hang_up(self) -> None:
        self.line.perform(self.line.stack.hang_up(self.call, self.line.now()))

    def offer(self, direction: Direction = Direction.SENDRECV, body: bytes | None = None) -> None:
        """A re-INVITE; with a body of our own, or none for an empty one."""
        if body is None:
            local = Local(host="127.0.0.1", port=self.local.port, session_id=1, allow=direction)
            self.sent = offer(FORMATS, local, self.agreed[-1], sent=self.sent)
            body = text.write(self.sent)
        self.line.perform(self.line.stack.offer(self.call, body, self.line.now()))

    async def close(self) -> None:
        self.line.close()
        await self.port.stopListening()
        await deferLater(reactor, 0.05, lambda: None)
