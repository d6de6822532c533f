"""The registrar: plays of RFC 3261 section 10 and its extensions, each with its bad twin."""

from __future__ import annotations

from itertools import count

import pytest

from confserver.routing.domains import Domains
from confserver.routing.gruus import Gruus
from confserver.routing.location import Binding, Location
from confserver.routing.reach import Reach
from confserver.routing.registrar import Answer, Registrar, Terms
from confserver.routing.users import Users
from confserver.sip.doorkeeper import Identity
from confserver.sip.flow import Flow
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request, parse
from confserver.sip.uri import parse_uri

UDP = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062))
TLS = Flow("TLS", ("192.0.2.1", 5061), ("192.0.2.9", 40000), 7)
ALICE = Identity("alice")
PHONE = "<sip:alice@192.0.2.9:5062>"
URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
INSTANCE = "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF"


class Desk:
    """A registrar, and somebody who says REGISTER."""

    def __init__(self, terms: Terms | None = None, domains: Domains | None = None, *, trusts: bool = False) -> None:
        self.users = Users("r")
        self.users.add("alice", "correct horse", "", ["+49301234"], 0.0)
        self.users.add("bob", "correct horse", "", [], 0.0)
        self.location = Location()
        numbers = count(1)
        domains = domains or Domains()
        gruus = Gruus(b"secret")
        self.registrar = Registrar(
            self.users, self.location, domains, gruus, lambda: f"{next(numbers):012x}", terms, lambda _: trusts
        )
        self.reach = Reach(self.users, self.location, domains, gruus)
        self.cseq = 0

    def say(
        self, *contacts: str, now: float = 1000.0, headers: tuple[str, ...] = (), to: str = "sip:alice@example.com",
        uri: str = "sip:example.com", call_id: str = "c1", cseq: int | None = None, flow: Flow = UDP,
        by: Identity | None = ALICE, vias: int = 1,
    ) -> Answer:  # fmt: skip
        self.cseq = self.cseq + 1 if cseq is None else cseq
        lines = [f"REGISTER {uri} SIP/2.0"]
        lines += [f"Via: SIP/2.0/UDP 192.0.2.{9 + n};branch=z9hG4bK{self.cseq}" for n in range(vias)]
        lines += [f"From: <{to}>;tag=1", f"To: <{to}>", f"Call-ID: {call_id}", f"CSeq: {self.cseq} REGISTER"]
        lines += [*headers, *(f"Contact: {contact}" for contact in contacts)]
        request = parse("\r\n".join([*lines, "", ""]).encode())
        assert isinstance(request, Request)
        request.identity = by
        return self.registrar.register(request, flow, now)

    def bindings(self, now: float = 1000.0) -> tuple[Binding, ...]:
        return self.location.bindings("alice", now)


def contacts(answer: Answer) -> list[str]:
    return [value for name, value in answer.headers if name == "Contact"]


def header(answer: Answer, name: str) -> list[str]:
    return [value for key, value in answer.headers if key == name]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ------------------------------------------------------------------ RFC 3261 section 10
def test_a_phone_registers(desk: Desk) -> None:
    answer = desk.say(PHONE, headers=("User-Agent: Desk\tphone",))
    assert answer.status == 200
    assert contacts(answer) == [f"{PHONE};expires=3600"]
    assert header(answer, "Date") == ["Thu, 01 Jan 1970 00:16:40 GMT"]
    [binding] = desk.bindings()
    assert (binding.user, binding.expires_at, binding.q, binding.flow, binding.user_agent) == (
        "alice", 4600.0, 1000, UDP, "Desk phone",
    )  # fmt: skip
    assert len(answer.changes) == 1 and answer.before == ()


def test_again_it_only_lasts_longer(desk: Desk) -> None:
    desk.say(PHONE)
    answer = desk.say(PHONE, now=2000.0)
    assert len(contacts(answer)) == 1 and desk.bindings(2000.0)[0].expires_at == 5600.0


@pytest.mark.parametrize(
    "same", ["<sip:alice@192.0.2.9:5062;x=y>", "<sip:%61lice@192.0.2.9:5062>", "<SIP:alice@192.0.2.9:05062>"]
)
def test_contacts_are_compared_as_uris(desk: Desk, same: str) -> None:
    """10.3 step 7, with 19.1.4."""
    desk.say(PHONE)
    assert len(contacts(desk.say(same))) == 1


