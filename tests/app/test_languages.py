"""Languages from the settings: at the start and at a reload, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from confserver.app.languages import LanguageKeeper, repertoire_of, sets_of
from confserver.app.orders import Orders
from confserver.app.profiles import ProfileError
from confserver.config import load
from confserver.focus.focus import Focus
from confserver.prompts.catalogue import CatalogueError
from confserver.routing.commands import PutProfile, Reload
from rooms import errors
from rooms.commands import CreateRoom
from rooms.participant import Actor, Role
from tests.app.test_operations import House
from tests.focus.house import House as Stage

ADMIN = Actor("admin", Role.ADMIN)


def lay(folder: Path, *names: str, toml: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"fLaC" if name.endswith("flac") else b"RIFF")
    if toml:
        (folder / "prompts.toml").write_text(toml)


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    lay(tmp_path / "sets" / "acme", "welcome.flac", toml='extends = "de"\n')
    return tmp_path / "sets"


@pytest.fixture
def house(tmp_path: Path, sets: Path) -> House:
    return House(tmp_path, f"[sounds]\nsets = '{sets}'\n")


def test_administrators_see_which_there_are(house: House) -> None:
    rows = {row["set"]: row for row in house.ask("sound list")}
    assert list(rows) == ["en", "de", "fr", "es", "acme"]
    assert (rows["en"]["usual"], rows["acme"]["usual"]) == (True, False)
    assert (rows["acme"]["extends"], rows["acme"]["own"]) == ("de", ["welcome"])
    assert rows["acme"]["prompts"] == rows["de"]["prompts"]
    shown = house.ask("sound show", language="acme")
    of = {row["prompt"]: row for row in shown["prompts"]}
    assert (of["welcome"]["from"], of["goodbye"]["from"]) == ("acme", "de")
    assert of["goodbye"] == {"prompt": "goodbye", "text": "Auf Wiederhören.", "from": "de", "file": "goodbye.flac"}
    with pytest.raises(errors.NotFound, match="there is no set of prompts it; there are: acme, de"):
        house.ask("sound show", language="it")


# ------------------------------------------------------------------ reload
def test_sets_are_read_again(house: House, sets: Path) -> None:
    lay(sets / "lab", "muted.wav")
    assert house.do(Reload()).told["changed"] == []
    assert [row["set"] for row in house.ask("sound list")][-1] == "lab"
    (sets / "acme" / "welcome.flac").unlink()
    house.do(Reload())
    assert house.ask("sound show", language="acme")["own"] == []
    assert "lab" in house.operations.languages._focus.languages.repertoire.sets


@pytest.mark.parametrize(
    ("files", "toml", "why"),
    [
        (["welcom.flac"], "", "did you mean welcome"),
        ([], 'extends = "acme"', "extends itself"),
        ([], "[", "not a list"),
    ],
)
def test_a_fault_leaves_the_old_ones(house: House, sets: Path, files: list[str], toml: str, why: str) -> None:
    before = house.ask("sound list")
    lay(sets / "acme", *files, toml=toml)
    lay(sets / "new", "welcome.flac")
    with pytest.raises(errors.Invalid, match=why):
        house.do(Reload())
    assert house.ask("sound list") == before
    assert "new" not in house.operations.languages._focus.languages.repertoire.sets


def test_what_else_is_wrong_keeps_new_sets_away_too(house: House, sets: Path) -> None:
    lay(sets / "new", "welcome.flac")
    with pytest.raises(errors.Invalid):
        house.reload(f"[sounds]\nsets = '{sets}'\n[profiles.a]\nmute_on_entri = true\n")
    assert "new" not in [row["set"] for row in house.ask("sound list")]


def test_another_language_for_all(house: House, sets: Path) -> None:
    told = house.reload(f"[sounds]\nsets = '{sets}'\nlanguage = 'acme'\n")
    assert (told["changed"], told["restart"]) == (["sounds.language"], [])
    assert [row["set"] for row in house.ask("sound list") if row["usual"]] == ["acme"]
    known = house.operations.languages._focus.languages.repertoire
    assert known.prompts.files["welcome"] == sets / "acme" / "welcome.flac"
    assert known.voice in ("de+f2", "")


def test_rooms_whose_set_is_gone_are_named_in_the_log(house: House, sets: Path) -> None:
    house.room("sales", language="acme")
    (sets / "acme" / "welcome.flac").unlink()
    (sets / "acme" / "prompts.toml").unlink()
    (sets / "acme").rmdir()
    with capture_logs() as logs:
        house.do(Reload())
    [said] = [line for line in logs if line["log_level"] == "warning"]
    assert (said["room"], said["set"], said["speaks"]) == ("sales", "acme", "en")


# ------------------------------------------------------------------ profiles
def test_a_profile_of_the_settings_with_a_language_that_is_not_there(house: House, sets: Path, tmp_path: Path) -> None:
    wrong = f"[sounds]\nsets = '{sets}'\n[profiles.sales]\nlanguage = 'it'\n"
    with pytest.raises(errors.Invalid, match=r"profiles\.sales: language: there is no set of prompts it"):
        house.reload(wrong)
    assert house.ask("profile list") == []
    (tmp_path / "w.toml").write_text(wrong)
    keeper = LanguageKeeper(load(tmp_path / "w.toml"), Orders())
    focus: Any = house.operations.languages._focus
    with pytest.raises(ProfileError, match=r"profiles\.sales"):
        keeper.begin(focus)


def test_an_entrance_whose_language_is_not_there(house: House, sets: Path) -> None:
    good = f"[sounds]\nsets = '{sets}'\n[rooms]\nentrance = ['1000', '1001']\nentrance_languages = ['1001=acme']\n"
    house.reload(good)
    with pytest.raises(errors.Invalid, match=r"entrance_languages: 1001: language: there is no set of prompts it"):
        house.reload(good.replace("acme'", "it'"))
    for wrong in ("1002=de", "1001", "1001=D", "=de", "1001=de=fr"):
        with pytest.raises(errors.Invalid, match="entrance_languages"):
            house.reload(good.replace("1001=acme", wrong))


def test_a_profile_that_is_made(house: House) -> None:
    house.do(PutProfile("sales", rules={"language": "acme"}))
    with pytest.raises(errors.Invalid, match="did you mean acme"):
        house.do(PutProfile("sales", rules={"language": "acmee"}))
    house.room("sales", "sales")
    assert house.rooms.get("sales").policy.language == "acme"


# ------------------------------------------------------------------ the start
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("language = 'it'", "sounds.language: there is no set it"),
        ("language = 'de'\nprompts = '/srv/prompts'", "leave one of them empty"),
        ("sets = '/nowhere/at/all'", "No such file"),
        ("prompts = '/nowhere/at/all'", "No such file"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "c.toml").write_text(f"[sounds]\n{text}\n")
    with pytest.raises(CatalogueError, match=why):
        sets_of(load(tmp_path / "c.toml"))


def test_rooms_of_an_earlier_run_whose_set_is_gone(house: House) -> None:
    """They come back, speak the server's language, and are named."""
    stage = Stage()
    stage.scene.followers.clear()
    stage.focus = Focus(stage.scene, repertoire_of(house.settings, sets_of(house.settings)))
    stage.scene.rooms.handle(CreateRoom("old", language="gone"), ADMIN, stage.now)
    with capture_logs() as logs:
        LanguageKeeper(house.settings, Orders()).begin(stage.focus)
    [said] = [line for line in logs if line["log_level"] == "warning"]
    assert (said["room"], said["set"]) == ("old", "gone")
    told = stage.focus.room("old", stage.now)
    assert (told["speaks"], len(told["warnings"])) == ("en", 1)


def test_the_voice_is_that_of_the_language_or_of_the_settings(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    for text, voice in (("", "en-us+f3"), ("language = 'fr'", "fr+f2"), ("language = 'fr'\nvoice = 'fr-be'", "fr-be")):
        (tmp_path / "c.toml").write_text(f"[sounds]\n{text}\n")
        settings = load(tmp_path / "c.toml")
        assert repertoire_of(settings, sets_of(settings)).voice == voice
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert repertoire_of(settings, sets_of(settings)).voice == ""
