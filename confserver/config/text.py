"""The settings in words: one row for each, and the commented TOML that ``confserver settings`` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args, get_origin, get_type_hints

from msgspec import Meta

from confserver.config.settings import LISTS, PROFILES, Settings
from confserver.config.sip import Section
from confserver.config.toml import toml_key, toml_value

_WORDS = {bool: "true or false", int: "integer", float: "number", str: "text"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted name, its type in words, its default as TOML, and what it means."""

    name: str
    type: str
    default: str
    meaning: str


def settings_table() -> tuple[Setting, ...]:
    """All settings, in the order of the file."""
    return tuple(_setting(name, key, section) for name, section in _kinds() for key in section.__struct_fields__)


def as_toml(settings: Settings) -> str:
    """Write all settings with their meaning; those that have their default value are commented out."""
    lines: list[str] = []
    for name, plain in _kinds():
        lines += [f"# {(type(plain).__doc__ or '').splitlines()[0]}"]
        if name not in LISTS:
            lines += [f"[{name}]", "", *_table(name, plain, settings.sections[name])]
            continue
        tables = getattr(settings, name)
        for table in tables:
            lines += [f"[[{name}]]", "", *_table(name, plain, table)]
        if not tables:
            lines += [f"# [[{name}]]", "", *_table(name, plain, plain)]
    for name, rules in settings.profiles.items():
        lines += ["# Rules for rooms to have in common.", f"[profiles.{toml_key(name)}]", "", *_said(rules), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(name: str, plain: Section, section: Section) -> Iterator[str]:
    for key in section.__struct_fields__:
        row = _setting(name, key, plain)
        yield from textwrap.wrap(f"{row.meaning} ({row.type})", 110, initial_indent="# ", subsequent_indent="# ")
        value = getattr(section, key)
        yield f"{'# ' if value == getattr(plain, key) else ''}{key} = {toml_value(value)}"
        yield ""


def _said(rules: Mapping[str, object]) -> list[str]:
    return [f"{toml_key(key)} = {toml_value(value)}" for key, value in rules.items()]


def _kinds() -> list[tuple[str, Section]]:
    """Each section, or one table of a list, with the defaults."""
    sections = Settings().sections
    names = [name for name in Settings.__struct_fields__ if name != PROFILES]
    return [(name, sections[name] if name in sections else LISTS[name]()) for name in names]


def _setting(section_name: str, key: str, section: Section) -> Setting:
    hint = get_type_hints(type(section), include_extras=True)[key]
    base, meta = get_args(hint)
    default = toml_value(getattr(type(section)(), key))
    return Setting(f"{section_name}.{key}", _type_in_words(base, meta), default, " ".join(meta.description.split()))


def _type_in_words(hint: object, meta: Meta) -> str:
    if get_origin(hint) is tuple:
        return f"list of {_type_in_words(get_args(hint)[0], Meta())}"
    if get_origin(hint) is Literal:
        return " or ".join(toml_value(choice) for choice in get_args(hint))
    words = _WORDS[hint]  # type: ignore[index]
    return f"{words}, {meta.ge} to {meta.le}" if meta.ge is not None else words
