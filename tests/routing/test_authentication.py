"""Who comes in with which proof: plays of the doorkeeper on a whole stack."""

from __future__ import annotations

import ipaddress
from itertools import count
from typing import Any

import pytest

from confserver.routing.authentication import Authentication
from confserver.routing.bans import Bans, BanSet
from confserver.routing.barrier import Barrier
from confserver.routing.budgets import Rate, bounds
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.overload import Overload
from confserver.routing.users import Users
from confserver.sip.account import Account
from confserver.sip.digest import parse_challenge
from confserver.sip.message import Request, Response, parse
from confserver.sip.nonces import Nonces
from confserver.sip.outputs import CallArrived, Output, RequestArrived
from confserver.sip.proxy.plan import Relay, Target
from confserver.sip.sentry import Verdict
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import START, Wire, at_rest, none_of, sent, statuses, tcp, the, udp

OUTSIDE, INSIDE = udp(("203.0.113.7", 5062)), udp()
PASSWORD = "correct horse"


class House:
    """A stack behind its doorkeeper, and a phone outside. The inside is 192.0.2.0/24."""

    def __init__(self, *, trusts: bool = False, **settings: Any) -> None:
        self.users = Users("home")
        self.nonces = Nonces(b"secret", lasts_s=300)
        inside = self._is_inside
        self.door = Authentication(self.users, self.nonces, Domains(), inside, inside if trusts else lambda _: False)
        self.wire = Wire(
            OUTSIDE, doorkeeper=self.door, unwelcome=lambda flow: "" if self._is_inside(flow) else "from outside",
            allow=("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER"), **settings,
        )  # fmt: skip
        numbers = count(1)
        self.phone = Account("alice", PASSWORD, lambda: f"cnonce{next(numbers)}")

    @staticmethod
    def _is_inside(flow: Any) -> bool:
        return bool(flow.remote[0].startswith("192.0.2."))

    def with_alice(self) -> House:
        self.users.add("alice", PASSWORD, "Alice A.", ["1000"], START)
        self.users.add("bob", PASSWORD, "", [], START)
        return self

    def say(self, method: str = "INVITE", *headers: str, flow: Any = OUTSIDE, **more: Any) -> list[Output]:
        return self.wire.hear(self.wire.request(method, *headers, **more), flow)

    def answered(self, method: str = "INVITE", account: Account | None = None, **more: Any) -> list[Output]:
        """Ask, be challenged, and ask again with credentials."""
        [challenge] = sent(self.say(method, cseq=1, **more))
        assert isinstance(challenge, Response)
        request = parse(self.wire.request(method).encode())
        lines = (account or self.phone).answer(challenge, request)  # type: ignore[arg-type]
        assert lines is not None
        return self.say(method, *(f"{name}: {value}" for name, value in lines), cseq=2, **more)


@pytest.fixture
def house() -> House:
    return House().with_alice()


def challenges(outputs: list[Output], name: str) -> list[str]:
    [answer] = sent(outputs)
    return [value for _, value in answer.headers.lines(name)]


# ------------------------------------------------------------------ without credentials
@pytest.mark.parametrize(
    ("method", "status", "name"),
    [
        ("INVITE", 407, "Proxy-Authenticate"),
        ("OPTIONS", 407, "Proxy-Authenticate"),
        ("REGISTER", 401, "WWW-Authenticate"),
    ],
)
def test_a_stranger_is_challenged_and_nothing_is_kept(house: House, method: str, status: int, name: str) -> None:
    outputs = house.say(method)
    assert statuses(outputs) == [status]
    told = [parse_challenge(value) for value in challenges(outputs, name)]
    assert [each.algorithm for each in told] == ["SHA-256", "SHA-512-256", "MD5"]  # RFC 8760: the best first
    assert {(each.realm, each.qop, each.stale) for each in told} == {("home", ("auth",), False)}
    assert at_rest(house.wire.stack) and len(house.nonces) == 0


def test_an_old_phone_is_offered_what_it_knows(house: House) -> None:
    """baresip 1 fails as soon as any challenge is not by MD5."""
    [only] = challenges(house.say("REGISTER", "User-Agent: baresip v1.0.0 (x86_64/linux)"), "WWW-Authenticate")
    assert parse_challenge(only).algorithm == "MD5"
    assert len(challenges(house.say("REGISTER", "User-Agent: baresip v3.0.0"), "WWW-Authenticate")) == 3


