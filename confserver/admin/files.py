# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""Files of recordings, sent piece by piece, whole or in parts (RFC 9110 section 14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.static import File

from confserver.admin.answers import exception, refusal, write
from confserver.admin.permission import permit_room
from confserver.admin.problems import Problem
from confserver.admin.tokens import Holder

TYPES = {
    ".wav": "audio/wav", ".flac": "audio/flac", ".opus": "audio/ogg", ".json": "application/json",
}  # fmt: skip


def send(request: Request, told: object, place: Callable[[str], Path], names: Mapping[str, str], holder: Holder) -> int:
    """Send one file of a recording. ``told``: all recordings, or a Deferred of them."""
    rows: Deferred[Any] = told if isinstance(told, Deferred) else succeed(told)
    gone: list[bool] = []
    request.notifyFinish().addBoth(lambda _: gone.append(True))

    def answer(result: object) -> None:
        if gone:
            return
        try:
            if isinstance(result, Failure):
                raise exception(result)
            path = place(_file_of(result, names, holder))  # type: ignore[arg-type]
            _send(request, path)
        except Exception as error:
            request.write(write(request, refusal(request, error)))
            request.finish()

    rows.addBoth(answer)
    return NOT_DONE_YET


def _file_of(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], holder: Holder) -> str:
    """Raises Problem."""
    name, file = names["recording"], names["file"]
    row = next((row for row in rows if row["name"] == name), None)
    if row is None:
        raise Problem(404, f"there is no recording {name[:64]}", kind="not-found")
    permit_room(str(row["room"]), None, holder)
    if file not in row["files"] and file != f"{name}.json":
        there = ", ".join([*row["files"][:10], f"{name}.json"])
        raise Problem(404, f"{name} has no file {file[:64]}; there are: {there}", kind="not-found")
    return file


def _send(request: Request, path: Path) -> None:
    """Raises Problem where it is gone."""
    if not path.is_file():
        raise Problem(404, f"{path.name} is not there any more", kind="not-found")
    file = File(str(path), defaultType="application/octet-stream")
    file.contentTypes = TYPES
    request.setHeader("Content-Disposition", f'attachment; filename="{path.name}"')
    request.setHeader("Cache-Control", "no-store")
    body = file.render(request)
    if isinstance(body, bytes):
        request.write(body)
        request.finish()
