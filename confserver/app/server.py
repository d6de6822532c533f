"""One server: built, started whole or not at all, and stopped politely."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall

from confserver.admin import hook_store
from confserver.admin.access import AccessError, Control, kept_token, write_control
from confserver.admin.store import StoreError as AdminStoreError
from confserver.app import accounts, tolls
from confserver.app.accounts import Accounts
from confserver.app.archive import Archive
from confserver.app.auditing import AuditedDoor
from confserver.app.banner import banner, cannot_listen
from confserver.app.building import focus_of, stack_settings
from confserver.app.chance import Chance
from confserver.app.ending import Ending
from confserver.app.faces import Faces
from confserver.app.journal import Journal, settle
from confserver.app.made_routes import kept_table
from confserver.app.metrics.monitor import Monitor
from confserver.app.news import News
from confserver.app.operations import Operations
from confserver.app.orders import Orders
from confserver.app.performer import Hands, Performer
from confserver.app.profiles import ProfileError, rules_of
from confserver.app.publishing import tell
from confserver.app.replaying import kept_replays
from confserver.app.route_table import table_of
from confserver.app.routes import Routes, kept_secret
from confserver.app.shelf import Shelf
from confserver.app.surroundings import Surroundings
from confserver.app.tables import migrate
from confserver.app.texts import Texts
from confserver.app.tokens import Keys
from confserver.app.watch import Watch, unfailing
from confserver.config import Settings
from confserver.contract import Captured, EngineReady, FromWorker
from confserver.focus.focus import Focus
from confserver.prompts.catalogue import CatalogueError
from confserver.routing import store as ways
from confserver.routing.router import Router
from confserver.sip.flow import Address, Flow
from confserver.sip.stack import Stack, StackSettings
from confserver.storage import Storage, StorageError
from confserver.transports.certificates import CertificateError
from confserver.transports.links import Spares, WorkerLink
from confserver.transports.scribe_link import ScribeLink
from confserver.transports.sip import SipTransports
from confserver.transports.websocket import Gate
from rooms import store
from rooms.manager import Rooms
from rooms.participant import ParticipantIds
from rooms.profile_store import load_profiles

log = structlog.get_logger("server")

RESCAN_S = 10.0
EXPIRE_S = 5.0
"""How often expired registrations are looked for; they are not used before that either."""
READY_S = 20.0
GOODBYE_S = 4.0
"""So long phones may take to answer our BYE when the server stops; 10 s are the most for everything."""


Reread = Callable[[], Settings] | None


class StartError(Exception):
    """The server cannot start; one line for the administrator."""


class Server:
    """One running confserver."""

    def __init__(self, reactor: Any, settings: Settings, reread: Reread = None, config: Path | None = None) -> None:
        """``reread`` gives the settings as they are now; raises ConfigError. ``config``: where they stand."""
        self._reactor, self._config = reactor, str(config.absolute()) if config else ""
        self._ending = Ending(reactor)
        self._settings = settings
        self._epoch = time.time() - time.monotonic()
        self._state = settings.state.path()
        self._surroundings = Surroundings(settings)
        self._storage = Storage(self._state / "confserver.db", migrate, reactor)
        self._accounts = Accounts(settings.users, self._surroundings.guard, self._surroundings.hosts, self._storage)
        self._surroundings.phones = lambda uri, now: self._accounts.reach.locate(uri, now)
        self._orders = Orders()
        self._watch = Watch(
            reactor, settings.limits, self._surroundings.guard, self._storage, self.now, self._orders
        )  # fmt: skip
        self._accounts.join(self._orders)
        self._keys = Keys(self._storage)
        self._keys.join(self._orders)
        self._routes = Routes(
            Router(self._accounts, self._surroundings.guard, table_of(settings), settings.users.ring_s),
            self._surroundings.hosts, self._accounts.domains,
        )  # fmt: skip
        self._routes.join(self._orders)
        self._operations = Operations(
            settings, reread, self._orders, self.now, self._calls_left, reactor.stop, self._storage
        )
        self._operations.reloading.then.append(self._routes.use_settings)
        self._operations.follow(self._watch)
        self._routes.is_drained = lambda: self._operations.drainage.is_on
        self._journal = Journal(self._storage)
        self._monitor = Monitor(self._journal, self.now, self._orders)
        self._archive = Archive(settings.records, self._storage, self._journal, self.now)
        self._stack = Stack(self._terms_of_stack(), Chance())
        self._watch.use(self._stack)
        self._focus: Focus
        self._performer: Performer
        self._news: News
        self._transports: SipTransports | None = None
        self._links: list[WorkerLink] = []
        self._spares: Spares | None = None
        self._scribe = ScribeLink(reactor, self._surroundings.scribe_arguments(), lambda: self._shelf)
        self._shelf = Shelf(
            reactor, self._scribe.send, lambda: self._focus.recordings(), lambda: self._performer,
            settings.recordings_path(),
        )  # fmt: skip
        self._shelf.join(self._orders)
        self._ready: set[int] = set()
        self._all_ready: Deferred[None] = Deferred()
        self._chores = [
            (LoopingCall(self._look_again), RESCAN_S),
            *self._operations.chores(),
            (LoopingCall(unfailing(lambda: self._accounts.look(self.now()))), EXPIRE_S),
            (LoopingCall(unfailing(lambda: self._keys.look(self.now()))), EXPIRE_S),
            *self._watch.chores(),
            *self._archive.chores(),
        ]
        self._http: Faces | None = None
        self._url = ""
        self._stands = False
        self._is_stopping = False

    def _terms_of_stack(self) -> StackSettings:
        return stack_settings(
            self._settings, self._surroundings, self._watch, self._accounts, self._routes,
            contact=self._contact, vouches=self._vouches,
        )  # fmt: skip

    def now(self) -> float:
        """Steady epoch seconds: never steps."""
        return time.monotonic() + self._epoch

    # ------------------------------------------------------------------ start
    async def start(self) -> None:
        """Come up whole. Raises StartError."""
        try:
            await self._open_store()
            if self._is_stopping:
                return
            self._join()
            self._open_http()
            self._listen()
        except (
            StorageError, AccessError, store.StoreError, ways.StoreError, CatalogueError, CertificateError,
            ProfileError, AdminStoreError,
        ) as error:  # fmt: skip
            raise StartError(str(error)) from error
        except CannotListenError as error:
            raise StartError(cannot_listen(error)) from error
        except OSError as error:
            raise StartError(f"cannot start: {error.strerror or error}") from error
        await self._start_workers()
        if self._transports is not None and not self._is_stopping:
            self._transports.go_on()
        for chore, period in self._chores:
            chore.start(period, now=False)
        self._stands = True

    async def _open_store(self) -> None:
        settings = self._settings.rooms
        await self._storage.start()
        self._surroundings.forget_names()
        kept = await self._storage.write(settle)
        now = self.now()
        await self._watch.restore(kept.last_seen)
        await self._keys.restore(self.now())
        self._accounts.restore(await self._storage.write(lambda db: accounts.settle(db, now)))
        self._stack.keep_secret(await self._storage.write(kept_secret))
        rooms = Rooms(
            ParticipantIds(kept.last_participant),
            on_demand=settings.on_demand,
            policy=rules_of(self._settings),
            profiles=self._operations.profiles(await self._storage.write(load_profiles)),
            profile=settings.profile,
            most_rooms=settings.max_rooms,
            epoch=f"{int(now * 1000):x}",
            entrance=settings.entrance,
            entrance_languages=settings.spoken_at_entrances(),
        )
        rooms.restore(kept.rooms)
        dialling = self._surroundings.dial_terms()
        dialling.tolls.restore(*await self._storage.write(lambda db: tolls.settle(db, kept.last_seen, now)), now)
        self._routes.use(dialling.trunks)
        self._routes.know_rooms(rooms.named)
        self._routes.restore(await self._storage.write(kept_table))
        self._hooks = await self._storage.write(hook_store.kept)
        self._replays = await kept_replays(self._storage, now)
        scene, self._focus = focus_of(self._settings, rooms, self._surroundings, dialling)
        self._archive.join(self._orders)
        self._chores += Texts(rooms, self._storage, self._orders, self.now).chores()
        self._archive.begin(rooms, self._focus, kept.last_meeting)
        self._operations.begin(rooms, self._focus, scene, lambda outputs: self._performer.perform(outputs))
        tolls.TollKeeper(self._focus.fencing, self._storage, self._orders)

    def _join(self) -> None:
        """Give the layers their shells."""
        settings = self._settings
        self._performer = Performer(
            self._reactor, self.now, self._stack, self._focus, self._watch.barrier, self._accounts
        )
        self._transports = SipTransports(
            self._reactor, self._performer, settings.sip.addresses, settings.sip.port, settings.sip.transports,
            ports=settings.sip.other_ports(), tls=self._surroundings.tls(self._state),
            gate=Gate(settings.sip.ws_path, settings.sip.ws_origins),
        )  # fmt: skip
        numbers = range(settings.media.worker_count())
        posts = [self._surroundings.worker_settings(number, self._epoch) for number in numbers]
        self._spares = Spares(self._reactor, posts[0]) if settings.media.spare else None
        self._links = [
            WorkerLink(self._reactor, number, post, self._heard_worker, self._lost_worker, self._spares)
            for number, post in enumerate(posts)
        ]
        self._watch.begin(self._focus, self._performer.perform, self._links)
        self._routes.port_of = self._transports.port_of
        followers, said = (self._watch.follow, self._monitor.tally.follow), self._watch.trace.said
        self._news = News(self._reactor, settings, self._focus, self._storage, self.now, self._orders)
        self._operations.reloading.then.append(self._use_settings)
        self._news.begin(self._hooks, self._performer.perform)
        listeners = (self._news.listen, self._monitor.tally.hear)
        self._operations.drainage.tell = lambda event: tell(self._journal, listeners, event)
        self._journal.beside = self._news.webhooks.outbox.records
        hands = Hands(self._transports, self._links, self._scribe, self._journal, said, followers, listeners)
        self._performer.use(hands)

    def _open_http(self) -> None:
        token = kept_token(self._state)
        inside = (self._focus, self._performer, self._parts, self._orders, self._storage, self._shelf, self._not_ready)
        door = AuditedDoor(*inside, self._operations.space).audit_by(self._archive.book, self.now)
        self._http = Faces(self._reactor, self._settings, self._state, self.now, self._replays)
        self._monitor.watch(door, self._http.answers)
        self._news.streams.holds = self._keys.tokens.holds
        self._url = self._http.open(door, token, self._keys.tokens, self._news.open)
        write_control(self._state, Control(self._url, token, os.getpid(), self._config))

    def _listen(self) -> None:
        if self._transports is not None:
            self._transports.start()
            self._transports.wait()

    async def _start_workers(self) -> None:
        """The scribe is not waited for: calls do without."""
        self._scribe.start()
        for link in self._links:
            link.start()
        late = self._reactor.callLater(READY_S, self._all_ready.errback, StartError("the media workers do not start"))
        await self._all_ready
        late.cancel()
        if self._spares and not self._is_stopping:
            self._spares.start()

    # ------------------------------------------------------------------ workers
    def _heard_worker(self, number: int, event: FromWorker) -> None:
        if isinstance(event, Captured):
            self._watch.captures.heard(event)
            return
        if not isinstance(event, EngineReady):
            self._monitor.heard_worker(number, event)
            self._performer.heard_worker(number, event)
            return
        log.info("worker ready", worker=number, pid=event.pid)
        self._ready.add(number)
        self._performer.worker_ready(number)
        if len(self._ready) == len(self._links) and not self._all_ready.called:
            self._all_ready.callback(None)

    def _lost_worker(self, number: int) -> None:
        self._ready.discard(number)
        self._monitor.worker_lost(number)
        self._performer.worker_lost(number)

    def _look_again(self) -> None:
        try:
            self._surroundings.look_again()
            self._watch.barrier.look_again()
            if self._http is not None:
                self._http.refresh()
        except OSError as error:
            log.warning("cannot look up the addresses of this machine", why=str(error))

    def _not_ready(self) -> str:
        return self._operations.not_ready(len(self._ready), self._stands, self._storage.trouble)

    def _use_settings(self, new: Settings) -> None:
        """See ``app.reloading``: what belongs to shells that stand only now."""
        self._news.webhooks.use(new.webhooks)
        if self._transports is not None:
            self._transports.refresh()

    def _calls_left(self) -> int:
        return int(str(self._stack.describe()["calls"]))

    def _contact(self, flow: Flow) -> Address:
        """What Contact and Via say to the peer of a flow."""
        port = self._transports.port_of(flow.transport) if self._transports else 0
        return self._surroundings.host_for(flow), port or flow.local[1]

    def reload(self) -> None:
        """Read again what may change while the server runs: the certificate, the settings."""
        if self._transports is not None:
            self._transports.refresh()
        if self._http is not None:
            self._http.refresh()
        self._operations.reload()

    def _vouches(self, flow: Flow, name: str) -> bool:
        """Inside an address is enough; by TLS a certificate says whose a connection is (RFC 5923 section 9)."""
        if flow.transport == "TLS":
            return self._transports is not None and self._transports.has_shown(flow, name)
        return self._surroundings.guard.is_inside(flow.remote[0])

    # ------------------------------------------------------------------ stop
    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    async def stop(self) -> None:
        """503 to new calls, BYE to all, then workers and store; 10 s at most."""
        if self._is_stopping:
            return
        self._is_stopping = self._routes.is_closed = True
        say = log.info if self._stands else log.debug
        say("stopping")
        for chore, _ in self._chores:
            if chore.running:
                chore.stop()
        if self._transports is not None:
            self._performer.perform(self._focus.close())
            await self._ending.until(self._is_goodbye_said, GOODBYE_S)
            await self._stop_workers()
            self._performer.stop()
            self._transports.stop()
            self._watch.flush()
        if self._http is not None:
            self._news.close()
            await self._http.close()
        self._archive.flush()
        await self._storage.stop()
        say("stopped")

    def _is_goodbye_said(self) -> bool:
        """No call is left, and every BYE has its answer: until then it may have to be sent again."""
        left = self._stack.describe()
        return not (left["calls"] or left["unanswered"] or left["searches"])

    async def _stop_workers(self) -> None:
        """Then the scribe, who writes down what workers say to the last."""
        await self._ending.stop_all([*self._links, *([self._spares] if self._spares else [])])
        await self._ending.stop_all([self._scribe])

    # ------------------------------------------------------------------ looking in
    def _parts(self) -> Mapping[str, object]:
        return {
            "sip_port": self._transports.port if self._transports else None,
            "sip_ports": self._transports.ports if self._transports else {},
            "state_directory": str(self._state),
            "rtp_ports": [self._settings.rtp.port_min, self._settings.rtp.port_max],
            "sip": self._stack.describe(),
            **self._watch.describe(),
            **self._news.describe(),
            "drain": self._operations.drainage.describe(),
            "space": self._operations.space.describe(),
            "transports": self._transports.describe() if self._transports else {},
            "workers": [
                {"worker": link.number, "ready": link.number in self._ready, **link.describe()} for link in self._links
            ],
            "spare": self._spares.describe() if self._spares else None,
            "scribe": self._scribe.describe(),
            "users": self._accounts.describe(),
            "storage": self._storage.describe(),
            "tasks": len(self._reactor.getDelayedCalls()),
        }

    def banner(self) -> str:
        """What people need to know when the server stands."""
        assert self._transports is not None
        return banner(self._transports.hosts, self._transports.port, self._url, self._state)
