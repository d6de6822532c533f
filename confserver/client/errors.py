"""What can go wrong between a script and the server; the text of each is one line for people.

::

    ClientError
    ├── NotRunning       no server answers there
    ├── Unauthorized     no right: no token, a wrong one, or a control file that is not ours to read
    ├── Problem          the server has refused (RFC 9457)
    │   ├── Forbidden    the token's role does not allow it
    │   ├── NotFound     no such room, participant, user ...
    │   ├── Conflict     it cannot be so now: locked, full, named twice ... (``kind`` says which)
    │   ├── Changed      the room has moved on since the version that was given
    │   ├── Invalid      a name, number or text that cannot be
    │   └── Busy         asked too often, or the server has too much to do; ``retry_after`` says when to go on
    └── BadAnswer        something answers, but not as a confserver does, or breaks off, or is too late
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
    """A refusal. ``kind`` names it for scripts (``not-found``, ``locked`` ...), "" where it is of HTTP's own.

    ``retry_after``: seconds after which it may be asked again, None where the server does not say.
    """

    def __init__(
        self, status: int, title: str, detail: str, kind: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.kind = kind
        self.retry_after = retry_after


class Forbidden(Problem):
    pass


class NotFound(Problem):
    pass


class Conflict(Problem):
    pass


class Changed(Problem):
    pass


class Invalid(Problem):
    pass


class Busy(Problem):
    pass


PROBLEMS: dict[int, type[Problem]] = {
    400: Invalid,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Changed,
    422: Invalid,
    429: Busy,
    503: Busy,
}
"""By the HTTP status; all others are a plain Problem."""
