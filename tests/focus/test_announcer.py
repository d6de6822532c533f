"""What is said to people: one thing after another, from their first packet on, with music between where they wait."""

from __future__ import annotations

from pathlib import Path

from confserver.contract import Play, PlayEnded, StopPlay
from confserver.focus import outputs as out
from confserver.focus.announcer import GOODBYE_S, MOST_QUEUED, PATIENCE_S
from confserver.focus.focus import Focus
from confserver.focus.playing import Piece
from confserver.focus.repertoire import Repertoire, Score
from confserver.prompts.catalogue import Catalogue
from confserver.sip.extensions.replaces import Other
from rooms import commands as ask
from rooms import events as tell
from rooms.policy import Announce
from tests.focus.house import House, every, the
from tests.focus.test_playing import MUSIC, SOUNDS, asked, convert

_NAMES = (
    "somebody",
    "has-joined",
    "has-left",
    "there-are",
    "in-the-room",
    "2",
    "3",
    "only-one",
    "recording-started",
    "welcome",
    "no-moderator",
    "lobby",
    "knock",
    "let-in",
    "not-let-in",
    "enter-pin",
    "pin-failed",
    "say-your-name",
    "name-review",
    "would-like-to-come-in",
)
EVERYTHING = Catalogue("en", {name: Path(f"/prompts/{name}.flac") for name in _NAMES})


class Hall(House):
    """Whose prompts are there; the scribe is asked at once."""

    def __init__(self, **rules: object) -> None:
        super().__init__()
        self.scene.followers.clear()
        self.focus = Focus(self.scene, Repertoire(SOUNDS, EVERYTHING, MUSIC, False, Announce.NONE))
        self.focus.worker_ready(0)
        self.heard: list[Play] = []
        self.ordered: list[object] = []
        """All that worker and scribe were told."""
        self.last = 0
        self.order(ask.CreateRoom("standup", **rules))

    def play(self, outputs: list[out.Output]) -> list[out.Output]:
        done = super().play(outputs)
        self.ordered += [each.command for each in done if isinstance(each, out.TellWorker | out.TellScribe)]
        while wanted := [each for each in done if isinstance(each, out.TellScribe)]:
            done = [each for each in done if each not in wanted] + convert(self, wanted)
        self.heard += [play for play in every(Play, done) if play not in self.heard and play.play > self.last]
        self.last = max([self.last, *(play.play for play in self.heard)])
        return done

    def says(self, *sounds: str, who: str = "", urgent: bool = False) -> None:
        self.scene.obey([tell.Announced("standup", 9, self.now, sounds, who, urgent)])
        self.play(self.scene.taken())

    def taken(self) -> list[Play]:
        heard, self.heard = self.heard, []
        return heard

    def end(self, play: Play) -> list[out.Output]:
        return self.tell(PlayEnded(play=play.play, cause="finished"))


def test_one_thing_after_another() -> None:
    hall = Hall()
    who = hall.leg(hall.enter()).participant
    hall.says("prompt:welcome", who=who)
    hall.says("tones:ring", who=who)
    [first] = hall.taken()
    hall.end(first)
    [second] = hall.taken()
    assert second.tones == "ring"
    hall.end(second)
    assert hall.taken() == [] and not len(hall.focus._announcer)


def test_an_urgent_one_takes_the_place_of_all_others() -> None:
    hall = Hall()
    who = hall.leg(hall.enter()).participant
    for tones in ("ring", "busy"):
        hall.says(f"tones:{tones}", who=who)
    [first] = hall.taken()
    outputs = hall.says("tones:dial", who=who, urgent=True)
    [last] = hall.taken()
    assert last.tones == "dial" and outputs is None
    hall.end(first)
    assert hall.taken() == [], "the end of what was stopped begins nothing"
    hall.end(last)
    assert hall.taken() == []


def test_no_more_is_queued_than_anybody_wants_to_hear() -> None:
    hall = Hall()
    who = hall.leg(hall.enter()).participant
    for number in range(3 * MOST_QUEUED):
        hall.says(f"tones:{number}", who=who)
    heard = 0
    while plays := hall.taken():
        heard += len(plays)
        hall.end(plays[0])
    assert heard == MOST_QUEUED + 1


def test_nothing_is_said_before_the_first_packet() -> None:
    hall = Hall()
    call, _ = hall.invite()
    hall.opened(call)
    hall.ack(call)
    hall.says("tones:ring", who=hall.leg(call).participant)
    assert hall.taken() == []
    hall.first_packet(call)
    assert len(hall.taken()) == 1


def test_who_sends_nothing_is_talked_to_after_a_while() -> None:
    hall = Hall()
    call, _ = hall.invite()
    hall.opened(call)
    hall.ack(call)
    hall.says("tones:ring", who=hall.leg(call).participant)
    hall.pass_time(PATIENCE_S - 0.1)
    assert hall.taken() == []
    hall.pass_time(0.2)
    assert len(hall.taken()) == 1