def test_two_phones_and_their_q(desk: Desk) -> None:
    desk.say("<sip:a@192.0.2.9>;q=0.5", call_id="one")
    answer = desk.say("<sip:a@192.0.2.10>;q=1.0", call_id="two")
    assert contacts(answer) == ["<sip:a@192.0.2.10>;expires=3600", "<sip:a@192.0.2.9>;q=0.5;expires=3600"]
    assert [binding.q for binding in desk.bindings()] == [1000, 500]


def test_many_contacts_in_one_request_each_with_its_time(desk: Desk) -> None:
    answer = desk.say("<sip:a@x>;expires=100, <sip:a@y>", "<sip:a@z>;expires=9999", headers=("Expires: 200",))
    assert sorted(contacts(answer)) == [
        "<sip:a@x>;expires=100", "<sip:a@y>;expires=200", "<sip:a@z>;expires=7200",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("contact", "headers", "left"),
    [
        ("<sip:a@x>", (), 3600),
        ("<sip:a@x>;expires=banana", (), 3600),
        ("<sip:a@x>;expires", (), 3600),
        ("<sip:a@x>", ("Expires: banana",), 3600),
        ("<sip:a@x>;expires=99999999999", (), 3600),
        ("<sip:a@x>;expires=4294967295", (), 7200),
        ('<sip:a@x>;expires="300"', (), 300),
    ],
)
def test_times_of_all_kinds(desk: Desk, contact: str, headers: tuple[str, ...], left: int) -> None:
    """10.2.1.1: what is malformed stands for 3600."""
    assert contacts(desk.say(contact, headers=headers))[0].endswith(f";expires={left}")


def test_the_same_contact_twice_is_one_and_the_last_holds(desk: Desk) -> None:
    answer = desk.say("<sip:a@x>;expires=100", "<sip:a@x>;expires=200")
    assert contacts(answer) == ["<sip:a@x>;expires=200"]
    assert contacts(desk.say("<sip:a@x>", "<sip:a@x>;expires=0")) == []


def test_a_query_changes_nothing_and_says_what_is_left(desk: Desk) -> None:
    desk.say(PHONE)
    answer = desk.say(now=1100.0, cseq=1)
    assert contacts(answer) == [f"{PHONE};expires=3500"] and not answer.changes
    assert contacts(desk.say(now=9000.0)) == []


def test_one_is_taken_away(desk: Desk) -> None:
    desk.say("<sip:a@x>", "<sip:a@y>")
    assert contacts(desk.say("<sip:a@x>;expires=0")) == ["<sip:a@y>;expires=3600"]
    assert desk.say("<sip:a@never>;expires=0").status == 200


def test_all_are_taken_away(desk: Desk) -> None:
    desk.say("<sip:a@x>", "<sip:a@y>", call_id="other", cseq=5)
    answer = desk.say("*", headers=("Expires: 0",))
    assert answer.status == 200 and contacts(answer) == [] and desk.bindings() == ()
    assert len(answer.changes) == 2


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        (("*",), ()),
        (("*",), ("Expires: 60",)),
        (("*", "<sip:a@x>"), ("Expires: 0",)),
        (("*;expires=0",), ()),
        (("<sip:a@x>;q=2",), ()),
        (("<sip:a@x>;q=-1",), ()),
        (("<sip:a@x>;q=0.5555",), ()),
        (("<sip:a@x",), ()),
        (("<mailto:a@x>",), ()),
        (("<sip:a@0.0.0.0>",), ()),
        (tuple(f"<sip:a@h{i}>" for i in range(11)), ()),
        ((f"<sip:{'a' * 1000}@x>",), ()),
        (("<sip:a@x>",), ("Path: <sip:p",)),
        (("<sip:a@x>",), (f"Path: <sip:{'a' * 1000}@x;lr>",)),
        (("<sip:a@x>",), ("Path: <sip:broken@>, <sip:p;lr>",)),
    ],
)
def test_what_cannot_be_read_changes_nothing(desk: Desk, lines: tuple[str, ...], headers: tuple[str, ...]) -> None:
    desk.say(PHONE)
    before = desk.bindings()
    answer = desk.say(*lines, headers=headers)
    assert answer.status == 400 and answer.reason and not answer.changes
    assert desk.bindings() == before


