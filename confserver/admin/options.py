"""Options of their own kind: tables as JSON, and what must not stand on a command line."""

from __future__ import annotations

import json
import sys
from typing import Any

import click


class Table(click.ParamType[Any]):
    """A table, as JSON has it."""

    name = "json"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        try:
            told = json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"it is no JSON: {error}", parameter, context)
        return told if isinstance(told, dict) else self.fail("it is no table, {...}", parameter, context)


def password_option(name: str, words: str) -> click.Option:
    """Never on the command line itself, where every user of the machine can read it."""

    def read(context: click.Context, parameter: click.Parameter, how: str | None) -> str | None:
        if how == "ask":
            return str(click.prompt(name.capitalize(), hide_input=True, confirmation_prompt=True))
        if how == "stdin":
            line = sys.stdin.readline().rstrip("\r\n")
            if not line:
                raise click.UsageError(f"No {name} came by standard input.")
            return line
        return None

    option = f"--{name.replace('_', '-')}"
    return click.Option([option], type=click.Choice(("ask", "stdin")), callback=read, default=None, help=words)
