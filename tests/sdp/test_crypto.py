"""RTP/SAVP with keys in the description (RFC 4568): which line is taken, what answers it, and when keys stay."""

import base64
import itertools

import pytest

from confserver.sdp.crypto import SUITES, lines
from confserver.sdp.negotiation import Rejected, accept, answer, negotiate, offer
from confserver.sdp.text import parse, write
from tests.sdp.offers import US

CM80, CM32, GCM128, GCM256 = SUITES
SAVP = (
    "v=0\no=- 1 2 IN IP4 h\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\n"
    "m=audio 5004 RTP/SAVP 0 101\na=rtpmap:101 telephone-event/8000\n"
)


def inline(octets, start=0):
    return "inline:" + base64.b64encode(bytes(range(start, start + octets))).decode()


K30, K28, K44 = inline(30), inline(28), inline(44)
GOOD = f"1 {CM80} {K30}"


def secrets():
    """Keys of ones, then of twos, ..."""
    numbers = itertools.count(1)
    return lambda octets: bytes([next(numbers)]) * octets


def settle(*values, base=SAVP, previous=None, give=None):
    text = base + "".join(f"a=crypto:{value}\n" for value in values)
    return negotiate(parse(text.encode()), previous=previous, secrets=give or secrets())


def audio_lines(description):
    text = write(description).decode().replace("\r\n", "\n")
    return text[text.index("m=") :]


# ------------------------------------------------------------------ one line, good and bad
@pytest.mark.parametrize(
    ("value", "tag", "suite", "octets"),
    [
        (f"1 {CM80} {K30}", 1, CM80, 30),
        (f"2  {CM32}\t{K30}", 2, CM32, 30),
        (f"999999999 {GCM128} {K28}", 999_999_999, GCM128, 28),
        (f"1 {GCM128} {K28.rstrip('=')}", 1, GCM128, 28),
        (f"1 {GCM256} {K44}", 1, GCM256, 44),
        (f"1 {CM80.lower()} {K30}", 1, CM80, 30),
        (f"1 {CM80} {K30}|2^48", 1, CM80, 30),
        (f"1 {CM80} {K30}|1048576", 1, CM80, 30),
        (f"1 {CM80} {K30} WSH=128", 1, CM80, 30),
        (f"1 {CM80} {K30} -future=1", 1, CM80, 30),
    ],
)
def test_a_line_that_can_be_used(value, tag, suite, octets):
    crypto = settle(value).crypto
    assert (crypto.tag, crypto.suite, crypto.theirs) == (tag, suite, bytes(range(octets)))
    assert crypto.ours == b"\x01" * octets


BAD = [
    f"x {CM80} {K30}",
    f"1234567890 {CM80} {K30}",
    f"1 F8_128_HMAC_SHA1_80 {K30}",
    f"1 AES_256_CM_HMAC_SHA1_80 {inline(46)}",
    f"1 {CM80} {K28}",
    f"1 {GCM128} {K30}",
    f"1 {GCM256} {K28}",
    f"1 {CM80} {K30[:-4]}",
    f"1 {CM80} {K30}AAAA",
    f"1 {CM80} {K30[:-1]}!",
    f"1 {CM80} {K30[len('inline:') :]}",
    f"1 {CM80} uri:{K30[7:]}",
    f"1 {CM80} {K30}|2^49",
    f"1 {CM80} {K30}|0",
    f"1 {CM80} {K30}|2^x",
    f"1 {CM80} {K30}|1:1",
    f"1 {CM80} {K30}|2^31|1:1",
    f"1 {CM80} {K30}|2^31|1:4;{K30}|2^31|2:4",
    f"1 {CM80} {K30};{K30}",
    f"1 {CM80} {K30} KDR=1",
    f"1 {CM80} {K30} UNENCRYPTED_SRTP",
    f"1 {CM80} {K30} UNENCRYPTED_SRTCP",
    f"1 {CM80} {K30} UNAUTHENTICATED_SRTP",
    f"1 {CM80} {K30} FEC_ORDER=FEC_SRTP",
    f"1 {CM80} {K30} WSH=wide",
    f"1 {CM80} {K30} FUTURE=1",
    f"1 {CM80}",
    "1",
    "",
]


