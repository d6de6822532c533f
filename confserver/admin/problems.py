"""What is told where a request is not carried out (RFC 9457)."""

from __future__ import annotations

import http
from collections.abc import Mapping

from rooms.errors import Conflict, Forbidden, Full, Invalid, Locked, NoSpace, NotFound, NotOpen, Refused

REFUSALS: Mapping[type[Refused], int] = {
    NotFound: 404,
    Forbidden: 403,
    Locked: 409,
    Full: 409,
    Conflict: 409,
    NotOpen: 409,
    Invalid: 422,
    NoSpace: 507,
}


class Problem(Exception):
    """Why a request was not carried out, in the words of RFC 9457."""

    def __init__(self, status: int, detail: str, *, kind: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.headers = dict(headers or {})

    def document(self) -> dict[str, object]:
        """RFC 9457 section 3; no ``type`` stands for about:blank, so the title is the status in words.

        ``kind`` is the refusal's name in ``rooms.errors``, an extension member.
        """
        told: dict[str, object] = {"title": http.HTTPStatus(self.status).phrase, "status": self.status}
        told |= {"detail": self.detail}
        return told | {"kind": self.kind} if self.kind else told


def problem_of(refused: Refused) -> Problem:
    status = next((REFUSALS[kind] for kind in type(refused).__mro__ if kind in REFUSALS), 409)
    return Problem(status, refused.reason, kind=refused.kind)