def test_a_contact_that_is_not_text_is_refused(desk: Desk) -> None:
    """It could not be stored."""
    lines = b"REGISTER sip:e SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
    lines += b"From: <sip:alice@e>;tag=1\r\nTo: <sip:alice@e>\r\n"
    request = parse(lines + b'Call-ID: x\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@x>;info="\xff"\r\n\r\n')
    assert isinstance(request, Request)
    request.identity = ALICE
    assert desk.registrar.register(request, UDP, 1000.0).status == 400


def test_too_brief(desk: Desk) -> None:
    """423 with Min-Expires; whole or not at all."""
    answer = desk.say("<sip:a@x>", "<sip:a@y>;expires=59")
    assert (answer.status, answer.headers) == (423, (("Min-Expires", "60"),))
    assert desk.bindings() == ()
    assert desk.say("<sip:a@y>;expires=60").status == 200


def test_an_hour_is_never_too_brief() -> None:
    desk = Desk(Terms(min_s=3600, default_s=3600))
    assert desk.say("<sip:a@y>;expires=3600").status == 200
    assert desk.say("<sip:a@y>;expires=3599").status == 423


@pytest.mark.parametrize("contact", [PHONE, f"{PHONE};expires=0"])
@pytest.mark.parametrize("cseq", [5, 4])
def test_an_old_request_changes_nothing(desk: Desk, contact: str, cseq: int) -> None:
    """10.3 step 7: of one Call-ID the CSeq must be higher."""
    desk.say(PHONE, cseq=5)
    before = desk.bindings()
    answer = desk.say("<sip:a@new>", contact, cseq=cseq)
    assert answer.status == 500 and desk.bindings() == before


def test_an_old_star_changes_nothing(desk: Desk) -> None:
    desk.say(PHONE, cseq=5)
    assert desk.say("*", headers=("Expires: 0",), cseq=5).status == 500
    assert len(desk.bindings()) == 1


def test_after_a_restart_of_the_phone_another_call_id_counts_anew(desk: Desk) -> None:
    desk.say(PHONE, cseq=500)
    assert desk.say(PHONE, call_id="after", cseq=1).status == 200
    assert desk.bindings()[0].cseq == 1


@pytest.mark.parametrize(
    ("to", "by", "status"),
    [
        ("sip:bob@example.com", ALICE, 403),
        ("sip:alice@example.com", None, 403),
        ("sip:carol@example.com", ALICE, 404),
        ("sip:example.com", ALICE, 404),
        ("sip:alice@example.com", Identity("bob"), 403),
        ("tel:+49301234", ALICE, 200),
        ("sip:+49301234@example.com", ALICE, 200),
        ("sips:alice@example.com", ALICE, 200),
    ],
)
def test_each_registers_for_himself(desk: Desk, to: str, by: Identity | None, status: int) -> None:
    assert desk.say(PHONE, to=to, by=by).status == status
    assert len(desk.bindings()) == (status == 200)


def test_who_is_shut_out_does_not_register(desk: Desk) -> None:
    desk.users.change("alice", 1.0, None, None, False)
    assert desk.say(PHONE).status == 403


def test_a_trusted_network_registers_anyone_who_is_known() -> None:
    desk = Desk(trusts=True)
    assert desk.say(PHONE, by=None).status == 200
    assert desk.say(PHONE, by=None, to="sip:carol@x").status == 404
    assert desk.say(PHONE, by=Identity("bob")).status == 403


@pytest.mark.parametrize(
    ("uri", "to", "status"),
    [
        ("sip:example.com", "sip:alice@example.com", 200),
        ("sip:192.0.2.1", "sip:alice@EXAMPLE.com.", 200),
        ("sip:example.org", "sip:alice@example.com", 404),
        ("sip:example.com", "sip:alice@example.org", 404),
        ("sip:192.0.2.2", "sip:alice@192.0.2.2", 404),
    ],
)
def test_our_domains(uri: str, to: str, status: int) -> None:
    desk = Desk(domains=Domains(["Example.com"], lambda: ["192.0.2.1"]))
    assert desk.say(PHONE, uri=uri, to=to).status == status


