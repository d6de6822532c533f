"""Users and bindings on disk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlite_utils import Database

from confserver.routing import store
from confserver.routing.location import Binding, Bound, Unbound
from confserver.routing.user_store import drop_user, keep_changes, keep_user, kept_key, load_bindings, load_users
from confserver.routing.users import Users
from confserver.sip.flow import Flow
from confserver.sip.uri import parse_uri

ALICE = Users("home").add("alice", "correct horse", "Älice", ["+49301234", "boss"], 5.0)
UDP = Flow("UDP", ("2001:db8::1", 5060), ("2001:db8::9", 5062))
TLS = Flow("TLS", ("192.0.2.1", 5061), ("192.0.2.9", 40000), 7)
PLAIN = Binding(
    user="alice", contact=parse_uri("sip:a@[2001:db8::9]:5062;x"), expires_at=100.0, call_id="c", cseq=2**31, q=500,
    path=("<sip:p;lr>", "<sip:q,r;lr>"), params=';audio;+sip.instance="<urn:x>"', instance="urn:x", flow=UDP,
    source="[2001:db8::9]:5062", gruu=2**47, user_agent="Ä phone", registered_at=1.0,
)  # fmt: skip
OUTBOUND = replace(PLAIN, flow=TLS, reg_id=1, is_outbound=True, registered_at=2.0)


@pytest.fixture
def db() -> Database:
    made = Database(memory=True)
    store.migrate(made)
    return made


def test_users_come_back_as_they_were(db: Database) -> None:
    keep_user(db, ALICE)
    assert load_users(db) == [ALICE]
    changed = replace(ALICE, enabled=False, aliases=(), secrets={"MD5": "x"})
    keep_user(db, changed)
    assert load_users(db) == [changed]


def test_bindings_come_back_as_they_were_but_for_connections(db: Database) -> None:
    tcp = replace(
        PLAIN, contact=parse_uri("sip:a@x;transport=tcp"), flow=replace(TLS, transport="TCP"), registered_at=3.0
    )
    keep_changes(db, [Bound(PLAIN), Bound(OUTBOUND), Bound(tcp)])
    assert load_bindings(db, 10.0) == [PLAIN, replace(tcp, flow=None)]
    assert load_bindings(db, 100.0) == []


def test_an_outbound_flow_by_udp_comes_back(db: Database) -> None:
    """Its address and our socket are all there is to it."""
    by_udp = replace(OUTBOUND, flow=UDP)
    keep_changes(db, [Bound(by_udp)])
    assert load_bindings(db, 10.0) == [by_udp]


def test_changes_replace_and_remove(db: Database) -> None:
    longer = replace(PLAIN, expires_at=200.0)
    keep_changes(db, [Bound(PLAIN), Bound(longer)])
    assert load_bindings(db, 10.0) == [longer]
    keep_changes(db, [Unbound(longer, "removed")])
    assert load_bindings(db, 10.0) == []


def test_a_user_takes_everything_along(db: Database) -> None:
    keep_user(db, ALICE)
    keep_changes(db, [Bound(PLAIN), Bound(replace(PLAIN, user="bob"))])
    drop_user(db, "alice")
    assert load_users(db) == []
    assert [binding.user for binding in load_bindings(db, 1.0)] == ["bob"]
    assert db["user_secrets"].count == 0


def test_a_key_is_made_once(db: Database) -> None:
    assert kept_key(db, "gruu", b"one") == kept_key(db, "gruu", b"two") == b"one"
    assert kept_key(db, "other", b"two") == b"two"


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE user_secrets",
        "DROP TABLE bindings",
        "UPDATE bindings SET contact = 'nonsense'",
        "UPDATE bindings SET path = 'nonsense'",
        "UPDATE bindings SET remote = '[]'",
    ],
)
def test_a_damaged_store_is_one_line(db: Database, damage: str) -> None:
    keep_changes(db, [Bound(PLAIN)])
    db.execute(damage)
    with pytest.raises(store.StoreError, match="cannot be read"):
        load_users(db)
        load_bindings(db, 1.0)
