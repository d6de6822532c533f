"""The state tables as data: everything is reachable, nothing is a trap, and what is started is waited for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Any

import pytest

from confserver.sip.call import CALL, CallAction, CallState
from confserver.sip.dialog import DIALOG, DialogState
from confserver.sip.offers import OFFER, OfferAction, OfferState
from confserver.sip.timers import Timer
from confserver.sip.transaction import TABLES, Action, Input, State

Plain = dict[tuple[Enum, Enum], Enum]


def plain(table: Mapping[Any, Any]) -> Plain:
    return {key: getattr(row, "next", row) for key, row in table.items()}


ALL: dict[str, tuple[Plain, tuple[Enum, ...], Enum | None]] = {
    **{name: (plain(table), (State.IDLE,), State.TERMINATED) for name, table in TABLES.items()},
    "dialog": (plain(DIALOG), (DialogState.NONE,), DialogState.TERMINATED),
    "call": (plain(CALL), (CallState.ARRIVED, CallState.CALLING), CallState.ENDED),
    "offer": (plain(OFFER), (OfferState.STEADY,), None),
}


def reached(table: Plain, starts: tuple[Hashable, ...]) -> set[Hashable]:
    found, new = set(starts), set(starts)
    while new:
        new = {after for (state, _), after in table.items() if state in found} - found
        found |= new
    return found


@pytest.mark.parametrize("name", ALL)
def test_every_state_is_reached_from_the_first(name: str) -> None:
    table, starts, _ = ALL[name]
    states = {state for state, _ in table} | set(table.values())
    assert reached(table, starts) == states


@pytest.mark.parametrize("name", ALL)
def test_every_state_has_a_way_to_the_last(name: str) -> None:
    table, starts, last = ALL[name]
    last = last or starts[0]
    for state in {state for state, _ in table}:
        assert last in reached(table, (state,)), state


@pytest.mark.parametrize("name", ALL)
def test_nothing_leaves_the_last_state(name: str) -> None:
    table, _, last = ALL[name]
    assert all(state is not last for state, _ in table)


@pytest.mark.parametrize("name", TABLES)
def test_a_timer_that_is_started_is_waited_for_in_every_state_it_can_run_in(name: str) -> None:
    """And none is waited for that nothing has started."""
    table = TABLES[name]
    running: dict[State, set[Timer]] = {}
    todo: list[tuple[State, frozenset[Timer]]] = [(State.IDLE, frozenset())]
    seen = set(todo)
    while todo:
        state, timers = todo.pop()
        running.setdefault(state, set()).update(timers)
        for (before, what), row in table.items():
            if before is not state or (isinstance(what, Timer) and what not in timers):
                continue
            after = set(timers) - {what}
            for action in row.actions:
                if action is Action.STOP:
                    after.clear()
                elif isinstance(action, Timer):
                    after.add(action)
                elif action is Action.SLOW_E:
                    after.add(Timer.E)
            if row.next is State.TERMINATED:
                after.clear()
            place = (row.next, frozenset(after))
            if place not in seen:
                seen.add(place)
                todo.append(place)
    for state, timers in running.items():
        waited = {what for before, what in table if before is state and isinstance(what, Timer)}
        assert waited == timers, state


@pytest.mark.parametrize("name", TABLES)
def test_every_state_ends_by_a_timer_if_nobody_says_anything(name: str) -> None:
    """Or waits for our own user: an INVITE of theirs, and one of ours that rings."""
    table = TABLES[name]
    patient = {("INVITE server", State.PROCEEDING), ("INVITE client", State.PROCEEDING)}
    for state in {state for state, _ in table} - {State.IDLE}:
        by_timer = {
            what for (before, what), row in table.items() if before is state and row.next is not state
            and isinstance(what, Timer) and what is not Timer.CANCELLED
        }  # fmt: skip
        assert bool(by_timer) != ((name, state) in patient), state


@pytest.mark.parametrize("name", TABLES)
def test_telling_the_user_is_the_last_action(name: str) -> None:
    """He may act on the transaction from within."""
    telling = {Action.TELL, Action.TIMEOUT, Action.FAIL}
    assert all(not telling & set(row.actions[:-1]) for row in TABLES[name].values())


def test_every_action_and_input_is_used() -> None:
    rows = [row for table in TABLES.values() for row in table.values()]
    assert {a for row in rows for a in row.actions if isinstance(a, Action)} == set(Action)
    assert {what for table in TABLES.values() for _, what in table if isinstance(what, Input)} == set(Input)
    assert {a for row in CALL.values() for a in row.actions} == set(CallAction)
    assert {a for row in OFFER.values() for a in row.actions} == set(OfferAction)


def test_a_call_that_ends_tells_its_user_once() -> None:
    for row in CALL.values():
        assert (row.next is CallState.ENDED) == (CallAction.END in row.actions)
        assert row.actions.count(CallAction.END) <= 1