def test_one_phone_too_many_takes_the_place_of_the_oldest() -> None:
    desk = Desk(Terms(most=2))
    for number in range(3):
        desk.say(f"<sip:a@h{number}>", now=1000.0 + number)
    assert {binding.contact.host for binding in desk.bindings(1010.0)} == {"h1", "h2"}
    assert desk.say("<sip:a@h5>", "<sip:a@h6>", "<sip:a@h7>", now=1010.0).status == 403


# ------------------------------------------------------------------ RFC 3327
def test_the_path_is_kept_and_told(desk: Desk) -> None:
    path = "<sip:edge.example.com;lr>"
    answer = desk.say(PHONE, headers=(f"Path: {path}, <sip:second;lr>", "Supported: path"), vias=2)
    assert header(answer, "Path") == [path, "<sip:second;lr>"]
    [binding] = desk.bindings()
    assert binding.path == (path, "<sip:second;lr>") and binding.flow is None


# ------------------------------------------------------------------ RFC 5626
OUTBOUND = ("Supported: path, outbound",)


def test_outbound(desk: Desk) -> None:
    answer = desk.say(f"{PHONE};reg-id=1;{URN}", headers=OUTBOUND, flow=TLS)
    assert header(answer, "Require") == ["outbound"]
    [binding] = desk.bindings()
    assert (binding.instance, binding.reg_id, binding.is_outbound, binding.flow) == (INSTANCE, 1, True, TLS)
    desk.location.flow_lost(TLS)
    assert desk.bindings() == ()


def test_a_websocket_is_the_only_way_to_a_browser(desk: Desk) -> None:
    """RFC 7118 section 5: with or without outbound."""
    flow = Flow("WSS", ("192.0.2.1", 7443), ("192.0.2.9", 40000), 8)
    answer = desk.say("<sip:x@df7jal23ls0d.invalid;transport=ws>", flow=flow)
    assert header(answer, "Require") == [] and desk.bindings()[0].is_outbound
    desk.location.flow_lost(flow)
    assert desk.bindings() == ()


def test_the_same_flow_of_the_same_phone_replaces_itself(desk: Desk) -> None:
    """Section 6: whatever its Contact and Call-ID say."""
    desk.say(f"{PHONE};reg-id=1;{URN}", headers=OUTBOUND, flow=TLS)
    desk.say(f"<sip:alice@192.0.2.77>;reg-id=1;{URN}", headers=OUTBOUND, call_id="new", cseq=1)
    assert [binding.contact.host for binding in desk.bindings()] == ["192.0.2.77"]
    desk.say(f"<sip:alice@192.0.2.77>;reg-id=2;{URN}", headers=OUTBOUND, call_id="new")
    assert [binding.reg_id for binding in desk.bindings()] == [1, 2]


def test_without_outbound_support_it_is_a_plain_contact(desk: Desk) -> None:
    answer = desk.say(f"{PHONE};reg-id=1;{URN}", flow=TLS)
    assert header(answer, "Require") == []
    [binding] = desk.bindings()
    assert not binding.is_outbound and binding.reg_id == 0
    desk.location.flow_lost(TLS)
    assert len(desk.bindings()) == 1


@pytest.mark.parametrize("params", ["reg-id=1", "reg-id=0;" + URN, "reg-id=x;" + URN, URN])
def test_half_an_outbound_contact_is_a_plain_one(desk: Desk, params: str) -> None:
    answer = desk.say(f"{PHONE};{params}", headers=OUTBOUND)
    assert answer.status == 200 and header(answer, "Require") == [] and not desk.bindings()[0].is_outbound


