"""RFC 4475 against our reading."""

from __future__ import annotations

import pytest

from confserver.sip.framing import StreamFramer
from confserver.sip.grammar import Malformed
from confserver.sip.headers import CSeq, NameAddr, Via
from confserver.sip.message import Request, Response, parse, response_to
from tests.sip.torture import READ, REFUSED, SDP, VALID, message


def read(name: str) -> Request | Response:
    return parse(message((VALID | READ)[name]))


def request(name: str) -> Request:
    answer = read(name)
    assert isinstance(answer, Request)
    return answer


def test_the_set_is_whole() -> None:
    assert (len(VALID), len(REFUSED) + len(READ)) == (14, 35)  # 13 + inv2543; all the others


@pytest.mark.parametrize("name", VALID | READ)
def test_read_and_written_again_it_stays_the_same(name: str) -> None:
    first = read(name)
    assert parse(bytes(first)) == first


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_right_status_and_answerable(name: str) -> None:
    status, is_answerable, text = REFUSED[name]
    with pytest.raises(Malformed) as refused:
        parse(message(text))
    assert refused.value.status == status
    remains = refused.value.remains
    assert (remains is not None) == is_answerable
    if remains is not None:
        answer = bytes(response_to(remains, status, to_tag="ours")).decode()
        assert answer.startswith(f"SIP/2.0 {status} ")
        assert "\r\nVia: SIP/" in answer
        for header in ("Call-ID", "CSeq", "From"):
            assert (f"\r\n{header}:" in answer) == (f"\n{header}:" in text)


