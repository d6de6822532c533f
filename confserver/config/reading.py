"""From a TOML file to settings, or to one clear line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from confserver.config.checks import CHECKS
from confserver.config.settings import LISTS, PROFILES, Settings


class ConfigError(Exception):
    """The settings cannot be used; its text is one line for the administrator."""

    def __init__(self, reason: str) -> None:
        super().__init__("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in reason))


def load(path: Path | None) -> Settings:
    """Read the settings from a TOML file; the defaults where there is none. Raises ConfigError."""
    if path is None:
        settings, source = Settings(), "default settings"
    else:
        source = str(path)
        settings = _converted(_parsed(path), source)
    for name, check in CHECKS:
        try:
            check(settings)
        except (ValueError, RuntimeError) as error:  # RuntimeError: Path.expanduser finds no home
            raise ConfigError(f"{source}: {name}: {error}") from None
    return settings


def _parsed(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _converted(raw: dict[str, object], source: str) -> Settings:
    _refuse_unknown(raw, source)
    try:
        return msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        words, _, where = str(error).partition(" - at `$.")  # as in: Expected `int`, got `str` - at `$.sip.port`
        raise ConfigError(f"{source}: {where.rstrip('`')}: {words[:1].lower()}{words[1:].replace('`', '')}") from None


def _refuse_unknown(raw: Mapping[str, object], source: str) -> None:
    sections = set(Settings.__struct_fields__)
    known = {f"{name}.{key}" for name, section in Settings().sections.items() for key in section.__struct_fields__}
    known |= {f"{name}.{key}" for name, row in LISTS.items() for key in row.__struct_fields__}
    for section, table in raw.items():
        if section not in sections:
            raise ConfigError(f"{source}: {section}: unknown setting{_nearest(section, sections | known)}")
        if section == PROFILES:
            continue
        if section in LISTS and not isinstance(table, list):
            raise ConfigError(f"{source}: {section}: is a list of tables: write [[{section}]] for each")
        rows = table if isinstance(table, list) else [table]
        for key in [key for row in rows if isinstance(row, dict) for key in row]:
            name = f"{section}.{key}"
            if name not in known:
                raise ConfigError(f"{source}: {name}: unknown setting{_nearest(name, known)}")


def _nearest(name: str, known: set[str]) -> str:
    """Suggest a known name: one of like spelling, else one whose last part is the same."""
    last = name.rpartition(".")[2]
    alike = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    alike += [other for other in sorted(known) if other.rpartition(".")[2] == last]
    alike += difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {alike[0]}?" if alike else "; confserver settings lists all"
