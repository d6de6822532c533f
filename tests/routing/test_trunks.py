"""By which trunk, and by which of its hosts, a number goes."""

import pytest

from confserver.app.trunks import networks_of, trunks_of
from confserver.config import Settings
from confserver.config.trunks import Trunk as Row
from confserver.routing.trunks import Host, Trunk, TrunkTable
from confserver.sip.ways import Hop


def trunk(name: str, *prefixes: str, hosts: tuple[str, ...] = ("192.0.2.50",), **more: str) -> Trunk:
    return Trunk(name, tuple(Host(Hop("UDP", host, 5060)) for host in hosts), f"{name}.example", prefixes, **more)


def ways(table: TrunkTable, number: str) -> list[tuple[str, str]]:
    return [(way.trunk, way.host) for way in table.serving(number)]


def test_the_longest_beginning_first_then_the_order_of_the_settings() -> None:
    table = TrunkTable([trunk("any"), trunk("de", "+49", "0"), trunk("berlin", "+4930"), trunk("other")])
    assert [name for name, _ in ways(table, "+4930123")] == ["berlin", "de", "any", "other"]
    assert [name for name, _ in ways(table, "+4989")] == ["de", "any", "other"]
    assert [name for name, _ in ways(table, "+33")] == ["any", "other"]


def test_nobody_serves_it() -> None:
    assert TrunkTable([trunk("de", "+49")]).serving("+33") == [] and TrunkTable([]).serving("1") == []


def test_hosts_that_live_first() -> None:
    one = trunk("a", hosts=("192.0.2.50", "192.0.2.51", "192.0.2.52"))
    table = TrunkTable([one])
    one.hosts[0].is_up, one.hosts[2].is_up = False, True
    assert [host for _, host in ways(table, "1")] == ["192.0.2.52", "192.0.2.51", "192.0.2.50"]


def test_what_is_called_there_and_by_whom() -> None:
    [way] = TrunkTable([trunk("a", username="us")]).serving("+49#1")
    assert str(way.uri) == "sip:+49%231@a.example;user=phone" and way.caller == "sip:us@a.example"
    [way] = TrunkTable([trunk("a", username="us", caller="sip:+4930@b")]).serving("1")
    assert way.caller == "sip:+4930@b"


@pytest.mark.parametrize(("host", "is_one"), [("192.0.2.50", True), ("A.Example.", True), ("b.example", False)])
def test_hosts_of_trunks_are_known_by_name(host: str, is_one: bool) -> None:
    assert TrunkTable([trunk("a")]).named(host) is is_one


def test_trunks_of_the_settings() -> None:
    row = Row(
        name="a",
        hosts=("sip.a.example", "192.0.2.5:5070", "[2001:db8::5]"),
        transport="tcp",
        username="u",
        password="secret",
    )
    settings = Settings(trunks=(row,))
    [found] = trunks_of(settings)
    assert [str(host) for host in found.hosts] == ["sip.a.example", "192.0.2.5:5070", "[2001:db8::5]"]
    assert found.hosts[1].hop == Hop("TCP", "192.0.2.5", 5070) and found.domain == "sip.a.example"
    assert found.account is not None and "secret" not in repr(found) and found.call_id
    assert [str(network) for network in networks_of(settings)] == ["192.0.2.5/32", "2001:db8::5/128"]
    [plain] = trunks_of(Settings(trunks=(Row(name="b", hosts=("b",)),)))
    assert plain.account is None
