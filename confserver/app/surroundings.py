"""Where we are: this machine's addresses, and how each peer and each worker is told of them."""

from __future__ import annotations

import datetime
import ipaddress
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from confserver.app.languages import repertoire_of, sets_of
from confserver.app.tolls import tolls_of
from confserver.app.trunks import networks_of, trunks_of
from confserver.config import Settings
from confserver.focus.chat import ChatTerms
from confserver.focus.dialout import DialTerms
from confserver.focus.factory import Factory
from confserver.focus.forward_plan import ForwardTerms
from confserver.focus.media import Ground
from confserver.focus.repertoire import Repertoire
from confserver.focus.terms import MediaTerms
from confserver.routing.dialplan import DialPlan, Target
from confserver.routing.fence import Fence
from confserver.routing.guard import Guard, address_in
from confserver.routing.trunks import TrunkTable
from confserver.sip.flow import Flow
from confserver.sip.uri import Uri
from confserver.sip.ways import usual
from confserver.transports.addresses import attached_networks, broadcasts, local_addresses, route_to
from confserver.transports.certificates import KeyPair, own_pair
from confserver.transports.links import WorkerSettings
from confserver.transports.tls import Tls
from rooms.policy import NoiseGuard

log = structlog.get_logger("calls")
MOST_TOLD = 100
NAMES = "names"
"""In the state directory: names as people have said them, of meetings that are on."""


