"""One room as a worker knows it: its mixes, its members, what plays in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from confserver.contract import RoomSound
from confserver.engine.frame import NARROW

LOWER_AFTER = 500
"""Ticks for which fewer could use a room's rate before it falls."""

Gains = dict[int, float]
_WIDTH = 0.7
"""How far apart left and right are; 1.0: whoever is outermost is heard on one side only."""


@dataclass(slots=True)
class Wishes:
    """Who hears whom in one room, in rows of seats."""

    mixes: list[Gains] = field(default_factory=list)
    listeners: dict[int, int] = field(default_factory=dict)
    exceptions: dict[int, Gains] = field(default_factory=dict)
    private: set[int] = field(default_factory=set)
    """Who speaks to some alone: nobody else has to hear of it."""
    waiting: set[int] = field(default_factory=set)
    """Who is recorded though nobody hears him."""
    silent: int | None = None
    """The mix in which not even that is heard what plays to everybody."""
    guests: set[int] = field(default_factory=set)
    """Who is heard here and sits in another room."""
    bare: frozenset[int] = frozenset()
    """The mixes that hold voices and nothing else."""

    def forget(self, row: int) -> None:
        for gains in (*self.mixes, *self.exceptions.values()):
            gains.pop(row, None)
        self.listeners.pop(row, None)
        self.exceptions.pop(row, None)
        self.private.discard(row)
        self.waiting.discard(row)
        self.guests.discard(row)


@dataclass(slots=True)
class Room:
    """One room: its mixes by index, as ``SetHearing`` numbers them, and those private to one listener."""

    number: int
    sound: RoomSound
    most_talkers: int
    band: int = NARROW
    next_band: int | None = None
    """The band to which it goes on the next tick."""
    lower_in: int = LOWER_AFTER
    mixes: list[int] = field(default_factory=list)
    private: dict[int, int] = field(default_factory=dict)
    wide: list[int] = field(default_factory=list)
    """The mixes by index once more, for those who hear two channels: the left ones."""
    rights: dict[int, int] = field(default_factory=dict)
    """The right mix beside each left one."""
    tap: int | None = None
    """A mix that nobody hears: it is recorded."""
    wishes: Wishes = field(default_factory=Wishes)
    members: set[int] = field(default_factory=set)
    audible: set[int] = field(default_factory=set)
    """Who has a gain in some mix; the others speak only to be seen speaking."""
    talkers: set[int] = field(default_factory=set)
    fading: set[int] = field(default_factory=set)
    players: dict[int, int | None] = field(default_factory=dict)
    """Rows that play something, and the member that alone hears it, None: everybody does."""
    ducked: dict[int | None, float] = field(default_factory=dict)
    """How much softer all others are to a member, or to everybody, while something plays."""

    pans: dict[int, float] = field(default_factory=dict)
    """Where rows are heard that somebody has placed; the worker's, of all rooms."""
    guests: dict[int, Room] = field(default_factory=dict)
    """Rows that are heard here and sit in another room, and in which; one that is heard no more, until it has faded."""

    def all_mixes(self) -> list[int]:
        taps = () if self.tap is None else (self.tap,)
        return [*self.mixes, *self.wide, *self.private.values(), *self.rights.values(), *taps]

    def side_of(self, row: int) -> tuple[float, float]:
        """Gains left and right by which somebody has his place: the members stand in the order of their rows, from
        left to right, each as loud as the others, but for who has been placed, which moves nobody else; what plays,
        or speaks from another room, is in the middle."""
        if row not in self.members or (len(self.members) < 2 and row not in self.pans):
            return 1.0, 1.0
        if row in self.pans:
            pan = self.pans[row]
        else:
            pan = _WIDTH * (2 * sorted(self.members).index(row) / (len(self.members) - 1) - 1)
        angle = (1 + pan) * math.pi / 4
        return math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle)

    def with_players(self, gains: Gains, listener: int | None, *, is_silent: bool = False) -> Gains:
        """What plays to everybody, or to this listener, beside the voices, which are softer meanwhile.

        ``is_silent``: only what plays to this listener.
        """
        if not self.players and not self.ducked:
            return gains
        duck = min(self.ducked.get(None, 1.0), self.ducked.get(listener, 1.0))
        heard = {row: gain * duck for row, gain in gains.items()}
        meant = (listener,) if is_silent and listener is not None else () if is_silent else (None, listener)
        return heard | {row: 1.0 for row, only in self.players.items() if only in meant}

    def shared(self) -> Iterator[tuple[int, Gains]]:
        """Each mix that more than one may hear, and what is in it."""
        for mixes in (self.mixes, self.wide):
            for index, (mix, gains) in enumerate(zip(mixes, self.wishes.mixes, strict=False)):
                is_bare = index in self.wishes.bare
                yield mix, gains if is_bare else self.with_players(gains, None, is_silent=index == self.wishes.silent)

    def own(self, row: int, index: int, exceptions: Gains) -> Gains:
        """What is in the mix of one listener alone."""
        gains = {**self.wishes.mixes[index], **exceptions}
        return self.with_players(gains, row, is_silent=index == self.wishes.silent)

    def everybody(self) -> Gains:
        """Who is heard in some mix, as loud as there."""
        return {row: max(gains.get(row, 0.0) for gains in self.wishes.mixes) for row in self.public}

    @property
    def public(self) -> set[int]:
        """Who is heard, and not by some alone."""
        return self.audible - self.wishes.private

    def sounding(self) -> set[int]:
        here = self.talkers | self.fading | self.players.keys()
        return here | {row for row, home in self.guests.items() if row in home.talkers or row in home.fading}
