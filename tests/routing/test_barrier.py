"""The barrier before a stack: who is heard, who is silenced, who is banned, and who goes on talking beside it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import pytest

from confserver.routing.bans import BanLifted, Bans, BanSet
from confserver.routing.barrier import Barrier, Silenced
from confserver.routing.budgets import Rate, bounds
from confserver.routing.guard import Guard
from confserver.routing.overload import Overload
from confserver.sip.outputs import CallArrived, Output
from tests.kit.sip_play import SDP, START, Wire, at_rest, sent, statuses, udp

STRANGER, OTHER, INSIDE, TRUSTED, LOOPBACK = (
    ("203.0.113.7", 5060), ("203.0.113.8", 5060), ("192.0.2.9", 5062), ("198.51.100.1", 5060), ("127.0.0.1", 5060),
)  # fmt: skip


@dataclass
class Yard:
    """A stack behind a barrier; ``hears`` is what the shell does with each datagram."""

    strangers: float = 1000.0
    outside: tuple[str, ...] = ()
    late_s: float = 0.25
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        net = ipaddress.ip_network
        self.guard = Guard(
            [net("198.51.100.0/24")], [net("192.0.2.0/24")], outside=[net(text) for text in self.outside]
        )
        self.bans = Bans()
        self.barrier = Barrier(
            self.guard,
            self.bans,
            bounds(messages=50, requests=4, calls_a_minute=6, failures_a_minute=5, connections_a_minute=4),
            Rate(self.strangers, self.strangers),
            Overload(self.late_s),
        )
        self.wire = Wire(sentry=self.barrier)
        self.count = 0

    def hear(self, source: tuple[str, int], method: str = "OPTIONS", *headers: str, **more: object) -> list[Output]:
        self.count += 1
        if not self.barrier.hears(source[0], self.wire.now):
            return []
        if method == "INVITE":
            more = {"body": SDP, **more}
        text = self.wire.request(method, *headers, **{"call_id": f"c{self.count}", **more})  # type: ignore[arg-type]
        return self.wire.hear(text, udp(source))

    def call(self, source: tuple[str, int]) -> None:
        """A call that is answered."""
        [arrived] = [each for each in self.hear(source, "INVITE", call_id="good") if isinstance(each, CallArrived)]
        tag = sent(self.wire.stack.accept(arrived.call, SDP, self.wire.now))[0].to.tag
        self.wire.hear(self.wire.request("ACK", to_tag=tag, call_id="good"), udp(source))

    def refuse(self, source: tuple[str, int], status: int = 404, times: int = 1) -> list[int]:
        """Calls of it that the house refuses; what is answered."""
        said = []
        for _ in range(times):
            for output in self.hear(source, "INVITE", "Proxy-Authorization: Digest x"):
                if isinstance(output, CallArrived):
                    said += statuses(self.wire.stack.refuse(output.call, status, self.wire.now))
        return said


@pytest.mark.parametrize("source", [STRANGER, INSIDE])
def test_too_many_requests_are_not_answered(source: tuple[str, int]) -> None:
    """Ten times as many from inside."""
    yard, factor = Yard(), 10 if source is INSIDE else 1
    answered = sum(bool(yard.hear(source)) for _ in range(20 * factor + 5))
    assert answered == 20 * factor
    yard.wire.now += 1
    assert sum(bool(yard.hear(source)) for _ in range(10 * factor)) == 4 * factor
    assert yard.hear(OTHER), "another source has its own budget"
    assert [event for event in yard.barrier.taken() if isinstance(event, Silenced)] == [
        Silenced(source[0], "too many requests")
    ], "told once"


def test_too_many_datagrams_are_not_even_read() -> None:
    yard = Yard()
    heard = sum(yard.barrier.hears(STRANGER[0], START) for _ in range(300))
    assert heard == 100
    assert yard.barrier.hears(OTHER[0], START)


def test_loopback_has_no_bounds() -> None:
    yard = Yard()
    assert all(yard.hear(LOOPBACK) for _ in range(1000))
    assert yard.refuse(LOOPBACK, times=100) == [404] * 100
    assert yard.hear(LOOPBACK, "OPTIONS", "User-Agent: friendly-scanner")
    assert all(yard.barrier.connects("::1", START) for _ in range(1000))
    assert len(yard.bans) == 0


def test_loopback_may_count_as_outside_for_trials() -> None:
    yard = Yard(outside=("127.0.0.2/32",))
    assert sum(bool(yard.hear(("127.0.0.2", 5060))) for _ in range(50)) == 20
    assert all(yard.hear(LOOPBACK) for _ in range(50))
    assert not yard.guard.may_call("127.0.0.2") and yard.guard.may_call("127.0.0.1")


def test_calls_without_credentials_are_fewer() -> None:
    yard = Yard()
    assert sum(bool(yard.hear(STRANGER, "INVITE")) for _ in range(12)) == 6
    assert yard.hear(STRANGER, "INVITE", "Authorization: Digest x")
    yard.wire.now += 20
    assert sum(bool(yard.hear(STRANGER, "INVITE")) for _ in range(12)) == 2


@pytest.mark.parametrize(
    "header",
    [
        "User-Agent: friendly-scanner",
        "User-Agent: a SIPVicious 0.3",
        "User-Agent: sipcli/v1.8",
        "User-Agent: my VaxSIPUserAgent/3",
    ],
)
def test_scanners_get_silence_and_a_ban(header: str) -> None:
    yard = Yard()
    outputs = yard.hear(STRANGER, "OPTIONS", header)
    if "my " in header:
        assert outputs, "the name does not begin so"
        return
    assert outputs == [] and at_rest(yard.wire.stack)
    [event] = yard.barrier.taken()
    assert isinstance(event, BanSet) and "scanner" in event.ban.reason
    assert event.ban.until == START + 600
    assert yard.hear(STRANGER) == [] and yard.hear(STRANGER, "INVITE") == []
    assert yard.hear(OTHER)
    yard.wire.now += 601
    assert yard.hear(STRANGER)


@pytest.mark.parametrize("agent", ["Chrismap Phone", "Snom/8", "sipsak 0.9", "Yealink", ""])
def test_phones_are_no_scanners(agent: str) -> None:
    assert Yard().hear(STRANGER, "OPTIONS", f"User-Agent: {agent}")


@pytest.mark.parametrize("status", [403, 404, 401])
def test_refused_over_and_over_is_a_ban(status: int) -> None:
    yard = Yard()
    assert yard.refuse(STRANGER, status, times=10) == [status] * 6, "the sixth is still told: its state is there"
    [event] = [each for each in yard.barrier.taken() if isinstance(each, BanSet)]
    assert event.ban.network == STRANGER[0] and "too many" in event.ban.reason
    assert yard.hear(STRANGER) == []


@pytest.mark.parametrize("status", [486, 480, 488, 503])
def test_busy_is_no_offence(status: int) -> None:
    yard = Yard()
    for _ in range(30):
        yard.wire.now += 1
        assert yard.refuse(STRANGER, status) == [status]
    assert len(yard.bans) == 0


def test_broken_requests_are_offences_too() -> None:
    yard = Yard()
    answers = 0
    for _ in range(20):
        if yard.barrier.hears(STRANGER[0], START):
            broken = yard.wire.request("OPTIONS").replace("CSeq: 1 OPTIONS", "CSeq: x")
            answers += len(yard.wire.hear(broken, udp(STRANGER)))
    assert answers == 5
    assert [ban.reason for ban in yard.bans.list(START)] == ["too many requests that cannot be read"]


def test_unknown_methods_are_offences_too() -> None:
    yard = Yard()
    assert sum(bool(yard.hear(STRANGER, "PUBLISH")) for _ in range(20)) == 5


def test_who_goes_on_and_on_is_banned() -> None:
    yard = Yard()
    for _ in range(700):
        yard.barrier.hears(STRANGER[0], START)
    [silenced, banned] = yard.barrier.taken()
    assert isinstance(silenced, Silenced) and isinstance(banned, BanSet)
    assert banned.ban.reason == "too many messages, on and on"


def test_an_answered_call_makes_a_source_known_as_good() -> None:
    """It has ten times the budget, and is silenced, never banned: anybody can write its address on datagrams."""
    yard = Yard()
    yard.call(STRANGER)
    yard.wire.now += 5
    assert sum(bool(yard.hear(STRANGER)) for _ in range(300)) == 200
    yard.wire.now += 60
    yard.refuse(STRANGER, times=80)
    for _ in range(3000):
        yard.barrier.hears(STRANGER[0], yard.wire.now)
    assert len(yard.bans) == 0 and yard.hear(STRANGER) == []
    yard.wire.now += 60
    assert yard.hear(STRANGER), "when it is quiet again it is heard again"


def test_an_invite_alone_proves_nothing() -> None:
    """Its address may be made up: only the ACK has heard our answer."""
    yard = Yard()
    [arrived] = [each for each in yard.hear(STRANGER, "INVITE") if isinstance(each, CallArrived)]
    yard.wire.stack.accept(arrived.call, SDP, START)
    yard.wire.hear(yard.wire.request("ACK", to_tag="guessed", call_id="c1"), udp(STRANGER))
    assert sum(bool(yard.hear(STRANGER)) for _ in range(300)) < 20


def test_all_strangers_together_get_503_before_others_suffer() -> None:
    yard = Yard(strangers=5.0)
    yard.call(TRUSTED)
    said = [statuses(yard.hear((f"203.0.113.{n}", 5060))) for n in range(20)]
    assert said.count([503]) == 15
    answer = sent(yard.hear(("203.0.113.99", 5060)))[0]
    assert answer.headers.get("Retry-After") == "10"
    assert statuses(yard.hear(TRUSTED)) == [] and statuses(yard.hear(INSIDE)) == [], "they come through"
    yard.wire.now += 1
    assert statuses(yard.hear(("203.0.113.99", 5060))) == []


def test_overload_gives_503_to_what_is_new_and_takes_what_is_not() -> None:
    """RFC 3261 21.5.4; loopback too: it is told, not silenced."""
    yard = Yard()
    yard.call(STRANGER)
    for _ in range(20):
        yard.barrier.late(1.0, yard.wire.now)
    for source in (STRANGER, INSIDE, LOOPBACK):
        assert statuses(yard.hear(source)) == [503]
    call = next(iter(yard.wire.stack._core.calls.values()))
    assert call.dialog is not None
    tag = call.dialog.local.tag
    assert statuses(yard.hear(STRANGER, "BYE", call_id="good", to_tag=tag, cseq=2)) == [200]
    for _ in range(30):
        yard.wire.now += 0.1
        yard.barrier.late(0.0, yard.wire.now)
    assert statuses(yard.hear(LOOPBACK)) == []


def test_it_is_not_overloaded_by_one_late_moment() -> None:
    yard = Yard()
    for _ in range(3):
        yard.barrier.late(10.0, START)
    assert statuses(yard.hear(LOOPBACK)) == []
    assert not Yard(late_s=0.0).barrier.late(60.0, START)


def test_connections() -> None:
    yard = Yard()
    assert [yard.barrier.connects(STRANGER[0], START) for _ in range(6)] == [True] * 4 + [False] * 2
    assert sum(yard.barrier.connects(INSIDE[0], START) for _ in range(60)) == 40
    yard.bans.add("203.0.113.8", "", None, START)
    assert not yard.barrier.connects(OTHER[0], START)


def test_a_ban_counts_at_once_and_so_does_its_end() -> None:
    yard = Yard()
    assert yard.barrier.hears(STRANGER[0], START)
    yard.bans.add("203.0.113.0/24", "", None, START)
    assert not yard.barrier.hears(STRANGER[0], START) and not yard.barrier.hears(OTHER[0], START)
    yard.bans.lift("203.0.113.0/24")
    assert yard.barrier.hears(STRANGER[0], START)
    yard.bans.strike(STRANGER[0], "", START)
    yard.barrier.ended(START + 601)
    assert [type(each) for each in yard.barrier.taken()] == [BanLifted]


def test_a_network_that_the_machine_is_attached_to_later() -> None:
    yard = Yard()
    for _ in range(200):
        yard.barrier.hears(STRANGER[0], START)
    assert not yard.barrier.hears(STRANGER[0], START)
    yard.guard.attached = (ipaddress.ip_network("203.0.113.0/24"),)
    yard.barrier.look_again()
    assert sum(yard.barrier.hears(STRANGER[0], START + 1) for _ in range(1000)) == 500


def test_a_spoofed_flood_costs_bounded_memory() -> None:
    yard = Yard()
    for number in range(60_000):
        yard.barrier.hears(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", START)
    for number in range(60_000):
        yard.barrier.hears(f"2001:db8:{number:x}::{number:x}", START)
    described = yard.barrier.describe()
    assert isinstance(described["sources"], int) and described["sources"] <= 16_000


def test_an_ipv6_source_may_not_change_its_address() -> None:
    yard = Yard()
    heard = sum(yard.barrier.hears(f"2001:db8::{number:x}", START) for number in range(1, 300))
    assert heard == 100


def test_odd_hosts_do_no_harm() -> None:
    yard = Yard()
    for host in ("", "localhost", "fe80::1%eth0", "::ffff:203.0.113.7", "300.1.1.1"):
        assert yard.barrier.hears(host, START) and yard.barrier.connects(host, START)
