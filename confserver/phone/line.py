"""The robot's telephone line: our SIP stack with its transports and its one timer."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any

from twisted.internet.interfaces import IDelayedCall

from confserver.sip.flow import Address, Flow
from confserver.sip.grammar import Malformed
from confserver.sip.locating import Target
from confserver.sip.message import Response, parse
from confserver.sip.outputs import CloseFlow, OpenFlow, Output, Resolve, SendBytes
from confserver.sip.stack import Stack, StackSettings
from confserver.transports.sip import SipTransports
from confserver.transports.tls import Tls

User = Callable[[Output], Iterable[Output]]
"""Is told what happens to calls, and says what the stack wants done about it."""


class Line:
    """``goodbye`` is called when a BYE of ours has been answered.

    By TLS and WebSocket it only calls, unless ``is_called``; by WebSocket it has a made-up name then, as browsers have,
    and is reached by its connection alone (RFC 7118 appendix B.1).
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        transport: str,
        user: User,
        goodbye: Callable[[], None],
        tls: Tls | None = None,
        is_called: bool = False,
    ) -> None:
        self._reactor = reactor
        self._user = user
        self._goodbye = goodbye
        self._timer: IDelayedCall | None = None
        self._epoch = time.time() - time.monotonic()
        listens = (transport,) if is_called or transport in ("udp", "tcp") else ()
        self._transports = SipTransports(reactor, self, (host,), 0, listens, tls=tls)
        self._transport = transport
        self._made_up = f"{secrets.token_hex(6)}.invalid"
        self.stack = Stack(
            StackSettings(
                user_agent=f"confserver-call/{version('confserver')}",
                advertised=self._advertised,
            ),
            lambda: secrets.token_hex(8),
        )

    def now(self) -> float:
        """Steady epoch seconds: never steps."""
        return time.monotonic() + self._epoch

    @property
    def port(self) -> int:
        """Where we listen."""
        return self._transports.port_of(self._transport)

    def _advertised(self, flow: Flow) -> Address:
        if flow.is_websocket and not self.port:
            return self._made_up, 0
        return flow.local[0], self.port or flow.local[1]

    def open(self) -> None:
        """Raises CannotListenError."""
        self._transports.start()

    def close(self) -> None:
        self._transports.stop()
        self._stop_timer()

    def perform(self, outputs: Iterable[Output]) -> None:
        """Do all that is asked for, and what follows from it."""
        waiting = deque(outputs)
        while waiting:
            output = waiting.popleft()
            if isinstance(output, SendBytes | OpenFlow | CloseFlow | Resolve):
                self._transports.perform(output)
            else:
                waiting.extend(self._user(output))
        self._set_timer()

    def _set_timer(self) -> None:
        self._stop_timer()
        due = self.stack.next_deadline()
        if due is not None:
            self._timer = self._reactor.callLater(max(due - self.now(), 0), self._fire)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self.perform(self.stack.fire(self.now()))

    # ---------------------------------------------------------------- the transports say
    def received(self, data: bytes, flow: Flow) -> None:
        self.perform(self.stack.receive(data, flow, self.now()))
        if is_goodbye(data):
            self._goodbye()

    def lost(self, flow: Flow) -> None:
        self.perform(self.stack.flow_lost(flow, self.now()))

    def opened(self, token: int, flow: Flow) -> None:
        self.perform(self.stack.flow_opened(token, flow, self.now()))

    def wanted(self) -> set[Flow]:
        return self.stack.flows()

    def admits(self, host: str) -> bool:
        return True

    def failed(self, token: int, reason: str) -> None:
        self.perform(self.stack.flow_failed(token, reason, self.now()))

    def resolved(self, token: int, targets: Sequence[Target | str]) -> None:
        self.perform(self.stack.resolved(token, targets, self.now()))


def is_goodbye(data: bytes) -> bool:
    """Whether this is a final answer to a BYE; on connections as long as it comes in one piece."""
    if not data.startswith(b"SIP/2.0 ") or b"BYE" not in data:
        return False
    try:
        answer = parse(data)
    except Malformed:
        return False
    return isinstance(answer, Response) and answer.cseq.method == "BYE" and answer.status >= 200
