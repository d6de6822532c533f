"""Draws every state machine of the house into docs/states.md, from the very tables that run.

    python scripts/lib/draw_states.py          writes the file
    python scripts/lib/draw_states.py --check  exit status 1 where it is not up to date

A machine's table is a dict, ``(state, input) -> next state`` or ``-> row`` with ``next`` and ``actions``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "states.md"


@dataclass(frozen=True)
class Machine:
    """Where a table is, and with which states it begins and ends (none: it goes round for ever)."""

    title: str
    module: str
    table: str
    initial: tuple[str, ...]
    final: tuple[str, ...] = ()

    def rows(self) -> list[Row]:
        """In the order of the table."""
        table: Mapping[tuple[Hashable, Hashable], object] = getattr(importlib.import_module(self.module), self.table)
        return [Row(word(state), word(given), *_outcome(row)) for (state, given), row in table.items()]


@dataclass(frozen=True)
class Row:
    state: str
    input: str
    next: str
    actions: tuple[str, ...] = ()


MACHINES = (
    Machine("A room", "rooms.lifecycle", "LIFECYCLE", ("empty",)),
    Machine("The keypad of a participant", "rooms.keypad", "KEYPAD", ("ready",)),
    Machine("Who is asked for his name", "rooms.naming", "NAMING", ("not asked",)),
    Machine("A call on its way into a room", "confserver.focus.legs", "STAGES", ("opening",), ("leaving",)),
    Machine("A call (INVITE session)", "confserver.sip.call", "CALL", ("arrived", "calling"), ("ended",)),
    Machine("re-INVITEs of a call", "confserver.sip.offers", "OFFER", ("steady",)),
    Machine(
        "A branch of a relayed request", "confserver.sip.proxy.branch", "BRANCH", ("looking for a way",), ("done",)
    ),
    Machine("A dialog", "confserver.sip.dialog", "DIALOG", ("none",), ("terminated",)),
    Machine("A subscription of others", "confserver.sip.subscription", "SUBSCRIPTION", ("arrived",), ("ended",)),
    Machine("A subscription of ours", "confserver.sip.subscriber", "SUBSCRIBER", ("waiting",), ("ended",)),
    Machine("INVITE server transaction", "confserver.sip.transaction", "INVITE_SERVER", ("idle",), ("terminated",)),
    Machine("INVITE client transaction", "confserver.sip.transaction", "INVITE_CLIENT", ("idle",), ("terminated",)),
    Machine("Server transaction", "confserver.sip.transaction", "SERVER", ("idle",), ("terminated",)),
    Machine("Client transaction", "confserver.sip.transaction", "CLIENT", ("idle",), ("terminated",)),
)


def word(value: object) -> str:
    """A state, input or action as people read it; timers by their letter."""
    if isinstance(value, Enum):
        return f"timer {value.value}" if type(value).__name__ == "Timer" else str(value.value)
    return str(value)


def _outcome(row: object) -> tuple[str, tuple[str, ...]]:
    following = getattr(row, "next", row)
    return word(following), tuple(word(action) for action in getattr(row, "actions", ()))


def drawn(machine: Machine) -> Iterator[str]:
    """One machine: a picture without the rows that stay, and the whole table."""
    rows = machine.rows()
    ids = {
        state: f"s{number}" for number, state in enumerate(dict.fromkeys(s for r in rows for s in (r.state, r.next)))
    }
    yield f"## {machine.title}"
    yield f"\n`{machine.module}.{machine.table}`\n"
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield from (f'    state "{state}" as {name}' for state, name in ids.items())
    yield from (f"    [*] --> {ids[state]}" for state in machine.initial)
    ways: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.next != row.state:
            ways.setdefault((row.state, row.next), []).append(row.input)
    yield from (f"    {ids[a]} --> {ids[b]}: {', '.join(inputs)}" for (a, b), inputs in ways.items())
    yield from (f"    {ids[state]} --> [*]" for state in machine.final)
    yield "```\n"
    yield "| state | input | next | actions |\n|---|---|---|---|"
    yield from (f"| {r.state} | {r.input} | {r.next} | {', '.join(r.actions)} |" for r in rows)
    yield ""


def document() -> str:
    head = "# The state machines\n\nDrawn from the tables that run by `scripts/draw-states`; do not edit.\n"
    return "\n".join([head, *(line for machine in MACHINES for line in drawn(machine))])


def main() -> int:
    text = document()
    if "--check" in sys.argv[1:]:
        return 0 if FILE.exists() and FILE.read_text("utf-8") == text else 1
    FILE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