@pytest.mark.parametrize("value", BAD)
def test_a_line_that_cannot(value):
    with pytest.raises(Rejected) as refusal:
        settle(value)
    assert (refusal.value.status, refusal.value.warning_code) == (488, 302)
    assert "a=crypto" in refusal.value.reason
    assert settle(value, f"7 {CM32} {K30}").crypto.tag == 7, "the next line is taken instead"


def test_the_first_good_line_is_taken():
    assert settle(f"3 {GCM256} {K44}", f"1 {CM80} {K30}").crypto.suite == GCM256
    assert settle(f"1 {CM80} {K30}", f"3 {GCM256} {K44}").crypto.suite == CM80


def test_a_tag_counts_once():
    offered = parse((SAVP + f"a=crypto:1 NOSUCH {K30}\na=crypto:1 {CM80} {K30}\n").encode())
    assert list(lines(offered.media[0])) == []


# ------------------------------------------------------------------ offer and answer
def test_the_answer_has_our_key_under_their_tag():
    agreed = settle(f"4 {GCM128} {K28}")
    offered = parse((SAVP + f"a=crypto:4 {GCM128} {K28}\n").encode())
    key = base64.b64encode(b"\x01" * 28).decode()
    assert audio_lines(answer(offered, agreed, US)) == (
        "m=audio 20000 RTP/SAVP 0 101\n"
        f"a=crypto:4 {GCM128} inline:{key}\n"
        "a=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20\na=sendrecv\n"
    )


def test_without_a_line_there_is_no_call():
    with pytest.raises(Rejected, match="a=crypto") as refusal:
        settle()
    assert (refusal.value.status, refusal.value.warning_code) == (488, 302)


def test_without_secrets_no_key_is_taken():
    with pytest.raises(Rejected, match="TLS") as refusal:
        negotiate(parse((SAVP + f"a=crypto:{GOOD}\n").encode()))
    assert (refusal.value.status, refusal.value.warning_code) == (488, 302)


def test_without_secrets_the_plain_line_beside_it_is_taken():
    both = SAVP + f"a=crypto:{GOOD}\nm=audio 5006 RTP/AVP 0\n"
    agreed = negotiate(parse(both.encode()))
    assert (agreed.media_index, agreed.crypto) == (1, None)
    assert settle(base=both).media_index == 0


def test_a_key_beside_plain_rtp_is_passed_over():
    agreed = settle(GOOD, base=SAVP.replace("SAVP", "AVP"))
    assert agreed.crypto is None
    offered = parse((SAVP.replace("SAVP", "AVP") + f"a=crypto:{GOOD}\n").encode())
    assert "crypto" not in audio_lines(answer(offered, agreed, US))


# ------------------------------------------------------------------ best effort (RFC 8643)
AVP = SAVP.replace("SAVP", "AVP")


def best(*values, base=AVP, previous=None, give=None):
    offered = base + "".join(f"a=crypto:{value}\n" for value in values)
    return negotiate(parse(offered.encode()), previous=previous, secrets=give or secrets(), best_effort=True)


def test_a_key_beside_plain_rtp_protects_where_that_is_wished():
    agreed = best(GOOD)
    assert agreed.crypto is not None and agreed.crypto.is_best_effort
    text = audio_lines(answer(parse((AVP + f"a=crypto:{GOOD}\n").encode()), agreed, US))
    assert text.startswith("m=audio 20000 RTP/AVP 0 101\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:")


@pytest.mark.parametrize("values", [(), ("1 UNKNOWN inline:AAAA",), (f"1 {CM80} {K28}",)])
def test_without_a_key_that_can_be_used_it_goes_on_without(values):
    assert best(*values).crypto is None


