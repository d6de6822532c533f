"""Where a client is in the server's events: what both clients know of it, without a connection.

The text is that of server-sent events (WHATWG HTML 9.2.6). A stream that breaks off is asked for again from the last
event that came; a server that has started anew, or does not remember so far back, begins with a snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from confserver.client.asking import Record
from confserver.client.errors import BadAnswer

IDLE_S = 45.0
"""A server says something every 15 s; so long without a word, and the connection is dead."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
MOST_BYTES = 64 * 1024 * 1024


class Ended(Exception):
    """The server has said its last word."""


class Following:
    """One stream of events, over as many connections as it takes."""

    def __init__(self, room: str | None, types: Sequence[str], levels: bool, after: str) -> None:
        self._room = room
        self._types = types
        self._levels = levels
        self.last = after
        """The id of the last event that came."""
        self._data: list[bytes] = []
        self._size = 0
        self._pause_s = FIRST_PAUSE_S

    def path(self) -> str:
        """What to ask for, to go on from here."""
        asked = {"type": ",".join(self._types), "levels": "1" if self._levels else "", "after": self.last}
        query = urlencode({name: value for name, value in asked.items() if value})
        path = f"/rooms/{quote(self._room, safe='')}/events" if self._room else "/events"
        return f"{path}?{query}" if query else path

    def begin(self) -> None:
        """Another connection: what came in half of a message is nothing."""
        self._data, self._size = [], 0

    def hear(self, line: bytes) -> Record | None:
        """Take a line; give the event that ends with it. Raises Ended at the end, BadAnswer for what is none."""
        line = line.rstrip(b"\r\n")
        if line:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._size += len(line)
                if self._size > MOST_BYTES:
                    raise BadAnswer(f"an event of more than {MOST_BYTES} bytes")
            return None
        text = b"\n".join(self._data)
        self.begin()
        return self._understood(text) if text else None

    def _understood(self, text: bytes) -> Record | None:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise BadAnswer("what comes is no event; is it a confserver?")
        if told.get("type") == "end":
            raise Ended(str(told.get("detail") or told.get("reason")))
        self.last = str(told.get("id") or self.last)
        self._pause_s = FIRST_PAUSE_S
        return told

    def pause(self) -> float:
        """How long to wait before asking again: longer each time that nothing came."""
        pause, self._pause_s = self._pause_s, min(self._pause_s * 2, LONGEST_PAUSE_S)
        return pause
