"""Where users are: their bindings, each one way to one phone (RFC 3261 section 10.2).

``Directory`` is what everybody else sees; another node, or a store of many nodes, may stand behind it one day.
``Location`` is ours: in memory, with every change kept as a value for whoever writes it down. Time is given in;
what has expired is never given out, and is dropped when it is met, or by ``expire``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from confserver.sip.flow import Flow
from confserver.sip.uri import Uri

FULL = 1000
"""The q value of a contact that states none, in thousandths: all are equal then (RFC 3261 16.6)."""

Key = tuple[str, ...]
"""Tells the bindings of one user apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One contact of one user, as it was registered."""

    user: str
    contact: Uri
    expires_at: float
    call_id: str
    cseq: int
    q: int = FULL
    """In thousandths (RFC 3261 20.10); the highest is tried first."""
    path: tuple[str, ...] = ()
    """Route values that lead there, the nearest to us first (RFC 3327 section 5.3)."""
    params: str = ""
    """What else the Contact said, such as ``;+sip.instance="<urn:...>";audio`` (RFC 3840), as it came."""
    instance: str = ""
    """The URN of the phone (RFC 5626 section 4.1), without its angle brackets; "" where it has none."""
    reg_id: int = 0
    """The number of the flow among those of one phone (RFC 5626 section 4.2); 0: not by outbound."""
    flow: Flow | None = None
    """The way that the REGISTER came; None after a restart, or once that connection is lost."""
    is_outbound: bool = False
    """Requests go by ``flow`` alone, and the binding ends with it (RFC 5626 section 5.3): also by every WebSocket,
    whose far end listens nowhere (RFC 7118 section 5)."""
    gruu: int = 0
    """What the temporary GRUUs of this phone lead to, until it registers by another Call-ID (RFC 5627 section 5);
    0: the phone wants no GRUUs."""
    source: str = ""
    """Where the REGISTER came from, for people."""
    user_agent: str = ""
    registered_at: float = 0.0

    @property
    def key(self) -> Key:
        """The same phone by the same flow (RFC 5626 section 6), or the same URI (RFC 3261 10.3 step 7)."""
        if self.instance and self.reg_id:
            return self.instance, str(self.reg_id)
        return (str(self.contact),)

    def describe(self) -> dict[str, object]:
        return {
            "user": self.user,
            "contact": str(self.contact),
            "expires_at": self.expires_at,
            "q": self.q / FULL,
            "path": list(self.path),
            "instance": self.instance,
            "reg_id": self.reg_id,
            "outbound": self.is_outbound,
            "connected": self.flow is not None,
            "source": self.source,
            "user_agent": self.user_agent,
            "registered_at": self.registered_at,
        }


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding is new, or has been written anew."""

    binding: Binding


@dataclass(frozen=True, slots=True)
class Unbound:
    """A binding is no more."""

    binding: Binding
    why: str


Change = Bound | Unbound


class Directory(Protocol):
    """Who is where. Users are named as ``routing.users`` names them."""

    def bindings(self, user: str, now: float) -> Sequence[Binding]:
        """Those that hold now, the best first: by q, then the one registered last."""

    def by_gruu(self, number: int, now: float) -> Sequence[Binding]:
        """Those that a temporary GRUU leads to (``Binding.gruu``), the best first."""

    def update(self, user: str, bindings: Iterable[Binding], now: float) -> Sequence[Change]:
        """From now on these are all of them."""

    def flow_lost(self, flow: Flow) -> Sequence[Change]:
        """A connection is no more: what went by it alone is gone (RFC 5626 section 5.3)."""


