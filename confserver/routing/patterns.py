"""Patterns of names and numbers, as route rows have them: no regular expressions, so that no text takes long.

    bob            that name, in any case          _0X*     a zero, a digit, then anything
    sales-*        begins so                       _NXX     three digits, the first 2 to 9
    *              anything

Behind an underscore, as on exchanges: X is 0 to 9, Z 1 to 9, N 2 to 9. A ``*`` is any text, also none.
"""

from __future__ import annotations

MOST_PATTERN = 64
MOST_STARS = 4
MOST_TEXT = 256
"""Longer names match nothing but ``*``."""
_DIGITS = {"x": "0123456789", "z": "123456789", "n": "23456789"}


class Pattern:
    """Raises ValueError where the text is none."""

    __slots__ = ("_pieces", "text")

    def __init__(self, text: str) -> None:
        if not text or len(text) > MOST_PATTERN or not text.isprintable() or " " in text:
            raise ValueError(f"{text[:MOST_PATTERN]!r} is no pattern: 1 to {MOST_PATTERN} characters without spaces")
        if text.count("*") > MOST_STARS:
            raise ValueError(f"{text!r} has more than {MOST_STARS} stars")
        self.text = text
        plain = text.lower()
        classes = _DIGITS if plain.startswith("_") else {}
        body = plain.removeprefix("_") if classes else plain
        self._pieces = [[classes.get(char, char) for char in piece] for piece in body.split("*")]

    def matches(self, text: str) -> bool:
        """In time linear in the text: each piece is looked for once, from the left."""
        if self.text == "*":
            return True
        if len(text) > MOST_TEXT:
            return False
        text = text.lower()
        first, *rest = self._pieces
        if not _fits(first, text, 0):
            return False
        if not rest:
            return len(text) == len(first)
        *middle, last = rest
        at = len(first)
        for piece in middle:
            found = next((place for place in range(at, len(text) + 1) if _fits(piece, text, place)), None)
            if found is None:
                return False
            at = found + len(piece)
        return len(text) - len(last) >= at and _fits(last, text, len(text) - len(last))

    def __str__(self) -> str:
        return self.text


def _fits(piece: list[str], text: str, at: int) -> bool:
    return len(text) - at >= len(piece) and all(text[at + i] in wanted for i, wanted in enumerate(piece))
