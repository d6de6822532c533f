"""Completion by the shell: commands, options, and names that the running server knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from confserver.admin import completion
from confserver.admin.cli import verbs
from tests.admin.double import HouseDoor

ROWS = (("night desk", "made"), ("noon", "settings"))


class Shell:
    def __init__(self, fault: Exception | None = None) -> None:
        self.door = HouseDoor()
        for name in ("Anna", "Bob"):
            self.door.arrive("standup", name)
        self.door.arrive("daily", "Eve")
        self.asked: list[tuple[Mapping[str, Any], str]] = []
        self.fault = fault
        self.group = click.Group("confserver", commands=verbs(lambda *_: None))
        completion.attach(self.group, self.ask)

    def ask(self, given: Mapping[str, Any], path: str) -> Any:
        self.asked.append((dict(given), path))
        if self.fault:
            raise self.fault
        if path == "/users":
            return [{"user": "alice", "display": "Alice A."}]
        if path == "/routes":
            return [{"name": name, "when": "always", "source": source} for name, source in ROWS]
        if path == "/groups":
            return [{"group": "staff", "source": "settings"}]
        return self.door.rooms() if path == "/rooms" else self.door.room(path.rpartition("/")[2])

    def complete(self, *words: str) -> list[str]:
        items = ShellComplete(self.group, {}, "confserver", "_X").get_completions(list(words[:-1]), words[-1])
        return [item.value for item in items]


def test_verbs_options_rooms_and_participants() -> None:
    shell = Shell()
    assert "watch" in shell.complete("wat") and "mute" in shell.complete("room", "mu")
    assert "--cause" in shell.complete("room", "mute", "--c")
    assert shell.complete("room", "mute", "") == ["daily", "standup"]
    assert shell.complete("room", "lock", "St") == ["standup"]
    assert shell.complete("room", "mute", "standup", "") == ["p1", "p2"]
    assert shell.complete("watch", "d") == ["daily"] and shell.complete("user", "show", "") == ["alice"]
    assert shell.complete("route", "change", "n") == ["night desk"], "what is made in the settings is changed there"
    assert shell.complete("group", "remove", "") == ["staff"]


def test_the_server_that_is_meant_is_asked() -> None:
    shell = Shell()
    shell.complete("room", "mute", "--server", "http://127.0.0.1:9", "--token", "t", "")
    given, path = shell.asked[-1]
    assert (given["server"], given["token"], path) == ("http://127.0.0.1:9", "t", "/rooms")


@pytest.mark.parametrize("fault", [OSError("away"), KeyError("odd"), click.ClickException("refused")])
def test_a_server_that_does_not_answer_completes_nothing_and_says_nothing(fault: Exception) -> None:
    shell = Shell(fault)
    assert shell.complete("room", "mute", "") == [] and shell.asked
    shell.fault = None
    shell.door.rooms = lambda: [{}]  # type: ignore[method-assign]
    assert shell.complete("room", "mute", "") == []


def test_very_many_are_not_listed() -> None:
    shell = Shell()
    for number in range(completion.MOST + 50):
        shell.door.arrive(f"room-{number}", "X")
    assert len(shell.complete("room", "mute", "")) == completion.MOST


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_what_each_shell_is_given(shell: str) -> None:
    result = CliRunner().invoke(completion.command(), [shell])
    assert result.exit_code == 0 and completion.VARIABLE in result.output and completion.PROGRAM in result.output


def test_a_shell_that_is_none() -> None:
    assert CliRunner().invoke(completion.command(), ["cmd.exe"]).exit_code == 2
