"""One file that holds a server: copied while it is written to, put back whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from confserver.__main__ import confserver
from confserver.app.made_routes import kept_table
from confserver.app.tables import migrate
from confserver.backup import restoring, saving
from confserver.backup.archive import BackupError, Manifest
from confserver.config import Settings, load
from confserver.config.route_rows import Made
from confserver.config.routes import Group, Route
from confserver.routing.route_store import keep_table

VERSION = "0.1.0"


class House:
    """A state directory as a server leaves it."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.target = folder / "backup.tar"
        self.config = folder / "c.toml"
        self.config.write_text('[sounds]\nprompts = "~/nowhere"\n'.replace("~/nowhere", str(folder / "prompts")))
        (folder / "prompts" / "de").mkdir(parents=True)
        (folder / "prompts" / "de" / "alone.flac").write_bytes(b"sound")
        db = Database(self.state / "confserver.db")
        db.enable_wal()
        migrate(db)
        db.execute("INSERT INTO rooms (name, created_at, profile, said) VALUES ('standup', 1, '', '{}')")
        db.conn.commit()
        db.close()
        (self.state / "control.json").write_text('{"token": "t"}')
        (self.state / "confserver.db.lock").touch()
        (self.state / "http.sock").touch()
        recordings = self.state / "recordings"
        recordings.mkdir()
        (recordings / "standup.wav").write_bytes(b"RIFF" * 1000)

    def save(self, **more: Any) -> Manifest:
        settings = load(self.config)
        if more.get("recordings"):
            settings = load(None)
            settings = Settings(
                sounds=load(self.config).sounds,
                recordings=type(settings.recordings)(directory=str(self.state / "recordings")),
            )
        return saving.save(saving.Order(self.target, self.state, settings, self.config, **more), VERSION)

    def restore(self, state: Path | None = None, **more: Any) -> restoring.Outcome:
        return restoring.restore(restoring.Order(self.target, state or self.state, **more), migrate)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def rooms(state: Path) -> list[str]:
    with sqlite3.connect(state / "confserver.db") as db:
        return [name for (name,) in db.execute("SELECT name FROM rooms ORDER BY name")]


