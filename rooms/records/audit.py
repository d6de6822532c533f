"""Who has asked for what, when, from where and by which face, and what has come of it; never a secret.

A secret is a field that its command keeps out of its own text (``repr=False``), a rule that ``RoomPolicy`` calls one,
and what people have said or pressed: of these it is told that they were given, no more.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from rooms.participant import Actor
from rooms.policy import SECRETS
from rooms.records.queries import MOST_ROWS
from rooms.records.statement import Record

if TYPE_CHECKING:
    from sqlite_utils import Database

DONE = "done"
MOST_DETAILS = 2000
"""Characters of what was asked for in detail."""
MOST_WORDS = 300
SET = "set"
PRIVATE = frozenset({"password", "pin", "moderator_pin", "token", "secret", "digits", "text", "url", *SECRETS})
"""By name, wherever they stand: PINs, passwords, keys and messages. A webhook's URL may hold a key."""
_OWN = ("room", "participant")
_TABLE = {
    "id": int, "at": float, "who": str, "role": str, "face": str, "source": str, "action": str, "room": str,
    "participant": str, "details": str, "outcome": str, "reason": str,
}  # fmt: skip
COLUMNS = tuple(_TABLE)


def audit_log(db: Database) -> None:
    db.create_table("audit", _TABLE, pk="id", not_null=set(_TABLE) - {"id"})
    db.execute("CREATE INDEX audit_by_time ON audit (at)")
    db.execute("CREATE INDEX audit_by_room ON audit (room, id)")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What never became a command: its kind, or other words for it, and what was named."""

    kind: type[Any] | str
    names: Mapping[str, str]

    @property
    def action(self) -> str:
        return self.kind if isinstance(self.kind, str) else _words(self.kind)


@dataclass(frozen=True, slots=True)
class Entry:
    """``outcome``: done, or the kind of refusal; ``reason``: its words."""

    command: Any
    by: Actor
    at: float
    outcome: str = DONE
    reason: str = ""

    def record(self) -> Record:
        by = self.by
        values = {
            "at": self.at, "who": by.name[:MOST_WORDS], "role": by.role.name.lower(), "face": by.face,
            "source": by.source[:MOST_WORDS], "action": action_of(self.command),
            "room": _name(self.command, "room"), "participant": _name(self.command, "participant"),
            "details": details_of(self.command), "outcome": self.outcome, "reason": self.reason[:MOST_WORDS],
        }  # fmt: skip
        return Record(_INSERT, values)


_KEPT = [name for name in COLUMNS if name != "id"]
_INSERT = f"INSERT INTO audit ({', '.join(_KEPT)}) VALUES ({', '.join(f':{name}' for name in _KEPT)})"


_RECOUNT = (
    "UPDATE audit SET details = :details"
    " WHERE at = :at AND action = :action AND outcome = :outcome AND source = :source AND who = :who"
)


def recount(entry: Entry, times: int, last: float) -> Record:
    """The same entry has come so often, the last time then: one row stands for all of them."""
    values = entry.record().values
    details = {**json.loads(values["details"]), "times": times, "last": round(last, 3)}
    return Record(_RECOUNT, {**values, "details": json.dumps(details, ensure_ascii=False)})


def action_of(command: Any) -> str:
    """CreateRoom -> create room"""
    return command.action if isinstance(command, Attempt) else _words(type(command))


def _words(kind: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


def details_of(command: Any) -> str:
    """What was asked for beside room and participant, as JSON, without what was left to the defaults."""
    told = {}
    if isinstance(command, Attempt):
        hidden_of = {name: SET if name in PRIVATE else value for name, value in command.names.items()}
        told = {name: value[:MOST_WORDS] for name, value in hidden_of.items() if name not in _OWN}
    for each in () if isinstance(command, Attempt) else fields(command):
        value = getattr(command, each.name)
        if each.name in _OWN or value == each.default or value in (None, "", (), {}):
            continue
        hidden = not each.repr or each.name in PRIVATE
        told[each.name] = SET if hidden else _plain(value)
    text = json.dumps(told, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_DETAILS else json.dumps({"too_long": text[: MOST_DETAILS // 2]})


def _plain(value: Any) -> Any:
    match value:
        case enum.Enum():
            return value.value
        case Mapping():
            return {str(name): SET if name in PRIVATE and each else _plain(each) for name, each in value.items()}
        case tuple() | list() | set() | frozenset():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.repr}
    return value


def _name(command: Any, field: str) -> str:
    value = command.names.get(field, "") if isinstance(command, Attempt) else getattr(command, field, "")
    return value[:MOST_WORDS] if isinstance(value, str) else ""


# ------------------------------------------------------------------ reading
@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries: all of these that are given."""

    room: str | None = None
    who: str | None = None
    since: float | None = None
    until: float | None = None
    before: int | None = None
    limit: int = 100


_SELECT = (
    "SELECT * FROM audit WHERE (:room IS NULL OR room = :room) AND (:who IS NULL OR who = :who)"
    " AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at <= :until)"
    " AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit"
)


def entries(db: Database, sought: Sought) -> list[dict[str, Any]]:
    """The latest first."""
    values = {each.name: getattr(sought, each.name) for each in fields(sought)}
    values["limit"] = min(max(sought.limit, 1), MOST_ROWS)
    return [{**row, "details": _read(row["details"])} for row in db.query(_SELECT, values)]


def _read(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
