"""Header extensions and more of RTCP: taken where offered, never where not, and broken lines change nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.formats import OFFERED
from confserver.sdp.agreement import Agreed
from confserver.sdp.extras import LEVEL, MIX_LEVELS, OURS, Extension, Extras
from confserver.sdp.negotiation import accept, answer, negotiate, offer
from confserver.sdp.text import parse
from tests.sdp.offers import BARESIP, CHROMIUM, LINPHONE, US

HEAD = "v=0\no=- 1 2 IN IP4 h\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\n"
MEDIA = "m=audio 5004 RTP/AVP 0\n"
WANTING = replace(US, extras=OURS)


def settle(*lines: str, session: str = "") -> Agreed:
    return negotiate(parse((HEAD + session + MEDIA + "".join(f"a={line}\n" for line in lines)).encode()))


def answered(*lines: str, session: str = "") -> list[str]:
    """What our answer says beside the sound."""
    offered = parse((HEAD + session + MEDIA + "".join(f"a={line}\n" for line in lines)).encode())
    media = answer(offered, negotiate(offered), US).media[0]
    told = [each for each in media.attributes if each.name in ("extmap", "rtcp-rsize", "rtcp-xr")]
    return [each.name if each.value is None else f"{each.name}:{each.value}" for each in told]


# ------------------------------------------------------------------ they offer
@pytest.mark.parametrize(
    ("offered", "answer", "level", "mix"),
    [
        (f"1 {LEVEL}", f"1 {LEVEL}", 1, 0),
        (f"14 {LEVEL} vad=on", f"14 {LEVEL} vad=on", 14, 0),
        (f"3/sendrecv {LEVEL} vad=off", f"3 {LEVEL} vad=off", 3, 0),
        (f"3/sendonly {LEVEL}", f"3/recvonly {LEVEL}", 3, 0),
        (f"2 {MIX_LEVELS}", f"2 {MIX_LEVELS}", 0, 2),
        (f"2/recvonly {MIX_LEVELS}", f"2/sendonly {MIX_LEVELS}", 0, 2),
    ],
)
def test_levels_are_taken_with_their_id(offered: str, answer: str, level: int, mix: int) -> None:
    agreed = settle(f"extmap:{offered}")
    assert (agreed.extras.level_id, agreed.extras.mix_levels_id) == (level, mix)
    assert answered(f"extmap:{offered}") == [f"extmap:{answer}"]


@pytest.mark.parametrize(
    "offered",
    [
        f"0 {LEVEL}", f"15 {LEVEL}", f"256 {LEVEL}", f"4096 {LEVEL}", f"x {LEVEL}", f"-1 {LEVEL}", f" {LEVEL}",
        f"1/both {LEVEL}", f"1/ {LEVEL}", f"1/recvonly {LEVEL}", f"1/inactive {LEVEL}", f"1 {LEVEL}2", "1", "1 ", "",
        f"2/sendonly {MIX_LEVELS}", f"2/inactive {MIX_LEVELS}", "3 urn:ietf:params:rtp-hdrext:sdes:mid",
        f"1{LEVEL}", f"1 {LEVEL.upper()}", f"1 {'x' * 5000}",
    ],
)  # fmt: skip
def test_bad_twins_are_passed_over(offered: str) -> None:
    assert settle(f"extmap:{offered}").extras == Extras()
    assert answered(f"extmap:{offered}") == []


def test_both_levels() -> None:
    assert answered(f"extmap:1 {LEVEL}", "extmap:4 urn:x", f"extmap:2/recvonly {MIX_LEVELS}") == [
        f"extmap:1 {LEVEL}",
        f"extmap:2/sendonly {MIX_LEVELS}",
    ]


def test_an_id_means_one_thing_and_a_thing_has_one_id() -> None:
    assert settle("extmap:1 urn:x", f"extmap:1 {LEVEL}").extras == Extras()
    assert settle(f"extmap:1 {LEVEL}", f"extmap:1 {MIX_LEVELS}").extras.mix_levels_id == 0
    assert settle(f"extmap:1 {LEVEL}", f"extmap:2 {LEVEL}").extras.level_id == 1


def test_what_the_session_says_holds_where_the_media_says_nothing() -> None:
    session = f"a=extmap:5 {LEVEL}\na=rtcp-xr:voip-metrics\n"
    assert settle(session=session).extras.level_id == 5 and settle(session=session).extras.xr
    both = settle(f"extmap:6 {LEVEL}", "rtcp-xr:pkt-loss-rle", session=session).extras
    assert (both.level_id, both.xr) == (6, False)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("rtcp-xr:voip-metrics", True), ("rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup voip-metrics", True),
        ("rtcp-xr:VOIP-Metrics", True), ("rtcp-xr:stat-summary", False), ("rtcp-xr:voip-metrics=1", False),
        ("rtcp-xr:", False), ("rtcp-xr", False), ("xr:voip-metrics", False),
    ],
)  # fmt: skip
def test_who_wants_metrics(line: str, wanted: bool) -> None:
    assert settle(line).extras.xr is wanted
    assert answered(line) == (["rtcp-xr:voip-metrics"] if wanted else [])


def test_reduced_rtcp_is_answered_in_kind() -> None:
    assert settle("rtcp-rsize").extras.reduced_rtcp and answered("rtcp-rsize") == ["rtcp-rsize"]
    assert not settle().extras.reduced_rtcp and answered() == []


@pytest.mark.parametrize(
    ("text", "level", "reduced", "metrics"),
    [(CHROMIUM, 1, True, False), (BARESIP, 0, True, False), (LINPHONE, 0, False, True)],
)
def test_real_ones(text: str, level: int, reduced: bool, metrics: bool) -> None:
    found = negotiate(parse(text.encode())).extras
    assert (found.level_id, found.reduced_rtcp, found.xr) == (level, reduced, metrics)


# ------------------------------------------------------------------ we offer
def test_our_offer_asks_for_levels_both_ways() -> None:
    values = list(offer(OFFERED, WANTING).media[0].values("extmap"))
    assert values == [f"1/recvonly {LEVEL}", f"2/sendonly {MIX_LEVELS}"]
    assert list(offer(OFFERED, US).media[0].values("extmap")) == []


@pytest.mark.parametrize(
    ("lines", "level", "mix"),
    [
        ([], 0, 0),
        ([f"1/sendonly {LEVEL}", f"2/recvonly {MIX_LEVELS}"], 1, 2),
        ([f"1 {LEVEL}"], 1, 0),
        ([f"2/sendonly {MIX_LEVELS}"], 0, 0),
        ([f"1/recvonly {LEVEL}"], 0, 0),
        ([f"3/sendonly {LEVEL}"], 0, 0),
        ([f"2/sendonly {LEVEL}"], 0, 0),
        (["1/sendonly urn:x", "14 urn:y"], 0, 0),
    ],
)
def test_their_answer(lines: list[str], level: int, mix: int) -> None:
    text = HEAD + MEDIA + "".join(f"a=extmap:{line}\n" for line in lines)
    agreed = accept(offer(OFFERED, WANTING), parse(text.encode()))
    assert (agreed.extras.level_id, agreed.extras.mix_levels_id) == (level, mix)
    again = offer(OFFERED, WANTING, previous=agreed)
    kept = [f"1/recvonly {LEVEL}"] * bool(level) + [f"2/sendonly {MIX_LEVELS}"] * bool(mix)
    assert list(again.media[0].values("extmap")) == kept


def test_an_answer_widens_nothing() -> None:
    told = parse((HEAD + MEDIA + "a=rtcp-rsize\na=rtcp-xr:voip-metrics\n").encode())
    agreed = accept(offer(OFFERED, US), told)
    assert not agreed.extras.reduced_rtcp, "we have not asked"
    assert agreed.extras.xr, "each side says for itself what it wants"


def test_within_a_call_all_stays() -> None:
    agreed = settle(f"extmap:7 {LEVEL} vad=on", "rtcp-rsize", "rtcp-xr:voip-metrics")
    media = offer(OFFERED, WANTING, previous=agreed).media[0]
    assert list(media.values("extmap")) == [f"7 {LEVEL} vad=on"]
    assert media.has("rtcp-rsize") and list(media.values("rtcp-xr")) == ["voip-metrics"]


@given(st.lists(st.text(max_size=40) | st.builds(
    lambda number, way, uri, rest: f"{number}{way} {uri}{rest}",
    st.integers(-1, 300), st.sampled_from(["", "/sendonly", "/recvonly", "/x"]),
    st.sampled_from([LEVEL, MIX_LEVELS, "urn:x"]), st.sampled_from(["", " vad=on", " vad=off x"]),
), max_size=8))  # fmt: skip
def test_any_lines_give_ids_that_a_header_can_have(values: list[str]) -> None:
    lines = [f"extmap:{value}" for value in values if value.isprintable()]
    found = settle(*lines).extras
    ids = [each.id for each in found.extensions]
    assert all(1 <= each <= 14 for each in ids) and len(set(ids)) == len(ids) <= 2
    assert settle(*(f"extmap:{each.attribute.value}" for each in found.extensions)).extras.level_id in (
        0,
        found.level_id,
    )
    assert all(isinstance(each, Extension) for each in found.extensions)
