"""Who is asked for his name: words, tone, take, what is kept; and each way in which it comes to nothing."""

from __future__ import annotations

import pytest

from confserver.contract import (
    DigitPressed,
    DropName,
    KeepName,
    NameKept,
    NameLost,
    Play,
    PlayEnded,
    SoundTaken,
    StopPlay,
    StopTake,
    TakeSound,
)  # fmt: skip
from confserver.focus.announcer import MOST_APART
from confserver.focus.naming import MOST_S, QUIET_S
from confserver.sip.doorkeeper import Identity
from confserver.sip.extensions.replaces import Other
from rooms import commands as ask
from rooms.errors import NotFound
from tests.focus.test_announcer import EVERYTHING, Hall

SAID = b"\1\0" * 16000
NAMES = ("say-your-name", "name-review", "would-like-to-come-in")


class Door(Hall):
    """A hall whose worker and scribe are asked for names."""

    def __init__(self, names: str = "ask", **rules: object) -> None:
        super().__init__(record_names=names, **rules)

    def orders(self) -> list[object]:
        """What worker and scribe were told of names since the last time."""
        ordered, self.ordered = self.ordered, []
        return [each for each in ordered if isinstance(each, TakeSound | StopTake | KeepName | DropName)]

    def call_of(self, who: str) -> int:
        return self.scene.legs.by_participant[who].call

    def said(self) -> list[str]:
        """The words, tones and names that are played, one after another, to their ends."""
        said = []
        while plays := self.taken():
            for play in plays:
                said.append(word(play))
                self.end(play)
        return said

    def comes(self, **how: object) -> str:
        """Somebody at the door; gives who."""
        return self.leg(self.enter(**how)).participant

    def to_the_take(self, **how: object) -> tuple[str, TakeSound]:
        who = self.comes(**how)
        assert self.said() == ["say-your-name", "beep"]
        [take] = [each for each in self.orders() if isinstance(each, TakeSound)]
        return who, take

    def speaks(self, take: TakeSound, samples: bytes = SAID, cause: str = "quiet") -> None:
        self.tell(SoundTaken(take=take.take, cause=cause, samples=samples))

    def keeps(self, job: int, path: str = "/state/names/p1.flac") -> None:
        self.play(self.focus.hear_scribe(NameKept(job=job, path=path), self.now))

    def named(self, **how: object) -> str:
        who, take = self.to_the_take(**how)
        self.speaks(take)
        [keep] = self.orders()
        self.keeps(keep.job, f"/state/names/{who}.flac")
        return who

    def recorded(self) -> dict[str, bool]:
        room = self.focus.room("standup", self.now)
        return {each["id"]: each["name_recorded"] for each in room["participants"]}

    def waits(self) -> dict[str, str]:
        return {each["id"]: each["waits_for"] for each in self.focus.room("standup", self.now)["waiting"]}

    def key(self, who: str, digit: str) -> None:
        self.now += 3
        leg = self.scene.legs.by_participant[who]
        self.tell(DigitPressed(leg=leg.id, digit=digit, duration_ms=100))


def word(play: Play) -> str:
    if play.tones:
        return play.tones
    return " ".join(sound[0].path.rpartition("/")[2].partition(".")[0] for sound in play.sounds)


# ------------------------------------------------------------------ the way of a name
def test_words_a_tone_and_then_he_is_listened_to() -> None:
    door = Door()
    who, take = door.to_the_take()
    assert (take.most_s, take.quiet_s) == (MOST_S, QUIET_S) and take.leg == door.scene.legs.by_participant[who].id
    assert door.waits() == {who: "name"} and door.recorded() == {}
    door.speaks(take)
    [keep] = door.orders()
    assert (keep.name, keep.rate_hz, keep.samples) == (who, 16000, SAID) and door.waits() == {who: "name"}
    door.keeps(keep.job)
    assert door.recorded() == {who: True} and len(door.focus._naming) == 0


def test_the_tone_is_over_before_he_is_listened_to() -> None:
    door = Door()
    door.comes()
    [words] = door.taken()
    door.end(words)
    [tone] = door.taken()
    assert tone.tones == "beep" and door.orders() == []
    door.end(tone)
    assert [type(each) for each in door.orders()] == [TakeSound]


def test_the_others_hear_his_own_voice_and_so_they_do_when_he_goes() -> None:
    door = Door()
    door.named()
    ana = door.named()
    assert door.said() == [f"{ana} has-joined"]
    door.bye(door.call_of(ana))
    assert door.said() == [f"{ana} has-left"]


def test_who_says_nothing_is_somebody_as_before() -> None:
    door = Door()
    door.named()
    who, take = door.to_the_take()
    door.speaks(take, b"", "limit")
    assert door.orders() == [] and door.recorded()[who] is False
    assert door.said() == ["somebody has-joined"]


