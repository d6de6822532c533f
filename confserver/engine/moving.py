"""Legs that go from one room to another, as they are: port, streams, playout and encoders stay.

::

    MoveLeg -> this tick: all that was heard of it, and by it, fades -> it leaves, and sits down elsewhere
            -> next tick: it rises there                          (nothing is cut, and no frame is missing)

Who hears whom in the new room is said at once, and holds for this leg once it is there.
"""

from __future__ import annotations

from confserver.contract import RoomId, SetHearing
from confserver.engine.floor import Floor
from confserver.engine.legs import Leg
from confserver.engine.listening import Listening
from confserver.engine.mixer import NOBODY
from confserver.engine.outgoing import Outgoing
from confserver.engine.player import Player
from confserver.engine.seats import Seats


class Moves:
    """All that are on the way between two ticks."""

    def __init__(self, seats: Seats, floor: Floor, outgoing: Outgoing, listening: Listening, player: Player) -> None:
        self._seats = seats
        self._floor = floor
        self._outgoing = outgoing
        self._listening = listening
        self._player = player
        self._legs: dict[int, tuple[Leg, RoomId]] = {}
        """By row: who, and where to."""
        self._hearing: dict[RoomId, SetHearing] = {}
        """Who hears whom in rooms that somebody is on the way to."""

    def __bool__(self) -> bool:
        return bool(self._legs)

    @property
    def rows(self) -> set[int]:
        return set(self._legs)

    # ------------------------------------------------------------------ between ticks
    def begin(self, leg: Leg, number: RoomId) -> None:
        """The leg leaves its room within the next frame. A room that is not there is passed over."""
        is_under_way = leg.row in self._legs
        if number not in self._floor.rooms or (not is_under_way and self._floor.room_of[leg.row].number == number):
            return
        if not is_under_way:
            self._floor.depart(leg.row)
        self._legs[leg.row] = (leg, number)

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self._legs.pop(row, None)

    def note_hearing(self, command: SetHearing) -> None:
        """Kept where somebody is on the way there."""
        if self.coming(command.room):
            self._hearing[command.room] = command

    def goes_to(self, leg: Leg) -> RoomId | None:
        """None: it stays where it is."""
        return self._legs[leg.row][1] if leg.row in self._legs else None

    def coming(self, number: RoomId) -> list[Leg]:
        return [leg for leg, to in self._legs.values() if to == number]

    def are_leaving(self, number: RoomId) -> bool:
        """Whether somebody of that room is to fade first."""
        return any(self._floor.room_of[row].number == number for row in self._legs)

    # ------------------------------------------------------------------ after the tick
    def finish(self) -> list[SetHearing]:
        """Sit down who has faded; gives what is to be heard in those rooms."""
        legs, self._legs = self._legs, {}
        hearing, self._hearing = self._hearing, {}
        for row, (leg, number) in legs.items():
            self._sit_down(row, leg, number)
        return list(hearing.values())

    def _sit_down(self, row: int, leg: Leg, number: RoomId) -> None:
        seats, floor = self._seats, self._floor
        self._player.forget_leg(leg.id, but_in=number)
        self._listening.dominance.leave(row)
        was_talking = bool(seats.talks[row])
        floor.leave(row)
        seats.talks[row], seats.mix[row] = False, NOBODY
        floor.join(row, number)
        if was_talking:
            floor.enter(row)
        self._outgoing.follow_room(row)
        self._listening.follow(leg, is_new=True)