def test_what_is_for_all_and_what_is_for_one_never_sound_together() -> None:
    hall = Hall()
    who = hall.leg(hall.enter()).participant
    hall.says("tones:ring", who=who)
    hall.says("tones:busy")
    [mine] = hall.taken()
    hall.says("tones:dial", who=who)
    hall.end(mine)
    [everybodys] = hall.taken()
    assert (everybodys.tones, everybodys.leg) == ("busy", None)
    hall.end(everybodys)
    assert [play.tones for play in hall.taken()] == ["dial"]


def test_those_who_wait_do_not_hear_what_is_said_in_the_room() -> None:
    hall = Hall(lobby="strangers", waiting_music=False)
    inside = hall.enter(lines=["P-Asserted-Identity: <sip:a@b>"], source=("192.0.2.60", 5060))
    waiting = hall.enter()
    for play in hall.taken():
        hall.end(play)
    hall.says("tones:busy")
    assert [play.leg for play in hall.taken()] == [hall.leg(inside).id] != [hall.leg(waiting).id]


def test_who_waits_hears_a_prompt_then_music_and_the_music_gives_way() -> None:
    hall = Hall(wait_for_moderator=True)
    call = hall.enter()
    [prompt] = hall.taken()
    hall.end(prompt)
    [music] = hall.taken()
    assert music.loop and music.leg == hall.leg(call).id
    hall.says("tones:busy", who=hall.leg(call).participant)
    [tones] = hall.taken()
    hall.end(tones)
    [music] = hall.taken()
    assert music.loop
    outputs = hall.order(ask.Promote("standup", hall.leg(call).participant))
    assert the(StopPlay, outputs).play == music.play and not [play for play in hall.taken() if play.loop]


def test_without_music_who_waits_hears_none() -> None:
    hall = Hall(wait_for_moderator=True, waiting_music=False)
    hall.enter()
    [prompt] = hall.taken()
    hall.end(prompt)
    assert hall.taken() == []


def test_who_is_turned_away_hears_it_to_the_end_before_he_is_hung_up_on() -> None:
    hall = Hall(lobby="all")
    call = hall.enter()
    [prompt] = hall.taken()
    hall.order(ask.TurnAway("standup", hall.leg(call).participant))
    assert hall.taken() == [] and call in hall.acked
    hall.end(prompt)
    [last] = hall.taken()
    assert call in hall.acked
    assert the(out.HangUp, hall.end(last)).cause == "turned away" and hall.is_empty()


def test_last_words_without_an_end_keep_nobody() -> None:
    hall = Hall(lobby="all")
    call = hall.enter()
    hall.order(ask.TurnAway("standup", hall.leg(call).participant))
    hall.pass_time(GOODBYE_S - 1)
    assert call in hall.acked
    hall.pass_time(2)
    assert call not in hall.acked and hall.is_empty()


def test_a_phone_that_sends_nothing_is_not_asked_again_and_again_while_others_are_talked_to() -> None:
    hall = Hall()
    hall.enter()
    silent, _ = hall.invite()
    hall.opened(silent)
    hall.ack(silent)
    hall.says("tones:ring")
    [ring] = hall.taken()
    hall.says("tones:busy", who=hall.leg(silent).participant)
    hall.pass_time(PATIENCE_S + 1)
    assert hall.taken() == [] and hall.focus.next_deadline() is None, "the end of the one is told"
    hall.end(ring)
    assert [play.tones for play in hall.taken()] == ["busy"]


def test_without_a_worker_nothing_is_said_and_nothing_is_due() -> None:
    hall = Hall()
    silent, _ = hall.invite()
    hall.opened(silent)
    hall.ack(silent)
    hall.lose(0)
    hall.says("tones:busy", who=hall.leg(silent).participant)
    hall.pass_time(PATIENCE_S + 1)
    hall.play(hall.focus.worker_ready(0))
    assert [play.tones for play in hall.taken()] == ["busy"]


def test_a_call_that_takes_anothers_place_is_talked_to_at_once_and_waits_for_a_worker_quietly() -> None:
    """It has not arrived by itself, so nothing was waited for."""
    hall = Hall()
    anna = hall.enter()
    new, _ = hall.invite(other=Other(anna, True), name="Carl <sip:carl@example.com>")
    hall.opened(new, 20300)
    hall.ack(new)
    hall.lose(0)
    hall.says("tones:busy", who=hall.leg(new).participant)
    hall.pass_time(1)
    hall.play(hall.focus.worker_ready(0))
    assert [play.tones for play in hall.taken()] == ["busy"]


