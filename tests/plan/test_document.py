"""Files of rooms, read strictly: what is wrong is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from confserver.plan.difference import difference
from confserver.plan.document import DocumentError, read
from confserver.plan.lines import line_of
from confserver.plan.present import Present
from rooms.profiles import Profile

GOOD = """
[profiles.office]
mute_on_entry = true

[profiles.large]
extends = "office"
max_participants = 500

[rooms.standup]
profile = "large"
codecs = ["PCMU"]

[users.alice]
display = "Alice"
aliases = ["+49 30 1000", "boss"]

[bans."198.51.100.7"]
reason = "scans"
"""


def write(folder: Path, text: str, name: str = "rooms.toml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_what_is_read(tmp_path: Path) -> None:
    wanted = read(write(tmp_path, GOOD))
    assert wanted.profiles["large"] == Profile("large", {"max_participants": 500}, "office")
    assert (wanted.rooms["standup"].profile, wanted.rooms["standup"].rules) == ("large", {"codecs": ["PCMU"]})
    assert wanted.users["alice"].aliases == ("+49301000", "boss") and wanted.users["alice"].enabled is None
    assert wanted.bans == {"198.51.100.7": "scans"} and wanted.kinds == {"profiles", "rooms", "users", "bans"}


def test_a_directory_is_read_as_one(tmp_path: Path) -> None:
    write(tmp_path, "[profiles.office]\n", "a.toml")
    write(tmp_path, '[rooms.standup]\nprofile = "office"\n', "b.toml")
    write(tmp_path, "nonsense", "c.txt")
    wanted = read(tmp_path)
    assert list(wanted.profiles) == ["office"] and list(wanted.rooms) == ["standup"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[room.x]", r"rooms.toml:1: room: is not known; did you mean rooms\?"),
        ("x = 1", "x: is not known; there are: profiles, rooms, users, bans, routes, groups"),
        ("rooms = 1", "must be tables, \\[rooms.NAME\\]"),
        ("[rooms]\nx = 1", "rooms.toml:2: rooms.x: must be a table"),
        ("\n[rooms.x]\nmute_on_entri = true", r"rooms.toml:3: rooms.x.mute_on_entri: .*did you mean mute_on_entry\?"),
        ("[rooms.x]\n\nmax_participants = 0", "rooms.toml:3: rooms.x.max_participants: .*must be 1 to"),
        ("[rooms.x]\nmax_participants = 'many'", "rooms.toml:2: .*max_participants"),
        ("[rooms.Standup]", "small letters: standup"),
        ('[rooms."a b"]', "no room can be called"),
        ('[profiles."a b"]', "no profile can be called"),
        ("[profiles.office]\n[rooms.x]\nprofile = 'offcie'", r":3: .*no profile offcie; did you mean office\?"),
        ("[rooms.x]\nprofile = 'office'", "there is no profile office; there are: none"),
        ("[profiles.a]\nextends = 'b'\n[profiles.b]\nextends = 'a'", "extends itself"),
        ("[profiles.a]\nextends = 'c'", ":2: profiles.a.extends: there is no profile c"),
        ("[rooms.x]\nprofile = 3", "must be text"),
        ("[users.a]\naliases = 'b'", "must be a list"),
        ("[users.a]\naliases = [1]", "list of text"),
        ("[users.a]\naliases = ['a b']", "neither a name nor a telephone number"),
        ("[users.a]\nenabled = 1", "must be true or false"),
        ("[users.a]\npassword = 'secret'", r":2: users.a.password: is never written here: must be \{ env = "),
        ("[users.a]\npassword_file = 'nowhere'", "cannot be read: No such file"),
        ('[bans."1.2.3"]', "neither an IP address nor a network"),
        ("[bans.'192.0.2.1']\n[bans.'192.0.2.1/32']", "rooms.toml:2: .*is in .*rooms.toml:1 already"),
        ("[rooms.x]\n[rooms.x]", "is not TOML"),
        ("[rooms.x", "is not TOML"),
        ("[rooms.x]\n\nguard = 'loud'", ":3: .*guard"),
        ("[rooms.x]\ntalkers = 3\n[rooms.x.menu.participant]\n1 = 'mute'\n2 = 'fly'", r":5: .*participant.2: .*'fly'"),
        ("[profiles.x]\ntalkers = 3\nmenu = { participant = { 2 = 'fly' } }", r":3: profiles.x.menu.part.*'fly'"),
        ("[rooms.x]\n\nat_end = 'explode'", r":3: rooms.x.at_end: "),
        ("[rooms.x]\n\npin = '1'", r":3: rooms.x.pin: pin must be 4 to 16 digits"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        difference(read(write(tmp_path, text)), Present(), prune=False)


def test_nothing_is_said_twice_in_a_directory(tmp_path: Path) -> None:
    write(tmp_path, "[rooms.x]\n", "a.toml")
    write(tmp_path, "\n[rooms.x]\n", "b.toml")
    with pytest.raises(DocumentError, match=r"b.toml:2: rooms.x: is in .*a.toml:1 already"):
        read(tmp_path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DocumentError, match=r"no file \*.toml"):
        read(tmp_path / "empty")
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(DocumentError, match="UTF-8"):
        read(tmp_path / "x.toml")


def test_a_password_is_the_first_line_of_a_private_file(tmp_path: Path) -> None:
    file = write(tmp_path, "[users.alice]\npassword_file = 'pw'\n")
    (tmp_path / "pw").write_text("correct horse\nmore\n")
    (tmp_path / "pw").chmod(0o644)
    with pytest.raises(DocumentError, match=r":2: users.alice.password_file: .*others can read it"):
        read(file)
    (tmp_path / "pw").chmod(0o600)
    user = read(file).users["alice"]
    assert user.password == "correct horse" and "horse" not in repr(user)


def test_the_example_is_taken() -> None:
    example = Path(__file__).resolve().parents[2] / "scripts" / "examples" / "rooms.toml"
    plan = difference(read(example), Present(), prune=False)
    assert [step.what for step in plan.steps] == [
        "profile quiet", "profile webinar", "room standup", "room town-hall", "user reception", "routes",
    ]  # fmt: skip


def test_where_things_stand() -> None:
    text = "# x\n[rooms.\"a.b\"]\nguard = 'off'\n\n[rooms]\nc.guard = 'off'\n"
    assert line_of(text, ("rooms", "a.b", "guard")) == 3 and line_of(text, ("rooms", "a.b", "codecs")) == 2
    assert line_of(text, ("rooms", "c", "guard")) == 6 and line_of(text, ("users", "c")) == 0
