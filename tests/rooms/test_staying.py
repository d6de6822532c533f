"""How long one may stay: callers go, moderators stay, and everything else goes on."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Invalid
from rooms.lists import WANTED_AWAY
from rooms.staying import TIME_IS_UP, WORDS
from tests.rooms.play import ADMIN, HOST, Stage

ROOM = "standup"
LIMIT_S = 600


def stage_of(**rules: object) -> Stage:
    stage = Stage()
    stage.do(ask.CreateRoom(ROOM, rules={"stay_limit_s": LIMIT_S, "moderator_pin": "9999", **rules}), ADMIN)
    return stage


def pass_time(stage: Stage, seconds: float) -> list[tell.Event]:
    end, events = stage.now + seconds, []
    while (due := stage.rooms.next_deadline()) is not None and due <= end:
        stage.now = max(stage.now, due)
        events += stage.rooms.fire(stage.now)
    stage.now = end
    return events


def gone(events: list[tell.Event]) -> list[str]:
    return [each.participant for each in events if isinstance(each, tell.ParticipantKicked)]


def host(stage: Stage) -> str:
    who = stage.do(ask.Reserve(ROOM, "Mo", "sip:mo@10.0.0.1", "10.0.0.1:5060", pin="9999"))[-1].participant
    stage.do(ask.Arrive(ROOM, who))
    return who


def test_who_has_stayed_long_enough_hears_so_and_goes() -> None:
    stage = stage_of()
    ana = stage.arrive("Ana")
    stage.now += 100
    ben = stage.arrive("Ben")
    assert gone(pass_time(stage, LIMIT_S - 103)) == []
    events = pass_time(stage, 5)
    said, kicked = (
        next(each for each in events if isinstance(each, kind)) for kind in (tell.Announced, tell.ParticipantKicked)
    )
    assert (said.sounds, said.participant, said.urgent) == (WORDS, ana, True)
    assert (kicked.participant, kicked.by, kicked.cause, kicked.is_told) == (ana, "system", TIME_IS_UP, True)
    stage.do(ask.Leave(ROOM, ana, kicked.cause))
    assert gone(pass_time(stage, 90)) == [] and gone(pass_time(stage, 20)) == [ben]
    assert TIME_IS_UP in WANTED_AWAY, "nobody calls him back"


def test_moderators_stay_and_who_is_made_one_in_time() -> None:
    stage = stage_of()
    host(stage)
    ana = stage.arrive("Ana")
    stage.do(ask.Promote(ROOM, ana), HOST)
    assert gone(pass_time(stage, 10 * LIMIT_S)) == []
    stage.do(ask.Demote(ROOM, ana), HOST)
    assert gone(pass_time(stage, 1)) == [ana]


def test_who_is_on_his_way_out_is_not_told_again() -> None:
    stage = stage_of()
    ana = stage.arrive("Ana")
    assert gone(pass_time(stage, LIMIT_S + 1)) == [ana]
    assert pass_time(stage, LIMIT_S) == []


def test_it_holds_at_once_when_the_rule_changes_and_no_more_without() -> None:
    stage = stage_of(stay_limit_s=0)
    ana = stage.arrive("Ana")
    assert gone(pass_time(stage, 5000)) == []
    stage.do(ask.ChangeRoom(ROOM, rules={"stay_limit_s": 6000}), ADMIN)
    assert gone(pass_time(stage, 900)) == []
    stage.do(ask.ChangeRoom(ROOM, rules={"stay_limit_s": 60}), ADMIN)
    assert gone(pass_time(stage, 1)) == [ana]


@pytest.mark.parametrize("limit_s", [-1, 10**9])
def test_limits_that_cannot_be(limit_s: int) -> None:
    with pytest.raises(Invalid, match="stay_limit_s"):
        stage_of(stay_limit_s=limit_s)
