"""Why something asked of the server's ways cannot be done; ``app`` words it as the rooms' refusals.

Refused
 +- NotFound    there is no such user, ban, binding
 +- Invalid     what was given makes no sense
 `- Conflict    it cannot be so now
"""

from __future__ import annotations


class Refused(Exception):
    """Raised at the administrator; the reason is one line for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(Refused):
    pass


class Invalid(Refused):
    pass


class Conflict(Refused):
    pass
