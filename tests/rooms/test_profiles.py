"""What holds in a room: its own rules, then its profile's, then that one's which it extends, then the settings'."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Invalid, NotFound
from rooms.policy import RoomPolicy
from rooms.profiles import Profile, Profiles
from tests.rooms.play import ADMIN, Stage, kinds

ROOM = "standup"
MEETING = Profile("meeting", {"max_participants": 20, "stereo": True})
BOARD = Profile("board", {"mute_on_entry": True, "max_participants": 12}, extends="meeting")


def test_what_is_nearer_to_the_room_goes_before() -> None:
    profiles = Profiles(RoomPolicy(talkers=3), [MEETING, BOARD])
    policy = profiles.policy_of({"max_participants": 5}, "board")
    assert policy == RoomPolicy(max_participants=5, mute_on_entry=True, stereo=True, talkers=3)
    assert profiles.policy_of({}, "board").max_participants == 12
    assert profiles.policy_of({"stereo": None}, "meeting").stereo, "None is not said"


@pytest.mark.parametrize(
    ("profile", "error", "words"),
    [
        (Profile("a", extends="a"), Invalid, "extends itself"),
        (Profile("a", extends="b"), NotFound, "no profile b; there are: a"),
        (Profile("a", {"colour": "red"}), Invalid, "no rule colour"),
        (Profile("a", {"mute_on_entrie": True}), Invalid, "did you mean mute_on_entry"),
        (Profile("a", {"talkers": "all"}), Invalid, "talkers: expected"),
        (Profile("a", {"talkers": 0}), Invalid, "talkers must be"),
        (Profile("a", {"codecs": ["opus", "opus"]}), Invalid, "twice"),
    ],
)
def test_a_profile_that_cannot_be(profile: Profile, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Profiles(profiles=[profile])


def test_some_rules_are_changed_and_the_others_stay() -> None:
    stage = Stage(ROOM, profiles=[MEETING, BOARD])
    stage.do(ask.CreateRoom(ROOM, "meeting", talkers=2), ADMIN)
    [changed] = stage.do(ask.ChangeRoom(ROOM, max_participants=3, talkers=None), ADMIN)
    assert isinstance(changed, tell.RoomChanged) and changed.said == {"max_participants": 3}
    assert changed.policy == RoomPolicy(max_participants=3, stereo=True)
    assert stage.do(ask.ChangeRoom(ROOM, max_participants=3), ADMIN) == [], "it is so already"
    stage.do(ask.ChangeRoom(ROOM, profile="board", max_participants=None), ADMIN)
    assert (stage.shown()["profile"], stage.shown()["max_participants"], stage.shown()["mute_on_entry"]) == (
        "board", 12, True
    )  # fmt: skip
    for bad in ({"max_participants": 0}, {"nonsense": 1}, {"nonsense": None}, {"rate_hz": "loud"}):
        with pytest.raises(Invalid):
            stage.do(ask.ChangeRoom(ROOM, rules=bad), ADMIN)
    with pytest.raises(NotFound):
        stage.do(ask.ChangeRoom(ROOM, profile="nowhere"), ADMIN)
    with pytest.raises(NotFound):
        stage.do(ask.ChangeRoom("elsewhere", max_participants=3), ADMIN)
    assert stage.shown()["profile"] == "board"


def test_rooms_made_on_demand_have_a_profile_and_their_changes_go_with_them() -> None:
    stage = Stage(ROOM, profiles=[MEETING], profile="meeting")
    assert stage.rooms.policy_of("nowhere").stereo
    ana = stage.arrive()
    assert stage.shown()["max_participants"] == 20
    stage.do(ask.ChangeRoom(ROOM, max_participants=2), ADMIN)
    assert stage.shown()["max_participants"] == 2
    stage.leave(ana)
    stage.arrive()
    assert stage.shown()["max_participants"] == 20


def test_profiles_change_under_rooms_that_have_them_whole_or_not_at_all() -> None:
    stage = Stage(ROOM, profiles=[MEETING, BOARD])
    stage.do(ask.CreateRoom(ROOM, "board"), ADMIN)
    stage.do(ask.CreateRoom("other"), ADMIN)
    with pytest.raises(NotFound):
        stage.rooms.use_profiles(RoomPolicy(), [MEETING], 5.0)
    assert stage.shown()["max_participants"] == 12
    events = stage.rooms.use_profiles(RoomPolicy(), [MEETING, Profile("board", {"talkers": 1}, "meeting")], 5.0)
    assert kinds(events) == [tell.RoomChanged] and events[0].room == ROOM
    assert (stage.shown()["max_participants"], stage.shown()["talkers"], stage.shown()["mute_on_entry"]) == (
        20, 1, False
    )  # fmt: skip
    assert stage.rooms.use_profiles(RoomPolicy(), [MEETING, Profile("board", {"talkers": 1}, "meeting")], 6.0) == []
