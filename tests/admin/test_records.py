"""Meetings, records and reports on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import pytest
from click.testing import CliRunner, Result

from confserver.admin import records, tables
from confserver.admin.cli import verbs
from rooms.commands import NoteQuality
from rooms.participant import SYSTEM
from tests.admin.double import HouseDoor
from tests.admin.report.sample import BEGUN, meeting, row


class Server:
    """Has so many rows, by pages."""

    def __init__(self, count: int = 0, kind: Any = None) -> None:
        self.rows = [(kind or person)(number) for number in range(count, 0, -1)]
        self.asked: list[str] = []
        self.breaks = False

    def __call__(self, where: object, method: str, path: str, body: object) -> Any:
        self.asked.append(path)
        parts = urlsplit(path)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/meetings/"):
            return meeting(3)
        after = int(asked.get("after", 10**9))
        return [each for each in self.rows if each["id"] < after][: int(asked["limit"])]

    def bring(self, where: object, path: str, into: Any, told: Any) -> int:
        self.asked.append(path)
        into.write(b"id\r\n")
        told(4, 0)
        if self.breaks:
            raise click.ClickException("the connection has broken")
        into.write(b"1\r\n")
        return 7

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(click.Group("confserver", commands=verbs(self, bring=self.bring)), words)


def person(number: int) -> dict[str, Any]:
    more = {"id": number, "meeting": 7, "room": "standup", "participant": f"p{number}", "reserved_at": BEGUN}
    return row(f"=P{number} \x1b", BEGUN, BEGUN + 65, user="", **more)


def gathering(number: int) -> dict[str, Any]:
    return {name: value for name, value in meeting(3).items() if name != "participants"} | {"id": number}


def test_records_as_people_see_them() -> None:
    printed = Server(2).run("records", "--room", "standup").output
    assert "P2" in printed and "0:01:05" in printed and "4.2/4.3" in printed and "\x1b" not in printed
    assert Server().run("records").output == "nobody on record\n"


def test_meetings_as_people_see_them() -> None:
    printed = Server(2, gathering).run("meetings").output
    assert "0:45:00" in printed and "everybody has left" in printed and "2026-11-29" in printed
    assert Server().run("meetings").output == "no meetings on record\n"


def test_what_narrows_a_list_is_asked_of_the_server() -> None:
    server = Server(1)
    server.run("records", "--room", "a b", "--since", "2026-11-01", "--until", "5", "--limit", "3")
    assert server.asked == ["/records?room=a+b&since=2026-11-01&until=5&limit=3"]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("records", "--csv", "{}"), "/records?format=csv"),
        (("audit", "--who", "boss", "--csv", "{}"), "/audit?who=boss&format=csv"),
        (("meetings", "--csv", "{}"), "/meetings?format=csv"),
        (("records", "export", "--output", "{}"), "/records?format=csv"),
        (
            ("records", "export", "--csv", "--room", "a", "--from", "2026-11-01", "--to", "5", "-o", "{}"),
            "/records?room=a&since=2026-11-01&until=5&format=csv",
        ),
        (("audit", "export", "--jsonl", "--who", "boss", "-o", "{}"), "/audit?who=boss&format=jsonl"),
        (("meetings", "export", "--jsonl", "-o", "{}"), "/meetings?format=jsonl"),
    ],
)
def test_a_whole_list_is_written_as_the_server_gives_it(tmp_path: Path, words: tuple[str, ...], asked: str) -> None:
    server, file = Server(), tmp_path / "out.csv"
    done = server.run(*(word.format(file) for word in words))
    assert done.exit_code == 0, done.output
    assert server.asked == [asked] and file.read_bytes() == b"id\r\n1\r\n" and list(tmp_path.iterdir()) == [file]


def test_a_whole_list_for_another_program() -> None:
    assert Server().run("records", "export").output == "id\r\n1\r\n".replace("\r\n", "\n")
    assert Server().run("records", "--csv", "-").output.splitlines() == ["id", "1"]


def test_an_export_told_as_json(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    told = json.loads(Server().run("records", "export", "--jsonl", "-o", str(file), "--json").output)
    assert told == {"file": str(file), "bytes": 7}


def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    server = Server()
    server.breaks = True
    done = server.run("records", "export", "-o", str(file))
    assert done.exit_code == 1 and "broken" in done.output
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_a_file_has_all_rows() -> None:
    done = Server().run("records", "--csv", "-", "--limit", "3")
    assert done.exit_code == 2 and "exclude each other" in done.output


def test_a_list_as_json_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PAGE", 2)
    assert [each["id"] for each in json.loads(Server(5).run("records", "--json").output)] == [5, 4, 3, 2, 1]
    assert json.loads(Server(0).run("records", "--json").output) == []


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    done = Server(1).run("records", "--csv", str(tmp_path / "no" / "out.csv"))
    assert done.exit_code == 1 and "No such file" in done.output


@pytest.mark.parametrize(("name", "begins"), [("a.html", "<!doctype"), ("a.svg", "<svg"), ("a.md", "# standup")])
def test_a_report_is_a_file_of_its_kind(tmp_path: Path, name: str, begins: str) -> None:
    server = Server(1, gathering)
    assert server.run("report", "standup", "-o", str(tmp_path / name)).exit_code == 0
    assert (tmp_path / name).read_text("utf-8").startswith(begins)
    assert server.asked == ["/rooms/standup/meetings?limit=1", "/meetings/1"]


def test_a_report_without_a_file_is_text() -> None:
    assert Server(1, gathering).run("report", "standup", "--meeting", "7").output.startswith("# standup\n")


def test_reports_that_cannot_be(tmp_path: Path) -> None:
    assert "no meeting in standup" in Server().run("report", "standup").output
    wrong = Server(1, gathering).run("report", "standup", "-o", str(tmp_path / "a.pdf"))
    assert wrong.exit_code == 2 and ".html" in wrong.output
    assert "was in standup" in Server(1, gathering).run("report", "board", "--meeting", "7").output


# ---------------------------------------------------------------- what is wrong now
def test_a_room_is_shown_with_what_is_wrong_with_the_sound(capsys: pytest.CaptureFixture[str]) -> None:
    house = HouseDoor()
    house.make("standup")
    who = house.arrive("standup", "Ana")
    words = ("in", "Ana's network", "Others hear gaps in \x1bAna: 6 % is lost", "Wired instead of Wi-Fi.", BEGUN)
    house.house.handle(NoteQuality("standup", who, "loss-in", True, *words), SYSTEM, BEGUN)
    tables.print_room(house.room("standup") | {"at": BEGUN})
    printed = capsys.readouterr().out
    assert "gaps in \N{REPLACEMENT CHARACTER}Ana: 6 % is lost, since " in printed and "(Ana's network)." in printed
    assert "\n  Wired instead of Wi-Fi.\n" in printed and "\x1b" not in printed
    house.house.handle(NoteQuality("standup", who, "loss-in", False), SYSTEM, BEGUN)
    tables.print_room(house.room("standup") | {"at": BEGUN})
    assert "Wi-Fi" not in capsys.readouterr().out


def test_the_audit_log_as_people_see_it() -> None:
    entry = {
        "id": 1, "at": BEGUN, "who": "boss \x1b", "role": "admin", "face": "cli", "source": "127.0.0.1",
        "action": "create room", "room": "board", "participant": "",
        "details": {"rules": {"pin": "set"}, "rooms": ["board", "team"]},
        "outcome": "conflict", "reason": "not now",
    }  # fmt: skip
    server = Server()
    server.rows = [entry]
    printed = server.run("audit", "--who", "boss").output
    assert "create room" in printed and "conflict: not now" in printed and "\x1b" not in printed
    assert "pin=set" in printed and "board; team" in printed
    assert server.asked == ["/audit?who=boss&limit=50"]
    assert Server().run("audit").output == "nothing on record\n"
