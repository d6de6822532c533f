"""Options for what must not stand on a command line."""

from __future__ import annotations

import sys

import click


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