def test_where_others_could_read_our_key_it_goes_on_without():
    offered = parse((AVP + f"a=crypto:{GOOD}\n").encode())
    assert negotiate(offered, secrets=None, best_effort=True).crypto is None


def test_within_a_call_it_stays_as_it_was_agreed_and_may_end():
    give = secrets()
    first = best(GOOD, give=give)
    assert best(GOOD, previous=first, give=give).crypto == first.crypto
    offered = offer((first.outgoing[1],), US, previous=first)
    assert audio_lines(offered).startswith("m=audio 20000 RTP/AVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQEB")
    agreed = accept(offered, parse((AVP + f"a=crypto:1 {CM80} {inline(30, 9)}\n").encode()), previous=first)
    assert agreed.crypto.is_best_effort and agreed.crypto.theirs == bytes(range(9, 39))
    assert accept(offered, parse(AVP.encode()), previous=first).crypto is None


# ------------------------------------------------------------------ within a call
def test_while_they_keep_their_key_ours_stays():
    give = secrets()
    first = settle(GOOD, give=give)
    again = settle(f"9 {CM80} {K30}", previous=first, give=give)
    assert (again.crypto.ours, again.crypto.tag) == (first.crypto.ours, 9)


@pytest.mark.parametrize("value", [f"1 {CM80} {inline(30, 7)}", f"1 {CM32} {K30}", f"1 {GCM256} {K44}"])
def test_another_key_or_suite_gets_another_of_ours(value):
    give = secrets()
    first = settle(GOOD, give=give)
    again = settle(value, previous=first, give=give)
    assert again.crypto.ours[:1] == b"\x02" and again.crypto.theirs != b"" and again.crypto != first.crypto


def test_our_offer_within_a_call_keeps_the_key():
    first = settle(GOOD)
    offered = offer((first.outgoing[1],), US, previous=first)
    assert audio_lines(offered).startswith("m=audio 20000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQEB")
    theirs = parse((SAVP + f"a=crypto:1 {CM80} {inline(30, 9)}\n").encode())
    agreed = accept(offered, theirs, previous=first)
    assert agreed.crypto.ours == first.crypto.ours
    assert agreed.crypto.theirs == bytes(range(9, 39))


@pytest.mark.parametrize(
    "theirs",
    [
        SAVP,
        SAVP + f"a=crypto:2 {CM80} {K30}\n",
        SAVP + f"a=crypto:1 {CM32} {K30}\n",
        SAVP.replace("SAVP", "AVP") + f"a=crypto:{GOOD}\n",
    ],
)
def test_an_answer_without_the_line_that_was_offered(theirs):
    first = settle(GOOD)
    offered = offer((first.outgoing[1],), US, previous=first)
    with pytest.raises(Rejected) as refusal:
        accept(offered, parse(theirs.encode()), previous=first)
    assert (refusal.value.status, refusal.value.warning_code) == (488, 302)


def test_a_plain_offer_is_not_answered_by_keys():
    offered = offer((settle(GOOD).outgoing[1],), US)
    assert "RTP/AVP" in audio_lines(offered) and "crypto" not in audio_lines(offered)
    with pytest.raises(Rejected, match="RTP/SAVP"):
        accept(offered, parse((SAVP + f"a=crypto:{GOOD}\n").encode()))


# ------------------------------------------------------------------ secrecy
def test_no_key_is_in_any_repr():
    described = parse((SAVP + f"a=crypto:{GOOD}\na=CRYPTO:{GOOD}\n").encode())
    agreed = settle(GOOD)
    shown = repr((described, agreed, agreed.crypto, agreed.crypto.line, answer(described, agreed, US)))
    for key in (agreed.crypto.theirs, agreed.crypto.ours):
        assert base64.b64encode(key).decode()[:12] not in shown
        assert repr(key)[2:12] not in shown
    assert CM80 in shown
