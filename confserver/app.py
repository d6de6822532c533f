"""Composition: builds everything, joins the pure layers to the shells, performs outputs. The only file that knows everybody.

::

    network -> transports -> Stack -> outputs -> perform -> transports
                               |  ^
                               v  |
    workers <-> links <----> Focus <-> rooms          storage <- Publish -> log
                               ^
    HTTP -> admin.http -> submit
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import secrets
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

import structlog
from sqlite_utils import Database
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import STDLibLogObserver, globalLogPublisher
from twisted.python.failure import Failure

from confserver.admin import http
from confserver.admin.access import AccessError, Control, kept_token, url_of, write_control
from confserver.config import Settings
from confserver.contract import DigitPressed, EngineReady, FromWorker
from confserver.focus import outputs as focus_out
from confserver.focus.focus import Focus
from confserver.focus.media import Ground
from confserver.focus.scene import Scene
from confserver.log import set_up
from confserver.routing.guard import Guard, address_in
from confserver.sip import outputs as sip_out
from confserver.sip.flow import Address, Flow
from confserver.sip.stack import Stack, StackSettings, UnknownCall, WrongMoment
from confserver.storage import Storage, StorageError
from confserver.transports.addresses import attached_networks, local_addresses
from confserver.transports.links import WorkerLink, WorkerSettings
from confserver.transports.sip import SipTransports
from rooms import events as told
from rooms import store
from rooms.commands import Command
from rooms.errors import Refused
from rooms.manager import Rooms
from rooms.participant import Actor, ParticipantIds
from rooms.policy import RoomPolicy

log = structlog.get_logger("server")

Output = sip_out.Output | focus_out.Output
ALIVE_S = 30.0
RESCAN_S = 10.0
READY_S = 15.0
GOODBYE_S = 4.0
"""So long phones may take to answer our BYE when the server stops; 10 s are the most for all."""
_TO_TRANSPORTS = (sip_out.SendBytes, sip_out.OpenFlow, sip_out.CloseFlow, sip_out.Resolve)


class StartError(Exception):
    """The server cannot start; one line for the administrator."""


@dataclass(slots=True)
class Kept:
    """What the last run has left."""

    rooms: list[store.StoredRoom]
    last_participant: int


class Server:
    """One running confserver."""

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._epoch = time.time() - time.monotonic()
        self._started_at = self.now()
        self._state = settings.state.path()
        self._storage = Storage(self._state / "confserver.db", store.migrate, reactor)
        self._guard = Guard(settings.sip.trusted(), attached_networks())
        self._local_addresses = frozenset(local_addresses())
        self._stack = Stack(
            StackSettings(user_agent=f"confserver/{version('confserver')}", advertised=self._advertised),
            lambda: secrets.token_hex(8),
        )
        self._transports = SipTransports(
            reactor, self, settings.sip.addresses, settings.sip.port, settings.sip.transports
        )
        self._links = [
            WorkerLink(reactor, number, self._worker_settings(number), self._heard_worker, self._lost_worker)
            for number in range(settings.media.worker_count())
        ]
        self._focus: Focus
        self._ready: set[int] = set()
        self._all_ready: Deferred[None] = Deferred()
        self._timer: Any = None
        self._chores = [(LoopingCall(self._mark_alive), ALIVE_S), (LoopingCall(self._look_around), RESCAN_S)]
        self._http: Any = None
        self._stopping = False

    def now(self) -> float:
        """Steady epoch seconds: never steps."""
        return time.monotonic() + self._epoch

    # ------------------------------------------------------------------ start and stop
    async def start(self) -> None:
        """Come up whole. Raises StartError."""
        try:
            await self._open_store()
            self._open_http()
            self._transports.start()
        except (StorageError, AccessError, store.StoreError) as error:
            raise StartError(str(error)) from error
        except CannotListenError as error:
            host = error.interface or "any address"
            raise StartError(f"cannot listen on {host} port {error.port}: {_words(error.socketError)}") from error
        for link in self._links:
            link.start()
        late = self._reactor.callLater(READY_S, self._all_ready.errback, StartError("the media workers do not start"))
        await self._all_ready
        late.cancel()
        for chore, period in self._chores:
            chore.start(period, now=False)

    async def _open_store(self) -> None:
        settings = self._settings.rooms
        await self._storage.start()
        kept = await self._storage.write(_settle)
        rooms = Rooms(
            ParticipantIds(kept.last_participant),
            on_demand=settings.on_demand,
            policy=RoomPolicy(max_participants=settings.max_participants),
            most_rooms=settings.max_rooms,
        )
        rooms.restore(kept.rooms)
        scene = Scene(rooms, self._guard, self._ground, self._media_host, self._settings.media.talkers)
        self._focus = Focus(scene)

    def _open_http(self) -> None:
        token = kept_token(self._state)
        self._http, endpoint = http.listen(self._reactor, self, token, self._settings.http_endpoint())
        self.url = url_of(endpoint)
        write_control(self._state, Control(self.url, token, os.getpid()))

    async def stop(self) -> None:
        """503 to new calls, BYE to all, then workers and store; 10 s at most."""
        if self._stopping:
            return
        self._stopping = True
        log.info("stopping")
        for chore, _ in self._chores:
            if chore.running:
                chore.stop()
        if hasattr(self, "_focus"):
            self.perform(self._focus.close())
            await self._until(lambda: not self._stack.describe().get("calls"), GOODBYE_S)
        for link in self._links:
            link.stop()
        await self._until(lambda: not any(link.is_alive for link in self._links), 2.0)
        for link in self._links:
            link.kill()
        self._transports.stop()
        if self._http is not None:
            await self._http.stopListening()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        await self._storage.stop()
        log.info("stopped")

    async def _until(self, is_so: Any, most_s: float) -> None:
        ends = self.now() + most_s
        while not is_so() and self.now() < ends:
            await deferLater(self._reactor, 0.05, lambda: None)

    # ------------------------------------------------------------------ performing
    def perform(self, outputs: Sequence[Output]) -> list[Deferred[Any]]:
        """Do all that is asked for, and what follows from it. Gives what waits for the store."""
        waiting: deque[Output] = deque(outputs)
        commits: list[Deferred[Any]] = []
        while waiting:
            output = waiting.popleft()
            if isinstance(output, _TO_TRANSPORTS):
                self._transports.perform(output)
            elif isinstance(output, focus_out.TellWorker):
                self._links[output.worker].send(output.command)
            elif isinstance(output, focus_out.Publish):
                commits.append(self._publish(output.events))
            elif isinstance(output, focus_out.Output):
                waiting.extend(self._answer(output))
            else:
                self._log_call(output)
                waiting.extend(self._focus.hear_call(output, self.now()))
        self._set_timer()
        return commits

    def _answer(self, output: focus_out.Output) -> list[sip_out.Output]:
        """What the focus wants of the stack; a call that has ended meanwhile wants nothing more."""
        stack, now = self._stack, self.now()
        try:
            match output:
                case focus_out.Accept(call=call, body=body):
                    return stack.accept(call, body, now)
                case focus_out.Refuse(call=call, status=status, reason=reason, headers=headers):
                    return stack.refuse(call, status, now, reason, headers)
                case focus_out.AcceptOffer(call=call, body=body):
                    return stack.accept_offer(call, body, now)
                case focus_out.RefuseOffer(call=call, status=status, reason=reason, headers=headers):
                    return stack.refuse_offer(call, status, now, reason, headers)
                case focus_out.HangUp(call=call, cause=cause):
                    return stack.hang_up(call, now, cause)
                case focus_out.Probe(call=call):
                    return stack.probe(call, now)
                case focus_out.Respond(transaction=number, status=status, reason=reason, headers=headers):
                    return stack.respond(number, status, now, reason, headers)
        except (UnknownCall, WrongMoment) as crossed:
            log.debug("too late", what=type(output).__name__, why=str(crossed))
        return []

    def _set_timer(self) -> None:
        """Keep the one timer at the next deadline."""
        deadlines = [self._stack.next_deadline(), self._focus.next_deadline()]
        due = min((each for each in deadlines if each is not None), default=None)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if due is not None:
            self._timer = self._reactor.callLater(max(due - self.now(), 0), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self.now()
        self.perform([*self._stack.fire(now), *self._focus.fire(now)])

    # ------------------------------------------------------------------ the transports say
    def received(self, data: bytes, flow: Flow) -> None:
        self.perform(self._stack.receive(data, flow, self.now()))

    def lost(self, flow: Flow) -> None:
        self.perform(self._stack.flow_lost(flow, self.now()))

    def opened(self, token: int, flow: Flow) -> None:
        self.perform(self._stack.flow_opened(token, flow, self.now()))

    def failed(self, token: int, reason: str) -> None:
        self.perform(self._stack.flow_failed(token, reason, self.now()))

    def resolved(self, token: int, addresses: list[str]) -> None:
        self.perform(self._stack.resolved(token, addresses, self.now()))

    # ------------------------------------------------------------------ the workers say
    def _heard_worker(self, number: int, event: FromWorker) -> None:
        if isinstance(event, EngineReady):
            self._ready.add(number)
            log.info("worker ready", worker=number, pid=event.pid)
            self.perform(self._focus.worker_ready(number))
            if len(self._ready) == len(self._links) and not self._all_ready.called:
                self._all_ready.callback(None)
            return
        if isinstance(event, DigitPressed):
            log.debug("digit", leg=event.leg, digit=event.digit)
        self.perform(self._focus.hear_worker(number, event, self.now()))

    def _lost_worker(self, number: int) -> None:
        self._ready.discard(number)
        self.perform(self._focus.worker_lost(number))

    def _worker_settings(self, number: int) -> WorkerSettings:
        """Each worker has its own part of the port range."""
        rtp, count = self._settings.rtp, self._settings.media.worker_count()
        share = (rtp.port_max + 1 - rtp.port_min) // count // 2 * 2
        first = rtp.port_min + number * share
        return WorkerSettings(
            first_port=first,
            last_port=first + share - 1,
            addresses=rtp.addresses or ("0.0.0.0", "::"),
            packet_io=self._settings.media.packet_io,
            epoch=self._epoch,
            silence_s=rtp.silence_s,
            cname=f"{secrets.token_hex(6)}@confserver",
        )

    # ------------------------------------------------------------------ addresses
    def _advertised(self, flow: Flow) -> Address:
        """What Contact and Via say to a peer (docs/architecture.md, "Ports and addresses")."""
        return self._media_host(flow), self._transports.port

    def _media_host(self, flow: Flow) -> str:
        sip, peer = self._settings.sip, address_in(flow.remote[0])
        if not sip.public_address or peer is None or any(peer in network for network in sip.local()):
            return flow.local[0]
        return sip.public_address

    def _ground(self) -> Ground:
        return Ground(self._local_addresses, self._settings.rtp.port_min, self._settings.rtp.port_max)

    def _look_around(self) -> None:
        self._guard.attached = tuple(attached_networks())
        self._local_addresses = frozenset(local_addresses())

    # ------------------------------------------------------------------ store and log
    def _publish(self, events: tuple[told.Event, ...]) -> Deferred[Any]:
        for event in events:
            if not isinstance(event, told.HearingChanged | told.TalkingChanged):
                log.info(_spaced(type(event).__name__), **_facts(event))
        records = store.records_of(events)
        if not records:
            return succeed(None)
        return self._storage.write(lambda db: store.write(db, records)).addErrback(self._not_stored)

    def _not_stored(self, failure: Failure) -> Failure:
        log.error("not stored", why=failure.getErrorMessage())
        return failure

    def _mark_alive(self) -> None:
        now = self.now()
        self._storage.write(lambda db: store.mark_alive(db, now)).addErrback(self._not_stored).addErrback(
            lambda _: None
        )

    def _log_call(self, output: sip_out.Output) -> None:
        match output:
            case sip_out.CallArrived(call=call, request=request, flow=flow):
                source = f"{flow.remote[0]}:{flow.remote[1]}"
                log.info("call arrived", call=call, to=str(request.uri), source=source, transport=flow.transport)
            case sip_out.CallEnded(call=call, cause=cause, status=status):
                log.info("call ended", call=call, cause=cause, status=status)

    # ------------------------------------------------------------------ the door for administration
    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        """See admin.http.Door."""
        done: Deferred[None] = Deferred()
        try:
            commits = self.perform(self._focus.command(command, by, self.now()))
        except Refused as refused:
            done.errback(refused)
            return done
        stored = DeferredList(commits, fireOnOneErrback=True, consumeErrors=True)
        stored.addCallbacks(lambda _: done.callback(None), lambda failure: done.errback(_first(failure)))
        return done

    def rooms(self) -> Sequence[Mapping[str, object]]:
        return self._focus.rooms(self.now())

    def room(self, name: str) -> Mapping[str, object]:
        """Raises Refused."""
        return self._focus.room(name, self.now())

    def status(self) -> Mapping[str, object]:
        return {
            "version": version("confserver"),
            "pid": os.getpid(),
            "uptime_s": round(self.now() - self._started_at, 1),
            "sip_port": self._transports.port,
            "state_directory": str(self._state),
            "focus": self._focus.describe(),
            "sip": self._stack.describe(),
            "transports": self._transports.describe(),
            "workers": [
                {
                    "worker": link.number,
                    "pid": link.pid,
                    "ready": link.number in self._ready,
                    "restarts": link.restarts,
                    **link.counts,
                }
                for link in self._links
            ],  # fmt: skip
            "storage": self._storage.describe(),
            "tasks": len(self._reactor.getDelayedCalls()),
        }

    def banner(self) -> str:
        """What people need to know when the server stands."""
        hosts = sorted(self._transports.hosts, key=lambda host: (":" in host, host.startswith("127."), host))
        port = "" if self._transports.port == 5060 else f":{self._transports.port}"
        dial = [f"sip:standup@{f'[{host}]' if ':' in host else host}{port}" for host in hosts[:4]]
        lines = ["confserver is ready. Dial a room, any name will do:", *(f"    {uri}" for uri in dial)]
        lines += [f"Rooms by script: confserver rooms   (HTTP at {self.url})"]
        lines += [f"State: {self._state}", "Stop: Ctrl-C"]
        return "\n".join(lines)


def _settle(db: Database) -> Kept:
    store.settle(db)
    return Kept(store.load_rooms(db), store.last_participant(db))


def _facts(event: told.Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__match_args__ if name not in ("number", "at")}


def _spaced(name: str) -> str:
    """ParticipantArrived -> participant arrived"""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def _first(failure: Failure) -> Failure:
    inner = getattr(failure.value, "subFailure", None)
    return inner if isinstance(inner, Failure) else failure


def serve(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM. Gives the exit status: 0, or 2 where the server could not start."""
    from twisted.internet import asyncioreactor

    asyncioreactor.install(asyncio.new_event_loop())
    from twisted.internet import reactor

    try:
        set_up(settings.log.level, settings.log.format, settings.log.path())
    except OSError as error:
        return _complain(f"{settings.log.path()}: the log cannot be written: {_words(error)}")
    globalLogPublisher.addObserver(STDLibLogObserver("twisted"))
    _allow_many_files()
    server = Server(reactor, settings)
    outcome: list[str] = []

    async def start() -> None:
        try:
            await server.start()
        except StartError as error:
            outcome.append(str(error))
        except Exception as error:
            log.exception("cannot start")
            outcome.append(f"cannot start: {error}")
        if outcome:
            cast(Any, reactor).stop()
        else:
            print(server.banner(), flush=True)

    cast(Any, reactor).callWhenRunning(lambda: Deferred.fromCoroutine(start()))
    cast(Any, reactor).addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(server.stop()))
    cast(Any, reactor).run()
    return _complain(outcome[0]) if outcome else 0


def _complain(line: str) -> int:
    print(f"confserver: {line}", file=sys.stderr)
    return 2


def _allow_many_files() -> None:
    """A socket for each port and connection: take all file descriptors that the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
