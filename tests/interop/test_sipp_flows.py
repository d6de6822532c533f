"""Calls as sipp plays them, message by message: hold and resume, late offers, lost ACKs, routes; by UDP, TCP and IPv6.

What must stand in each message is checked by the scenarios themselves (``scenarios/*.xml``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.raw_sip import Address
from tests.kit.server import Server
from tests.kit.sipp import Flow

pytestmark = pytest.mark.interop

SCENARIOS = Path(__file__).parent / "scenarios"
LOOPBACKS = ["127.0.0.1", "::1"]
WAYS = [("127.0.0.1", "u1"), ("127.0.0.1", "t1"), ("::1", "u1"), ("::1", "t1")]


@pytest.fixture(scope="module")
def dual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the loopback of IPv4 and of IPv6."""
    need("sipp")
    sections = {"sip": {"addresses": LOOPBACKS}, "rtp": {"addresses": LOOPBACKS}}
    with Server(tmp_path_factory.mktemp("dual"), **sections) as server:
        yield server


def at(server: Server, host: str) -> Address:
    return host, server.address[1]


@pytest.mark.parametrize(("host", "transport"), WAYS)
@pytest.mark.parametrize("scenario", ["hold", "late_offer", "update"])
def test_a_call_changes_and_ends(dual: Server, tmp_path: Path, scenario: str, host: str, transport: str) -> None:
    with Flow(tmp_path, SCENARIOS / f"{scenario}.xml", at(dual, host), scenario, transport=transport) as sipp:
        sipp.finish(15)
    dual.wait_until_in(scenario)


@pytest.mark.parametrize(("host", "transport"), WAYS)
def test_bye_goes_along_the_routes_of_the_call(dual: Server, tmp_path: Path, host: str, transport: str) -> None:
    with Flow(tmp_path, SCENARIOS / "record_route.xml", at(dual, host), "routed", transport=transport) as sipp:
        dual.wait_until_in("routed", "sipp")
        dual.cli("room", "end", "routed")
        sipp.finish(15)


def test_a_cancel_that_crosses_the_answer_ends_nothing(dual: Server, tmp_path: Path) -> None:
    with Flow(tmp_path, SCENARIOS / "cancel_race.xml", dual.address, "raced") as sipp:
        sipp.finish(15)
    dual.wait_until_in("raced")


def test_two_byes_that_cross_end_the_call_once(dual: Server, tmp_path: Path) -> None:
    with Flow(tmp_path, SCENARIOS / "crossed_bye.xml", dual.address, "crossed") as sipp:
        dual.wait_until_in("crossed", "sipp")
        dual.cli("room", "end", "crossed")
        sipp.finish(15)
    dual.wait_until_in("crossed")


@pytest.fixture(scope="module")
def quieting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A mute asks the phone for silence: a re-INVITE of ours."""
    need("sipp")
    with Server(tmp_path_factory.mktemp("quieting"), rooms={"mute_by_sip": True}) as server:
        yield server


@pytest.mark.parametrize("scenario", ["glare", "crossed_wishes", "gone"])
def test_a_change_of_ours_is_refused_crossed_or_lost(quieting: Server, tmp_path: Path, scenario: str) -> None:
    """491 from the phone: once more, later; 491 from us to its own; 408: the call is over (RFC 3261 14, 12.2.1.2)."""
    with Flow(tmp_path / scenario, SCENARIOS / f"{scenario}.xml", quieting.address, scenario) as sipp:
        quieting.wait_until_in(scenario, "sipp")
        quieting.cli("room", "mute", scenario, "sipp")
        sipp.finish(15)
    quieting.wait_until_in(scenario)


def test_a_200_that_is_lost_comes_again_until_the_ack(dual: Server, tmp_path: Path) -> None:
    """RFC 3261 13.3.1.4: the call stands; behind the ACK there is no other."""
    with Flow(tmp_path, SCENARIOS / "lost_200.xml", dual.address, "late") as sipp:
        dual.wait_until_in("late", "sipp")
        sipp.finish(15)
        answers = re.findall(r"\r?\nSIP/2\.0 200 OK\r?\n.*?CSeq: 1 INVITE", sipp.messages(), re.DOTALL)
    assert 2 <= len(answers) <= 4, "at 0, 0.5 and 1.5 s; a busy machine may be late with its ACK"
    dual.wait_until_in("late")


def test_a_room_refuses_picture_and_chat_by_port_0(dual: Server, tmp_path: Path) -> None:
    """RFC 3264 section 6: the sound is taken, the other lines stay in their places."""
    with Flow(tmp_path, SCENARIOS / "rich.xml", dual.address, "rich") as sipp:
        sipp.finish(15)
        said = sipp.messages()
    answer = said[said.index("SIP/2.0 200 OK") :]
    lines = re.findall(r"m=(\w+) (\d+) (\S+)", answer[: answer.index("ACK sip:")])
    assert [kind for kind, *_ in lines] == ["audio", "video", "message"]
    assert lines[0][1] != "0" and [port for _, port, _ in lines[1:]] == ["0", "0"]


@pytest.mark.slow
def test_a_call_whose_acks_are_lost_ends(dual: Server, tmp_path: Path) -> None:
    """RFC 3261 13.3.1.4: the same 2xx again after 0.5 s, 1 s, 2 s, 4 s, 4 s ..., and BYE after 32 s."""
    before = dual.counts()
    with Flow(tmp_path, SCENARIOS / "lost_ack.xml", dual.address, "unheard", seconds=45) as sipp:
        sipp.finish(45)
        said = sipp.messages()
    answers = re.findall(r"\r?\n(SIP/2\.0 200 OK\r?\n.*?CSeq: 1 INVITE)", said, re.DOTALL)
    assert len(answers) == 11, said
    assert len({tag for answer in answers for tag in re.findall(r"To: .*;tag=(\w+)", answer)}) == 1
    assert dual.participants("unheard") == {}, "nobody has heard of it"
    dual.wait_for_counts(before, 45)
