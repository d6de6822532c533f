"""Options that may be said more than once, NAME=VALUE each: the members of one table."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

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