def test_one_answer_a_request_and_never_more(house: House) -> None:
    """No amplification beyond that: the ACK of our refusal is not answered."""
    assert len(house.say("INVITE", branch="z9hG4bKsame")) == 1
    assert house.say("ACK", branch="z9hG4bKsame", to_tag="x") == []
    assert house.wire.pass_time(64) == []


def test_a_repeated_request_gets_an_answer_with_the_same_tag(house: House) -> None:
    first, second = (sent(house.say(branch="z9hG4bKsame"))[0] for _ in range(2))
    assert first.to.tag == second.to.tag


def test_from_inside_calls_are_plain(house: House) -> None:
    arrived = the(CallArrived, house.say(flow=INSIDE, via="SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKin"))
    assert arrived.request.identity is None


def test_a_register_needs_a_password_everywhere(house: House) -> None:
    assert statuses(house.say("REGISTER", flow=INSIDE)) == [401]


def test_unless_the_inside_is_trusted() -> None:
    house = House(trusts=True).with_alice()
    assert the(RequestArrived, house.say("REGISTER", flow=INSIDE)).request.identity is None
    assert statuses(house.say("REGISTER")) == [401]


def test_without_users_it_is_as_before() -> None:
    house = House()
    assert statuses(house.say()) == statuses(house.say("REGISTER")) == [403]


# ------------------------------------------------------------------ with credentials
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER"])
def test_a_user_comes_in_from_outside(house: House, method: str) -> None:
    outputs = house.answered(method)
    arrived = the(CallArrived if method == "INVITE" else RequestArrived, outputs)
    identity = arrived.request.identity
    assert identity is not None and (identity.user, identity.display) == ("alice", "Alice A.")


def test_who_shows_a_password_inside_is_known_too(house: House) -> None:
    challenge = sent(house.say("REGISTER", flow=INSIDE))[0]
    house.phone.answer(challenge, parse(house.wire.request("REGISTER").encode()))  # type: ignore[arg-type]
    [(_, value)] = house.phone.prepared("INVITE", "sip:standup@192.0.2.1")
    arrived = the(CallArrived, house.say("INVITE", f"Authorization: {value}", flow=INSIDE))
    assert arrived.request.identity is not None


@pytest.mark.parametrize("username", ["alice", "carol"])
def test_a_wrong_password_and_an_unknown_user_are_told_the_same(house: House, username: str) -> None:
    outputs = house.answered("REGISTER", Account(username, "battery staple", lambda: "c"))
    assert statuses(outputs) == [401]
    assert not any(parse_challenge(value).stale for value in challenges(outputs, "WWW-Authenticate"))
    assert house.door.counts["wrong"] == 1 and len(house.nonces) == 0
    assert at_rest(house.wire.stack)


def credentials(house: House, method: str = "INVITE", uri: str = "sip:standup@192.0.2.1") -> str:
    [(_, value)] = house.phone.prepared(method, uri)
    return f"Authorization: {value}"


def test_credentials_serve_once(house: House) -> None:
    """Whoever has overheard them can do nothing with them."""
    house.answered()
    overheard = credentials(house)
    assert not none_of(CallArrived, house.say("INVITE", overheard, call_id="mine", cseq=3))
    outputs = house.say("INVITE", overheard, call_id="theirs", cseq=3, flow=udp(("203.0.113.66", 5060)))
    assert statuses(outputs) == [407] and none_of(CallArrived, outputs)
    assert parse_challenge(challenges(outputs, "Proxy-Authenticate")[0]).stale
    assert house.door.counts["replayed"] == 1


@pytest.mark.parametrize(
    "line",
    [
        lambda house: credentials(house, "OPTIONS"),
        lambda house: credentials(house, uri="sip:vault@192.0.2.1"),
        lambda house: credentials(house, uri="sip:standup@192.0.2.66"),
        lambda house: credentials(house).replace("qop=auth", "qop=auth-int"),
        lambda house: credentials(house).replace("algorithm=SHA-256", "algorithm=MD5"),
        lambda house: credentials(house).replace("algorithm=SHA-256", "algorithm=SHA-1"),
        lambda house: credentials(house).replace("nc=00000003", "nc=00000009"),
        lambda house: credentials(house).partition(", qop")[0],
    ],
)
def test_credentials_made_for_something_else_are_wrong(house: House, line: Any) -> None:
    house.answered()
    assert not none_of(CallArrived, house.say("INVITE", credentials(house), call_id="good"))
    outputs = house.say("INVITE", line(house), call_id="bad")
    assert statuses(outputs) == [407] and none_of(CallArrived, outputs)
    assert not parse_challenge(challenges(outputs, "Proxy-Authenticate")[0]).stale


