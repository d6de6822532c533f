"""Options that give a table: NAME=VALUE, said more than once, or as JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Any

import click


def mapping_option(name: str, words: str) -> click.Option:
    def read(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> dict[str, object] | None:
        return dict(map(member, given)) or None

    option = f"--{name.replace('_', '-')}"
    return click.Option([option], metavar="NAME=VALUE", multiple=True, callback=read, default=None, help=words)


def member(text: str) -> tuple[str, object]:
    """``guard=mute``, ``talkers=3``, ``codecs=["PCMU"]``; what is no value of TOML is text as it stands.

    Raises click.BadParameter.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value


class Table(click.ParamType[Any]):
    """A table, as JSON has it."""

    name = "json"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        try:
            told = json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"it is no JSON: {error}", parameter, context)
        return told if isinstance(told, dict) else self.fail("it is no table, {...}", parameter, context)
