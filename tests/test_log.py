"""The log: one line an event, whatever the text; levels, files that are moved away, foreign records."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from confserver import log as logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    logs.set_up("info", "json", path)
    structlog.get_logger("sip").info("call arrived", room="standup\nfake", source="192.0.2.7:5060")
    structlog.get_logger("sip").debug("not told")
    [told] = [json.loads(line) for line in lines(path)]
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "call arrived",
        "room": "standup\nfake",
        "source": "192.0.2.7:5060",
        "level": "info",
        "logger": "sip",
    }
    assert path.stat().st_mode & 0o077 == 0, "others can read who calls whom"


def test_text_lines_stay_lines(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    logs.set_up("debug", "text", path)
    structlog.get_logger("sip").debug("arr\x1b[2Jived", name="eve\n2026 [error] forged \udc80")
    [line] = lines(path)
    assert "\x1b" not in line and "arr\ufffd[2Jived" in line and "eve\ufffd2026" in line and "[sip]" in line


@pytest.mark.parametrize(
    "facts",
    [
        {"event": "call arrived", "logger": "calls", "to": "sip:a@b", "call": 3, "cause": "hung up", "zero": None},
        {"event": "x"},
        {"event": "x y", "logger": "n", "quoted": "it's", "equals": "a=b", "empty": "", "list": ["a b"], "part": 1.5},
        {"event": "oops", "logger": "n", "exception": "Traceback\n  here\nValueError: 1", "other": 'with "'},
        {"event": "x", "level": "exception", "text": "\N{REPLACEMENT CHARACTER}\t"},
        {"event": "100 % {sure}", "braces": "{0}"},
    ],
)
def test_lines_of_a_file_look_as_on_a_terminal_without_colours(facts: dict[str, object]) -> None:
    told = {"timestamp": "2026-11-29T23:01:30.000001Z", "level": "info", **facts}
    console = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    assert logs.plain_line(None, "info", dict(told)) == console(None, "info", dict(told))


def test_whether_anybody_reads_a_line(tmp_path: Path) -> None:
    logs.set_up("warning", "text", tmp_path / "c.log")
    assert logs.is_logged("warning") and logs.is_logged("error") and not logs.is_logged("info")
    logs.set_up("debug", "text", tmp_path / "c.log")
    assert logs.is_logged("debug")


def test_a_traceback_keeps_its_lines_but_no_escapes(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    logs.set_up("info", "text", path)
    try:
        raise ValueError("bad \x1b[31m")
    except ValueError:
        structlog.get_logger("sip").exception("oops")
    assert "\x1b" not in path.read_text()
    assert lines(path)[1].startswith("Traceback") and lines(path)[-1] == "ValueError: bad \ufffd[31m"


def test_records_of_logging_come_along(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    logs.set_up("warning", "json", path)
    logging.getLogger("twisted").warning("a %s", "port")
    logging.getLogger("twisted").info("not told")
    logging.getLogger("twisted").warning("%d", "not a number")
    logging.getLogger("twisted").error("last")
    assert [(json.loads(line)["logger"], json.loads(line)["event"]) for line in lines(path)] == [
        ("twisted", "a port"),
        ("twisted", "last"),
    ]


def test_a_file_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    logs.set_up("info", "json", path)
    structlog.get_logger().info("one")
    path.rename(tmp_path / "c.log.1")
    structlog.get_logger().info("two")
    structlog.get_logger().info("three")
    assert [json.loads(line)["event"] for line in lines(path)] == ["two", "three"]
    assert [json.loads(line)["event"] for line in lines(tmp_path / "c.log.1")] == ["one"]


def test_what_cannot_be_written_is_lost_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        logs.set_up("info", "json", tmp_path / "nowhere" / "c.log")
    logs.set_up("info", "json", Path("/dev/full"))
    structlog.get_logger().info("into the void")


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info", "text")
    structlog.get_logger("app").warning("hello", x=1)
    told = capsys.readouterr()
    assert told.out == "" and "hello" in told.err and "x=1" in told.err