def test_a_roll_call_has_names_as_they_were_said_beside_those_that_are_spoken() -> None:
    door = Door()
    ana = door.named()
    _, take = door.to_the_take()
    door.speaks(take, b"")
    door.said()
    door.order(ask.RollCall("standup"))
    assert door.said() == ["there-are 2 in-the-room", f"{ana} somebody"]


def test_a_rule_that_announces_otherwise_goes_before() -> None:
    door = Door(announce="count")
    door.named()
    door.named()
    assert door.said() == ["there-are 2 in-the-room"]


def test_large_rooms_are_quiet() -> None:
    door = Door(quiet_above=1)
    door.named()
    door.named()
    assert door.said() == []


def test_a_knock_is_heard_by_name() -> None:
    door = Door(lobby="all", moderators=["boss"])
    door.named(identity=Identity("boss"))
    ana = door.named()
    assert f"{ana} would-like-to-come-in" in door.said()


# ------------------------------------------------------------------ keys
def test_hash_goes_to_the_tone_and_then_to_the_end() -> None:
    door = Door()
    who = door.comes()
    [words] = door.taken()
    door.key(who, "#")
    [tone] = door.taken()
    assert tone.tones == "beep" and StopPlay(play=words.play) in door.ordered
    door.key(who, "#")
    assert door.taken() == [], "the tone has begun"
    door.end(tone)
    [take] = door.orders()
    door.key(who, "#")
    assert door.orders() == [StopTake(take=take.take)]
    door.speaks(take, SAID, "stopped")
    [keep] = door.orders()
    door.keeps(keep.job)
    assert door.recorded() == {who: True}


def test_he_hears_it_and_says_it_again() -> None:
    door = Door("review")
    who, take = door.to_the_take()
    door.speaks(take)
    [keep] = door.orders()
    door.keeps(keep.job, f"/state/names/{who}.flac")
    assert door.said() == [f"{who} name-review"] and door.waits() == {who: "name"}
    door.key(who, "2")
    assert DropName(name=who) in door.orders()
    assert door.said() == ["say-your-name", "beep"]
    [take] = door.orders()
    door.speaks(take)
    [keep] = door.orders()
    door.keeps(keep.job, f"/state/names/{who}.flac")
    door.key(who, "1")
    assert door.recorded() == {who: True}


# ------------------------------------------------------------------ what comes to nothing
def test_without_the_words_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(EVERYTHING.files, "say-your-name")
    door = Door()
    who = door.comes()
    assert door.focus.next_deadline() <= door.now
    door.pass_time(0)
    assert door.recorded() == {who: False} and door.orders() == []


def test_a_full_disk_costs_the_name_and_nothing_else() -> None:
    door = Door()
    who, take = door.to_the_take()
    door.speaks(take)
    [keep] = door.orders()
    door.play(door.focus.hear_scribe(NameLost(job=keep.job, reason="no space"), door.now))
    assert door.recorded() == {who: False}


def test_a_lost_scribe_has_kept_nothing() -> None:
    door = Door()
    who, take = door.to_the_take()
    door.speaks(take)
    [keep] = door.orders()
    door.play(door.focus.scribe_lost(door.now))
    assert door.orders() == [DropName(name=who)], "it may have been written"
    assert door.recorded() == {who: False}
    door.keeps(keep.job)
    assert door.recorded() == {who: False}


@pytest.mark.parametrize("when", ["words", "take"])
def test_a_lost_worker_has_taken_nothing_and_the_call_goes_on(when: str) -> None:
    door = Door()
    who = door.comes()
    if when == "take":
        assert door.said() == ["say-your-name", "beep"]
    door.taken()
    door.lose(0)
    door.play(door.focus.worker_ready(0))
    if when == "words":
        assert door.said() == ["beep"], "at the heir"
        [take] = [each for each in door.orders() if isinstance(each, TakeSound)]
        door.speaks(take, b"")
    assert door.recorded() == {who: False} and len(door.focus._naming) == 0


def test_a_phone_that_hangs_up_in_the_middle_leaves_no_take_and_no_file() -> None:
    door = Door()
    door.named()
    call = door.enter()
    door.said()
    [take] = door.orders()
    door.bye(call)
    assert len(door.focus._naming) == 0
    door.speaks(take, SAID, "closed")
    assert [each for each in door.orders() if isinstance(each, KeepName)] == []


def test_what_is_kept_too_late_is_deleted_again() -> None:
    door = Door()
    door.named()
    call = door.enter()
    who = door.leg(call).participant
    door.said()
    [take] = door.orders()
    door.speaks(take)
    [keep] = door.orders()
    door.bye(call)
    door.orders()
    door.keeps(keep.job)
    assert door.orders() == [DropName(name=who)]


def test_nobody_is_held_up_for_ever_by_a_worker_that_says_nothing() -> None:
    door = Door()
    who, _ = door.to_the_take()
    door.pass_time(31)
    assert door.recorded() == {who: False} and len(door.focus._naming) == 0


