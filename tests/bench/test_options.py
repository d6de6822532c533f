"""The command line of whole calls."""

from __future__ import annotations

import pytest

from confserver.bench import run
from confserver.bench.options import Options, is_loopback, read


def test_without_a_word_it_is_the_load_of_500() -> None:
    options = read([])
    assert options == Options()
    assert (options.callers, options.rooms, options.talkers, options.legs) == (500, 50, 3, 520)


def test_every_option_is_understood() -> None:
    text = "--callers 21 --rooms-of 4 --talkers 2 --probes 0 --seconds 2.5 --settle 0 --ramp 10 --workers 2 --repeat 3"
    options = read([*text.split(), "--server", "127.0.0.2:5060", "--pid", "17", "--json", "--no-realtime"])
    assert options == Options(21, 4, 2, 0, 2.5, 0, 10, 2, ("127.0.0.2", 5060), 17, 3, True, False)
    assert (options.rooms, options.legs) == (6, 21)


@pytest.mark.parametrize(
    "line",
    [
        "--server 192.0.2.1:5060",
        "--server localhost:5060",
        "--server 127.0.0.1",
        "--server 127.0.0.1:0",
        "--server 127.0.0.1:65536",
        "--server 127.0.0.1.example.com:5060",
        "--server [::1]:5060",
        "--callers 0",
        "--callers 10001",
        "--callers 9999 --probes 100",
        "--callers -5",
        "--callers ٣",
        "--seconds nan",
        "--seconds 0",
        "--ramp inf",
        "--talkers 11",
        "--pid 4",
        "--repeat 0",
        "--bogus",
        "more",
    ],
)
def test_misuse_is_status_2_and_one_line_says_why(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calls", *line.split()]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.splitlines()[-1].startswith("confserver bench calls: error: ")


def test_help_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calls", "--help"]) == 0
    assert "--rooms-of" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [("127.0.0.1", True), ("127.255.1.2", True), ("128.0.0.1", False), ("::1", False), ("127.1", False), ("", False)],
)
def test_only_the_loopback_in_digits_is_the_loopback(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours
