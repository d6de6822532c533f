"""A server's HTTP interface as a script sees it: one connection kept open, an answer or a refusal, never a surprise."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 10.0


class NoAnswer(Exception):
    """The connection has broken: nobody can tell what has come of the request."""


@dataclass(frozen=True)
class Answer:
    status: int
    told: Any

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        return str(self.told.get("kind", "")) if isinstance(self.told, dict) else ""


class Script:
    """Asks one thing after the other."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._token = token

    @classmethod
    def of(cls, state_directory: Path, token: str = "") -> Script:
        """``token``: another right than the administrator's."""
        control = json.loads((state_directory / "control.json").read_text())
        return cls(control["url"], token or control["token"])

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Raises NoAnswer, and then has asked once only."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NoAnswer(f"{method} {path}: {error!r}") from error
        return Answer(answer.status, json.loads(text) if text else None)

    def close(self) -> None:
        self._connection.close()
