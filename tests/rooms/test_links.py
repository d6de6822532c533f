"""Plays about private ways: whispers, coaches, sidebars, and who does not hear whom."""

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from rooms.hearing import Hearing
from rooms.participant import Actor, MuteCause, Relation, Role
from tests.rooms.play import HOST, Stage, kinds, sources

ROOM = "standup"


@pytest.fixture
def stage() -> Stage:
    return Stage(ROOM)


@pytest.fixture
def four(stage: Stage) -> list[str]:
    return [stage.arrive(name) for name in ("Ana", "Bob", "Carl", "Dora")]


def hearing(stage: Stage) -> Hearing:
    return stage.rooms.get(ROOM).hearing


def heard_by(stage: Stage, listener: str) -> dict[str, float]:
    """Whom a listener hears, and how loud; never himself."""
    [one] = [one for one in hearing(stage).listeners if one.listener == listener]
    found = {**dict(hearing(stage).mixes[one.mix].sources), **dict(one.exceptions)}
    return {who: round(gain, 3) for who, gain in found.items() if gain and who != listener}


# ---------------------------------------------------------------- whispers and coaches
def test_only_one_hears_a_whisper_and_both_hear_the_room(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, dora = four
    events = stage.do(ask.Whisper(ROOM, ana, "bob"), HOST)
    assert kinds(events) == [tell.WhisperBegan, tell.HearingChanged]
    assert heard_by(stage, bob) == {ana: 1, carl: 1, dora: 1}
    assert heard_by(stage, carl) == {bob: 1, dora: 1} and heard_by(stage, ana) == {bob: 1, carl: 1, dora: 1}
    assert hearing(stage).private == (ana,)
    assert stage.shown()["whispers"] == [{"participant": ana, "to": bob, "coach": False}]
    assert stage.do(ask.Whisper(ROOM, ana, bob), HOST) == []
    assert kinds(stage.do(ask.EndWhisper(ROOM, ana), HOST)) == [tell.WhisperEnded, tell.HearingChanged]
    assert heard_by(stage, carl) == {ana: 1, bob: 1, dora: 1} and hearing(stage).private == ()


def test_the_others_see_nobody_talk_who_whispers(stage: Stage, four: list[str]) -> None:
    ana, bob, *_ = four
    stage.do(ask.NoteTalking(ROOM, ana, True))
    assert tell.TalkingChanged in kinds(stage.do(ask.Whisper(ROOM, ana, bob), HOST))
    assert stage.do(ask.NoteTalking(ROOM, ana, False)) == stage.do(ask.NoteTalking(ROOM, ana, True)) == []
    assert tell.TalkingChanged in kinds(stage.do(ask.EndWhisper(ROOM, ana), HOST))


def test_a_muted_whisperer_is_not_heard_a_muted_coach_is(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, dora = four
    stage.do(ask.MuteAll(ROOM, but=(bob,)), HOST)
    stage.do(ask.Whisper(ROOM, ana, bob), HOST)
    stage.do(ask.Coach(ROOM, carl, bob), HOST)
    assert heard_by(stage, bob) == {carl: 1} and heard_by(stage, dora) == {bob: 1}
    stage.do(ask.Mute(ROOM, carl, MuteCause.SELF))
    assert heard_by(stage, bob) == {}


def test_a_second_whisper_ends_the_first(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, _ = four
    stage.do(ask.Whisper(ROOM, ana, bob), HOST)
    events = stage.do(ask.Coach(ROOM, ana, carl), HOST)
    assert kinds(events) == [tell.WhisperEnded, tell.WhisperBegan, tell.HearingChanged]
    assert ana not in heard_by(stage, bob) and heard_by(stage, carl)[ana] == 1


@pytest.mark.parametrize("who", [0, 1])
def test_a_whisper_ends_when_one_of_the_two_goes(stage: Stage, four: list[str], who: int) -> None:
    stage.do(ask.Whisper(ROOM, four[0], four[1]), HOST)
    found = kinds(stage.leave(four[who]))
    assert found.index(tell.WhisperEnded) < found.index(tell.ParticipantLeft)
    assert stage.shown()["whispers"] == [] and hearing(stage).private == ()


def test_whispers_that_cannot_be(stage: Stage, four: list[str]) -> None:
    ana, bob, *_ = four
    for command, error in (
        (ask.Whisper(ROOM, ana, ana), Conflict), (ask.Coach(ROOM, ana, "nobody"), NotFound),
        (ask.Whisper(ROOM, "p99", ana), NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            stage.do(command, HOST)
    with pytest.raises(Forbidden):
        stage.do(ask.Whisper(ROOM, ana, bob), Actor("Ana", Role.PARTICIPANT, ana))
    assert stage.shown()["whispers"] == []


# ---------------------------------------------------------------- who does not hear whom
def test_somebody_does_not_hear_or_is_not_heard_by_another(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, dora = four
    stage.do(ask.Relate(ROOM, ana, bob), HOST)
    stage.do(ask.Relate(ROOM, ana, carl, Relation.NOSPEAK), HOST)
    assert heard_by(stage, ana) == {carl: 1, dora: 1} and heard_by(stage, bob) == {ana: 1, carl: 1, dora: 1}
    assert heard_by(stage, carl) == {bob: 1, dora: 1}
    assert stage.do(ask.Relate(ROOM, ana, bob), HOST) == []
    stage.do(ask.Relate(ROOM, bob, ana, Relation.CLEAR), HOST)
    assert heard_by(stage, ana) == {bob: 1, carl: 1, dora: 1}
    assert stage.shown()["unheard"] == [[carl, ana]]
    stage.leave(carl)
    assert stage.shown()["unheard"] == []


def test_exceptions_are_as_few_as_can_be(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, _ = four
    stage.do(ask.Relate(ROOM, ana, bob), HOST)
    stage.do(ask.Mute(ROOM, bob), HOST)
    assert all(not one.exceptions for one in hearing(stage).listeners), "nobody hears him anyhow"
    stage.do(ask.Whisper(ROOM, carl, ana), HOST)
    stage.do(ask.Deafen(ROOM, ana), HOST)
    assert all(not one.exceptions for one in hearing(stage).listeners), "who is deaf hears no whisper either"


# ---------------------------------------------------------------- sidebars
def test_a_sidebar_talks_among_itself_and_hears_the_room_softly(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, dora = four
    events = stage.do(ask.OpenSidebar(ROOM, ("ana", bob), room_db=-20.0), HOST)
    assert kinds(events) == [tell.SidebarOpened, tell.HearingChanged] and events[0].sidebar == events[0].number
    assert heard_by(stage, ana) == {bob: 1, carl: 0.1, dora: 0.1} and heard_by(stage, carl) == {dora: 1}
    assert hearing(stage).private == (ana, bob) and sources(events) == {carl, dora}
    events = stage.do(ask.CloseSidebar(ROOM, events[0].sidebar), HOST)
    assert kinds(events) == [tell.SidebarClosed, tell.HearingChanged] and sources(events) == {*four}
    assert stage.do(ask.CloseSidebar(ROOM), HOST) == []


def test_a_sidebar_may_hear_nothing_of_the_room_and_mutes_count_in_it(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, _ = four
    stage.do(ask.OpenSidebar(ROOM, (ana, bob, carl), hears_room=False), HOST)
    stage.do(ask.Mute(ROOM, carl), HOST)
    assert heard_by(stage, ana) == {bob: 1} and heard_by(stage, carl) == {ana: 1, bob: 1}
    stage.do(ask.Whisper(ROOM, bob, ana), HOST)
    assert heard_by(stage, carl) == {ana: 1} and heard_by(stage, ana) == {bob: 1}


def test_who_leaves_a_sidebar_is_back_and_one_alone_is_none(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, _ = four
    stage.do(ask.OpenSidebar(ROOM, (ana, bob, carl)), HOST)
    events = stage.do(ask.LeaveSidebar(ROOM, carl), Actor("Carl", Role.PARTICIPANT, carl))
    assert kinds(events) == [tell.SidebarLeft, tell.HearingChanged]
    found = kinds(stage.leave(ana))
    assert found.index(tell.SidebarLeft) < found.index(tell.SidebarClosed) < found.index(tell.ParticipantLeft)
    assert stage.shown()["sidebars"] == [] and bob in dict(hearing(stage).mixes[1].sources)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"participants": ()}, Invalid), ({"participants": ("p1", "ana")}, Invalid),
        ({"participants": ("p1", "p99")}, NotFound), ({"participants": ("p1", "p2"), "room_db": 1.0}, Invalid),
        ({"participants": ("p1", "p2"), "room_db": float("nan")}, Invalid), ({"participants": ("p3", "p4")}, Conflict),
    ],
)  # fmt: skip
def test_sidebars_that_cannot_be(stage: Stage, four: list[str], how: dict, error: type[Refused]) -> None:
    stage.do(ask.OpenSidebar(ROOM, (four[2], four[3])), HOST)
    before = stage.shown()
    with pytest.raises(error):
        stage.do(ask.OpenSidebar(ROOM, **how), HOST)
    with pytest.raises(NotFound):
        stage.do(ask.CloseSidebar(ROOM, 99), HOST)
    assert stage.shown() | {"at": 0} == before | {"at": 0}


def test_nothing_private_goes_along_to_another_room(stage: Stage, four: list[str]) -> None:
    ana, bob, carl, dora = four
    stage.do(ask.Whisper(ROOM, ana, bob), HOST)
    stage.do(ask.OpenSidebar(ROOM, (carl, dora)), HOST)
    stage.do(ask.MoveAll(ROOM, "board"), HOST)
    board = stage.rooms.get("board")
    assert board.hearing.private == () and len(board.hearing.mixes) == 2
