"""A call's trace as it is told: the ladder in words, and a pcap without keys, with the last minute's RTP headers."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed

from confserver.app.captures import Captures, Media
from confserver.app.orders import Orders
from confserver.focus.legs import Leg
from confserver.routing.refusals import NotFound
from confserver.sdp import text as sdp
from confserver.sip import outputs as sip
from confserver.sip.blanking import blanked
from confserver.sip.flow import written
from confserver.sip.grammar import Malformed, printable
from confserver.sip.message import Request, Response, parse
from confserver.sip.pcap import Packet, pcap
from confserver.sip.trace import Passed, Story, Trace

STATIC = {"0": "PCMU", "3": "GSM", "8": "PCMA", "9": "G722", "13": "CN", "18": "G729"}
"""RFC 3551 section 6: payload types that need no rtpmap."""
MOST_WORDS = 300

MOST_ENDED = 2000


class House(Protocol):
    """What is asked of the focus."""

    def call_of(self, participant: str) -> int | None: ...
    def leg_of(self, call: int) -> Leg | None: ...
    def media_of(self, call: int) -> dict[str, Any] | None: ...


class Tracing:
    """Answers ``trace list``, ``trace show`` and ``trace pcap``."""

    def __init__(self, trace: Trace, captures: Captures) -> None:
        self._trace = trace
        self._captures = captures
        self._house: House
        self._ended: OrderedDict[int, tuple[Media | None, Mapping[str, object] | None]] = OrderedDict()
        """Of calls that are over: where their sound went, and what it was worth."""

    def use(self, house: House) -> None:
        self._house = house

    def follow(self, event: sip.Output) -> None:
        """Before the focus hears of it, which forgets the leg."""
        if isinstance(event, sip.CallEnded) and self._house.leg_of(event.call) is not None:
            self._ended[event.call] = self._where(event.call), self._house.media_of(event.call)
            if len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)

    def _where(self, call: int) -> Media | None:
        leg = self._house.leg_of(call)
        if leg is None:
            return self._ended.get(call, (None, None))[0]
        return Media(leg.worker, leg.id, (leg.local_host, leg.port), leg.remote)

    def _worth(self, call: int) -> Mapping[str, object] | None:
        return self._house.media_of(call) or self._ended.get(call, (None, None))[1]

    def join(self, orders: Orders) -> None:
        orders.answers["trace list"] = lambda names, now: [_row(story) for story in self._trace.stories()]
        orders.answers["trace show"] = lambda names, now: self._show(self._find(names["call"]))
        orders.answers["trace pcap"] = lambda names, now: self._file(self._find(names["call"]))

    def _find(self, name: str) -> Story:
        """By our number of the call, a participant's id, or a Call-ID. Raises NotFound."""
        call = self._house.call_of(name)
        story = self._trace.find(name if call is None else str(call))
        if story is None:
            raise NotFound(f"no messages of a call {printable(name)[:80]!r} are kept; confserver trace lists the calls")
        return story

    def _show(self, story: Story) -> Mapping[str, object]:
        return {
            **_row(story),
            "left_out": story.left_out,
            "media": self._worth(story.number) if story.number else None,
            "steps": [_step(passed, story.begun_at) for passed in story],
        }

    def _file(self, story: Story) -> Deferred[Mapping[str, object]]:
        """With the RTP headers of the last minute, where a worker knows them."""
        media = self._where(story.number) if story.number else None
        heard: Deferred[list[Packet]] = self._captures.ask(media) if media is not None else succeed([])

        def written_down(sound: list[Packet]) -> Mapping[str, object]:
            packets = sorted([*_packets(story), *sound], key=lambda packet: packet.at)
            told = base64.b64encode(pcap(packets)).decode("ascii")
            return {"call_id": printable(story.call_id), "rtp": len(sound), "pcap": told}

        return heard.addCallback(written_down)


def _row(story: Story) -> dict[str, object]:
    first = story.first[0]
    return {
        "call": story.number,
        "call_id": printable(story.call_id),
        "peer": written(first.flow.remote),
        "since": story.begun_at,
        "messages": len(story),
        "over": story.is_over,
    }


# ------------------------------------------------------------------ the ladder
def _step(passed: Passed, begun_at: float) -> dict[str, object]:
    return {
        "at": passed.at,
        "after_s": round(passed.at - begun_at, 4),
        "ours": passed.is_ours,
        "transport": passed.flow.transport,
        "local": written(passed.flow.local),
        "remote": written(passed.flow.remote),
        "words": words_of(passed.data),
        "text": "\n".join(map(printable, blanked(passed.data).decode("utf-8", "replace").split("\r\n"))),
    }


def words_of(data: bytes) -> str:
    """What a message says, in a line."""
    try:
        message = parse(data)
    except Malformed as fault:
        return f"what cannot be read: {printable(fault.reason)[:80]}"
    if isinstance(message, Request):
        words = f"{message.method} {message.uri}"
        words += f" for {message.cseq.number}" if message.method in ("ACK", "CANCEL") else ""
    else:
        words = f"{message.status} {message.reason} to {message.cseq.method}"
    extra = [_warning(message), _reason(message), _media(message)]
    return printable(", ".join([words, *(each for each in extra if each)]))[:MOST_WORDS]


def _warning(message: Request | Response) -> str:
    said = message.headers.get("Warning") or ""
    return f"because {said.partition(' ')[2]}" if said else ""


def _reason(message: Request | Response) -> str:
    said = message.headers.get("Reason") or ""
    return f"reason {said}" if said else ""


def _media(message: Request | Response) -> str:
    """Where sound is wanted, and as what."""
    if message.content_type != "application/sdp":
        return f"with {message.content_type}" if message.body else ""
    try:
        description = sdp.parse(message.body)
    except sdp.Bad as bad:
        return f"with SDP that cannot be read: {bad}"
    said = []
    for media in description.media:
        maps = {str(number): kept.encoding for number, kept in media.rtpmaps().items()}
        names = " ".join(maps.get(each) or STATIC.get(each, each) for each in media.formats[:12])
        place = media.connection or description.connection
        host = place.host if place is not None else "?"
        direction = media.direction or description.direction
        way = f" {direction.value}" if direction is not None else ""
        said.append(f"{media.kind} at {written((host, media.port))} {names}{way}" if media.port else f"no {media.kind}")
    return "; ".join(said) or "with SDP of no media"


# ------------------------------------------------------------------ the file
def _packets(story: Story) -> list[Packet]:
    packets = []
    for passed in story:
        flow = passed.flow
        source, target = (flow.local, flow.remote) if passed.is_ours else (flow.remote, flow.local)
        packets.append(Packet(passed.at, source, target, flow.is_reliable, blanked(passed.data)))
    return packets
