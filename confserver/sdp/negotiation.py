"""Offer and answer for the audio of one call (RFC 3264, with the patterns of RFC 6337).

    they offer:  negotiate(offer) -> Agreed, then answer(offer, agreed, local) -> Description
    we offer:    offer(formats, local) -> Description, then accept(offer, their answer) -> Agreed

``previous`` is the last Agreed of the call, ``sent`` our last Description in it; both None at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from confserver.formats import FORMATS, Format
from confserver.sdp import extras, payloads
from confserver.sdp.agreement import PTIME_MS, Address, Agreed, Local, Numbered, Rejected, Warn
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
)
from confserver.sdp.direction import Before, Direction, meaning
from confserver.sdp.keying import answered, settled

__all__ = ["Agreed", "Local", "Rejected", "Warn", "accept", "answer", "negotiate", "next_version", "offer"]

USER = "confserver"
_PROGRESS = (Warn.MEDIA, Warn.TRANSPORT, Warn.FORMAT, Warn.NETWORK, Warn.ADDRESS, Warn.OTHER)
"""In the order in which an m-line is looked at: of several refusals, the peer hears the one that came furthest."""


# ------------------------------------------------------------------ they offer
def negotiate(
    offer: Description,
    formats: tuple[Format, ...] = FORMATS,
    previous: Agreed | None = None,
    allow: Direction = Direction.SENDRECV,
    secrets: Secrets | None = None,
    ptime_ms: int = PTIME_MS,
    best_effort: bool = False,
) -> Agreed:
    """Settle an offer: the first audio m-line that we can use, in the order of the offerer's formats.

    ``allow`` limits our direction. ``secrets`` makes our keys for RTP/SAVP; None: nothing here keeps keys secret, and
    no such line is taken. ``best_effort``: keys beside RTP/AVP are taken too (RFC 8643). ``ptime_ms``: how long our
    packets are where the peer has no wish.
    Raises Rejected, with the reason of the m-line that came furthest.
    """
    refusals: list[Rejected] = []
    for index in range(len(offer.media)):
        try:
            return _settled(offer, index, formats, previous, allow, secrets, ptime_ms, best_effort)
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
    ptime_ms: int,
    best_effort: bool,
) -> Agreed:
    media = offer.media[index]
    _check_line(media)
    crypto = settled(media, previous.crypto if previous else None, secrets, best_effort)
    mux = media.is_rtcp_mux()
    agreed = payloads.with_sound(payloads.understood(media, formats, {}, mux))
    connection = _connection(offer, media)
    stated = offer.direction_of(media)
    meant = meaning(stated, connection.is_null, previous.before if previous else Before.NEW)
    outgoing = payloads.first_sound(agreed)
    return Agreed(
        media_index=index,
        lines=tuple(map(_refused, offer.media)),
        remote=_remote(connection, media),
        remote_rtcp=_remote_rtcp(connection, media, mux),
        is_ipv6=connection.is_ipv6,
        rtcp_mux=mux,
        incoming=agreed,
        outgoing=outgoing,
        telephone_event=payloads.event_beside(outgoing, agreed),
        ptime_ms=payloads.packet_ms(media, outgoing, ptime_ms),
        maxptime_ms=media.maxptime_ms(),
        parameters=payloads.stated_parameters(media, agreed),
        stated=stated,
        direction=meant.answer.within(allow),
        held=meant.held,
        crypto=crypto,
        extras=extras.settled(offer, media),
    )


def answer(offer: Description, agreed: Agreed, local: Local, sent: Description | None = None) -> Description:
    """Our answer to an offer that has been settled: the same m-lines in the same order (RFC 3264 section 6)."""
    offered = offer.media[agreed.media_index].fmtps()
    parameters = {
        payload: _stated(local, format) if format.is_declarative else format.answer_fmtp(offered.get(payload, ""))
        for payload, format in agreed.incoming
    }
    audio = _audio(local, agreed.incoming, parameters, agreed.direction, agreed.rtcp_mux, agreed.crypto, agreed.extras)
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
    numbered = payloads.numbered(formats, previous.incoming if previous else ())
    direction = local.allow.within(Direction.SENDONLY) if hold else local.allow
    mux = previous.rtcp_mux if previous else local.rtcp_mux
    parameters = {payload: _stated(local, format) for payload, format in numbered}
    beside = previous.extras if previous else local.extras
    audio = _audio(local, numbered, parameters, direction, mux, previous.crypto if previous else None, beside)
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
    that the peer wants, ours those that we offered (section 5.1). An answer without a wish for the length of packets
    gets them as long as the offer asked for.
    """
    if len(answer.media) != len(offered.media):
        raise Rejected(Warn.OTHER, f"{len(answer.media)} m= lines answer {len(offered.media)}")
    index = next(index for index, media in enumerate(offered.media) if media.port)
    ours, theirs = offered.media[index], answer.media[index]
    _check_line(theirs)
    crypto = answered(ours, theirs)
    mux = ours.is_rtcp_mux() and theirs.is_rtcp_mux()
    ptime_ms = ours.ptime_ms() or PTIME_MS
    mine = payloads.understood(ours, formats, {}, mux)
    known = tuple(format for _, format in mine)
    wanted = payloads.with_sound(payloads.understood(theirs, known, ours.rtpmaps(), mux, ptime_ms))
    connection = _connection(answer, theirs)
    stated, direction, held = _answered_direction(offered, answer, index, connection.is_null, previous)
    outgoing = payloads.first_sound(wanted)
    return Agreed(
        media_index=index,
        lines=tuple(map(_refused, offered.media)),
        remote=_remote(connection, theirs),
        remote_rtcp=_remote_rtcp(connection, theirs, mux),
        is_ipv6=connection.is_ipv6,
        rtcp_mux=mux,
        incoming=payloads.by_our_numbers(wanted, mine),
        outgoing=outgoing,
        telephone_event=payloads.event_beside(outgoing, wanted),
        ptime_ms=payloads.packet_ms(theirs, outgoing, ptime_ms),
        maxptime_ms=theirs.maxptime_ms(),
        parameters=payloads.stated_parameters(theirs, wanted),
        stated=stated,
        direction=direction,
        held=held,
        crypto=crypto,
        extras=extras.accepted(ours, answer, theirs),
    )


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


