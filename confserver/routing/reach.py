"""Who is meant by an address, and by which phones: names, aliases, numbers and GRUUs, looked up in the directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from confserver.routing.dialplan import Target
from confserver.routing.domains import Domains
from confserver.routing.gruus import Gruus, is_gruu
from confserver.routing.location import Binding, Directory
from confserver.routing.users import User, Users
from confserver.sip.address import parse_name_addr
from confserver.sip.dialog import as_request_uri
from confserver.sip.grammar import param
from confserver.sip.proxy.routes import is_hidden
from confserver.sip.uri import Uri
from confserver.sip.ways import Hop, hop_of


@dataclass(frozen=True, slots=True)
class Reached:
    """``bindings``: the phones to try, the best first; none: not reachable now (480)."""

    user: User
    bindings: Sequence[Binding]


def ways_to(bindings: Sequence[Binding]) -> tuple[Target, ...]:
    """Where a call of ours goes, one after the other. A flow is named by its far end, by which it is found."""
    usable = [binding for binding in bindings if binding.flow is not None or not binding.is_outbound]
    return tuple(Target(as_request_uri(each.contact), _hop(each), each.path) for each in usable)


def _hop(binding: Binding) -> Hop | None:
    """Its Path before its flow before what it says of itself."""
    if binding.path:
        return hop_of(parse_name_addr(binding.path[0]).uri)
    flow = binding.flow
    if flow is None or not (binding.is_outbound or is_hidden(binding.contact, flow)):
        return None
    return Hop(flow.transport, *flow.remote)


class Reach:
    def __init__(self, users: Users, directory: Directory, domains: Domains, gruus: Gruus) -> None:
        self._users = users
        self._directory = directory
        self._domains = domains
        self._gruus = gruus

    def find(self, uri: Uri, now: float) -> Reached | None:
        """None where the address is no user's of ours, or the user is shut out."""
        if not self._domains.is_ours(uri):
            return None
        number = self._gruus.number_in(uri.user) if is_gruu(uri) else None
        if number is not None:
            return self._by_temporary_gruu(number, uri, now)
        user = self._users.find_uri(uri)
        if user is None or not user.enabled:
            return None
        bindings = self._directory.bindings(user.name, now)
        if is_gruu(uri) and (instance := uri.param("gr")):
            bindings = [binding for binding in bindings if binding.gruu and binding.instance == instance]
            bindings = [_named_by(uri, binding) for binding in bindings]
        return Reached(user, bindings)

    def locate(self, uri: Uri, now: float) -> tuple[Target, ...] | None:
        """The phones of a user whom somebody here wants to call; None where the address is surely no user's."""
        if uri.is_sip and not self._domains.is_surely_ours(uri):
            return None
        reached = self.find(uri, now)
        return None if reached is None else ways_to(reached.bindings)

    def _by_temporary_gruu(self, number: int, uri: Uri, now: float) -> Reached | None:
        """RFC 5627 section 5.1: one that is over is as one that never was."""
        bindings = self._directory.by_gruu(number, now)
        user = self._users.find(bindings[0].user) if bindings else None
        if user is None or not user.enabled:
            return None
        return Reached(user, [_named_by(uri, binding) for binding in bindings])


def _named_by(gruu: Uri, binding: Binding) -> Binding:
    """The phone sees by the ``gr`` of its Request-URI that it was called by a GRUU (RFC 5627 section 5)."""
    value = param(gruu.params, "gr")
    return replace(binding, contact=binding.contact.with_param("gr", value))
