"""The description of the HTTP interface by OpenAPI 3.1, derived from ``endpoints.ROUTES``.

Every route is an operation, its members come from the command's fields, their words from the command line's, what comes
back from ``schemas``. Nothing is said here that a table says already.
"""

from __future__ import annotations

import dataclasses
import enum
import http
import inspect
import re
from functools import cache
from importlib.metadata import version
from typing import Any, get_type_hints

from confserver.admin.cli import ARGUMENT_HELP, help_of
from confserver.admin.endpoints import MOST_DIGITS, ROUTES, Route, body_fields
from confserver.admin.exporting import FORMATS
from confserver.admin.files import TYPES
from confserver.admin.schema import Schema, nullable, of_hint, ref
from confserver.admin.schemas import LIMITS, rules
from confserver.admin.way_schemas import ANSWERS, DONE, SCHEMAS
from confserver.routing.commands import Command as Order
from confserver.routing.commands import Parameter
from rooms.commands import Command
from rooms.policy import RULES

Document = dict[str, Any]
NAMES = {
    name: words.partition(" is ")[2][:1].upper() + words.partition(" is ")[2][1:]
    for name, words in ARGUMENT_HELP.items()
} | {
    "meeting": "The meeting's number.",
    "call": "The call's number, the id of a participant, or a Call-ID.",
}
"""What paths name."""
OPEN: tuple[int, ...] = (400, 421, 429, 500)
READING: tuple[int, ...] = (400, 401, 403, 404, 421, 422, 429, 500, 503)
CHANGING: tuple[int, ...] = (400, 401, 403, 404, 409, 412, 413, 415, 421, 422, 429, 500, 503)
_HEADERS = {"Idempotency-Key": {"type": "string", "pattern": "^[!-~]{1,255}$"}}
INTRODUCTION = """\
Rooms of a conference bridge, and the server around them. Every request but the open ones wants a token:
`Authorization: Bearer TOKEN`. Whatever is not done is told as a problem (RFC 9457). Times are seconds since 1970."""


@cache
def document() -> Document:
    """The whole description; the same for the life of a process."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "confserver", "version": version("confserver"), "description": INTRODUCTION},
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(route) for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {str(status): _problem(status) for status in CHANGING},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of confserver token add, or that of the control file.",
                }
            },
        },
    }


def operation(route: Route) -> Document:
    """What one route takes and gives."""
    found: Document = {
        "operationId": _identity(route),
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*_in_path(route), *map(_in_query, route.parameters), *_headers(route)],
        "responses": responses(route),
    }
    if route.is_open:
        return found | {"security": []}
    found["x-role"] = route.needs.name.lower()
    if route.command is not None:
        if more := inspect.cleandoc(route.command.__doc__ or "").partition("\n")[2].strip():
            found["description"] = more
        found["requestBody"] = {
            "required": any(_is_required(each) for each in body_fields(route.command)),
            "content": {"application/json": {"schema": body_of(route.command)}},
        }
    return found


# ------------------------------------------------------------------ what is asked
def body_of(command: type[Command] | type[Order]) -> Schema:
    """The members of a body."""
    hints = get_type_hints(command)
    members = {each.name: _member(each, hints.get(each.name)) for each in body_fields(command)}
    required = [each.name for each in body_fields(command) if _is_required(each)]
    found: Schema = {"type": "object", "properties": members, "additionalProperties": False}
    return found | ({"required": required} if required else {})


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _member(field: dataclasses.Field[Any], hint: Any) -> Schema:
    if hint is None and field.name in RULES:
        return nullable(rules()[field.name])
    words = re.sub(r"[;.] [Mm]ore than one(, one after another)?: say it again", "", help_of(field))
    schema = {**of_hint(hint), **LIMITS.get(field.name, {}), **({"description": words} if words else {})}
    default = field.default.value if isinstance(field.default, enum.Enum) else field.default
    if default is dataclasses.MISSING:
        return schema
    return schema | {"default": list(default) if isinstance(default, tuple) else default}


def _in_path(route: Route) -> list[Document]:
    return [
        {
            "name": name, "in": "path", "required": True, "description": NAMES[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in route.path_fields
    ]  # fmt: skip


def _in_query(parameter: Parameter) -> Document:
    schema = of_hint(parameter.kind)
    if parameter.kind is int:
        schema |= {"minimum": 1 - 10**MOST_DIGITS, "maximum": 10**MOST_DIGITS - 1}
    for word, value in (("minimum", parameter.least), ("maximum", parameter.most)):
        if value is not None:
            schema[word] = value
    return {"name": parameter.name, "in": "query", "description": parameter.words, "schema": schema}


def _headers(route: Route) -> list[Document]:
    """What makes a change happen once, or not against somebody else's; and what saves reading the same again."""
    found = {}
    if route.command is not None:
        found["Idempotency-Key"] = "The same key and body again: the same answer again, for a day."
    if route.is_versioned and route.command is not None:
        found["If-Match"] = "Only where the table is at this version (ETag), else 412."
    elif route.is_versioned:
        found["If-None-Match"] = "304 where this version (ETag) is known already."
    if route.tells_rooms and "room" in route.path_fields:
        if route.command is not None:
            found["If-Match"] = "Only where the room is at this version (ETag), else 412."
        if route.method == "GET":
            found["If-None-Match"] = "304 where this version (ETag) is known already."
        if route.method == "PUT":
            found["If-None-Match"] = "*: only where there is no such room yet, else 412."
    return [
        {"name": name, "in": "header", "description": words, "schema": _HEADERS.get(name, {"type": "string"})}
        for name, words in found.items()
    ]