def test_parameters_that_proxies_add_to_the_uri_do_not_count(house: House) -> None:
    house.answered()
    line = credentials(house, uri="sip:standup@192.0.2.1:5060;transport=tcp")
    assert not none_of(CallArrived, house.say("INVITE", line, call_id="again"))


def test_an_old_nonce_is_stale_and_the_phone_goes_on_by_itself(house: House) -> None:
    house.answered("OPTIONS")
    house.wire.now += 301
    [answer] = sent(house.say("OPTIONS", credentials(house, "OPTIONS"), call_id="later"))
    assert isinstance(answer, Response) and answer.status == 407
    assert parse_challenge(answer.headers.get("Proxy-Authenticate") or "").stale
    request = parse(house.wire.request("OPTIONS").encode())
    lines = house.phone.answer(answer, request)  # type: ignore[arg-type]
    assert lines is not None
    # the answer to a proxy goes beside the one to us as an endpoint: either will do
    assert not none_of(RequestArrived, house.say("OPTIONS", *(f"{n}: {v}" for n, v in lines), call_id="later", cseq=2))


def test_after_a_restart_of_the_server_nonces_are_stale(house: House) -> None:
    house.answered("OPTIONS")
    house.door._nonces = Nonces(b"another")
    outputs = house.say("OPTIONS", credentials(house, "OPTIONS"), call_id="later")
    assert parse_challenge(challenges(outputs, "Proxy-Authenticate")[0]).stale


def test_credentials_for_others_are_none_for_us(house: House) -> None:
    """RFC 3261 22.3: those of other realms are passed over."""
    other = 'Digest username="alice", realm="elsewhere", nonce="n", uri="sip:x", response="%s"' % ("0" * 32)
    assert statuses(house.say("INVITE", f"Proxy-Authorization: {other}")) == [407]
    assert house.door.counts["wrong"] == 0
    assert not none_of(CallArrived, house.say("INVITE", f"Authorization: {other}", flow=INSIDE))
    assert not none_of(CallArrived, house.say("INVITE", "Authorization: Basic YTpi", flow=INSIDE, call_id="b"))


@pytest.mark.parametrize("text", ["Digest", "Digest realm=", 'Digest username="a', 'Digest a="",' * 20 + "!"])
@pytest.mark.parametrize("flow", [INSIDE, OUTSIDE])
def test_malformed_credentials_are_answered_at_once(house: House, text: str, flow: Any) -> None:
    assert statuses(house.say("INVITE", f"Authorization: {text}", flow=flow)) == [400]
    assert at_rest(house.wire.stack)


def test_no_more_than_a_few_are_looked_at(house: House) -> None:
    line = 'Authorization: Digest username="alice", realm="home", nonce="n", uri="sip:x", response="%s"' % ("0" * 32)
    assert statuses(house.say("INVITE", *[line] * 100)) == [407]


def test_credentials_for_others_are_passed_on_and_ours_are_not(house: House) -> None:
    house.answered()
    other = 'Digest username="alice", realm="elsewhere", nonce="n", uri="sip:x", response="%s"' % ("0" * 32)
    lines = f"Proxy-Authorization: {other}", credentials(house), "Authorization: Basic YTpi"
    request = the(CallArrived, house.say("INVITE", *lines, call_id="mine")).request
    assert request.headers.get_all("Proxy-Authorization") == [other]
    assert request.headers.get_all("Authorization") == ["Basic YTpi"]


def test_who_is_shut_out(house: House) -> None:
    house.users.change("alice", START, None, None, False)
    assert statuses(house.answered()) == [403]


def test_nobody_calls_under_anothers_name(house: House) -> None:
    house.answered()
    bob = house.wire.request("INVITE", credentials(house), call_id="b").replace("<sip:alice@a>", "<sip:bob@a>")
    assert statuses(house.wire.hear(bob, OUTSIDE)) == [403]
    own = house.wire.request("INVITE", credentials(house), call_id="c").replace("<sip:alice@a>", "<sip:1000@a>")
    assert not none_of(CallArrived, house.wire.hear(own, OUTSIDE))
    hidden = house.wire.request("INVITE", credentials(house), call_id="d").replace(
        "<sip:alice@a>", "<sip:anonymous@anonymous.invalid>"
    )
    assert not none_of(CallArrived, house.wire.hear(hidden, OUTSIDE))


