"""Session descriptions as text: what is read, what is kept, what is refused and why."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.sdp import text
from confserver.sdp.description import (
    Attribute,
    Bandwidth,
    Connection,
    Description,
    Media,
    Origin,
    RtcpPlace,
    RtpMap,
)
from confserver.sdp.direction import Direction
from confserver.sdp.text import Bad, parse, write
from tests.sdp.offers import BARESIP, BUNDLED, CISCO, LINPHONE, OFFERS, PJSUA

SMALL = "v=0\no=- 1 2 IN IP4 h\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 5004 RTP/AVP 0\n"


def read(value):
    return parse(value.encode())


def audio(lines):
    return read(SMALL + lines).media[0]


def test_a_phones_offer():
    description = read(BARESIP)
    assert description.origin == Origin("-", "1462312350", "1204120123", "IN", "IP4", "198.51.100.7")
    assert description.connection == Connection("IN", "IP4", "198.51.100.7")
    assert description.attributes == (Attribute("tool", "baresip 1.0.0"),)
    (media,) = description.media
    assert (media.kind, media.port, media.ports, media.proto) == ("audio", 17122, 1, "RTP/AVP")
    assert media.formats == ("0", "8", "101")
    assert media.rtpmaps() == {0: RtpMap("PCMU", 8000), 8: RtpMap("PCMA", 8000), 101: RtpMap("telephone-event", 8000)}
    assert media.fmtps() == {101: "0-15"}
    assert (media.ptime_ms(), media.maxptime_ms()) == (20.0, None)
    assert media.rtcp() == RtcpPlace(17123)
    assert media.ssrcs() == (2512370412,)
    assert not media.is_rtcp_mux() and media.has("rtcp-rsize")
    assert description.direction_of(media) is Direction.SENDRECV


def test_connection_and_bandwidth_at_both_levels():
    description = read(PJSUA)
    assert description.connection is None
    assert description.connection_of(description.media[0]) == Connection("IN", "IP4", "198.51.100.7")
    assert description.bandwidths == (Bandwidth("AS", 84),)
    assert description.media[0].bandwidths == (Bandwidth("TIAS", 64000),)
    assert description.media[0].rtcp() == RtcpPlace(4001, "198.51.100.7")


def test_the_medias_own_connection_counts_before_the_sessions():
    description = read(SMALL + "c=IN IP4 192.0.2.200\n")
    assert description.connection_of(description.media[0]).host == "192.0.2.200"
    assert description.connection.host == "192.0.2.9"


def test_channels_and_several_lines():
    audio_line, video = read(LINPHONE).media
    assert audio_line.rtpmaps()[96] == RtpMap("opus", 48000, 2)
    assert audio_line.is_rtcp_mux()
    assert (video.kind, video.port) == ("video", 9078)
    assert [media.kind for media in read(BUNDLED).media] == ["audio"] * 4 + ["application"]


def test_spaces_at_the_end_of_lines_are_overlooked():
    assert read(CISCO).media[0].formats == ("0", "8", "116", "18", "101")


@pytest.mark.parametrize(
    ("lines", "direction"),
    [
        ("a=sendonly\n", "sendonly"),
        ("a=recvonly\n", "recvonly"),
        ("a=inactive\na=sendrecv\n", "inactive"),
        ("", "sendrecv"),
    ],
)
def test_direction_of_the_media(lines, direction):
    description = read(SMALL + lines)
    assert description.direction_of(description.media[0]).value == direction


def test_direction_of_the_session_counts_where_the_media_is_silent():
    description = read(SMALL.replace("t=0 0\n", "t=0 0\na=inactive\n") + "m=audio 5006 RTP/AVP 0\na=sendonly\n")
    assert [description.direction_of(media).value for media in description.media] == ["inactive", "sendonly"]


@pytest.mark.parametrize(
    "value",
    [
        SMALL,
        SMALL.replace("\n", "\r\n"),
        SMALL.rstrip(),
        SMALL + "\r\n\r\n",
        SMALL.replace("s=-\n", ""),
        SMALL.replace("s=-\n", "s= \n"),
        SMALL.replace("t=0 0\n", ""),
        "o=- 1 2 IN IP4 h\nv=0\nt=0 0\nc=IN IP4 192.0.2.9\ns=-\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_where_phones_err(value):
    assert read(value) == read(SMALL)


def test_lines_that_mean_nothing_to_us_are_kept():
    description = read(
        "v=0\no=- 1 2 IN IP4 h\ns=x\nq=what\nt=1 2\nr=7d 1h 0 25h\nt=3 4\ni=info\nu=http://example.net\n"
        "m=audio 5004 RTP/AVP 0\nk=clear:x\ni=title\na=unheard-of:a:b\na=flag\n"
    )
    assert description.others == (
        ("i", "info"),
        ("u", "http://example.net"),
        ("t", "1 2"),
        ("r", "7d 1h 0 25h"),
        ("t", "3 4"),
        ("q", "what"),
    )
    assert description.media[0].others == (("i", "title"), ("k", "clear:x"))
    assert description.media[0].attributes == (Attribute("unheard-of", "a:b"), Attribute("flag"))
    assert parse(write(description)) == description


def test_writing_follows_the_order_of_the_rfc():
    value = (
        "v=0\no=- 1 2 IN IP4 h\ns=x\ni=info\nc=IN IP4 192.0.2.9\nb=AS:64\nt=0 0\na=tool:x\n"
        "m=audio 5004/2 RTP/AVP 0 8\ni=t\nb=X:1\na=ptime:20\n"
    )
    assert write(read(value)) == value.replace("\n", "\r\n").encode()


def test_a_name_with_spaces_in_the_origin():
    assert read(SMALL.replace("o=- ", "o=Ana Maria ")).origin.user == "Ana Maria"


def test_bytes_that_are_no_utf_8_are_replaced():
    assert parse(SMALL.encode().replace(b"s=-", b"s=Gespr\xe4ch")).name == "Gespr\N{REPLACEMENT CHARACTER}ch"


@pytest.mark.parametrize(
    ("line", "host", "is_address", "is_null"),
    [
        ("IN IP4 198.51.100.7", "198.51.100.7", True, False),
        ("in ip4 198.51.100.7", "198.51.100.7", True, False),
        ("IN IP4 0.0.0.0", "0.0.0.0", True, True),
        ("IN IP6 2001:DB8:0:0::7", "2001:db8::7", True, False),
        ("IN IP6 ::", "::", True, True),
        ("IN IP6 hold.invalid", "hold.invalid", False, True),
        ("IN IP4 pbx.example.net", "pbx.example.net", False, False),
        ("IN IP4 224.2.1.1/127/3", "224.2.1.1", True, False),
        ("ATM NSAP 47.0091.8100", "47.0091.8100", False, False),
    ],
)
def test_connections(line, host, is_address, is_null):
    description = read(SMALL.replace("c=IN IP4 192.0.2.9", "c=" + line))
    connection = description.connection
    assert (connection.host, connection.is_address, connection.is_null) == (host, is_address, is_null)
    assert parse(write(description)) == description


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("53020", RtcpPlace(53020)),
        ("53020 IN IP4 126.16.64.4", RtcpPlace(53020, "126.16.64.4")),
        ("53020 IN IP6 2001:DB8::1", RtcpPlace(53020, "2001:db8::1")),
        ("0", RtcpPlace(0)),
        ("", None),
        ("70000", None),
        ("53020 IN IP4 pbx.example.net", None),
        ("53020 IN IP4", None),
    ],
)
def test_the_rtcp_attribute(line, place):
    assert audio(f"a=rtcp:{line}\n").rtcp() == place


@pytest.mark.parametrize(
    ("line", "rtpmaps"),
    [
        ("0 PCMU/8000", {0: RtpMap("PCMU", 8000)}),
        (" 0  PCMU/8000/1", {0: RtpMap("PCMU", 8000)}),
        ("96 L16/44100/2", {96: RtpMap("L16", 44100, 2)}),
        ("97 x/8000/1/odd", {97: RtpMap("x", 8000)}),
        ("0 PCMU", {}),
        ("0 PCMU/0", {}),
        ("128 PCMU/8000", {}),
        ("-1 PCMU/8000", {}),
        ("٠ PCMU/8000", {}),
        ("0 PCMU/8k", {}),
    ],
)
def test_rtpmaps(line, rtpmaps):
    assert audio(f"a=rtpmap:{line}\n").rtpmaps() == rtpmaps


def test_of_two_maps_for_one_number_the_first_counts():
    assert audio("a=rtpmap:96 a/1\na=rtpmap:96 b/2\na=fmtp:96 x\na=fmtp:96 y\n").rtpmaps() == {96: RtpMap("a", 1)}
    assert audio("a=fmtp:96 x=1; y\na=fmtp:96 z\na=fmtp:x 1\na=fmtp:200 1\na=fmtp\n").fmtps() == {96: "x=1; y"}


@pytest.mark.parametrize(
    ("line", "ptime"),
    [
        ("20", 20.0),
        ("30.5", 30.5),
        (" 20 ", 20.0),
        ("0", None),
        ("-20", None),
        ("nan", None),
        ("1e9", None),
        ("9" * 400, None),
    ],
)
def test_ptime(line, ptime):
    assert audio(f"a=ptime:{line}\n").ptime_ms() == ptime


def test_sources():
    assert audio("a=ssrc:5 cname:x\na=ssrc:5 msid:y\na=ssrc:6\na=ssrc:x\na=ssrc:4294967296\na=ssrc\n").ssrcs() == (5, 6)


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ("v=0\n", "", "no v= line"),
        ("v=0\n", "v=1\n", "v= is not 0"),
        ("v=0\n", "v=0\nv=0\n", "more than one v="),
        ("o=- 1 2 IN IP4 h\n", "", "no o= line"),
        ("o=- 1 2 IN IP4 h", "o=- 1 2 IN IP4", "o= has less than six"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4", "c= does not have three"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 192.0.2.9 9", "c= does not have three"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 192.0.2.999", "c= has no address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 192.000.002.009", "c= has no address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 192.0.2.9/x", "c= has no address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 a..b", "c= has no address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 a<b", "c= has no address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 " + "a." * 130 + "b", "c= has no address"),
        ("c=IN IP4 192.0.2.9", "c=IN IP4 ::1", "c= has no IPv4"),
        ("c=IN IP4 192.0.2.9", "c=IN IP6 192.0.2.9", "c= has no IPv6"),
        ("c=IN IP4 192.0.2.9", "c=IN IP6 fe80::1%eth0", "c= has no IPv6"),
        ("c=IN IP4 192.0.2.9", "c=IN IP6 fe80::g", "c= has no address"),
        ("m=audio 5004 RTP/AVP 0", "m=audio 5004 RTP/AVP", "m= has less than four"),
        ("m=audio 5004 RTP/AVP 0", "m=audio 5004", "m= has less than four"),
        ("m=audio 5004 RTP/AVP 0", "m=", "m= has less than four"),
        ("m=audio 5004", "m=audio 65536", "no port"),
        ("m=audio 5004", "m=audio -1", "no port"),
        ("m=audio 5004", "m=audio +1", "no port"),
        ("m=audio 5004", "m=audio ٥", "no port"),
        ("m=audio 5004", "m=audio " + "9" * 5000, "no port"),
        ("m=audio 5004", "m=audio 5004/0", "no number of ports"),
        ("m=audio 5004", "m=audio 5004/33", "no number of ports"),
        ("m=audio 5004", "m=audio 5004/", "no number of ports"),
        ("t=0 0", "hello", "line 5 is not of the form"),
        ("t=0 0", "t =0 0", "line 5 is not of the form"),
        ("t=0 0", "=0 0", "line 5 is not of the form"),
        ("t=0 0", "t=0\r0", "line 5 has a control"),
        ("t=0 0", "t=0\0", "line 5 has a control"),
    ],
)
def test_what_cannot_be_used_says_why(good, bad, reason):
    assert good in SMALL
    with pytest.raises(Bad, match=reason):
        read(SMALL.replace(good, bad))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "no v="),
        (SMALL + "a=x:" + "y" * 70_000, "65536 bytes"),
        (SMALL + "a=x:" + "y" * 8_192, "line 7 is longer"),
        (SMALL + "z=\n" * 2_048, "2048 lines"),
        (SMALL + "m=audio 5 RTP/AVP 0\n" * 32, "32 m= lines"),
        (SMALL + "m=audio 5 RTP/AVP" + " 0" * 257, "256 formats"),
        (SMALL + "a=x\n" * 513, "512 attributes"),
    ],
)
def test_every_count_has_a_limit(value, reason):
    with pytest.raises(Bad, match=reason):
        read(value)


def test_a_description_without_media():
    assert read(SMALL[: SMALL.index("m=")]).media == ()


def test_within_the_limits_all_is_taken():
    lines = "m=audio 5 RTP/AVP" + " 0" * 256 + "\n" + "a=x\n" * 512 + "m=audio 5 RTP/AVP 0\n" * 30
    assert len(read(SMALL + lines).media) == text.MOST_MEDIA


def test_a_switched_off_line_may_lack_formats():
    assert audio("m=audio 0 RTP/AVP\n").formats == ("0",)
    assert read(SMALL + "m=audio 0 RTP/AVP\n").media[1].formats == ()


def test_empty_attributes_and_bandwidths_are_passed_over():
    media = audio("a=\na=:x\na= :y\nb=AS\nb=AS:x\nb=:5\nb=AS:64\n")
    assert (media.attributes, media.bandwidths) == ((), (Bandwidth("AS", 64),))


@pytest.mark.parametrize(
    "filler", ["a=rtpmap:1 " + " " * 8000, "a=rtpmap:" + "1 " * 4000, "c=IN IP4 " + "a-" * 4000, "a=" + ":" * 8000]
)
def test_the_largest_texts_are_read_or_refused_at_once(filler):
    value = (SMALL + (filler + "\n") * 7).encode()
    began = time.process_time()
    try:
        parse(value).media[0].rtpmaps()
    except Bad as bad:
        assert "c=" in str(bad)
    assert time.process_time() - began < 0.5


# ------------------------------------------------------------------ properties
TOKEN = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="-_.+"), min_size=1, max_size=12)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
NUMBER = st.integers(0, 2**32).map(str)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
CONNECTION = st.one_of(
    st.builds(Connection, st.just("IN"), st.just("IP4"), IPV4, st.sampled_from(["", "/127", "/1/3"])),
    st.builds(Connection, st.just("IN"), st.just("IP6"), IPV6),
    st.just(Connection("IN", "IP4", "pbx.example.net")),
)
ATTRIBUTE = st.builds(Attribute, TOKEN, st.none() | TEXT | st.just(""))
COMMON = {
    "connection": st.none() | CONNECTION,
    "bandwidths": st.lists(st.builds(Bandwidth, TOKEN, st.integers(0, 2**40)), max_size=3).map(tuple),
    "attributes": st.lists(ATTRIBUTE, max_size=6).map(tuple),
}
MEDIA = st.builds(
    Media,
    kind=TOKEN,
    port=st.integers(0, 65_535),
    ports=st.integers(1, 32),
    proto=TOKEN,
    formats=st.lists(TOKEN, min_size=1, max_size=6).map(tuple),
    others=st.sampled_from([(), (("i", "title"),), (("i", "x"), ("k", "prompt"))]),
    **COMMON,
)
DESCRIPTION = st.builds(
    Description,
    origin=st.builds(Origin, TOKEN, NUMBER, NUMBER, st.just("IN"), st.sampled_from(["IP4", "IP6"]), TOKEN),
    name=TEXT,
    media=st.lists(MEDIA, max_size=4).map(tuple),
    others=st.sampled_from([(("t", "0 0"),), (("i", "x"), ("e", "a@b"), ("t", "1 2"), ("r", "1"), ("z", "3"))]),
    **COMMON,
)


@settings(max_examples=150)
@given(DESCRIPTION)
def test_all_that_can_be_written_reads_back(description):
    assert parse(write(description)) == description


@settings(max_examples=200)
@given(st.sampled_from(sorted(OFFERS)), st.data())
def test_mutations_are_read_or_refused_with_a_reason(name, data):
    value = bytearray(OFFERS[name].encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 12))] = data.draw(st.binary(max_size=6))
        value = value or bytearray(b"v")
    try:
        description = parse(bytes(value))
    except Bad as bad:
        assert str(bad)
        return
    for media in description.media:
        media.rtpmaps(), media.fmtps(), media.ptime_ms(), media.maxptime_ms(), media.rtcp(), media.ssrcs()
    assert parse(write(description)) == description


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_noise_is_refused(data):
    with pytest.raises(Bad):
        parse(data)
