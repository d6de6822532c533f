"""Where the interface listens by the settings: plain on loopback, or by TLS with a socket beside it."""

from __future__ import annotations

import os
import ssl
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from confserver.admin.replays import Replays
from confserver.admin.tokens import Tokens
from confserver.app.faces import Faces
from confserver.client import Client, Unauthorized
from confserver.config import ConfigError, load
from confserver.config.settings import Settings
from confserver.transports.certificates import CertificateError, self_signed
from tests.admin.double import HouseDoor

TOKEN = "t" * 43
HOST = "conf.example.com"


def settings(folder: Path, **http: Any) -> Settings:
    lines = [f"{name} = {value!r}".replace("'", '"') for name, value in http.items()]
    (folder / "c.toml").write_text("\n".join(["[http]", *lines]))
    return load(folder / "c.toml")


def certified(folder: Path) -> dict[str, str]:
    certificate, key = self_signed([HOST], datetime.now(UTC))
    (folder / "c.pem").write_bytes(certificate)
    (folder / "k.pem").write_bytes(key)
    return {"tls_certificate": str(folder / "c.pem"), "tls_key": str(folder / "k.pem")}


def opened(folder: Path, given: Settings) -> tuple[Faces, str]:
    faces = Faces(reactor, given, folder / "state", lambda: 1000.0, Replays())
    return faces, faces.open(HouseDoor(), TOKEN, Tokens(), lambda *_: b"")


@pytest_twisted.ensureDeferred
async def test_plain_on_loopback(tmp_path: Path) -> None:
    faces, url = opened(tmp_path, settings(tmp_path, address="127.0.0.1:0"))
    try:
        assert url.startswith("http://127.0.0.1:")
        assert await deferToThread(Client(url, TOKEN).rooms) == []
        with pytest.raises(Unauthorized):
            await deferToThread(Client(url, "wrong").rooms)
    finally:
        await faces.close()


@pytest_twisted.ensureDeferred
async def test_by_tls_to_all_and_by_a_socket_to_this_machine(tmp_path: Path) -> None:
    given = settings(tmp_path, address="0.0.0.0:0", **certified(tmp_path))
    faces, url = opened(tmp_path, given)
    try:
        assert url == f"http+unix://{tmp_path}/state/http.sock"
        assert os.stat(tmp_path / "state" / "http.sock").st_mode & 0o077 == 0
        assert await deferToThread(Client(url, TOKEN).rooms) == []
        port = faces._ports[0].getHost().port
        context = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
        context.check_hostname = False

        def ask() -> int:
            asked = urllib.request.Request(f"https://127.0.0.1:{port}/health", headers={"Host": HOST})
            with urllib.request.urlopen(asked, timeout=5, context=context) as answer:
                return int(answer.status)

        assert await deferToThread(ask) == 200
        certified(tmp_path)  # another one
        faces.refresh()
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await deferToThread(ask)
    finally:
        await faces.close()


def test_a_certificate_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    files = certified(tmp_path)
    (tmp_path / "k.pem").write_text("nonsense")
    given = settings(tmp_path, **files)
    with pytest.raises(CertificateError, match=r"k\.pem"):
        Faces(reactor, given, tmp_path, lambda: 0.0, Replays())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"address": "0.0.0.0:8070"}, "not a loopback address"), ({"address": "[::]:8070"}, "not a loopback address"),
        ({"tls_certificate": "/c.pem"}, "go together"), ({"tls_key": "/k.pem"}, "go together"),
        ({"tls_certificate": "c.pem", "tls_key": "/k.pem"}, "neither absolute"),
        ({"tls_certificate": "/c.pem", "tls_key": "/k.pem", "address": "unix"}, "takes no TLS"),
        ({"origins": ["*"]}, "not an origin"), ({"origins": ["https://a.example/x"]}, "not an origin"),
        ({"origins": ["rooms.example.com"]}, "not an origin"), ({"requests": -1}, ">= 0"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settings(tmp_path, **wrong)
