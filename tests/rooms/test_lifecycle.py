import pytest

from rooms import lifecycle
from rooms.lifecycle import LIFECYCLE, Happening, State, next_state


def test_every_state_is_reached_from_an_empty_room_and_leads_back() -> None:
    for state in State:
        assert state in _reachable(State.EMPTY)
        assert State.EMPTY in _reachable(state)


def _reachable(start: State) -> set[State]:
    reached = {start}
    while more := {after for (before, _), after in LIFECYCLE.items() if before in reached} - reached:
        reached |= more
    return reached


def test_every_happening_matters_somewhere() -> None:
    assert {happening for _, happening in LIFECYCLE} == set(Happening)


def test_an_open_room_can_always_be_ended_and_nothing_but_emptiness_follows_an_end() -> None:
    for state in (State.OPEN, State.ALONE, State.LIVE, State.ENDING):
        assert next_state(state, Happening.END_ASKED) is State.ENDING
    assert {after for (before, _), after in LIFECYCLE.items() if before is State.ENDING} == {State.ENDING, State.EMPTY}


def test_nobody_arrives_while_a_room_is_ending() -> None:
    with pytest.raises(KeyError):
        next_state(State.ENDING, Happening.FIRST_ARRIVED)


def test_nothing_happened_nothing_changes() -> None:
    assert all(next_state(state, None) is state for state in State)


def test_what_comings_and_goings_mean() -> None:
    assert [lifecycle.on_arrival(n) for n in (1, 2, 3)] == [Happening.FIRST_ARRIVED, Happening.SECOND_ARRIVED, None]
    assert lifecycle.on_departure(0, 0, True) is Happening.LAST_GONE
    assert lifecycle.on_departure(0, 0, False) is Happening.LAST_GONE
    assert lifecycle.on_departure(2, 0, True) is Happening.NOBODY_PRESENT
    assert lifecycle.on_departure(1, 1, True) is Happening.ONE_REMAINS
    assert lifecycle.on_departure(2, 2, True) is None
    assert lifecycle.on_departure(1, 1, False) is None