@pytest.mark.parametrize("when", ["words", "tone"])
def test_who_is_let_in_meanwhile_hears_no_more_of_it(when: str) -> None:
    door = Door()
    who = door.comes()
    [playing] = door.taken()
    if when == "tone":
        door.end(playing)
        [playing] = door.taken()
    door.order(ask.Admit("standup", who))
    assert StopPlay(play=playing.play) in door.ordered and door.recorded() == {who: False}
    assert door.said() == [] and not [each for each in door.orders() if isinstance(each, TakeSound)]


@pytest.mark.parametrize("when", ["words", "take"])
def test_who_is_thrown_out_meanwhile_is_gone(when: str) -> None:
    door = Door()
    who = door.comes()
    if when == "take":
        door.said()
    door.order(ask.Kick("standup", who))
    while plays := door.taken():
        for play in plays:
            assert word(play) not in ("say-your-name", "beep") or when == "words"
            door.end(play)
    assert door.is_empty() and len(door.focus._naming) == 0


def test_nothing_is_said_to_him_while_he_says_it() -> None:
    door = Door()
    who, take = door.to_the_take()
    door.says("prompt:welcome", who=who)
    assert door.taken() == []
    door.speaks(take, b"")
    assert "welcome" in door.said()


def test_a_full_hall_hears_who_comes_while_another_is_asked() -> None:
    """With more than MOST_APART there is one line for all, which need not wait for who is at the door."""
    door = Door()
    for _ in range(MOST_APART + 1):
        door.named()
        door.said()
    door.comes()
    [words] = door.taken()
    door.says("tones:ring")
    assert [play.tones for play in door.taken()] == ["ring"]
    door.end(words)


def test_files_go_with_the_meeting() -> None:
    door = Door()
    who = door.named()
    door.orders()
    door.bye(door.call_of(who))
    assert door.orders() == [DropName(name=who)]
    assert door.focus.languages.repertoire.names == {} and door.is_empty() and not len(door.focus._announcer)
    door.play(door.focus.scribe_lost(door.now))
    assert door.orders() == [DropName(name=who)], "the scribe that is lost may not have done it"


# ------------------------------------------------------------------ another phone, another room
CARL = {"name": "Carl <sip:carl@example.com>", "source": ("192.0.2.30", 5060)}


def replaced(door: Door, call: int) -> int:
    """By a call of Carl's phone."""
    new, _ = door.invite(other=Other(call, True), **CARL)
    door.opened(new, 20300)
    door.ack(new)
    return new


def test_who_goes_on_by_another_phone_is_not_asked_and_keeps_his_name() -> None:
    door = Door()
    door.named()
    ana = door.named()
    door.said()
    new = replaced(door, door.call_of(ana))
    assert door.leg(new).participant == ana and door.recorded()[ana] is True
    assert door.said() == [] and not [each for each in door.orders() if isinstance(each, TakeSound)]


@pytest.mark.parametrize("when", ["words", "take"])
def test_who_changes_phones_while_he_is_asked_comes_in_all_the_same(when: str) -> None:
    door = Door()
    who = door.comes()
    [words] = door.taken()
    if when == "take":
        door.end(words)
        door.end(door.taken()[0])
    replaced(door, door.call_of(who))
    if when == "words":
        door.tell(PlayEnded(play=words.play, cause="failed"))
        assert door.said() == ["beep"]
    [take] = [each for each in door.orders() if isinstance(each, TakeSound)]
    door.speaks(take, b"", "closed")
    assert door.recorded() == {who: False}


def test_who_is_moved_while_he_is_asked_again_is_talked_to_there_as_all_are() -> None:
    door = Door()
    door.named()
    ana = door.named()
    door.said()
    door.order(ask.AskName("standup", ana))
    assert door.said() == ["say-your-name", "beep"]
    [take] = [each for each in door.orders() if isinstance(each, TakeSound)]
    door.order(ask.Move("standup", ana, "board"))
    assert StopTake(take=take.take) in door.orders() and len(door.focus._naming) == 0
    door.speaks(take, SAID, "stopped")
    assert not [each for each in door.orders() if isinstance(each, KeepName)]


# ------------------------------------------------------------------ whose it is
def test_his_name_is_for_his_own_room() -> None:
    door = Door()
    ana = door.named()
    door.order(ask.CreateRoom("board"))
    door.order(ask.Play("standup", (f"name:{ana}",)))
    for room, sound in (("board", f"name:{ana}"), ("standup", "name:p99"), ("standup", "name:../p1")):
        with pytest.raises(NotFound):
            door.order(ask.Play(room, (sound,)))


def test_who_waits_before_the_answer_is_answered_where_he_is_to_be_heard() -> None:
    door = Door(early_prompts=True, lobby="all")
    who, take = door.to_the_take()
    door.speaks(take, b"")
    assert door.waits() == {who: "approval"}