def members(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------ there
def test_sets_of_prompts_are_in_it(house: House, tmp_path: Path) -> None:
    own = tmp_path / "sets" / "acme"
    own.mkdir(parents=True)
    (own / "welcome.wav").write_bytes(b"RIFF")
    house.config.write_text(f"[sounds]\nsets = '{own.parent}'\n")
    house.save()
    assert "prompt-sets/acme/welcome.wav" in members(house.target)


def test_what_is_in_it(house: House) -> None:
    manifest = house.save()
    assert members(house.target) == [
        "state/confserver.db", "state/control.json", "state/http.sock", "settings.toml", "prompts/de/alone.flac",
        "manifest.json",
    ]  # fmt: skip
    assert manifest.version == VERSION and house.target.stat().st_mode & 0o777 == 0o600
    house.save(recordings=True)
    assert "recordings/standup.wav" in members(house.target)
    assert sorted(path.name for path in house.target.parent.iterdir()) == ["backup.tar", "c.toml", "prompts", "state"]


def test_the_route_table_comes_back(house: House) -> None:
    made = Made((Route(name="b", user=("x",)), Route(name="a", to="reject")), (Group(name="g", members=("m",)),))
    db = Database(house.state / "confserver.db")
    keep_table(db, made.written())
    db.conn.commit()
    db.close()
    house.save()
    house.restore(house.state.parent / "new")
    assert kept_table(Database(house.state.parent / "new" / "confserver.db")) == made


def test_packed_where_the_name_says_so(house: House) -> None:
    house.target = house.target.with_suffix(".tar.gz")
    house.save()
    assert house.target.read_bytes()[:2] == b"\x1f\x8b"
    assert house.restore(house.state.parent / "new").aside is None


def test_the_copy_is_of_one_moment_while_the_server_writes(house: House) -> None:
    """Two tables are written together; a copy in which they differ would be of two moments."""
    path = house.state / "confserver.db"
    with sqlite3.connect(path) as db:
        db.executescript("CREATE TABLE a (n, filler); CREATE TABLE b (n, filler)")
        db.executemany("INSERT INTO a VALUES (?, ?)", [(-1, "x" * 4000)] * 3000)
    stop, wrote = threading.Event(), [0]

    def write() -> None:
        db = sqlite3.connect(path, isolation_level=None, timeout=10)
        while not stop.is_set():
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO a VALUES (?, ?)", [wrote[0], "y" * 2000])
            db.execute("INSERT INTO b VALUES (?, ?)", [wrote[0], "y" * 2000])
            db.execute("COMMIT")
            wrote[0] += 1
        db.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while wrote[0] < 5:
            pass
        before = wrote[0]
        house.save()
        assert wrote[0] > before, "nobody has waited"
    finally:
        stop.set()
        thread.join()
    new = house.state.parent / "new"
    house.restore(new)
    with sqlite3.connect(new / "confserver.db") as db:
        [(a,)] = db.execute("SELECT max(n) FROM a").fetchall()
        [(b,)] = db.execute("SELECT max(n) FROM b").fetchall()
    assert a == b and a < wrote[0]


@pytest.mark.parametrize("spoil", ["no state", "damaged", "nowhere to write"])
def test_what_cannot_be_kept_leaves_nothing(house: House, spoil: str) -> None:
    if spoil == "no state":
        (house.state / "confserver.db").unlink()
    elif spoil == "damaged":
        (house.state / "confserver.db").write_bytes(b"nonsense" * 1000)
    else:
        house.target = house.target.parent / "nowhere" / "backup.tar"
    with pytest.raises(BackupError):
        house.save()
    left = [path.name for path in house.state.parent.iterdir()]
    assert not [name for name in left if "backup" in name], left


# ------------------------------------------------------------------ and back
def test_restored_whole_and_what_was_there_is_kept(house: House) -> None:
    house.save()
    with sqlite3.connect(house.state / "confserver.db") as db:
        db.execute("DELETE FROM rooms")
    (house.state / "control.json").write_text("other")
    outcome = house.restore()
    assert rooms(house.state) == ["standup"] and (house.state / "control.json").read_text() == '{"token": "t"}'
    assert outcome.aside is not None and rooms(outcome.aside) == []
    assert (outcome.aside / "control.json").read_text() == "other"
    assert (house.state / "recordings" / "standup.wav").exists(), "the backup had none: they stay"
    assert (house.state / "restored" / "settings.toml").exists() and "restored" in outcome.notes[0]
    assert not [path for path in house.state.iterdir() if path.name.startswith(".restoring")]


def test_with_recordings_those_that_were_there_are_kept(house: House) -> None:
    house.save(recordings=True)
    (house.state / "recordings" / "later.wav").write_bytes(b"x")
    outcome = house.restore()
    assert [path.name for path in (house.state / "recordings").iterdir()] == ["standup.wav"]
    assert outcome.aside is not None and (outcome.aside / "recordings" / "later.wav").exists()


def test_settings_go_where_they_are_wanted(house: House) -> None:
    house.save()
    text = house.config.read_text()
    house.config.write_text("# other\n")
    outcome = house.restore(config=house.config)
    assert house.config.read_text() == text and house.config.stat().st_mode & 0o777 == 0o600
    [kept] = house.config.parent.glob("c.toml.before-*")
    assert kept.read_text() == "# other\n" and str(kept) in outcome.notes[0]


def test_on_another_machine(house: House) -> None:
    house.save()
    new = house.state.parent / "elsewhere" / "state"
    assert house.restore(new).aside is None and rooms(new) == ["standup"]


def test_a_running_server_is_left_alone(house: House) -> None:
    import fcntl

    house.save()
    before = everything(house.state)
    with (house.state / "confserver.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="a server is running on it"):
            house.restore()
    assert everything(house.state) == before


def test_only_looked_at(house: House) -> None:
    house.save()
    before = everything(house.state)
    assert house.restore(only_check=True).aside is None and everything(house.state) == before


def rewritten(change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], path: Path) -> None:
    with tarfile.open(path) as tar:
        found = [(member, (tar.extractfile(member) or io.BytesIO()).read()) for member in tar]
    change(found)
    with tarfile.open(path, "w") as tar:
        for member, data in found:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))


