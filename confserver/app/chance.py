"""Words that nobody can guess: for tags, branches and Call-IDs (RFC 3261 19.3)."""

from __future__ import annotations

import secrets

WORD_BYTES = 8
PAGE_BYTES = 4096


class Chance:
    """Gives one word after another, of 64 bits. They are asked of the system by the page: asking costs far more than
    all that is done with one of them."""

    def __init__(self) -> None:
        self._page = b""
        self._at = 0

    def __call__(self) -> str:
        if self._at == len(self._page):
            self._page, self._at = secrets.token_bytes(PAGE_BYTES), 0
        begin, self._at = self._at, self._at + WORD_BYTES
        return self._page[begin : self._at].hex()
