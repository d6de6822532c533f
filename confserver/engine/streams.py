"""Encoders that remember: who shares which, and how a listener goes from one to another unheard.

Legs that hear one voice in one format with equal settings share an encoder. Where a leg's voice becomes another, its
encoder goes along: alone with it, the encoder simply gets the other voice from then on; else it is *forked*, so that
the leg's decoder goes on as if nothing had happened. Back to a shared encoder a leg goes in the next pause, where there
is least to hear of it. With Opus the shortest is enough, and none is waited for longer than 2 s: by then both encoders
have heard the same for long enough (``voices``: hold and passage).

Two encoders of G.722 never come to the same again, not even in silence (measured). But a decoder comes to the same as
another that reads the same bits in silence, within 0.2 s or so. Meanwhile the leg's own encoder *follows*: the leg gets
the packets of the shared one, and its encoder does as the leg's decoder does. Should somebody speak up, it goes on by
itself, and the decoder hears no change; else the leg goes over for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import CODECS, is_stateful, stateful
from confserver.engine.codecs.codec import Encoders, Settings
from confserver.engine.frame import Bytes, Lengths, Rows, Samples

Key = tuple[int, int, Settings]
"""Voice, meaning, settings."""
PAUSE_TICKS = 5
"""Of silence, after which an encoder that does not converge begins to follow another one."""
FOLLOWED_MS = 300
"""Of silence, in which decoders that read the same bits come to the same, whatever they were."""
_QUIET, _SOFT = 1e-6, 1e-5
"""Energy of silence, above comfort noise, and of a gap between words: -60 and -50 dB."""
_PATIENCE = 100
_EVER = 1 << 30


@dataclass(slots=True, eq=False)
class Stream:
    """One encoder at work."""

    codec: int
    settings: Settings
    voice: int
    slot: int
    rows: set[int] = field(default_factory=set)
    ticks: int = 0
    """Of a packet, passed already."""
    joins_in: int = 0
    """Ticks after which its legs go over, at the latest, to the stream that others of its key share; 0: it is that."""
    quiet: int = 0
    """Ticks in which nothing sounded."""
    leader: Stream | None = None
    """Whose packets its legs get in a pause, before they go over to it."""
    followed_ms: int = 0
    """For how long they have."""
    waiting: list[Samples] = field(default_factory=list)
    """Frames of a packet that is longer than a tick."""

    @property
    def key(self) -> Key:
        return self.voice, self.codec, self.settings


@dataclass(slots=True, eq=False)
class Group:
    """Streams that are encoded in one go: one codec, one length of packet."""

    encoders: Encoders
    settings: Settings
    streams: list[Stream]
    slots: Rows
    places: Rows
    """Of their voices on the board."""
    rows: Rows
    """Of their payloads in the matrix; of the first, where a tick has two."""
    rights: Rows
    """Places of what the right ear hears, where there are two channels."""
    leaders: list[int]
    """Places among the streams of those whom the last ones follow."""

    @property
    def leading(self) -> int:
        """So many of the streams encode for themselves."""
        return len(self.streams) - len(self.leaders)


class Streams:
    """All stateful encoders of a worker."""

    def __init__(self) -> None:
        self._encoders: dict[int, Encoders] = {}
        self._shared: dict[Key, Stream] = {}
        self._of: dict[int, Stream] = {}
        self._joining: list[Stream] = []
        self.stale = False
        self.complexity: int | None = None

    def __len__(self) -> int:
        return len({id(stream) for stream in self._of.values()})

    def encoders(self, codec: int) -> Encoders:
        if codec not in self._encoders:
            self._encoders[codec] = stateful(codec).encoders()
            self._set_complexity(self._encoders[codec])
        return self._encoders[codec]

    def set_complexity(self, complexity: int) -> None:
        """How much work encoders make themselves, 0 to 10, where they have a choice."""
        if complexity != self.complexity:
            self.complexity = complexity
            for encoders in self._encoders.values():
                self._set_complexity(encoders)

    def _set_complexity(self, encoders: Encoders) -> None:
        set_complexity = getattr(encoders, "set_complexity", None)
        if set_complexity and self.complexity is not None:
            set_complexity(self.complexity)

    # ------------------------------------------------------------------ between ticks
    def of(self, row: int) -> Stream | None:
        return self._of.get(row)

    def follow(
        self, row: int, voice: int, codec: int, settings: Settings, together: dict[tuple[Stream, Key], Stream]
    ) -> None:
        """A leg hears this voice in this way from now on. together: where others have gone on the same tick, which is
        kept between the calls: who hears the same before and after shares the way."""
        key, now = (voice, codec, settings), self._of.get(row)
        if now is not None and now.key == key:
            return
        shared = self._shared.get(key)
        if now is None or not _goes_on(now, codec, settings):
            self._enter(row, shared or self._open(key))
            return
        going = together.get((now, key))
        if going is not None:
            self._enter(row, going)
            return
        patience = _patience(codec) if shared else 0
        if len(now.rows) == 1 and now.settings == settings:
            self._leave_to(now, voice, patience)
        else:
            forked = together[now, key] = self._forked(now, key, patience)
            self._enter(row, forked)

    def _enter(self, row: int, stream: Stream) -> None:
        self.drop(row)
        stream.rows.add(row)
        self._of[row] = stream
        self.stale = True

    def drop(self, row: int) -> None:
        """The leg hears nothing any more by an encoder of these."""
        stream = self._of.pop(row, None)
        if stream is None:
            return
        stream.rows.discard(row)
        self.stale = True
        if not stream.rows:
            self._encoders[stream.codec].close(stream.slot)
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if self._shared.get(stream.key) is stream:
            del self._shared[stream.key]
        if stream in self._joining:
            self._joining.remove(stream)

    def _open(self, key: Key) -> Stream:
        voice, codec, settings = key
        stream = self._shared[key] = Stream(codec, settings, voice, self.encoders(codec).open(settings))
        return stream

    def _forked(self, stream: Stream, key: Key, joins_in: int) -> Stream:
        voice, codec, settings = key
        slot = self._encoders[codec].fork(stream.slot, settings)
        forked = Stream(codec, settings, voice, slot, ticks=stream.ticks, waiting=list(stream.waiting))
        if joins_in:
            forked.joins_in = joins_in
            self._joining.append(forked)
        else:
            self._shared[key] = forked
        return forked

    def _leave_to(self, stream: Stream, voice: int, joins_in: int) -> None:
        """All who share a stream hear another voice from now on."""
        self._forget(stream)
        stream.voice, stream.joins_in, stream.quiet = voice, joins_in, 0
        stream.leader = None
        if joins_in:
            self._joining.append(stream)
        else:
            self._shared[stream.key] = stream
        self.stale = True

    def rename(self, voice: int, new: int) -> None:
        """What was heard as one voice is now heard as another."""
        for stream in {id(stream): stream for stream in self._of.values() if stream.voice == voice}.values():
            if self._shared.get(stream.key) is stream:
                del self._shared[stream.key]
                self._shared[new, stream.codec, stream.settings] = stream
            stream.voice = new
        self.stale = True

    def settle(self) -> None:
        """A tick is over: streams that were to join others do so."""
        for stream in list(self._joining):
            stream.joins_in -= 1
            shared = self._shared.setdefault(stream.key, stream)
            if shared is stream or self._may_join(stream, shared):
                self._joining.remove(stream)
                stream.joins_in, stream.leader = 0, None
                for row in list(stream.rows) if shared is not stream else ():
                    self._enter(row, shared)

    def _may_join(self, stream: Stream, shared: Stream) -> bool:
        """Whether a decoder that has heard the one can hear the other from now on; if not yet, what may lead to it."""
        if stateful(stream.codec).converges:
            return stream.joins_in <= 0 or stream.quiet > 0
        leads = stream.quiet >= PAUSE_TICKS and stream.settings.frame_ms <= 20
        leader = shared if leads else None
        if leader is not stream.leader:
            stream.leader, stream.followed_ms = leader, 0
            self.stale = True
        return stream.followed_ms >= FOLLOWED_MS

    # ------------------------------------------------------------------ the tick
    def groups(self, place_of: dict[int, int], right_of: dict[int, int], first_row: int) -> list[Group]:
        """All streams, to be encoded in groups.

        place_of: row of the seats -> place of what it hears on its board. right_of: the same of the right ear.
        """
        kinds: dict[tuple[int, int, int, int], list[Stream]] = {}
        for stream in {id(stream): stream for stream in self._of.values()}.values():
            settings = stream.settings
            if stream.leader is not None and stream.leader is not self._shared.get(stream.key):
                stream.leader = None
            kinds.setdefault((stream.codec, settings.rate_hz, settings.frame_ms, settings.channels), []).append(stream)
        groups: list[Group] = []
        for (codec, _, frame_ms, _), streams in kinds.items():
            streams.sort(key=lambda stream: stream.leader is not None)
            step = 2 if frame_ms == 10 else 1
            rows = first_row + step * np.arange(len(streams))
            first_row += step * len(streams)
            slots = np.array([stream.slot for stream in streams], np.intp)
            places = np.array([place_of[next(iter(stream.rows))] for stream in streams], np.intp)
            ears = [right_of.get(next(iter(stream.rows)), 0) for stream in streams]
            rights = np.array(ears if streams[0].settings.channels == 2 else [], np.intp)
            at = {id(stream): place for place, stream in enumerate(streams)}
            leaders = [at[id(stream.leader)] for stream in streams if stream.leader is not None]
            encoders = self._encoders[codec]
            groups.append(Group(encoders, streams[0].settings, streams, slots, places, rows, rights, leaders))
        self.stale = False
        return groups

    def encode(
        self, groups: Iterable[Group], boards: list[Samples], bands: dict[int, int], out: Bytes, length: Lengths
    ) -> None:
        """One tick of all streams. bands: rate -> board. out: uint8 (rows, width); length: int32 (rows), 0: nothing."""
        for group in groups:
            board = boards[bands[group.settings.rate_hz]]
            samples = board[group.places]
            if group.settings.channels == 2:
                samples = np.stack((samples, board[group.rights]), axis=2).reshape(len(samples), -1)
            if any(stream.joins_in for stream in group.streams):
                _note_pauses(group.streams, samples)
            if group.settings.frame_ms > 20:
                _encode_long(group, samples, out, length)
                continue
            count = 20 // group.settings.frame_ms
            for turn, part in enumerate(np.split(samples, count, axis=1)):
                _encode_tick(group, np.ascontiguousarray(part), out, length, group.rows + turn)


def _patience(codec: int) -> int:
    return _PATIENCE if stateful(codec).converges else _EVER


def _note_pauses(streams: list[Stream], samples: Samples) -> None:
    for stream, energy in zip(streams, np.vecdot(samples, samples).tolist(), strict=True):
        quiet = _SOFT if stateful(stream.codec).converges else _QUIET
        stream.quiet = stream.quiet + 1 if energy < quiet * samples.shape[1] else 0


def _goes_on(stream: Stream, codec: int, settings: Settings) -> bool:
    """Whether a decoder can be led on from this stream's encoder."""
    now = stream.settings
    same = (now.rate_hz, now.channels, now.frame_ms) == (settings.rate_hz, settings.channels, settings.frame_ms)
    return stream.codec == codec and same


