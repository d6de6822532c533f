"""The long trials can fail: what they would say of a server that loses something."""

from __future__ import annotations

import random

import pytest

from tests.kit.phone import Packet
from tests.kit.tones import pcmu_encoded, tone
from tests.soak import churn, kills, orders, stayers, workers
from tests.soak.asking import Answer
from tests.soak.changes import Change, Writer
from tests.soak.watching import Account

KEY = ("rooms", "w0-rooms-1")
OLD, NEW = {"profile": "", "rules": {"pin": "1234"}}, {"profile": "", "rules": {"pin": "998877", "stereo": True}}


def test_what_was_answered_must_be_there() -> None:
    assert kills.compared({KEY: NEW}, None, {KEY: NEW}) == []
    assert kills.compared({KEY: NEW}, None, {}), "lost"
    assert kills.compared({KEY: NEW}, None, {KEY: OLD}), "taken back"
    assert kills.compared({KEY: None}, None, {KEY: OLD}), "removed, and back again"
    assert kills.compared({}, None, {KEY: OLD}), "nobody has made it"


def test_what_was_not_answered_is_made_whole_or_not_at_all() -> None:
    assert kills.compared({KEY: OLD}, (KEY, NEW), {KEY: OLD}) == []
    assert kills.compared({KEY: OLD}, (KEY, NEW), {KEY: NEW}) == []
    half = {"profile": "", "rules": {"pin": "998877"}}
    assert kills.compared({KEY: OLD}, (KEY, NEW), {KEY: half})
    assert kills.compared({KEY: OLD}, (KEY, None), {}) == []
    assert kills.compared({KEY: OLD, ("users", "u"): OLD}, (KEY, NEW), {KEY: NEW}), "another thing has gone"


def test_a_refusal_is_wrong_and_changes_no_model() -> None:
    writer = Writer("w0", random.Random(1))
    change = Change(KEY, "PUT", "/rooms/w0-rooms-1", {}, NEW)
    writer.take(change, Answer(503, {"title": "Service Unavailable"}))
    assert writer.wrong and KEY not in writer.model and not writer.answered
    writer.take(change, Answer(201, {}))
    assert writer.model[KEY] == NEW and writer.answered == 1


def test_changes_are_of_every_kind_and_follow_their_model() -> None:
    writer, seen = Writer("w0", random.Random(2)), set()
    for _ in range(2000):
        change = writer.next_change()
        seen.add((change.key[0], change.method))
        is_there = writer.model.get(change.key) is not None
        assert is_there or change.method == "PUT", "nothing that is not there is changed or removed"
        writer.take(change, Answer(200, {"secret": "s"}))
    assert {kind for kind, method in seen if method == "DELETE"} == {"rooms", "profiles", "users", "tokens", "routes"}
    assert ("rooms", "PATCH") in seen and ("users", "POST") in seen


@pytest.mark.parametrize("wrong", [{"faults": ["lost"]}, {"answered": 0}, {"starts_s": [1.0, 60.0]}])
def test_kills_tell_their_trouble(wrong: dict[str, object]) -> None:
    fine: dict[str, object] = {"kills": 1, "answered": 5, "starts_s": [1.0]}
    assert not kills.Report(**fine).trouble()  # type: ignore[arg-type]
    assert kills.Report(**fine | wrong).trouble()  # type: ignore[arg-type]


def test_a_silence_is_from_the_blow_to_the_first_sound_after_it() -> None:
    steady = [number * 0.02 for number in range(100)]
    struck = 1.0
    broken = [at for at in steady if not 1.03 < at < 1.41]
    assert workers.silence_of(broken, struck) == pytest.approx(0.40, abs=0.03)
    assert workers.silence_of(steady, struck) == pytest.approx(0.0, abs=0.03)
    assert workers.silence_of([at for at in steady if at < 1.04], struck) is None, "never again"
    assert workers.silence_of([], struck) is None


@pytest.mark.parametrize("wrong", [{"faults": ["BYE"]}, {"silences_s": [0.1]}, {"silences_s": [0.1, 2.5]}])
def test_workers_tell_their_trouble(wrong: dict[str, object]) -> None:
    fine: dict[str, object] = {"kills": 1, "silences_s": [0.1, 0.2]}
    assert not workers.Report(**fine).trouble()  # type: ignore[arg-type]
    assert workers.Report(**fine | wrong).trouble()  # type: ignore[arg-type]


# ------------------------------------------------------------------ those who stay
HZ, ROUND = 400.0, 0.02