def _remote(connection: Connection, media: Media) -> Address | None:
    return None if connection.is_null else (connection.host, media.port)


def _remote_rtcp(connection: Connection, media: Media, mux: bool) -> Address | None:
    """By ``a=rtcp`` (RFC 3605 section 2.1), else the next port (RFC 3550 section 11), or the same one."""
    if connection.is_null:
        return None
    place = RtcpPlace(media.port) if mux else media.rtcp() or RtcpPlace(media.port + 1)
    host = place.host or connection.host
    return (host, place.port) if 0 < place.port <= MOST_PORT and host not in NULL_HOSTS else None


# ------------------------------------------------------------------ making a description
def _stated(local: Local, format: Format) -> str:
    return local.parameters.get(format.name, format.fmtp)


def _audio(
    local: Local,
    numbered: tuple[Numbered, ...],
    parameters: Mapping[int, str | None],
    direction: Direction,
    mux: bool,
    crypto: Crypto | None,
    beside: extras.Extras,
) -> Media:
    attributes = [crypto.line.attribute] if crypto else []
    attributes += payloads.attributes(numbered, parameters, local.ptime_ms)
    if mux:
        attributes.append(Attribute("rtcp-mux"))
    elif local.rtcp_port not in (None, local.port + 1):
        attributes.append(Attribute("rtcp", str(local.rtcp_port)))
    attributes += extras.attributes(beside)
    attributes.append(Attribute(direction.value))
    return Media(
        kind="audio",
        port=local.port,
        proto=crypto.proto if crypto else PLAIN,
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
