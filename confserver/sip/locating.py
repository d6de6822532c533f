"""Where a SIP server of a domain is (RFC 3263 section 4): from a name by NAPTR, SRV and addresses to targets in order.

    Question -> NAPTR (neither transport nor port is named) -> SRV (no port) -> A and AAAA -> targets, best first

Asks nobody: ``locate`` is a generator that gives queries, is sent their answers, and returns the targets. Chance comes
in from outside.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from confserver.sip.flow import SECURE
from confserver.sip.matching import DEFAULT_PORT

MOST_HOSTS = 16
"""Hosts of one domain that are looked up; a domain may list any number."""
MOST_TARGETS = 32
SERVICES = {
    "SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS",  # RFC 3263 section 4.1
    "SIP+D2W": "WS", "SIPS+D2W": "WSS",  # RFC 7118 section 5.2.4 and appendix
}  # fmt: skip
SRV_NAMES = {
    "UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp.", "WS": "_sip._ws.", "WSS": "_sips._wss.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """``transport`` "" and ``port`` 0 where none is named. ``is_secure``: a sips URI."""

    host: str
    transport: str = ""
    port: int = 0
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """``host`` is an address."""

    transport: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Query:
    """``kind``: NAPTR, SRV, or ADDRESS for A and AAAA together."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Naptr:
    """RFC 3403 section 4.1."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


Answer = Sequence[Naptr] | Sequence[Srv] | Sequence[str]
"""What there is for a query, addresses as text; nothing for a name that is not."""


@dataclass(frozen=True, slots=True)
class _Service:
    """A transport that a domain is reached by, and the name of its SRV records; ``is_host``: of its addresses."""

    transport: str
    name: str
    is_host: bool = False


@dataclass(frozen=True, slots=True)
class _Host:
    transport: str
    name: str
    port: int


class Chance(Protocol):
    def randint(self, low: int, high: int, /) -> int: ...


def locate(
    question: Question, ours: Sequence[str], chance: Chance | None = None
) -> Generator[list[Query], list[Answer], list[Target]]:
    """``ours``: transports that we have, the best first. An empty list at the end: there is nobody."""
    usable = [each for each in ours if not question.is_secure or each in SECURE]
    services = _services_named(question, usable)
    if not question.transport and not question.port:
        [found] = yield [Query("NAPTR", question.host)]
        services = chosen(found, usable) or services  # type: ignore[arg-type]
    hosts = [_Host(each.transport, each.name, DEFAULT_PORT[each.transport]) for each in services if each.is_host]
    asked = [each for each in services if not each.is_host]
    if asked:
        answers = yield [Query("SRV", each.name) for each in asked]
        for service, records in zip(asked, answers, strict=True):
            ordered = in_order(records, chance or random.Random())  # type: ignore[arg-type]
            hosts += [_Host(service.transport, each.target, each.port) for each in ordered]
        if not hosts and any(answers):
            return []  # "." : the domain says that it has no such service (RFC 2782)
    hosts = (hosts or [_plain(question, usable)])[:MOST_HOSTS]
    names = list(dict.fromkeys(each.name for each in hosts))
    found_at = dict(zip(names, (yield [Query("ADDRESS", name) for name in names]), strict=True))
    targets = [
        Target(each.transport, str(address), each.port)
        for each in hosts
        for address in sorted(found_at[each.name], key=lambda one: ":" in str(one))
    ]  # IPv4 first, as most phones and networks have it
    return list(dict.fromkeys(targets))[:MOST_TARGETS]


def _services_named(question: Question, usable: Sequence[str]) -> list[_Service]:
    """What to ask SRV records for, where NAPTR says nothing (section 4.1); nothing where a port is named (4.2)."""
    if question.port:
        return []
    transports = [question.transport] if question.transport else [each for each in usable if each in _BY_DEFAULT]
    return [_Service(each, SRV_NAMES[each] + question.host) for each in transports if each in SRV_NAMES]


_BY_DEFAULT = ("UDP", "TCP", "TLS")
"""WebSockets are found by NAPTR alone (RFC 7118 section 5.2.4)."""


def _plain(question: Question, usable: Sequence[str]) -> _Host:
    """The host itself: by what is named, else UDP, or TLS for sips (section 4.1)."""
    default = "TLS" if question.is_secure else "UDP" if "UDP" in usable or not usable else usable[0]
    transport = question.transport or default
    return _Host(transport, question.host, question.port or DEFAULT_PORT.get(transport, 5060))


def chosen(records: Sequence[Naptr], usable: Sequence[str]) -> list[_Service]:
    """The services that both sides have, in the domain's order (RFC 3263 section 4.1, RFC 3403 section 4.1).

    Only the lowest order that has any counts; rules with a substitution are not for SIP.
    """
    fit = [each for each in records if SERVICES.get(each.service.upper()) in usable and not each.regexp]
    fit = [each for each in fit if each.flags.upper() in ("S", "A") and each.replacement.strip(".")]
    first = min((each.order for each in fit), default=0)
    ordered = sorted((each for each in fit if each.order == first), key=lambda each: each.preference)
    return [
        _Service(SERVICES[each.service.upper()], each.replacement.rstrip("."), each.flags.upper() == "A")
        for each in ordered
    ]


def in_order(records: Sequence[Srv], chance: Chance) -> list[Srv]:
    """By priority, then by lot with the weights (RFC 2782, "The format of the SRV RR"); "." names no host."""
    left = [each for each in records if each.target.strip(".") and each.port]
    ordered: list[Srv] = []
    for priority in sorted({each.priority for each in left}):
        same = sorted((each for each in left if each.priority == priority), key=lambda each: each.weight > 0)
        while same and len(ordered) < MOST_HOSTS:
            ordered.append(same.pop(_drawn([each.weight for each in same], chance)))
    return ordered


def _drawn(weights: Sequence[int], chance: Chance) -> int:
    """Which of them: those of weight 0 stand first, so that they are drawn now and then too."""
    lot, running = chance.randint(0, sum(weights)), 0
    for index, weight in enumerate(weights):
        running += weight
        if running >= lot:
            return index
    return len(weights) - 1
