"""What a refusal is in SIP: one line each."""

from __future__ import annotations

from confserver.focus.outputs import Headers
from confserver.sdp.agreement import Rejected
from rooms import errors

RETRY_AFTER_S = 5

_STATUS: dict[type[errors.Refused], int] = {
    errors.NotFound: 404,
    errors.Invalid: 404,
    errors.NotOpen: 480,
    errors.Forbidden: 403,
    errors.WrongPin: 403,
    errors.LockedOut: 403,
    errors.Locked: 403,
    errors.Full: 486,
    errors.Conflict: 480,
    errors.NoSpace: 503,
}


class NoAnswer(Exception):
    """A call that cannot be: the status to answer with, and why, in words."""

    def __init__(self, status: int, reason: str, headers: Headers = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers

    @property
    def words(self) -> str:
        """Why, also where only the Warning says it."""
        said = [text.partition('"')[2].rstrip('"') for name, text in self.headers if name == "Warning"]
        return self.reason or (said[0] if said else "")


def of_room(refused: errors.Refused) -> NoAnswer:
    return NoAnswer(_STATUS.get(type(refused), 480), "", (warning(399, refused.reason),))


def of_offer(rejected: Rejected) -> NoAnswer:
    return NoAnswer(rejected.status, "", (warning(rejected.warning_code, rejected.reason),))


def unavailable(reason: str) -> NoAnswer:
    """No worker, no port, or no word in time."""
    return NoAnswer(503, "", (("Retry-After", str(RETRY_AFTER_S)), warning(399, reason)))


def warning(code: int, text: str) -> tuple[str, str]:
    """A Warning header (RFC 3261 20.43)."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
    return "Warning", f'{code} confserver "{plain}"'
