"""Plays between rooms, scribe and worker; music and beeps that nobody asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from confserver.contract import (
    CloseLeg,
    ConvertSound,
    Play,
    PlayEnded,
    SetPlay,
    Sound,
    SoundFailed,
    SoundReady,
    StopPlay,
    ToWorker,
)  # fmt: skip
from confserver.focus import outputs as out
from confserver.focus.announcer import PATIENCE_S
from confserver.focus.focus import Focus
from confserver.focus.remembered import FRESH_S, MOST_SOUNDS, Remembered
from confserver.focus.repertoire import Repertoire, Score
from confserver.focus.terms import MediaTerms
from confserver.prompts.catalogue import Catalogue
from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Invalid, NotFound
from rooms.policy import Announce
from tests.focus.house import House, every, sdp, the

SOUNDS, MUSIC = Path("/srv/sounds"), Path("/pkg/hold.flac")
PROMPTS = Catalogue("en", {name: Path(f"/pkg/{name}.flac") for name in ("only-one", "welcome", "1", "2", "20")})
WELCOME, ALONE = "/pkg/welcome.flac", "/pkg/only-one.flac"


def house(music: bool = False, announce: Announce = Announce.NONE, **more: object) -> House:
    made = House(**more)
    repertoire = Repertoire(SOUNDS, PROMPTS, MUSIC, music, announce)
    made.scene.followers.clear()
    made.focus = Focus(made.scene, repertoire)
    for number in range(len(made.workers)):
        made.focus.worker_ready(number)
    return made


def ready(command: ConvertSound) -> SoundReady:
    sounds = [Sound(path=f"/mem{command.path}.{rate}", rate_hz=rate, channels=1, frames=rate) for rate in command.rates]
    return SoundReady(job=command.job, sounds=sounds)


def asked(outputs: list[out.Output]) -> list[ConvertSound]:
    return [each.command for each in every(out.TellScribe, outputs) if isinstance(each.command, ConvertSound)]


def convert(stage: House, outputs: list[out.Output]) -> list[out.Output]:
    """The scribe does what it was asked for; before that what is played at once, for it was laid ready just now."""
    done: list[out.Output] = [
        each for each in outputs if isinstance(each, out.TellWorker) and isinstance(each.command, Play)
    ]
    for command in asked(outputs):
        done += stage.play(stage.focus.hear_scribe(ready(command), stage.now))
    return done


def order(stage: House, *sounds: str, **more: object) -> list[out.Output]:
    return stage.order(ask.Play("standup", sounds, **more))


def paths(play: Play) -> list[str]:
    return [sound[0].path.removeprefix("/mem").rpartition(".")[0] for sound in play.sounds]


# ---------------------------------------------------------------------- what was laid ready just now
def test_a_sound_that_was_laid_ready_a_moment_ago_is_played_at_once() -> None:
    stage = house()
    stage.enter()
    [first] = asked(order(stage, "prompt:welcome"))
    stage.play(stage.focus.hear_scribe(ready(first), stage.now))
    again = order(stage, "prompt:welcome")
    assert asked(again) == [] and paths(the(Play, again)) == [WELCOME]


def test_it_is_asked_for_again_when_it_may_have_changed_or_is_gone() -> None:
    stage = house()
    stage.enter()
    convert(stage, order(stage, "prompt:welcome"))
    stage.now += FRESH_S + 0.1
    [command] = asked(order(stage, "prompt:welcome"))
    stage.play(stage.focus.hear_scribe(ready(command), stage.now))
    assert asked(order(stage, "prompt:welcome")) == []
    stage.play(stage.focus.scribe_lost(stage.now))
    assert len(asked(order(stage, "prompt:welcome"))) == 1, "with the scribe goes what it has made"


def test_what_failed_is_not_remembered_and_little_is() -> None:
    known = Remembered()
    sounds = ready(ConvertSound(job=1, path="/a", rates=[8000])).sounds
    for number in range(2 * MOST_SOUNDS):
        known.keep(f"/{number}", [8000], sounds, 0.0)
    assert known.find("/0", [8000], 1.0) is None and known.find(f"/{2 * MOST_SOUNDS - 1}", [8000], 1.0) == sounds
    assert known.find(f"/{2 * MOST_SOUNDS - 1}", [16000], 1.0) is None, "other rates are other sounds"
    assert len(known._sounds) == MOST_SOUNDS


# ---------------------------------------------------------------------- by command
def test_a_sound_is_converted_and_then_played() -> None:
    stage = house()
    call = stage.enter()
    outputs = order(stage, "prompt:welcome", participant="p1", volume_db=-3, duck_db=9, start_s=2, interruptible=True)
    number = the(tell.PlayStarted, outputs).play
    [conversion] = asked(outputs)
    assert (conversion.path, conversion.rates) == (WELCOME, [8000, 16000])
    assert not every(Play, outputs)
    play = the(Play, convert(stage, outputs))
    assert (play.leg, play.room) == (stage.leg(call).id, stage.scene.places["standup"].number)
    assert (play.volume_db, play.duck_db, play.start_s, play.interruptible, play.loop) == (-3, 9, 2, True, False)
    assert [sound.rate_hz for sound in play.sounds[0]] == [8000, 16000]
    outputs = stage.tell(PlayEnded(play=play.play, cause="interrupted", digit="5"))
    ended = the(tell.PlayEnded, outputs)
    assert (ended.play, ended.cause, ended.digit) == (number, "interrupted", "5")
    assert not every(StopPlay, outputs)
    assert not stage.tell(PlayEnded(play=play.play, cause="finished"))
    assert stage.focus.describe()["plays"] == 0


def test_each_file_is_converted_once_and_played_as_often_as_it_is_named() -> None:
    stage = house()
    stage.enter()
    outputs = order(stage, "number:2", "a/b.wav", "number:22", "prompt:1")
    assert [each.path for each in asked(outputs)] == [
        "/pkg/2.flac",
        "/srv/sounds/a/b.wav",
        "/pkg/20.flac",
        "/pkg/1.flac",
    ]
    first, *rest = asked(outputs)
    for command in rest:
        assert not stage.play(stage.focus.hear_scribe(ready(command), stage.now))
    play = the(Play, stage.play(stage.focus.hear_scribe(ready(first), stage.now)))
    assert [path.rpartition("/")[2] for path in paths(play)] == ["2.flac", "b.wav", "20.flac", "2.flac", "1.flac"]


@pytest.mark.parametrize(
    ("terms", "rates"),
    [
        (MediaTerms(rate_hz=8000), [8000]),
        (MediaTerms(rate_hz=48000), [48000]),
        (MediaTerms(max_rate_hz=8000), [8000]),
        (MediaTerms(max_rate_hz=48000), [8000, 16000, 48000]),
    ],
)
def test_a_sound_lies_ready_at_the_rates_that_its_room_can_have(terms: MediaTerms, rates: list[int]) -> None:
    stage = house(terms=terms)
    stage.enter()
    assert asked(order(stage, "prompt:welcome"))[0].rates == rates


def test_tones_need_no_scribe() -> None:
    stage = house()
    stage.enter()
    outputs = order(stage, "tones:440:100/100 ...", loop=True)
    assert not asked(outputs)
    play = the(Play, outputs)
    assert (play.tones, play.sounds, play.leg, play.loop) == ("440:100/100 ...", [], None, True)


def test_changes_go_to_the_worker_or_wait_for_the_samples() -> None:
    stage = house()
    stage.enter()
    playing = the(Play, order(stage, "tones:440"))
    outputs = order(stage, "prompt:welcome")
    changed = [
        *stage.order(ask.PausePlay("standup")),
        *stage.order(ask.SeekPlay("standup", 7.5)),
        *stage.order(ask.SetPlayVolume("standup", -9.0)),
    ]
    assert every(SetPlay, changed) == [
        SetPlay(play=playing.play, paused=True, volume_db=0.0),
        SetPlay(play=playing.play, paused=True, volume_db=0.0, position_s=7.5),
        SetPlay(play=playing.play, paused=True, volume_db=-9.0),
    ]
    told = [each for each in every(ToWorker, convert(stage, outputs)) if isinstance(each, Play | SetPlay)]
    assert (told[0].start_s, told[0].volume_db) == (7.5, -9.0)
    assert told[1] == SetPlay(play=told[0].play, paused=True)
    stopped = stage.order(ask.StopPlay("standup"))
    assert [each.play for each in every(StopPlay, stopped)] == [playing.play, told[0].play]


def test_one_stopped_before_its_samples_are_there_is_never_played() -> None:
    stage = house()
    stage.enter()
    outputs = order(stage, "prompt:welcome")
    assert not every(StopPlay, stage.order(ask.StopPlay("standup")))
    assert not convert(stage, outputs)
    assert stage.focus.describe()["plays"] == 0


def test_a_file_that_cannot_be_read_fails_with_its_name_and_the_reason() -> None:
    stage = house()
    stage.enter()
    outputs = order(stage, "a/b.wav", "prompt:welcome")
    [first, second] = asked(outputs)
    failed = SoundFailed(job=first.job, reason="there is no such file")
    ended = the(tell.PlayEnded, stage.play(stage.focus.hear_scribe(failed, stage.now)))
    assert (ended.cause, ended.reason) == ("failed", "b.wav: there is no such file")
    assert not stage.play(stage.focus.hear_scribe(ready(second), stage.now))


@pytest.mark.parametrize(
    ("sounds", "error"),
    [
        (["/etc/passwd"], Invalid),
        (["../x.wav"], Invalid),
        (["a/../../x.wav"], Invalid),
        (["a/.."], Invalid),
        (["."], Invalid),
        (["a\0b"], Invalid),
        (["prompt:nothing"], NotFound),
        (["prompt:../1"], NotFound),
        (["prompt:"], NotFound),
        (["number:"], Invalid),
        (["number:-1"], Invalid),
        (["number:1.5"], Invalid),
        (["number:\u0663"], Invalid),
        (["number:9999999999"], Invalid),
        (["number:30"], NotFound),
        (["tones:440", "prompt:welcome"], Invalid),
    ],
)
def test_names_that_mean_nothing_are_refused(sounds: list[str], error: type[Exception]) -> None:
    stage = house()
    stage.enter()
    with pytest.raises(error):
        order(stage, *sounds)
    assert stage.focus.describe()["plays"] == 0
    assert not stage.rooms.get("standup").plays


def test_names_of_files_lie_below_the_directory() -> None:
    known = Repertoire(SOUNDS, PROMPTS, MUSIC)
    assert known.score_of(["a b/ü.flac"]) == Score(files=("/srv/sounds/a b/ü.flac",))
    assert known.score_of(["./x..wav"]) == Score(files=("/srv/sounds/x..wav",))
    with pytest.raises(NotFound, match=r"sounds\.directory"):
        Repertoire(None, PROMPTS, MUSIC).score_of(["x.wav"])


# ---------------------------------------------------------------------- losses
def test_what_a_lost_scribe_had_in_hand_is_asked_for_again_but_not_for_ever() -> None:
    stage = house()
    stage.enter()
    first = asked(order(stage, "prompt:welcome"))
    again = asked(stage.play(stage.focus.scribe_lost(stage.now)))
    assert again == first
    ended = the(tell.PlayEnded, stage.play(stage.focus.scribe_lost(stage.now)))
    assert (ended.cause, ended.reason) == ("failed", "welcome.flac: the scribe has failed at it")
    assert not stage.play(stage.focus.scribe_lost(stage.now))


def test_a_lost_worker_fails_what_it_played_and_what_waits_for_it() -> None:
    stage = house(workers=2)
    stage.enter(room="one"), stage.enter(room="two")
    playing = the(Play, stage.order(ask.Play("one", ("tones:440",))))
    waiting = stage.order(ask.Play("one", ("prompt:welcome",)))
    stage.order(ask.Play("two", ("tones:440",)))
    outputs = stage.lose(stage.scene.places["one"].worker)
    assert [(each.room, each.cause, each.reason) for each in every(tell.PlayEnded, outputs)] == [
        ("one", "failed", "the media worker is lost")
    ] * 2
    assert not every(out.TellWorker, outputs)
    assert not convert(stage, waiting)
    assert not stage.tell(PlayEnded(play=playing.play, cause="finished"))
    late = stage.order(ask.Play("one", ("tones:440",)))
    assert the(tell.PlayEnded, late).reason == "the media worker is lost"
    assert stage.focus.describe()["plays"] == 1


# ---------------------------------------------------------------------- music
def comes(stage: House, **how: object) -> tuple[int, list[out.Output]]:
    """A call and its first packet."""
    call, _ = stage.invite(**how)
    stage.opened(call)
    return call, [*stage.ack(call), *stage.first_packet(call)]


def test_who_is_alone_is_told_so_and_then_hears_music_until_somebody_comes() -> None:
    stage = house(music=True)
    call, outputs = comes(stage)
    told = the(Play, convert(stage, outputs))
    assert (paths(told), told.leg, told.loop) == ([ALONE], stage.leg(call).id, False)
    outputs = stage.tell(PlayEnded(play=told.play, cause="finished"))
    assert not every(tell.Event, outputs), "the rooms know nothing of it"
    music = the(Play, convert(stage, outputs))
    assert (paths(music), music.leg, music.loop) == ([str(MUSIC)], stage.leg(call).id, True)
    other, outputs = comes(stage, name="Bob <sip:bob@b>")
    assert the(StopPlay, outputs).play == music.play
    assert not stage.tell(PlayEnded(play=music.play, cause="stopped"))
    outputs = stage.bye(call)
    assert paths(the(Play, convert(stage, outputs))) == [ALONE], "now the other is alone"
    stage.bye(other)
    assert stage.is_empty()
    assert stage.focus.describe()["plays"] == 0 == len(stage.focus._announcer)


def test_who_is_alone_is_told_so_from_his_first_packet_on() -> None:
    stage = house(music=True)
    call, _ = stage.invite()
    stage.opened(call)
    assert not asked(stage.ack(call))
    assert asked(stage.pass_time(PATIENCE_S)), "or after a while"


def test_music_that_is_not_converted_yet_is_not_played_to_two() -> None:
    stage = house(music=True)
    _, outputs = comes(stage)
    stage.enter(name="Bob <sip:bob@b>")
    assert asked(outputs) and not convert(stage, outputs)


def test_music_without_the_prompt_where_there_is_none_or_it_cannot_be_read() -> None:
    stage = house(music=True)
    [prompt] = asked(comes(stage)[1])
    outputs = stage.play(stage.focus.hear_scribe(SoundFailed(job=prompt.job, reason="gone"), stage.now))
    [music] = asked(outputs)
    assert music.path == str(MUSIC)
    assert not stage.play(stage.focus.hear_scribe(SoundFailed(job=music.job, reason="gone"), stage.now))
    assert stage.focus.describe()["plays"] == 0


def test_no_music_on_hold_nor_for_the_deaf() -> None:
    stage = house(music=True)
    call, outputs = comes(stage)
    playing = the(Play, convert(stage, outputs))
    assert the(StopPlay, stage.reinvite(call, sdp("192.0.2.9", 4000, "sendonly", version=2))).play == playing.play
    playing = the(Play, convert(stage, stage.reinvite(call, sdp(version=3))))
    assert the(StopPlay, stage.order(ask.Deafen("standup", "p1"))).play == playing.play
    assert every(Play, stage.order(ask.Undeafen("standup", "p1"))), "at once: it was laid ready just now"


def test_a_rooms_own_rule_goes_before_the_settings() -> None:
    stage = house(music=True)
    stage.order(ask.CreateRoom("standup", music_when_alone=False))
    _, outputs = comes(stage)
    assert not asked(outputs)
    assert asked(stage.order(ask.CreateRoom("standup", music_when_alone=True)))
    quiet = house(music=False)
    quiet.order(ask.CreateRoom("standup", music_when_alone=True))
    assert asked(comes(quiet)[1])


def test_music_begins_anew_with_the_heir_of_a_lost_worker() -> None:
    stage = house(music=True)
    _, outputs = comes(stage)
    before = the(Play, convert(stage, outputs))
    assert not stage.lose(0)
    music = the(Play, convert(stage, stage.play(stage.focus.worker_ready(0))))
    assert paths(music) == [str(MUSIC)], "he knows that he is alone"
    assert music.play != before.play


def test_who_is_being_hung_up_on_hears_no_music() -> None:
    stage = house(music=True)
    call = stage.enter()
    other = stage.enter(name="Bob <sip:bob@b>")
    stage.order(ask.Kick("standup", "p1"))
    outputs = stage.order(ask.End("standup"))
    assert not asked(outputs) and not every(Play, outputs)
    assert call not in stage.acked and other not in stage.acked
    closing = house(music=True)
    closing.enter(), closing.enter(name="Bob <sip:bob@b>")
    assert not asked(closing.play(closing.focus.close()))


# ---------------------------------------------------------------------- beeps
def test_beeps_are_for_those_who_are_there() -> None:
    stage = house(announce=Announce.BEEP)
    call, _ = stage.invite()
    stage.opened(call)
    assert not every(Play, stage.ack(call)), "nobody hears him come"
    other, _ = stage.invite(name="Bob <sip:bob@b>")
    stage.opened(other)
    entry = the(Play, stage.ack(other))
    assert (entry.tones, entry.leg) == ("beep/entry", None)
    assert not stage.tell(PlayEnded(play=entry.play, cause="finished"))
    assert the(Play, stage.bye(other)).tones == "beep/exit"
    assert not every(Play, stage.bye(call))
    assert stage.is_empty()


def test_no_beeps_in_large_rooms_nor_where_a_room_wants_none() -> None:
    stage = house(announce=Announce.BEEP)
    for number in range(20):
        stage.enter(name=f"P{number} <sip:p{number}@b>")
    call, _ = stage.invite(name="Last <sip:last@b>")
    stage.opened(call)
    assert not every(Play, stage.ack(call))
    assert every(Play, stage.bye(call)), "now it is a small one again"
    stage.order(ask.CreateRoom("standup", announce=Announce.NONE))
    assert not every(Play, [*stage.bye(stage.enter(name="X <sip:x@b>"))])


def test_everything_ends_with_its_room() -> None:
    stage = house(music=True, announce=Announce.BEEP)
    call = stage.enter()
    waiting = order(stage, "prompt:welcome")
    order(stage, "tones:440", participant="p1")
    outputs = stage.bye(call)
    assert [each.cause for each in every(tell.PlayEnded, outputs)] == ["stopped", "stopped"]
    assert the(CloseLeg, outputs)
    assert not convert(stage, waiting)
    assert stage.is_empty()
    assert stage.focus.describe()["plays"] == 0


def test_what_a_room_announces_is_played() -> None:
    """To one, or to all; what cannot be said is passed over."""
    stage = house()
    leg = stage.leg(stage.enter())
    for who, heard_by in (("", None), (leg.participant, leg.id)):
        stage.scene.obey([tell.Announced("standup", 9, 5.0, ("prompt:welcome",), who)])
        play = the(Play, convert(stage, stage.scene.taken()))
        assert play.leg == heard_by
        stage.tell(PlayEnded(play=play.play, cause="finished"))
    for event in (
        tell.Announced("standup", 9, 5.0, ("prompt:nonsense",)),
        tell.Announced("standup", 9, 5.0, ("prompt:welcome",), "p99"),
        tell.Announced("nowhere", 9, 5.0, ("prompt:welcome",)),
    ):
        stage.scene.obey([event])
        assert asked(stage.scene.taken()) == []


# ---------------------------------------------------------------------- texts
def speaking(voice: str = "en") -> House:
    made = House()
    made.scene.followers.clear()
    made.focus = Focus(made.scene, Repertoire(SOUNDS, PROMPTS, MUSIC, False, Announce.NONE, voice))
    made.focus.worker_ready(0)
    return made


def test_a_text_is_spoken_by_the_scribe() -> None:
    stage = speaking()
    stage.enter()
    outputs = stage.order(ask.Say("standup", "  Good\nmorning, Ana  ", duck_db=6))
    started = the(tell.PlayStarted, outputs)
    assert (started.sounds, started.duck_db) == (("say:Good morning, Ana",), 6)
    [conversion] = asked(outputs)
    assert conversion.path == "say:en:Good morning, Ana"
    failed = stage.play(stage.focus.hear_scribe(SoundFailed(job=conversion.job, reason="no such voice"), stage.now))
    assert the(tell.PlayEnded, failed).reason == "what is spoken: no such voice"


def test_texts_stand_beside_other_sounds() -> None:
    stage = speaking()
    stage.enter()
    assert [each.path for each in asked(order(stage, "say:Ana", "prompt:welcome"))] == ["say:en:Ana", WELCOME]


@pytest.mark.parametrize(
    ("text", "voice", "error"),
    [("", "en", Invalid), ("...", "en", Invalid), ("x" * 1001, "en", Invalid), ("Hi", "", NotFound)],
)
def test_what_cannot_be_spoken_is_refused(text: str, voice: str, error: type[Exception]) -> None:
    stage = speaking(voice)
    stage.enter()
    with pytest.raises(error):
        stage.order(ask.Say("standup", text))


def test_a_number_takes_the_form_that_belongs_before_what_follows():
    spanish = Catalogue(
        "es", {name: Path(f"/es/{name}.flac") for name in ("1", "1-m", "minute")}, "es", {"minute": "m"}
    )
    known = Repertoire(None, spanish, MUSIC)
    assert known.score_of(["number:1", "prompt:minute"]).files == ("/es/1-m.flac", "/es/minute.flac")
    assert known.score_of(["number:1"]).files == ("/es/1.flac",)
    assert known.score_of(["prompt:minute", "number:1"]).files == ("/es/minute.flac", "/es/1.flac")
