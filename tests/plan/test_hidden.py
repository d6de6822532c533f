"""Secrets that stand elsewhere: found, or told where they are not, and never printed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from confserver.plan.document import DocumentError, read
from tests.plan.house import House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("BOARD_PIN", "987650")
    (tmp_path / "board.pin").write_text("123456\nnot this\n")
    (tmp_path / "board.pin").chmod(0o600)
    return House(tmp_path)


BOARD = '[rooms.board]\npin = { env = "BOARD_PIN" }\nmoderator_pin = { file = "board.pin" }\n'


def test_pins_come_from_elsewhere_and_are_never_printed(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.plan(BOARD) == 2 and house.apply(BOARD) == 0
    told = capsys.readouterr()
    assert "pin: (secret)" in told.out and "987650" not in told.out + told.err and "123456" not in told.out + told.err
    [row] = house.ask("GET", "/rules", {})
    assert row["rules"] == {"pin": "987650", "moderator_pin": "123456"}
    assert house.plan(BOARD) == 0 and house.plan('[rooms.board]\npin = "987650"\nmoderator_pin = "123456"\n') == 0
    house.ask("PUT", "/rooms/board", {"pin": "111111", "moderator_pin": "123456"})
    assert house.plan(BOARD) == 2
    assert "~ room board\n    pin: (secret) -> (secret)\n" in capsys.readouterr().out


def test_in_profiles_and_in_tables_as_toml_writes_them(house: House) -> None:
    house.apply('[profiles.closed.pin]\nenv = "BOARD_PIN"\n[rooms.x]\nprofile = "closed"\n')
    [profile] = house.ask("GET", "/profiles", {})
    assert profile["rules"] == {"pin": "987650"}


def test_a_users_password(house: House) -> None:
    file = house.write('[users.a]\npassword = { file = "board.pin" }\n[users.b]\npassword = { env = "BOARD_PIN" }\n')
    users = read(file).users
    assert (users["a"].password, users["b"].password) == ("123456", "987650") and "987650" not in repr(users)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('{ env = "NOWHERE" }', "NOWHERE is not in the environment"),
        ('{ env = "EMPTY" }', "EMPTY is empty in the environment"),
        ('{ env = "LINES" }', "LINES in the environment is no line of text"),
        ('{ env = "LONG" }', "LONG in the environment is no line"),
        ('{ env = "WORDS" }', "pin must be 4 to 16 digits"),
        ('{ env = "A=B" }', "A=B is not in the environment"),
        ('{ env = "" }', 'must be \\{ env = "NAME" \\} or'),
        ("{ env = 7 }", "must be \\{ env"),
        ("{}", "must be \\{ env"),
        ('{ env = "BOARD_PIN", file = "board.pin" }', "must be \\{ env"),
        ('{ vault = "x" }', "must be \\{ env"),
        ('{ file = "nowhere" }', "nowhere: cannot be read: No such file"),
        ('{ file = "." }', "is no file"),
        ('{ file = "open.pin" }', "others can read it: chmod 600"),
        ('{ file = "empty.pin" }', "its first line is empty"),
        ('{ file = "odd.pin" }', "is not UTF-8"),
        ('{ file = "a\\u0000b" }', "cannot be read"),
        ('{ file = "~nobody-of-this-name/x" }', "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_with_its_line(
    house: House, monkeypatch: pytest.MonkeyPatch, said: str, words: str
) -> None:
    for name, value in (("EMPTY", ""), ("LINES", "12\n34 HUSH"), ("LONG", "1" * 2000), ("WORDS", "HUSH")):
        monkeypatch.setenv(name, value)
    for name, data in (("open.pin", b"1234"), ("empty.pin", b"\n1234\n"), ("odd.pin", b"\xff1234")):
        (house.file.parent / name).write_bytes(data)
        (house.file.parent / name).chmod(0o644 if name == "open.pin" else 0o600)
    with pytest.raises(click.ClickException, match=words) as raised:
        house.plan(f"[rooms.x]\n\npin = {said}\n")
    assert "plan.toml:3: rooms.x.pin: " in raised.value.message and "HUSH" not in raised.value.message
    assert house.asked == []


def test_other_rules_stand_where_they_are(house: House) -> None:
    with pytest.raises(click.ClickException, match="max_participants"):
        house.plan('[rooms.x]\nmax_participants = { env = "BOARD_PIN" }\n')


def test_a_password_is_said_once_and_not_here(house: House) -> None:
    both = '[users.a]\npassword_file = "board.pin"\npassword = { env = "BOARD_PIN" }\n'
    with pytest.raises(DocumentError, match=r":3: users.a.password: is said twice"):
        read(house.write(both))
    with pytest.raises(DocumentError, match="is never written here") as raised:
        read(house.write('[users.a]\npassword = "HUSH"\n'))
    assert "HUSH" not in str(raised.value)
