"""The words in which schemas are written: JSON Schema (2020-12) from Python's types, and by hand."""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import msgspec

Schema = dict[str, Any]
_PLAIN: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def of_hint(hint: Any) -> Schema:
    """The schema of a field's type."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [of_hint(each) for each in get_args(hint) if each is not type(None)]
        found = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        return nullable(found) if type(None) in get_args(hint) else found
    if get_origin(hint) is tuple:
        return {"type": "array", "items": of_hint(get_args(hint)[0])}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"type": "string", "enum": [member.value for member in hint]}
    return {"type": _PLAIN[hint]} if hint in _PLAIN else msgspec.json.schema(hint)


def nullable(schema: Schema) -> Schema:
    """What may be null besides."""
    kind = schema.get("type")
    if kind is None:
        return {"anyOf": [schema, {"type": "null"}]} if "$ref" in schema else schema
    kinds = [*([kind] if isinstance(kind, str) else kind), "null"]
    more = {"enum": list(dict.fromkeys([*schema["enum"], None]))} if "enum" in schema else {}
    return {**schema, "type": list(dict.fromkeys(kinds)), **more}


def text(words: str, **more: Any) -> Schema:
    return {"type": "string", "description": words, **more}


def whole(words: str) -> Schema:
    return {"type": "integer", "description": words}


def number(words: str) -> Schema:
    return {"type": "number", "description": words}


def time(words: str) -> Schema:
    return number(f"{words}, in seconds since 1970")


def flag(words: str) -> Schema:
    return {"type": "boolean", "description": words}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def rows(of: Schema, words: str = "") -> Schema:
    return {"type": "array", "items": of, **({"description": words} if words else {})}


def choice(kind: type[enum.Enum], words: str) -> Schema:
    return {**of_hint(kind), "description": words}


def thing(words: str, /, *may_miss: str, **members: Schema) -> Schema:
    """An object whose members are all there, but for ``may_miss``."""
    required = [name for name in members if name not in may_miss]
    return {"type": "object", "description": words, "properties": members, "required": required}
