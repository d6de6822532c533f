"""Users and registrations in their surroundings: built from the settings, told to the log, kept by the store.

A REGISTER is answered when the store has what it changes; where the store cannot keep it, nothing has changed and
the phone hears 500 (RFC 3261 10.3, step 7).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from sqlite_utils import Database
from twisted.python.failure import Failure

from confserver.app.orders import Done, Orders
from confserver.config.users import Users as Settings
from confserver.focus.outputs import Respond
from confserver.routing import user_store as store
from confserver.routing.authentication import Authentication
from confserver.routing.commands import AddUser, ChangeUser, RemoveUser, SetPassword
from confserver.routing.domains import Domains
from confserver.routing.gruus import Gruus
from confserver.routing.guard import Guard
from confserver.routing.location import Binding, Bound, Change, Location
from confserver.routing.reach import Reach, Reached
from confserver.routing.registrar import Answer, Registrar, Terms
from confserver.routing.users import User, Users
from confserver.sip.checks import fit
from confserver.sip.flow import Flow
from confserver.sip.nonces import Nonces
from confserver.sip.outputs import RequestArrived
from confserver.sip.uri import Uri
from confserver.storage import Storage

log = structlog.get_logger("users")
Perform = Callable[[Sequence[Respond]], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the last run has left."""

    users: list[User]
    bindings: list[Binding]
    secret: bytes


def settle(db: Database, now: float) -> Kept:
    """Raises StoreError."""
    secret = store.kept_key(db, "gruu", secrets.token_bytes(32))
    return Kept(store.load_users(db), store.load_bindings(db, now), secret)


