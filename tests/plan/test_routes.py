"""The route table as code: in words, in one request, with what only the server has."""

from __future__ import annotations

import random
from pathlib import Path

import click
import pytest

from confserver.config.routes import Route
from confserver.plan import doing
from confserver.plan.document import DocumentError, read
from confserver.plan.routes import _moved, together
from tests.plan.house import House

THREE = """
[[groups]]
name = "sales"
members = ["carol", "d*"]

[[routes]]
name = "abroad"
user = ["_00*"]
group = ["sales"]
to = "trunk"
target = ["carrier"]

[[routes]]
name = "desk"   # a comment
user = ["desk"]
target = ["front"]

[[routes]]
name = "late"
hours = "18:00-08:00"
to = "reject"
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_made_then_nothing_to_do(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.plan(THREE) == 2 and house.asked == []
    assert capsys.readouterr().out == (
        "~ routes\n"
        "    + group sales: members: carol, d*\n"
        "    + route abroad: user: _00*; group: sales; to: trunk; target: carrier; before desk\n"
        "    + route desk: user: desk; target: front; before late\n"
        "    + route late: hours: 18:00-08:00; to: reject; last\n"
        "0 to make, 1 to change, 0 to remove\n"
    )
    assert house.apply(THREE) == 0
    assert house.asked == [("PUT", "/route-table")], "one request: no call ever finds half of it"
    assert "changed routes\n1 done" in capsys.readouterr().out
    assert house.names() == ["abroad", "desk", "late"]
    assert house.plan(THREE) == 0 and house.plan(THREE, prune=True) == 0
    assert capsys.readouterr().out == "nothing to do\n" * 2


def test_differences_in_words(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.apply(THREE)
    capsys.readouterr()
    changed = THREE.replace('"carrier"', '"other"').replace('user = ["desk"]', "strip = 1").replace('"d*"', '"eve"')
    parts = changed.split("\n[[routes]]\n")
    assert house.plan("\n[[routes]]\n".join([parts[0], parts[3], parts[1], parts[2]])) == 2
    assert capsys.readouterr().out == (
        "~ routes\n"
        "    ~ group sales: members: carol, d* -> carol, eve\n"
        "    ~ route late: moved before abroad\n"
        "    ~ route abroad: target: carrier -> other\n"
        "    ~ route desk: user: desk, and no longer said; strip: 1\n"
        "0 to make, 1 to change, 0 to remove\n"
    )


def test_drift_is_told_and_pruned_only_when_asked(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.apply(THREE)
    for name, before in (("own", "desk"), ("first", "abroad")):
        house.ask("PUT", f"/routes/{name}", {"before": before})
    house.ask("PUT", "/groups/extra", {})
    house.ask("POST", "/routes/desk", {"strip": 2})
    capsys.readouterr()
    assert house.plan(THREE) == 2
    assert capsys.readouterr().out == (
        "~ routes\n"
        "    ~ route desk: strip: 2, and no longer said\n"
        "! route first is not in the files\n! route own is not in the files\n! group extra is not in the files\n"
        "0 to make, 1 to change, 0 to remove\n"
    )
    house.apply(THREE)
    assert house.names() == ["first", "abroad", "own", "desk", "late"], "each behind whom it stood"
    assert house.plan(THREE) == 0, "drift alone is nothing to do"
    asked: list[str] = []
    monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text))
    doing.run_apply(house.ask, False, house.write(THREE), True, False)
    assert asked == ["Remove 3?"] and house.names() == ["abroad", "desk", "late"]


def test_only_kinds_that_are_spoken_of_are_compared(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.apply(THREE)
    assert house.plan("[rooms.x]\n", prune=True) == 2
    capsys.readouterr()
    assert house.plan('[[groups]]\nname = "sales"\nmembers = ["carol", "d*"]\n', prune=True) == 0
    assert house.plan("routes = []\n") == 0 and "! route abroad is not in the files" in capsys.readouterr().out
    with pytest.raises(click.ClickException, match=r"route abroad|row 1 \(abroad\): group: there is no"):
        house.plan("groups = []\n", prune=True)
    assert house.apply("routes = []\ngroups = []\n", prune=True) == 0
    assert house.names() == []


def test_what_is_exported_asks_for_nothing(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.apply(THREE + '[[routes]]\nname = "é \\" \\\\"\nreason = "x"\nto = "redirect"\ntarget = ["sip:a@b"]\n')
    capsys.readouterr()
    house.export()
    text = capsys.readouterr().out
    assert text.count("[[routes]]") == 4 and "night" not in text, "rows of the settings are not"
    assert house.plan(text, prune=True) == 0
    house.apply("routes = []\ngroups = []\n", prune=True)
    house.apply(text)
    capsys.readouterr()
    house.export()
    assert capsys.readouterr().out == text


def test_a_directory_is_one_table_by_the_names_of_its_files(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "20-more.toml").write_text('[[routes]]\nname = "c"\n\n[rooms.x]\n')
    (folder / "10-first.toml").write_text('# first\n[[routes]]\nname = "b"\n[[routes]]\nname = "a"\n')
    assert doing.run_apply(house.ask, False, folder, False, True) == 0
    assert house.names() == ["b", "a", "c"] and "x" in [room["name"] for room in house.rooms.list(0)]
    (folder / "30.toml").write_text('\n[[routes]]\nname = "a"\n')
    with pytest.raises(DocumentError, match=r"30.toml:2: route a: is in .*10-first.toml:4 already"):
        read(folder)


def test_who_changes_the_table_meanwhile_is_not_overwritten(house: House) -> None:
    path = house.write(THREE)
    plan = doing._made(house.ask, path, False)
    house.ask("PUT", "/routes/meanwhile", {})
    done, _, failed = doing.carry_out(plan.steps, house.ask, lambda _: None)
    assert done == [] and "the route table has changed since" in failed and house.names() == ["meanwhile"]
    assert house.apply(THREE) == 0 and house.names() == ["meanwhile", "abroad", "desk", "late"]


def test_a_row_that_is_off_is_told_and_stands_in_nobodys_way(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.apply(THREE)
    house.routes.use([])
    capsys.readouterr()
    assert house.plan(THREE) == 0
    why = "target: there is no [[trunks]] called 'carrier'"
    assert capsys.readouterr().out == f"! route abroad is off: {why}\nnothing to do\n"
    assert house.apply(THREE + '[[routes]]\nname = "new"\n') == 0 and house.names()[-1] == "new"
    with pytest.raises(click.ClickException, match=r":11: route abroad: target: there is no \[\[trunks\]\]"):
        house.plan(THREE.replace("_00*", "_01*"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("routes = 1", r":1: routes: is a list of tables: write \[\[routes\]\] for each"),
        ("[routes.a]", r"routes: is a list of tables"),
        ("routes = [1]", r":1: row 1 of routes: must be a table"),
        ("[[routes]]\n", r":1: row 1 of routes: name: '' is none"),
        ("[[routes]]\nname = 'a'\n\n[[routes]]\nname = 'a'\n", r":4: route a: is in .*:1 already"),
        ("[[routes]]\nname = 'a'\n[[routes]]\nname = 'b'\nusr = []", r":5: route b: usr: is not known; did you mean"),
        ("[[routes]]\nname = 'a'\n[[routes]]\nname = 'b'\nuser = 'x'", r":5: route b: user: expected array, got str"),
        ("[[routes]]\nname = 'a'\nuser = ['x', 7]", r":3: route a: user: expected str, got int"),
        ("[[routes]]\nname = 'a'\nuser = ['x y']", r":3: route a: user: 'x y' is no pattern"),
        ("[[routes]]\nname = 7", r":2: row 1 of routes: name: expected str"),
        ("[[routes]]\nname = 'a'\nhours = 08:00:00", r":3: route a: hours: expected str, got time"),
        ("[[routes]]\nname = 'a'\nto = 'trunk'\ntarget = ['nobody']", r":4: route a: target: there is no \[\[trunks"),
        ("[[routes]]\nname = 'a'\ngroup = ['nobody']", r":3: route a: group: there is no \[\[groups\]\] called"),
        ("[[groups]]\nname = 'staff'", r":1: group staff: is in the settings; it is changed there"),
        ("[[groups]]\nname = 'a b'", r":1: group a b: 'a b' is no name"),
        ("[[groups]]\nname = 'a'\nmembers = ['x y']", r":3: group a: members: 'x y' is no pattern"),
        ("".join(f"[[routes]]\nname = 'r{n}'\n" for n in range(1001)), "1000 are the most"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(house: House, text: str, words: str) -> None:
    with pytest.raises(click.ClickException, match=words):
        house.plan(text)
    assert house.asked == []


@pytest.mark.parametrize("seed", range(20))
def test_from_any_table_to_any_other(house: House, seed: int) -> None:
    """Whatever there was and whatever is wanted: applied, nothing is left to do, and the order is that of the file."""
    dice = random.Random(seed)
    for _ in range(6):
        names = dice.sample("abcdefgh", dice.randrange(9))
        text = "routes = []\n" if not names else ""
        text += "".join(f'[[routes]]\nname = "{name}"\nstrip = {dice.randrange(3)}\n' for name in names)
        prune = dice.random() < 0.5
        others = [name for name in house.names() if name not in names]
        assert house.apply(text, prune=prune) == 0 and house.plan(text, prune=prune) == 0
        there = house.names()
        assert [name for name in there if name in names] == names
        assert sorted(name for name in there if name not in names) == ([] if prune else sorted(others))


def test_the_fewest_are_called_moved() -> None:
    assert _moved("abcd", "abcd") == set() and _moved("abcd", "dabc") == {"d"} and _moved("", "") == set()
    assert _moved("abcd", "acbd") in ({"b"}, {"c"}) and len(_moved("abcd", "dcba")) == 3


def test_who_is_not_spoken_of_stays_behind_whom_he_stood() -> None:
    def rows(names: str) -> list[Route]:
        return [Route(name=name) for name in names]

    def put(wanted: str, old: str) -> str:
        return "".join(row.name for row in together(rows(wanted), rows(old), prune=False))

    assert put("ab", "xaybz") == "xaybz" and put("ba", "xaybz") == "xbzay" and put("", "xy") == "xy"
    assert put("nab", "xaybz") == "xnaybz" and put("b", "axb") == "axb"