def test_a_proxy_that_cannot_help(desk: Desk) -> None:
    """Section 6: 439 where the first hop knows nothing of outbound."""
    contact = f"{PHONE};reg-id=1;{URN}"
    assert desk.say(contact, headers=OUTBOUND, vias=2).status == 439
    assert desk.say(contact, headers=(*OUTBOUND, "Path: <sip:edge;lr>"), vias=2).status == 439
    assert desk.bindings() == ()
    assert desk.say(contact, headers=(*OUTBOUND, "Path: <sip:p;lr>, <sip:tok@edge;lr;ob>"), vias=3).status == 200
    [binding] = desk.bindings()
    assert binding.reg_id == 1 and binding.flow is None and not binding.is_outbound


def test_one_flow_at_a_time(desk: Desk) -> None:
    answer = desk.say(f"{PHONE};reg-id=1;{URN}", f"<sip:a@y>;reg-id=2;{URN}", headers=OUTBOUND)
    assert answer.status == 400 and desk.bindings() == ()


# ------------------------------------------------------------------ RFC 5627
GRUU = ("Supported: gruu",)


def gruus_of(answer: Answer) -> tuple[str, str]:
    [contact] = contacts(answer)
    read = parse_name_addr(contact)
    return read.param("pub-gruu") or "", read.param("temp-gruu") or ""


def test_gruus_are_given_and_lead_to_the_phone(desk: Desk) -> None:
    desk.say("<sip:other@x>", call_id="other")
    desk.say("<sip:other@x>;expires=0", call_id="other")
    public, temporary = gruus_of(desk.say(f"{PHONE};{URN}", headers=GRUU))
    assert public == f"sip:alice@example.com;gr={INSTANCE}"
    desk.say("<sip:other@x>", call_id="other")
    for text in (public, temporary):
        reached = desk.reach.find(parse_uri(text), 1000.0)
        assert reached is not None and reached.user.name == "alice"
        [contact] = [binding.contact for binding in reached.bindings]
        assert str(contact.replace(params=())) == "sip:alice@192.0.2.9:5062" and contact.has_param("gr")
    both = desk.reach.find(parse_uri("sip:alice@example.com"), 1000.0)
    assert both is not None and len(both.bindings) == 2


def test_temporary_gruus_hold_until_the_call_id_changes(desk: Desk) -> None:
    first = gruus_of(desk.say(f"{PHONE};{URN}", headers=GRUU))[1]
    second = gruus_of(desk.say(f"{PHONE};{URN}", headers=GRUU))[1]
    assert first != second
    assert all(desk.reach.find(parse_uri(each), 1000.0) for each in (first, second))
    third = gruus_of(desk.say(f"{PHONE};{URN}", headers=GRUU, call_id="anew"))[1]
    assert [desk.reach.find(parse_uri(each), 1000.0) is None for each in (first, second, third)] == [True, True, False]
    desk.say(f"{PHONE};{URN};expires=0", headers=GRUU, call_id="anew")
    assert desk.reach.find(parse_uri(third), 1000.0) is None


def test_a_public_gruu_stays_when_the_phone_is_away(desk: Desk) -> None:
    public, _ = gruus_of(desk.say(f"{PHONE};{URN}", headers=GRUU))
    reached = desk.reach.find(parse_uri(public), 9999.0)
    assert reached is not None and not reached.bindings


def test_without_gruu_support_or_instance_there_is_none(desk: Desk) -> None:
    assert "gruu" not in contacts(desk.say(f"{PHONE};{URN}"))[0]
    assert "gruu" not in contacts(desk.say(PHONE, headers=GRUU))[0]


def test_what_phones_claim_to_have_been_given_is_not_kept(desk: Desk) -> None:
    desk.say(f'{PHONE};pub-gruu="sip:evil";temp-gruu="sip:evil";audio;{URN}')
    assert "evil" not in desk.bindings()[0].params and ";audio" in desk.bindings()[0].params


@pytest.mark.parametrize("uri", ["sip:carol@x", "sip:x", "sip:tgruu.a.b@x;gr", "mailto:alice@x"])
def test_nobody_is_there(desk: Desk, uri: str) -> None:
    assert desk.reach.find(parse_uri(uri), 1000.0) is None


def test_who_is_shut_out_is_not_found(desk: Desk) -> None:
    desk.say(PHONE)
    desk.users.change("alice", 1.0, None, None, False)
    assert desk.reach.find(parse_uri("sip:alice@x"), 1000.0) is None
