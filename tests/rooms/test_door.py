"""The door: PIN with the call and by keys, lock-out, lists of callers, moderators, lobby, waiting for a moderator."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.callers import MOST_KEPT, Caller, Lockouts, is_meant
from rooms.door import FIRST_DIGIT_S, NEXT_DIGIT_S
from rooms.errors import Conflict, Forbidden, Full, Invalid, LockedOut, NotFound, WrongPin
from rooms.participant import SYSTEM, Actor, Role
from rooms.policy import RoomPolicy
from tests.rooms.play import ADMIN, HOST, Stage, kinds


class Door(Stage):
    """A room with rules, and people who come to its door."""

    def __init__(self, **rules: object) -> None:
        super().__init__()
        self.do(ask.CreateRoom(self.room, **rules), ADMIN)

    def call(self, name: str = "Ana", **how: object) -> str:
        """As far as a place."""
        reserve = ask.Reserve(self.room, name, f"sip:{name.lower()}@10.0.0.1", "10.0.0.1:5060", **how)
        return self.do(reserve)[-1].participant

    def come(self, name: str = "Ana", **how: object) -> str:
        who = self.call(name, **how)
        self.events = self.do(ask.Arrive(self.room, who))
        return who

    def press(self, who: str, digits: str) -> list[tell.Event]:
        return [event for digit in digits for event in self.do(ask.NoteDigit(self.room, who, digit, 100))]

    def pass_time(self, seconds: float) -> list[tell.Event]:
        end, events = self.now + seconds, []
        while (due := self.rooms.next_deadline()) is not None and due <= end:
            self.now = due
            events += self.rooms.fire(due)
        self.now = end
        return events

    def present(self) -> list[str]:
        return [person["id"] for person in self.shown()["participants"]]

    def waits(self) -> dict[str, str]:
        return {person["id"]: person["waits_for"] for person in self.shown()["waiting"]}


def said(events: list[tell.Event], who: str = "") -> list[str]:
    announced = [each for each in events if isinstance(each, tell.Announced)]
    return [sound for each in announced if not who or each.participant == who for sound in each.sounds]


# ------------------------------------------------------------------ PIN with the call
def test_the_pin_comes_with_the_call() -> None:
    door = Door(pin="1234", moderator_pin="9876")
    guest, host = door.come("Ana", pin="1234"), door.come("Bob", pin="9876")
    assert door.present() == [guest, host] and not door.waits()
    assert [door.person(who)["role"] for who in (guest, host)] == ["participant", "moderator"]


def test_a_wrong_pin_with_the_call_is_refused_and_tells_nobody_the_pin() -> None:
    door = Door(pin="1234")
    with pytest.raises(WrongPin) as refused:
        door.call(pin="4321")
    assert "4321" not in refused.value.reason and "1234" not in refused.value.reason
    assert door.shown()["reserved"] == 0


def test_a_pin_that_nobody_asks_for_does_no_harm() -> None:
    door = Door()
    assert door.present() == [door.come(pin="1234")] or door.present()


def test_without_a_pin_of_its_own_a_room_takes_everybody_and_the_moderators_pin() -> None:
    door = Door(moderator_pin="9876")
    ana, host = door.come(), door.come("Bob", pin="9876")
    assert door.present() == [ana, host] and door.person(host)["role"] == "moderator"


# ------------------------------------------------------------------ PIN by keys
def test_who_gives_no_pin_is_asked_and_comes_in_by_keys() -> None:
    door = Door(pin="1234")
    who = door.come()
    assert door.waits() == {who: "pin"} and said(door.events) == ["prompt:enter-pin"]
    events = door.press(who, "1234#")
    assert tell.PinAccepted in kinds(events) and door.present() == [who]
    assert tell.DigitReceived not in kinds(events), "digits of a PIN are nobody's business"


def test_star_begins_anew_and_the_moderators_pin_makes_a_moderator() -> None:
    door = Door(pin="1234", moderator_pin="9876")
    who = door.come()
    events = door.press(who, "12*9876#")
    assert door.person(who)["role"] == "moderator" and tell.RoleChanged in kinds(events)


def test_no_event_ever_has_digits_of_a_pin() -> None:
    door = Door(pin="1234")
    who = door.come()
    events = door.press(who, "778899#1234#")
    assert not any(secret in repr(event) for event in events for secret in ("778899", "'7'", "'9'"))


def test_wrong_pins_are_asked_for_again_then_turned_away_and_locked_out() -> None:
    door = Door(pin="1234", pin_tries=2, lockout_s=60)
    who = door.come()
    events = door.press(who, "1111#")
    assert said(events, who) == ["prompt:wrong-pin"]
    assert [each.tries_left for each in events if isinstance(each, tell.PinRefused)] == [1]
    events = door.press(who, "2222#")
    assert said(events, who) == ["prompt:pin-failed"] and kinds(events)[-1] is tell.TurnedAway
    assert door.press(who, "1234#") == [], "it is too late"
    door.leave(who)
    with pytest.raises(LockedOut) as refused:
        door.call(pin="1234")
    assert 0 < refused.value.seconds <= 60
    door.pass_time(61)
    assert door.come(pin="1234") in door.present()


def test_a_lock_out_is_one_callers_and_one_rooms() -> None:
    door = Door(pin="1234", pin_tries=1)
    with pytest.raises(WrongPin):
        door.call("Ana", pin="1", user="ana", is_verified=True)
    with pytest.raises(LockedOut):
        door.call("Ana", pin="1234", user="ana", is_verified=True)
    assert door.come("Bob", pin="1234", user="bob", is_verified=True) in door.present()
    door.do(ask.CreateRoom("other", pin="1234"), ADMIN)
    door.room = "other"
    assert door.come("Ana", pin="1234", user="ana", is_verified=True) in door.present()


def test_who_says_only_himself_who_he_is_is_counted_by_his_host() -> None:
    door = Door(pin="1234", pin_tries=1)
    with pytest.raises(WrongPin):
        door.call("Ana", pin="1")
    with pytest.raises(LockedOut):
        door.call("Somebody-else", pin="1234")


def test_rooms_on_demand_remember_who_has_guessed() -> None:
    stage = Stage(policy=RoomPolicy(pin="1234", pin_tries=1))
    call = ask.Reserve("new", "Ana", "sip:ana@a", "10.0.0.1:5060", pin="1")
    with pytest.raises(WrongPin):
        stage.do(call)
    assert "new" not in stage.rooms
    with pytest.raises(LockedOut):
        stage.do(call)


def test_a_pin_that_does_not_come_is_asked_for_again_and_then_no_more() -> None:
    door = Door(pin="1234", pin_tries=2)
    who = door.come()
    assert said(door.pass_time(FIRST_DIGIT_S + 1)) == ["prompt:enter-pin"]
    events = door.pass_time(FIRST_DIGIT_S + 1)
    assert [each.cause for each in events if isinstance(each, tell.TurnedAway)] == ["no PIN"]
    door.leave(who)
    assert door.come(pin="1234") in door.present(), "silence is no guess"


def test_a_pin_without_hash_is_taken_after_a_while() -> None:
    door = Door(pin="1234")
    who = door.come()
    door.press(who, "1234")
    assert door.present() == []
    door.pass_time(NEXT_DIGIT_S + 1)
    assert door.present() == [who]


def test_digits_without_end_are_not_kept() -> None:
    door = Door(pin="1234")
    who = door.come()
    door.press(who, "9" * 500)
    assert len(door.rooms.get(door.room).places[who].typed) < 20


def test_who_hangs_up_while_he_is_asked_leaves_nothing() -> None:
    door = Door(pin="1234")
    who = door.come()
    events = door.leave(who)
    assert tell.WaitEnded in kinds(events) and tell.ParticipantLeft not in kinds(events)
    assert door.rooms.next_deadline() is None and door.press(who, "1234#") == []


@pytest.mark.parametrize(
    "rules",
    [
        {"pin": "12"}, {"pin": "12a4"}, {"pin": "1" * 17}, {"pin": "1234", "moderator_pin": "1234"}, {"pin_tries": 0},
        {"lockout_s": -1}, {"moderator_places": 201}, {"knock_s": -5}, {"allow": ["10.0.0.0/99"]}, {"deny": [""]},
        {"moderators": ["10.0.0.0/8"]}, {"lobby": "perhaps"}, {"allow": ["x"] * 201},
    ],
)  # fmt: skip
def test_rules_that_cannot_be(rules: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        Door(**rules)
    assert next(iter(rules)) in refused.value.reason or "moderator_pin" in refused.value.reason


# ------------------------------------------------------------------ who calls
@pytest.mark.parametrize(
    ("pattern", "verified", "meant"),
    [
        ("ana", True, True), ("ANA", True, True), ("*@example.com", True, True), ("ana@example.com", True, True),
        ("bob", True, False), ("*@example.org", True, False), ("10.0.0.0/24", True, True), ("10.1.0.0/24", True, False),
    ],
)  # fmt: skip
def test_whom_a_pattern_means(pattern: str, verified: bool, meant: bool) -> None:
    caller = Caller("sip:Ana@example.com;user=phone", "10.0.0.7:5060", is_verified=True)
    assert is_meant(caller, [pattern], verified=verified) is meant


def test_a_name_that_nobody_vouches_for_opens_nothing_but_is_denied_all_the_same() -> None:
    door = Door(allow=["ana"])
    with pytest.raises(Forbidden):
        door.call("Ana")
    assert door.come("Ana", is_verified=True) in door.present()
    door.do(ask.ChangeRoom(door.room, allow=None, deny=["eve"]), HOST)
    with pytest.raises(Forbidden):
        door.call("Eve")
    assert door.come("Bob") in door.present()


def test_a_network_may_be_allowed_or_denied() -> None:
    with pytest.raises(Forbidden):
        Door(allow=["10.9.0.0/16"]).call()
    with pytest.raises(Forbidden):
        Door(deny=["10.0.0.0/8"]).call()
    assert Door(allow=["10.0.0.0/8"]).call()
    assert not is_meant(Caller("sip:a@b", "phone.example.com:5060"), ["10.0.0.0/8"], verified=True)


def test_moderators_by_name_need_no_pin_and_no_leave_but_must_be_known() -> None:
    door = Door(pin="1234", lobby="all", moderators=["ana"])
    host = door.come("Ana", user="ana", is_verified=True)
    assert door.person(host)["role"] == "moderator"
    pretender = door.come("Ana")
    assert door.waits() == {pretender: "pin"}


def test_places_are_kept_for_moderators() -> None:
    door = Door(max_participants=2, moderator_places=1, moderators=["boss"])
    door.come("Ana")
    with pytest.raises(Full):
        door.call("Bob")
    host = door.come("Boss", user="boss", is_verified=True)
    assert host in door.present()
    with pytest.raises(Full):
        door.call("Boss", user="boss", is_verified=True)


def test_lock_outs_are_bounded() -> None:
    lockouts = Lockouts()
    for number in range(MOST_KEPT + 10):
        lockouts.note("room", f"{number}", 0.0, 60.0)
    assert len(lockouts) == MOST_KEPT and lockouts.left_s("room", f"{MOST_KEPT + 9}", 1.0, 1, 60.0) == 59.0
    assert lockouts.left_s("room", "0", 1.0, 1, 60.0) == 0.0


# ------------------------------------------------------------------ lobby
def test_who_knocks_is_heard_by_moderators_and_waits_until_he_is_let_in() -> None:
    door = Door(lobby="all", moderators=["boss"])
    host, ana = door.come("Boss", user="boss", is_verified=True), door.come("Ana")
    assert said(door.events, ana) == ["prompt:lobby"] and said(door.events, host) == ["prompt:knock"]
    assert door.waits() == {ana: "approval"}
    events = door.do(ask.Admit(door.room, "Ana"), HOST)
    assert tell.Admitted in kinds(events) and "prompt:let-in" in said(events, ana) and ana in door.present()


def test_all_who_have_knocked_are_let_in_at_once_but_nobody_without_his_pin() -> None:
    door = Door(lobby="all", pin="1234")
    ana, bob, eve = door.come("Ana", pin="1234"), door.come("Bob", pin="1234"), door.come("Eve")
    door.do(ask.Admit(door.room), HOST)
    assert door.present() == [ana, bob] and door.waits() == {eve: "pin"}
    door.do(ask.Admit(door.room, eve), HOST)
    assert eve in door.present(), "by name a host lets in whom he likes"


def test_strangers_knock_and_the_known_do_not() -> None:
    door = Door(lobby="strangers")
    ana, bob = door.come("Ana", is_verified=True), door.come("Bob")
    assert door.present() == [ana] and door.waits() == {bob: "approval"}


def test_who_is_turned_away_hears_so_and_cannot_be_let_in_any_more() -> None:
    door = Door(lobby="all")
    ana = door.come()
    events = door.do(ask.TurnAway(door.room, ana), HOST)
    assert kinds(events) == [tell.Announced, tell.TurnedAway] and said(events, ana) == ["prompt:not-let-in"]
    assert door.do(ask.TurnAway(door.room, ana), HOST) == []
    assert door.do(ask.Admit(door.room, ana), HOST) == [] and door.present() == []
    assert tell.WaitEnded in kinds(door.leave(ana))


def test_nobody_comes_to_the_door() -> None:
    door = Door(lobby="all", knock_s=30)
    ana = door.come()
    assert door.pass_time(28) == []
    assert [each.participant for each in door.pass_time(3) if isinstance(each, tell.TurnedAway)] == [ana]
    patient = Door(lobby="all", knock_s=0)
    patient.come()
    assert patient.rooms.next_deadline() is None


def test_a_moderator_who_comes_later_hears_that_somebody_has_knocked() -> None:
    door = Door(lobby="all", moderator_pin="9876")
    door.come("Ana")
    host = door.come("Bob", pin="9876")
    assert said(door.events, host) == ["prompt:knock"]


def test_a_lobby_that_is_taken_away_lets_in_who_waits() -> None:
    door = Door(lobby="all")
    ana = door.come()
    door.do(ask.ChangeRoom(door.room, lobby="off"), HOST)
    assert door.present() == [ana]


def test_only_moderators_let_in() -> None:
    door = Door(lobby="all")
    ana = door.come()
    for command in (ask.Admit(door.room, ana), ask.TurnAway(door.room, ana), ask.Promote(door.room, ana)):
        with pytest.raises(Forbidden):
            door.do(command, Actor("Ana", Role.PARTICIPANT, ana))
    assert door.waits() == {ana: "approval"}


def test_who_is_not_at_the_door_cannot_be_let_in() -> None:
    door = Door(lobby="strangers")
    calling, inside = door.call("Ana"), door.come("Bob", is_verified=True)
    for who, kind in ((calling, NotFound), (inside, Conflict), ("p99", NotFound)):
        with pytest.raises(kind):
            door.do(ask.Admit(door.room, who), HOST)


# ------------------------------------------------------------------ moderators
def test_everybody_waits_for_the_first_moderator() -> None:
    door = Door(wait_for_moderator=True, moderator_pin="9876")
    ana, bob = door.come("Ana"), door.come("Bob")
    assert door.waits() == {ana: "moderator", bob: "moderator"} and said(door.events, bob) == ["prompt:no-moderator"]
    host = door.come("Host", pin="9876")
    assert door.present() == [ana, bob, host] and not door.waits()
    assert [each.participant for each in door.events if isinstance(each, tell.ParticipantArrived)] == [host, ana, bob]
    assert isinstance(door.events[-1], tell.HearingChanged)


def test_who_waits_for_the_moderator_can_become_him_by_keys() -> None:
    door = Door(wait_for_moderator=True, moderator_pin="9876")
    ana, bob = door.come("Ana"), door.come("Bob")
    door.press(bob, "9876#")
    assert sorted(door.present()) == sorted([ana, bob]) and door.person(bob)["role"] == "moderator"


def test_somebody_called_into_a_room_knocks_not_but_waits_for_the_moderator() -> None:
    door = Door(wait_for_moderator=True, lobby="all", pin="1234")
    called = door.do(ask.Dial(door.room, "sip:bob@b"), HOST)[-1].participant
    door.do(ask.Arrive(door.room, called))
    assert door.waits() == {called: "moderator"}
    door.do(ask.Promote(door.room, called), HOST)
    assert door.present() == [called]


def test_moderators_are_made_and_unmade() -> None:
    door = Door()
    ana = door.come()
    [event] = door.do(ask.Promote(door.room, ana), HOST)
    assert (event.participant, event.role, event.by) == (ana, Role.MODERATOR, "script")
    assert door.do(ask.Promote(door.room, ana), HOST) == []
    door.do(ask.Demote(door.room, ana), HOST)
    assert door.person(ana)["role"] == "participant"


def test_a_refused_caller_is_told_of() -> None:
    door = Door()
    [event] = door.do(ask.NoteCallerRefused(door.room, "sip:eve@a\r\n", "10.0.0.1:1", "wrong PIN"), SYSTEM)
    assert (event.address, event.source, event.cause) == ("sip:eve@a", "10.0.0.1:1", "wrong PIN")


# ------------------------------------------------------------------ by the entrance number
@pytest.mark.parametrize("rules", [{"pin": "1234"}, {"moderator_pin": "9876", "pin": "1234"}])
def test_the_entrance_number_leads_past_no_pin(rules: dict[str, str]) -> None:
    stage = Stage("4711", entrance=("4000",))
    stage.do(ask.CreateRoom("4711", **rules), ADMIN)
    who = stage.arrive("Ana", "4000")
    events = [event for digit in "4711#" for event in stage.do(ask.NoteDigit("4000", who, digit, 100))]
    assert [each.waits_for.value for each in events if isinstance(each, tell.ParticipantWaits)] == ["pin"]
    for digit in "1234#":
        stage.do(ask.NoteDigit("4711", who, digit, 100))
    assert [person["id"] for person in stage.shown()["participants"]] == [who]


def test_the_entrance_number_leads_nobody_in_who_is_denied() -> None:
    stage = Stage("4711", entrance=("4000",))
    stage.do(ask.CreateRoom("4711", allow=["bob"]), ADMIN)
    who = stage.arrive("Ana", "4000")
    for digit in "4711#":
        stage.do(ask.NoteDigit("4000", who, digit, 100))
    assert stage.shown()["participants"] == [] == stage.shown()["waiting"]
