"""scripts/install-service, its unit, the container file, and what systemd is told."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from confserver.app.notify import Notifier
from confserver.config import Settings

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "install-service"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, timeout=20, check=False)


def unit(*words: str) -> dict[str, str]:
    lines = run("--unit", *words).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_unit_is_its_own_user_with_what_it_needs_and_no_more() -> None:
    told = unit("--prefix", "/srv/conf", "--config", "/etc/c.toml", "--user", "phones")
    assert told["ExecStart"] == "/srv/conf/bin/confserver serve --config /etc/c.toml" and told["User"] == "phones"
    assert told["Type"] == "notify" and told["WatchdogSec"] and told["Restart"] == "on-failure"
    assert told["CapabilityBoundingSet"] == told["AmbientCapabilities"] == "CAP_SYS_NICE"
    assert told["LimitRTPRIO"] and int(told["LimitNOFILE"]) >= 65536 and told["RestrictRealtime"] == "no"
    assert told["StateDirectory"] == "confserver" and told["ProtectSystem"] == "strict"
    assert told["NoNewPrivileges"] == "yes" and "HUP" in told["ExecReload"]


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    program = tmp_path / "bin" / "confserver"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "confserver.service").write_text(run("--unit", "--prefix", str(tmp_path)).stdout)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "confserver.service")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "confserver" in line]
    assert not ours, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--moon"],
        ["--prefix"],
        ["--prefix", "relative"],
        ["--prefix", "/a b"],
        ["--config", "/x;y"],
        ["--user", "Root!"],
    ],
)
def test_what_cannot_be_is_told_in_one_line(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_dry_run_only_says_what_it_would_do(tmp_path: Path) -> None:
    if shutil.which("systemctl") is None:
        pytest.skip("no systemd here")
    prefix, config = tmp_path / "p", tmp_path / "c.toml"
    done = run("--dry-run", "--prefix", str(prefix), "--config", str(config), "--user", "no-such-user")
    assert done.returncode == 0 and "would run: useradd" in done.stdout and f"would write: {config}" in done.stdout
    assert "systemctl enable confserver.service" in done.stdout
    assert not prefix.exists() and not config.exists() and not Path("/etc/systemd/system/confserver.service").exists()
    config.touch()
    assert f"{config} stays as it is" in run("--dry-run", "--config", str(config)).stdout


def test_help() -> None:
    assert "--uninstall" in run("--help").stdout


# ------------------------------------------------------------------ sd_notify(3)
@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_hears_that_it_stands_and_lives(tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "notify") if kind == "path" else f"@confserver-test-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.bind("\0" + name[1:] if name.startswith("@") else name)
        here.settimeout(2)
        notifier, clock = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000"}), Clock()
        notifier.stands(clock)
        heard = [here.recv(100)]
        clock.advance(2)
        clock.advance(2)
        notifier.ends()
        heard += [here.recv(100) for _ in range(4)]
        assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "/nowhere/x", "WATCHDOG_USEC": "soon"},
     {"NOTIFY_SOCKET": "/nowhere/x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}],
)  # fmt: skip
def test_without_systemd_nothing_is_said(environment: dict[str, str]) -> None:
    clock = Clock()
    Notifier(environment).stands(clock)
    Notifier(environment).ends()
    assert clock.getDelayedCalls() == []


# ------------------------------------------------------------------ container
def test_the_container_file() -> None:
    """It is not built here: read for what must be in it."""
    text = (ROOT / "Containerfile").read_text()
    steps = re.findall(r"^([A-Z]+) ", text, re.MULTILINE)
    assert steps.count("FROM") == 2 and steps.index("USER") < steps.index("ENTRYPOINT")
    [user, group] = re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)[0]
    assert int(user) > 0 and f"--gid {group} confserver" in text and f"--uid {user} --gid {group}" in text
    assert "HEALTHCHECK" in steps and "VOLUME" in steps
    settings = Settings()
    [exposed] = re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE)
    sip = settings.sip
    wanted = {f"{sip.port}/udp", f"{sip.port}/tcp", *(f"{port}/tcp" for port in sip.other_ports().values())}
    assert set(exposed.split()) == wanted | {f"{settings.rtp.port_min}-{settings.rtp.port_max}/udp"}
    for source in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE):
        for name in (each for each in source.split() if "*" not in each):
            assert (ROOT / name).exists()
    ignored = (ROOT / ".containerignore").read_text()
    assert all(f"!{name}\n" in ignored for name in ("pyproject.toml", "README.md", "rooms", "confserver"))