def at(found: list[tuple[tarfile.TarInfo, bytes]], name: str) -> int:
    return [member.name for member, _ in found].index(name)


def other_bytes(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    index = at(found, "state/control.json")
    found[index] = (found[index][0], b"{" + found[index][1][1:-1] + b" ")


def one_less(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del found[at(found, "state/control.json")]


def one_more(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found.insert(0, (tarfile.TarInfo("state/more"), b"x"))


def twice(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found.insert(0, found[0])


def no_manifest(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found.pop()


def odd_manifest(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found[-1] = (found[-1][0], b"[1]")


def later_format(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found[-1] = (found[-1][0], json.dumps(json.loads(found[-1][1]) | {"format": 9}).encode())


def climbs(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found.insert(0, (tarfile.TarInfo("state/../../../evil"), b"x"))


def absolute(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    found.insert(0, (tarfile.TarInfo("/tmp/evil"), b"x"))


def link(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    member = tarfile.TarInfo("state/link")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    found.insert(0, (member, b""))


def replace_database(data: bytes) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(found: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        found[0] = (found[0][0], data)
        told = json.loads(found[-1][1])
        told["files"][0] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        found[-1] = (found[-1][0], json.dumps(told).encode())

    return change


def newer(folder: Path) -> bytes:
    db = Database(folder / "newer.db")
    migrate(db)
    db["_sqlite_migrations"].insert({"migration_set": "rooms", "name": "a_step_of_tomorrow", "applied_at": "2099"})
    db.conn.commit()
    db.close()
    return (folder / "newer.db").read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_bytes, "is damaged: state/control.json is not as it was"),
        (one_less, "is damaged: state/control.json is missing"),
        (one_more, "is damaged: state/more"),
        (twice, "holds what no backup does"),
        (no_manifest, "has no manifest"),
        (odd_manifest, "makes no sense"),
        (later_format, "format 9"),
        (climbs, "holds what no backup does"),
        (absolute, "holds what no backup does"),
        (link, "holds what no backup does"),
        (replace_database(b"nonsense" * 900), "database"),
        ("newer", "newer version"),
    ],
)
def test_what_is_not_whole_touches_nothing(house: House, change: Any, words: str) -> None:
    house.save()
    rewritten(replace_database(newer(house.state.parent)) if change == "newer" else change, house.target)
    before = everything(house.state)
    with pytest.raises(BackupError, match=words):
        house.restore()
    assert everything(house.state) == before and not Path("/tmp/evil").exists()


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_half_a_file(house: House, part: float) -> None:
    house.save()
    data = house.target.read_bytes()
    house.target.write_bytes(data[: int(len(data) * part)])
    before = everything(house.state)
    with pytest.raises(BackupError, match="backup"):
        house.restore()
    assert everything(house.state) == before


def test_a_failure_on_the_way_is_undone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.save()
    before = everything(house.state)
    real = Path.rename
    count = [0]

    def rename(path: Path, to: Path) -> Path:
        count[0] += 1
        if count[0] == 5:
            raise OSError(28, "No space left on device", str(path))
        return real(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(BackupError, match="No space left"):
        house.restore()
    assert everything(house.state) == before


# ------------------------------------------------------------------ as commands
def test_on_the_command_line(house: House) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(confserver, words, standalone_mode=False)

    where = ("--state-directory", str(house.state))
    kept = run("backup", str(house.target), "--config", str(house.config), *where)
    assert kept.exception is None and "database: 100 %" in kept.output and "files" in kept.output
    assert run("restore", str(house.target), "--check", *where).output.endswith("whole and unharmed\n")
    told = json.loads(run("restore", str(house.target), "--json", *where).output)
    assert told["version"] == VERSION and "before-" in told["kept"]
    assert "without settings" in run("backup", str(house.target), *where).output
    os.truncate(house.target, 700)
    assert "is no backup, or not whole" in str(run("restore", str(house.target), *where).exception)