def test_wsinv() -> None:
    invite = request("wsinv")
    assert invite.uri.params == (("unknownparam", None),)
    assert str(invite.to) == "<sip:vivekg@chair-dnrc.example.com>;tag=1918181833n"
    assert (invite.from_.display, invite.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert invite.max_forwards == 68
    assert invite.cseq == CSeq(9, "INVITE")
    assert invite.vias == [
        Via("UDP", "192.0.2.2", None, (("branch", "390skdjuw"),)),
        Via("TCP", "spindle.example.com", None, (("branch", "z9hG4bK9ikj8"),)),
        Via("UDP", "192.168.255.111", None, (("branch", "z9hG4bK30239"),)),
    ]
    assert invite.headers.get("Subject") == ""
    assert invite.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert invite.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    (contact,) = invite.contacts
    assert isinstance(contact, NameAddr)
    assert contact.display == 'Quoted string ""'
    assert contact.params == (("newparam", "newvalue"), ("secondparam", None), ("q", "0.33"))
    assert invite.body == SDP.replace("\n", "\r\n").encode()


def test_intmeth() -> None:
    strange = request("intmeth")
    assert strange.method == strange.cseq.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert strange.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert strange.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert strange.uri.host == "example.com"
    assert strange.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert strange.to.label == "BEL:  NUL:  DEL:"
    assert strange.from_.display == "token1~` token2'+_ token3*%!.-"
    assert strange.from_.param("fromParam''~+*_!.-%") == "работающий"
    assert strange.from_.tag == "_token~1'+`*%!-."
    assert strange.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert strange.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert b"branch=z9hG4bK-.!%66*_+`'~\r\n" in bytes(strange)
    assert strange.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_mean_something_in_uris_only() -> None:
    invite = request("esc01")
    assert invite.uri.user_decoded == "sips:user@example.com"
    assert invite.uri.host == "example.net"
    assert invite.to.uri.user_decoded == "user"
    assert invite.from_.uri.user_decoded == "I have spaces"
    register = request("esc02")
    assert register.method == "RE%47IST%45R"
    assert register.to.display == "%Z%45"
    assert [str(contact.uri) for contact in register.contacts if contact != "*"] == [
        "sip:alias1@host1.example.com",
        "sip:alias3@host3.example.com",
    ]
    assert register.headers.get("C%6Fntact") == "<sip:alias2@host2.example.com>"


def test_escaped_nulls_stay_different() -> None:
    one, two = request("escnull").contacts
    assert isinstance(one, NameAddr) and isinstance(two, NameAddr)
    assert not one.uri.matches(two.uri)
    assert "\x00" not in request("escnull").to.uri.user_decoded


def test_only_the_first_of_two_in_a_datagram_counts() -> None:
    register = request("dblreq")
    assert (register.method, register.body) == ("REGISTER", b"")


def test_two_in_a_stream_are_two() -> None:
    stream = message(VALID["dblreq"])
    pieces = [piece for piece in StreamFramer().feed(stream) if isinstance(piece, bytes)]
    assert [str(parse(piece)) for piece in pieces] == ["REGISTER sip:example.com", "INVITE sip:joe@example.com"]


def test_a_semicolon_in_the_user() -> None:
    options = request("semiuri")
    assert options.uri.user_decoded == "user;par=u@example.net"
    assert options.uri.params == ()
    assert len(options.headers.get_all("Accept")) == 6


def test_unknown_transports() -> None:
    assert [via.transport for via in request("transports").vias] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_binary_body() -> None:
    part = request("mpart01")
    assert b"\x30\x82\r\n\r\n\x00\xff\xfe\x80" in part.body
    assert part.content_type == "multipart/mixed"
    assert part.body in bytes(part)


def test_reasons() -> None:
    prime, nothing = read("unreason"), read("noreason")
    assert isinstance(prime, Response) and isinstance(nothing, Response)
    assert (prime.status, prime.reason) == (200, "= 2**3 * 5**2 но сто девяносто девять - простое")
    assert (nothing.status, nothing.reason) == (100, "")


def test_longreq_keeps_its_way() -> None:
    invite = request("longreq")
    assert len(invite.vias) == 33
    assert invite.vias[-1].branch.startswith("verylong")
    assert invite.to.uri.port == 6000
    assert len(response_to(invite, 200).vias) == 33


def test_before_rfc_3261() -> None:
    invite = request("inv2543")
    assert (invite.via.branch, invite.from_.tag, invite.max_forwards) == ("", "", None)
    assert invite.body.startswith(b"v=0")
    assert invite.to.param("user") == "phone"  # no brackets: the header's


def test_whose_parameter_it_is() -> None:
    (header,), (uri,) = request("cparam01").contacts, request("cparam02").contacts
    assert isinstance(header, NameAddr) and isinstance(uri, NameAddr)
    assert header.has_param("unknownparam") and not header.uri.has_param("unknownparam")
    assert uri.uri.has_param("unknownparam") and not uri.has_param("unknownparam")


def test_uri_headers_need_brackets() -> None:
    (contact,) = request("regescrt").contacts
    assert isinstance(contact, NameAddr)
    assert contact.uri.header("route") == "<sip:sip.example.com>"
    with pytest.raises(Malformed):
        _ = request("regbadct").contacts


def test_what_the_layers_above_decide() -> None:
    assert request("badbranch").via.branch == "z9hG4bK"
    assert request("bext01").headers.get_all("Require") == ["nothingSupportsThis", "nothingSupportsThisEither"]
    assert request("invut").content_type == "application/unknownformat"
    assert request("regaut01").headers.get("Authorization") == "NoOneKnowsThisScheme opaque-data=here"
    assert [via.host for via in read("bcast").vias] == ["192.0.2.198", "255.255.255.255"]
    assert request("zeromf").max_forwards == 0
    assert request("sdp01").headers.get("Accept") == "text/nobodyKnowsThis"
    assert request("unksm2").to.uri.scheme == "isbn"
    assert request("baddate").headers.get_all("Date") == ["Fri, 01 Jan 2010 16:00:00 EST"]


def test_an_unknown_version_is_answered_on_its_own_via() -> None:
    with pytest.raises(Malformed) as refused:
        parse(message(REFUSED["badvers"][2]))
    assert refused.value.remains is not None
    assert refused.value.remains.via.protocol == "SIP/7.0"


def test_what_is_readable_of_a_spoilt_via_is_kept() -> None:
    with pytest.raises(Malformed) as refused:
        parse(message(REFUSED["badinv01"][2]))
    assert refused.value.remains is not None
    assert refused.value.remains.headers.get_all("Via") == ["SIP/2.0/UDP 192.0.2.15"]
