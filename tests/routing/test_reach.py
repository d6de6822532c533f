"""Users as whom rooms call: which addresses are theirs, and by which way each phone is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confserver.routing.dialplan import DialPlan, Target
from confserver.routing.domains import Domains
from confserver.routing.fence import Unreachable
from confserver.routing.gruus import Gruus
from confserver.routing.location import Binding, Location
from confserver.routing.reach import Reach
from confserver.routing.users import Users
from confserver.sip.flow import Flow
from confserver.sip.uri import parse_uri
from confserver.sip.ways import Hop

UDP = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062))
TCP = Flow("TCP", ("192.0.2.1", 5060), ("198.51.100.7", 40000), 7)
PLAIN = Binding(
    user="alice", contact=parse_uri("sip:a@192.0.2.9:5062"), expires_at=100.0, call_id="c", cseq=1, flow=UDP
)  # fmt: skip

HIDDEN = parse_uri("sip:a@10.0.0.1")


def house(*bindings: Binding, names: tuple[str, ...] = ()) -> Reach:
    users, location = Users(), Location()
    users.add("alice", "correct horse", "", ["+4930", "1000"], 0.0)
    location.update("alice", bindings, 0.0)
    return Reach(users, location, Domains(names, lambda: ["192.0.2.1"]), Gruus(b"s"))


@pytest.mark.parametrize(
    ("binding", "way"),
    [
        (PLAIN, Target(PLAIN.contact)),
        (replace(PLAIN, flow=None), Target(PLAIN.contact)),
        (
            replace(PLAIN, contact=parse_uri("sip:a@10.0.0.1")),
            Target(parse_uri("sip:a@10.0.0.1"), Hop("UDP", "192.0.2.9", 5062)),
        ),
        (replace(PLAIN, flow=TCP), Target(PLAIN.contact, Hop("TCP", "198.51.100.7", 40000))),
        (
            replace(PLAIN, flow=None, path=("<sip:edge.example;lr>", "<sip:far;lr>")),
            Target(PLAIN.contact, Hop("UDP", "edge.example", 5060), ("<sip:edge.example;lr>", "<sip:far;lr>")),
        ),
    ],
)
def test_the_way_to_a_phone(binding: Binding, way: Target) -> None:
    assert house(binding).locate(parse_uri("sip:alice@192.0.2.1"), 1.0) == (way,)


def test_a_flow_that_is_gone_leads_nowhere() -> None:
    gone = replace(PLAIN, instance="urn:x", reg_id=1, is_outbound=True, flow=None)
    assert house(gone).locate(parse_uri("sip:alice@192.0.2.1"), 1.0) == ()


@pytest.mark.parametrize(
    "uri", ["sip:alice@192.0.2.1", "sip:alice@127.0.0.1", "tel:1000", "tel:+49-30", "sip:alice@home.example"]
)
def test_addresses_of_users(uri: str) -> None:
    assert house(PLAIN, names=("home.example",)).locate(parse_uri(uri), 1.0) == (Target(PLAIN.contact),)


@pytest.mark.parametrize("uri", ["sip:alice@example.com", "sip:bob@192.0.2.1", "tel:2000", "sip:alice@192.0.2.2"])
def test_addresses_of_others(uri: str) -> None:
    """A name that is not listed is surely somebody else's, for whom the fence has to be asked."""
    assert house(PLAIN).locate(parse_uri(uri), 1.0) is None


def test_users_are_called_without_being_listed_and_nobody_else() -> None:
    plan = DialPlan(locate=house(PLAIN).locate)
    assert plan.targets(parse_uri("tel:1000"), 1.0) == (Target(PLAIN.contact),)
    with pytest.raises(Unreachable, match="no phone of that user"):
        plan.targets(parse_uri("sip:alice@192.0.2.1"), 100.0)
    with pytest.raises(Unreachable, match="dialout"):
        plan.targets(parse_uri("tel:2000"), 1.0)
