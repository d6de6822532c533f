"""Files against a server of the tests' own: what would change, what is done, and in which order."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest

from confserver.plan import doing
from confserver.plan.document import KINDS
from confserver.plan.present import Refusal, look
from rooms.errors import Refused
from rooms.profiles import Profile, Profiles


class Fake:
    """Keeps what is put, refuses what dangles, as the server does."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        self.fixed: set[str] = set()
        self.rooms: dict[str, dict[str, Any]] = {}
        self.people: dict[str, int] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.bans: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []
        self.refuses = ""
        self.table = {"version": "", "routes": [], "groups": [], "groups_of_settings": [], "trunks": []}

    def __call__(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        if path == "/route-table":
            return self.table
        kind, *rest = [unquote(segment) for segment in path.split("/")[1:]]
        if not rest:
            return self.all(kind)
        if method == "GET":
            return {"participants": [{}] * self.people.get(rest[0], 0), "reserved": 0}
        self.asked.append((method, path, body))
        if path == self.refuses:
            raise Refusal("not today")
        try:
            return getattr(self, f"{method.lower()}_{kind}")(rest[0], body)
        except Refused as refused:
            raise Refusal(refused.reason) from None

    def all(self, kind: str) -> list[dict[str, Any]]:
        if kind == "profiles":
            return [
                {"profile": each.name, "extends": each.extends, "rules": dict(each.said),
                 "source": "settings" if each.name in self.fixed else "made"}
                for each in self.profiles.values()
            ]  # fmt: skip
        if kind == "rules":
            return [{"room": name, **room} for name, room in self.rooms.items()]
        if kind == "rooms":
            return [{"name": name, "participants": [{}] * count, "reserved": 0} for name, count in self.people.items()]
        if kind == "users":
            return [{"user": name, **user} for name, user in self.users.items()]
        return [{"network": name, **ban} for name, ban in self.bans.items()]

    def check(self, profiles: Mapping[str, Profile]) -> None:
        known = Profiles(None, profiles.values())
        for room in self.rooms.values():
            known.policy_of(room["rules"], room["profile"])

    def put_profiles(self, name: str, body: Mapping[str, Any]) -> None:
        new = self.profiles | {name: Profile(name, body["rules"], body["extends"])}
        self.check(new)
        self.profiles = new

    def delete_profiles(self, name: str, body: Mapping[str, Any]) -> None:
        new = {key: each for key, each in self.profiles.items() if key != name}
        self.check(new)
        self.profiles = new

    def put_rooms(self, name: str, body: Mapping[str, Any]) -> None:
        rules = {key: value for key, value in body.items() if key != "profile"}
        Profiles(None, self.profiles.values()).policy_of(rules, body["profile"])
        self.rooms[name] = {"profile": body["profile"], "rules": rules}

    def delete_rooms(self, name: str, body: Mapping[str, Any]) -> None:
        assert not self.people.get(name), "a call would have been dropped"
        del self.rooms[name]

    def put_users(self, name: str, body: Mapping[str, Any]) -> Any:
        self.users[name] = {"display": body.get("display", ""), "aliases": body.get("aliases", []), "enabled": True}
        self._check_aliases()
        return {} if "password" in body else {"password": "made-up"}

    def post_users(self, name: str, body: Mapping[str, Any]) -> None:
        self.users[name] |= body
        self._check_aliases()

    def _check_aliases(self) -> None:
        aliases = [alias for user in self.users.values() for alias in user["aliases"]]
        if len(aliases) != len(set(aliases)):
            raise Refusal("an alias is taken")

    def delete_users(self, name: str, body: Mapping[str, Any]) -> None:
        del self.users[name]

    def put_bans(self, name: str, body: Mapping[str, Any]) -> None:
        self.bans[name] = {"reason": body["reason"], "until": None, "by": "administrator"}

    def delete_bans(self, name: str, body: Mapping[str, Any]) -> None:
        del self.bans[name]


class Desk:
    def __init__(self, tmp_path: Path) -> None:
        self.file, self.server = tmp_path / "f.toml", Fake()

    def plan(self, text: str, *, prune: bool = False) -> int:
        self.file.write_text(text)
        return doing.run_plan(self.server, False, self.file, prune, False)

    def apply(self, text: str, *, prune: bool = False, yes: bool = True) -> int:
        self.file.write_text(text)
        return doing.run_apply(self.server, False, self.file, prune, yes)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


ALL = """
[profiles.z]
mute_on_entry = true
[profiles.a]
extends = "z"
[rooms.standup]
profile = "a"
talkers = 3
[users.alice]
aliases = ["1000"]
[users.bob]
enabled = false
[bans."192.0.2.7"]
reason = "scans"
"""


def test_made_then_nothing_to_do(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.plan(ALL) == 2 and desk.server.asked == []
    told = capsys.readouterr().out
    assert "+ room standup\n    profile: a\n    talkers: 3\n" in told and "7 to make, 1 to change" not in told
    assert desk.apply(ALL) == 0
    told = capsys.readouterr().out
    assert "its password, told this once: made-up" in told and "7 done" in told
    assert [path for _, path, _ in desk.server.asked] == [
        "/profiles/z", "/profiles/a", "/rooms/standup", "/users/alice", "/users/bob", "/users/bob", "/bans/192.0.2.7",
    ]  # fmt: skip
    assert desk.server.users["bob"]["enabled"] is False
    assert desk.plan(ALL) == 0 and capsys.readouterr().out == "nothing to do\n"


def test_a_change_is_told_rule_by_rule(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.apply('[rooms.x]\ntalkers = 3\nmute_on_entry = true\ncodecs = ["PCMU"]')
    capsys.readouterr()
    assert desk.plan("[rooms.x]\ntalkers = 4\nstereo = false\nmute_on_entry = true") == 2
    assert capsys.readouterr().out == (
        "~ room x\n    talkers: 3 -> 4\n    stereo: no\n    codecs: PCMU, and no longer said\n"
        "0 to make, 1 to change, 0 to remove\n"
    )


def test_what_is_not_in_the_files_is_drift_and_removed_only_when_asked(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.apply(ALL)
    capsys.readouterr()
    only = "[rooms.other]\n"
    assert desk.plan(only) == 2
    assert "! room standup is not in the files\n" in capsys.readouterr().out
    desk.apply(only)
    assert "standup" in desk.server.rooms and desk.server.profiles and desk.server.users
    assert desk.plan(only) == 0, "drift alone is nothing to do"
    assert desk.plan(only, prune=True) == 2
    desk.apply(only, prune=True)
    assert list(desk.server.rooms) == ["other"] and list(desk.server.users) == ["alice", "bob"], (
        "users were not spoken of"
    )


def test_all_is_pruned_in_an_order_that_leaves_nothing_dangling(desk: Desk) -> None:
    desk.apply(ALL)
    desk.apply("[profiles]\n[rooms]\n[users]\n[bans]\n", prune=True)
    server = desk.server
    assert not (server.profiles or server.rooms or server.users or server.bans)


def test_before_a_removal_it_asks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.apply("[rooms.x]\n")
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        raise click.Abort

    monkeypatch.setattr(click, "confirm", confirm)
    with pytest.raises(click.Abort):
        desk.apply("[rooms.y]\n", prune=True, yes=False)
    assert asked == ["Remove 1?"] and list(desk.server.rooms) == ["x"], "nor is anything else done"


def test_no_call_is_dropped(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.apply("[rooms.x]\n[rooms.y]\n")
    desk.server.people["x"] = 2
    capsys.readouterr()
    assert desk.apply("[rooms]\n", prune=True) == 0
    told = capsys.readouterr().out
    assert "2 are in it: it stays until they have gone" in told and "room x stays: somebody is in it" in told
    assert "1 done, 1 left" in told and list(desk.server.rooms) == ["x"]


def test_a_refusal_in_the_middle_says_what_was_done(desk: Desk) -> None:
    desk.server.refuses = "/rooms/standup"
    with pytest.raises(click.ClickException) as raised:
        desk.apply(ALL)
    assert raised.value.message == (
        "room standup: not today (done before: profile z, profile a; "
        "not done: user alice, user bob, user bob, ban 192.0.2.7)"
    )
    desk.server.refuses = ""
    assert desk.apply(ALL) == 0 and desk.plan(ALL) == 0, "and it can be done again"


def test_a_fault_of_the_file_asks_nothing_of_the_server(desk: Desk) -> None:
    for do in (desk.plan, desk.apply):
        with pytest.raises(click.ClickException, match="did you mean talkers"):
            do("[rooms.good]\n[rooms.x]\ntalker = 3\n")
    assert desk.server.asked == []


def test_profiles_of_the_settings_stay_as_they_are(desk: Desk) -> None:
    desk.server.profiles["office"] = Profile("office", {"mute_on_entry": True})
    desk.server.fixed = {"office"}
    assert desk.plan('[rooms.x]\nprofile = "office"\n[profiles]\n', prune=True) == 2
    desk.apply('[rooms.x]\nprofile = "office"\n[profiles]\n', prune=True)
    assert "office" in desk.server.profiles
    assert desk.plan("[profiles.office]\nmute_on_entry = true") == 0
    with pytest.raises(click.ClickException, match="settings file: change it there"):
        desk.plan("[profiles.office]\nmute_on_entry = false")


def test_a_profile_that_would_be_pruned_cannot_be_used(desk: Desk) -> None:
    desk.apply("[profiles.old]\n")
    with pytest.raises(click.ClickException, match="there is no profile old"):
        desk.plan('[profiles.new]\nextends = "old"\n', prune=True)


def test_profiles_change_places(desk: Desk) -> None:
    desk.apply('[profiles.a]\nextends = "b"\n[profiles.b]\n')
    desk.apply('[profiles.b]\nextends = "a"\n[profiles.a]\n')
    assert desk.server.profiles["b"].extends == "a" and desk.server.profiles["a"].extends == ""


def test_an_alias_goes_from_one_user_to_another(desk: Desk) -> None:
    desk.apply('[users.alice]\naliases = []\n[users.bob]\naliases = ["1000"]')
    assert desk.apply('[users.alice]\naliases = ["1000"]\n[users.bob]\naliases = []') == 0


def test_what_is_not_said_of_a_user_stays(desk: Desk) -> None:
    desk.apply('[users.alice]\ndisplay = "Alice"\naliases = ["1000"]')
    assert desk.plan("[users.alice]\n") == 0
    desk.apply('[users.alice]\ndisplay = ""')
    assert desk.server.users["alice"] == {"display": "", "aliases": ["1000"], "enabled": True}


# ------------------------------------------------------------------ export
def test_what_is_exported_asks_for_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.apply(ALL + '[rooms."b.c"]\ncodecs = ["PCMU", "opus"]\n[users."d.e"]\ndisplay = "quote \\" \\\\ é \\u007f"\n')
    desk.server.profiles["fixed"] = Profile("fixed", {"stereo": True})
    desk.server.fixed = {"fixed"}
    capsys.readouterr()
    assert doing.run_plan(desk.server, False, None, False, True) == 0
    text = capsys.readouterr().out
    assert desk.plan(text) == 0 and desk.plan(text, prune=True) == 0
    other = Desk(desk.file.parent)
    other.server.profiles, other.server.fixed = {"fixed": desk.server.profiles["fixed"]}, {"fixed"}
    other.apply(text)
    assert look(other.server, set(KINDS)) == look(desk.server, set(KINDS))


def test_menus_and_empty_lists_come_back(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    menu = '[profiles.lecture]\ncodecs = []\n[profiles.lecture.menu.participant]\n1 = []\n"*5" = "hear-louder 6"\n'
    desk.apply(menu)
    assert "    menu.participant.*5: hear-louder 6\n" in capsys.readouterr().out
    assert desk.plan(menu.replace("hear-louder 6", "hear-louder 3")) == 2
    assert "~ profile lecture\n    menu.participant.*5: hear-louder 6 -> hear-louder 3\n" in capsys.readouterr().out
    doing.run_plan(desk.server, False, None, False, True)
    assert desk.plan(capsys.readouterr().out, prune=True) == 0
    with pytest.raises(click.ClickException, match=r"profiles\.lecture"):
        desk.plan(menu.replace("hear-louder", "hear-lauder"))


@pytest.mark.parametrize("seed", range(30))
def test_from_anything_to_anything(desk: Desk, seed: int) -> None:
    """Whatever there was and whatever is wanted: applied with --prune, nothing is left to do."""
    dice = random.Random(seed)

    def document() -> str:
        names = [f"p{number}" for number in range(dice.randrange(6))]
        lines = ["[profiles]", "[rooms]"]
        for index, name in enumerate(dice.sample(names, len(names))):
            earlier = [other for other in lines if other.startswith("[profiles.")]
            lines.append(f"[profiles.{name}]")
            if index and dice.random() < 0.6:
                lines.append(f'extends = "{dice.choice(earlier)[10:-1]}"')
            lines.append(f"talkers = {dice.randint(1, 9)}")
        for number in range(dice.randrange(5)):
            lines.append(f"[rooms.r{number}]")
            if names and dice.random() < 0.7:
                lines.append(f'profile = "{dice.choice(names)}"')
            if dice.random() < 0.5:
                lines.append(f"max_participants = {dice.randint(1, 99)}")
        return "\n".join(lines)

    for _ in range(4):
        text = document()
        assert desk.apply(text, prune=True) == 0
        assert desk.plan(text, prune=True) == 0, text


def test_as_json(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file.write_text("[users.alice]\n[rooms.x]\ntalkers = 3\n")
    assert doing.run_plan(desk.server, True, desk.file, False, False) == 2
    told = json.loads(capsys.readouterr().out)
    assert [step["what"] for step in told["steps"]] == ["room x", "user alice"] and told["drift"] == []
    assert doing.run_apply(desk.server, True, desk.file, False, True) == 0
    assert json.loads(capsys.readouterr().out)["done"] == ["room x", "user alice"]
