"""The long trials can fail: what they would say of a server that loses something."""

from __future__ import annotations

import random

import pytest

from tests.soak import kills, workers
from tests.soak.asking import Answer
from tests.soak.changes import Change, Writer

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
    assert {kind for kind, method in seen if method == "DELETE"} == {"rooms", "profiles", "users", "tokens"}
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
