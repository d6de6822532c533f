"""Options of the command line, made of the fields of commands."""

from __future__ import annotations

import dataclasses
import enum
import sys
from typing import Any, get_args, get_origin

import click

from confserver.admin.mapping import Table, mapping_option

AS_SET = "as the settings say"
"""The default of a rule that a room need not have."""
LISTS_AS_SET = ("codecs",)
"""Rules that are lists, and have a setting for rooms that say nothing."""
UNSAID = {
    "participants": "everybody",
    "events": "all but those that come often",
    "seconds": "for good",
    "aliases": "none, or those there are",
    "display": "as it is",
    "enabled": "as it is",
    "rooms": "all",
    "payload_type": "the usual one: 111, 9, 0, 8 or 96",
    "ssrc": "a random one",
    "codec_rate_hz": "16000 for L16, the room's highest for Opus",
    "rtcp_port": "the next port",
}
"""What else it means not to give an option."""


def option(field: dataclasses.Field[Any], hint: Any, words: str) -> click.Option:
    """Make the option of a field; what is not given is left to the server, whose default is shown."""
    if field.name in ("password", "secret", "srtp_key"):
        return password_option(field.name, words)
    if get_origin(hint) is dict:
        return mapping_option(field.name, words)
    name = field.name.replace("_", "-")
    required = field.default is dataclasses.MISSING
    hint = next((each for each in get_args(hint) if each is not type(None)), hint)  # int | None, tuple[str, ...]
    default = field.default.value if isinstance(field.default, enum.Enum) else field.default
    if hint is bool and default is not None:
        default = f"--{'' if default else 'no-'}{name}"
    if not required and default != "":
        usual = AS_SET if default is None or field.name in LISTS_AS_SET else "none"
        unsaid = field.metadata.get("unsaid", UNSAID.get(field.name, usual))
        shown = unsaid if default in (None, ()) else default
        words += f"  [default: {shown}]" if shown != "" else ""
    if hint is bool:
        return click.Option([f"--{name}/--no-{name}"], default=None, help=words)
    if get_origin(hint) is dict:
        return click.Option([f"--{name}"], type=Table(), default=None, help=f"{words} As JSON.")
    is_list = default == () or get_origin(hint) is tuple
    kind: click.ParamType[Any] | type = get_args(hint)[0] if get_origin(hint) is tuple else hint
    kind = Table() if get_origin(kind) is dict else kind
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        kind = click.Choice([str(member.value) for member in hint])
    unsaid = {} if required else {"default": None}  # with a default, be it None, click lets it be left out
    return click.Option([f"--{name}"], type=kind, required=required, multiple=is_list, help=words, **unsaid)


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
