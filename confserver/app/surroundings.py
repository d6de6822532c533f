"""Where we are: this machine's addresses, and how each peer and each worker is told of them."""

from __future__ import annotations

import secrets

from confserver.config import Settings
from confserver.focus.media import Ground
from confserver.routing.guard import Guard, address_in
from confserver.sip.flow import Flow
from confserver.transports.addresses import attached_networks, local_addresses
from confserver.transports.links import WorkerSettings


class Surroundings:
    """Follows the machine's addresses; ``guard`` is kept up to date with them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._local = frozenset(local_addresses())
        self.guard = Guard(settings.sip.trusted(), attached_networks())

    def look_again(self) -> None:
        self._local = frozenset(local_addresses())
        self.guard.attached = tuple(attached_networks())

    def host_for(self, flow: Flow) -> str:
        """The host that Contact, Via and SDP say to a peer (docs/architecture.md, "Ports and addresses")."""
        sip, peer = self._settings.sip, address_in(flow.remote[0])
        if not sip.public_address or peer is None or any(peer in network for network in sip.local()):
            return flow.local[0]
        return sip.public_address

    def ground(self) -> Ground:
        """Where our own media ports are."""
        return Ground(self._local, self._settings.rtp.port_min, self._settings.rtp.port_max)

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
            cname=f"{secrets.token_hex(6)}@confserver",
        )
