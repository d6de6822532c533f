"""Whom may be called: nobody, until somebody is listed."""

import pytest

from confserver.routing.dialplan import DialPlan, Target
from confserver.routing.fence import Fence, Unreachable, number_in, read_callee
from confserver.sip.uri import parse_uri
from confserver.sip.ways import Hop


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:anna@example.com", "sip:anna@example.com"),
        (" anna@example.com ", "sip:anna@example.com"),
        ("sips:anna@example.com:5071", "sips:anna@example.com:5071"),
        ("tel:+49301234", "tel:+49301234"),
        ("+49 30 (12)-34", "tel:+49301234"),
        ("0049.30/1234", "tel:0049301234"),
        ("*43#", "tel:*43#"),
    ],
)
def test_whom_people_write(text: str, uri: str) -> None:
    assert str(read_callee(text)) == uri


@pytest.mark.parametrize(
    "text", ["", "anna", "mailto:anna@example.com", "sip:", "sip:a b@c", "1" * 33, "x" * 300, "http://a@b", "+", "\n"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Unreachable):
        read_callee(text)


def may(fence: Fence, text: str) -> bool:
    try:
        number = None if ":" in text or text.count(".") > 1 else number_in(text)
        fence.check_number(number) if number else fence.check_host(text)
    except Unreachable:
        return False
    return True


def test_at_first_nobody() -> None:
    fence = Fence()
    assert not any(may(fence, text) for text in ("+4930", "0", "example.com", "127.0.0.1", "::1"))


@pytest.mark.parametrize("number", ["+4930123", "+49 30", "0800123"])
def test_numbers_within(number: str) -> None:
    assert may(Fence(["+49 30", "0800"]), number)


@pytest.mark.parametrize("number", ["+493", "+4440", "004930", "4930123", "800"])
def test_numbers_beyond(number: str) -> None:
    assert not may(Fence(["+4930", "0800"]), number)


@pytest.mark.parametrize("host", ["example.com", "EXAMPLE.com.", "192.0.2.77", "2001:db8::5", "[2001:db8::5]"])
def test_hosts_within(host: str) -> None:
    assert may(Fence(domains=["example.com", "192.0.2.0/24", "2001:db8::/64"]), host)


@pytest.mark.parametrize("host", ["sub.example.com", "example.com.evil", "192.0.3.1", "2001:db9::1", "", "evil"])
def test_hosts_beyond(host: str) -> None:
    assert not may(Fence(domains=["example.com", "192.0.2.0/24", "2001:db8::/64"]), host)


class Carrier:
    """One trunk for all numbers that begin with +49."""

    hop = Hop("UDP", "192.0.2.50", 5060)

    def serving(self, number: str) -> list[Target]:
        way = Target(parse_uri(f"sip:{number}@192.0.2.50"), self.hop, trunk="carrier")
        return [way] if number.startswith("+49") else []

    def named(self, host: str) -> bool:
        return host == "192.0.2.50"


@pytest.mark.parametrize("text", ["+4930", "tel:+49-30", "sip:+4930@192.0.2.50", "sip:%2b4930@x.y;user=phone"])
def test_a_number_goes_by_its_trunk(text: str) -> None:
    plan = DialPlan(Fence(["+4930"]), Carrier())
    [way] = plan.targets(read_callee(text), 0.0)
    assert (way.trunk, str(way.uri), way.hop) == ("carrier", "sip:+4930@192.0.2.50", Carrier.hop)


@pytest.mark.parametrize("text", ["+4931", "sip:+4931@192.0.2.50", "sip:9%2b4930@192.0.2.50", "sip:anna@192.0.2.50"])
def test_no_way_around_the_prefixes(text: str) -> None:
    """A trunk's host, though listed as a domain, takes numbers within the fence only."""
    plan = DialPlan(Fence(["+4930"], ["192.0.2.50"]), Carrier())
    with pytest.raises(Unreachable):
        plan.targets(read_callee(text), 0.0)


def test_a_number_without_a_trunk() -> None:
    with pytest.raises(Unreachable, match="no trunk serves 0800"):
        DialPlan(Fence(["*"]), Carrier()).targets(read_callee("0800"), 0.0)


def test_headers_of_an_address_are_not_taken_along() -> None:
    plan = DialPlan(Fence(domains=["a.b"]))
    [way] = plan.targets(read_callee("sip:x@a.b;method=BYE?Route=%3Csip:evil%3E"), 0.0)
    assert str(way.uri) == "sip:x@a.b"


def test_our_own_users_need_no_listing() -> None:
    phone = Target(parse_uri("sip:anna@192.0.2.9:5062"))
    plan = DialPlan(Fence(), locate=lambda uri, _: [phone] if uri.user == "anna" else () if uri.host == "us" else None)
    assert plan.targets(read_callee("sip:anna@us"), 0.0) == (phone,)
    with pytest.raises(Unreachable, match="no phone of that user is registered"):
        plan.targets(read_callee("sip:bob@us"), 0.0)
    with pytest.raises(Unreachable, match="not listed"):
        plan.targets(read_callee("sip:bob@them"), 0.0)