def stream(*silent: int, without: tuple[int, ...] = (), held_up: float = 0.0) -> list[Packet]:
    """A second of a tone. Some packets are silent, some never come; held up: from the 20th on all come later."""
    sound, quiet = pcmu_encoded(tone(HZ, ROUND, 8000)), b"\xff" * 160
    return [
        Packet(n * ROUND + (held_up if n >= 20 else 0.0), ("", 1), 0, n, 160 * n, 7, quiet if n in silent else sound)
        for n in range(50)
        if n not in without
    ]


def heard(packets: list[Packet], late: list[tuple[float, float]]) -> stayers.Heard:
    found = stayers.Heard()
    stayers.judged(packets, [HZ], late, found)
    return found


def test_a_gap_is_found_however_it_came() -> None:
    assert heard(stream(), []).gaps_ms == []
    assert heard(stream(10, 11), []).gaps_ms == [40.0]
    lost = heard(stream(without=(30, 31, 32)), [])
    assert lost.gaps_ms == [60.0] and lost.lost == 3
    assert heard(stream(49), []).gaps_ms == [20.0], "at the end"
    waited = heard(stream(held_up=0.1), [])
    assert waited.waits_ms == [120.0] and not waited.gaps_ms


def test_only_lateness_of_the_phones_just_then_excuses_a_gap() -> None:
    assert heard(stream(20), [(0.35, 0.05)]).excused == 1
    assert heard(stream(45), [(0.1, 0.05)]).gaps_ms == [20.0], "long before"
    assert heard(stream(20), [(0.35, 0.009)]).gaps_ms == [20.0], "by nothing that any playout would mind"
    assert heard(stream(held_up=0.1), [(0.45, 0.1)]).waits_ms == []


def event(number: int, own: int, kind: str = "room-locked", **more: object) -> dict[str, object]:
    return {"id": f"e-{number}", "type": kind, "room": "hall", "number": own, **more}


SNAPSHOT = {"id": "e-0", "type": "snapshot", "rooms": [{"name": "hall", "version": {"number": 5}, "participants": []}]}


def test_a_stream_without_a_gap_is_taken() -> None:
    watch = Account()
    for each in (SNAPSHOT, event(1, 6), event(2, 7, "participant-arrived", participant="p1", name="anna")):
        watch.take(each)
    assert not watch.faults and watch.there("hall") == ["p1"]
    watch.take(event(3, 8, "participant-left", participant="p1"))
    assert not watch.faults and not watch.there("hall") and ("hall", "p1") in watch.left_at


def test_who_has_been_removed_is_asked_nothing_more_and_leaves_all_the_same() -> None:
    watch = Account()
    arrived = (event(n, 5 + n, "participant-arrived", participant=f"p{n}", name="x") for n in (1, 2))
    for each in (SNAPSHOT, *arrived, event(3, 8, "participant-kicked", participant="p1")):
        watch.take(each)
    assert watch.there("hall") == ["p2"] and ("hall", "p1") in watch.present
    watch.take(event(4, 9, "participant-left", participant="p1"))
    assert not watch.faults and not watch.parting and ("hall", "p1") not in watch.present


@pytest.mark.parametrize(
    "wrong",
    [
        event(2, 6),
        event(1, 7),
        event(1, 6, "participant-left", participant="p9"),
        SNAPSHOT,
        {"type": "end", "reason": "too-slow"},
    ],
    ids=["number", "number of the room", "who was not there", "a second snapshot", "the end"],
)
def test_what_is_wrong_with_a_stream_is_told(wrong: dict[str, object]) -> None:
    watch = Account()
    watch.take(SNAPSHOT)
    watch.take(wrong)
    assert watch.faults


@pytest.mark.parametrize(
    "wrong",
    [
        {"faults": ["left behind"]},
        {"came": 99},
        {"heard": stayers.Heard(gaps_ms=[20.0])},
        {"heard": stayers.Heard(waits_ms=[120.0])},
        {"heard": stayers.Heard(lost=1)},
        {"orders": orders.Tally(faults=["500"])},
    ],
)
def test_churn_tells_its_trouble(wrong: dict[str, object]) -> None:
    fine: dict[str, object] = {"joins": 100, "came": 100}
    assert not churn.Report(**fine).trouble()  # type: ignore[arg-type]
    assert churn.Report(**fine | wrong).trouble()  # type: ignore[arg-type]


def test_only_who_has_left_just_then_is_not_found_with_reason() -> None:
    assert orders.has_left([5.0], 4.9, 5.1) and orders.has_left([1.0, 5.3, 9.0], 4.9, 5.1)
    assert not orders.has_left([], 4.9, 5.1), "he is there"
    assert not orders.has_left([1.0, 9.0], 4.9, 5.1), "he had gone before, or went long after"
