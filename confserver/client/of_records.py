"""What can be asked of the records: meetings that are over, and who has done what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict, Unpack
from urllib.parse import urlencode

from confserver.client.asking import Asking, Changed, Listed, Told, path


class Among(TypedDict, total=False):
    """Which rows; times are epoch seconds, or text such as 2026-11-29T18:00. ``after``: those older than this one."""

    since: float | str
    until: float | str
    limit: int
    after: int


class Wanted(Among, total=False):
    room: str


class Sought(TypedDict, total=False):
    """Which rows of a whole list; ``who``: of the audit log."""

    room: str
    since: float | str
    until: float | str
    who: str


Lists = Literal["records", "meetings", "audit"]
Formats = Literal["csv", "jsonl"]


class OfRecords(Asking[Listed, Told, Changed]):
    """A test holds these to ``routing.commands``."""

    def list_meeting(self, **wanted: Unpack[Wanted]) -> Listed:
        """List the meetings that are on record, the latest first."""
        return self._list("/meetings" + _query(wanted))

    def list_room_meeting(self, room: str, **wanted: Unpack[Among]) -> Listed:
        """List the meetings of one room, the latest first."""
        return self._list(path("rooms", room, "meetings") + _query(wanted))

    def show_meeting(self, meeting: int | str) -> Told:
        """Show a meeting: who was there, and who spoke when."""
        return self._tell(path("meetings", str(meeting)))

    def report_meeting(self, meeting: int | str) -> Told:
        """Give a meeting's report as a page (HTML), under ``page``."""
        return self._tell(path("meetings", str(meeting), "report"))

    def list_record(self, **wanted: Unpack[Wanted]) -> Listed:
        """List who was in which meeting, the latest first."""
        return self._list("/records" + _query(wanted))

    def list_audit(self, *, who: str | None = None, **wanted: Unpack[Wanted]) -> Listed:
        """List who has asked for what, and what has come of it, the latest first."""
        more = {} if who is None else {"who": who}
        return self._list("/audit" + _query({**wanted, **more}))

    def show_metrics(self) -> Told:
        """Give what is counted, as a page for Prometheus, under ``page``."""
        return self._tell("/metrics")


def export_path(what: Lists, format: Formats, among: Sought) -> str:
    return path(what) + _query({**among, "format": format})


def _query(wanted: Mapping[str, object]) -> str:
    return f"?{urlencode(wanted)}" if wanted else ""
