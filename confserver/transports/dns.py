"""Where SIP servers are, asked of the domain name system by twisted.names (RFC 3263); ``sip.locating`` says what.

resolv.conf and hosts are the system's, and are read again when they change. Names that only the system's own resolver
knows (without a dot, ``.local``) are asked of that. What is learned is kept as long as it says; all is bounded: what is
kept, what is asked at once, how long it may take.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, cast

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.names import client, dns
from twisted.names.error import DNSNameError
from twisted.python.failure import Failure

from confserver.sip.locating import Answer, Naptr, Query, Question, Srv, Target, locate
from confserver.sip.ways import is_address
from confserver.transports.names import resolve

log = structlog.get_logger("transports")
TRIES_S = (1, 2)
"""Each server is asked so often, and waited for so long."""
MOST_SERVERS = 3
LOCATE_S = 10.0
"""All questions about one domain together."""
MOST_LOCATING = 500
MOST_KEPT = 2000
LEAST_S, MOST_S = 5, 3600
"""Records are kept at least and at most so long, whatever they say."""
NOTHING_S = 60
"""That there is nothing by a name is believed so long (RFC 2308 section 5: at most as the zone says)."""
KINDS = {"NAPTR": (dns.NAPTR,), "SRV": (dns.SRV,), "ADDRESS": (dns.A, dns.AAAA)}

Told = Callable[[list[Target]], None]
_Locating = Generator[list[Query], list[Answer], list[Target]]


class Names:
    """``servers``: instead of those of resolv.conf. ``ours``: transports that we have, the best first."""

    def __init__(
        self,
        reactor: Any,
        ours: Sequence[str],
        servers: Sequence[tuple[str, int]] = (),
        resolv: Path = Path("/etc/resolv.conf"),
        hosts: Path = Path("/etc/hosts"),
    ) -> None:
        self._reactor = reactor
        self._ours = tuple(ours)
        self._servers = list(servers)
        self._resolv, self._hosts = _Watched(resolv, _name_servers), _Watched(hosts, _host_table)
        self._kept: dict[tuple[str, int], tuple[float, list[Any]]] = {}
        """By name and type: until when, and the records' payloads."""
        self._asked: dict[tuple[str, int], list[Callable[[list[Any]], None]]] = {}
        self._count = 0
        self._chance = random.SystemRandom()

    def locate(self, question: Question, told: Told) -> None:
        """``told`` gets the targets, none where there is nobody or nobody says so in time; never within the call."""
        if self._count >= MOST_LOCATING or not _is_name(question.host):
            self._reactor.callLater(0, told, [])
            return
        self._count += 1
        _Walk(self, locate(question, self._ours, self._chance), self._reactor, self._finished(told)).begin()

    def _finished(self, told: Told) -> Told:
        def finished(targets: list[Target]) -> None:
            self._count -= 1
            told(targets)

        return finished

    # ---------------------------------------------------------------- one query
    def ask(self, query: Query, told: Callable[[Answer], None]) -> None:
        """Put a query, to whom it is for."""
        name = query.name.rstrip(".").lower()
        host = name.rpartition("_")[2].partition(".")[2] if name.startswith("_") else name
        known = [host] if is_address(host) else self._hosts.read().get(host)
        is_the_system_s = known is None and ("." not in host or host.endswith(".local"))
        if known is not None or is_the_system_s or not _is_name(name):
            if is_the_system_s and query.kind == "ADDRESS":
                resolve(self._reactor, name, told)
            else:
                told(known if known is not None and query.kind == "ADDRESS" else [])
            return
        _Gathering(KINDS[query.kind], told).ask(lambda kind, took: self._records(name, kind, took))

    def _records(self, name: str, kind: int, took: Callable[[list[Any]], None]) -> None:
        """All records of a type; those that are asked for already are asked for once."""
        key = name, kind
        known = self._kept.get(key)
        if known is not None and known[0] > self._reactor.seconds():
            took(known[1])
            return
        waiting = self._asked.setdefault(key, [])
        waiting.append(took)
        if len(waiting) == 1:
            self._query(name, kind).addCallbacks(
                lambda found: self._answered(key, found), lambda why: self._unanswered(key, why)
            )

    def _query(self, name: str, kind: int) -> Deferred[Any]:
        servers = self._servers or self._resolv.read()
        resolver = client.Resolver(servers=servers, timeout=TRIES_S, reactor=self._reactor)  # type: ignore[no-untyped-call]
        asked = resolver.query(dns.Query(name.encode("idna"), kind, dns.IN), TRIES_S)  # type: ignore[no-untyped-call]
        return cast(Deferred[Any], asked)

    def _answered(self, key: tuple[str, int], found: Any) -> None:
        records = [record for record in found[0] if record.type == key[1]]
        ttl = min((int(record.ttl) for record in records), default=NOTHING_S)
        self._keep(key, [record.payload for record in records], min(max(ttl, LEAST_S), MOST_S))

    def _unanswered(self, key: tuple[str, int], why: Failure) -> None:
        """There is no such name, or nobody has said so: that is asked again the next time."""
        self._keep(key, [], NOTHING_S if isinstance(why.value, DNSNameError) else 0)

    def _keep(self, key: tuple[str, int], payloads: list[Any], seconds: float) -> None:
        if seconds:
            self._make_room()
            self._kept[key] = self._reactor.seconds() + seconds, payloads
        for took in self._asked.pop(key, []):
            took(payloads)

    def _make_room(self) -> None:
        if len(self._kept) < MOST_KEPT:
            return
        now = self._reactor.seconds()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def describe(self) -> dict[str, int]:
        return {"locating": self._count, "kept": len(self._kept)}


