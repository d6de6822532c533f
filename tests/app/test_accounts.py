"""Users and registrations: answered when the store has them, taken back where it cannot, there after a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlite_utils import Database
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from confserver.app import accounts
from confserver.app.accounts import Accounts
from confserver.app.orders import Orders
from confserver.config.users import Users as Settings
from confserver.focus.outputs import Respond
from confserver.routing import store
from confserver.routing.commands import AddUser, ChangeUser, RemoveUser, SetPassword
from confserver.sip.doorkeeper import Identity
from confserver.sip.flow import Flow
from confserver.sip.message import Request, parse
from confserver.sip.outputs import RequestArrived
from confserver.sip.stack import Stack, StackSettings
from confserver.storage import Storage, StorageError
from rooms.errors import Conflict, Invalid, NotFound
from tests.app.test_performer import Bench
from tests.focus.house import START, Street
from tests.kit.sip_play import tokens

NOW = START
UDP = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062))
TCP = Flow("TCP", ("192.0.2.1", 5060), ("192.0.2.9", 40000), 7)
OUTBOUND = ';reg-id=1;+sip.instance="<urn:uuid:1>"'


class Paper:
    """A storage whose commits the test holds back."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[Database], object], Deferred[Any]]] = []
        self.db = Database(memory=True)
        store.migrate(self.db)

    def write(self, job: Callable[[Database], object]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((job, done))
        return done

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for job, done in waiting:
            done.callback(job(self.db))

    def fail(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _, done in waiting:
            done.errback(StorageError("the disk is full"))


class Office:
    def __init__(self, storage: Any = None, **settings: Any) -> None:
        self.paper = Paper()
        self.accounts = Accounts(Settings(**settings), Street().guard, lambda: ["192.0.2.1"], storage or self.paper)
        self.orders = Orders()
        self.accounts.join(self.orders)
        self.answers: list[Respond] = []
        self.cseq = 0

    def order(self, order: Any, now: float = NOW) -> Any:
        done = self.orders.carry_out(order, now)
        if done.job is not None:
            done.job(self.paper.db)
        return done.told

    def with_alice(self) -> Office:
        self.order(AddUser("alice", "correct horse"))
        return self

    def register(self, contact: str = "<sip:a@192.0.2.9:5062>", *lines: str, flow: Flow = UDP) -> None:
        self.cseq += 1
        head = ["REGISTER sip:192.0.2.1 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", *lines]
        head += ["From: <sip:alice@192.0.2.1>;tag=1", "To: <sip:alice@192.0.2.1>", "Call-ID: c"]
        request = parse("\r\n".join([*head, f"CSeq: {self.cseq} REGISTER", f"Contact: {contact}", "", ""]).encode())
        assert isinstance(request, Request)
        request.identity = Identity("alice")
        self.accounts.register(RequestArrived(self.cseq, request, flow), NOW, self.answers.extend)

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]

    def bindings(self, now: float = NOW) -> list[str]:
        return [str(binding.contact) for binding in self.accounts.location.bindings("alice", now)]


@pytest.fixture
def office() -> Office:
    return Office().with_alice()


# ------------------------------------------------------------------ REGISTER
def test_a_register_is_answered_after_the_commit(office: Office) -> None:
    office.register()
    assert office.statuses == [] and office.bindings() == ["sip:a@192.0.2.9:5062"]
    office.paper.commit()
    assert office.statuses == [200] and office.answers[0].headers[0][0] == "Contact"


def test_a_register_that_is_not_stored_has_not_happened(office: Office) -> None:
    """RFC 3261 10.3, step 7."""
    office.register()
    office.paper.commit()
    office.register("<sip:b@192.0.2.10>")
    office.paper.fail()
    assert office.statuses == [200, 500] and office.bindings() == ["sip:a@192.0.2.9:5062"]


def test_a_later_register_is_not_taken_back_with_it(office: Office) -> None:
    office.register()
    first = office.paper.waiting.pop()
    office.register()
    office.paper.commit()
    first[1].errback(StorageError("the disk is full"))
    assert office.statuses == [200, 500] and len(office.bindings()) == 1


def test_what_is_refused_or_only_asked_is_answered_at_once(office: Office) -> None:
    office.register("<sip:a@x>;expires=1")
    office.register("*")
    assert office.statuses == [423, 400] and office.paper.waiting == []


def test_a_lost_connection_takes_its_bindings_along(office: Office) -> None:
    office.register(f"<sip:a@x>{OUTBOUND}", "Supported: outbound", flow=TCP)
    office.paper.commit()
    assert len(office.bindings()) == 1
    assert office.accounts.flows() == {TCP}, "idle or not, it is kept"
    office.accounts.flow_lost(TCP)
    assert not office.accounts.flows()
    office.paper.commit()
    assert office.bindings() == [] and office.paper.db["bindings"].count == 0


def test_what_has_expired_goes_from_the_store_too(office: Office) -> None:
    office.register("<sip:a@x>;expires=60")
    office.paper.commit()
    office.accounts.look(NOW + 59)
    assert office.paper.waiting == []
    office.accounts.look(NOW + 60)
    office.paper.commit()
    assert office.paper.db["bindings"].count == 0


def test_a_store_that_fails_later_costs_nothing_else(office: Office) -> None:
    office.register("<sip:a@x>;expires=60")
    office.paper.commit()
    office.accounts.look(NOW + 60)
    office.paper.fail()
    assert office.bindings(NOW + 60) == []


# ------------------------------------------------------------------ the administrator
def test_a_password_made_here_is_told_once(office: Office) -> None:
    told = office.order(AddUser("bob"))
    assert len(told["password"]) >= 12
    assert "password" not in office.order(AddUser("carol", "correct horse"))
    assert "password" not in str(office.orders.answer("user list", {}, NOW))
    again = office.order(SetPassword("bob"))
    assert again["password"] != told["password"]


def test_users_as_they_are_told(office: Office) -> None:
    office.register()
    [alice] = office.orders.answer("user list", {}, NOW)  # type: ignore[misc]
    assert (alice["user"], alice["enabled"], alice["phones"]) == ("alice", True, 1)  # type: ignore[index]
    shown = office.orders.answer("user show", {"user": "alice"}, NOW)
    assert shown["phones"][0]["contact"] == "sip:a@192.0.2.9:5062"  # type: ignore[index]
    assert "secret" not in str(shown)


def test_who_is_shut_out_or_removed_is_nowhere(office: Office) -> None:
    office.register()
    office.paper.commit()
    office.order(ChangeUser("alice", enabled=False))
    office.paper.commit()
    assert office.bindings() == [] and office.paper.db["bindings"].count == 0
    office.order(ChangeUser("alice", enabled=True))
    office.register()
    office.paper.commit()
    assert office.order(RemoveUser("alice")) is None
    assert office.bindings() == [] and office.paper.db["users"].count == office.paper.db["bindings"].count == 0


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (AddUser("alice", "correct horse"), Conflict),
        (AddUser("bob", "short"), Invalid),
        (SetPassword("bob", "correct horse"), NotFound),
        (ChangeUser("bob"), NotFound),
        (RemoveUser("bob"), NotFound),
    ],
)
def test_what_cannot_be(office: Office, order: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        office.order(order)


def test_passwords_are_in_no_repr() -> None:
    assert "horse" not in f"{AddUser('a', 'correct horse')!r} {SetPassword('a', 'correct horse')!r}"


# ------------------------------------------------------------------ over a restart
@pytest_twisted.ensureDeferred
async def test_users_and_registrations_are_back_after_a_restart(tmp_path: Path) -> None:
    def storage() -> Storage:
        return Storage(tmp_path / "confserver.db", store.migrate, reactor)

    first = storage()
    await first.start()
    office = Office(first).with_alice()
    await first.write(office.orders.carry_out(AddUser("bob", "correct horse", "Bob", ("+4930",)), NOW).job)  # type: ignore[arg-type]
    alice = office.accounts.users.get("alice")
    await first.write(lambda db: accounts.store.keep_user(db, alice))
    office.register("<sip:a@x>", "Supported: gruu")
    office.register(f"<sip:b@x>{OUTBOUND}", "Supported: outbound", flow=TCP)
    await first.write(lambda db: None)
    assert office.statuses == [200, 200]
    await first.stop()

    second = storage()
    await second.start()
    again = Office(second)
    again.accounts.restore(await second.write(lambda db: accounts.settle(db, NOW + 10)))
    assert again.bindings(NOW + 10) == ["sip:a@x"]
    assert again.accounts.users.list() == office.accounts.users.list()
    assert again.accounts.describe()["bindings"] == 1
    again.cseq = 1
    again.register("<sip:a@x>")
    await second.write(lambda db: None)
    assert again.statuses == [200]
    await second.stop()


# ------------------------------------------------------------------ in the performer
class Faulty:
    """A registry in which everything goes wrong."""

    def register(self, *_: Any) -> None:
        raise RuntimeError("a fault of ours")

    def flow_lost(self, _: Flow) -> None:
        raise RuntimeError("a fault of ours")

    def flows(self) -> set[Flow]:
        return set()


def test_a_fault_in_the_registry_costs_one_answer() -> None:
    bench = Bench()
    bench.performer._registry = Faulty()
    bench.performer._stack = stack = Stack(StackSettings(allow=("REGISTER", "OPTIONS")), tokens())
    assert bench.hear("REGISTER") == [500]
    bench.performer.received(b"\r\n\r\n", TCP)
    bench.performer.lost(TCP)
    assert stack.describe()["connections"] == 0
