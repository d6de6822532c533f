"""The command line: the short round, the long benches by name, whole calls, the engine alone."""

from __future__ import annotations

import pytest

from confserver.bench import run
from confserver.bench.command import LONG, SIGNALLING, Wish, read
from confserver.bench.media.benches import BENCHES


def test_without_a_word_it_is_the_short_round() -> None:
    assert read([]) == Wish()


def test_every_bench_has_a_name_and_a_word_about_it() -> None:
    assert list(LONG) == list(BENCHES)
    assert read(["all"]).names == tuple(LONG)
    assert read(["memory", "pcmu", "memory"]).names == ("memory", "pcmu")


def test_every_option_is_understood() -> None:
    wish = read("delay --seconds 2 --settle 0 --legs 40 --repeat 3 --json --no-realtime".split())
    assert wish == Wish(("delay",), 2.0, 0.0, 40, 3, True, False)


@pytest.mark.parametrize(
    "line", ["nothing", "pcmu nothing", "--repeat 2", "--legs 1", "--legs 4001", "pcmu --seconds 0", "--bogus"]
)
def test_misuse_is_status_2_and_one_line_says_why(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.splitlines()[-1].startswith("confserver bench: error: ")


def test_help_names_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in (*LONG, "all", "calls", "engine"))


def test_signalling_has_a_flag_and_names_of_its_own() -> None:
    assert read(["--signalling"]).names == tuple(SIGNALLING)
    assert read(["dialogs", "--legs", "50"]).names == ("dialogs",)
    assert read(["all", "beside"]).names == (*LONG, "beside")
