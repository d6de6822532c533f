"""Who was turned away is in the audit log: one row for a source and a minute, however often he came, and no token."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from confserver.admin.gate import BURST, Gate, Terms
from confserver.admin.problems import Problem
from confserver.admin.tokens import Tokens
from confserver.admin.turned_away import MINUTE_S, MOST, OTHERS, TurnedAway
from confserver.app.auditing import AuditBook
from rooms import store
from rooms.commands import Lock
from rooms.participant import Actor, Role
from rooms.records.audit import Attempt, Sought, entries

NOW = 1_700_000_000.0
SECRET = "s3cr3t-" * 6


class Office:
    """A gate, the book that it tells, and the store that the book writes to."""

    def __init__(self, **terms: int) -> None:
        self.db = Database(memory=True)
        store.migrate(self.db)
        self.now, self.jobs = NOW, 0
        self.book = AuditBook(self._write)
        tokens = Tokens()
        tokens.add("reception", Role.MODERATOR, (), None, "right", NOW, "administrator")
        self.gate = Gate("c" * 43, tokens, Terms(**terms))
        self.gate.tell = lambda kind, by, words: self.away(Attempt("ask", {}), by, kind, words)

    def _write(self, records: list[object]) -> None:
        self.jobs += 1
        store.write(self.db, records)  # type: ignore[arg-type]

    def away(self, asked: Attempt, by: Actor, kind: str = "forbidden", words: str = "no") -> None:
        self.book.turned_away(asked, by, self.now, kind, words)

    def knock(self, token: str | None, source: str = "192.0.2.1") -> int:
        try:
            self.gate.check_source(source, self.now)
            self.gate.admit(token and f"Bearer {token}", source, self.now)
        except Problem as problem:
            return problem.status
        return 200

    def rows(self) -> list[dict[str, object]]:
        self.book.look(self.now)
        return entries(self.db, Sought(limit=1000))[::-1]


def test_wrong_tokens_of_a_minute_are_one_row_with_a_count() -> None:
    it = Office()
    assert it.knock(SECRET) == 401
    [row] = it.rows()
    assert (row["who"], row["action"], row["outcome"], row["source"]) == ("nobody", "ask", "unauthorized", "192.0.2.1")
    assert row["details"] == {} and "wrong" in str(row["reason"]), "it is there at once"
    for _ in range(499):
        it.now += 0.1
        it.knock(SECRET)
    it.now = NOW + MINUTE_S
    [row] = it.rows()
    assert row["details"] == {"times": 500, "last": round(NOW + 49.9, 3)}
    assert it.jobs == 2 and SECRET not in str(list(it.db.query("SELECT * FROM audit")))
    it.knock(SECRET)
    assert len(it.rows()) == 2 and len(it.book._away) == 1


def test_who_shows_no_token_is_noted_too_and_who_shows_a_right_one_is_not() -> None:
    it = Office()
    assert (it.knock(None), it.knock("right"), it.knock(None, "192.0.2.2")) == (401, 200, 401)
    assert [row["source"] for row in it.rows()] == ["192.0.2.1", "192.0.2.2"]


def test_the_first_of_a_series_that_was_slowed_down() -> None:
    it = Office(failures=2)
    assert [it.knock(SECRET) for _ in range(50)] == [401, 401, *[429] * 48]
    it.now += MINUTE_S
    wrong, slow = it.rows()
    assert (wrong["outcome"], wrong["details"]) == ("unauthorized", {"times": 2, "last": NOW})
    assert (slow["outcome"], slow["details"]) == ("too-many-requests", {"times": 48, "last": NOW})


def test_a_pace_names_whose_token_it_was() -> None:
    it = Office(requests=1)
    assert [it.knock("right", "127.0.0.1") for _ in range(BURST + 2)][-2:] == [429, 429]
    [row] = it.rows()
    assert (row["who"], row["role"], row["source"]) == ("reception", "moderator", "127.0.0.1")


def test_a_source_that_asks_too_often_before_it_shows_a_token() -> None:
    it = Office(requests=1)
    assert {it.knock("right", "192.0.2.9") for _ in range(BURST + 2)} == {200, 429}
    assert [(row["outcome"], row["source"]) for row in it.rows()] == [("too-many-requests", "192.0.2.9")]


def test_refusals_by_role_are_a_row_for_each_who_and_what() -> None:
    it = Office()
    screen, other = Actor("screen", Role.OBSERVER, source="h"), Actor("other", Role.OBSERVER, source="h")
    for by in (screen, screen, other):
        it.away(Attempt(Lock, {"room": "standup"}), by)
        it.away(Attempt("GET /tokens", {}), by)
    it.now += MINUTE_S
    found = [(row["who"], row["action"], row["room"], row["details"]) for row in it.rows()]
    assert found == [
        ("screen", "lock", "standup", {"times": 2, "last": NOW}),
        ("screen", "GET /tokens", "", {"times": 2, "last": NOW}),
        ("other", "lock", "standup", {}), ("other", "GET /tokens", "", {}),
    ]  # fmt: skip


def test_a_flood_from_everywhere_is_bounded_and_hides_no_other_kind() -> None:
    it = Office()
    for number in range(5000):
        it.knock(SECRET, f"192.0.{number // 250}.{number % 250}")
    assert len(it.book._away) == MOST + 1
    it.away(Attempt("GET /tokens", {}), Actor("screen", Role.OBSERVER))
    it.now += MINUTE_S
    rows = it.rows()
    assert len(rows) == MOST + 2 and rows[-1]["who"] == "screen"
    assert (rows[MOST]["source"], rows[MOST]["details"]) == (OTHERS, {"times": 5000 - MOST, "last": NOW})
    assert it.jobs == MOST + 1 + 1 + 1, "the counts are one job"
    assert len(it.book._away) == 0 and it.book._away._of_kind == {"unauthorized": 0, "forbidden": 0}


def test_neighbours_by_ipv6_are_one_source() -> None:
    it = Office()
    for number in range(1, 300):
        it.knock(SECRET, f"2001:db8::{number:x}")
    assert [row["source"] for row in it.rows()] == ["2001:db8::/64"]


def test_a_name_that_may_be_a_key_is_not_told() -> None:
    away = TurnedAway()
    [record] = away.note(
        Attempt("GET /tokens/{token}", {"token": SECRET}), Actor("x", Role.OBSERVER), NOW, "forbidden", ""
    )
    assert SECRET not in str(record.values)


@pytest.mark.parametrize("times", [1, 2])
def test_nothing_is_left_when_the_server_stops(times: int) -> None:
    it = Office()
    for _ in range(times):
        it.knock(SECRET)
    it.book.look(float("inf"))
    [row] = entries(it.db, Sought())
    assert row["details"] == ({} if times == 1 else {"times": 2, "last": NOW})
