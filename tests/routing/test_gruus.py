"""GRUUs: what is given leads back, and what is made up does not."""

from __future__ import annotations

import pytest

from confserver.routing.gruus import Gruus, is_gruu
from confserver.sip.uri import parse_uri

ALICE = parse_uri("sip:alice@example.com:5070;transport=tcp")
URN = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


def test_a_public_one_names_the_phone() -> None:
    uri = Gruus(b"s").public(ALICE, URN)
    assert str(uri) == f"sip:alice@example.com:5070;gr={URN}"
    assert is_gruu(uri) and parse_uri(str(uri)).param("gr") == URN


@pytest.mark.parametrize("odd", ["urn:x-y:a;b=c", "urn:a?b#c", 'a"<>@ %', "ü"])
def test_odd_urns_are_escaped_and_come_back(odd: str) -> None:
    assert parse_uri(str(Gruus(b"s").public(ALICE, odd))).param("gr") == odd


def test_a_temporary_one_leads_to_its_number_and_tells_nothing() -> None:
    gruus = Gruus(b"s")
    one, two = gruus.temporary(ALICE, 77, "abc123"), gruus.temporary(ALICE, 77, "abc124")
    assert gruus.number_in(one.user) == gruus.number_in(two.user) == 77
    assert is_gruu(one) and parse_uri(str(one)) == one
    assert "alice" not in str(one) and one.user[-30:] != two.user[-30:]


@pytest.mark.parametrize("change", range(7, 45, 3))
def test_a_changed_one_leads_nowhere(change: int) -> None:
    gruus = Gruus(b"s")
    user = gruus.temporary(ALICE, 2**40, "abc123").user
    other = "0" if user[change] != "0" else "1"
    assert gruus.number_in(user[:change] + other + user[change + 1 :]) is None


@pytest.mark.parametrize("user", ["", "tgruu.", "tgruu.a", "tgruu.a." + "z" * 32, "tgruu.a." + "ü" * 32, "alice"])
def test_made_up_ones_lead_nowhere(user: str) -> None:
    assert Gruus(b"s").number_in(user) is None


def test_another_secret_another_world() -> None:
    assert Gruus(b"t").number_in(Gruus(b"s").temporary(ALICE, 1, "a").user) is None
