"""Offer and answer: what real phones offer is answered as it should be, and each bad twin refused with its reason."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.formats import FORMATS, OFFERED, PCMA, PCMU, TELEPHONE_EVENT
from confserver.sdp.direction import Before, Direction
from confserver.sdp.negotiation import Agreed, Local, Rejected, accept, answer, negotiate, next_version, offer
from confserver.sdp.text import Bad, parse, write
from tests.sdp.offers import ANSWERS, BAD_TWINS, BARESIP, BUNDLED, LINPHONE, OFFERS, US

SENDRECV, SENDONLY, RECVONLY, INACTIVE = Direction
G711 = (PCMU, PCMA, TELEPHONE_EVENT)
PLAIN = (
    "v=0\no=- 1 2 IN IP4 h\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\n"
    "m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n"
)


def read(value):
    return parse(value.encode())


def settle(lines="", previous=None, base=PLAIN, **options):
    return negotiate(read(base + lines), previous=previous, **options)


def text_of(description):
    return write(description).decode().replace("\r\n", "\n")


# ------------------------------------------------------------------ they offer
@pytest.mark.parametrize("name", OFFERS)
def test_what_real_phones_offer(name):
    offered = read(OFFERS[name])
    agreed = negotiate(offered)
    answered = text_of(answer(offered, agreed, US))
    assert answered[answered.index("m=") :] == ANSWERS[name]
    assert agreed.outgoing == next(each for each in agreed.incoming if each[1].is_audio)
    assert agreed.receives and agreed.sends and not agreed.held


@pytest.mark.parametrize(("name", "good", "bad"), BAD_TWINS)
def test_their_bad_twins(name, good, bad):
    assert good in OFFERS[name]
    with pytest.raises(Rejected) as refusal:
        negotiate(read(OFFERS[name].replace(good, bad)))
    status, warning, word = BAD_TWINS[name, good, bad]
    assert (refusal.value.status, refusal.value.warning_code) == (status, warning)
    assert word in refusal.value.reason


def test_the_head_of_an_answer():
    offered = read(OFFERS["fax gateway"])
    answered = text_of(answer(offered, negotiate(offered), US))
    assert answered.startswith(
        "v=0\no=confserver 77 0 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=2873397496 2873404696\nm=image"
    )


def test_the_plan_of_a_plain_call():
    assert settle("a=ptime:30\na=maxptime:140\n") == Agreed(
        media_index=0,
        lines=settle().lines,
        remote=("198.51.100.7", 5004),
        remote_rtcp=("198.51.100.7", 5005),
        is_ipv6=False,
        rtcp_mux=False,
        incoming=((0, PCMU), (101, TELEPHONE_EVENT)),
        outgoing=(0, PCMU),
        telephone_event=101,
        ptime_ms=30,
        maxptime_ms=140.0,
        stated=SENDRECV,
        direction=SENDRECV,
        held=False,
    )


def test_the_first_good_line_is_taken_and_its_own_address():
    agreed = negotiate(read(BUNDLED))
    assert (agreed.media_index, agreed.remote) == (2, ("198.51.100.7", 50004))
    assert agreed.incoming == ((97, PCMU), (0, PCMU))
    assert agreed.outgoing == (97, PCMU)


def test_ipv6():
    offered = read(OFFERS["ipv6"])
    agreed = negotiate(offered)
    assert (agreed.remote, agreed.is_ipv6) == (("2001:db8::7", 5004), True)
    ours = answer(offered, agreed, replace(US, host="2001:db8::1"))
    assert (ours.connection.family, ours.origin.family, ours.connection.host) == ("IP6", "IP6", "2001:db8::1")


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("", ("198.51.100.7", 5005)),
        ("a=rtcp:6000\n", ("198.51.100.7", 6000)),
        ("a=rtcp:6000 IN IP4 198.51.100.9\n", ("198.51.100.9", 6000)),
        ("a=rtcp:0\n", None),
        ("a=rtcp:6000 IN IP4 0.0.0.0\n", None),
        ("a=rtcp:x\n", ("198.51.100.7", 5005)),
        ("a=rtcp-mux\n", ("198.51.100.7", 5004)),
        ("a=rtcp:6000\na=rtcp-mux\n", ("198.51.100.7", 5004)),
    ],
)
def test_where_rtcp_goes(lines, place):
    assert settle(lines).remote_rtcp == place


def test_no_rtcp_above_the_last_port():
    assert settle(base=PLAIN.replace("5004", "65535")).remote_rtcp is None
    assert settle("a=rtcp-mux\n", base=PLAIN.replace("5004", "65535")).remote_rtcp == ("198.51.100.7", 65535)


@pytest.mark.parametrize(
    ("lines", "ptime"),
    [
        ("", 20),
        ("a=ptime:10\n", 10),
        ("a=ptime:60\n", 60),
        ("a=ptime:5\n", 10),
        ("a=ptime:200\n", 60),
        ("a=ptime:35\n", 30),
        ("a=ptime:40\na=maxptime:30\n", 30),
        ("a=maxptime:10\n", 10),
        ("a=maxptime:5\n", 10),
        ("a=ptime:0\n", 20),
        ("a=ptime:soon\n", 20),
    ],
)
def test_ptime_is_what_we_can_do_of_what_they_ask(lines, ptime):
    assert settle(lines).ptime_ms == ptime


@pytest.mark.parametrize(
    ("formats", "lines", "incoming", "event"),
    [
        ("0 0 8", "", ((0, PCMU), (8, PCMA)), None),
        ("8 0", "", ((8, PCMA), (0, PCMU)), None),
        ("0", "a=rtpmap:0 PCMA/8000\n", ((0, PCMA),), None),
        ("0", "a=rtpmap:0 nonsense\n", ((0, PCMU),), None),
        ("100 0", "a=rtpmap:100 telephone-event/8000\na=fmtp:100 66\n", ((0, PCMU),), None),
        ("0 100", "a=rtpmap:100 telephone-event/48000\n", ((0, PCMU),), None),
        ("0 100", "", ((0, PCMU),), None),  # dynamic, without a map
        ("0 128 x 08 999", "", ((0, PCMU), (8, PCMA)), None),
        ("70 0", "a=rtpmap:70 PCMA/8000\n", ((70, PCMA), (0, PCMU)), None),
        ("70 0", "a=rtpmap:70 PCMA/8000\na=rtcp-mux\n", ((0, PCMU),), None),  # would look like RTCP
        ("0 99 100", "a=rtpmap:99 telephone-event/8000\na=rtpmap:100 telephone-event/8000\n",
         ((0, PCMU), (99, TELEPHONE_EVENT), (100, TELEPHONE_EVENT)), 99),
    ],
)  # fmt: skip
def test_formats_in_common(formats, lines, incoming, event):
    agreed = settle(lines, base=PLAIN[: PLAIN.index("m=")] + f"m=audio 5004 RTP/AVP {formats}\n")
    assert (agreed.incoming, agreed.telephone_event) == (incoming, event)


def test_key_presses_alone_are_no_call():
    with pytest.raises(Rejected, match="no audio format in common"):
        settle(base=PLAIN.replace("AVP 0 101", "AVP 101"))


def test_an_offer_without_media():
    with pytest.raises(Rejected, match="no audio offered") as refusal:
        negotiate(read(PLAIN[: PLAIN.index("m=")]))
    assert (refusal.value.status, refusal.value.warning_code) == (488, 304)


def test_of_several_refusals_the_one_that_came_furthest_is_told():
    lines = "m=audio 5006 RTP/SAVP 0\nm=video 5008 RTP/AVP 96\nm=audio 0 RTP/AVP 0\n"
    with pytest.raises(Rejected, match="no audio format"):
        settle(lines, base=PLAIN.replace("AVP 0 101", "AVP 18"))


# ------------------------------------------------------------------ hold, resume, roles
def with_address(host):
    return PLAIN.replace("198.51.100.7", host)


def test_hold_and_resume():
    live = settle()
    held = settle("a=sendonly\n", previous=live)
    assert (held.held, held.direction, held.sends, held.receives) == (True, RECVONLY, False, True)
    again = settle("a=sendonly\n", previous=held)
    assert again.held
    both = settle("a=inactive\n", previous=again)
    assert (both.held, both.direction) == (True, INACTIVE)
    resumed = settle("a=sendrecv\n", previous=both)
    assert resumed == live


@pytest.mark.parametrize("host", ["0.0.0.0", "hold.invalid"])
def test_the_old_hold(host):
    held = settle(previous=settle(), base=with_address(host))
    assert (held.held, held.remote, held.remote_rtcp, held.sends) == (True, None, None, False)
    assert held.direction is SENDRECV
    assert settle(previous=held) == settle()


def test_a_first_sendonly_is_a_broadcaster_until_it_holds():
    broadcaster = settle("a=sendonly\n")
    assert (broadcaster.held, broadcaster.direction, broadcaster.before) == (False, RECVONLY, Before.BROADCASTING)
    assert not settle("a=sendonly\n", previous=broadcaster).held
    assert settle("a=inactive\n", previous=broadcaster).held


def test_a_listener():
    listener = settle("a=recvonly\n")
    assert (listener.held, listener.direction, listener.receives, listener.sends) == (False, SENDONLY, False, True)
    assert settle("a=inactive\n", previous=listener).held


def test_our_own_limits():
    assert settle(allow=SENDONLY).direction is SENDONLY
    assert settle("a=recvonly\n", allow=RECVONLY).direction is INACTIVE
    assert settle("a=sendonly\n", allow=SENDRECV).direction is RECVONLY


def test_a_switched_off_stream_cannot_go_on():
    with pytest.raises(Rejected, match="switched off"):
        settle(previous=settle(), base=PLAIN.replace("5004", "0"))


def test_a_new_address_and_a_new_order_of_formats():
    before = negotiate(read(BARESIP))
    after = negotiate(read(BARESIP.replace("0 8 101", "8 0 101").replace("17122", "18000")), previous=before)
    assert (before.outgoing, after.outgoing) == ((0, PCMU), (8, PCMA))
    assert after.remote == ("198.51.100.7", 18000)


# ------------------------------------------------------------------ what we write
def test_rtcp_in_our_answer():
    offered = read(PLAIN)
    agreed = negotiate(offered)
    answers = [text_of(answer(offered, agreed, replace(US, rtcp_port=port))) for port in (None, 20_001, 20_100)]
    assert ["a=rtcp:20100\n" in text for text in answers] == [False, False, True]
    assert "a=rtcp:" not in answers[0]


def test_with_mux_there_is_no_rtcp_port():
    offered = read(PLAIN + "a=rtcp-mux\n")
    written = text_of(answer(offered, negotiate(offered), replace(US, rtcp_port=20_100)))
    assert "a=rtcp-mux\n" in written and "a=rtcp:" not in written


def test_the_version_counts_changes_only():
    offered = read(PLAIN)
    first = answer(offered, negotiate(offered), US)
    again = answer(offered, negotiate(offered), US, sent=first)
    assert again == first
    moved = answer(offered, negotiate(offered), replace(US, host="192.0.2.2", session_id=99), sent=again)
    assert moved.origin == replace(first.origin, version="1")
    assert moved.connection.host == "192.0.2.2"
    assert next_version(first, None) is first


# ------------------------------------------------------------------ we offer
def test_our_first_offer():
    written = text_of(offer(OFFERED, US))
    assert written == (
        "v=0\no=confserver 77 0 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
        "m=audio 20000 RTP/AVP 111 9 0 8 101 110\na=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1\n"
        "a=rtpmap:9 G722/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n"
        "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=rtpmap:110 telephone-event/48000\na=fmtp:110 0-15\n"
        "a=ptime:20\na=sendrecv\n"
    )
    assert "a=rtcp-mux\n" in text_of(offer(FORMATS, replace(US, rtcp_mux=True)))


def test_their_answer():
    agreed = accept(offer(FORMATS, US), read(PLAIN.replace("0 101", "8 96").replace(":101", ":96")))
    assert agreed.incoming == ((8, PCMA), (101, TELEPHONE_EVENT))  # our numbers
    assert (agreed.outgoing, agreed.telephone_event) == ((8, PCMA), 96)  # theirs
    assert agreed.remote == ("198.51.100.7", 5004)


def test_an_answer_may_leave_out_the_maps_that_we_gave():
    agreed = accept(offer(FORMATS, US), read(PLAIN.replace("a=rtpmap:101 telephone-event/8000\n", "")))
    assert agreed.telephone_event == 101


def test_an_answer_may_add_formats_which_do_not_count():
    agreed = accept(offer((PCMA,), US), read(PLAIN.replace("0 101", "0 8 8 101")))
    assert agreed.incoming == ((8, PCMA),)
    assert agreed.outgoing == (8, PCMA)


def test_one_format_under_two_numbers_keeps_both():
    twice = settle(base=PLAIN.replace("AVP 0 101", "AVP 0 101 8").replace("telephone-event", "PCMU"))
    ours = offer(G711, US, previous=twice)
    assert ours.media[0].formats == ("0", "101", "8", "96")
    both = accept(ours, read(PLAIN.replace("telephone-event", "PCMU")), previous=twice)
    assert both.incoming == ((0, PCMU), (101, PCMU))
    moved = accept(ours, read(PLAIN.replace("telephone-event", "PCMU").replace("101", "110")), previous=twice)
    assert moved.incoming == ((0, PCMU),)


def test_mux_needs_both_sides():
    with_mux = offer(FORMATS, replace(US, rtcp_mux=True))
    assert accept(with_mux, read(PLAIN + "a=rtcp-mux\n")).rtcp_mux
    assert not accept(with_mux, read(PLAIN)).rtcp_mux
    assert not accept(offer(FORMATS, US), read(PLAIN + "a=rtcp-mux\n")).rtcp_mux


@pytest.mark.parametrize(
    ("answered", "status", "warning", "word"),
    [
        (PLAIN + "m=audio 5006 RTP/AVP 0\n", 488, 399, "2 m= lines answer 1"),
        (PLAIN[: PLAIN.index("m=")], 488, 399, "0 m= lines answer 1"),
        (PLAIN.replace("5004", "0"), 488, 304, "port 0"),
        (PLAIN.replace("AVP 0 101", "AVP 18"), 488, 305, "no audio format"),
        (PLAIN.replace("RTP/AVP", "RTP/SAVP"), 488, 302, "RTP/SAVP"),
        (PLAIN.replace("m=audio", "m=video"), 488, 304, "no audio"),
        (PLAIN.replace("c=IN IP4 198.51.100.7\n", ""), 400, 399, "no c="),
        (with_address("pbx.example.net"), 488, 301, "pbx"),
    ],
)
def test_answers_that_do_not_fit(answered, status, warning, word):
    with pytest.raises(Rejected, match=word) as refusal:
        accept(offer(FORMATS, US), read(answered))
    assert (refusal.value.status, refusal.value.warning_code) == (status, warning)


def test_our_hold_is_not_theirs():
    live = accept(offer(FORMATS, US), read(PLAIN))
    holding = offer(FORMATS, US, previous=live, hold=True)
    assert holding.direction_of(holding.media[0]) is SENDONLY
    held_by_us = accept(holding, read(PLAIN + "a=recvonly\n"), previous=live)
    assert (held_by_us.direction, held_by_us.held) == (SENDONLY, False)
    resumed = accept(offer(FORMATS, US, previous=held_by_us), read(PLAIN), previous=held_by_us)
    assert (resumed.direction, resumed.held) == (SENDRECV, False)


def test_an_answer_never_widens_our_offer():
    holding = offer(FORMATS, US, hold=True)
    assert accept(holding, read(PLAIN)).direction is SENDONLY  # sendrecv to sendonly: wrong, and common


def test_where_we_do_not_send_their_direction_says_nothing_new():
    deaf = replace(US, allow=RECVONLY)
    live = accept(offer(FORMATS, US), read(PLAIN))
    asked = accept(offer(FORMATS, deaf), read(PLAIN + "a=sendonly\n"), previous=live)
    assert (asked.direction, asked.held, asked.before) == (RECVONLY, False, Before.HEARING)
    held = settle("a=sendonly\n", previous=live)
    assert accept(offer(FORMATS, deaf), read(PLAIN + "a=sendonly\n"), previous=held).held


def test_they_answer_with_hold():
    live = accept(offer(FORMATS, US), read(PLAIN))
    assert accept(offer(FORMATS, US), read(PLAIN + "a=sendonly\n"), previous=live).held
    assert accept(offer(FORMATS, US), read(with_address("0.0.0.0")), previous=live).remote is None


def test_a_later_offer_keeps_lines_numbers_and_mux():
    offered = read(LINPHONE)
    agreed = negotiate(offered)
    ours = answer(offered, agreed, US)
    later = offer(tuple(format for _, format in agreed.incoming), US, previous=agreed, sent=ours)
    assert [(media.kind, media.port, media.proto) for media in later.media] == [
        ("audio", 20_000, "RTP/AVP"),
        ("video", 0, "RTP/AVP"),
    ]
    assert later.media[0].formats == ("96", "0", "8", "101", "98")
    assert later.media[0].is_rtcp_mux()
    assert later == ours  # so its version is the same
    assert offer(OFFERED, US, previous=agreed, hold=True, sent=ours).origin.version == "1"


def test_a_later_offer_finds_free_numbers_for_new_formats():
    taken = settle(base=PLAIN.replace("AVP 0 101", "AVP 101 8").replace("telephone-event", "PCMU"))
    assert taken.incoming == ((101, PCMU), (8, PCMA))
    later = offer(G711, US, previous=taken)
    assert later.media[0].formats == ("101", "8", "96")
    assert later.media[0].rtpmaps()[96].encoding == "telephone-event"
    more = offer(OFFERED, US, previous=settle(base=PLAIN.replace("101", "111")))
    assert more.media[0].formats == ("0", "111", "96", "9", "8", "110")
    assert more.media[0].rtpmaps()[96].encoding == "opus"


# ------------------------------------------------------------------ properties
PAYLOADS = st.lists(st.integers(0, 130), min_size=1, max_size=8)
ENCODINGS = st.sampled_from(["PCMU/8000", "pcma/8000", "telephone-event/8000", "opus/48000/2", "G722/8000"])
LINES = st.builds(
    lambda kind, port, proto, payloads, maps, rest: (
        f"m={kind} {port} {proto} {' '.join(map(str, payloads))}\n"
        + "".join(f"a=rtpmap:{payload} {name}\n" for payload, name in zip(payloads, maps, strict=False))
        + "".join(f"{line}\n" for line in rest)
    ),
    st.sampled_from(["audio", "audio", "audio", "video", "image"]),
    st.sampled_from([5004, 5004, 0, 65535]),
    st.sampled_from(["RTP/AVP", "RTP/AVP", "RTP/SAVP"]),
    PAYLOADS,
    st.lists(ENCODINGS, max_size=8),
    st.lists(
        st.sampled_from(
            "a=sendonly a=recvonly a=inactive a=rtcp-mux a=rtcp:9 a=ptime:30 c=IN_IP4_0.0.0.0 "
            "c=IN_IP4_198.51.100.8 a=fmtp:101_0-16".split()
        ).map(lambda line: line.replace("_", " ")),
        max_size=4,
    ),
)
OFFER = st.lists(LINES, max_size=4).map(lambda lines: PLAIN[: PLAIN.index("m=")] + "".join(lines))


@settings(max_examples=200)
@given(OFFER, st.lists(st.sampled_from(["", "a=sendonly\n", "a=inactive\n", "a=recvonly\n"]), max_size=2))
def test_every_answer_fits_its_offer(value, past):
    previous = None
    for lines in past:
        previous = settle(lines, previous=previous)
    offered = read(value)
    try:
        agreed = negotiate(offered, previous=previous)
    except Rejected as refusal:
        assert refusal.reason and refusal.status in (400, 488)
        return
    answered = parse(write(answer(offered, agreed, US)))
    assert [(media.kind, media.proto) for media in answered.media] == [
        (media.kind, media.proto) for media in offered.media
    ]
    assert [index for index, media in enumerate(answered.media) if media.port] == [agreed.media_index]
    theirs, ours = offered.media[agreed.media_index], answered.media[agreed.media_index]
    assert set(map(int, ours.formats)) <= set(map(int, theirs.formats))
    said = answered.direction_of(ours)
    assert said.within(offered.direction_of(theirs).reverse) is said

    # the answer, offered, agrees with itself; and an offerer with one line would take it
    mirrored = negotiate(answered)
    assert mirrored.incoming == agreed.incoming and mirrored.rtcp_mux == agreed.rtcp_mux
    if [index for index, media in enumerate(offered.media) if media.port] == [agreed.media_index]:
        accepted = accept(offered, answered)
        assert (accepted.incoming, accepted.outgoing) == (agreed.incoming, agreed.outgoing)


@settings(max_examples=150)
@given(st.sampled_from(sorted(OFFERS)), st.data())
def test_mutated_offers_are_settled_or_refused(name, data):
    value = bytearray(OFFERS[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=4))
    try:
        offered = parse(bytes(value))
        agreed = negotiate(offered)
    except (Bad, Rejected) as refusal:
        assert str(refusal)
        return
    assert len(parse(write(answer(offered, agreed, US))).media) == len(offered.media)


@settings(max_examples=100)
@given(OFFER, st.permutations(FORMATS), st.booleans())
def test_what_we_offer_within_a_call_is_agreed_by_ourselves(value, formats, hold):
    try:
        agreed = negotiate(read(value))
    except Rejected:
        return
    ours = offer(tuple(formats), US, previous=agreed, hold=hold)
    them = negotiate(ours)
    back = answer(ours, them, Local(host="198.51.100.7", port=5004, session_id=1))
    settled = accept(ours, back, previous=agreed)
    assert settled.incoming[: len(agreed.incoming)] == agreed.incoming
    assert settled.direction is (SENDONLY if hold else SENDRECV)
    assert len(ours.media) == len(agreed.lines)
