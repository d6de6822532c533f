"""The states of a room, as a table.

::

    EMPTY ──first reserved──► OPEN ──first arrived──► ALONE ──second arrived──► LIVE
      ▲                       │▲ ▲                     │ ▲▲                      │
      │             first waits│ └────nobody present───┤ │└─────one remains──────┘
      │                       ▼│nobody waits           │ │
      │                      WAITING ◄──only waiting───┤ │
      │                        └────────first arrived──┼─┘
      ├───────last gone── OPEN, WAITING, ALONE ────────┘
      └───────last gone── ENDING ◄──end asked── OPEN, WAITING, ALONE, LIVE

The row's input is what has happened to the room's places; ``Room`` counts them and asks here.
"""

from __future__ import annotations

import enum


class State(enum.Enum):
    """How far a room is in its life."""

    EMPTY = "empty"  # no place is taken
    OPEN = "open"  # places are kept, nobody is present
    WAITING = "waiting"  # nobody is present, somebody waits at the door
    ALONE = "alone"  # one participant is present
    LIVE = "live"  # two or more are present
    ENDING = "ending"  # all are being hung up on, nobody is let in


class Happening(enum.Enum):
    """What moves a room from state to state."""

    FIRST_RESERVED = "first reserved"
    FIRST_ARRIVED = "first arrived"
    SECOND_ARRIVED = "second arrived"
    ONE_REMAINS = "one remains"
    NOBODY_PRESENT = "nobody present"  # but places are still kept
    FIRST_WAITS = "first waits"
    ONLY_WAITING = "only waiting"  # the last one present has gone
    NOBODY_WAITS = "nobody waits"
    END_ASKED = "end asked"
    LAST_GONE = "last gone"  # no place is taken any more


LIFECYCLE: dict[tuple[State, Happening], State] = {
    (State.EMPTY, Happening.FIRST_RESERVED): State.OPEN,
    (State.EMPTY, Happening.END_ASKED): State.EMPTY,
    (State.OPEN, Happening.FIRST_ARRIVED): State.ALONE,
    (State.OPEN, Happening.FIRST_WAITS): State.WAITING,
    (State.OPEN, Happening.END_ASKED): State.ENDING,
    (State.OPEN, Happening.LAST_GONE): State.EMPTY,
    (State.WAITING, Happening.FIRST_ARRIVED): State.ALONE,
    (State.WAITING, Happening.NOBODY_WAITS): State.OPEN,
    (State.WAITING, Happening.END_ASKED): State.ENDING,
    (State.WAITING, Happening.LAST_GONE): State.EMPTY,
    (State.ALONE, Happening.ONLY_WAITING): State.WAITING,
    (State.ALONE, Happening.SECOND_ARRIVED): State.LIVE,
    (State.ALONE, Happening.NOBODY_PRESENT): State.OPEN,
    (State.ALONE, Happening.END_ASKED): State.ENDING,
    (State.ALONE, Happening.LAST_GONE): State.EMPTY,
    (State.LIVE, Happening.ONE_REMAINS): State.ALONE,
    (State.LIVE, Happening.END_ASKED): State.ENDING,
    (State.ENDING, Happening.ONE_REMAINS): State.ENDING,
    (State.ENDING, Happening.NOBODY_PRESENT): State.ENDING,
    (State.ENDING, Happening.ONLY_WAITING): State.ENDING,
    (State.ENDING, Happening.NOBODY_WAITS): State.ENDING,
    (State.ENDING, Happening.END_ASKED): State.ENDING,
    (State.ENDING, Happening.LAST_GONE): State.EMPTY,
}

_ARRIVALS = {1: Happening.FIRST_ARRIVED, 2: Happening.SECOND_ARRIVED}
_DEPARTURES = {0: Happening.NOBODY_PRESENT, 1: Happening.ONE_REMAINS}


def on_arrival(present: int) -> Happening | None:
    """Say what an arrival means once so many are present."""
    return _ARRIVALS.get(present)


def on_departure(places: int, present: int, was_present: bool, waiting: int = 0) -> Happening | None:
    """Say what it means that a place was given back, with what is left: places taken, people present and waiting."""
    if places == 0:
        return Happening.LAST_GONE
    if not was_present:
        return None
    return Happening.ONLY_WAITING if present == 0 and waiting else _DEPARTURES.get(present)


def on_wait(waiting: int, present: int) -> Happening | None:
    """Say what it means that somebody waits."""
    return Happening.FIRST_WAITS if waiting == 1 and present == 0 else None


def on_wait_ended(places: int, waiting: int, present: int) -> Happening | None:
    """Say what it means that somebody who waited is gone."""
    if places == 0:
        return Happening.LAST_GONE
    return Happening.NOBODY_WAITS if waiting == 0 and present == 0 else None


def on_gone(was_present: bool, was_waiting: bool, places: int, present: int, waiting: int) -> Happening | None:
    """Say what it means that somebody is gone, however far he was."""
    if was_waiting:
        return on_wait_ended(places, waiting, present)
    return on_departure(places, present, was_present, waiting)


def next_state(state: State, happening: Happening | None) -> State:
    """Walk one row of the table; when nothing happened, stay. Raises KeyError for what cannot happen in that state."""
    return state if happening is None else LIFECYCLE[state, happening]