class _Walk:
    """One domain: from question to question, to the targets."""

    def __init__(self, names: Names, steps: _Locating, reactor: Any, told: Told) -> None:
        self._names = names
        self._steps = steps
        self._reactor = reactor
        self._told = told
        self._answers: dict[int, Answer] = {}
        self._late: IDelayedCall | None = None

    def begin(self) -> None:
        self._late = self._reactor.callLater(LOCATE_S, self._end, [])
        self._reactor.callLater(0, self._go_on, None)

    def _go_on(self, answers: list[Answer] | None) -> None:
        if self._late is None:
            return
        try:
            queries = next(self._steps) if answers is None else self._steps.send(answers)
        except StopIteration as end:
            self._end(end.value)
            return
        self._answers = {}
        for place, query in enumerate(queries):
            self._names.ask(query, self._noting(place, len(queries)))

    def _noting(self, place: int, count: int) -> Callable[[Answer], None]:
        answers = self._answers

        def note(answer: Answer) -> None:
            answers[place] = answer
            if len(answers) == count and answers is self._answers:
                self._reactor.callLater(0, self._go_on, [answers[each] for each in range(count)])

        return note

    def _end(self, targets: list[Target]) -> None:
        if self._late is None:
            return
        if self._late.active():
            self._late.cancel()
        self._late = None
        self._told(targets)


class _Gathering:
    """The records of several types, put together in the types' order."""

    def __init__(self, kinds: Sequence[int], told: Callable[[Answer], None]) -> None:
        self._kinds = kinds
        self._told = told
        self._found: dict[int, list[Any]] = {}

    def ask(self, records: Callable[[int, Callable[[list[Any]], None]], None]) -> None:
        for kind in self._kinds:
            records(kind, lambda payloads, kind=kind: self._took(kind, payloads))  # type: ignore[misc]

    def _took(self, kind: int, payloads: list[Any]) -> None:
        self._found[kind] = payloads
        if len(self._found) == len(self._kinds):
            self._told([_read(each) for kind in self._kinds for each in self._found[kind]])


def _read(payload: Any) -> Any:
    """A record as ``locating`` knows it."""
    if isinstance(payload, dns.Record_NAPTR):
        return Naptr(
            payload.order, payload.preference, _text(payload.flags), _text(payload.service), _text(payload.regexp),
            _text(payload.replacement.name),
        )  # fmt: skip
    if isinstance(payload, dns.Record_SRV):
        return Srv(payload.priority, payload.weight, payload.port, _text(payload.target.name))
    family = socket.AF_INET if isinstance(payload, dns.Record_A) else socket.AF_INET6
    return socket.inet_ntop(family, payload.address)


def _text(value: Any) -> str:
    octets = value if isinstance(value, bytes) else getattr(value, "string", b"")
    return bytes(octets).decode("latin-1")


# ------------------------------------------------------------------ the system's files
class _Watched:
    """A small file of the system's, read again when it changes; nothing where it cannot be."""

    def __init__(self, path: Path, parse: Callable[[list[list[str]]], Any]) -> None:
        self._path = path
        self._parse = parse
        self._stamp: object = None
        self._value: Any = parse([])

    def read(self) -> Any:
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                lines = self._path.read_text("utf-8", "replace").splitlines()
                self._value = self._parse([line.partition("#")[0].split() for line in lines])
                self._stamp = stamp
        except OSError:
            self._value, self._stamp = self._parse([]), None
        return self._value


def _name_servers(lines: list[list[str]]) -> list[tuple[str, int]]:
    """resolv.conf(5); this machine where it names none."""
    found = [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1 and "%" not in words[1]]
    return [(host, dns.PORT) for host in found[:MOST_SERVERS]] or [("127.0.0.1", dns.PORT)]


def _host_table(lines: list[list[str]]) -> dict[str, list[str]]:
    """hosts(5): addresses by name."""
    table: dict[str, list[str]] = {}
    for address, *names in filter(None, lines):
        for name in names:
            if "%" not in address and address not in table.setdefault(name.lower(), []):
                table[name.lower()].append(address)
    return table


def _is_name(host: str) -> bool:
    """Fit to be asked for, and not known to be nowhere (RFC 6761 section 6.4)."""
    try:
        return bool(host.encode("idna")) and not host.lower().rstrip(".").endswith(".invalid")
    except UnicodeError:
        return False
