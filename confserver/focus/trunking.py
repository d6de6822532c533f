"""Trunks kept alive: OPTIONS to each host, REGISTER to one of them, again and again.

::

    REGISTER -- 2xx --> registered -- three quarters of what was granted have passed --> REGISTER
        |  -- 423 --> with the interval that is wanted
        |  -- 401, 403, 404 (our account is wrong) --> after MOST_WAIT_S
        \\- any other, or nothing --> the next host, after a wait that doubles
    OPTIONS -- any answer but 408, 503 --> up     -- none of them --> down
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from confserver.focus.outputs import Tell
from confserver.focus.requests import Requests
from confserver.focus.scene import Scene
from confserver.routing.dialplan import Target
from confserver.routing.trunks import Host, Trunk
from confserver.sip.grammar import Malformed, number
from confserver.sip.headers import NameAddr
from confserver.sip.message import Response
from confserver.sip.uri import Uri

LEAST_WAIT_S, MOST_WAIT_S = 30.0, 1800.0
"""Between attempts to register (as RFC 5626 section 4.5 has it)."""
AFTER_DOWN_S = 15.0
"""A host that is down is asked so often at least, to be back soon."""
PATIENCE_S = 6.0
"""A host that has not answered by then counts as down: its transaction goes on for 32 s (Timer F). So long the first
REGISTER waits for a host that lives.
"""
OUR_FAULT = (401, 403, 404, 407)
DEAD = (408, 503)
FOREVER = float("inf")


@dataclass(slots=True, eq=False)
class Register:
    """The registration with one trunk."""

    trunk: Trunk
    expires_s: int
    due: float = 0.0
    has_waited: bool = False
    """The first one has waited for a host that lives."""
    cseq: int = 0
    failures: int = 0
    next_host: int = 0


@dataclass(slots=True, eq=False)
class Probe:
    """The questions to one host."""

    trunk: Trunk
    host: Host
    due: float = 0.0
    is_out: bool = False
    """A question waits for its answer."""


class Trunking:
    """All trunks of the settings; what is due is done at the first ``fire``."""

    def __init__(self, scene: Scene, requests: Requests, trunks: Sequence[Trunk]) -> None:
        self._scene = scene
        self._requests = requests
        self._trunks = tuple(trunks)
        self._registers = [Register(trunk, trunk.register_s) for trunk in trunks if trunk.registers]
        self._probes = [Probe(trunk, host) for trunk in trunks if trunk.probe_s for host in trunk.hosts]

    def next_deadline(self) -> float | None:
        due = [*(each.due for each in self._registers), *(each.due for each in self._probes)]
        return min((each for each in due if each < FOREVER), default=None)

    def fire(self, now: float) -> None:
        for probe in self._probes:
            if probe.due <= now and probe.is_out:
                probe.due = FOREVER
                self._found(probe, False, now)
            elif probe.due <= now:
                self._ask(probe, now)
        for register in self._registers:
            if register.due <= now and not register.cseq and not register.has_waited and register.trunk.probe_s:
                register.has_waited, register.due = True, now + PATIENCE_S
            elif register.due <= now:
                self._register(register, register.expires_s, now)

    def close(self) -> None:
        """The server stops: what we have registered is taken back (RFC 3261 10.2.2)."""
        for register in self._registers:
            if register.trunk.state == "registered":
                self._register(register, 0, FOREVER)
            register.due = FOREVER
        for probe in self._probes:
            probe.due = FOREVER

    def describe(self) -> list[dict[str, object]]:
        return [trunk.describe() for trunk in self._trunks]

    # ------------------------------------------------------------------ REGISTER
    def _register(self, register: Register, expires_s: int, now: float) -> None:
        trunk = register.trunk
        hosts = trunk.by_health()
        host = hosts[register.next_host % len(hosts)]
        register.cseq += 8  # those between are for answers to challenges
        register.due = FOREVER
        us = trunk.address
        self._requests.send(
            "REGISTER", Target(Uri("sip", host=trunk.domain), host.hop, account=trunk.account), us,
            partial(self._registered, register), to=us, user=us.uri.user, headers=(("Expires", str(expires_s)),),
            series=(trunk.call_id, register.cseq),
        )  # fmt: skip

    def _registered(self, register: Register, response: Response, now: float) -> None:
        if self._scene.is_closing:
            return
        if response.status < 300:
            register.failures = register.next_host = 0
            register.due = now + max(_granted(response, register.expires_s) * 0.75, 10.0)
            self._note(register.trunk, "registered", False)
        elif response.status == 423 and (least := _seconds(response, "Min-Expires")) > register.expires_s:
            register.expires_s, register.due = min(least, 86400), now
        else:
            register.failures += 1
            register.next_host += response.status not in OUR_FAULT
            wait = min(LEAST_WAIT_S * 2 ** (register.failures - 1), MOST_WAIT_S)
            register.due = now + (MOST_WAIT_S if response.status in OUR_FAULT else wait)
            self._note(register.trunk, f"refused: {response.status} {response.reason}".strip(), True)

    def _note(self, trunk: Trunk, state: str, is_trouble: bool) -> None:
        if trunk.state != state:
            trunk.state = state
            self._scene.say(Tell("trunk", (("trunk", trunk.name), ("registration", state)), is_trouble))

    # ------------------------------------------------------------------ OPTIONS
    def _ask(self, probe: Probe, now: float) -> None:
        probe.due, probe.is_out = now + PATIENCE_S, True
        trunk = probe.trunk
        from_ = trunk.address if trunk.username else NameAddr("", Uri("sip", host=trunk.domain))
        target = Target(Uri("sip", host=trunk.domain), probe.host.hop)
        self._requests.send("OPTIONS", target, from_, partial(self._answered, probe), user=from_.uri.user)

    def _answered(self, probe: Probe, response: Response, now: float) -> None:
        """Whoever refuses OPTIONS lives too."""
        if self._scene.is_closing:
            return
        is_up = response.status not in DEAD
        probe.is_out = False
        probe.due = now + (probe.trunk.probe_s if is_up else min(probe.trunk.probe_s, AFTER_DOWN_S))
        self._found(probe, is_up, now)

    def _found(self, probe: Probe, is_up: bool, now: float) -> None:
        trunk, host = probe.trunk, probe.host
        if is_up:
            for register in self._registers:
                if register.trunk is trunk and not register.cseq:
                    register.due = now
        if host.is_up is not is_up:
            facts = (("trunk", trunk.name), ("host", str(host)), ("is", "up" if is_up else "down"))
            if host.is_up is not None or not is_up:
                self._scene.say(Tell("trunk", facts, not is_up))
            host.is_up = is_up


def _granted(response: Response, asked_s: int) -> int:
    """For how long, by the longest of the Contacts there are, else by Expires (RFC 3261 10.2.4)."""
    try:
        contacts = response.contacts
    except Malformed:
        contacts = []
    given = [each.param("expires") or "" for each in contacts] if contacts != "*" else []
    seconds = [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 8]
    return min(max(seconds, default=_seconds(response, "Expires") or asked_s) or asked_s, asked_s)


def _seconds(response: Response, name: str) -> int:
    try:
        return number((response.headers.get(name) or "").strip(), 0xFFFFFFFF)
    except Malformed:
        return 0
