"""Each room in its language: prompts, numbers, beeps, spoken names; and what is said of a language that is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from confserver.contract import DigitPressed, Play
from confserver.focus.focus import Focus
from confserver.focus.repertoire import Repertoire
from confserver.prompts.catalogue import Catalogue
from confserver.prompts.sets import ENTRY
from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Invalid
from rooms.policy import Announce
from rooms.profiles import Profile
from tests.focus.house import House, every, the
from tests.focus.test_playing import asked, convert, paths

MUSIC = Path("/pkg/hold.flac")
NAMES = (
    "welcome", "enter-room", "only-one", "there-are", "in-the-room", "has-joined", "somebody", "muted", "enter-pin", "2"
)  # fmt: skip


def catalogue(name: str, *more: str) -> Catalogue:
    return Catalogue(name, {prompt: Path(f"/{name}/{prompt}.flac") for prompt in (*NAMES, *more)}, f"{name}+f2")


SETS = {"en": catalogue("en"), "de": catalogue("de"), "acme": catalogue("acme", ENTRY, "sponsor")}
KNOWN = Repertoire(None, SETS["en"], MUSIC, False, Announce.NONE, "en", SETS, "en")


def house(known: Repertoire = KNOWN, **how: object) -> House:
    it = House(**how)  # type: ignore[arg-type]
    it.scene.followers.clear()
    it.focus = Focus(it.scene, known)
    it.focus.worker_ready(0)
    return it


def heard(outputs: list[object]) -> list[str]:
    return [each.path for each in asked(outputs)]  # type: ignore[arg-type]


def test_a_room_speaks_the_language_of_its_rules() -> None:
    it = house()
    it.order(ask.CreateRoom("german", language="de"))
    it.order(ask.CreateRoom("plain"))
    it.enter(room="german")
    it.enter(room="plain")
    for room, language in (("german", "de"), ("plain", "en")):
        assert heard(it.order(ask.Play(room, ("prompt:welcome", "number:2")))) == [
            f"/{language}/welcome.flac", f"/{language}/2.flac",
        ]  # fmt: skip
    assert heard(it.order(ask.RollCall("german")))[0] == "/de/only-one.flac"
    assert the(tell.RoomChanged, it.order(ask.ChangeRoom("german", language="acme"))).policy.language == "acme"
    assert heard(it.order(ask.Play("german", ("prompt:welcome",)))) == ["/acme/welcome.flac"]


def test_names_are_spoken_by_a_voice_of_the_language() -> None:
    it = house()
    it.order(ask.CreateRoom("german", language="de", announce=Announce.NAME))
    it.enter(room="german")
    outputs = it.order(ask.Say("german", "Guten Tag"))
    assert heard(outputs) == ["say:de+f2:Guten Tag"]
    assert heard(it.order(ask.Say("plain" if it.enter(room="plain") else "", "Hello"))) == ["say:en:Hello"]
    it.focus.languages.use(replace(KNOWN, voice=""))  # espeak-ng is gone
    with pytest.raises(Exception, match="cannot speak"):
        it.order(ask.Say("german", "Guten Tag"))


def test_who_is_alone_is_told_so_in_the_rooms_language() -> None:
    it = house(replace(KNOWN, music_when_alone=True))
    it.order(ask.CreateRoom("german", language="de"))
    call, _ = it.invite(room="german")
    it.opened(call)
    assert heard([*it.ack(call), *it.first_packet(call)]) == ["/de/only-one.flac"]


def test_a_file_sounds_instead_of_a_beep() -> None:
    it = house()
    it.order(ask.CreateRoom("acme", language="acme", announce=Announce.BEEP))
    it.order(ask.CreateRoom("german", language="de", announce=Announce.BEEP))
    for room, files, tones in (("acme", ["/acme/entry.flac"], ""), ("german", [], "beep/entry")):
        it.enter(room=room)
        call, _ = it.invite(room=room)
        it.opened(call)
        outputs = it.ack(call)
        assert heard(outputs) == files
        played = [each.tones for each in every(Play, convert(it, outputs)) if each.leg is None]
        assert played == [tones]
        assert [each.tones for each in every(Play, it.bye(call)) if each.leg is None] == ["beep/exit"]


def test_what_only_one_set_has_is_played_in_its_rooms_alone() -> None:
    it = house()
    it.order(ask.CreateRoom("acme", language="acme"))
    it.order(ask.CreateRoom("german", language="de"))
    it.enter(room="acme")
    it.enter(room="german")
    assert heard(it.order(ask.Play("acme", ("prompt:sponsor",)))) == ["/acme/sponsor.flac"]
    with pytest.raises(Exception, match="there is no prompt 'sponsor'"):
        it.order(ask.Play("german", ("prompt:sponsor",)))


def test_a_room_of_a_broadcast_that_lacks_the_prompt_hears_nothing() -> None:
    it = house()
    it.order(ask.CreateRoom("acme", language="acme"))
    it.enter(room="acme")
    it.order(ask.OpenBreakouts("acme", 1))
    it.enter(room="acme")
    [breakout] = it.scene.rooms.get("acme").ties.breakouts
    it.order(ask.ChangeRoom(breakout, language="de"))
    outputs = it.order(ask.Broadcast("acme", ("prompt:sponsor",)))
    assert heard(outputs) == ["/acme/sponsor.flac"]
    assert [each.room for each in every(tell.Announced, outputs)] == ["acme", breakout]


# ------------------------------------------------------------------ names that are not there
@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("it", "there is no set of prompts it; there are: acme, de, en"),
        ("acm", "did you mean acme?"),
        ("DE", "there is no set of prompts DE"),
        ("../etc", "there is no set of prompts"),
    ],
)
def test_a_language_that_is_not_there_is_refused(language: str, why: str) -> None:
    it = house()
    it.order(ask.CreateRoom("german", language="de"))
    for command in (ask.CreateRoom("other", language=language), ask.ChangeRoom("german", language=language)):
        with pytest.raises(Invalid) as refused:
            it.order(command)
        assert why in refused.value.reason
    assert "other" not in it.scene.rooms
    assert it.scene.rooms.get("german").policy.language == "de"


def test_it_is_taken_back() -> None:
    it = house()
    it.order(ask.CreateRoom("german", language="de"))
    it.order(ask.CreateRoom("german"))
    assert it.scene.rooms.get("german").policy.language is None


def test_a_room_whose_set_has_gone_speaks_the_servers_and_says_so() -> None:
    it = house()
    it.order(ask.CreateRoom("acme", language="acme"))
    it.enter(room="acme")
    told = it.focus.room("acme", it.now)
    assert (told["language"], told["speaks"], told["warnings"]) == ("acme", "acme", [])
    it.focus.languages.use(replace(KNOWN, prompts=SETS["de"], usual="de", sets={"en": SETS["en"], "de": SETS["de"]}))
    told = it.focus.room("acme", it.now)
    assert (told["language"], told["speaks"]) == ("acme", "de")
    assert told["warnings"] == ["there is no set of prompts acme any more; the room speaks de"]
    assert it.focus.languages.lost() == [("acme", "acme")]
    assert heard(it.order(ask.Play("acme", ("prompt:welcome",)))) == ["/de/welcome.flac"]
    it.order(ask.ChangeRoom("acme", mute_on_entry=True))  # other rules change as ever
    assert it.scene.rooms.get("acme").policy.language == "acme"


def test_a_set_that_is_changed_is_heard_at_once() -> None:
    it = house()
    it.order(ask.CreateRoom("german", language="de"))
    it.enter(room="german")
    it.focus.languages.use(replace(KNOWN, sets=SETS | {"de": catalogue("new")}))
    assert heard(it.order(ask.Play("german", ("prompt:welcome",)))) == ["/new/welcome.flac"]


def test_a_profile_gives_a_language_to_its_rooms() -> None:
    it = house()
    it.focus.use_profiles(it.scene.rooms.profiles.rules, [Profile("sales", {"language": "de"})], it.now)
    it.order(ask.CreateRoom("german", "sales"))
    it.enter(room="german")
    assert heard(it.order(ask.Play("german", ("prompt:welcome",)))) == ["/de/welcome.flac"]


# ------------------------------------------------------------------ the entrance
def test_each_entrance_may_speak_another_language() -> None:
    it = house(entrance=["1000", "1001"], entrance_languages={"1001": "de"}, on_demand=False)
    it.order(ask.CreateRoom("4711"))
    for door, language in (("1000", "en"), ("1001", "de")):
        call, _ = it.invite(room=door)
        it.opened(call)
        it.ack(call)
        assert heard(it.pass_time(3)) == [f"/{language}/welcome.flac", f"/{language}/enter-room.flac"]
        said: list[object] = []
        for key in "4711#":
            it.now += 0.2
            said += it.tell(DigitPressed(leg=it.leg(call).id, digit=key, duration_ms=100))
        assert it.scene.rooms.get("4711").policy.language is None
        it.bye(call)
    assert it.is_empty()


def test_the_entrance_speaks_its_own_language_and_the_chosen_room_its_own() -> None:
    it = house(replace(KNOWN, prompts=SETS["acme"], usual="acme"), entrance=["1000"], on_demand=False)
    it.order(ask.CreateRoom("4711", language="de", pin="1234"))
    call, _ = it.invite(room="1000")
    it.opened(call)
    it.ack(call)
    outputs = it.pass_time(3)
    assert heard(outputs) == ["/acme/welcome.flac", "/acme/enter-room.flac"]
    said: list[object] = []
    for key in "4711#":
        it.now += 0.2
        said += it.tell(DigitPressed(leg=it.leg(call).id, digit=key, duration_ms=100))
    said += it.pass_time(3)
    assert "/de/enter-pin.flac" in heard(said), heard(said)
    assert paths(the(Play, convert(it, said))) == ["/de/enter-pin.flac"]
