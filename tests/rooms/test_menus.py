"""Menus of keys as data: what a room's rule may say, what it may not, and how that is put."""

from __future__ import annotations

from pathlib import Path

import pytest

from confserver.prompts.catalogue import ENGLISH, read_catalogue
from rooms import commands as ask
from rooms.errors import Invalid
from rooms.menus import ACTIONS, MODERATOR, PARTICIPANT, After, Step, check, menu_for
from rooms.participant import Role
from rooms.policy import RoomPolicy
from rooms.profiles import Profile
from rooms.wishes import SAYINGS, WISHES, _help
from tests.rooms.play import ADMIN, Stage

DOCS = Path(__file__).resolve().parents[2] / "docs" / "keypad.md"


def test_every_action_is_either_asked_of_the_room_or_said() -> None:
    assert {*WISHES} | {*SAYINGS} == {*ACTIONS} and not {*WISHES} & {*SAYINGS}


def test_the_usual_menus_can_be_and_every_action_has_a_key_or_takes_something() -> None:
    check({})
    bound = {*PARTICIPANT.values(), *MODERATOR.values()}
    assert {name for name in ACTIONS if name not in bound} == {"deafen", "play"}


def test_what_everybody_may_do_a_moderator_may_by_the_same_keys() -> None:
    assert {key: MODERATOR[key] for key in PARTICIPANT} == dict(PARTICIPANT)


def test_a_room_changes_some_keys_and_leaves_the_others() -> None:
    said = {"participant": {"1": [], "*5": "hear-louder 6", "5": ["mute", "count"]}}
    menu = menu_for(said, Role.PARTICIPANT)
    assert "1" not in menu and menu["*5"] == (Step("hear-louder", "6"),)
    assert menu["5"] == (Step("mute"), Step("count")) and menu["8"] == (Step("leave"),)
    assert menu_for(said, Role.MODERATOR)["1"] == (Step("mute"),)
    assert menu_for(None, Role.ADMIN)["*2"] == (Step("lock"),)


def test_a_number_that_the_menu_knows_is_not_asked_for() -> None:
    assert menu_for({"moderator": {"3": "dial sip:desk@h"}}, Role.MODERATOR)["3"][0].after is After.NOTHING
    assert menu_for({}, Role.MODERATOR)["**3"][0].after is After.NUMBER


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"guest": {}}, "menu: there are menus for participant and moderator, not for guest"),
        ({"participant": {"x": "mute"}}, "'x' is no key"),
        ({"participant": {"": "mute"}}, "'' is no key"),
        ({"participant": {"1234567": "mute"}}, "is no key: 1 to 6"),
        ({"participant": {"3": "mut"}}, "menu.participant.3: there is no action 'mut'; did you mean mute?"),
        ({"participant": {"3": ""}}, "there is no action ''; there are: admit"),
        ({"participant": {"3": "lock"}}, "lock is for a moderator, not for a participant"),
        ({"participant": {"3": "mute now"}}, "mute takes nothing, not 'now'"),
        ({"participant": {"3": "hear-louder loud"}}, "hear-louder takes a number of dB"),
        ({"participant": {"3": "hear-louder " + "1" * 300}}, "no text of up to 256"),
        ({"moderator": {"3": "extend 481"}}, "extend takes a number of minutes, 1 to 480"),
        ({"moderator": {"3": "play"}}, "play takes a sound"),
        ({"moderator": {"3": ["end", "mute"]}}, "end waits for more to be pressed"),
        ({"moderator": {"3": ["mute"] * 9}}, "8 actions are the most"),
        ({"participant": {"12": "mute"}}, "12 can never be reached, because 1, its beginning, acts at once; 1 ="),
        ({"participant": {"*12": "mute"}}, r"\*12 can never be reached, because \*1"),
        ({"participant": {f"D{n}": "mute" for n in range(60)}}, "64 keys are the most"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_clearly(said: dict, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        RoomPolicy(menu=said)


@pytest.mark.parametrize("menu", [[], {"participant": []}, {"participant": {"1": 5}}, "mute"])
def test_what_is_no_menu_at_all_is_refused_by_every_face(menu: object) -> None:
    stage = Stage()
    with pytest.raises(Invalid, match="menu"):
        stage.do(ask.CreateRoom("standup", menu=menu), ADMIN)


def test_where_a_shorter_key_gives_way_a_longer_one_may_be() -> None:
    check({"participant": {"1": [], "12": "mute"}})


def test_a_profile_says_it_for_its_rooms_and_is_checked_when_it_is_read() -> None:
    quiet = Profile("quiet", {"menu": {"participant": {"9": []}}})
    stage = Stage(profiles=[quiet])
    stage.do(ask.CreateRoom("standup", profile="quiet"), ADMIN)
    assert stage.shown()["menu"] == {"participant": {"9": []}}
    with pytest.raises(Invalid, match=r"profile loud: menu\.participant\.9"):
        Stage(profiles=[Profile("loud", {"menu": {"participant": {"9": "lock"}}})])


@pytest.mark.parametrize("seconds", [0, 0.4, 11, float("nan")])
def test_nobody_waits_for_ever_or_not_at_all(seconds: float) -> None:
    with pytest.raises(Invalid, match=r"menu_timeout_s must be 0\.5 to 10"):
        RoomPolicy(menu_timeout_s=seconds)


# ---------------------------------------------------------------------- words
def test_all_that_is_said_has_a_prompt() -> None:
    there = read_catalogue(ENGLISH).files
    prompts = {action.prompt for action in ACTIONS.values() if action.prompt}
    prompts |= {f"confirm-{name}" for name, action in ACTIONS.items() if action.after is After.YES}
    assert not prompts - there.keys()
    source = "".join((Path(__file__).parents[2] / "rooms" / name).read_text() for name in ("wishes.py", "keypad.py"))
    said = {part.partition('"')[0] for part in source.split('"prompt:')[1:]}
    assert not {name for name in said if name.replace("-", "").isalpha()} - there.keys()


def test_the_spoken_menu_names_each_action_once_by_its_first_key() -> None:
    sounds = _help(None, menu_for({}, Role.MODERATOR))  # type: ignore[arg-type]
    assert sounds[:4] == ("prompt:menu", "prompt:menu-mute", "prompt:press", "number:1")
    at = sounds.index("prompt:menu-lock")
    assert sounds[at : at + 4] == ("prompt:menu-lock", "prompt:press", "prompt:star", "number:2")
    assert sounds.count("prompt:menu-mute") == 1


@pytest.mark.parametrize(("name", "menu"), [("participant", PARTICIPANT), ("moderator", MODERATOR)])
def test_the_page_shows_every_key(name: str, menu: dict[str, str]) -> None:
    lines = DOCS.read_text().splitlines()
    for key, action in menu.items():
        if name == "moderator" and key in PARTICIPANT:
            continue
        assert f"| `{key}` | `{action}` | {ACTIONS[action].help} |" in lines


@pytest.mark.parametrize("name", ACTIONS)
def test_the_page_shows_every_action(name: str) -> None:
    action = ACTIONS[name]
    row = f"| `{name}` | {action.help} | {action.takes.value} | {action.role.name.lower()} |"
    assert row in DOCS.read_text().splitlines(), row
