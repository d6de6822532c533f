"""What who comes in hears first; and one thing after another, also for who is alone."""

from __future__ import annotations

import pytest

from confserver.contract import Play, PlayEnded, StopPlay
from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Invalid, NotFound
from tests.focus.house import House, every, the
from tests.focus.test_playing import ALONE, MUSIC, WELCOME, convert, house, paths


def room(**rules: object) -> House:
    stage = house(music=True)
    stage.order(ask.CreateRoom("standup", rules=rules))
    return stage


def come(stage: House, name: str = "Ana") -> tuple[int, list[Play], list[object]]:
    """His call; what plays to him at last, and all that was ordered."""
    call, _ = stage.invite(name=f"{name} <sip:{name}@b>")
    stage.opened(call)
    outputs = stage.ack(call)
    outputs += stage.first_packet(call)
    outputs += convert(stage, outputs)
    plays = every(Play, outputs)
    stopped = {each.play for each in every(StopPlay, outputs)}
    return call, [play for play in {each.play: each for each in plays}.values() if play.play not in stopped], outputs


def end(stage: House, play: Play) -> list[Play]:
    outputs = stage.tell(PlayEnded(play=play.play, cause="finished"))
    return every(Play, convert(stage, outputs))


def test_who_is_alone_hears_the_welcome_then_that_he_is_alone_then_music() -> None:
    stage = room(welcome=("prompt:welcome",))
    call, [welcome], _ = come(stage)
    assert (paths(welcome), welcome.leg, welcome.loop) == ([WELCOME], stage.leg(call).id, False)
    [alone] = end(stage, welcome)
    assert paths(alone) == [ALONE]
    [music] = end(stage, alone)
    assert (paths(music), music.loop) == ([str(MUSIC)], True)
    stage.bye(call)
    assert stage.is_empty() and stage.focus.describe()["plays"] == 0


def test_only_who_comes_hears_it() -> None:
    stage = room(welcome=("prompt:welcome",), music_when_alone=False)
    come(stage, "Ana")
    call, [welcome], _ = come(stage, "Ben")
    assert welcome.leg == stage.leg(call).id
    assert every(Play, stage.bye(call)) == []


def test_without_one_nothing_is_said() -> None:
    stage = room()
    _, [alone], outputs = come(stage)
    assert paths(alone) == [ALONE] and every(tell.Announced, outputs) == []


def test_music_makes_way_for_what_is_said_and_goes_on() -> None:
    stage = room()
    call, [alone], _ = come(stage)
    [music] = end(stage, alone)
    who = stage.leg(call).participant
    stage.scene.obey([tell.Announced("standup", 99, stage.now, ("prompt:welcome",), who)])
    outputs = stage.play(stage.scene.taken())
    outputs += convert(stage, outputs)
    assert the(StopPlay, outputs).play == music.play
    said = next(play for play in every(Play, outputs) if paths(play) == [WELCOME])
    [again] = end(stage, said)
    assert paths(again) == [str(MUSIC)], "that he is alone he knows"


def test_music_that_would_begin_while_something_is_said_waits() -> None:
    stage = room()
    come(stage, "Ana")
    call, _, _ = come(stage, "Ben")
    stage.scene.obey([tell.Announced("standup", 99, stage.now, ("prompt:welcome",))])
    outputs = stage.play(stage.scene.taken())
    [said] = every(Play, convert(stage, outputs))
    assert every(Play, convert(stage, stage.bye(call))) == []
    assert [paths(play) for play in end(stage, said)] == [[ALONE]]


def test_nobody_is_left_to_hear_the_rest() -> None:
    stage = room(welcome=("prompt:welcome",))
    call, [welcome], _ = come(stage)
    stage.bye(call)
    assert end(stage, welcome) == [] and stage.is_empty() and stage.focus.describe()["plays"] == 0
    _, [again], _ = come(stage)
    assert paths(again) == [WELCOME]


@pytest.mark.parametrize(
    ("welcome", "kind"),
    [
        (("prompt:nope",), Invalid), (("",), Invalid), (("x" * 1025,), Invalid), (("a\x00b",), Invalid),
        (("prompt:welcome",) * 9, Invalid), (("../x.wav",), Invalid),
    ],
)  # fmt: skip
def test_a_sound_that_cannot_be_is_refused_at_once(welcome: tuple[str, ...], kind: type[Exception]) -> None:
    stage = room()
    with pytest.raises((kind, NotFound)):
        stage.order(ask.ChangeRoom("standup", rules={"welcome": welcome}))
    with pytest.raises((kind, NotFound)):
        stage.order(ask.CreateRoom("other", rules={"welcome": welcome}))
    assert stage.focus.room("standup", stage.now)["welcome"] == [] and "other" not in stage.rooms
