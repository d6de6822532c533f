"""Text of strangers in XML documents that are written by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.sax.saxutils import escape

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, section 2.2."""


def text(value: str) -> str:
    """Fit for content and for attributes in double quotes."""
    return escape(_NOT_XML.sub("\ufffd", value), {'"': "&quot;"})


def word(value: bool) -> str:
    return "true" if value else "false"


def time(at: float) -> str:
    """xs:dateTime, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
