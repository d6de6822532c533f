"""Settings that are each right, and together are not what somebody wanted."""

from __future__ import annotations

from collections.abc import Iterator

from confserver.config import Settings
from confserver.doctor.finding import Finding, ok, warning
from confserver.doctor.ground import Ground

CHECK = "settings"


def check_settings(ground: Ground) -> list[Finding]:
    source = str(ground.config) if ground.config else "default settings"
    return list(contradictions(ground.settings)) or [ok(CHECK, f"{source}: nothing contradicts itself")]


def contradictions(settings: Settings) -> Iterator[Finding]:
    yield from _calls(settings)
    yield from _ways(settings)
    yield from _places(settings)


def _calls(settings: Settings) -> Iterator[Finding]:
    if settings.dialout.prefixes and not settings.trunks:
        yield warning(CHECK, "dialout.prefixes allows numbers, and there is no trunk that could call them",
                      "add a table [[trunks]], or take the prefixes away")  # fmt: skip
    if settings.trunks and not settings.dialout.prefixes:
        yield warning(CHECK, "there are trunks, but dialout.prefixes is empty: no number can be called",
                      "list the prefixes that may be called, if calls out are wanted")  # fmt: skip
    if not settings.rooms.on_demand and settings.rooms.factory:
        yield warning(CHECK, f"rooms.on_demand is off, and callers still make rooms by {settings.rooms.factory}",
                      "leave rooms.factory empty, if that is not wanted")  # fmt: skip


def _ways(settings: Settings) -> Iterator[Finding]:
    sip, rtp = settings.sip, settings.rtp
    ports = {"sip.port": sip.port, **{f"sip.{name}_port": port for name, port in sip.other_ports().items()}}
    for name, port in ports.items():
        if rtp.port_min <= port <= rtp.port_max:
            yield warning(CHECK, f"{name} {port} lies among the media ports {rtp.port_min}-{rtp.port_max}",
                          "move one of them")  # fmt: skip
    if any(network.prefixlen == 0 for network in sip.trusted()):
        yield warning(CHECK, "sip.trusted_networks holds the whole internet: anybody may call and be believed",
                      "list only networks of your own; users with passwords may call from anywhere")  # fmt: skip
    if settings.limits.outside_networks:
        yield warning(CHECK, "limits.outside_networks is set, which is for trials only", "take it away")
    if rtp.srtp_without_tls:
        yield warning(CHECK, "rtp.srtp_without_tls: keys of encrypted calls can be read on the way",
                      "have phones use TLS, and take the setting away")  # fmt: skip


def _places(settings: Settings) -> Iterator[Finding]:
    if settings.limits.drain_to and settings.limits.drain_to.partition(":")[0] in settings.sip.addresses:
        yield warning(CHECK, "limits.drain_to is this server itself: calls would come back", "name another server")
    log = settings.log.path()
    if log is not None and not log.parent.is_dir():
        yield warning(CHECK, f"log.file: there is no directory {log.parent}", "make it, or correct the setting")
