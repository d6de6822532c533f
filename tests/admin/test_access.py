"""The control file: made whole and private, refused when it is not."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from confserver.admin.access import (
    CONTROL_NAME,
    AccessError,
    Control,
    is_token,
    kept_token,
    read_control,
    url_of,
    write_control,
)

TOKEN = "t" * 43


def control(token: str = TOKEN) -> Control:
    return Control("http://127.0.0.1:8070", token, 4711)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write_control(tmp_path / "state" / "confserver", control())
    assert read_control(path.parent) == control()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == [CONTROL_NAME], "a draft was left behind"


def test_it_is_private_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask; and the mode is that of the making, not set afterwards."""
    monkeypatch.setattr(os, "fsync", lambda fd: modes.append(stat.S_IMODE(os.fstat(fd).st_mode)))
    modes: list[int] = []
    before = os.umask(0)
    try:
        path = write_control(tmp_path, control())
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_token_is_made_once_and_kept(tmp_path: Path) -> None:
    first = kept_token(tmp_path)
    assert len(first) >= 43 and first != kept_token(tmp_path), "not kept before it was written"
    write_control(tmp_path, control(first))
    write_control(tmp_path, Control("http://127.0.0.1:9000", kept_token(tmp_path), 4712))
    assert read_control(tmp_path) == Control("http://127.0.0.1:9000", first, 4712)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    write_control(tmp_path, control()).chmod(mode)
    with pytest.raises(AccessError, match=f"others can read it .mode {mode:04o}.; remove it"):
        kept_token(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"url": "x", "token": "y"}', '{"url": "x", "token": "short", "pid": 1}', "\xff"]
)
def test_nonsense_is_refused(tmp_path: Path, text: str) -> None:
    path = write_control(tmp_path, control())
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(AccessError, match="remove"):
        read_control(tmp_path)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    write_control(tmp_path / "elsewhere", control())
    (tmp_path / CONTROL_NAME).symlink_to(tmp_path / "elsewhere" / CONTROL_NAME)
    with pytest.raises(AccessError):
        read_control(tmp_path)
    (tmp_path / CONTROL_NAME).unlink()
    os.mkfifo(tmp_path / CONTROL_NAME, 0o600)
    with pytest.raises(AccessError, match="not a regular file"):
        read_control(tmp_path)


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AccessError, match="cannot be written") as caught:
        write_control(tmp_path / "file", control())
    assert "\n" not in str(caught.value)
    (tmp_path / "state" / CONTROL_NAME).mkdir(parents=True)
    with pytest.raises(AccessError, match="cannot be written"):
        write_control(tmp_path / "state", control())
    assert os.listdir(tmp_path / "state") == [CONTROL_NAME], "a draft was left behind"


def test_tokens_are_compared() -> None:
    assert is_token(TOKEN, TOKEN)
    assert not is_token("", TOKEN)
    assert not is_token(TOKEN[:-1], TOKEN)
    assert not is_token("ü\udc80", TOKEN)


def test_urls() -> None:
    assert url_of(("127.0.0.1", 8070)) == "http://127.0.0.1:8070"
    assert url_of(("::1", 8070)) == "http://[::1]:8070"
    assert url_of(Path("/run/a b/http.sock")) == "http+unix:///run/a%20b/http.sock"


def test_the_file_is_json_for_all_languages(tmp_path: Path) -> None:
    path = write_control(tmp_path, control())
    assert json.loads(path.read_text()) == {"url": "http://127.0.0.1:8070", "token": TOKEN, "pid": 4711, "config": ""}


def test_where_the_settings_stand_is_told_and_not_needed(tmp_path: Path) -> None:
    path = write_control(tmp_path, replace(control(), config="/etc/confserver.toml"))
    assert read_control(tmp_path).config == "/etc/confserver.toml"
    path.write_text(json.dumps({"url": "http://127.0.0.1:8070", "token": TOKEN, "pid": 4711}))
    assert read_control(tmp_path) == control(), "that of an earlier version"
