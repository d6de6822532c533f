"""Each check where all is well, and where it is not: what is found, and what is to be done."""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from confserver.__main__ import _settings, confserver
from confserver.admin.access import Control, write_control
from confserver.config import load
from confserver.doctor import calling, certificate, machine, ports, reach, running, settings, sound, trunks
from confserver.doctor.command import _ground, checks, examined
from confserver.doctor.finding import Finding, Verdict
from confserver.doctor.ground import Ground
from confserver.phone.orders import media_ports
from confserver.prompts.catalogue import ENGLISH
from confserver.transports.certificates import self_signed

OK, WARNING, FAULT = Verdict.OK, Verdict.WARNING, Verdict.FAULT


@pytest.fixture
def ground(tmp_path: Path) -> Callable[..., Ground]:
    def make(text: str = "", **more: Any) -> Ground:
        (tmp_path / "c.toml").write_text(text)
        given = {"addresses": ("127.0.0.1", "192.0.2.2"), **more}
        return Ground(load(tmp_path / "c.toml"), tmp_path / "state", **given)

    return make


Make = Callable[..., Ground]


def worst(found: list[Finding]) -> Verdict:
    order = list(Verdict)
    return max((each.verdict for each in found), key=order.index)


def said(found: list[Finding]) -> str:
    for each in found:
        assert bool(each.fix) == (each.verdict is not OK), "each trouble has its way out"
    return " | ".join(each.words for each in found)


# ------------------------------------------------------------------ addresses, NAT, names
@pytest.mark.parametrize(
    ("text", "verdict", "words"),
    [
        ("", OK, "192.0.2.2"),
        ("[sip]\naddresses = ['127.0.0.1']", WARNING, "only loopback"),
        ("[sip]\naddresses = ['192.0.2.77']", FAULT, "192.0.2.77, which this machine does not have"),
    ],
)
def test_addresses(ground: Make, text: str, verdict: Verdict, words: str) -> None:
    found = reach.check_addresses(ground(text))
    assert worst(found) is verdict and words in said(found)


