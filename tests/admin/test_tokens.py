"""Tokens: made, shown once, scoped, over, revoked; kept by their hash alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from confserver.admin import token_store as store
from confserver.admin.store import StoreError
from confserver.admin.tokens import ADMINISTRATOR, MOST_TOKENS, Holder, Tokens, digest_of
from rooms.errors import Conflict, Full, Invalid, NotFound
from rooms.participant import Role

NOW = 1_700_000_000.0


def made(tokens: Tokens, name: str = "reception", **more: object) -> str:
    given = {"role": Role.MODERATOR, "rooms": (), "seconds": None, "secret": f"secret of {name}", "now": NOW} | more
    tokens.add(name, by="administrator", **given)  # type: ignore[arg-type]
    return str(given["secret"])


def test_a_token_is_known_by_what_was_shown_and_kept_as_a_hash() -> None:
    tokens = Tokens()
    secret = made(tokens, rooms=("Standup", "team-*"))
    assert tokens.holder_of(secret, NOW) == Holder("reception", Role.MODERATOR, ("standup", "team-*"))
    for wrong in ("", secret + " ", secret.upper(), digest_of(secret), "reception", "\udcff"):
        assert tokens.holder_of(wrong, NOW) is None
    [token] = tokens.list()
    assert secret not in repr(token) + repr(token.describe()) + token.digest
    assert token.describe()["by"] == "administrator"


def test_it_is_over_when_its_time_has_come() -> None:
    tokens = Tokens()
    secret = made(tokens, seconds=60.0)
    holder = tokens.holder_of(secret, NOW + 59.9)
    assert holder is not None and tokens.holds(holder, NOW + 59.9)
    assert tokens.holder_of(secret, NOW + 60) is None and not tokens.holds(holder, NOW + 60)
    assert made(tokens, now=NOW + 61, secret="another"), "its name is free again"
    assert tokens.holder_of(secret, NOW) is None
    assert not tokens.expire(NOW + 1e9)


def test_what_is_over_is_dropped() -> None:
    tokens = Tokens()
    made(tokens, seconds=60.0)
    made(tokens, "other")
    assert [token.name for token in tokens.expire(NOW + 60)] == ["reception"]
    assert [token.name for token in tokens.list()] == ["other"]


def test_a_revoked_one_is_nobodys() -> None:
    tokens = Tokens()
    secret = made(tokens)
    holder = tokens.holder_of(secret, NOW)
    tokens.revoke("reception")
    assert tokens.holder_of(secret, NOW) is None
    assert holder is not None and not tokens.holds(holder, NOW)
    with pytest.raises(NotFound):
        tokens.revoke("reception")
    made(tokens, secret="a new one", role=Role.OBSERVER)
    assert not tokens.holds(holder, NOW), "the name alone is no right"
    assert tokens.holds(ADMINISTRATOR, NOW)


def test_a_name_is_given_once() -> None:
    tokens = Tokens()
    secret = made(tokens)
    with pytest.raises(Conflict):
        made(tokens, secret="another")
    assert tokens.holder_of(secret, NOW) and tokens.holder_of("another", NOW) is None


@pytest.mark.parametrize("name", ["", "-", "a b", "administrator", "system", "ä", "a" * 65, "a/b", "a\n"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(Invalid):
        made(Tokens(), name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": Role.ADMIN, "rooms": ("standup",)}, {"rooms": ("a b",)}, {"rooms": ("*" * 4,)}, {"rooms": ("[a]*",)},
        {"rooms": tuple(f"r{n}" for n in range(101))}, {"seconds": 0.0}, {"seconds": -1.0}, {"seconds": float("nan")},
        {"seconds": float("inf")}, {"rooms": ("",)},
    ],
)  # fmt: skip
def test_what_no_token_can_be(wrong: dict[str, object]) -> None:
    tokens = Tokens()
    with pytest.raises(Invalid):
        made(tokens, **wrong)
    assert not tokens.list()


def test_there_are_only_so_many() -> None:
    tokens = Tokens()
    for number in range(MOST_TOKENS):
        made(tokens, f"t{number}")
    with pytest.raises(Full):
        made(tokens)


@pytest.mark.parametrize(
    ("rooms", "room", "sees"),
    [
        ((), "any", True), (("standup",), "standup", True), (("standup",), "standup2", False),
        (("team-*",), "team-a", True), (("team-*",), "team", False), (("*-board",), "x-board", True),
        (("*",), "x", True),
        (("a.b",), "axb", False),
    ],
)  # fmt: skip
def test_which_rooms_there_are(rooms: tuple[str, ...], room: str, sees: bool) -> None:
    assert Holder("x", Role.OBSERVER, rooms).sees(room) is sees


# ------------------------------------------------------------------ the store
def test_the_store_keeps_what_holds_and_no_secret(tmp_path: Path) -> None:
    db = Database(tmp_path / "db")
    store.migrate(db)
    store.migrate(db)
    tokens = Tokens()
    secret = made(tokens, rooms=("standup", "team-*"), seconds=60.0)
    made(tokens, "other", role=Role.ADMIN)
    for token in tokens.list():
        store.keep(db, token)
    again = Tokens()
    again.restore(store.load(db, NOW))
    assert again.list() == tokens.list()
    assert again.holder_of(secret, NOW) == tokens.holder_of(secret, NOW)
    assert secret not in "".join(map(str, db.query("SELECT * FROM tokens")))
    assert [token.name for token in store.load(db, NOW + 61)] == ["other"]
    store.drop(db, "other")
    assert store.load(db, NOW) == []


def test_a_store_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    db = Database(tmp_path / "db")
    store.migrate(db)
    db.execute("INSERT INTO tokens VALUES ('x', 'king', '[]', 'd', 1.0, NULL, 'y')")
    with pytest.raises(StoreError, match="the tokens in the store cannot be read"):
        store.load(db, NOW)