class Location:
    """The directory of a single server."""

    def __init__(self) -> None:
        self._users: dict[str, dict[Key, Binding]] = {}
        self._by_flow: dict[Flow, set[tuple[str, Key]]] = {}
        self._by_gruu: dict[int, str] = {}
        self._due: list[tuple[float, str, Key]] = []
        self._count = 0

    # ------------------------------------------------------------------ questions
    def bindings(self, user: str, now: float) -> tuple[Binding, ...]:
        here = [binding for binding in self._users.get(user, {}).values() if binding.expires_at > now]
        return tuple(sorted(here, key=lambda each: (-each.q, -each.registered_at)))

    def by_gruu(self, number: int, now: float) -> tuple[Binding, ...]:
        user = self._by_gruu.get(number)
        if user is None:
            return ()
        return tuple(binding for binding in self.bindings(user, now) if binding.gruu == number)

    def everybody(self, now: float) -> list[Binding]:
        return [binding for user in self._users for binding in self.bindings(user, now)]

    def __len__(self) -> int:
        return self._count

    # ------------------------------------------------------------------ changes
    def update(self, user: str, bindings: Iterable[Binding], now: float) -> list[Change]:
        """Whole, never half: the caller has made up his mind before (RFC 3261 10.3 step 7)."""
        new = {binding.key: binding for binding in bindings}
        old = self._users.get(user, {})
        changes: list[Change] = [Unbound(old[key], "removed") for key in old if key not in new]
        changes += [Bound(binding) for key, binding in new.items() if old.get(key) != binding]
        for change in changes:
            self._drop(old.get(change.binding.key))
            if isinstance(change, Bound):
                self._put(change.binding)
        return changes

    def restore(self, bindings: Iterable[Binding]) -> None:
        """At a start: what was written down."""
        for binding in bindings:
            self._put(binding)

    def flow_lost(self, flow: Flow) -> list[Change]:
        """Others than outbound ones stay: they name an address that may be called by a new connection."""
        changes: list[Change] = []
        for user, key in sorted(self._by_flow.pop(flow, ())):
            binding = self._users[user][key]
            self._drop(binding)
            if not binding.is_outbound:
                self._put(replace(binding, flow=None))
            else:
                changes.append(Unbound(binding, "its connection is lost"))
        return changes

    def flows(self) -> set[Flow]:
        """Connections that phones have registered by."""
        return set(self._by_flow)

    def forget(self, user: str, why: str) -> list[Change]:
        """The user is no more, or may not register any longer."""
        changes: list[Change] = [Unbound(binding, why) for binding in self._users.get(user, {}).values()]
        for change in changes:
            self._drop(change.binding)
        return changes

    def expire(self, now: float) -> list[Change]:
        """Drop what is over. To be asked from time to time; costs nothing where nothing is over."""
        changes: list[Change] = []
        while self._due and self._due[0][0] <= now:
            _, user, key = heapq.heappop(self._due)
            binding = self._users.get(user, {}).get(key)
            if binding is not None and binding.expires_at <= now:
                self._drop(binding)
                changes.append(Unbound(binding, "expired"))
        return changes

    # ------------------------------------------------------------------ tables
    def _put(self, binding: Binding) -> None:
        self._users.setdefault(binding.user, {})[binding.key] = binding
        self._count += 1
        if binding.flow is not None and binding.flow.is_reliable:
            self._by_flow.setdefault(binding.flow, set()).add((binding.user, binding.key))
        if binding.gruu:
            self._by_gruu[binding.gruu] = binding.user
        heapq.heappush(self._due, (binding.expires_at, binding.user, binding.key))
        if len(self._due) > 64 + 4 * self._count:
            self._due = [(each.expires_at, each.user, each.key) for of in self._users.values() for each in of.values()]
            heapq.heapify(self._due)

    def _drop(self, binding: Binding | None) -> None:
        if binding is None:
            return
        there = self._users.get(binding.user, {})
        if there.pop(binding.key, None) is not None:
            self._count -= 1
        if binding.gruu and not any(each.gruu == binding.gruu for each in there.values()):
            self._by_gruu.pop(binding.gruu, None)
        if not there:
            self._users.pop(binding.user, None)
        if binding.flow is not None and (known := self._by_flow.get(binding.flow)) is not None:
            known.discard((binding.user, binding.key))
            if not known:
                del self._by_flow[binding.flow]