def test_in_a_dialog_nobody_is_asked_again(house: House) -> None:
    """Who knows Call-ID and both tags is in the call (RFC 3261 22.1 would allow more)."""
    call = the(CallArrived, house.answered()).call
    tag = sent(house.wire.stack.accept(call, b"v=0\r\n", START))[0].to.tag
    house.say("ACK", to_tag=tag, cseq=2)
    assert statuses(house.say("BYE", to_tag=tag, cseq=3)) == [200]
    assert statuses(house.say("BYE", to_tag="made-up", cseq=3)) == [481]


def test_cancel_and_ack_are_never_challenged(house: House) -> None:
    """RFC 3261 22.1."""
    assert statuses(house.say("CANCEL")) == [481]
    assert house.say("ACK") == []


def test_over_a_connection_too() -> None:
    house = House().with_alice()
    house.wire.flow = flow = tcp(("203.0.113.7", 40000))
    assert not none_of(CallArrived, house.answered(flow=flow))


def test_who_has_shown_a_password_is_sent_on_and_nobody_else_from_outside() -> None:
    """The doorkeeper comes before the proxy, whose word on who is welcome is the same."""
    bob = Target(parse_uri("sip:bob@192.0.2.50"), flow=udp(("192.0.2.50", 5060)))
    house = House(planner=lambda request, flow, now: Relay(((bob,),))).with_alice()
    assert statuses(house.say()) == [407]
    relayed = [each for each in sent(house.answered(call_id="mine")) if isinstance(each, Request)]
    assert [(each.method, str(each.uri)) for each in relayed] == [("INVITE", "sip:bob@192.0.2.50")]
    assert "Proxy-Authorization" not in relayed[0].headers
    nobody = House(planner=lambda request, flow, now: Relay(((bob,),)))
    assert statuses(nobody.say()) == [403]


# ------------------------------------------------------------------ what the sentry hears
class Watch:
    """A sentry that writes down."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def weigh(self, request: Any, flow: Any, now: float) -> Any:
        return Verdict.TAKE

    def refused(self, flow: Any, status: int, now: float) -> Any:
        self.heard.append(status)
        return Verdict.SILENCE if self.heard.count(401) > 2 else Verdict.TAKE

    def proved(self, flow: Any, now: float) -> None:
        self.heard.append("proved")


def test_who_guesses_passwords_is_banned() -> None:
    """A few wrong ones a minute from one source, and it is not heard any more; others are."""
    guard = Guard(attached=[ipaddress.ip_network("192.0.2.0/24")])
    rates = bounds(
        messages=100, requests=100, calls_a_minute=100, failures_a_minute=10, connections_a_minute=100
    )  # fmt: skip
    barrier = Barrier(guard, Bans(), rates, Rate(200, 400), Overload(0))
    house = House(sentry=barrier).with_alice()
    answers = []
    for number in range(40):
        house.wire.now += 0.1
        [challenge] = sent(house.say("REGISTER", call_id=f"c{number}")) or [None]
        if challenge is None:
            break
        request = parse(house.wire.request("REGISTER").encode())
        guess = Account("alice", f"guess number {number}", lambda: "c")
        lines = guess.answer(challenge, request)  # type: ignore[arg-type]
        answers += statuses(house.say("REGISTER", *(f"{n}: {v}" for n, v in lines or ()), call_id=f"c{number}", cseq=2))
    assert set(answers) == {401} and 10 <= len(answers) < 30
    assert any(isinstance(event, BanSet) and "password" in event.ban.reason for event in barrier.taken())
    assert not barrier.hears(OUTSIDE.remote[0], house.wire.now) and barrier.hears(INSIDE.remote[0], house.wire.now)


def test_challenges_are_no_offence_but_wrong_passwords_are() -> None:
    watch = Watch()
    house = House(sentry=watch).with_alice()
    house.say("REGISTER")
    assert watch.heard == []
    house.answered("REGISTER")
    assert watch.heard == ["proved"]
    wrong = Account("alice", "battery staple", lambda: "c")
    answers = [house.answered("REGISTER", wrong) for _ in range(3)]
    assert watch.heard[1:] == [401, 401, 401]
    assert [len(outputs) for outputs in answers] == [1, 1, 0]  # then the sentry has had enough
