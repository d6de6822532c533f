"""How ``confserver plan`` and ``confserver apply`` are asked."""

from __future__ import annotations

from pathlib import Path

import click

PLAN_HELP = """Show in words what the files would change at the running server; nothing is changed.

PATH is a TOML file, or a directory whose *.toml files are read together: tables [profiles.NAME], [rooms.NAME],
[users.NAME], [bans.NETWORK], and rows [[groups]] and [[routes]], in their order. Kinds that they say nothing of are
left alone. With --export, what the server has is printed as such a file instead. Exit status: 0 nothing to do, 2
changes, 1 error.
"""
APPLY_HELP = """Make the running server as the files say, without dropping a call.

PATH is as with confserver plan. Everything is checked before anything is done. What is not in the files is left as it
is and told; with --prune it is removed, after a question (--yes: without), but no room while somebody is in it.
"""
PATH = click.Path(path_type=Path, exists=True)


def prune_option() -> click.Option:
    words = "Remove what is not in the files, of the kinds that they speak of."
    return click.Option(["--prune"], is_flag=True, help=words)


def plan_parameters() -> list[click.Parameter]:
    export = click.Option(["--export"], is_flag=True, help="Print what the server has as a file.")
    return [click.Argument(["path"], required=False, type=PATH), prune_option(), export]


def apply_parameters() -> list[click.Parameter]:
    yes = click.Option(["--yes"], is_flag=True, help="Ask nothing.")
    return [click.Argument(["path"], type=PATH), prune_option(), yes]
