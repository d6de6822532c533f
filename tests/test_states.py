"""Every state machine: each state can be reached, none is a dead end, all are drawn and the drawing is up to date."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load_script() -> object:
    spec = importlib.util.spec_from_file_location("draw_states", ROOT / "scripts" / "lib" / "draw_states.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["draw_states"] = module
    spec.loader.exec_module(module)
    return module


drawing = load_script()
MACHINES = drawing.MACHINES


def reached(begin: Iterable[str], ways: Mapping[str, set[str]]) -> set[str]:
    """All that can be come to from there, along the ways."""
    found, waiting = set(begin), list(begin)
    while waiting:
        for following in ways.get(waiting.pop(), set()) - found:
            found.add(following)
            waiting.append(following)
    return found


def ways_of(machine: object) -> dict[str, set[str]]:
    ways: dict[str, set[str]] = {}
    for row in machine.rows():
        ways.setdefault(row.state, set()).add(row.next)
    return ways


def states_of(machine: object) -> set[str]:
    """All states that the table speaks of."""
    rows = machine.rows()
    return {row.state for row in rows} | {row.next for row in rows}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.title)
def test_every_state_is_reached(machine: object) -> None:
    missed = states_of(machine) - reached(machine.initial, ways_of(machine))
    assert not missed


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.title)
def test_no_state_is_a_dead_end(machine: object) -> None:
    """From everywhere there is a way to the end, or where there is none back to the beginning."""
    goals = set(machine.final or machine.initial)
    assert goals <= states_of(machine)
    ways = ways_of(machine)
    stuck = {state for state in states_of(machine) if not reached([state], ways) & goals}
    assert not stuck


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.title)
def test_the_end_is_the_end(machine: object) -> None:
    leaving = [row for row in machine.rows() if row.state in machine.final and row.next != row.state]
    assert not leaving


def tables() -> Iterator[tuple[str, Mapping[object, object]]]:
    """All module-level dicts that lead from (state, input) to a state of the same kind, by name."""
    for package in ("rooms", "confserver"):
        for found in pkgutil.walk_packages([str(ROOT / package)], package + "."):
            if found.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                if name.isupper() and isinstance(value, Mapping) and value and is_machine(value):
                    yield f"{found.name}.{name}", value


def is_machine(table: Mapping[object, object]) -> bool:
    key, *_ = table
    if not (isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], Enum)):
        return False
    return all(isinstance(getattr(row, "next", row), type(key[0])) for row in table.values())


def test_every_machine_is_drawn() -> None:
    drawn = [getattr(importlib.import_module(machine.module), machine.table) for machine in MACHINES]
    found = list(tables())
    assert len(found) >= len(drawn)
    missing = [name for name, table in found if not any(table is each for each in drawn)]
    assert not missing, f"to be added to MACHINES in scripts/lib/draw_states.py: {missing}"


def test_every_state_has_a_row_or_is_the_end() -> None:
    """An Enum's member that no table of its module speaks of is a state that nobody can be in."""
    for machine in MACHINES:
        table = getattr(importlib.import_module(machine.module), machine.table)
        kind = type(next(iter(table))[0])
        same = [m for m in MACHINES if m.module == machine.module]
        spoken = {state for m in same for state in states_of(m)}
        assert {str(member.value) for member in kind} <= spoken


def test_the_drawing_is_up_to_date() -> None:
    assert drawing.FILE.read_text("utf-8") == drawing.document(), "run scripts/draw-states"