class Surroundings:
    """Follows the machine's addresses; ``guard`` is kept up to date with them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._near = settings.sip.local()
        self._public = settings.sip.public_address
        self._media = _named(settings.rtp.addresses)
        """Where media ports are bound; empty: to all addresses."""
        self.guard = Guard(
            (*settings.sip.trusted(), *networks_of(settings)),
            believed=(*settings.sip.believed(), *networks_of(settings)),
            outside=settings.limits.outside(),
        )
        self.phones: Callable[[Uri, float], tuple[Target, ...] | None] = lambda _, __: None
        """Where users of ours are (``routing.reach``)."""
        self._local: tuple[str, ...] = ()
        self._told: set[str] = set()
        """Hosts that the log has heard of since the last look around."""
        self._ground = Ground()
        self.look_again()

    def look_again(self) -> None:
        self._told.clear()
        networks = attached_networks()
        self._local = tuple(local_addresses())
        self.guard.attached = tuple(networks)
        rtp, public = self._settings.rtp, (self._public,) if self._public else ()
        self._ground = Ground(
            frozenset((*self._local, *public)), rtp.port_min, rtp.port_max, frozenset(broadcasts(networks))
        )

    def unwelcome(self, flow: Flow) -> str:
        """Why a flow may not call, "" where it may; the log hears of each host, but not of each of its attempts."""
        host = flow.remote[0]
        if self.guard.may_call(host):
            return ""
        why = f"calls from {host} are not allowed; sip.trusted_networks lists who may"
        if host not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(host)
            log.warning("refused", source=host, status=403, why=why)
        return why

    def hosts(self) -> tuple[str, ...]:
        """All addresses of ours."""
        return (*self._local, self._public) if self._public else self._local

    def ground(self) -> Ground:
        """Where our own media ports are."""
        return self._ground

    # ------------------------------------------------------------------ what peers are told
    def host_for(self, flow: Flow) -> str:
        """The host that Contact and Via say to a peer (docs/architecture.md, "Ports and addresses")."""
        host = flow.local[0].partition("%")[0]
        return self._public if self._is_behind_router(flow.remote[0], ":" in host) else host

    def media_host(self, flow: Flow, peer: str | None, is_ipv6: bool) -> str | None:
        """The address of ours that SDP names: the one by which the kernel reaches the media of the peer.

        Where its media are elsewhere than its signalling, or of the other family, another one than Contact says.
        """
        peer = peer or flow.remote[0]
        if self._is_behind_router(peer, is_ipv6):
            return self._public
        near = flow.local[0].partition("%")[0]
        is_near = (":" in near) == is_ipv6 and (not self._media or near in self._media)
        if is_near and address_in(peer) == address_in(flow.remote[0]):
            return near
        here = [host for host in self._media or self._local if (":" in host) == is_ipv6]
        reached = route_to(peer, here) if (":" in peer) == is_ipv6 else None
        return reached or _best_of(here)

    def own_host(self, peer: str | None, is_ipv6: bool) -> str | None:
        """The address of ours by which a call of ours goes to a peer; None as a peer: one whose address is unknown."""
        here = [host for host in self._local if (":" in host) == is_ipv6]
        if peer is None:
            has_public = bool(self._public) and (":" in self._public) == is_ipv6
            return self._public if has_public else _best_of(here)
        return self._public if self._is_behind_router(peer, is_ipv6) else route_to(peer, here) or _best_of(here)

    def _is_behind_router(self, peer: str, is_ipv6: bool) -> bool:
        """Whether the peer knows us by our public address only; that is of one family."""
        if not self._public or (":" in self._public) != is_ipv6:
            return False
        address = address_in(peer)
        return address is not None and not any(address in network for network in self._near)

    # ------------------------------------------------------------------ what rooms and workers are told
    def media_terms(self) -> MediaTerms:
        """How rooms sound whose own policy does not say."""
        return media_terms_of(self._settings)

    def dial_terms(self) -> DialTerms:
        """Whom rooms may call."""
        settings = self._settings.dialout
        fence, trunks = Fence(settings.prefixes, settings.domains), trunks_of(self._settings)
        return DialTerms(
            plan=DialPlan(fence, TrunkTable(trunks), self._ours),
            trunks=trunks,
            most=settings.max_calls,
            ring_s=settings.ring_s,
            who=settings.refer,
            caller=settings.caller,
            caller_ids=settings.caller_ids,
            tolls=tolls_of(settings),
        )

    def forward_terms(self) -> ForwardTerms:
        """Whither the sound of rooms may be sent on."""
        return forward_terms_of(self._settings)

    def factory(self) -> Factory:
        """Rooms that are made by a call have names that nobody can guess."""
        return Factory(self._settings.rooms.factory, lambda: f"room-{secrets.token_hex(5)}")

    def chat_terms(self) -> ChatTerms:
        """Who may write to rooms, and how much."""
        rooms = self._settings.rooms
        return ChatTerms(who=rooms.messages, most_bytes=rooms.max_message_bytes)

    def _ours(self, uri: Uri, now: float) -> tuple[Target, ...] | None:
        """Users of ours by their phones. Our own rooms cannot be called into a room: the call would come back as
        another participant."""
        phones = self.phones(uri, now)
        if phones is not None:
            return phones
        host, port = usual(uri.host.lower()), uri.port or 5060
        is_ours = uri.is_sip and host in {*self._local, self._public} and port == self._settings.sip.port
        return () if is_ours else None

    def tls(self, state: Path) -> Tls:
        """What the transports need of TLS; without certificate files one is made. Raises CertificateError."""
        sip = self._settings.sip
        pair, files = None, sip.tls_files()
        if files is not None:
            pair = KeyPair(*files)
        elif {"tls", "wss"} & set(sip.transports):
            hosts = [*sip.addresses, *([self._public] if self._public else []), *self._local]
            pair = own_pair(state, hosts, datetime.datetime.now(datetime.UTC))
        return Tls(pair, sip.tls_authorities_file(), shows=files is not None)

    def scribe_arguments(self) -> list[str]:
        """See ``scribe.__main__``."""
        settings = self._settings.recordings
        place, names = str(self._settings.recordings_path()), str(self._settings.state.path() / NAMES)
        return ["--recordings", place, "--names", names, "--format", settings.format, "--rate", str(settings.rate_hz)]

    def forget_names(self) -> None:
        """At a start: the meetings that they belong to are over."""
        shutil.rmtree(self._settings.state.path() / NAMES, ignore_errors=True)

    def repertoire(self) -> Repertoire:
        """What can be played. Raises CatalogueError."""
        return repertoire_of(self._settings, sets_of(self._settings))

    def worker_settings(self, number: int, epoch: float) -> WorkerSettings:
        """Each worker has its own part of the port range."""
        rtp, count = self._settings.rtp, self._settings.media.worker_count()
        share = (rtp.port_max + 1 - rtp.port_min) // count // 2 * 2
        first = rtp.port_min + number * share
        return WorkerSettings(
            first_port=first,
            last_port=first + share - 1,
            addresses=rtp.addresses or ("0.0.0.0", "::"),
            packet_io=self._settings.media.packet_io,
            epoch=epoch,
            silence_s=rtp.silence_s,
            opus_complexity=self._settings.media.opus_complexity,
            most_delay_ms=self._settings.media.most_delay_ms,
            trail_mb=self._settings.limits.trail_mb,
            cname=f"{secrets.token_hex(6)}@confserver",
        )


def media_terms_of(settings: Settings) -> MediaTerms:
    media = settings.media
    return MediaTerms(
        codecs=media.codecs, talkers=media.talkers, rate_hz=media.rate_hz, max_rate_hz=media.max_rate_hz,
        ptime_ms=media.ptime_ms, levelling=media.levelling, comfort_noise=media.comfort_noise,
        denoise=media.denoise,
        guard=NoiseGuard(media.guard), opus_bitrate=media.opus_bitrate, opus_dtx=media.opus_dtx,
    )  # fmt: skip


def forward_terms_of(settings: Settings) -> ForwardTerms:
    """No sound goes to the ports at which we take something else."""
    sip, http = settings.sip, settings.http_endpoint()
    ports = {sip.port, *sip.other_ports().values(), *([http[1]] if isinstance(http, tuple) else [])}
    return ForwardTerms(settings.forward.listed(), frozenset(ports))


def _named(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Those that name one address each, not all of a family."""
    return tuple(host for host in addresses if not ipaddress.ip_address(host).is_unspecified)


def _best_of(hosts: list[str]) -> str | None:
    """One that others are likely to reach."""
    return min(hosts, key=lambda host: (ipaddress.ip_address(host).is_loopback, host), default=None)
