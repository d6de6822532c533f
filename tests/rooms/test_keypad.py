"""Keys that people in a room press, and what comes of them: by plays."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden, NotFound, NotOpen
from rooms.keypad import KEYPAD, State, Stroke
from rooms.participant import Actor, MuteCause, Presence, Role, Wait
from rooms.telling import tell as told
from rooms.wishes import END_OF_RANGE, LOUDER, SOFTER, WRONG
from tests.rooms.play import HOST, Stage, kinds

ROOM = "standup"


class Hall(Stage):
    """Ana, a moderator, and Bob, who is none."""

    def __init__(self, **rules: object) -> None:
        super().__init__()
        if rules:
            self.do(ask.CreateRoom(ROOM, rules=rules))
        self.ana, self.bob = self.arrive("Ana"), self.arrive("Bob")
        self.rooms.get(ROOM).places[self.ana].role = Role.MODERATOR

    def press(self, who: str, keys: str, pause: float = 0.3) -> list[tell.Event]:
        events = []
        for key in keys:
            self.now += pause
            events += self.rooms.handle(ask.NoteDigit(ROOM, who, key, 100), HOST, self.now)
        return events

    def wait(self, seconds: float) -> list[tell.Event]:
        self.now += seconds
        return self.rooms.fire(self.now)


def heard(events: list[tell.Event], who: str) -> list[str]:
    """What is said to one; that nothing is said to others is asserted."""
    said = [event for event in events if isinstance(event, tell.Announced)]
    assert {event.participant for event in said} <= {who}
    return [sound for event in said for sound in event.sounds]


def without_digits(events: list[tell.Event]) -> list[type]:
    return [kind for kind in kinds(events) if kind is not tell.DigitReceived]


# ---------------------------------------------------------------------- single keys
def test_one_mutes_and_unmutes_oneself() -> None:
    hall = Hall()
    events = hall.press(hall.bob, "1")
    assert kinds(events)[:2] == [tell.DigitReceived, tell.ParticipantMuted] and heard(events, hall.bob) == [
        "prompt:muted"
    ]
    assert events[1].cause is MuteCause.SELF and events[1].by == "Bob"
    assert heard(hall.press(hall.bob, "1"), hall.bob) == ["prompt:unmuted"]
    assert hall.person(hall.bob)["muted"] == []


def test_who_is_muted_by_a_host_hears_that_he_still_is() -> None:
    hall = Hall()
    hall.do(ask.Mute(ROOM, hall.bob), HOST)
    assert heard(hall.press(hall.bob, "1"), hall.bob) == ["prompt:muted"]
    assert heard(hall.press(hall.bob, "1"), hall.bob) == ["prompt:muted-by-host"]
    assert hall.person(hall.bob)["muted"] == ["host"]


def test_loudness_both_ways_up_to_the_end_of_the_range() -> None:
    hall = Hall()
    assert heard(hall.press(hall.bob, "6"), hall.bob) == [LOUDER]
    assert heard(hall.press(hall.bob, "77"), hall.bob) == [SOFTER, SOFTER]
    shown = hall.person(hall.bob)
    assert (shown["outgoing_db"], shown["incoming_db"]) == (3.0, -6.0)
    hall.press(hall.bob, "6666")
    assert heard(hall.press(hall.bob, "6"), hall.bob) == [END_OF_RANGE]
    hall.press(hall.bob, "#0")
    shown = hall.person(hall.bob)
    assert (shown["outgoing_db"], shown["incoming_db"]) == (0.0, 0.0)


def test_the_count_is_said_to_who_asks() -> None:
    hall = Hall()
    assert heard(hall.press(hall.bob, "2"), hall.bob) == ["prompt:there-are", "number:2", "prompt:in-the-room"]
    hall.leave(hall.ana)
    assert heard(hall.press(hall.bob, "2"), hall.bob) == ["prompt:only-one"]


def test_the_roll_is_called_for_oneself_and_by_a_moderator_for_all() -> None:
    hall = Hall()
    count = ["prompt:there-are", "number:2", "prompt:in-the-room"]
    assert heard(hall.press(hall.bob, "3"), hall.bob) == [*count, "say:Ana.", "say:Bob."]
    events = [event for event in hall.press(hall.ana, "**7") if isinstance(event, tell.Announced)]
    assert [event.participant for event in events] == ["", ""] and events[1].sounds == ("say:Ana.", "say:Bob.")
    bob = Actor("Bob", Role.PARTICIPANT, hall.bob)
    for whom in ("", hall.ana):
        with pytest.raises(Forbidden):
            hall.do(ask.RollCall(ROOM, whom), bob)
    for number in range(30):
        hall.arrive(f"P{number}")
    assert len(heard(hall.press(hall.bob, "3"), hall.bob)) == 3 + 20


def test_the_roll_of_an_empty_room_is_not_called() -> None:
    stage = Stage()
    stage.reserve("Eve")
    with pytest.raises(NotOpen):
        stage.do(ask.RollCall(ROOM), HOST)
    with pytest.raises(NotFound):
        stage.do(ask.RollCall(ROOM, "p9"), HOST)


def test_eight_leaves_and_says_nothing_to_nobody() -> None:
    hall = Hall()
    events = hall.press(hall.bob, "8")
    assert without_digits(events) == [tell.ParticipantKicked, tell.HearingChanged]
    assert events[-2].participant == hall.bob and not events[-2].is_told
    hall.leave(hall.bob)
    assert hall.press(hall.bob, "1") == []


def test_keys_of_nobody_and_of_who_is_not_in_yet_do_nothing() -> None:
    hall = Hall()
    on_the_way = hall.reserve("Eve")
    assert hall.press(on_the_way, "1") == [] == hall.press("p99", "1")


@pytest.mark.parametrize(("wait", "told_of"), [(Wait.APPROVAL, 1), (Wait.PIN, 0)])
def test_who_waits_has_no_menu_and_his_pin_is_no_news(wait: Wait, told_of: int) -> None:
    hall = Hall()
    eve = hall.rooms.get(ROOM).places[hall.reserve("Eve")]
    eve.presence, eve.waits_for = Presence.WAITING, wait
    assert kinds(hall.press(eve.id, "1")).count(tell.DigitReceived) == told_of


def test_five_asks_to_speak_and_takes_it_back() -> None:
    hall = Hall()
    assert heard(hall.press(hall.bob, "5"), hall.bob) == ["prompt:hand-up"]
    assert hall.shown()["hands"] == [hall.bob]
    assert heard(hall.press(hall.bob, "5"), hall.bob) == ["prompt:hand-down"] and hall.shown()["hands"] == []


def test_the_floor_goes_to_the_next_and_then_to_nobody() -> None:
    hall = Hall()
    assert heard(hall.press(hall.ana, "**6"), hall.ana) == ["prompt:not-possible"], "no hand is up"
    assert heard(hall.press(hall.ana, "**5"), hall.ana) == ["prompt:lecture-on"]
    assert hall.person(hall.bob)["muted"] == ["lecture"]
    hall.press(hall.bob, "5")
    events = hall.press(hall.ana, "**6")
    told_to = {event.participant: event.sounds for event in events if isinstance(event, tell.Announced)}
    assert told_to == {hall.bob: ("prompt:unmuted",), hall.ana: ("prompt:floor-given",)}
    assert hall.person(hall.bob)["muted"] == []
    events = hall.press(hall.ana, "**6")
    told_to = {event.participant: event.sounds for event in events if isinstance(event, tell.Announced)}
    assert told_to == {hall.bob: ("prompt:muted",), hall.ana: ("prompt:floor-taken",)}
    assert heard(hall.press(hall.ana, "**5"), hall.ana) == ["prompt:lecture-off"]


def test_who_has_knocked_is_let_in() -> None:
    hall = Hall()
    hall.do(ask.ChangeRoom(ROOM, lobby="all"))
    room, eve = hall.rooms.get(ROOM), hall.reserve("Eve")
    hall.do(ask.Arrive(ROOM, eve))
    assert [each.id for each in room.waiting] == [eve]
    events = hall.press(hall.ana, "**4")
    assert tell.ParticipantArrived in kinds(events) and not room.waiting
    said = [event.sounds for event in events if isinstance(event, tell.Announced) and event.participant == hall.ana]
    assert ("prompt:admitted",) in said


# ---------------------------------------------------------------------- several keys
def test_a_key_of_two_presses_acts_with_its_last() -> None:
    hall = Hall()
    assert without_digits(hall.press(hall.ana, "*")) == []
    events = hall.press(hall.ana, "2")
    assert tell.RoomLocked in kinds(events) and heard(events, hall.ana) == ["prompt:room-locked"]
    assert heard(hall.press(hall.ana, "*2"), hall.ana) == ["prompt:room-unlocked"]


def test_a_star_alone_waits_and_then_reads_the_menu_of_the_role() -> None:
    hall = Hall()
    hall.press(hall.bob, "*")
    assert hall.wait(1.9) == []
    sounds = heard(hall.wait(0.2), hall.bob)
    assert sounds[0] == "prompt:menu" and "prompt:menu-lock" not in sounds
    assert hall.rooms.next_deadline() is None
    hall.press(hall.ana, "*")
    assert "prompt:menu-lock" in heard(hall.wait(2.1), hall.ana)


def test_how_long_is_waited_is_a_rule() -> None:
    hall = Hall(menu_timeout_s=5)
    hall.press(hall.bob, "*")
    assert hall.wait(4.9) == [] and hall.wait(0.2) != []


def test_what_is_begun_and_not_ended_is_no_key() -> None:
    hall = Hall()
    hall.press(hall.ana, "**")
    assert heard(hall.wait(2.1), hall.ana) == [WRONG]
    assert heard(hall.press(hall.ana, "*A"), hall.ana) == [WRONG]
    assert heard(hall.press(hall.bob, "A"), hall.bob) == [WRONG]


def test_a_hash_takes_back_what_was_begun_and_says_nothing() -> None:
    hall = Hall(menu={"moderator": {"#0": []}})
    assert without_digits(hall.press(hall.ana, "*#")) == [] and hall.wait(60) == []
    assert tell.RoomLocked not in kinds(hall.press(hall.ana, "2"))


def test_two_type_at_once_and_do_not_mix() -> None:
    hall = Hall()
    hall.press(hall.ana, "*")
    hall.press(hall.bob, "*")
    assert tell.RoomLocked in kinds(hall.press(hall.ana, "2"))
    assert tell.ParticipantMuted in kinds(hall.press(hall.bob, "1"))
    assert len(hall.rooms.get(ROOM).keypads) == 0


def test_who_leaves_in_the_middle_leaves_nothing_behind() -> None:
    hall = Hall()
    hall.press(hall.bob, "*")
    hall.leave(hall.bob)
    assert hall.wait(5) == [] and len(hall.rooms.get(ROOM).keypads) == 0 and hall.rooms.next_deadline() is None


# ---------------------------------------------------------------------- rights
def test_rights_are_those_of_the_rooms_whatever_the_menu_says() -> None:
    hall = Hall()
    assert heard(hall.press(hall.bob, "*2"), hall.bob) == [WRONG]
    room = hall.rooms.get(ROOM)
    hall.press(hall.ana, "**")
    room.places[hall.ana].role = Role.PARTICIPANT
    assert heard(hall.press(hall.ana, "1"), hall.ana) == [WRONG]


def test_what_a_host_has_done_to_his_ears_nobody_undoes_by_himself() -> None:
    hall = Hall(menu={"participant": {"3": "deafen"}})
    assert heard(hall.press(hall.bob, "33"), hall.bob) == ["prompt:deafened", "prompt:undeafened"]
    hall.do(ask.Deafen(ROOM, hall.bob), HOST)
    assert heard(hall.press(hall.bob, "3"), hall.bob) == ["prompt:not-allowed"]
    assert hall.person(hall.bob)["deaf"]
    hall.do(ask.Undeafen(ROOM, hall.bob), HOST)
    hall.press(hall.bob, "3")
    hall.do(ask.Deafen(ROOM, hall.bob), HOST)
    assert heard(hall.press(hall.bob, "3"), hall.bob) == ["prompt:not-allowed"], "the host's word came later"


# ---------------------------------------------------------------------- moderators
def test_all_others_are_muted_and_heard_again() -> None:
    hall = Hall()
    events = hall.press(hall.ana, "*5")
    assert heard(events, hall.ana) == ["prompt:all-muted"]
    assert hall.person(hall.bob)["muted"] == ["host"] and hall.person(hall.ana)["muted"] == []
    assert heard(hall.press(hall.ana, "*5"), hall.ana) == ["prompt:all-unmuted"]
    assert hall.person(hall.bob)["muted"] == []


def test_who_came_last_is_hung_up_on_but_not_oneself() -> None:
    hall = Hall()
    carl = hall.arrive("Carl")
    for whom in (carl, hall.bob):
        events = hall.press(hall.ana, "*3")
        kicked = next(event for event in events if isinstance(event, tell.ParticipantKicked))
        assert kicked.participant == whom and kicked.is_told
        said = {event.participant: event.sounds for event in events if isinstance(event, tell.Announced)}
        assert said == {whom: ("prompt:removed",), hall.ana: ("prompt:kicked-last",)}
    assert heard(hall.press(hall.ana, "*3"), hall.ana) == ["prompt:not-possible"]


@pytest.mark.parametrize("notice", ["spoken", "none"])
def test_a_recording_is_started_paused_and_stopped(notice: str) -> None:
    hall = Hall(record_notice=notice)
    assert heard(hall.press(hall.ana, "**2"), hall.ana) == ["prompt:not-possible"]
    wanted = ["recording-started", "recording-paused", "recording-resumed", "recording-stopped"]
    for keys, name in zip(("**1", "**2", "**2", "**1"), wanted, strict=True):
        said = [event for event in hall.press(hall.ana, keys) if isinstance(event, tell.Announced)]
        assert [event.sounds for event in said] == [(f"prompt:{name}",)], "once, maybe to everybody"


def test_a_room_that_would_end_goes_on_for_longer() -> None:
    hall = Hall()
    assert heard(hall.press(hall.ana, "**8"), hall.ana) == ["prompt:not-possible"], "it does not end by itself"
    hall.do(ask.ChangeRoom(ROOM, time_limit_s=3600, menu={"moderator": {"**8": "extend 15"}}))
    events = hall.press(hall.ana, "**8")
    assert [event.minutes for event in events if isinstance(event, tell.EndPutOff)] == [15]
    assert heard(events, hall.ana) == ["prompt:extended"]


@pytest.mark.parametrize(("then", "ends"), [("1", True), ("2", False), ("#", False), ("", False)])
def test_the_end_is_confirmed(then: str, ends: bool) -> None:
    hall = Hall()
    assert heard(hall.press(hall.ana, "**9"), hall.ana) == ["prompt:confirm-end"]
    events = hall.press(hall.ana, then) if then else hall.wait(11)
    assert (tell.RoomEnding in kinds(events)) == ends
    assert heard(events, hall.ana) == ([] if ends else ["prompt:cancelled"])


# ---------------------------------------------------------------------- a number
def test_a_number_is_typed_in_secret_and_asked_for() -> None:
    hall = Hall()
    assert heard(hall.press(hall.ana, "**3"), hall.ana) == ["prompt:enter-phone"]
    events = hall.press(hall.ana, "004912345#", pause=3)
    assert kinds(events) == [tell.KeysAsked]
    assert (events[0].action, events[0].argument) == ("dial", "004912345")
    assert told(events[0])["argument"] == "set", "nobody else reads it"
    events = hall.do(ask.NoteKeysAnswered(ROOM, hall.ana, "dial"))
    assert heard(events, hall.ana) == ["prompt:calling"]
    assert hall.press(hall.ana, "1")[0].digit == "1", "what follows is no secret"


@pytest.mark.parametrize(
    ("refusal", "prompt"), [("forbidden", "not-allowed"), ("full", "not-possible"), ("conflict", "not-possible")]
)
def test_a_refusal_from_elsewhere_is_told(refusal: str, prompt: str) -> None:
    hall = Hall()
    events = hall.do(ask.NoteKeysAnswered(ROOM, hall.ana, "play", refusal))
    assert heard(events, hall.ana) == [f"prompt:{prompt}"]
    assert hall.do(ask.NoteKeysAnswered(ROOM, hall.ana, "play")) == []
    hall.leave(hall.ana)
    assert hall.do(ask.NoteKeysAnswered(ROOM, hall.ana, "play", refusal)) == []


@pytest.mark.parametrize("keys", ["#", "12*", "12A"])
def test_a_number_that_is_none_is_cancelled(keys: str) -> None:
    hall = Hall()
    hall.press(hall.ana, "**3")
    assert heard(hall.press(hall.ana, keys), hall.ana) == ["prompt:cancelled"]


def test_a_number_that_is_not_ended_is_cancelled_after_a_while_and_a_long_one_is_cut() -> None:
    hall = Hall()
    hall.press(hall.ana, "**3")
    assert hall.press(hall.ana, "1" * 100) == []
    assert heard(hall.wait(10.1), hall.ana) == ["prompt:cancelled"]
    hall.press(hall.ana, "**3")
    [asked] = hall.press(hall.ana, "1" * 100 + "#")
    assert asked.argument == "1" * 32


# ---------------------------------------------------------------------- overrides
def test_one_key_does_several_things_and_another_nothing() -> None:
    hall = Hall(menu={"participant": {"5": ["mute", "count"], "1": []}})
    assert heard(hall.press(hall.bob, "5"), hall.bob) == [
        "prompt:muted", "prompt:there-are", "number:2", "prompt:in-the-room",
    ]  # fmt: skip
    assert heard(hall.press(hall.bob, "1"), hall.bob) == [WRONG]


def test_an_answer_comes_at_once_and_a_second_one_after_it() -> None:
    hall = Hall(menu={"participant": {"5": ["mute", "count"]}})
    said = [event for event in hall.press(hall.bob, "5") if isinstance(event, tell.Announced)]
    assert [event.urgent for event in said] == [True, False]


def test_a_room_without_any_key_is_silent_and_still_tells_scripts() -> None:
    from rooms.menus import PARTICIPANT

    hall = Hall(menu={"participant": {key: [] for key in PARTICIPANT}})
    assert kinds(hall.press(hall.bob, "1*2")) == [tell.DigitReceived] * 3


def test_a_rule_that_changes_meanwhile_holds_from_the_next_key() -> None:
    hall = Hall()
    hall.press(hall.bob, "*")
    hall.do(ask.ChangeRoom(ROOM, menu={"participant": {"*1": "count"}}), HOST)
    assert heard(hall.press(hall.bob, "1"), hall.bob)[0] == "prompt:there-are"


# ---------------------------------------------------------------------- the table
def test_every_state_has_an_answer_to_every_stroke_that_it_can_get() -> None:
    first = {Stroke.PART, Stroke.ACTS, Stroke.ASKS, Stroke.RISKS, Stroke.GIVES_UP, Stroke.WRONG}
    wanted = {
        State.READY: first, State.TYPING: first, State.NUMBER: {Stroke.DIGIT, Stroke.WHOLE, Stroke.NO, Stroke.LATE},
        State.CONFIRM: {Stroke.YES, Stroke.NO, Stroke.LATE},
    }  # fmt: skip
    assert {(state, stroke) for state, strokes in wanted.items() for stroke in strokes} == {*KEYPAD}
