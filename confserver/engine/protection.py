"""SRTP of the legs that have keys (RFC 3711): packets are opened and closed where they lie, in batch and packet matrix.

    Batch -> unprotect -> arrival ...            ... departure -> protect -> Outbox

A packet that does not pass is never heard: its length becomes ``REFUSED``, and its leg's count of discarded ones
grows. A leg whose key was just changed has several contexts until one of the new key's opens a packet: what the peer
sends before it has our answer still comes under the old key (RFC 4568 section 7.1.4), and whether it lets its
rollover counter go on (RFC 3711 section 3.3.1) or starts at 0, as many do, shows then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from confserver.contract import SrtpKey
from confserver.engine.batch import Batch
from confserver.engine.frame import Bytes, Lengths, Rows
from confserver.engine.seats import Seats
from confserver.rtp import srtp
from confserver.rtp.header import HEADER, HEADER_BYTES, RTCP_FIRST, RTCP_LAST

REFUSED = -1
"""Length of a packet that did not pass."""
PLAIN, SETTLED, CHANGING = 0, 1, 2
"""Of the column ``protected``."""
MOST_CONTEXTS = 6
"""A leg that is re-keyed again and again, and never sends by the new key, has no more."""
MOST_GUESSES = 25
"""Packets of a leg that goes on whose rollover counter is guessed: it costs some 0.1 ms each."""
MOST_SSRCS = 32
"""Streams a peer may begin under one key; each has a context of its own in libsrtp."""


@dataclass(slots=True)
class Incoming:
    """One context for what comes, and whose streams it has opened."""

    handle: srtp.Handle
    ssrcs: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Outgoing:
    """The context for what goes. ``index``: of the packet that was next when ``sent`` had been sent."""

    handle: srtp.Handle
    index: int
    sent: int


@dataclass(slots=True)
class Keys:
    """What a leg's packets are opened and closed with. ``incoming``: the new key's contexts, then the old one's."""

    incoming_key: SrtpKey
    outgoing_key: SrtpKey
    incoming: list[Incoming]
    outgoing: Outgoing
    fresh: int = 1
    """So many of ``incoming`` are the new key's."""
    passed: int = 0
    """Packets that came under the key before this worker had it; ``guesses``: so many more are tried for rollovers."""
    guesses: int = 0


@dataclass(frozen=True, slots=True)
class Sealer:
    """The packets of an outbox that are to be protected: their places, rows of the seats and contexts."""

    places: Rows
    rows: Rows
    handles: list[srtp.Handle]
    at: srtp.Pointers
    length: Lengths


def check_keys(incoming: SrtpKey | None, outgoing: SrtpKey | None) -> None:
    """Raises ValueError for keys that no leg can have."""
    if (incoming is None) != (outgoing is None):
        raise ValueError("a key for one way only")
    for key in (incoming, outgoing):
        if key is not None:
            srtp.check(key.suite, key.key)


