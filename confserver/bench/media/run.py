"""From names of benches to tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from confserver.bench.media.benches import BENCHES
from confserver.bench.media.machine import machine
from confserver.bench.media.tables import Table, markdown, merged
from confserver.bench.media.terms import Terms, told


def run(
    names: Sequence[str],
    terms: Terms,
    repeat: int = 1,
    as_json: bool = False,
    benches: Mapping[str, Callable[[Terms], Table]] = BENCHES,
) -> None:
    """Measure and print; repeated ones in rounds. Raises Silent, EOFError, LookupError."""
    where = machine()
    found: dict[str, list[Table]] = {name: [] for name in names}
    for number in range(repeat):
        for name in found:
            told(name + (f", run {number + 1} of {repeat}" if repeat > 1 else ""))
            found[name].append(benches[name](terms))
    tables = {name: merged(each) for name, each in found.items()}
    if as_json:
        told_tables = {name: table.as_dict() for name, table in tables.items()}
        print(json.dumps({"machine": where, "runs": repeat, "benches": told_tables}, indent=2))
        return
    runs = f"; medians of {repeat} runs" if repeat > 1 else ""
    print("\n\n".join([f"{where}{runs}.", *map(markdown, tables.values())]))
