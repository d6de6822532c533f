"""Whose domain it is."""

from __future__ import annotations

import pytest

from confserver.routing.domains import Domains
from confserver.sip.uri import parse_uri

HOSTS = ["192.0.2.1", "2001:db8::1"]
LISTED, UNLISTED = Domains(["Home.example", "b.example."], lambda: HOSTS), Domains((), lambda: HOSTS)


@pytest.mark.parametrize(
    ("host", "is_listed", "is_sure"),
    [
        ("home.example", True, False),
        ("HOME.example.", True, False),
        ("b.example", True, False),
        ("example", False, False),
        ("192.0.2.1", True, True),
        ("[2001:db8:0::1]", True, True),
        ("192.0.2.2", False, False),
        ("127.0.0.1", True, True),
        ("localhost", True, True),
    ],
)
def test_hosts(host: str, is_listed: bool, is_sure: bool) -> None:
    """Without a list whoever asks us means us; but of ourselves we are only sure of our addresses."""
    uri = parse_uri(f"sip:alice@{host}")
    assert LISTED.is_ours(uri) == LISTED.is_surely_ours(uri) == is_listed
    assert UNLISTED.is_ours(uri) and UNLISTED.is_surely_ours(uri) == is_sure


def test_numbers_have_no_domain() -> None:
    assert LISTED.is_ours(parse_uri("tel:1000")) and not LISTED.is_surely_ours(parse_uri("tel:1000"))


def test_addresses_may_change() -> None:
    hosts: list[str] = []
    domains = Domains(["x"], lambda: hosts)
    assert not domains.is_ours(parse_uri("sip:a@192.0.2.7"))
    hosts.append("192.0.2.7")
    assert domains.is_ours(parse_uri("sip:a@192.0.2.7"))
