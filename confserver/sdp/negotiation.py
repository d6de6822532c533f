"""Offer and answer for the audio of one call (RFC 3264, with the patterns of RFC 6337).

    they offer:  negotiate(offer) -> Agreed, then answer(offer, agreed, local) -> Description
    we offer:    offer(formats, local) -> Description, then accept(offer, their answer) -> Agreed

``previous`` is the last Agreed of the call, ``sent`` our last Description in it; both None at first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from confserver.formats import FORMATS, TELEPHONE_EVENT, Format
from confserver.sdp.agreement import (
    LONGEST_MS,
    PTIME_MS,
    SHORTEST_MS,
    STEP_MS,
    Address,
    Agreed,
    Local,
    Numbered,
    Rejected,
    Warn,
)
from confserver.sdp.crypto import PLAIN, PROTECTED, Crypto, Secrets, is_protected
from confserver.sdp.description import (
    MOST_PORT,
    NULL_HOSTS,
    Attribute,
    Connection,
    Description,
    Line,
    Media,
    Origin,
    RtcpPlace,
    RtpMap,
    number,
)
from confserver.sdp.direction import Before, Direction, meaning
from confserver.sdp.keying import answered, settled

__all__ = ["Agreed", "Local", "Rejected", "Warn", "accept", "answer", "negotiate", "next_version", "offer"]

USER = "confserver"
DYNAMIC = range(96, 128)
"""RFC 3551 section 3."""
RTCP_LOOKALIKES = range(64, 96)
"""RFC 5761 section 4: no payload types where RTP and RTCP share a port."""

_PROGRESS = (Warn.MEDIA, Warn.TRANSPORT, Warn.FORMAT, Warn.NETWORK, Warn.ADDRESS, Warn.OTHER)
"""In the order in which an m-line is looked at: of several refusals, the peer hears the one that came furthest."""


# ------------------------------------------------------------------ they offer
def negotiate(
    offer: Description,
    formats: tuple[Format, ...] = FORMATS,
    previous: Agreed | None = None,
    allow: Direction = Direction.SENDRECV,
    secrets: Secrets | None = None,
) -> Agreed:
    """Settle an offer: the first audio m-line that we can use, in the order of the offerer's formats.

    ``allow`` limits our direction. ``secrets`` makes our keys for RTP/SAVP; None: nothing here keeps keys secret, and
    no such line is taken. Raises Rejected, with the reason of the m-line that came furthest.
    """
    refusals: list[Rejected] = []
    for index in range(len(offer.media)):
        try:
            return _settled(offer, index, formats, previous, allow, secrets)
        except Rejected as refusal:
            refusals.append(refusal)
    no_audio = Rejected(Warn.MEDIA, "no audio offered")
    raise max(refusals, key=lambda refusal: _PROGRESS.index(Warn(refusal.warning_code)), default=no_audio)


def _settled(
    offer: Description,
    index: int,
    formats: tuple[Format, ...],
    previous: Agreed | None,
    allow: Direction,
    secrets: Secrets | None,
) -> Agreed:
    media = offer.media[index]
    _check_line(media)
    crypto = settled(media, previous.crypto if previous else None, secrets)
    mux = media.is_rtcp_mux()
    agreed = _with_sound(_understood(media, formats, {}, mux))
    connection = _connection(offer, media)
    stated = offer.direction_of(media)
    meant = meaning(stated, connection.is_null, previous.before if previous else Before.NEW)
    outgoing = next(each for each in agreed if each[1].is_audio)
    return Agreed(
        media_index=index,
        lines=tuple(map(_refused, offer.media)),
        remote=_remote(connection, media),
        remote_rtcp=_remote_rtcp(connection, media, mux),
        is_ipv6=connection.is_ipv6,
        rtcp_mux=mux,
        incoming=agreed,
        outgoing=outgoing,
        telephone_event=_event_beside(outgoing, agreed),
        ptime_ms=_ptime_ms(media),
        maxptime_ms=media.maxptime_ms(),
        stated=stated,
        direction=meant.answer.within(allow),
        held=meant.held,
        crypto=crypto,
    )


def answer(offer: Description, agreed: Agreed, local: Local, sent: Description | None = None) -> Description:
    """Our answer to an offer that has been settled: the same m-lines in the same order (RFC 3264 section 6)."""
    offered = offer.media[agreed.media_index].fmtps()
    parameters = {payload: format.answer_fmtp(offered.get(payload, "")) for payload, format in agreed.incoming}
    audio = _audio(local, agreed.incoming, parameters, agreed.direction, agreed.rtcp_mux, agreed.crypto)
    times = tuple(line for line in offer.others if line[0] == "t")  # RFC 3264 section 6: equal to the offer's
    return _described(local, _placed(audio, agreed), times, sent)


# ------------------------------------------------------------------ we offer
def offer(
    formats: tuple[Format, ...],
    local: Local,
    previous: Agreed | None = None,
    hold: bool = False,
    sent: Description | None = None,
) -> Description:
    """Our offer. Within a call it keeps payload types, m-lines, rtcp-mux (RFC 3264 section 8) and our key.

    The direction is what we wish for, not what was last settled (RFC 6337 section 5.3); ``hold`` makes us deaf.
    """
    numbered = _numbered(formats, previous)
    direction = local.allow.within(Direction.SENDONLY) if hold else local.allow
    mux = previous.rtcp_mux if previous else local.rtcp_mux
    parameters = {payload: format.fmtp for payload, format in numbered}
    audio = _audio(local, numbered, parameters, direction, mux, previous.crypto if previous else None)
    lines = _placed(audio, previous) if previous else (audio,)
    return _described(local, lines, (("t", "0 0"),), sent)


def accept(
    offered: Description,
    answer: Description,
    previous: Agreed | None = None,
    formats: tuple[Format, ...] = FORMATS,
) -> Agreed:
    """Settle the answer to our offer. Raises Rejected where it refuses, or does not fit the offer.

    Of an answer's formats those count that we have offered (RFC 3264 section 6.1); its payload types are those
    that the peer wants, ours those that we offered (section 5.1).
    """
    if len(answer.media) != len(offered.media):
        raise Rejected(Warn.OTHER, f"{len(answer.media)} m= lines answer {len(offered.media)}")
    index = next(index for index, media in enumerate(offered.media) if media.port)
    ours, theirs = offered.media[index], answer.media[index]
    _check_line(theirs)
    crypto = answered(ours, theirs)
    mux = ours.is_rtcp_mux() and theirs.is_rtcp_mux()
    mine = _understood(ours, formats, {}, mux)
    wanted = _with_sound(_understood(theirs, tuple(format for _, format in mine), ours.rtpmaps(), mux))
    connection = _connection(answer, theirs)
    stated, direction, held = _answered_direction(offered, answer, index, connection.is_null, previous)
    outgoing = next(each for each in wanted if each[1].is_audio)
    return Agreed(
        media_index=index,
        lines=tuple(map(_refused, offered.media)),
        remote=_remote(connection, theirs),
        remote_rtcp=_remote_rtcp(connection, theirs, mux),
        is_ipv6=connection.is_ipv6,
        rtcp_mux=mux,
        incoming=_by_our_numbers(wanted, mine),
        outgoing=outgoing,
        telephone_event=_event_beside(outgoing, wanted),
        ptime_ms=_ptime_ms(theirs),
        maxptime_ms=theirs.maxptime_ms(),
        stated=stated,
        direction=direction,
        held=held,
        crypto=crypto,
    )


def _by_our_numbers(wanted: tuple[Numbered, ...], mine: tuple[Numbered, ...]) -> tuple[Numbered, ...]:
    """What the peer wants to receive, under the numbers that we gave; the same number where both use it."""
    first = {format: (payload, format) for payload, format in reversed(mine)}
    return tuple(dict.fromkeys(each if each in mine else first[each[1]] for each in wanted))


def _answered_direction(
    offered: Description, answer: Description, index: int, null_address: bool, previous: Agreed | None
) -> tuple[Direction, Direction, bool]:
    """The peer's direction, ours, and whether it holds us.

    Where our offer would not send, the peer had no choice but not to hear: nothing new is known of its own wishes.
    """
    ours = offered.direction_of(offered.media[index])
    stated = answer.direction_of(answer.media[index])
    meant = meaning(stated, null_address, previous.before if previous else Before.NEW)
    if ours.sends or null_address:
        return stated, ours.within(meant.answer), meant.held
    wished = previous.stated if previous else Direction.SENDRECV
    return wished, ours.within(meant.answer), previous is not None and previous.held


def _numbered(formats: tuple[Format, ...], previous: Agreed | None) -> tuple[Numbered, ...]:
    """Payload types for an offer: what was agreed first, under its number (RFC 3264 section 8.3.2), then the rest."""
    numbered = [each for each in (previous.incoming if previous else ()) if each[1] in formats]
    taken = {payload for payload, _ in numbered}
    known = {format for _, format in numbered}
    for format in formats:
        if format in known:
            continue
        wanted = format.static_payload_type
        if wanted is None or wanted in taken:
            choices: Iterable[int] = (format.usual_payload_type, *DYNAMIC)
            wanted = next(payload for payload in choices if payload not in taken)
        numbered.append((wanted, format))
        taken.add(wanted)
    return tuple(numbered)


# ------------------------------------------------------------------ reading an m-line
def _check_line(media: Media) -> None:
    if media.kind != "audio":
        raise Rejected(Warn.MEDIA, "no audio offered")
    if media.port == 0:
        raise Rejected(Warn.MEDIA, "audio is switched off (port 0)")
    if media.proto.upper() != PLAIN and not is_protected(media):
        raise Rejected(Warn.TRANSPORT, f"{media.proto[:40]} is not supported, only {PLAIN} and {PROTECTED}")


def _connection(description: Description, media: Media) -> Connection:
    connection = description.connection_of(media)
    if connection is None:
        raise Rejected(Warn.OTHER, "no c= line for the audio", status=400)
    if not connection.is_internet:
        raise Rejected(Warn.NETWORK, f"network {connection.network[:40]} is not supported, only IN")
    if not connection.is_address and not connection.is_null:
        raise Rejected(Warn.ADDRESS, f"{connection.host[:60]} is not an IP address")
    return connection


def _understood(
    media: Media, formats: tuple[Format, ...], also: Mapping[int, RtpMap], mux: bool
) -> tuple[Numbered, ...]:
    """The formats of an m-line that are ours too, in its order; ``also`` are maps for numbers that it leaves out."""
    maps, parameters = {**also, **media.rtpmaps()}, media.fmtps()
    found: dict[int, Format] = {}
    for text in media.formats:
        payload = number(text, 127)
        if payload is None or payload in found or (mux and payload in RTCP_LOOKALIKES):
            continue
        format = _meant(payload, maps.get(payload), formats)
        if format is not None and format.answer_fmtp(parameters.get(payload, "")) is not None:
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


def _with_sound(understood: tuple[Numbered, ...]) -> tuple[Numbered, ...]:
    """Sound, and what goes along with sound of the same clock (RFC 4733 section 2.1)."""
    clocks = {format.clock_hz for _, format in understood if format.is_audio}
    if not clocks:
        raise Rejected(Warn.FORMAT, "no audio format in common")
    return tuple(each for each in understood if each[1].clock_hz in clocks)


def _event_beside(outgoing: Numbered, agreed: tuple[Numbered, ...]) -> int | None:
    for payload, format in agreed:
        if format.encoding == TELEPHONE_EVENT.encoding and format.clock_hz == outgoing[1].clock_hz:
            return payload
    return None


def _remote(connection: Connection, media: Media) -> Address | None:
    return None if connection.is_null else (connection.host, media.port)


def _remote_rtcp(connection: Connection, media: Media, mux: bool) -> Address | None:
    """By ``a=rtcp`` (RFC 3605 section 2.1), else the next port (RFC 3550 section 11), or the same one."""
    if connection.is_null:
        return None
    place = RtcpPlace(media.port) if mux else media.rtcp() or RtcpPlace(media.port + 1)
    host = place.host or connection.host
    return (host, place.port) if 0 < place.port <= MOST_PORT and host not in NULL_HOSTS else None


def _ptime_ms(media: Media) -> int:
    """What we shall send, for what the peer would like and can take (RFC 8866 sections 6.4 and 6.5)."""
    most = min(media.maxptime_ms() or LONGEST_MS, LONGEST_MS)
    wanted = min(media.ptime_ms() or PTIME_MS, most)
    return max(SHORTEST_MS, int(wanted) // STEP_MS * STEP_MS)


# ------------------------------------------------------------------ making a description
def _audio(
    local: Local,
    numbered: tuple[Numbered, ...],
    parameters: Mapping[int, str | None],
    direction: Direction,
    mux: bool,
    crypto: Crypto | None,
) -> Media:
    attributes = [crypto.line.attribute] if crypto else []
    for payload, format in numbered:
        attributes.append(Attribute("rtpmap", f"{payload} {format.rtpmap}"))
        if parameters[payload]:
            attributes.append(Attribute("fmtp", f"{payload} {parameters[payload]}"))
    attributes.append(Attribute("ptime", str(local.ptime_ms)))
    if mux:
        attributes.append(Attribute("rtcp-mux"))
    elif local.rtcp_port not in (None, local.port + 1):
        attributes.append(Attribute("rtcp", str(local.rtcp_port)))
    attributes.append(Attribute(direction.value))
    return Media(
        kind="audio",
        port=local.port,
        proto=PROTECTED if crypto else PLAIN,
        formats=tuple(str(payload) for payload, _ in numbered),
        attributes=tuple(attributes),
    )


def _refused(media: Media) -> Media:
    """The m-line with port 0 (RFC 3264 section 6); at least one format must stand there (RFC 8866 section 9)."""
    return Media(kind=media.kind, port=0, proto=media.proto, formats=media.formats or ("0",))


def _placed(audio: Media, agreed: Agreed) -> tuple[Media, ...]:
    index = agreed.media_index
    return (*agreed.lines[:index], audio, *agreed.lines[index + 1 :])


def _described(
    local: Local, lines: tuple[Media, ...], times: tuple[Line, ...], sent: Description | None
) -> Description:
    family = "IP6" if ":" in local.host else "IP4"
    described = Description(
        origin=Origin(USER, str(local.session_id), str(local.session_version), "IN", family, local.host),
        connection=Connection("IN", family, local.host),
        others=times,
        media=lines,
    )
    return next_version(described, sent)


def next_version(description: Description, sent: Description | None) -> Description:
    """The description with the origin that must follow ``sent``'s: the same, and one version on if all is not equal.

    RFC 3264 section 8: nothing else of the o= line may change, also where our address does.
    """
    if sent is None:
        return description
    same = replace(description, origin=sent.origin)
    if same == sent:
        return same
    return replace(same, origin=replace(sent.origin, version=str(int(sent.origin.version) + 1)))