class Accounts:
    """Owns the users and the directory; ``look`` is called from time to time."""

    def __init__(self, settings: Settings, guard: Guard, hosts: Callable[[], Iterable[str]], storage: Storage) -> None:
        self._storage = storage
        self.users = Users(settings.realm)
        self.location = Location()
        self.domains = Domains(settings.domains, hosts)
        self._terms = Terms(
            min_s=settings.min_expires_s, max_s=settings.max_expires_s, default_s=settings.expires_s,
            most=settings.max_bindings,
        )  # fmt: skip

        def is_inside(flow: Flow) -> bool:
            return guard.may_call(flow.remote[0])

        self._vouched: Callable[[Flow], bool] = is_inside if settings.trust_inside else lambda _: False
        self.authentication = Authentication(
            self.users, Nonces(secrets.token_bytes(32)), self.domains, is_inside, self._vouched, settings.algorithms
        )
        self._use(Gruus(secrets.token_bytes(32)))

    def _use(self, gruus: Gruus) -> None:
        self._registrar = Registrar(
            self.users, self.location, self.domains, gruus, lambda: secrets.token_hex(6), self._terms, self._vouched
        )
        self.reach = Reach(self.users, self.location, self.domains, gruus)

    def find(self, uri: Uri, now: float) -> Reached | None:
        """See ``routing.router.Finder``."""
        return self.reach.find(uri, now)

    def restore(self, kept: Kept) -> None:
        self.users.restore(kept.users)
        self.location.restore(binding for binding in kept.bindings if binding.user in self.users)
        self._use(Gruus(kept.secret))
        if kept.users:
            log.info("users of the last run", users=len(kept.users), bindings=len(self.location))
        if strange := [user.name for user in kept.users if user.realm != self.users.realm]:
            log.warning("passwords of another realm", realm=self.users.realm, users=len(strange), first=strange[0])

    # ------------------------------------------------------------------ phones
    def register(self, event: RequestArrived, now: float, perform: Perform) -> None:
        """Answer a REGISTER, by ``perform``, as soon as the store has it."""
        answer = self._registrar.register(event.request, event.flow, now)
        if not answer.changes:
            perform([Respond(event.transaction, answer.status, fit(answer.reason), answer.headers)])
            return
        _tell(answer.changes, answer.before)
        changes = tuple(answer.changes)

        def stored(result: object) -> None:
            if isinstance(result, Failure):
                log.error("a registration was not stored", user=answer.user, why=result.getErrorMessage())
                self._take_back(answer, now)
                perform([Respond(event.transaction, 500)])
            else:
                perform([Respond(event.transaction, answer.status, fit(answer.reason), answer.headers)])

        self._storage.write(lambda db: store.keep_changes(db, changes)).addBoth(stored)

    def _take_back(self, answer: Answer, now: float) -> None:
        """As it was, unless another REGISTER has come meanwhile."""
        new = {change.binding for change in answer.changes if isinstance(change, Bound)}
        if new <= set(self.location.bindings(answer.user, now)):
            self.location.update(answer.user, answer.before, now)

    def flow_lost(self, flow: Flow) -> None:
        self._keep(self.location.flow_lost(flow))

    def flows(self) -> set[Flow]:
        return self.location.flows()

    def look(self, now: float) -> None:
        """Drop what has expired."""
        self._keep(self.location.expire(now))

    def _keep(self, changes: Sequence[Change]) -> None:
        if changes:
            _tell(changes)
            self._storage.write(lambda db: store.keep_changes(db, changes)).addErrback(_not_kept)

    # ------------------------------------------------------------------ what administrators ask for
    def join(self, orders: Orders) -> None:
        orders.handlers[AddUser] = self._add
        orders.handlers[ChangeUser] = self._change
        orders.handlers[SetPassword] = self._set_password
        orders.handlers[RemoveUser] = self._remove
        orders.answers["user list"] = lambda _, now: [self._told(user, now) for user in self.users.list()]
        orders.answers["user show"] = lambda names, now: self._shown(names["user"], now)

    def _add(self, order: AddUser, now: float) -> Done:
        password = order.password or _fresh_password()
        user = self.users.add(order.user, password, order.display, order.aliases, now)
        return self._kept(user, now, "added", "" if order.password else password, is_new=True)

    def _change(self, order: ChangeUser, now: float) -> Done:
        user = self.users.change(order.user, now, order.display, order.aliases, order.enabled)
        if not user.enabled:
            self._keep(self.location.forget(user.name, "shut out"))
        return self._kept(user, now, "changed")

    def _set_password(self, order: SetPassword, now: float) -> Done:
        password = order.password or _fresh_password()
        user = self.users.set_password(order.user, password, now)
        return self._kept(user, now, "has another password", "" if order.password else password)

    def _kept(self, user: User, now: float, what: str, password: str = "", *, is_new: bool = False) -> Done:
        """A password that was made here is told this once."""
        log.info(f"user {what}", user=user.name)
        told = self._told(user, now) | ({"password": password} if password else {})
        return Done(told, lambda db: store.keep_user(db, user), is_new)

    def _remove(self, order: RemoveUser, now: float) -> Done:
        user = self.users.remove(order.user)
        _tell(self.location.forget(user.name, "the user is no more"))
        log.info("user removed", user=user.name)
        return Done(None, lambda db: store.drop_user(db, user.name))

    def _told(self, user: User, now: float) -> dict[str, object]:
        return user.describe() | {"phones": len(self.location.bindings(user.name, now))}

    def _shown(self, name: str, now: float) -> dict[str, object]:
        """Raises NotFound."""
        user = self.users.get(name)
        return user.describe() | {"phones": [each.describe() for each in self.location.bindings(name, now)]}

    def describe(self) -> dict[str, object]:
        return {"bindings": len(self.location), **self.authentication.describe()}


def _fresh_password() -> str:
    return secrets.token_urlsafe(12)


def _tell(changes: Sequence[Change], before: Sequence[Binding] = ()) -> None:
    """What is only renewed is no news."""
    known = {binding.key for binding in before}
    for change in changes:
        binding = change.binding
        facts = {"user": binding.user, "contact": str(binding.contact), "source": binding.source}
        if isinstance(change, Bound):
            say = log.debug if binding.key in known else log.info
            say("registered", **facts, until=round(binding.expires_at))
        else:
            log.info("no longer registered", **facts, why=change.why)


def _not_kept(failure: Failure) -> None:
    log.error("not stored", why=failure.getErrorMessage())