def test_who_leaves_takes_along_what_was_to_be_said_to_him() -> None:
    hall = Hall(wait_for_moderator=True)
    call = hall.enter()
    hall.says("tones:busy", who=hall.leg(call).participant)
    hall.bye(call)
    assert hall.is_empty() and not len(hall.focus._announcer) and hall.focus.describe()["plays"] == 0


def test_a_lost_workers_music_begins_anew_with_its_heir() -> None:
    hall = Hall(wait_for_moderator=True)
    hall.enter()
    hall.end(hall.taken()[0])
    [music] = hall.taken()
    hall.lose(0)
    outputs = hall.play(hall.focus.worker_ready(0))
    again = [play for play in every(Play, outputs) if play.loop]
    assert len(again) == 1 and again[0].play != music.play and asked(outputs) == []


# ---------------------------------------------------------------------- who is alone
def names(plays: list[Play]) -> list[str]:
    """What each says; whether to one or to the room."""
    return [f"{'one' if play.leg else 'all'}:{Path(play.sounds[0][0].path).name.split('.')[0]}" for play in plays]


def alone(**rules: object) -> Hall:
    return Hall(music_when_alone=True, **rules)


def test_who_is_alone_and_recorded_hears_one_after_another() -> None:
    """The room's own notice, that he is alone, and then music: never two at once."""
    hall = alone(record_from=1)
    hall.enter()
    heard: list[str] = []
    while plays := hall.taken():
        assert len(plays) == 1, f"at once: {names(plays)}"
        heard += names(plays)
        if plays[0].loop:
            break
        hall.end(plays[0])
    assert sorted(heard[:2]) == ["all:recording-started", "one:only-one"] and heard[2] == f"one:{MUSIC.stem}"


def test_music_gives_way_to_what_is_said_to_the_room_and_comes_back() -> None:
    hall = alone()
    hall.enter()
    hall.end(hall.taken()[0])
    [music] = hall.taken()
    hall.says("prompt:welcome")
    [said] = hall.taken()
    assert said.leg is None and not hall.focus._playing.plays(_piece(hall, music))
    hall.end(said)
    [again] = hall.taken()
    assert again.loop and again.leg == music.leg


def test_that_he_is_alone_is_said_when_all_else_is() -> None:
    hall = alone()
    call, _ = hall.invite()
    hall.opened(call), hall.ack(call)
    hall.says("tones:ring", who=hall.leg(call).participant)
    hall.first_packet(call)
    [ring] = hall.taken()
    assert ring.tones == "ring"
    hall.end(ring)
    assert names(hall.taken()) == ["one:only-one"]


def test_what_is_said_to_who_is_alone_interrupts_his_music_only() -> None:
    hall = alone()
    who = hall.leg(hall.enter()).participant
    [told] = hall.taken()
    hall.says("tones:ring", who=who)
    assert hall.taken() == [], "in its turn"
    hall.end(told)
    [ring] = hall.taken()
    hall.end(ring)
    assert [play.loop for play in hall.taken()] == [True]


def test_that_he_is_alone_is_not_said_when_somebody_has_come() -> None:
    hall = alone()
    hall.enter()
    [told] = hall.taken()
    hall.enter(name="Bob <sip:bob@b>")
    assert not hall.focus._playing.plays(_piece(hall, told)) and hall.taken() == []
    assert not len(hall.focus._announcer)


def test_that_he_is_alone_waits_behind_the_room_and_is_taken_back_there() -> None:
    hall = alone()
    call, _ = hall.invite()
    hall.opened(call), hall.ack(call)
    hall.says("prompt:welcome")
    [welcome] = hall.taken()
    hall.first_packet(call)
    assert hall.taken() == []
    hall.enter(name="Bob <sip:bob@b>")
    hall.end(welcome)
    assert hall.taken() == []


def _piece(hall: Hall, play: Play) -> Piece:
    found = [each for each in hall.focus._playing._pieces.values() if each.id == play.play]
    return found[0] if found else Piece(0, "", hall.scene.places["standup"], Score())


def test_who_must_wait_for_what_the_room_hears_is_no_deadline_that_has_passed() -> None:
    """The server would do nothing else until it is over."""
    it = Hall(tell_muted=False)
    call = it.enter()
    late, _ = it.invite(name="Bob <sip:bob@b>")
    it.opened(late)
    it.ack(late)
    who = it.leg(late).participant
    it.leg(call).has_sent = True
    it.order(ask.Broadcast("standup", ("tones:440:100",)))
    it.order(ask.Broadcast("standup", ("tones:440:100",)))
    it.order(ask.RollCall("standup", who))
    assert it.focus.next_deadline() == it.now + PATIENCE_S
    it.now += PATIENCE_S + 1
    it.play(it.focus.fire(it.now))
    due = it.focus.next_deadline()
    assert due is None or due > it.now
