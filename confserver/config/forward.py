"""Whither the sound of rooms may be sent on."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from msgspec import Meta

from confserver.config.sip import IPNetwork, Section


class Forward(Section, frozen=True):
    """Sound that is sent on to programs as RTP: streaming servers, recorders, transcription."""

    networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks and IP addresses that the sound of rooms may be sent to (confserver room forward); "
            "none listed: nowhere. Whoever administers the server can send steady streams to all of them."
        ),
    ] = ()

    def listed(self) -> tuple[IPNetwork, ...]:
        return tuple(ipaddress.ip_network(text, strict=False) for text in self.networks)
