"""Users: names, aliases, passwords."""

from __future__ import annotations

import pytest

from confserver.routing.refusals import Conflict, Invalid, NotFound, Refused
from confserver.routing.users import Users
from confserver.sip.digest import ALGORITHMS, ha1
from confserver.sip.uri import parse_uri

PASSWORD = "correct horse"


@pytest.fixture
def users() -> Users:
    users = Users("example.com")
    users.add("alice", PASSWORD, "Alice Ä.", ["tel:+49-30-1234", "boss", "1000"], 5.0)
    users.add("bob", PASSWORD, "", [], 6.0)
    return users


@pytest.mark.parametrize(
    "uri",
    [
        "sip:alice@example.com", "sip:Alice@10.0.0.1:5060", "sips:%61lice@x", "sip:boss@x", "sip:BOSS@x",
        "tel:+49301234", "tel:+49-30-12.34", "sip:+49301234@x;user=phone", "sip:1000@x",
    ],
)  # fmt: skip
def test_all_names_lead_to_the_user(users: Users, uri: str) -> None:
    found = users.find_uri(parse_uri(uri))
    assert found is not None and found.name == "alice"


@pytest.mark.parametrize("uri", ["sip:carol@x", "tel:+4930123", "sip:x", "sip:alic@x"])
def test_others_lead_nowhere(users: Users, uri: str) -> None:
    assert users.find_uri(parse_uri(uri)) is None


def test_of_the_password_only_the_hashes_stay(users: Users) -> None:
    alice = users.get("alice")
    assert dict(alice.secrets) == {each: ha1(each, "alice", "example.com", PASSWORD) for each in ALGORITHMS}
    told = f"{alice!r} {alice.describe()}"
    assert PASSWORD not in told and not any(secret in told for secret in alice.secrets.values())


def test_a_password_of_another_realm_is_no_good() -> None:
    old = Users("old").add("alice", PASSWORD, "", [], 0.0)
    users = Users("new")
    users.restore([old])
    assert users.secret_of(users.get("alice"), "MD5") is None
    users.set_password("alice", PASSWORD, 1.0)
    assert users.secret_of(users.get("alice"), "MD5") is not None


@pytest.mark.parametrize(
    ("name", "password", "display", "aliases", "kind"),
    [
        ("Alice", PASSWORD, "", [], Invalid),
        ("", PASSWORD, "", [], Invalid),
        ("a b", PASSWORD, "", [], Invalid),
        ("a" * 65, PASSWORD, "", [], Invalid),
        ("-a", PASSWORD, "", [], Invalid),
        ("carol", "short", "", [], Invalid),
        ("carol", "with\nbreak", "", [], Invalid),
        ("carol", "x" * 129, "", [], Invalid),
        ("carol", PASSWORD, "x" * 65, [], Invalid),
        ("carol", PASSWORD, "a\x1b[2J", [], Invalid),
        ("carol", PASSWORD, "", ["a b"], Invalid),
        ("carol", PASSWORD, "", ["tel:abc"], Invalid),
        ("carol", PASSWORD, "", [f"n{i}" for i in range(21)], Invalid),
        ("carol", PASSWORD, "", ["carol"], Conflict),
        ("carol", PASSWORD, "", ["bob"], Conflict),
        ("carol", PASSWORD, "", ["+49 30 1234"], Conflict),
        ("alice", PASSWORD, "", [], Conflict),
        ("boss", PASSWORD, "", [], Conflict),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    users: Users, name: str, password: str, display: str, aliases: list[str], kind: type[Refused]
) -> None:
    before = users.list()
    with pytest.raises(kind):
        users.add(name, password, display, aliases, 9.0)
    assert users.list() == before


def test_changes_leave_the_rest_as_it_is(users: Users) -> None:
    users.change("alice", 9.0, None, ["2000"], None)
    alice = users.get("alice")
    assert (alice.display, alice.aliases, alice.enabled, alice.changed_at) == ("Alice Ä.", ("2000",), True, 9.0)
    assert users.find("boss") is None and users.find("2000") is alice
    users.change("alice", 10.0, "A.", None, False)
    assert (users.get("alice").display, users.get("alice").enabled) == ("A.", False)
    assert users.find("2000") is users.get("alice")


def test_empty_aliases_are_none(users: Users) -> None:
    """What the command line says for none at all."""
    assert users.change("alice", 9.0, None, [""], None).aliases == ()


def test_nobody_takes_anothers_name(users: Users) -> None:
    with pytest.raises(Conflict):
        users.change("bob", 9.0, None, ["boss"], None)
    users.remove("alice")
    users.change("bob", 9.0, None, ["boss", "alice"], None)
    assert users.find("boss") is users.get("bob")


def test_who_is_not_there(users: Users) -> None:
    for ask in (users.get, users.remove, lambda name: users.set_password(name, PASSWORD, 1.0)):
        with pytest.raises(NotFound):
            ask("carol")