# ------------------------------------------------------------------ what comes back
def responses(route: Route) -> Document:
    told: Document = {}
    for status in _good(route):
        told[str(status)] = _good_answer(route, status)
    statuses = OPEN if route.is_open else CHANGING if route.command is not None else READING
    return told | {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _good(route: Route) -> tuple[int, ...]:
    if route.command is None:
        return (200, 304) if route.query == "room" or route.is_versioned else (200,)
    if issubclass(route.command, Order) and route.command.method == "DELETE" and route.command not in DONE:
        return (204,)
    return (200, 201, 204)


def _good_answer(route: Route, status: int) -> Document:
    found: Document = {"description": _WORDS[status]}
    if status in (204, 304):
        return found
    headers: Document = {}
    if route.is_versioned:
        headers["ETag"] = {"description": "The table's version", "schema": {"type": "string"}}
    if route.tells_rooms and "room" in route.path_fields:
        headers["ETag"] = {"description": "The room's version", "schema": {"type": "string"}}
    if status == 201:
        headers["Location"] = {"description": "Where it is", "schema": {"type": "string"}}
    if route.key:
        headers["Link"] = {"description": "Where the list goes on (rel=next)", "schema": {"type": "string"}}
    return found | {"content": _content(route)} | ({"headers": headers} if headers else {})


_WORDS = {200: "Done; how it is now.", 201: "Made.", 204: "Done; it is no more.", 304: "As the client knows it."}


def _content(route: Route) -> Document:
    if route.media_type == "application/octet-stream":
        return {kind: {"schema": {}} for kind in (*dict.fromkeys(TYPES.values()), route.media_type)}
    if route.media_type != "application/json":
        return {route.media_type: {"schema": {"type": "string"}}}
    if isinstance(route.command, type) and issubclass(route.command, Command):
        schema = ref("Room")
    elif route.command is not None:
        schema = DONE.get(route.command, {})
    else:
        schema = ANSWERS.get(route.query, {})
    long: Document = {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in FORMATS.values()}
    return {"application/json": {"schema": schema}} | (long if route.is_long else {})


def _problem(status: int) -> Document:
    return {
        "description": http.HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }


# ------------------------------------------------------------------ what it is called
def _identity(route: Route) -> str:
    """One word that no other operation has: the Python client's, mostly."""
    command = route.command
    if command is None:
        return route.query.replace(" ", "_")
    if issubclass(command, Command):
        return f"room_{command.verb}".replace("-", "_")
    return f"{command.noun}_{command.verb}".replace("-", "_")


def _tag(route: Route) -> str:
    """The first word of its path; what stands alone is of the server."""
    first = route.path.strip("/").partition("/")[0]
    return first if sum(each.path.startswith(f"/{first}") for each in ROUTES) > 1 else "server"
