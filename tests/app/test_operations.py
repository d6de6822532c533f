"""Settings read again, profiles made while running, a server emptied: over a house of rooms, without a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from confserver.app.languages import repertoire_of, sets_of
from confserver.app.operations import Operations
from confserver.app.orders import Orders
from confserver.app.profiles import profiles_of, rules_of
from confserver.app.profiling import together
from confserver.app.reloading import RELOADED, differences
from confserver.app.tables import migrate
from confserver.config import load
from confserver.config.limits import Limits
from confserver.config.text import settings_table
from confserver.focus.draining import Draining
from confserver.focus.languages import Languages
from confserver.focus.repertoire import Repertoire
from confserver.routing.commands import Drain, PutProfile, Reload, RemoveProfile, Undrain
from confserver.sip.message import Request, parse
from rooms import errors
from rooms.commands import CreateRoom
from rooms.manager import Rooms
from rooms.participant import Actor, Role
from rooms.profile_store import load_profiles
from rooms.profiles import Profile

NOW = 1_000_000.0
ADMIN = Actor("admin", Role.ADMIN)
SETTINGS = """
[profiles.office]
mute_on_entry = true

[profiles.large]
extends = "office"
max_participants = 500
"""


class FakeScene:
    draining: Draining | None = None
    terms: Any = None

    def use_terms(self, terms: Any, forward_terms: Any) -> None:
        self.terms = terms


class FakeFocus:
    """What Focus.use_profiles does, without calls."""

    def __init__(self, rooms: Rooms, repertoire: Repertoire) -> None:
        self.rooms = rooms
        self.languages = Languages(self, repertoire)  # type: ignore[arg-type]

    def use_profiles(self, *given: Any) -> list[Any]:
        return self.rooms.use_profiles(*given)


class House:
    def __init__(self, tmp_path: Path, text: str = SETTINGS) -> None:
        self.file = tmp_path / "c.toml"
        self.file.write_text(text)
        self.settings = load(self.file)
        self.rooms = Rooms(lambda: "p1", policy=rules_of(self.settings), profiles=profiles_of(self.settings))
        self.scene, self.orders, self.said, self.calls, self.ended = FakeScene(), Orders(), [], 0, 0
        self.db = Database(memory=True)
        migrate(self.db)
        self.now = NOW

        def end() -> None:
            self.ended += 1

        self.operations = Operations(
            self.settings,
            lambda: load(self.file),
            self.orders,
            lambda: self.now,
            lambda: self.calls,
            end,
            Any,  # type: ignore[arg-type]
        )
        focus: Any = FakeFocus(self.rooms, repertoire_of(self.settings, sets_of(self.settings)))
        scene: Any = self.scene
        self.operations.begin(self.rooms, focus, scene, lambda events: self.said.extend(events))  # type: ignore[arg-type]

    def do(self, order: Any) -> Any:
        done = self.orders.carry_out(order, self.now)
        if done.job is not None:
            done.job(self.db)
        return done

    def ask(self, question: str, **names: str) -> Any:
        return self.orders.answer(question, names, self.now)

    def reload(self, text: str) -> Any:
        self.file.write_text(text)
        return self.do(Reload()).told

    def room(self, name: str, profile: str = "", **said: Any) -> None:
        self.rooms.handle(CreateRoom(name, profile, **said), ADMIN, NOW)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# ------------------------------------------------------------------ profiles
def test_a_profile_is_made_changed_and_forgotten_and_its_rooms_follow(house: House) -> None:
    done = house.do(PutProfile("webinar", "office", {"max_participants": 900}))
    assert done.is_new and done.told == {
        "profile": "webinar", "extends": "office", "rules": {"max_participants": 900}, "source": "made",
    }  # fmt: skip
    house.room("town", "webinar")
    assert house.rooms.get("town").policy.max_participants == 900 and house.rooms.get("town").policy.mute_on_entry
    assert not house.do(PutProfile("webinar", "", {"max_participants": 30})).is_new
    assert house.rooms.get("town").policy.max_participants == 30 and not house.rooms.get("town").policy.mute_on_entry
    assert [type(event).__name__ for event in house.said] == ["RoomChanged"]
    assert house.ask("profile show", profile="webinar")["used_by"] == ["room town"]
    assert load_profiles(house.db) == [Profile("webinar", {"max_participants": 30})]
    with pytest.raises(errors.Conflict, match="room town has the profile webinar"):
        house.do(RemoveProfile("webinar"))
    house.room("town")
    house.do(RemoveProfile("webinar"))
    assert load_profiles(house.db) == [] and [each["profile"] for each in house.ask("profile list")] == [
        "large",
        "office",
    ]


@pytest.mark.parametrize(
    ("order", "kind", "words"),
    [
        (PutProfile("office", "", {}), errors.Conflict, "settings file"),
        (RemoveProfile("office"), errors.Conflict, "settings file"),
        (PutProfile("x y", "", {}), errors.Invalid, "no profile can be called"),
        (PutProfile("Web", "", {}), errors.Invalid, "small letters: web"),
        (PutProfile("web", "offcie", {}), errors.NotFound, "there is no profile offcie"),
        (PutProfile("web", "web", {}), errors.Invalid, "extends itself"),
        (PutProfile("web", "", {"mute_on_entri": True}), errors.Invalid, "did you mean mute_on_entry"),
        (PutProfile("web", "", {"max_participants": "many"}), errors.Invalid, "max_participants"),
        (PutProfile("web", "", {"max_participants": 0}), errors.Invalid, "must be 1 to"),
        (RemoveProfile("nobody"), errors.NotFound, "there is no profile nobody"),
    ],
)
def test_a_profile_that_cannot_be_changes_nothing(house: House, order: Any, kind: type, words: str) -> None:
    before = house.ask("profile list")
    with pytest.raises(kind, match=words):
        house.do(order)
    assert house.ask("profile list") == before and load_profiles(house.db) == []


def test_a_profile_that_another_extends_stays(house: House) -> None:
    house.do(PutProfile("base", "", {}))
    house.do(PutProfile("web", "base", {}))
    with pytest.raises(errors.Conflict, match="profile web has the profile base"):
        house.do(RemoveProfile("base"))


def test_a_rule_that_a_room_makes_impossible_is_refused_for_all(house: House) -> None:
    house.do(PutProfile("web", "", {"codecs": ["PCMU"]}))
    house.room("town", "web")
    with pytest.raises(errors.Refused):
        house.do(PutProfile("web", "", {"codecs": ["PCMU", "PCMU"]}))
    assert house.rooms.get("town").policy.codecs == ("PCMU",)


def test_made_profiles_come_back_and_what_cannot_be_is_left_out(house: House) -> None:
    made = [
        Profile("b", {}, "a"), Profile("a", {"mute_on_entry": True}, "large"), Profile("office", {}),
        Profile("c", {}, "gone"),
    ]  # fmt: skip
    kept = together(house.settings, made)
    assert [each.name for each in kept] == ["office", "large", "a", "b"]
    assert kept[0].said == {"mute_on_entry": True}, "that of the settings goes before"


# ------------------------------------------------------------------ reload
def test_what_may_change_is_used_and_the_rest_is_named(house: House) -> None:
    house.room("town", "office")
    told = house.reload(
        "[profiles.office]\nmute_on_entry = false\n[rooms]\nmax_participants = 7\n[media]\ntalkers = 3\n"
        "[limits]\ndrain_retry_s = 9\n[sip]\nport = 5999\n[[routes]]\nto = 'reject'\n"
    )
    assert told == {
        "routes": 1,
        "changed": ["routes", "profiles", "limits.drain_retry_s", "media.talkers", "rooms.max_participants"],
        "restart": ["sip.port"],
    }
    policy = house.rooms.get("town").policy
    assert not policy.mute_on_entry and policy.max_participants == 7 and house.scene.terms.talkers == 3
    assert [each["profile"] for each in house.ask("profile list")] == ["office"]
    again = house.do(Reload()).told
    assert again["changed"] == [] and again["restart"] == ["sip.port"], "until it has been started again"


def test_made_profiles_stay_after_a_reload(house: House) -> None:
    house.do(PutProfile("web", "", {"mute_on_entry": True}))
    house.reload("")
    assert [each["profile"] for each in house.ask("profile list")] == ["web"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[rooms]\nmax_participants = 0", "max_participants"),
        ("[profiles.office]\nmute_on_entri = true", "did you mean mute_on_entry"),
        ("", "there is no profile office"),
        ("[limits]\ndrain_to = 'a b'", "drain_to"),
    ],
)
def test_a_fault_changes_nothing(house: House, text: str, words: str) -> None:
    house.room("town", "office")
    before = house.rooms.get("town").policy
    with pytest.raises(errors.Refused, match=f"nothing has changed: .*{words}"):
        house.reload(f"[media]\ntalkers = 2\n{text}")
    assert house.rooms.get("town").policy == before and house.scene.terms is None
    house.operations.reload()  # by SIGHUP it is told in the log


def test_what_is_reloaded_are_settings() -> None:
    names = {setting.name for setting in settings_table()} | {"routes", "groups", "webhooks", "profiles"}
    assert set(RELOADED) <= names
    assert differences(load(None), load(None)) == []


# ------------------------------------------------------------------ drain
def request(method: str, uri: str = "sip:stand%20up@192.0.2.1") -> Request:
    lines = [f"{method} {uri} SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "From: <sip:a@b>;tag=1"]
    found = parse("\r\n".join([*lines, "To: <sip:x@b>", "Call-ID: 1", f"CSeq: 1 {method}", "", ""]).encode())
    assert isinstance(found, Request)
    return found


def test_the_server_ends_when_the_last_call_has(house: House) -> None:
    told: list[Any] = []
    house.operations.drainage.tell = told.append
    house.calls = 2
    assert house.do(Drain(stop=True)).told["calls"] == 2
    assert house.scene.draining is not None
    house.operations.drainage.look(NOW + 1)
    assert house.ended == 0
    house.calls = 0
    house.operations.drainage.look(NOW + 2)
    house.operations.drainage.look(NOW + 3)
    assert house.ended == 1, "once"
    assert [(event.stops, event.until, event.room) for event in told] == [(True, None, "")]


def test_without_stop_it_stays(house: House) -> None:
    house.do(Drain())
    house.operations.drainage.look(NOW + 99)
    assert house.ended == 0 and house.operations.not_ready(1, True) == "the server is being emptied"
    assert house.do(Undrain()).told["draining"] is False
    assert house.scene.draining is None and house.operations.not_ready(1, True) == ""
    with pytest.raises(errors.Conflict):
        house.do(Undrain())


def test_at_its_time_it_ends_whoever_is_there(house: House) -> None:
    house.calls = 1
    house.do(Drain(seconds=60))
    house.operations.drainage.look(NOW + 59)
    assert house.ended == 0
    house.do(Drain(seconds=120))  # asked again: later
    house.operations.drainage.look(NOW + 61)
    assert house.ended == 0
    house.operations.drainage.look(NOW + 121)
    assert house.ended == 1


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e9])
def test_times_that_cannot_be(house: House, seconds: float) -> None:
    with pytest.raises(errors.Invalid):
        house.do(Drain(seconds=seconds))
    assert house.scene.draining is None


def test_what_who_calls_hears() -> None:
    no = Draining(60).answer(request("INVITE"))
    assert no.status == 503 and ("Retry-After", "60") in no.headers  # RFC 3261 21.5.4
    no = Draining(60, "other.example.com:5070").answer(request("INVITE"))
    assert no.status == 302 and no.headers[0] == ("Contact", "<sip:stand%20up@other.example.com:5070>")
    assert Draining(60, "other.example.com").answer(request("OPTIONS")).status == 503


def test_readiness_in_words(house: House) -> None:
    assert house.operations.not_ready(1, True, "the disk is full") == "the disk is full"
    assert "starting" in house.operations.not_ready(0, False) and "worker" in house.operations.not_ready(0, True)
    assert Limits().drain_to == ""
