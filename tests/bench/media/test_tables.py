"""Tables: medians over runs, Markdown, plain data."""

from __future__ import annotations

import pytest

from confserver.bench.media.tables import Column, Table, markdown, merged

COLUMNS = (Column("load"), Column("legs"), Column("cost", 2), Column("missed", 0, max), Column("lost", 0, sum))


def run(cost: float, missed: int, lost: int, *remarks: str) -> Table:
    return Table("A bench", COLUMNS, [("PCMU", 1500, cost, missed, lost)], list(remarks))


def test_each_figure_over_runs_as_its_column_says() -> None:
    [row] = merged([run(0.3, 0, 1), run(0.1, 2, 0, "noisy"), run(0.2, 1, 3, "noisy")]).rows
    assert row == ("PCMU", 1500, 0.2, 2, 4)
    assert merged([run(0.3, 0, 1, "a"), run(0.1, 2, 0, "b"), run(0.1, 2, 0, "a")]).remarks == ["a", "b"]


def test_what_was_not_measured_stays_so() -> None:
    unknown = Table("A bench", COLUMNS, [("PCMU", 1500, None, 0, 0)])
    assert merged([unknown, unknown]).rows[0][2] is None
    assert merged([unknown, run(0.3, 0, 0)]).rows[0][2] == 0.3


def test_no_runs_and_runs_of_other_shapes() -> None:
    with pytest.raises(ValueError):
        merged([])
    with pytest.raises(ValueError):
        merged([run(0.1, 0, 0), Table("A bench", COLUMNS, [])])


def test_markdown() -> None:
    text = markdown(run(0.3, 0, 1, "other programs used 0.66 cores"))
    assert text.splitlines() == [
        "**A bench**", "", "| load | legs | cost | missed | lost |", "|---|---|---|---|---|",
        "| PCMU | 1,500 | 0.30 | 0 | 1 |", "", "- other programs used 0.66 cores",
    ]  # fmt: skip


def test_plain_data() -> None:
    assert run(0.3, 0, 1).as_dict()["rows"] == [{"load": "PCMU", "legs": 1500, "cost": 0.3, "missed": 0, "lost": 1}]