@pytest.mark.parametrize(
    ("text", "addresses", "verdict", "words"),
    [
        ("", ("10.1.2.3",), WARNING, "no public address"),
        ("", ("8.8.4.4",), OK, "has a public address"),
        ("[sip]\npublic_address = '8.8.4.4'", ("8.8.4.4",), OK, "is an address of this machine"),
        ("[sip]\npublic_address = '10.9.9.9'", ("10.1.2.3",), FAULT, "is not public"),
        ("[sip]\npublic_address = '100.64.1.1'", ("10.1.2.3",), FAULT, "is not public"),
        ("[sip]\npublic_address = '8.8.4.4'", ("10.1.2.3",), OK, "must forward UDP 20000-29999"),
    ],
)
def test_nat(
    ground: Make, monkeypatch: pytest.MonkeyPatch, text: str, addresses: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    monkeypatch.setattr(reach, "attached_networks", list)
    found = reach.check_nat(ground(text, addresses=addresses))
    assert worst(found) is verdict and words in said(found)


def test_a_network_that_is_told_the_public_address(ground: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import ipaddress

    nets = [ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::/64")]
    monkeypatch.setattr(reach, "attached_networks", lambda: nets)
    found = reach.check_nat(ground("[sip]\npublic_address = '8.8.4.4'", addresses=("203.0.113.5",)))
    assert "phones on 203.0.113.0/24 are told the public address" in said(found)
    told = ground("[sip]\npublic_address = '8.8.4.4'\nlocal_networks = ['203.0.113.0/24']")
    assert worst(reach.check_nat(told)) is OK


def test_names(ground: Make) -> None:
    text = "[users]\ndomains = ['example.com']\n[[trunks]]\nname = 'carrier'\nhosts = ['sip.example.net']\n"
    found = reach.check_names(ground(text), lambda name: ["192.0.2.2"])
    assert worst(found) is OK and "2 names" in said(found)
    found = reach.check_names(ground(text), lambda name: [] if name == "sip.example.net" else ["198.51.100.1"])
    assert worst(found) is FAULT
    assert "sip.example.net has no address" in said(found) and "leads to 198.51.100.1" in said(found)
    assert worst(reach.check_names(ground())) is OK and reach.addresses_of("no-such-name.invalid") == []


# ------------------------------------------------------------------ ports
@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process has, by UDP and TCP."""
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port = calling.free_ports(2)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("127.0.0.1", port))
        tcp.listen()
        udp.bind(("127.0.0.1", port))
        yield port


def test_ports_of_sip(ground: Make, taken: int) -> None:
    text = f"[sip]\naddresses = ['127.0.0.1']\nport = {taken}\ntransports = ['udp', 'tcp']"
    found = ports.check_sip(ground(text))
    assert worst(found) is FAULT and f"udp {taken} at 127.0.0.1 is in use by" in said(found)
    assert f"tcp {taken}" in said(found) and "process" in said(found)
    status = {"sip_port": taken, "sip_ports": {"UDP": taken}}
    assert worst(ports.check_sip(ground(text, status=status))) is OK, "the server itself has it"
    free = calling.free_ports(2)
    assert worst(ports.check_sip(ground(text.replace(str(taken), str(free))))) is OK


def test_ports_of_media(ground: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, taken: int) -> None:
    monkeypatch.setattr(ports, "EPHEMERAL", tmp_path / "range")
    monkeypatch.setattr(ports, "RESERVED", tmp_path / "reserved")
    one = "[media]\nworkers = 1\n[rtp]\naddresses = ['127.0.0.1']\n"
    assert worst(ports.check_media(ground(one + "port_min = 20000\nport_max = 29999", status={}))) is OK
    assert "are few" in said(ports.check_media(ground(one + "port_min = 20000\nport_max = 20009", status={})))
    (tmp_path / "range").write_text("25000\t60999\n")
    assert "25000-29999 to anybody" in said(ports.check_media(ground(one, status={})))
    (tmp_path / "reserved").write_text("5000,20000-29999\n")
    assert worst(ports.check_media(ground(one, status={}))) is OK
    first = taken & ~1
    text = one + f"port_min = {first - 400}\nport_max = {first + 1}"
    if first == taken:
        assert "is in use" in said(ports.check_media(ground(text)))
    assert ports.echo("127.0.0.1", calling.free_ports(2)) == "" and ports.echo("127.0.0.1", taken)


# ------------------------------------------------------------------ certificate
def pem(folder: Path, hosts: list[str], made: datetime.datetime) -> str:
    certificate_pem, key = self_signed(hosts, made)
    (folder / "c.pem").write_bytes(certificate_pem)
    (folder / "k.pem").write_bytes(key)
    return f"[sip]\ntls_certificate = '{folder / 'c.pem'}'\ntls_key = '{folder / 'k.pem'}'\n"


def test_certificates(ground: Make, tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    text = pem(tmp_path, ["example.com"], now) + "[users]\ndomains = ['Example.com']\n"
    found = certificate.check_certificate(ground(text), now)
    assert worst(found) is OK and "example.com" in said(found)
    ends = now + datetime.timedelta(days=825)
    for when, verdict, words in (
        (ends - datetime.timedelta(days=5), WARNING, "ends in"),
        (ends + datetime.timedelta(days=1), FAULT, "has ended"),
        (now - datetime.timedelta(days=9), FAULT, "begins only"),
    ):
        found = certificate.check_certificate(ground(text), when)
        assert worst(found) is verdict and words in said(found)
    found = certificate.check_certificate(ground(text.replace("Example.com", "other.example")), now)
    assert "does not speak for other.example" in said(found)
    (tmp_path / "k.pem").write_bytes(self_signed(["x"], now)[1])
    assert "is not the key of" in said(certificate.check_certificate(ground(text), now))
    assert worst(certificate.check_certificate(ground(), now)) is WARNING, "one of its own making"
    assert worst(certificate.check_certificate(ground("[sip]\ntransports = ['udp']"), now)) is OK


# ------------------------------------------------------------------ settings
TRUNK = "[[trunks]]\nname = 'carrier'\nhosts = ['192.0.2.9']\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[dialout]\nprefixes = ['+49']", "no trunk"),
        (TRUNK, "no number can be called"),
        ("[rooms]\non_demand = false", "callers still make rooms by new-room"),
        ("[sip]\ntls_port = 20500", "lies among the media ports"),
        ("[sip]\ntrusted_networks = ['0.0.0.0/0']", "the whole internet"),
        ("[limits]\noutside_networks = ['127.0.0.0/8']", "for trials only"),
        ("[rtp]\nsrtp_without_tls = true", "can be read on the way"),
        ("[log]\nfile = '/nowhere/x.log'", "no directory /nowhere"),
        ("[limits]\ndrain_to = '127.0.0.1:5060'\n[sip]\naddresses = ['127.0.0.1']", "this server itself"),
    ],
)
def test_settings_that_contradict_each_other(ground: Make, text: str, words: str) -> None:
    found = settings.check_settings(ground(text))
    assert [each.verdict for each in found] == [WARNING] and words in said(found)


def test_settings_that_do_not(ground: Make) -> None:
    for text in ("", TRUNK + "[dialout]\nprefixes = ['+49']", "[rooms]\non_demand = false\nfactory = ''"):
        assert worst(settings.check_settings(ground(text))) is OK


# ------------------------------------------------------------------ trunks
def answering(status: int) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))

        def answer() -> None:
            data, peer = here.recvfrom(4096)
            assert data.startswith(b"OPTIONS sip:127.0.0.1:")
            here.sendto(f"SIP/2.0 {status} x\r\n\r\n".encode(), peer)

        thread = threading.Thread(target=answer)
        thread.start()
        yield here.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(("status", "verdict"), [(200, OK), (404, OK), (503, WARNING)])
def test_trunks_that_answer(ground: Make, status: int, verdict: Verdict) -> None:
    for port in answering(status):
        found = trunks.check_trunks(ground(f"[[trunks]]\nname = 'c'\nhosts = ['127.0.0.1:{port}']\n"))
        assert worst(found) is verdict and str(status) in said(found)


def test_trunks_that_do_not(ground: Make, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(trunks, "WAIT_S", 0.05)
    found = trunks.check_trunks(ground(f"[[trunks]]\nname = 'c'\nhosts = ['127.0.0.1:{taken}']\n"))
    assert worst(found) is FAULT and "does not answer OPTIONS" in said(found)
    free = calling.free_ports(2)
    text = "[[trunks]]\nname = 'c'\ntransport = 'tcp'\nhosts = ['127.0.0.1:{}']\n"
    assert "takes no connection" in said(trunks.check_trunks(ground(text.format(free))))
    assert worst(trunks.check_trunks(ground(text.format(taken)))) is OK
    assert "no address" in said(trunks.check_trunks(ground("[[trunks]]\nname = 'c'\nhosts = ['no-such.invalid']\n")))
    assert worst(trunks.check_trunks(ground())) is OK


# ------------------------------------------------------------------ machine, sound, server
def test_the_machine(ground: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.stepped(iter([0.0, 1.5]).__next__, iter([0.0, 1.0]).__next__, lambda _: None) == 0.5
    monkeypatch.setattr(machine, "stepped", lambda *_: 0.5)
    monkeypatch.setattr(machine, "is_synchronised", lambda: False)
    found = machine.check_clock(ground())
    assert "not set by NTP" in said(found) and "set by 500 ms" in said(found)
    monkeypatch.setattr(machine, "stepped", lambda *_: 0.0)
    monkeypatch.setattr(machine, "is_synchronised", lambda: True)
    assert worst(machine.check_clock(ground())) is OK
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("U", (), {"free": 100 << 20})())
    found = machine.check_disk(ground())
    assert worst(found) is FAULT and "100 MB are free for state" in said(found)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("U", (), {"free": 100 << 30})())
    monkeypatch.setattr(machine, "SLOW_MS", 0.0)
    assert "a small write takes" in said(machine.check_disk(ground()))
    monkeypatch.setattr(machine, "SLOW_MS", 1e9)
    assert worst(machine.check_disk(ground())) is OK and not list(tmp_path.glob(".confserver-doctor*"))
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (256, 256))
    assert "256 open files" in said(machine.check_limits(ground()))
    assert "media processes for" in said(machine.check_cores(ground("[media]\nworkers = 200")))
    machine.check_priority(ground())
    assert machine.is_synchronised() in (True, False, None)


def test_codecs_and_prompts(ground: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sound.check_codecs(ground())
    assert worst(found) is OK and "opus, G722, PCMU, PCMA, L16 work" in said(found)

    def broken(meaning: int) -> None:
        raise OSError("no libopus")

    monkeypatch.setattr(sound, "_encoded", broken)
    assert "opus: OSError: no libopus" in said(sound.check_codecs(ground("[media]\ncodecs = ['opus', 'PCMU']")))
    found = sound.check_prompts(ground(f"[sounds]\nprompts = '{tmp_path / 'no'}'\nmusic = '{tmp_path / 'x.wav'}'"))
    assert worst(found) is FAULT and "there is no" in said(found)
    own = tmp_path / "sets" / "acme"
    own.mkdir(parents=True)
    (own / "welcome.wav").write_bytes((ENGLISH / "welcome.flac").read_bytes())
    settings = f"[sounds]\nsets = '{own.parent}'\nlanguage = 'acme'"
    assert worst(sound.check_prompts(ground(settings))) is not FAULT
    (own / "muted.flac").write_bytes(b"fLaC and no more")
    assert f"{own / 'muted.flac'} is no sound that can be played" in said(sound.check_prompts(ground(settings)))
    (own / "mutd.flac").write_bytes(b"fLaC")
    assert "did you mean muted" in said(sound.check_prompts(ground(settings)))
    monkeypatch.setattr(sound.shutil, "which", lambda _: None)
    assert "espeak-ng is not installed" in said(sound.check_prompts(ground()))


def test_a_running_server(ground: Make) -> None:
    well = {
        "version": "1",
        "uptime_s": 7200.0,
        "sip": {"calls": 3},
        "workers": [{"worker": 0, "ready": True, "load": 0.1}],
    }
    assert said(running.check_running(ground(status=well))) == "version 1 has run for 2.0 hours, with 3 calls"
    ill = {
        "workers": [{"worker": 0, "ready": False}, {"worker": 1, "ready": True, "load": 0.8}],
        "storage": {"last_error": "database or disk is full", "failed": 2},
        "drain": {"draining": True}, "barrier": {"overloaded": True},
    }  # fmt: skip
    found = running.check_running(ground(status=ill))
    assert len(found) == 5 and worst(found) is FAULT
    assert "process 0 is not ready" in said(found) and "80% of its time" in said(found)
    assert worst(running.check_running(ground(trouble="no answer within 5 seconds"))) is FAULT
    assert worst(running.check_running(ground())) is OK


# ------------------------------------------------------------------ what was heard
def recorded(folder: Path, samples: Any) -> Path:
    with wave.open(str(folder / "heard.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.asarray(samples) * 32767).astype(np.int16).tobytes())
    return folder / "heard.wav"


def tone(hz: float, seconds: float = 2.0, level: float = 0.25) -> Any:
    return level * np.sin(2 * np.pi * hz * np.arange(int(16000 * seconds)) / 16000)


def test_the_tone_is_measured(tmp_path: Path) -> None:
    heard = calling.measure(recorded(tmp_path, tone(440)))
    assert heard.share == 1.0 and heard.level_db == pytest.approx(20 * np.log10(0.25), abs=0.3)
    with_gap = np.concatenate([np.zeros(8000), tone(440), np.zeros(8000), tone(440)])
    heard = calling.measure(recorded(tmp_path, with_gap))
    assert heard.share == pytest.approx(4 / 4.5, abs=0.02) and heard.after_s == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("samples", [[], np.zeros(16000), tone(1000), np.random.default_rng(1).normal(0, 0.1, 16000)])
def test_what_is_not_the_tone(tmp_path: Path, samples: Any) -> None:
    with pytest.raises(calling.NoCall):
        calling.measure(recorded(tmp_path, samples))
    with pytest.raises(calling.NoCall):
        calling.measure(tmp_path / "nothing.wav")


# ------------------------------------------------------------------ all together
def test_a_check_that_fails_is_a_finding(ground: Make) -> None:
    def check_moon(_: Ground) -> list[Finding]:
        raise RuntimeError("eclipse")

    told: list[Finding] = []
    found = examined(ground(), [check_moon], told.append)
    assert found == told and found[0].words == "could not be checked: RuntimeError: eclipse"


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "WATCHED_S", 0.01)
    free = calling.free_ports(2)
    (tmp_path / "c.toml").write_text(f"[sip]\naddresses = ['127.0.0.1']\nport = {free}\ntransports = ['udp']\n")
    words = ("doctor", "--no-call", "--config", str(tmp_path / "c.toml"), "--state-directory", str(tmp_path / "s"))
    result = CliRunner().invoke(confserver, words, standalone_mode=False)
    assert "warning  addresses: only loopback" in result.output and "-> list an address" in result.output
    told = json.loads(CliRunner().invoke(confserver, [*words, "--json"], standalone_mode=False).output)
    assert {"check", "verdict", "words", "fix"} == set(told["findings"][0]) and told["fault"] == 0
    (tmp_path / "c.toml").write_text("[sip]\naddresses = ['192.0.2.77']\n")
    assert CliRunner().invoke(confserver, words, standalone_mode=False).return_value == 1
    assert len(checks(call=True)) == len(checks(call=False)) + 1


# ------------------------------------------------------------------ the server that runs
def running_on(state: Path, config: str = "", pid: int = 0) -> None:
    write_control(state, Control("http://127.0.0.1:1", "t" * 43, pid or os.getpid(), config))


def test_without_a_file_the_settings_are_those_of_the_server_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[rtp]\nport_min = 41000\nport_max = 41999\n")
    running_on(tmp_path / "s", str(file))
    ground = _ground(load, None, tmp_path / "s")
    assert (ground.config, ground.settings.rtp.port_min, ground.unread) == (file, 41000, "")
    other = tmp_path / "d.toml"
    other.write_text("[rtp]\nport_min = 42000\nport_max = 42999\n")
    assert _ground(load, other, tmp_path / "s").settings.rtp.port_min == 42000, "what is named goes before"


def test_a_server_without_a_file_and_one_that_is_gone(tmp_path: Path) -> None:
    running_on(tmp_path / "s")
    assert _ground(load, None, tmp_path / "s").config is None
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    running_on(tmp_path / "t", "/nonexistent.toml", gone.pid)
    ground = _ground(load, None, tmp_path / "t")
    assert (ground.config, ground.unread) == (None, "")


@pytest.mark.parametrize("text", [None, "[rtp]\nport_min = 'x'"])
def test_a_file_that_cannot_be_read_any_more_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "c.toml"
    if text is not None:
        file.write_text(text)
    running_on(tmp_path / "s", str(file))
    ground = replace(_ground(_settings, None, tmp_path / "s"), status={"workers": []}, trouble="")
    assert ground.config is None and ground.settings == load(None)
    found = running.check_running(ground)
    assert worst(found) is WARNING and "its settings cannot be read" in said(found) and str(file) in said(found)


@pytest.mark.parametrize(
    ("server", "ports"),
    [
        (None, "30000-32765"), ([20000, 29999], "30000-32765"), ([30000, 31000], "18000-19999"),
        ([32765, 40000], "18000-19999"), ([10000, 60000], "60001-65535"), ([2000, 65535], "1024-1999"),
    ],
)  # fmt: skip
def test_the_phones_media_are_never_where_the_servers_are(server: list[int] | None, ports: str) -> None:
    assert calling.phone_ports({"rtp_ports": server} if server else None) == ports
    first, last = (int(each) for each in ports.split("-"))
    assert server is None or last < server[0] or first > server[1]
    assert media_ports(ports)


def test_a_server_that_leaves_no_port() -> None:
    with pytest.raises(calling.NoCall, match="1024-65535, leave none"):
        calling.phone_ports({"rtp_ports": [1024, 65535]})


@pytest.mark.slow
def test_a_call_to_a_server_of_its_own(ground: Make) -> None:
    found = calling.check_call(ground())
    assert worst(found) is not FAULT and "a server on loopback: 440 Hz heard in" in said(found)
