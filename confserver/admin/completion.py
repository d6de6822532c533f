"""``confserver completion``: what a shell needs to complete verbs and options, rooms and participants.

Names come from the running server. A server that does not answer at once, or has no room of that name, completes
nothing, and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "confserver", "_CONFSERVER_COMPLETE"
MOST = 200
HELP = """Print what a shell needs to complete commands, options, rooms and participants.

For bash: eval "$(confserver completion bash)" in ~/.bashrc. For zsh: eval "$(confserver completion zsh)" in ~/.zshrc.
For fish: confserver completion fish > ~/.config/fish/completions/confserver.fish.
"""


def command() -> click.Command:
    def run(shell: str) -> None:
        kind = get_completion_class(shell)
        assert kind is not None
        click.echo(kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source())

    brief = HELP.partition("\n")[0]
    shells = click.Argument(["shell"], type=click.Choice(SHELLS))
    return click.Command("completion", callback=run, params=[shells], help=HELP, short_help=brief)


QuickAsk = Callable[[Mapping[str, Any], str], Any]
"""The parameters that were given so far, and a path, to what the server they mean answers; it may raise anything."""
Found = list[tuple[str, str]]


def _rooms(ask: QuickAsk, given: Mapping[str, Any]) -> Found:
    return [(str(room["name"]), f"{len(room['participants'])} in") for room in ask(given, "/rooms")]


def _people(ask: QuickAsk, given: Mapping[str, Any]) -> Found:
    room = ask(given, f"/rooms/{quote(str(given.get('room') or ''), safe='')}")
    return [(str(person["id"]), str(person["name"])) for person in room["participants"]]


def _rows(path: str, name: str, words: str) -> Callable[[QuickAsk, Mapping[str, Any]], Found]:
    return lambda ask, given: [(str(row[name]), str(row[words])) for row in ask(given, path)]


def _routes(ask: QuickAsk, given: Mapping[str, Any]) -> Found:
    """Those that were made: the others are changed elsewhere."""
    return [(str(row["name"]), str(row["when"])) for row in ask(given, "/routes") if row["source"] == "made"]


FINDERS: Mapping[str, Callable[[QuickAsk, Mapping[str, Any]], Found]] = {
    "room": _rooms,
    "participant": _people,
    "user": _rows("/users", "user", "display"),
    "webhook": _rows("/webhooks", "webhook", "url"),
    "route": _routes,
    "group": _rows("/groups", "group", "source"),
}
"""By the name of the argument."""


class NameOf(click.ParamType[str]):
    """A name that the server knows."""

    name = "text"

    def __init__(self, kind: str, ask: QuickAsk) -> None:
        self._find = FINDERS[kind]
        self._ask = ask

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = self._find(self._ask, ctx.params)
        except Exception:  # a server that is not there, or refuses: nothing is completed
            return []
        fitting = [each for each in found if each[0].lower().startswith(incomplete.lower())]
        return [CompletionItem(value, help=words) for value, words in fitting[:MOST]]


def attach(group: click.Group, ask: QuickAsk) -> None:
    """Have all arguments completed that are known how."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            attach(command, ask)
        for parameter in command.params:
            if isinstance(parameter, click.Argument) and parameter.name in FINDERS:
                parameter.type = NameOf(parameter.name, ask)
