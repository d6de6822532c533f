"""What can go wrong between a script and the server; the text of each is one line for people.

::

    ClientError
    ├── NotRunning       no server answers there
    ├── Unauthorized     no right: no token, a wrong one, or a control file that is not ours to read
    ├── Problem          the server has refused: wrong room, wrong participant, conflict ... (RFC 9457)
    └── BadAnswer        something answers, but not as a confserver does, or too late
"""

from __future__ import annotations


class ClientError(Exception):
    """The request was not carried out, or nobody can tell (BadAnswer)."""


class NotRunning(ClientError):
    pass


class Unauthorized(ClientError):
    pass


class BadAnswer(ClientError):
    pass


class Problem(ClientError):
    """A refusal. ``kind`` names it for scripts (``not-found``, ``locked`` ...), "" where it is of HTTP's own."""

    def __init__(self, status: int, title: str, detail: str, kind: str = "") -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.kind = kind
