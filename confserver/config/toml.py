"""Names and values as TOML 1.0: for settings, and for rooms as code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping


def toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def toml_value(value: object) -> str:
    """Write one value as TOML 1.0; a JSON string without escaped surrogates or DEL is a TOML basic string."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml_key(str(key))} = {toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | int | float):
        return str(value).lower()
    raise TypeError(f"TOML has no {type(value).__name__}")
