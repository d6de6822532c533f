"""Events as everybody outside reads them: names and members that scripts can count on, and nothing secret."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.events import Event
from rooms.hearing import Hearing, Listening, Mix
from rooms.participant import MuteCause
from rooms.policy import RoomPolicy
from rooms.telling import THING_BYTES, TYPES, hearing_in_words, help_of, members_of, name_of, size_of
from rooms.telling import tell as told_of
from tests.rooms.play import ADMIN, HOST, Stage

PROMISED = {
    "room-created": "persistent policy", "room-changed": "policy", "room-removed": "", "room-locked": "by",
    "room-unlocked": "by", "room-opened": "", "room-ending": "by", "room-closed": "",
    "place-reserved": "participant name address source", "place-released": "participant",
    "participant-arrived": "participant name address source", "participant-left": "participant cause",
    "participant-kicked": "participant by", "participant-waits": "participant name address source waits_for",
    "wait-ended": "participant cause", "participant-muted": "participant cause by",
    "participant-unmuted": "participant cause by silent", "participant-deafened": "participant by",
    "participant-undeafened": "participant by", "participant-held": "participant", "participant-resumed": "participant",
    "participant-replaced": "participant name address source", "talking-changed": "participant talking",
    "noise-changed": "participant kind", "digit-received": "participant digit duration_ms",
    "keys-asked": "participant action argument", "room-chosen": "participant digits",
    "digits-sent": "participant keys", "dominant-speaker": "participant", "hearing-changed": "words",
    "dialled": "participant name uri ring_s by", "dial-ringing": "participant status",
    "dial-redirected": "participant uri", "dial-failed": "participant cause status",
    "transferring": "participant uri by", "transfer-ended": "participant cause status",
    "message": "participant name address text to", "announced": "sounds participant",
    "play-started": "play sounds participant loop volume_db by", "play-changed": "play paused volume_db position_s by",
    "play-ended": "play participant cause digit reason by", "recording-started": "tracks by waiting",
    "recording-paused": "by", "recording-resumed": "by", "recording-ended": "by", "recording-failed": "reason",
}  # fmt: skip
"""What scripts have been promised. Rows are added; a row that has to be changed breaks somebody's script."""


@pytest.mark.parametrize("name", PROMISED)
def test_what_was_promised_is_still_there(name: str) -> None:
    assert set(PROMISED[name].split()) <= set(members_of(name))


@pytest.mark.parametrize("name", TYPES)
def test_every_event_says_what_it_is(name: str) -> None:
    kind = TYPES[name]
    assert not help_of(name).startswith(f"{kind.__name__}("), f"{kind.__name__} has no docstring"
    assert help_of(name).strip() and "type" not in members_of(name) and "id" not in members_of(name)


def test_all_events_have_names_of_their_own() -> None:
    kinds = {kind for kind in vars(tell).values() if isinstance(kind, type) and issubclass(kind, Event)} - {Event}
    assert set(TYPES.values()) == kinds and len(TYPES) == len(kinds) >= len(PROMISED)


# ------------------------------------------------------------------ a meeting, told
def test_a_meeting_told_is_json_with_all_its_members() -> None:
    stage = Stage()
    events = stage.do(ask.CreateRoom("standup"), ADMIN)
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    events += stage.do(ask.Mute("standup", ana, MuteCause.HOST), HOST)
    events += stage.do(ask.Play("standup", ("prompt:welcome",)), HOST)
    events += stage.leave(bob)
    for event in events:
        told = json.loads(json.dumps(told_of(event)))
        assert (told["type"], told["room"]) == (name_of(type(event)), "standup")
        assert (told["number"], told["at"]) == (event.number, event.at)
        assert set(told) == {"type", "room", "number", "at", *members_of(told["type"])}
    [muted] = [told_of(event) for event in events if isinstance(event, tell.ParticipantMuted)]
    assert (muted["participant"], muted["cause"], muted["by"]) == (ana, "host", "script")
    [play] = [told_of(event) for event in events if isinstance(event, tell.PlayStarted)]
    assert play["sounds"] == ["prompt:welcome"]


