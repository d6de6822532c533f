"""The registrar (RFC 3261 section 10.3, with RFC 3327, RFC 5626, RFC 5627): REGISTER in, answer and changes out.

::

    REGISTER (its sender is known: ``request.identity``)
      1 our domain?  4 may this user?  5 the user of To  -> 404, 403
      6 contacts readable? Contact: * ?                  -> 400
      7 each contact: long enough (423), not older than what is there (500), path and flow fit (439)
      8 all of them or none: the new list of bindings    -> 200 with all that hold now

The directory is asked and changed in one go; whoever writes the changes down answers when that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate

from confserver.routing.domains import Domains
from confserver.routing.gruus import Gruus
from confserver.routing.location import Binding, Change, Directory
from confserver.routing.registration import Wish, Wishes, read_wishes
from confserver.routing.users import User, Users
from confserver.sip.flow import Flow, written
from confserver.sip.grammar import Malformed, printable, quoted
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.uri import Uri

Headers = tuple[tuple[str, str], ...]
OPTION_TAGS = ("gruu", "outbound", "path")
"""Extensions that a REGISTER may require, and whose use we tell."""
MOST_USER_AGENT = 100
HOUR_S = 3600
"""Nobody who asks for more is told that it is too brief (RFC 3261 10.3, step 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """For how long, and how many."""

    min_s: int = 60
    max_s: int = 7200
    default_s: int = 3600
    most: int = 10
    """Bindings of one user; beyond, the one that was renewed longest ago goes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``changes`` are done in the directory; ``before`` is what it held of the user before, to go back to."""

    status: int
    reason: str = ""
    headers: Headers = ()
    user: str = ""
    changes: Sequence[Change] = ()
    before: Sequence[Binding] = ()


class _No(Exception):
    def __init__(self, status: int, reason: str = "", headers: Headers = ()) -> None:
        super().__init__(status)
        self.answer = Answer(status, reason, headers)


class Registrar:
    """``token`` gives fresh hexadecimal text, for temporary GRUUs. ``may_anyone``: flows whose word is enough."""

    def __init__(
        self,
        users: Users,
        directory: Directory,
        domains: Domains,
        gruus: Gruus,
        token: Callable[[], str],
        terms: Terms | None = None,
        may_anyone: Callable[[Flow], bool] = lambda _: False,
    ) -> None:
        self._users = users
        self._directory = directory
        self._domains = domains
        self._gruus = gruus
        self._token = token
        self._terms = terms or Terms()
        self._may_anyone = may_anyone

    def register(self, request: Request, flow: Flow, now: float) -> Answer:
        """Whole, or not at all."""
        try:
            user = self._user_of(request, flow)
            wishes = read_wishes(request)
            if wishes.removes_all or wishes.contacts:
                return self._update(user, wishes, request, flow, now)
            held = self._directory.bindings(user.name, now)  # a query (10.2.3)
            return Answer(200, "", self._told(held, wishes, request, now), user.name)
        except _No as no:
            return no.answer
        except Malformed as fault:
            return Answer(400, fault.reason)

    # ------------------------------------------------------------------ who (steps 1 to 5)
    def _user_of(self, request: Request, flow: Flow) -> User:
        if not self._domains.is_ours(request.uri) or not self._domains.is_ours(request.to.uri):
            raise _No(404, "Not a Domain of This Registrar")
        user = self._users.find_uri(request.to.uri)
        identity = request.identity
        if identity is None and not self._may_anyone(flow):
            raise _No(403)
        if user is None:
            raise _No(404)
        if (identity is not None and identity.user != user.name) or not user.enabled:
            raise _No(403)  # no third-party registration (step 4)
        return user

    # ------------------------------------------------------------------ what (steps 6 and 7)
    def _update(self, user: User, wishes: Wishes, request: Request, flow: Flow, now: float) -> Answer:
        before = self._directory.bindings(user.name, now)
        direct = flow if self._is_direct(wishes, request) else None
        left: list[Binding] = [] if wishes.removes_all else list(before)
        meant = list(before) if wishes.removes_all else _meant(before, wishes)
        for binding in meant:
            self._check_order(binding, request)
        for wish in wishes.contacts:
            expires_s = self._granted(wish.expires_s)
            others = [binding for binding in left if not _is_same(binding, wish, wishes)]
            if expires_s:
                new = self._binding(user, wish, wishes, request, direct, now)
                number = self._gruu_number(wish, wishes, left, request)
                others.append(replace(new, expires_at=now + expires_s, gruu=number, source=written(flow.remote)))
            left = others
        left = self._fitting(left, len(wishes.contacts))
        changes = self._directory.update(user.name, left, now)
        held = self._directory.bindings(user.name, now)
        return Answer(200, "", self._told(held, wishes, request, now), user.name, changes, before)

    def _binding(
        self, user: User, wish: Wish, wishes: Wishes, request: Request, direct: Flow | None, now: float
    ) -> Binding:
        """``direct``: the phone's own flow, where nobody stands between."""
        by_flow = wishes.is_flow(wish)
        return Binding(
            user=user.name, contact=wish.contact.uri, expires_at=now, call_id=request.call_id,
            cseq=request.cseq.number, q=wish.q, path=wishes.path, params=wish.params, instance=wish.instance,
            reg_id=wish.reg_id if by_flow else 0, flow=direct,
            is_outbound=direct is not None and (by_flow or direct.is_websocket),
            user_agent=printable(request.headers.get("User-Agent") or "")[:MOST_USER_AGENT], registered_at=now,
        )  # fmt: skip

    def _granted(self, wanted_s: int | None) -> int:
        terms = self._terms
        if wanted_s is None:
            return terms.default_s
        if 0 < wanted_s < min(terms.min_s, HOUR_S):
            raise _No(423, "", (("Min-Expires", str(terms.min_s)),))
        return min(wanted_s, terms.max_s)

    def _check_order(self, binding: Binding, request: Request) -> None:
        """Of one Call-ID an older REGISTER changes nothing (10.3, steps 6 and 7)."""
        if binding.call_id == request.call_id and request.cseq.number <= binding.cseq:
            raise _No(500, "CSeq Out of Order")

    def _is_direct(self, wishes: Wishes, request: Request) -> bool:
        """Whether the phone talks to us itself. Flows through a proxy need its help (RFC 5626 section 6)."""
        is_direct = len(request.headers.get_all("Via")) == 1
        if wishes.path:
            edge = parse_name_addr(wishes.path[-1])
            for value in wishes.path[:-1]:
                parse_name_addr(value)  # Malformed: 400
            is_helped = edge.uri.has_param("ob")
        else:
            is_helped = is_direct
        if wishes.is_outbound and not is_helped:
            raise _No(439)
        return is_direct and not wishes.path

    def _fitting(self, bindings: list[Binding], new: int) -> list[Binding]:
        """No more than are allowed: those renewed longest ago go; the new ones stand last."""
        most = self._terms.most
        if new > most:
            raise _No(403, "Too Many Contacts")
        over = len(bindings) - most
        if over <= 0:
            return bindings
        old = sorted(bindings[: len(bindings) - new], key=lambda each: each.registered_at)
        return [binding for binding in bindings if binding not in old[:over]]

    def _gruu_number(self, wish: Wish, wishes: Wishes, held: list[Binding], request: Request) -> int:
        """The one that the phone has, as long as it registers by the same Call-ID (RFC 5627 section 5.1)."""
        if "gruu" not in wishes.supported or not wish.instance:
            return 0
        for binding in held:
            if binding.instance == wish.instance and binding.call_id == request.call_id and binding.gruu:
                return binding.gruu
        return int(self._token()[:12], 16) or 1

    # ------------------------------------------------------------------ the answer (step 8)
    def _told(self, held: Sequence[Binding], wishes: Wishes, request: Request, now: float) -> Headers:
        wants_gruu = "gruu" in wishes.supported
        lines = [("Contact", self._contact(binding, request, wants_gruu, now)) for binding in held]
        lines.append(("Date", formatdate(now, usegmt=True)))
        lines += [("Path", value) for value in wishes.path]  # RFC 3327 5.3
        if wishes.is_outbound:
            lines.append(("Require", "outbound"))  # RFC 5626 section 6
        lines.append(("Supported", ", ".join(OPTION_TAGS)))
        return tuple(lines)

    def _contact(self, binding: Binding, request: Request, wants_gruu: bool, now: float) -> str:
        params = f";q={binding.q / 1000:g}" if binding.q != 1000 else ""
        text = f"<{binding.contact}>{params}{binding.params};expires={max(1, round(binding.expires_at - now))}"
        if wants_gruu and binding.gruu:
            address = request.to.uri if request.to.uri.is_sip else Uri("sip", binding.user, host=request.uri.host)
            public = self._gruus.public(address, binding.instance)
            temporary = self._gruus.temporary(address, binding.gruu, self._token()[:12])
            text += f";pub-gruu={quoted(str(public))};temp-gruu={quoted(str(temporary))}"
        return text


def _meant(bindings: Sequence[Binding], wishes: Wishes) -> list[Binding]:
    return [each for each in bindings if any(_is_same(each, wish, wishes) for wish in wishes.contacts)]


def _is_same(binding: Binding, wish: Wish, wishes: Wishes) -> bool:
    """RFC 5626 section 6: the same flow of the same phone; else RFC 3261 10.3, step 7: the same URI."""
    if wishes.is_flow(wish):
        if binding.reg_id:
            return binding.instance == wish.instance and binding.reg_id == wish.reg_id
        return binding.instance == wish.instance and binding.contact.matches(wish.contact.uri)
    return not binding.reg_id and binding.contact.matches(wish.contact.uri)
