"""Bans: whom they hit, how long, and what an administrator may do."""

from __future__ import annotations

import ipaddress

import pytest

from confserver.routing.bans import ADMINISTRATOR, FOR_GOOD, MOST_BANS, MOST_NAMED, SERVER, Ban, Bans, name_of
from confserver.routing.refusals import Conflict, Invalid, NotFound

NOW = 1000.0


def is_banned(bans: Bans, host: str, now: float = NOW) -> bool:
    return bans.until(ipaddress.ip_address(host), now) > now


def test_the_servers_bans_last_longer_each_time() -> None:
    bans, now = Bans(600.0), NOW
    lengths = []
    for _ in range(6):
        ban = bans.strike("192.0.2.7", "too many calls", now)
        lengths.append(ban.until - now)
        now = ban.until + 1
        assert bans.end(now) == [ban] and len(bans) == 0
    assert lengths == [600, 3600, 21_600, 86_400, 86_400, 86_400]
    assert bans.strike("192.0.2.7", "", now + 8 * 86_400).until - now == 8 * 86_400 + 600, "forgiven after a week"


def test_a_ban_hits_its_source_alone_and_ends() -> None:
    bans = Bans()
    bans.strike("192.0.2.7", "", NOW)
    assert is_banned(bans, "192.0.2.7") and not is_banned(bans, "192.0.2.8")
    assert not is_banned(bans, "192.0.2.7", NOW + 601)
    assert bans.list(NOW + 601) == []


def test_an_ipv6_source_is_its_64() -> None:
    bans = Bans()
    bans.strike("2001:db8:0:1::/64", "", NOW)
    assert is_banned(bans, "2001:db8:0:1::9") and not is_banned(bans, "2001:db8:0:2::9")


def test_administrators_ban_networks_for_good() -> None:
    bans = Bans()
    ban = bans.add("198.51.100.7/24", "calls at night", None, NOW)
    assert (ban.network, ban.until, ban.by) == ("198.51.100.0/24", FOR_GOOD, ADMINISTRATOR)
    assert ban.describe()["until"] is None
    assert is_banned(bans, "198.51.100.200", 1e12) and not is_banned(bans, "198.51.101.1")
    assert bans.add("198.51.100.0/24", "for an hour then", 3600, NOW).until == NOW + 3600 and len(bans) == 1
    assert bans.add("2001:db8::/32", "", None, NOW) and is_banned(bans, "2001:db8:ffff::1")


def test_lifting() -> None:
    bans = Bans()
    bans.strike("192.0.2.7", "", NOW)
    before = bans.version
    assert bans.lift(" 192.0.2.7 ").by == SERVER and not is_banned(bans, "192.0.2.7")
    assert bans.version > before
    assert bans.strike("192.0.2.7", "", NOW).until == NOW + 600, "a lifted ban was none"
    with pytest.raises(NotFound):
        bans.lift("192.0.2.8")


@pytest.mark.parametrize("network", ["", "localhost", "192.0.2", "300.1.1.1", "192.0.2.0/33", "x" * 1000, "\x1b[2J"])
def test_what_is_no_network(network: str) -> None:
    with pytest.raises(Invalid):
        Bans().add(network, "", None, NOW)


@pytest.mark.parametrize("network", ["127.0.0.1", "127.9.0.0/16", "0.0.0.0/0", "::1", "::/0", "[::1]"])
def test_loopback_is_never_banned(network: str) -> None:
    with pytest.raises(Invalid, match="loopback"):
        Bans().add(network, "", None, NOW)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_what_is_no_time(seconds: float) -> None:
    with pytest.raises(Invalid):
        Bans().add("192.0.2.7", "", seconds, NOW)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("192.0.2.7/32", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[2001:db8::7]", "2001:db8::/64"),
        ("2001:db8::7/128", "2001:db8::/64"),
        ("2001:db8::/48", "2001:db8::/48"),
    ],
)
def test_one_name_for_one_thing(text: str, name: str) -> None:
    assert name_of(text) == name


def test_there_are_never_too_many() -> None:
    bans = Bans()
    bans.add("198.51.100.0/24", "", None, NOW)
    for number in range(MOST_BANS + MOST_NAMED + 500):
        bans.strike(str(ipaddress.ip_address(0x0A000000 + number)), "", NOW)
    assert len(bans) == MOST_BANS + MOST_NAMED
    assert is_banned(bans, "198.51.100.1"), "an administrator's ban does not give way"
    assert not is_banned(bans, "10.0.0.0")
    for number in range(MOST_NAMED - 1):
        bans.add(f"10.{number // 250}.{number % 250}.0/24", "", None, NOW)
    with pytest.raises(Conflict):
        bans.add("192.0.2.1", "", None, NOW)
    bans.add("198.51.100.0/24", "again", None, NOW)


def test_over_a_restart() -> None:
    bans = Bans()
    bans.restore([Ban("192.0.2.7", "a", 1.0, NOW + 9), Ban("192.0.2.8", "b", 1.0, NOW - 9)], NOW)
    assert [ban.network for ban in bans.list(NOW)] == ["192.0.2.7"]


def test_a_reason_is_one_line_for_people() -> None:
    assert Bans().add("192.0.2.7", "a\nb\x1b[2J" + "c" * 500, None, NOW).reason[:4] == "a?b?"
    assert len(Bans().add("192.0.2.7", "c" * 500, None, NOW).reason) == 200