def _encode_tick(group: Group, samples: Samples, out: Bytes, length: Lengths, rows: NDArray[np.intp]) -> None:
    """A packet of each stream: of those that lead, then of those that follow, while it is quiet."""
    leading = group.leading
    _encode(group.encoders, group.slots[:leading], samples[:leading], out, length, rows[:leading])
    for place, leader in enumerate(group.leaders, leading):
        stream, payload = group.streams[place], out[rows[leader], : length[rows[leader]]]
        if stream.quiet and group.encoders.follow(stream.slot, payload, samples[place]):
            out[rows[place]], length[rows[place]] = out[rows[leader]], length[rows[leader]]
            stream.followed_ms += group.settings.frame_ms
        else:
            one = slice(place, place + 1)
            _encode(group.encoders, group.slots[one], samples[one], out, length, rows[one])


def _encode(
    encoders: Encoders, slots: Rows, samples: Samples, out: Bytes, length: Lengths, rows: NDArray[np.intp]
) -> None:
    part, sizes = np.zeros((len(slots), out.shape[1]), np.uint8), np.zeros(len(slots), np.int32)
    encoders.encode(slots, samples, part, sizes)
    out[rows], length[rows] = part, sizes


def _encode_long(group: Group, samples: Samples, out: Bytes, length: Lengths) -> None:
    """Packets of several ticks: each stream's are due when it has all their frames."""
    frames = group.settings.frame_ms // 20
    due: list[int] = []
    for place, stream in enumerate(group.streams):
        stream.waiting.append(samples[place].copy())
        if len(stream.waiting) >= frames:
            due.append(place)
    length[group.rows] = 0
    if due:
        whole = np.stack([np.concatenate(group.streams[place].waiting[:frames]) for place in due])
        for place in due:
            group.streams[place].waiting.clear()
        _encode(group.encoders, group.slots[due], whole, out, length, group.rows[due])


def who_remembers() -> NDArray[np.bool_]:
    """By meaning: whether a codec remembers."""
    table = np.zeros(256, np.bool_)
    for meaning, codec in enumerate(CODECS, 1):
        table[meaning] = is_stateful(codec)
    return table