# ------------------------------------------------------------------ what is not told
def test_keys_towards_somebody_are_counted_and_not_told() -> None:
    told = told_of(tell.DigitsSent("standup", 7, 1.0, "p1", "4711#", 100, 60, "script"))
    assert told["keys"] == 5 and "4711" not in json.dumps(told)


def test_secret_rules_are_only_said_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.telling.SECRETS", ("codecs",))
    monkeypatch.setattr("rooms.policy.SECRETS", ("codecs",))
    policy = RoomPolicy(codecs=("opus",))
    told = told_of(tell.RoomCreated("standup", 1, 1.0, True, policy, "", {"codecs": ("opus",), "stereo": True}))
    assert told["policy"]["codecs"] == "set" and told["said"] == {"codecs": "set", "stereo": True}
    assert "opus" not in json.dumps(told)


def test_a_member_that_is_marked_secret_is_not_told() -> None:
    @dataclass(frozen=True, slots=True)
    class PinGiven(Event):
        pin: str = field(default="", metadata={"secret": True})

    assert told_of(PinGiven("standup", 1, 1.0, "4711"))["pin"] == "set"
    assert told_of(PinGiven("standup", 1, 1.0, ""))["pin"] == ""


def test_no_event_of_a_meeting_with_keys_holds_them() -> None:
    """Whatever somebody adds: all fields that are called so are looked at."""
    for name, kind in TYPES.items():
        for each in dataclasses.fields(kind):
            if "pin" in each.name.split("_") or "password" in each.name or each.name == "secret":
                assert each.metadata.get("secret"), f"{name}.{each.name} would be told"


# ------------------------------------------------------------------ who hears whom
def test_who_hears_whom_in_words() -> None:
    room = Mix((("p1", 1.0), ("p2", 1.0), ("p3", 0.0)))
    hearing = Hearing(
        (Mix(), room),
        (
            Listening("p1", 1),
            Listening("p2", 1, (("p1", 0.5), ("p9", 0.0))),
            Listening("p3", 0),
        ),
    )
    assert hearing_in_words(hearing) == ["p3 hears nobody", "p1, p2 hear p1, p2", "p2 hears p1 at -6 dB, p9 not"]
    assert hearing_in_words(Hearing()) == []


def test_a_large_room_is_told_in_few_words() -> None:
    people = [f"p{number}" for number in range(1000)]
    everybody = Mix(tuple((each, 1.0) for each in people))
    listeners = tuple(Listening(each, 1, (("p1", 2.0),)) for each in people)
    told = json.dumps(told_of(tell.HearingChanged("standup", 1, 1.0, Hearing((Mix(), everybody), listeners))))
    assert len(told) < 1000 and "and 994 more" in told and "994 more hear somebody otherwise" in told


def test_what_an_event_holds_is_reckoned_by_what_is_kept_of_it() -> None:
    people = [f"p{number}" for number in range(300)]
    everybody = Mix(tuple((each, 1.0) for each in people))
    hearing = Hearing((Mix(), everybody), tuple(Listening(each, 1) for each in people))
    assert size_of(tell.HearingChanged("standup", 1, 1.0, hearing)) > 300 * THING_BYTES, "though its words are few"
    for event in (
        tell.RoomLocked("standup", 1, 1.0, "boss"), tell.Message("standup", 1, 1.0, "p1", "Ana", "", "x" * 400, ""),
        tell.ParticipantArrived("standup", 1, 1.0, "p1", "Ana", "sip:ana@a", "192.0.2.9:5060"),
        tell.RoomCreated("standup", 1, 1.0, True, RoomPolicy(), "", {"stereo": True}),
    ):  # fmt: skip
        told = {name: value for name, value in told_of(event).items() if name != "policy"}  # all rooms share theirs
        assert len(json.dumps(told)) <= size_of(event) < 1000
