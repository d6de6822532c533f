# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""How answers are written: JSON, problems, and those that come later, when the client may have gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import msgspec
import structlog
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from confserver.admin.problems import Problem, problem_of
from confserver.admin.replays import Answer
from rooms.errors import Refused

log = structlog.get_logger("http")

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Document:
    """An answer that is no JSON, but a page or a text."""

    text: str
    content_type: str


PROBLEM = "application/problem+json"


def json_answer(
    told: object, status: int = 200, headers: Iterable[tuple[str, str]] = (), content_type: str = JSON
) -> Answer:
    return Answer(status, msgspec.json.encode(told), (("Content-Type", content_type), *headers))


def document_answer(request: Request, told: Document) -> Answer:
    """As it is; in JSON for programs that take nothing else (``Client``)."""
    vary = ("Vary", "Accept")
    if _takes_json_alone(header(request, b"accept") or "*/*"):
        return json_answer({"page": told.text}, headers=[vary])
    kind = ("Content-Type", f"{told.content_type}; charset=utf-8")
    return Answer(200, told.text.encode("utf-8", "replace"), (kind, vary))


def _takes_json_alone(accept: str) -> bool:
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    return all(kind.endswith(("/json", "+json")) for kind in kinds)


def refusal(request: Request, error: Exception) -> Answer:
    """Word why a request was not carried out; what we did not foresee goes to the log, not to the client."""
    match error:
        case Problem():
            problem = error
        case Refused():
            problem = problem_of(error)
        case _:
            log.error("request failed", method=text(request.method), path=text(request.uri), exc_info=error)
            problem = Problem(500, "the server has failed at this; its log says how")
    return json_answer(problem.document(), problem.status, problem.headers.items(), PROBLEM)


def write(request: Request, answer: Answer) -> bytes:
    """Set status and headers; the body is for the caller to write or give."""
    request.setResponseCode(answer.status)
    request.setHeader("Cache-Control", "no-store")
    request.setHeader("X-Content-Type-Options", "nosniff")
    for name, value in answer.headers:
        request.setHeader(name, value)
    if answer.status not in (204, 304):
        request.setHeader("Content-Length", str(len(answer.body)))
    return answer.body


def later(request: Request, done: Deferred[object], word: Callable[[object], Answer]) -> int:
    """Answer when it is known; ``word`` gets the result or a Failure, also when the client has gone by then."""
    waiting = _Waiting(request)
    done.addBoth(lambda result: waiting.finish(_worded(request, result, word)))
    return NOT_DONE_YET


def as_it_is(result: object) -> Answer:
    """For what is worded already."""
    if isinstance(result, Failure):
        raise exception(result)
    return cast(Answer, result)


def _worded(request: Request, result: object, word: Callable[[object], Answer]) -> Answer:
    try:
        return word(result)
    except Exception as error:
        return refusal(request, error)


def exception(failure: Failure) -> Exception:
    return failure.value if isinstance(failure.value, Exception) else RuntimeError(failure.getErrorMessage())


class _Waiting:
    """A request whose answer comes later; its client may have gone by then."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_open = True
        request.notifyFinish().addBoth(self._closed)

    def _closed(self, _: object) -> None:
        self._is_open = False

    def finish(self, answer: Answer) -> None:
        if self._is_open:
            self._request.write(write(self._request, answer))
            self._request.finish()


def header(request: Request, name: bytes) -> str | None:
    """Read a header as what it is, octets; Twisted's own reading of text raises on what is not UTF-8."""
    values = request.requestHeaders.getRawHeaders(name)
    return text(values[-1]) if values else None


def text(given: bytes) -> str:
    return given.decode("latin-1")
