"""Asks media workers for the RTP headers of a leg's last minute, and makes packets of the answer."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from confserver.contract import Capture, Captured, LegId, ToWorker
from confserver.sip.flow import Address
from confserver.sip.pcap import Packet

PATIENCE_S = 2.0
MOST_AT_ONCE = 20
_RECORD = struct.Struct("<dBH12s")


class Worker(Protocol):
    def send(self, command: ToWorker) -> None: ...


@dataclass(frozen=True, slots=True)
class Media:
    """Where a call's sound goes, or went."""

    worker: int
    leg: LegId
    local: Address
    remote: Address | None


class Captures:
    """One question at a time for each token; a worker that does not answer is not waited for."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._workers: Sequence[Worker] = ()
        self._waiting: dict[int, tuple[Deferred[list[Packet]], Media, IDelayedCall]] = {}
        self._last = 0

    def use(self, workers: Sequence[Worker]) -> None:
        self._workers = workers

    def ask(self, media: Media) -> Deferred[list[Packet]]:
        """Fires with what is known, nothing where nobody knows anything."""
        if media.remote is None or media.worker >= len(self._workers) or len(self._waiting) >= MOST_AT_ONCE:
            return succeed([])
        self._last += 1
        done: Deferred[list[Packet]] = Deferred()
        late = self._reactor.callLater(PATIENCE_S, self._answered, self._last, b"")
        self._waiting[self._last] = done, media, late
        self._workers[media.worker].send(Capture(token=self._last, leg=media.leg))
        return done

    def heard(self, event: Captured) -> None:
        self._answered(event.token, event.packets)

    def _answered(self, token: int, data: bytes) -> None:
        waiting = self._waiting.pop(token, None)
        if waiting is None:
            return
        done, media, late = waiting
        if late.active():
            late.cancel()
        done.callback(packets_of(data, media))


def packets_of(data: bytes, media: Media) -> list[Packet]:
    """Headers alone: of the payload the length is known, no more."""
    assert media.remote is not None
    found = []
    for at, is_ours, length, header in _RECORD.iter_unpack(data[: len(data) // _RECORD.size * _RECORD.size]):
        source, target = (media.local, media.remote) if is_ours else (media.remote, media.local)
        found.append(Packet(at, source, target, False, header, left_out=max(length - len(header), 0)))
    return found
