"""The description of the HTTP interface as a page to read: one HTML file, nothing from elsewhere, no script."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from typing import Any

from confserver.admin.openapi import Document, document

HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --get: #1a7f5a; --post: #2563b8; --put: #8a5a00;
  --delete: #b3261e }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem }
h1 { margin-bottom: 0 } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); text-transform: capitalize }
nav a { margin-right: 0.6rem } code, pre { font: 0.9em/1.5 ui-monospace, monospace }
pre { background: var(--soft); padding: 0.6rem; overflow-x: auto; border-radius: 0.3rem }
details { border-bottom: 1px solid var(--line); padding: 0.5rem 0 } summary { cursor: pointer }
summary b { display: inline-block; width: 4.5rem } .role { float: right; opacity: 0.7; font-size: 0.85em }
.get b { color: var(--get) } .post b { color: var(--post) } .put b, .patch b { color: var(--put) }
.delete b { color: var(--delete) }
table { border-collapse: collapse; width: 100%; margin: 0.6rem 0 } td, th { text-align: left; padding: 0.25rem 0.8rem
  0.25rem 0; vertical-align: top; border-top: 1px solid var(--line) } th { font-weight: 600 }
"""


@cache
def page() -> bytes:
    return html_of(document()).encode()


def html_of(told: Document) -> str:
    """The page of an OpenAPI document of ours."""
    tags = [tag["name"] for tag in told["tags"]]
    links = " ".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in [*tags, "schemas"])
    parts = [_section(tag, told) for tag in tags]
    info = told["info"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}: the HTTP interface</title><style>{STYLE}</style>"
        f"<h1>{escape(info['title'])}</h1><p>The HTTP interface of version {escape(info['version'])}</p>"
        f"<p>{_prose(info['description'])}</p><nav>{links}</nav>{''.join(parts)}{_schemas(told)}</html>"
    )


def _section(tag: str, told: Document) -> str:
    rows = [
        _operation(method, path, each)
        for path, operations in told["paths"].items()
        for method, each in operations.items()
        if tag in each["tags"]
    ]
    return f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{"".join(rows)}'


def _operation(method: str, path: str, told: Document) -> str:
    role = told.get("x-role", "open")
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    parameters = [(each["name"], each["in"], each["schema"], each["description"]) for each in told["parameters"]]
    members = [(name, "body", each, each.get("description", "")) for name, each in body.get("properties", {}).items()]
    good = {status: each for status, each in told["responses"].items() if "$ref" not in each}
    answers = "".join(f"<tr><td><code>{escape(status)}</code><td>{_answer(each)}" for status, each in good.items())
    answers += f"<tr><td>{', '.join(sorted(told['responses'].keys() - good.keys()))}<td>{_link('Problem')}"
    return (
        f'<details class="{method}" id="{escape(told["operationId"])}"><summary><b>{method.upper()}</b> '
        f'<code>{escape(path)}</code> <span class="role">{escape(role)}</span><br>{escape(told["summary"])}</summary>'
        f"<p>{_prose(told.get('description', ''))}</p>{_table([*parameters, *members])}"
        f"<table><tr><th>Status<th>Answer</tr>{answers}</table></details>"
    )


def _table(rows: list[tuple[str, str, Document, str]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(where)}<td>{_type(schema)}<td>{_prose(words)}"
        for name, where, schema, words in rows
    )
    return f"<table><tr><th>Name<th>In<th>Type<th>What it means</tr>{cells}</table>"


def _answer(told: Document) -> str:
    shown = [f"{_type(each['schema'])} <code>{escape(kind)}</code>" for kind, each in told.get("content", {}).items()]
    return f"{escape(told['description'])} {' '.join(shown)}"


def _schemas(told: Document) -> str:
    parts = []
    for name, schema in sorted(told["components"]["schemas"].items()):
        rows = [(each, "", of, of.get("description", "")) for each, of in schema.get("properties", {}).items()]
        parts.append(f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_prose(schema["description"])}</p>{_table(rows)}')
    return f'<h2 id="schemas">schemas</h2>{"".join(parts)}'


def _type(schema: Document) -> str:
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(each))}</code>" for each in schema["enum"])
    kinds = schema.get("type", "any")
    words = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "array" in words and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return escape(words) + _bounds(schema) + _default(schema)


def _bounds(schema: Document) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    return f", {least} to {most}" if least is not None and most is not None else ""


def _default(schema: Document) -> str:
    value: Any = schema.get("default")
    return f", else <code>{escape(json.dumps(value))}</code>" if value not in (None, "", []) else ""


def _link(name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(name)}</a>'


def _prose(text: str) -> str:
    """Words between backticks are code, empty lines part paragraphs."""
    parts = escape(text).split("`")
    marked = "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
    return marked.replace("\n\n", "<p>")
