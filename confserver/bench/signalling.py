"""The calls, by our own UAC over one UDP socket: callers differ by their From."""

from __future__ import annotations

import secrets
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from confserver.bench.options import is_loopback
from confserver.bench.plan import Caller
from confserver.sdp import text as sdp
from confserver.sip.address import NameAddr
from confserver.sip.flow import Address, Flow
from confserver.sip.outputs import (
    CallAccepted,
    CallEnded,
    CallId,
    OfferArrived,
    OpenFlow,
    Output,
    RequestArrived,
    Resolve,
    SendBytes,
)  # fmt: skip
from confserver.sip.stack import Stack, StackSettings
from confserver.sip.uri import Uri

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_BUFFER_BYTES = 4 << 20
Answered = Callable[[int, Address], None]
"""Called with the caller's number and where its media goes."""

OFFER = """v=0
o=- {number} 1 IN IP4 {host}
s=-
c=IN IP4 {host}
t=0 0
m=audio {port} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=rtcp-mux
"""


class Unfit(ValueError):
    """An answer whose media we cannot talk to."""


@dataclass(slots=True)
class _Call:
    caller: Caller
    asked_at: float
    is_answered: bool = False
    is_leaving: bool = False


@dataclass(slots=True)
class Calls:
    """What has become of the calls."""

    setup_s: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    """How often, by reason."""
    ended_by_server: int = 0

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


def media_of(body: bytes) -> Address:
    """Where an answer wants its media. Raises Unfit; what is not on the loopback is unfit too."""
    try:
        description = sdp.parse(body)
    except ValueError as bad:
        raise Unfit(f"unreadable SDP: {bad}") from None
    media = description.media[0] if description.media else None
    place = description.connection_of(media) if media else None
    if media is None or place is None or not media.port:
        raise Unfit("no audio in the answer")
    if not place.is_address or not is_loopback(place.host):
        raise Unfit(f"media at {place.host}, not on the loopback")
    return place.host, media.port


class Signalling:
    """All calls of a run."""

    def __init__(self, server: Address, host: str, answered: Answered) -> None:
        self._server, self._host, self._tell = server, host, answered
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._local: Address = host, int(self._socket.getsockname()[1])
        self._stack = Stack(
            StackSettings(user_agent="confserver bench", most_calls=20_000), lambda: secrets.token_hex(8)
        )
        self._calls: dict[CallId, _Call] = {}
        self.counts = Calls()

    def call(self, caller: Caller, media: Address) -> None:
        """Send the INVITE; its media will come from there."""
        host, port = self._server
        offer = OFFER.format(number=caller.number + 1, host=media[0], port=media[1]).replace("\n", "\r\n").encode()
        name = NameAddr("", Uri("sip", f"caller{caller.number + 1}", host=self._host))
        now = time.monotonic()
        number, outputs = self._stack.call(Uri("sip", caller.room, host=host, port=port), name, offer, now)
        self._calls[number] = _Call(caller, now)
        self._perform(outputs, now)

    def hang_up_all(self, a_second: float) -> None:
        """Say BYE, so many a second, and wait for what comes of it."""
        for number in list(self._calls):
            if number in self._calls:
                self._calls[number].is_leaving = True
                self._perform(self._stack.hang_up(number, time.monotonic()), time.monotonic())
            self.run(1 / a_second)

    @property
    def waiting(self) -> int:
        """Calls without an answer yet."""
        return sum(not call.is_answered for call in self._calls.values())

    @property
    def present(self) -> int:
        return len(self._calls)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Do what comes, for so long or until something is so. Gives whether it is."""
        end = time.monotonic() + seconds
        while not until():
            now = time.monotonic()
            due = self._stack.next_deadline()
            wait = min(end, end if due is None else due) - now
            ready = select.select([self._socket], [], [], max(wait, 0))[0]
            if ready:
                self._read()
            now = time.monotonic()
            self._perform(self._stack.fire(now), now)
            if now >= end:
                return until()
        return True

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data, ancillary, _, sender = self._socket.recvmsg(65536, 64)
            except BlockingIOError:
                return
            except OSError:
                continue  # the server's port is closed: the transactions will time out
            now = time.monotonic()
            arrived = now
            for _, kind, stamp in ancillary:
                if kind == _SO_TIMESTAMPNS and len(stamp) >= _TIMESPEC.size:
                    seconds, nanoseconds = _TIMESPEC.unpack_from(stamp)
                    arrived = seconds + nanoseconds / 1e9 - (time.time() - now)
            flow = Flow("UDP", self._local, (str(sender[0]), int(sender[1])))
            self._perform(self._stack.receive(data, flow, now), arrived)

    def _perform(self, outputs: Sequence[Output], at: float) -> None:
        """``at``: when what led to them has arrived."""
        stack, now = self._stack, time.monotonic()
        for output in outputs:
            match output:
                case SendBytes(flow=flow, data=data):
                    self._send(data, flow.remote)
                case OpenFlow(token=token, transport=transport, remote=remote):
                    if transport == "UDP" and is_loopback(remote[0]):
                        self._perform(stack.flow_opened(token, Flow("UDP", self._local, remote), now), at)
                    else:
                        self._perform(stack.flow_failed(token, "not UDP on the loopback", now), at)
                case Resolve(token=token):
                    self._perform(stack.resolved(token, [], now), at)
                case CallAccepted(call=number, response=response):
                    self._accepted(number, response.body, at)
                case CallEnded():
                    self._ended(output)
                case OfferArrived(call=number):
                    self._perform(stack.refuse_offer(number, 488, now), at)
                case RequestArrived(transaction=number, request=request):
                    self._perform(stack.respond(number, 200 if request.method == "OPTIONS" else 501, now), at)

    def _send(self, data: bytes, remote: Address) -> None:
        try:
            self._socket.sendto(data, remote)
        except OSError:
            return  # as if lost on the way: the transaction sends again

    def _accepted(self, number: CallId, body: bytes, at: float) -> None:
        call = self._calls[number]
        call.is_answered = True
        try:
            self._tell(call.caller.number, media_of(body))
        except Unfit as unfit:
            self._failed(str(unfit))
            call.is_leaving = True
            self._perform(self._stack.hang_up(number, time.monotonic()), at)
        else:
            self.counts.setup_s.append(at - call.asked_at)

    def _ended(self, said: CallEnded) -> None:
        call = self._calls.pop(said.call, None)
        if call is None:
            return
        if not call.is_answered:
            self._failed(f"{said.status} {said.cause}".strip())
        elif not call.is_leaving:
            self.counts.ended_by_server += 1

    def _failed(self, reason: str) -> None:
        self.counts.failures[reason] = self.counts.failures.get(reason, 0) + 1
