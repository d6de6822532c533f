"""The barrier in its surroundings: told to the log, kept by the store, lifted by administrators, heard by the shell."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from confserver.app import protection as shell
from confserver.app.orders import Orders
from confserver.app.performer import Hands, Performer
from confserver.app.protection import LOOK_S, Protection
from confserver.config.limits import Limits
from confserver.focus.focus import Focus
from confserver.focus.scene import Scene
from confserver.routing import store
from confserver.routing.commands import AddBan, LiftBan
from confserver.routing.guard import Guard
from confserver.sip.flow import Flow
from confserver.sip.message import Response
from confserver.sip.outputs import CloseFlow
from confserver.sip.stack import Stack, StackSettings
from rooms.errors import Invalid, NotFound
from rooms.manager import Rooms
from rooms.participant import ParticipantIds
from tests.app.test_dialogs import Disk
from tests.app.test_performer import Scribe
from tests.focus.house import START, Street
from tests.kit.sip_play import Wire, tokens

SCANNER = "203.0.113.7"


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def warning(self, what: str, **facts: object) -> None:
        self.lines.append((what, facts))

    info = error = warning


class Transports(Scribe):
    def __init__(self) -> None:
        super().__init__()
        self.closed: list[CloseFlow] = []

    def perform(self, wish: object) -> None:
        if isinstance(wish, CloseFlow):
            self.closed.append(wish)
        else:
            super().perform(wish)


class Gatehouse:
    """The barrier, before a stack with a performer."""

    def __init__(self, **limits: Any) -> None:
        self.disk, self.clock, self.transports = Disk(), Clock(), Transports()
        self.share = 1.0
        self.protection = Protection(Limits(**limits), Guard(), self.disk, lambda: self.clock.seconds() * self.share)  # type: ignore[arg-type]
        self.orders = Orders()
        self.protection.join(self.orders)
        stack = Stack(StackSettings(sentry=self.protection.barrier), tokens())
        focus = Focus(Scene(Rooms(ParticipantIds()), Street()))
        self.performer = Performer(self.clock, self.now, stack, focus, self.protection.barrier)
        hands = Hands(self.transports, [self.transports], self.transports, self.transports)  # type: ignore[arg-type, list-item]
        self.performer.use(hands)
        self.wire = Wire()

    def now(self) -> float:
        return START + self.clock.seconds()

    def hear(self, *headers: str, transport: str = "UDP", host: str = SCANNER) -> int:
        """How many answers are sent."""
        before = len(self.transports.sent)
        text = self.wire.request("OPTIONS", *headers, call_id=f"c{self.wire.branch}").encode()
        flow = Flow(transport, ("192.0.2.1", 5060), (host, 5060), int(transport != "UDP"))
        self.performer.received(text, flow)
        return len(self.transports.sent) - before

    def look(self, times: int = 1, late: float = 0.0) -> None:
        for _ in range(times):
            self.clock.advance(LOOK_S + late)
            self.protection.look(self.now())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    found = Log()
    monkeypatch.setattr(shell, "log", found)
    return found


def test_a_ban_is_told_kept_and_taken_up_again(log: Log) -> None:
    gatehouse = Gatehouse()
    assert gatehouse.hear() == 1
    assert gatehouse.hear("User-Agent: sipvicious") == 0
    gatehouse.look()
    [(what, facts)] = log.lines
    assert what == "banned" and facts["source"] == SCANNER and "scanner" in str(facts["why"]) and facts["until"]
    kept = store.load_bans(gatehouse.disk.db, gatehouse.now())
    assert [ban.network for ban in kept] == [SCANNER]

    again = Gatehouse()
    again.protection.restore(kept, again.now())
    assert again.hear() == 0 and again.hear(host="203.0.113.8") == 1
    again.clock.advance(601)
    assert again.hear() == 1


def test_a_ban_that_is_over_leaves_the_store(log: Log) -> None:
    gatehouse = Gatehouse()
    gatehouse.hear("User-Agent: sipvicious")
    gatehouse.look()
    gatehouse.clock.advance(601)
    gatehouse.look()
    assert [what for what, _ in log.lines] == ["banned", "ban lifted"]
    assert gatehouse.disk.rows() == [] and list(gatehouse.disk.db.query("SELECT * FROM bans")) == []


def test_a_banned_hosts_connection_is_closed(log: Log) -> None:
    gatehouse = Gatehouse()
    gatehouse.hear("User-Agent: sipvicious")
    assert gatehouse.hear(transport="TCP") == 0
    assert [closed.flow.transport for closed in gatehouse.transports.closed] == ["TCP"]
    assert not gatehouse.performer.admits(SCANNER) and gatehouse.performer.admits("127.0.0.1")


def test_administrators_ban_and_lift(log: Log) -> None:
    gatehouse = Gatehouse()
    now = gatehouse.now()
    done = gatehouse.orders.carry_out(AddBan(SCANNER, "calls at night", 60.0), now, "reception")
    assert done.is_new and done.told is not None and done.told["until"] == now + 60 and done.job is not None
    done.job(gatehouse.disk.db)
    assert not gatehouse.orders.carry_out(AddBan(SCANNER), now, "reception").is_new
    assert gatehouse.hear() == 0
    [told] = gatehouse.orders.answer("ban list", {}, now)  # type: ignore[misc]
    assert told["network"] == SCANNER and told["by"] == "reception"
    lifted = gatehouse.orders.carry_out(LiftBan(SCANNER), now)
    assert lifted.told is None and lifted.job is not None
    lifted.job(gatehouse.disk.db)
    assert gatehouse.hear() == 1 and list(gatehouse.disk.db.query("SELECT * FROM bans")) == []
    with pytest.raises(NotFound):
        gatehouse.orders.carry_out(LiftBan(SCANNER), now)
    with pytest.raises(Invalid):
        gatehouse.orders.carry_out(AddBan("127.0.0.1"), now)


def test_lateness_is_noticed(log: Log) -> None:
    """As a process that works off a queue before each of its timers."""
    gatehouse = Gatehouse(late_ms=100)

    def status() -> int:
        assert gatehouse.hear(host="127.0.0.1") == 1
        answer = gatehouse.transports.sent[-1]
        assert isinstance(answer, Response)
        return answer.status

    gatehouse.look(10)
    assert status() == 200
    gatehouse.look(10, late=0.3)
    assert status() == 503
    gatehouse.look(30)
    assert status() == 200
    gatehouse.look(1, late=5.0)
    assert status() == 200, "a machine that has stood still"


def test_the_lateness_of_others_is_none_of_ours(log: Log) -> None:
    gatehouse = Gatehouse(late_ms=100)
    gatehouse.share = 0.1
    gatehouse.look(10)
    gatehouse.look(20, late=0.3)
    assert gatehouse.hear(host="127.0.0.1") == 1
    assert isinstance(gatehouse.transports.sent[-1], Response) and gatehouse.transports.sent[-1].status == 200


def test_a_full_disk_costs_no_ban(log: Log) -> None:
    gatehouse = Gatehouse()
    gatehouse.disk.is_full = True
    gatehouse.hear("User-Agent: sipvicious")
    gatehouse.look()
    assert gatehouse.hear() == 0 and [what for what, _ in log.lines] == ["banned", "a ban was not stored"]
