"""The command line's verbs over a server that is only told about."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from confserver.admin import tables
from confserver.admin.asking import Where
from confserver.admin.cli import ARGUMENT_HELP, OPTION_HELP, verbs
from confserver.admin.endpoints import body_fields
from rooms.commands import COMMANDS, Command
from tests.admin.double import NOW, HouseDoor


class Line:
    """A command line whose questions are noted, and answered from real rooms."""

    def __init__(self) -> None:
        self.door = HouseDoor()
        self.asked: list[tuple[Where, str, str, Mapping[str, object]]] = []
        self.answer: Any = None

    def ask(self, where: Where, method: str, path: str, body: Mapping[str, object]) -> Any:
        self.asked.append((where, method, path, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def run(self, *words: str, env: dict[str, str] | None = None) -> Result:
        group = click.Group("confserver", commands=verbs(self.ask))
        return CliRunner().invoke(group, words, env=env)


@pytest.fixture
def line() -> Line:
    return Line()


def room(line: Line) -> Any:
    line.door.make("standup")
    line.door.arrive("standup", "Anna")
    line.door.arrive("standup", "Bob")
    return line.door.room("standup") | {"at": NOW + 3725.9}


# ------------------------------------------------------------------ derived from the table
EXAMPLES = {"port": "5004", "position_s": "1.0", "volume_db": "1.0", "relation": "clear"}


def wanted(command: type[Command]) -> dict[str, str]:
    """What a verb cannot do without, by option."""
    fields = [field for field in body_fields(command) if dataclasses.MISSING is field.default is field.default_factory]
    return {f"--{field.name.replace('_', '-')}": EXAMPLES.get(field.name, "x") for field in fields}


def test_what_is_wanted_must_be_there_before_the_server_is_asked(line: Line) -> None:
    for command in COMMANDS:
        options = wanted(command)
        for missing in options:
            rest = [word for name, value in options.items() if name != missing for word in (name, value)]
            result = line.run("room", command.verb, *re.findall(r"{(\w+)}", command.path), *rest)
            assert result.exit_code == 2 and f"Missing option '{missing}'" in result.output, command.verb
    assert line.asked == [] and sum(len(wanted(command)) for command in COMMANDS) > 10


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
def test_every_command_has_its_verb(line: Line, command: type[Command]) -> None:
    names = [f.name for f in dataclasses.fields(command) if f"{{{f.name}}}" in command.path]
    options = wanted(command)
    result = line.run("room", command.verb, *names, *(word for option in options.items() for word in option))
    assert result.exit_code == 0, result.output
    [(where, method, path, body)] = line.asked
    assert (method, path) == (command.method, command.path.format(room="room", participant="participant"))
    assert where == Where(None, "", None)
    assert [f"--{name.replace('_', '-')}" for name in body] == list(options)
    text = line.run("room", command.verb, "--help").output
    assert command.__doc__.splitlines()[0] in text  # type: ignore[union-attr]
    for field in body_fields(command):
        assert f"--{field.name.replace('_', '-')}" in text
    is_free = any(field.default not in (dataclasses.MISSING, "") for field in body_fields(command))
    assert "[default:" in text or not is_free


def test_every_field_is_explained() -> None:
    for command in COMMANDS:
        for field in body_fields(command):
            assert field.name in OPTION_HELP, field.name
        for name in re.findall(r"{(\w+)}", command.path):
            assert name in ARGUMENT_HELP, name


def test_options_become_members_of_their_types(line: Line) -> None:
    line.run("room", "create", "standup", "--max-participants", "5", "--no-mute-on-entry")
    line.run("room", "create", "board", "--rate-hz", "0", "--no-levelling", "--stereo", "--guard", "mute",
             "--codecs", "opus", "--codecs", "PCMU")  # fmt: skip
    line.run("room", "mute", "standup", "p7", "--cause", "self")
    line.run("room", "lock", "a b/ü")
    assert [(path, body) for _, _, path, body in line.asked] == [
        ("/rooms/standup", {"max_participants": 5, "mute_on_entry": False}),
        (
            "/rooms/board",
            {"rate_hz": 0, "levelling": False, "stereo": True, "guard": "mute", "codecs": ("opus", "PCMU")},
        ),
        ("/rooms/standup/participants/p7/mute", {"cause": "self"}),
        ("/rooms/a%20b%2F%C3%BC/lock", {}),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("room", "create", "standup", "--max-participants", "many"),
        ("room", "mute", "standup", "p7", "--cause", "boredom"),
        ("room", "create", "standup", "--guard", "bark"),
        ("room", "create", "standup", "--talkers", "all"),
        ("room", "kick", "standup"),
        ("room", "lock", ""),
        ("room", "dance", "standup"),
        ("rooms", "standup"),
        ("rooms", "--server", "http://x", "--state-directory", "/x"),
    ],
)
def test_wrong_usage_is_status_2_and_asks_nothing(line: Line, words: tuple[str, ...]) -> None:
    result = line.run(*words)
    assert (result.exit_code, line.asked) == (2, [])
    assert "Error: " in result.stderr


def test_which_server_is_meant(line: Line) -> None:
    line.answer = []
    line.run("rooms", "--server", "http://h:1", "--token", "t")
    line.run("rooms", env={"CONFSERVER_SERVER": "https://h", "CONFSERVER_TOKEN": "secret"})
    line.run("rooms", "--state-directory", "/var/lib/c")
    assert [where for where, *_ in line.asked] == [
        Where("http://h:1", "t", None),
        Where("https://h", "secret", None),
        Where(None, "", Path("/var/lib/c")),
    ]


def test_a_refusal_is_one_line_on_stderr_and_status_1(line: Line) -> None:
    line.answer = click.ClickException("there is no room x")
    for words in (["rooms"], ["status", "--json"], ["room", "show", "x"], ["room", "lock", "x", "--json"]):
        result = line.run(*words)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: there is no room x\n")


# ------------------------------------------------------------------ what is printed
def test_json_is_that_of_the_interface(line: Line) -> None:
    line.answer = room(line) | {"name": "\x1b[31mü"}
    for words in (["rooms"], ["status"], ["room", "show", "x"], ["room", "lock", "x"], ["room", "kick", "x", "p1"]):
        result = line.run(*words, "--json")
        assert json.loads(result.stdout) == line.answer
        assert result.stdout.isascii() and "\x1b" not in result.stdout and "\\u001b" in result.stdout
    line.answer = None
    assert line.run("room", "remove", "x", "--json").stdout == "null\n"
    assert line.run("room", "remove", "x").stdout == ""


def test_rooms_for_people(line: Line) -> None:
    line.answer = []
    assert line.run("rooms").stdout == "no rooms\n"
    line.answer = [room(line), {**room(line), "name": "empty", "participants": [], "opened_at": None}]
    head, first, second = line.run("rooms").stdout.splitlines()
    assert head.split() == " ".join(tables.ROOM_HEADINGS).split()
    assert first.split() == ["standup", line.answer[0]["state"], "2/200", "0", "no", "beforehand", "1:02:05"]
    assert second.split() == ["empty", line.answer[1]["state"], "0/200", "0", "no", "beforehand"]


def test_a_room_for_people(line: Line) -> None:
    line.answer = told = room(line)
    told["participants"][0] |= {"muted": ["host", "self"], "held": True, "talking": True}
    told["participants"][1] |= {"name": "B\x1b[31m[red]ob\u202e"}
    lines = line.run("room", "show", "standup").stdout.splitlines()
    assert lines[0] == f"standup: {told['state']}, 2 of 200 in"
    assert (lines[1], lines[2].split()) == ("", " ".join(tables.PARTICIPANT_HEADINGS).split())
    assert lines[3].split()[:5] == ["p1", "Anna", "sip:Anna@example.com", "192.0.2.1:5060", "1:02:05"]
    assert lines[3].rstrip().endswith("muted (host, self), held, talking")
    assert "B\ufffd[31m[red]ob\ufffd" in lines[4], "a name must neither colour the terminal nor vanish as markup"


@pytest.mark.parametrize(
    ("media", "shown"),
    [
        (None, None),
        ({"mos_in": None, "mos_out": None}, None),
        ({"mos_in": 4.41, "mos_out": 3.6}, "4.4/3.6"),
        ({"mos_in": 4.36, "mos_out": None}, "4.4/-"),
        ({"mos_in": None, "mos_out": 2.0}, "-/2.0"),
    ],
)
def test_what_a_call_is_worth(line: Line, media: dict[str, float | None] | None, shown: str | None) -> None:
    line.answer = told = room(line)
    told["participants"][0] |= {"media": media}
    row = line.run("room", "show", "standup").stdout.splitlines()[3].split()
    assert row[5:6] == ([shown] if shown else [])


def test_a_server_of_another_version_is_no_traceback(line: Line) -> None:
    line.answer = room(line)
    del line.answer["forwards"]
    result = line.run("room", "show", "standup")
    assert result.exit_code == 1 and "tells no 'forwards': is it of another version?" in result.output
    assert line.run("room", "show", "standup", "--json").exit_code == 0


def test_a_change_tells_how_the_room_is_now(line: Line) -> None:
    line.answer = room(line) | {"locked": True, "mute_on_entry": True, "reserved": 1}
    assert line.run("room", "lock", "standup").stdout == (
        f"standup: {line.answer['state']}, 2 of 200 in, 1 on the way in, locked, muted on entry\n"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
def test_every_change_is_told_for_people_whoever_it_is_about(line: Line, command: type[Command]) -> None:
    """Also where a participant may be named, and is not: what is meant is everybody."""
    line.answer = room(line)
    names = [*re.findall(r"{(\w+)}", command.path), *(word for each in wanted(command).items() for word in each)]
    for option in ([], ["--participant", "Anna"]) if "participant" in {f.name for f in body_fields(command)} else ([],):
        result = line.run("room", command.verb, *names, *option)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("standup: ") and ("(Anna):" in result.stdout) is bool(option)


def test_what_plays_is_told_with_its_number(line: Line) -> None:
    line.answer = told = room(line)
    told["plays"] = [
        {"play": 17, "sounds": ["a.wav", "x\x1b.wav"], "participant": "", "loop": False, "paused": False},
        {"play": 18, "sounds": ["tones:440"], "participant": "p1", "loop": True, "paused": True},
    ]
    ending = "play 17 plays a.wav x\ufffd.wav, play 18 pauses tones:440\n"
    assert line.run("room", "play", "standup", "--sounds", "a.wav").stdout.endswith(ending)


def test_status_for_people(line: Line) -> None:
    line.answer = {
        "version": "1",
        "ready": True,
        "load": 0.12345,
        "none": None,
        "listens": ["a", "b"],
        "workers": [{"pid": 7, "legs": {"open": 3}}],
    }
    told = [tuple(text.split(maxsplit=1)) for text in line.run("status").stdout.splitlines()]
    assert told == [
        ("version", "1"),
        ("ready", "yes"),
        ("load", "0.123"),
        ("none",),
        ("listens", "a, b"),
        ("workers[0].pid", "7"),
        ("workers[0].legs.open", "3"),
    ]


def test_durations() -> None:
    assert tables.duration(None, 5.0) == ""
    assert tables.duration(10.0, 5.0) == "0:00:00", "clocks may differ a little"
    assert tables.duration(0.0, 90061.5) == "25:01:01"


def test_a_room_in_which_people_take_turns_says_so(line: Line) -> None:
    line.answer = room(line) | {
        "in_lecture": True, "hands": ["p2", "p1"], "floor": ["p1"], "breakouts": ["standup-1"],
        "whispers": [
            {"participant": "p1", "to": "p2", "coach": True}, {"participant": "p2", "to": "p1", "coach": False},
        ],
        "sidebars": [{"sidebar": 7, "participants": ["p1", "p2"], "room_db": None}], "unheard": [["p1", "p2"]],
        "broadcasts": [
            {"participant": "p1", "name": "Ana", "from_room": "standup", "rooms": []},
            {"participant": "p9", "name": "Bob", "from_room": "red", "rooms": ["standup"]},
        ],
    }  # fmt: skip
    told = line.run("room", "show", "standup").output.splitlines()
    assert told[-10:] == [
        "in a lecture", "hands up: p2, p1", "on the floor: p1", "breakout rooms: standup-1", "p1 coaches p2",
        "p2 whispers to p1", "sidebar 7: p1, p2",
        "Ana (p1) speaks from standup to all breakout rooms", "Bob (p9) speaks from red to standup",
        "p1 does not hear p2",
    ]  # fmt: skip