class Protection:
    """The contexts of all protected legs; the others cost nothing but a look at a column."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._keys: dict[int, Keys] = {}
        self._settled: NDArray[np.object_] = np.full(seats.capacity, None, np.object_)
        """Handle of each row whose key is not in doubt."""
        self._batch: Batch | None = None
        self._batch_at = srtp.Pointers(np.zeros((0, 1), np.uint8), np.zeros(0, np.int32))
        self._batch_pointers = _gatherable([]), _gatherable([])
        self.refused = 0

    @property
    def legs(self) -> int:
        return len(self._keys)

    # ------------------------------------------------------------------ keys
    def set(self, row: int, incoming: SrtpKey | None, outgoing: SrtpKey | None) -> None:
        """Follow a plan. The same keys: all counters go on. Others: new contexts, the old one beside them for a while.

        The keys have been checked.
        """
        if incoming is None or outgoing is None:
            self.remove(row)
            return
        known = self._keys.get(row)
        if known is None:
            first = Outgoing(srtp.context(outgoing.suite, outgoing.key, True), *self._next(row))
            self._keys[row] = Keys(incoming, outgoing, [self._incoming(incoming)], first)
            self._settle(row)
            return
        if outgoing != known.outgoing_key:
            known.outgoing, known.outgoing_key = self._going_on(row, outgoing, known.outgoing), outgoing
        if incoming != known.incoming_key:
            fresh = self._candidates(row, incoming)
            known.incoming, known.fresh = [*fresh, *known.incoming][:MOST_CONTEXTS], len(fresh)
            known.incoming_key = incoming
            self._settled[row] = None
            self._seats.protected[row] = CHANGING

    def resume(self, row: int, passed: int) -> None:
        """A leg goes on whose worker is lost: so many packets have come under the peer's key, whose rollovers are lost.

        Ours begin anew, with another key of ours.
        """
        if row in self._keys:
            self._keys[row].passed, self._keys[row].guesses = passed, MOST_GUESSES

    def remove(self, row: int) -> None:
        self._keys.pop(row, None)
        if row < len(self._settled):
            self._settled[row] = None
        self._seats.protected[row] = PLAIN

    def _settle(self, row: int) -> None:
        more = self._seats.capacity - len(self._settled)
        if more > 0:
            self._settled = np.concatenate((self._settled, np.full(more, None, np.object_)))
        self._settled[row] = self._keys[row].incoming[0].handle
        self._seats.protected[row] = SETTLED

    def _incoming(self, key: SrtpKey) -> Incoming:
        return Incoming(srtp.context(key.suite, key.key, False))

    def _candidates(self, row: int, key: SrtpKey) -> list[Incoming]:
        """The peer's rollover counter begins at 0 with its new key, or goes on."""
        seats = self._seats
        found = [self._incoming(key)]
        index = int(seats.cycles[row]) + int(seats.top_sequence[row])
        if seats.has_ssrc[row] and index >> 16:
            going_on = self._incoming(key)
            srtp.advance(going_on.handle, int(seats.ssrc[row]), index)
            found.append(going_on)
        return found

    def _going_on(self, row: int, key: SrtpKey, before: Outgoing) -> Outgoing:
        """RFC 3711 section 3.3.1: our rollover counter goes on under a new key."""
        seats = self._seats
        index = before.index + (int(seats.sent[row]) - before.sent & 0xFFFFFFFF)
        handle = srtp.context(key.suite, key.key, True)
        if index >> 16:
            srtp.advance(handle, int(seats.out_ssrc[row]), index)
        return Outgoing(handle, index, int(seats.sent[row]))

    def _next(self, row: int) -> tuple[int, int]:
        return int(self._seats.out_sequence[row]), int(self._seats.sent[row])

    # ------------------------------------------------------------------ in
    def unprotect(self, batch: Batch, rows: Rows) -> None:
        """Open the RTP packets of known senders, all at once. rows: of each packet, 0 for strangers'."""
        if not self._keys:
            return
        seats, state = self._seats, self._seats.protected[rows]
        if not state.any():
            return
        header = batch.data[: batch.count, :HEADER_BYTES].copy().view(HEADER)[:, 0]
        kind = header["second"]
        mine = np.flatnonzero((state != PLAIN) & ((kind < RTCP_FIRST) | (kind > RTCP_LAST)))
        row = rows[mine]
        usual = (state[mine] == SETTLED) & seats.has_ssrc[row] & (header["ssrc"][mine] == seats.ssrc[row])
        places = mine[usual]
        packets, lengths = self._pointers(batch)
        # arrays of objects: to gather from them is four times quicker than from lists
        handles = self._settled[row[usual]].tolist()
        statuses = list(map(srtp.unprotect, handles, packets[places].tolist(), lengths[places].tolist()))
        if any(statuses):
            for place in places[np.flatnonzero(statuses)].tolist():
                self._refuse(batch, place, int(rows[place]))
        for place in mine[~usual].tolist():
            if not self.open_one(batch, place, int(rows[place])):
                self._refuse(batch, place, int(rows[place]))

    def _refuse(self, batch: Batch, place: int, row: int) -> None:
        batch.length[place] = REFUSED
        self._seats.discarded[row] += 1
        self.refused += 1

    def open_one(self, batch: Batch, place: int, row: int) -> bool:
        """Open a single packet with whatever key of the leg's does it; else it stays as it is."""
        keys, data = self._keys.get(row), batch.datagram(place)
        if keys is None or len(data) < HEADER_BYTES:
            return False
        ssrc = int.from_bytes(data[8:12], "big")
        for number, incoming in enumerate(keys.incoming):
            if ssrc not in incoming.ssrcs and len(incoming.ssrcs) >= MOST_SSRCS:
                continue
            opened = srtp.unprotect_one(incoming.handle, data)
            if opened is None:
                continue
            incoming.ssrcs.add(ssrc)
            if number < keys.fresh:
                keys.incoming, keys.fresh, keys.guesses = [incoming], 1, 0
                self._settle(row)
            _lay(batch, place, opened)
            return True
        return keys.guesses > 0 and self._open_by_guess(batch, place, row, keys, data)

    def _open_by_guess(self, batch: Batch, place: int, row: int, keys: Keys, data: bytes) -> bool:
        """The sequence numbers of the stream have wrapped as often as so many packets do, or once or twice more."""
        keys.guesses -= 1
        ssrc, sequence = int.from_bytes(data[8:12], "big"), int.from_bytes(data[2:4], "big")
        least = keys.passed >> 16
        for rollovers in range(max(least, 1), least + 3):
            guess = self._incoming(keys.incoming_key)
            srtp.advance(guess.handle, ssrc, rollovers << 16 | sequence)
            opened = srtp.unprotect_one(guess.handle, data)
            if opened is None:
                continue
            guess.ssrcs.add(ssrc)
            keys.incoming, keys.fresh, keys.guesses = [guess], 1, 0
            self._settle(row)
            _lay(batch, place, opened)
            return True
        return False

    def open_report(self, row: int, data: bytes) -> bytes | None:
        """RTCP of a leg; None where none of its keys opens it."""
        keys = self._keys.get(row)
        for incoming in keys.incoming if keys else ():
            opened = srtp.unprotect_report(incoming.handle, data)
            if opened is not None:
                return opened
        return None

    def _pointers(self, batch: Batch) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """To each packet and its length."""
        if self._batch is not batch:
            self._batch, self._batch_at = batch, srtp.Pointers(batch.data, batch.length)
            self._batch_pointers = _gatherable(self._batch_at.packet), _gatherable(self._batch_at.length)
        return self._batch_pointers

    # ------------------------------------------------------------------ out
    def sealer(self, rows: Rows, packets: Bytes, length: Lengths) -> Sealer | None:
        """For the protected ones of these packets: uint8 (rows, bytes), with TRAILER_BYTES to spare in each."""
        places = np.flatnonzero(self._seats.protected[rows])
        if not len(places):
            return None
        at = srtp.Pointers(packets, length, places.tolist())
        handles = [self._keys[row].outgoing.handle for row in rows[places].tolist()]
        return Sealer(places, rows[places], handles, at, length)

    def protect(self, sealer: Sealer | None, size: int = 0) -> None:
        """Close the packets of this tick; size: bytes of each, 0: as ``length`` says, of which those above 0.

        One that cannot be closed is emptied: nothing leaks.
        """
        if sealer is None:
            return
        handles, packets, lengths = sealer.handles, sealer.at.packet, sealer.at.length
        which = sealer.places
        if size:
            sealer.length[which] = size
        elif not sealer.length[which].all():
            live = np.flatnonzero(sealer.length[which])
            some = live.tolist()
            handles, packets, lengths = ([each[place] for place in some] for each in (handles, packets, lengths))
            which = which[live]
        statuses = list(map(srtp.protect, handles, packets, lengths))
        if any(statuses):
            failed = which[np.flatnonzero(statuses)]
            sealer.length[failed] = 0
            self._seats.send_failed[sealer.rows[np.searchsorted(sealer.places, failed)]] += 1

    def protect_report(self, row: int, data: bytes) -> bytes:
        """RTCP to a leg; empty where it cannot be closed."""
        keys = self._keys.get(row)
        return data if keys is None else srtp.protect_report(keys.outgoing.handle, data) or b""


def _gatherable(pointers: list[srtp.Handle]) -> NDArray[np.object_]:
    found = np.full(len(pointers), None, np.object_)
    for place, pointer in enumerate(pointers):
        found[place] = pointer
    return found


def _lay(batch: Batch, place: int, opened: bytes) -> None:
    """An opened packet takes the place of the closed one."""
    batch.data[place, : len(opened)] = np.frombuffer(opened, np.uint8)
    batch.length[place] = len(opened)
