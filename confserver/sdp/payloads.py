"""Which formats stand in an m-line under which numbers, and how much sound a packet holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from confserver.formats import OPUS, TELEPHONE_EVENT, Format, opus
from confserver.sdp.agreement import LONGEST_MS, PTIME_MS, Numbered, Rejected, Warn
from confserver.sdp.description import Attribute, Media, RtpMap, number

DYNAMIC = range(96, 128)
"""RFC 3551 section 3."""
RTCP_LOOKALIKES = range(64, 96)
"""RFC 5761 section 4: no payload types where RTP and RTCP share a port."""

Parameters = tuple[tuple[str, str], ...]
"""Formats by name, and the ``a=fmtp`` of each."""


# ------------------------------------------------------------------ reading
def understood(
    media: Media, formats: tuple[Format, ...], also: Mapping[int, RtpMap], mux: bool, ptime_ms: float = PTIME_MS
) -> tuple[Numbered, ...]:
    """The formats of an m-line that are ours too, in its order; ``also`` are maps for numbers that it leaves out.

    ``ptime_ms``: what its writer wants where the m-line does not say.
    """
    maps, parameters = {**also, **media.rtpmaps()}, media.fmtps()
    wanted_ms = min(media.ptime_ms() or ptime_ms, media.maxptime_ms() or LONGEST_MS)
    found: dict[int, Format] = {}
    for text in media.formats:
        payload = number(text, 127)
        if payload is None or payload in found or (mux and payload in RTCP_LOOKALIKES):
            continue
        format = _meant(payload, maps.get(payload), formats)
        if format is None or not _is_sendable(format, wanted_ms):
            continue
        if format.answer_fmtp(parameters.get(payload, "")) is not None:
            found[payload] = format
    return tuple(found.items())


def _meant(payload: int, rtpmap: RtpMap | None, formats: tuple[Format, ...]) -> Format | None:
    """What a payload type means: by its map, else by the fixed table (RFC 3551 section 6)."""
    for format in formats:
        if rtpmap is None:
            if format.static_payload_type == payload:
                return format
        elif format.is_called(rtpmap.encoding, rtpmap.clock_hz, rtpmap.channels):
            return format
    return None


def _is_sendable(format: Format, wanted_ms: float) -> bool:
    """A format too large for packets of the usual length is only for those who want shorter ones (L16 at 48 kHz)."""
    return format.packets_ms[-1] >= min(wanted_ms, PTIME_MS)


def with_sound(understood: tuple[Numbered, ...]) -> tuple[Numbered, ...]:
    """Sound, and what goes along with sound of the same clock (RFC 4733 section 2.1). Raises Rejected."""
    kept = _of_clocks(understood)
    if not kept:
        raise Rejected(Warn.FORMAT, "no audio format in common")
    return kept


def _of_clocks(named: tuple[Numbered, ...]) -> tuple[Numbered, ...]:
    """Those with the clock of some sound among them; nothing where there is no sound."""
    clocks = {format.clock_hz for _, format in named if format.is_audio}
    return tuple(each for each in named if each[1].clock_hz in clocks)


def first_sound(agreed: tuple[Numbered, ...]) -> Numbered:
    return next(each for each in agreed if each[1].is_audio)


def event_beside(outgoing: Numbered, agreed: tuple[Numbered, ...]) -> int | None:
    """The payload type of key presses that go along with what we send."""
    for payload, format in agreed:
        if format.encoding == TELEPHONE_EVENT.encoding and format.clock_hz == outgoing[1].clock_hz:
            return payload
    return None


def stated_parameters(media: Media, agreed: tuple[Numbered, ...]) -> Parameters:
    """What the writer of an m-line states of the formats whose parameters are declarations, each once."""
    texts = media.fmtps()
    stated = {format.name: texts.get(payload, "") for payload, format in reversed(agreed) if format.is_declarative}
    return tuple(stated.items())


def packet_ms(media: Media, outgoing: Numbered, ptime_ms: float = PTIME_MS) -> int:
    """How much sound we send in a packet, for what the peer would like and can take (RFC 8866 sections 6.4, 6.5).

    ``ptime_ms``: what we would like ourselves, and send to a peer that does not say.
    """
    payload, format = outgoing
    parameters = opus.read(media.fmtps().get(payload, "") if format is OPUS else "")
    wanted = media.ptime_ms() or parameters.ptime or ptime_ms
    most = min(media.maxptime_ms() or LONGEST_MS, parameters.maxptime or LONGEST_MS)
    return format.packet_ms(wanted, most)


# ------------------------------------------------------------------ writing
def numbered(formats: tuple[Format, ...], previous: tuple[Numbered, ...]) -> tuple[Numbered, ...]:
    """Payload types for an offer: what was agreed first, under its number (RFC 3264 section 8.3.2), then the rest."""
    given = [each for each in previous if each[1] in formats]
    taken = {payload for payload, _ in given}
    known = {format for _, format in given}
    for format in formats:
        if format in known:
            continue
        wanted = format.static_payload_type
        if wanted is None or wanted in taken:
            choices: Iterable[int] = (format.usual_payload_type, *DYNAMIC)
            wanted = next(payload for payload in choices if payload not in taken)
        given.append((wanted, format))
        taken.add(wanted)
    return _of_clocks(tuple(given))


def by_our_numbers(wanted: tuple[Numbered, ...], mine: tuple[Numbered, ...]) -> tuple[Numbered, ...]:
    """What the peer wants to receive, under the numbers that we gave; the same number where both use it."""
    first = {format: (payload, format) for payload, format in reversed(mine)}
    return tuple(dict.fromkeys(each if each in mine else first[each[1]] for each in wanted))


def attributes(
    numbered: tuple[Numbered, ...], parameters: Mapping[int, str | None], ptime_ms: int
) -> Iterator[Attribute]:
    """What an m-line of ours says of its formats, and of the packets that we would like (RFC 8866 section 6.4)."""
    for payload, format in numbered:
        yield Attribute("rtpmap", f"{payload} {format.rtpmap}")
        if parameters[payload]:
            yield Attribute("fmtp", f"{payload} {parameters[payload]}")
    most = min((format.packets_ms[-1] for _, format in numbered if format.is_audio), default=LONGEST_MS)
    yield Attribute("ptime", str(min(ptime_ms, most)))
    if most < LONGEST_MS:
        yield Attribute("maxptime", str(most))
