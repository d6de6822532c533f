"""Which address of ours each peer is told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
import pytest

from confserver.app import surroundings
from confserver.app.surroundings import Surroundings
from confserver.config import Settings
from confserver.focus.terms import MediaTerms
from confserver.log import set_up
from confserver.sip.flow import Flow
from rooms.policy import NoiseGuard

HERE = {"127.0.0.1": "127.0.0.1", "192.0.2.9": "192.0.2.1", "10.8.0.7": "10.8.0.1", "2001:db8::9": "2001:db8::1"}
"""Where the kernel would send from, by peer."""
LOCAL = ["127.0.0.1", "192.0.2.1", "10.8.0.1", "::1", "2001:db8::1"]
PUBLIC = "93.184.216.34"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two networks and IPv6."""
    monkeypatch.setattr(surroundings, "local_addresses", lambda: list(LOCAL))
    monkeypatch.setattr(surroundings, "attached_networks", list)
    monkeypatch.setattr(
        surroundings, "route_to", lambda host, here: found if (found := HERE.get(host)) in here else None
    )


def by_table(host: str, listening: list[str]) -> str | None:
    return HERE[host] if HERE.get(host) in listening else None


def here(**sections: dict[str, Any]) -> Surroundings:
    return Surroundings(msgspec.convert(sections, Settings))


def flow(remote: str, local: str) -> Flow:
    return Flow("UDP", (local, 5060), (remote, 5062))


def test_the_address_that_the_call_came_to() -> None:
    found = here()
    assert found.host_for(flow("192.0.2.9", "192.0.2.1")) == "192.0.2.1"
    assert found.media_host(flow("192.0.2.9", "192.0.2.1"), None, False) == "192.0.2.1"
    assert found.media_host(flow("192.0.2.9", "192.0.2.1"), "192.0.2.9", False) == "192.0.2.1"
    assert found.media_host(flow("127.0.0.2", "127.0.0.3"), "127.0.0.2", False) == "127.0.0.3"


def test_media_elsewhere_than_the_signalling() -> None:
    """A proxy on this machine sends phones of other networks: our loopback would be of no use to them."""
    assert here().media_host(flow("127.0.0.1", "127.0.0.1"), "192.0.2.9", False) == "192.0.2.1"
    assert here().media_host(flow("192.0.2.9", "192.0.2.1"), "10.8.0.7", False) == "10.8.0.1"


def test_media_of_the_other_family() -> None:
    found = here()
    assert found.media_host(flow("192.0.2.9", "192.0.2.1"), "2001:db8::9", True) == "2001:db8::1"
    assert found.media_host(flow("2001:db8::9", "2001:db8::1"), "192.0.2.9", False) == "192.0.2.1"
    assert found.media_host(flow("192.0.2.9", "192.0.2.1"), None, True) == "2001:db8::1", "nobody knows where to"
    assert found.media_host(flow("2001:db8::9", "2001:db8::1"), "198.41.0.4", False) in ("192.0.2.1", "10.8.0.1")


def test_a_family_that_we_have_not() -> None:
    found = here(rtp={"addresses": ["192.0.2.1"]})
    assert found.media_host(flow("2001:db8::9", "2001:db8::1"), "2001:db8::9", True) is None


def test_media_ports_on_an_address_of_their_own() -> None:
    found = here(rtp={"addresses": ["10.8.0.1"]})
    assert found.host_for(flow("192.0.2.9", "192.0.2.1")) == "192.0.2.1"
    assert found.media_host(flow("192.0.2.9", "192.0.2.1"), "192.0.2.9", False) == "10.8.0.1"
    found = here(rtp={"addresses": ["0.0.0.0"]})
    assert found.media_host(flow("192.0.2.9", "192.0.2.1"), "192.0.2.9", False) == "192.0.2.1"


def test_behind_a_router() -> None:
    found = here(sip={"public_address": PUBLIC})
    assert found.host_for(flow("198.41.0.4", "192.0.2.1")) == PUBLIC
    assert found.media_host(flow("198.41.0.4", "192.0.2.1"), None, False) == PUBLIC
    assert found.host_for(flow("10.8.0.7", "10.8.0.1")) == "10.8.0.1", "one of local_networks"
    assert found.media_host(flow("10.8.0.7", "10.8.0.1"), "198.41.0.4", False) == PUBLIC
    assert PUBLIC in found.ground().addresses, "nobody aims us at ourselves around the router"


def test_a_public_address_is_of_one_family() -> None:
    found = here(sip={"public_address": PUBLIC})
    assert found.host_for(flow("2001:db9::9", "2001:db8::1")) == "2001:db8::1"
    assert found.media_host(flow("2001:db9::9", "2001:db8::1"), None, True) == "2001:db8::1"
    found = here(sip={"public_address": "2001:db8:f::1"})
    assert found.host_for(flow("2001:db9::9", "2001:db8::1")) == "2001:db8:f::1"
    assert found.host_for(flow("198.41.0.4", "192.0.2.1")) == "192.0.2.1"


def test_zones_are_for_this_machine_only() -> None:
    link_local = flow("fe80::9%eth0", "fe80::1%eth0")
    assert here().host_for(link_local) == "fe80::1"
    assert here().media_host(link_local, None, True) == "fe80::1"


def test_workers_share_the_ports() -> None:
    found = here(rtp={"port_min": 20000, "port_max": 20101}, media={"workers": 3})
    shares = [found.worker_settings(number, 0.0) for number in range(3)]
    assert [(each.first_port, each.last_port) for each in shares] == [(20000, 20033), (20034, 20067), (20068, 20101)]
    assert len({each.cname for each in shares}) == 3


def test_what_the_settings_say_of_sound() -> None:
    """Each setting has another value than by default, so that none is forgotten."""
    sound = {
        "codecs": ["PCMA"], "talkers": 3, "rate_hz": 48000, "max_rate_hz": 48000, "ptime_ms": 40, "levelling": True,
        "denoise": True, "comfort_noise": False, "guard": "mute", "opus_bitrate": 64000, "opus_dtx": True,
    }  # fmt: skip
    found, plain = asdict(here(media=sound).media_terms()), asdict(here().media_terms())
    assert found == sound | {"codecs": ("PCMA",), "guard": NoiseGuard.MUTE}
    assert all(found[name] != plain[name] for name in sound)
    assert plain == asdict(MediaTerms()), "tests play with what the settings say"


def test_what_workers_are_told_of_sound() -> None:
    found = here(media={"opus_complexity": 9, "most_delay_ms": 250}).worker_settings(0, 0.0)
    for words in (found.arguments(), found.spare_arguments()):
        assert words[words.index("--complexity") + 1] == "9" and words[words.index("--most-delay") + 1] == "250"


def test_strangers_are_unwelcome_and_the_log_hears_of_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "text")
    found = here(sip={"trusted_networks": ["198.51.100.0/24"]})
    assert not found.unwelcome(flow("127.0.0.1", "127.0.0.1")) and not found.unwelcome(
        flow("198.51.100.7", "192.0.2.1")
    )
    for _ in range(3):
        assert "203.0.113.9" in found.unwelcome(flow("203.0.113.9", "192.0.2.1"))
    assert capsys.readouterr().err.count("refused") == 1
    found.look_again()
    found.unwelcome(flow("203.0.113.9", "192.0.2.1"))
    assert capsys.readouterr().err.count("refused") == 1
    for number in range(300):
        assert found.unwelcome(flow(f"203.0.113.{number % 250}", "192.0.2.1"))
    assert capsys.readouterr().err.count("refused") < 110, "a flood does not fill the log"
