"""Which of the answers of all branches goes back (RFC 3261 16.7, steps 6 and 7)."""

from __future__ import annotations

from collections.abc import Sequence

from confserver.sip.message import Response

_HELPFUL = (401, 407, 415, 420, 484)
"""They say what would make the request succeed: preferred among 4xx."""
_DULL = (408, 430, 481, 487)
"""Of branches that nobody has answered, or that were cancelled: last among 4xx."""
_CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")


def rank(status: int) -> tuple[int, int]:
    """The lower, the better: any 6xx, then the lowest class."""
    group = status // 100
    if group == 6:
        return 0, 0
    if group == 4:
        return 4, 0 if status in _HELPFUL else 2 if status in _DULL else 1
    return group, 1 if status == 503 else 0


def best_of(answers: Sequence[Response]) -> Response:
    """The first of the best; a 401 or 407 with the challenges of all others (step 7)."""
    best = min(answers, key=lambda answer: rank(answer.status))
    if best.status in (401, 407):
        for other in answers:
            if other is not best and other.status in (401, 407):
                for name in _CHALLENGES:
                    for _, value in other.headers.lines(name):
                        best.headers.add(name, value)
    return best
