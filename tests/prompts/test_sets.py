"""Sets of prompts of one's own: one file is enough, and whatever is wrong is said in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from confserver.prompts.catalogue import ENGLISH, HERE, LIST, CatalogueError, read_catalogue
from confserver.prompts.command import prompts
from confserver.prompts.sets import ENTRY, MOST_SETS, OWN, read_sets

BEGINS = {".flac": b"fLaC", ".wav": b"RIFF", ".ogg": b"OggS", ".opus": b"OggS", ".mp3": b"\xff\xfb"}


def lay(folder: Path, *files: str, toml: str = "") -> Path:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_bytes(BEGINS.get(folder.joinpath(name).suffix.lower(), b"text"))
    if toml:
        (folder / LIST).write_text(toml)
    return folder


def test_the_package_alone():
    sets = read_sets()
    assert (list(sets.by_name), sets.usual) == (["en", "de", "fr", "es"], "en")
    assert sets.catalogues["en"] == read_catalogue(ENGLISH)
    assert [row["usual"] for row in sets.describe()] == [True, False, False, False]


def test_one_file_is_enough(tmp_path):
    lay(tmp_path / "acme", "welcome.flac")
    acme = read_sets("", None, tmp_path).by_name["acme"]
    assert (acme.extends, acme.own, acme.catalogue.language) == ("en", {"welcome"}, "en")
    assert acme.catalogue.files == {**read_catalogue(ENGLISH).files, "welcome": tmp_path / "acme" / "welcome.flac"}
    assert acme.catalogue.voice == read_catalogue(ENGLISH).voice
    assert "welcome" not in acme.texts and acme.texts["goodbye"] == "Goodbye."


def test_it_extends_the_servers_language_where_it_does_not_say(tmp_path):
    lay(tmp_path / "acme", "welcome.wav")
    sets = read_sets("de", None, tmp_path)
    assert (sets.usual, sets.by_name["acme"].extends) == ("de", "de")
    assert sets.catalogues["acme"].number(21) == ("21",)
    assert sets.catalogues["acme"].forms == sets.catalogues["de"].forms


def test_a_set_extends_a_set_extends_a_language(tmp_path):
    lay(tmp_path / "acme", "welcome.ogg", "muted.MP3", toml='extends = "fr"\nvoice = "fr+m3"\n')
    lay(tmp_path / "lab", "welcome.opus", "entry.wav", toml='extends = "acme"\n')
    sets = read_sets("", None, tmp_path)
    lab = sets.catalogues["lab"]
    assert [lab.files[name].name for name in ("welcome", "muted", ENTRY)] == ["welcome.opus", "muted.MP3", "entry.wav"]
    assert lab.files["goodbye"] == HERE / "fr" / "goodbye.flac"
    assert (lab.language, lab.voice) == ("fr", "fr+m3")
    assert ENTRY not in sets.catalogues["acme"].files


def test_the_servers_own_prompts_are_a_set_too(tmp_path):
    own = lay(tmp_path / "it", "welcome.flac", toml='language = "it"\n[texts]\nwelcome = "Benvenuti."\n')
    lay(tmp_path / "sets" / "acme", "welcome.flac")
    sets = read_sets("", own, tmp_path / "sets")
    assert (sets.usual, sets.by_name["acme"].extends) == (OWN, OWN)
    assert sets.catalogues["acme"].language == "it"


def test_the_server_may_speak_a_set_of_ones_own(tmp_path):
    """What it extends without saying so is English: nothing extends itself."""
    lay(tmp_path / "acme", "welcome.flac")
    lay(tmp_path / "base", "muted.flac")
    lay(tmp_path / "top", "goodbye.flac", toml='extends = "base"')
    sets = read_sets("top", None, tmp_path)
    assert {name: each.extends for name, each in sets.by_name.items() if each.extends} == {
        "acme": "top", "base": "en", "top": "base",
    }  # fmt: skip
    assert {"welcome.flac"} == {sets.catalogues["acme"].files["welcome"].name}
    assert sets.catalogues["acme"].files["muted"].parent.name == "base"


def test_a_set_may_add_names_and_other_languages_forms(tmp_path):
    toml = 'language = "en-gb"\n[forms]\nminutes = "x"\n[texts]\nsponsor = "Brought to you by Acme."\n1-x = "a single"'
    lay(tmp_path / "acme", "sponsor.flac", "1-x.flac", toml=toml)
    acme = read_sets("", None, tmp_path).by_name["acme"]
    assert acme.catalogue.number(1, "minutes") == ("1-x",)
    assert acme.texts["sponsor"] == "Brought to you by Acme."
    assert (acme.catalogue.language, acme.catalogue.voice) == ("en-gb", "en-gb")


def test_what_is_no_sound_is_passed_over(tmp_path):
    lay(tmp_path / "acme", "README.txt", ".DS_Store", "LICENSE", "welcome.flac")
    lay(tmp_path / "acme" / "originals", "x.wav")
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".git").mkdir()
    assert read_sets("", None, tmp_path).by_name["acme"].own == {"welcome"}


@pytest.mark.parametrize(
    ("files", "toml", "why"),
    [
        (["welcom.flac"], "", "no prompt is called welcom; did you mean welcome?"),
        (["Welcome.flac"], "", "no prompt is called Welcome; did you mean welcome?"),
        (["qqqqq.wav"], "", "what is new needs a text in prompts.toml"),
        (["welcome.flac", "welcome.wav"], "", "welcome.flac and welcome.wav are the same prompt"),
        ([], 'extends = "nobody"', "there is no set nobody; there are: acme, de, en, es, fr"),
        ([], 'extends = "acme"', "the set acme extends itself"),
        ([], "extends = 3", "extends is the name of a set"),
        ([], 'extend = "de"', "there is no extend; it may have extends, language"),
        ([], "texts = 3", "texts is a table"),
        ([], 'voice = "; rm -rf"', "no voice of espeak-ng"),
        ([], 'words_a_minute = "x"', "is a number"),
        ([], "[texts]\nx = ''", "nothing is said for x"),
        ([], "[", "not a list of texts"),
    ],
)
def test_a_set_that_cannot_be_is_refused_in_words(tmp_path, files, toml, why):
    lay(tmp_path / "acme", *files, toml=toml)
    with pytest.raises(CatalogueError) as refused:
        read_sets("", None, tmp_path)
    assert why in str(refused.value)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize("inside", [b"", b"no sound", b"\xff", b"<html>"])
def test_what_is_called_a_sound_and_is_none(tmp_path, inside):
    lay(tmp_path / "acme", "welcome.flac")
    (tmp_path / "acme" / "muted.mp3").write_bytes(inside)
    with pytest.raises(CatalogueError, match=r"muted\.mp3: it is no sound file"):
        read_sets("", None, tmp_path)


def test_a_link_that_leads_nowhere_is_no_sound_and_one_that_leads_somewhere_is(tmp_path):
    lay(tmp_path / "acme", "welcome.flac")
    (tmp_path / "acme" / "muted.flac").symlink_to(tmp_path / "nowhere")
    (tmp_path / "acme" / "goodbye.flac").symlink_to(ENGLISH / "muted.flac")
    assert read_sets("", None, tmp_path).by_name["acme"].own == {"welcome", "goodbye"}


@pytest.mark.parametrize(("name", "why"), [("de", "is a set of the server's"), ("server", "set of the server's"),
                                           ("A b", "no set can be called so"), ("x" * 65, "called so")])  # fmt: skip
def test_names_that_a_set_cannot_have(tmp_path, name, why):
    lay(tmp_path / name)
    with pytest.raises(CatalogueError, match=why):
        read_sets("", None, tmp_path)


def test_sets_that_extend_each_other(tmp_path):
    lay(tmp_path / "a", toml='extends = "b"')
    lay(tmp_path / "b", toml='extends = "c"')
    lay(tmp_path / "c", toml='extends = "a"')
    with pytest.raises(CatalogueError, match="extends itself, or too many others: "):
        read_sets("", None, tmp_path)
    with pytest.raises(CatalogueError, match="extends itself"):
        read_sets("b", None, tmp_path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(CatalogueError, match="No such file"):
        read_sets("", None, tmp_path / "none")
    with pytest.raises(CatalogueError, match=r"sounds\.language: there is no set it; there are: de, en, es, fr"):
        read_sets("it", None, tmp_path)
    with pytest.raises(CatalogueError, match="leave one of them empty"):
        read_sets("de", ENGLISH, None)
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / LIST).write_bytes(b"\xff")
    with pytest.raises(CatalogueError, match="not a list"):
        read_sets("", None, tmp_path)


def test_not_more_than_can_be_kept(tmp_path):
    for number in range(MOST_SETS + 1):
        (tmp_path / f"s{number}").mkdir()
    with pytest.raises(CatalogueError, match="201 sets of prompts; 200 are the most"):
        read_sets("", None, tmp_path)
    (tmp_path / "s0").rmdir()
    assert len(read_sets("", None, tmp_path).by_name) == MOST_SETS + 4


# ------------------------------------------------------------------ the verb
def test_the_verb_lists_a_language_or_a_set(tmp_path):
    told = CliRunner().invoke(prompts, ["list", "--language", "de"])
    assert re.search(r"^welcome +Willkommen in der Konferenz\.  \[\d\.\d s, de\]$", told.output, re.MULTILINE)
    lay(tmp_path / "acme", toml='extends = "es"\n[texts]\nwelcome = "¡Hola!"\nnew = "Nuevo."')
    (tmp_path / "acme" / "welcome.flac").write_bytes((ENGLISH / "muted.flac").read_bytes())
    (tmp_path / "acme" / "exit.wav").write_bytes(b"RIFF and no more")
    lines = CliRunner().invoke(prompts, ["list", "--language", "acme", "--sets", str(tmp_path)]).output.splitlines()
    of = {line.split()[0]: line for line in lines}
    assert re.search(r"¡Hola!  \[\d\.\d s, acme\]$", of["welcome"])
    assert re.search(r"Adiós\.  \[\d\.\d s, es\]$", of["goodbye"])
    assert of["new"].endswith("Nuevo.  [not made yet]")
    assert of["exit"].endswith("[cannot be played, acme]")


def test_the_verb_knows_no_other_language():
    told = CliRunner().invoke(prompts, ["list", "--language", "it"])
    assert (told.exit_code, "there is no set it; there are: de, en, es, fr" in told.output) == (1, True)
