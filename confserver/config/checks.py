"""What a type cannot say of a setting: each row of ``CHECKS`` raises ValueError with the reason in words."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

from confserver.config.http_checks import HTTP_CHECKS
from confserver.config.route_checks import check_groups, check_routes
from confserver.config.settings import IPAddress, Settings
from confserver.config.trunks import Trunk
from confserver.config.webhooks import check_webhooks

MOST_ATTRIBUTES = 16
DENOISER = "pyrnnoise"
"""The package that carries RNNoise."""


def _check_addresses(texts: tuple[str, ...]) -> None:
    for text in texts:
        address = _address(text)
        if address.is_multicast:
            raise ValueError(f"{text} is a multicast address")
    if len(set(texts)) < len(texts):
        raise ValueError("names an address twice")


def _check_sip_addresses(settings: Settings) -> None:
    _check_addresses(settings.sip.addresses)
    for address in settings.sip.listens_on():
        if address.is_unspecified:
            raise ValueError(f"{address} is no address of its own; list none to listen on every one")


def _address(text: str) -> IPAddress:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def _check_networks(texts: tuple[str, ...]) -> None:
    for text in texts:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is not a network such as 192.0.2.0/24") from None
        if "/" in text and ipaddress.ip_interface(text).ip != network.network_address:
            raise ValueError(f"{text} has host bits set; did you mean {network}?")


def _check_public_address(settings: Settings) -> None:
    text = settings.sip.public_address
    if text and (_address(text).is_unspecified or _address(text).is_multicast):
        raise ValueError(f"no peer can reach {text}")


def _check_attribute_headers(settings: Settings) -> None:
    names = [name.lower() for name in settings.sip.attribute_headers]
    if len(names) > MOST_ATTRIBUTES or len(set(names)) < len(names):
        raise ValueError(f"list up to {MOST_ATTRIBUTES} headers, and each once")
    for name in names:
        if not re.fullmatch(r"x-[a-z0-9-]{1,62}", name):
            raise ValueError(f"{name!r} is not a header of one's own such as X-Account")
        if name in ("x-pin", "x-enter"):
            raise ValueError(f"{name} has a meaning of its own, and is never shown")


def _check_drain_to(settings: Settings) -> None:
    if settings.limits.drain_to:
        trunk_host(settings.limits.drain_to)


def _check_transports(settings: Settings) -> None:
    transports = settings.sip.transports
    if not transports or len(set(transports)) < len(transports):
        raise ValueError("list at least one of udp, tcp, tls, ws and wss, and each once")


def _check_tcp_ports(settings: Settings) -> None:
    """Each transport over TCP wants one of its own."""
    sip = settings.sip
    taken: dict[int, str] = {}
    for transport, port in {"tcp": sip.port, **sip.other_ports()}.items():
        if port and transport in sip.transports:
            if port in taken:
                raise ValueError(f"{port} is the port of {taken[port]} already")
            taken[port] = transport


def _check_certificate(settings: Settings) -> None:
    sip = settings.sip
    if bool(sip.tls_certificate) != bool(sip.tls_key):
        raise ValueError("sip.tls_certificate and sip.tls_key go together")
    for text in (sip.tls_certificate, sip.tls_key):
        _check_path_if_any(text)


def _check_ws_path(settings: Settings) -> None:
    if settings.sip.ws_path and not re.fullmatch(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", settings.sip.ws_path):
        raise ValueError(f"{settings.sip.ws_path!r} is not the path of a URL, such as /ws")


def _check_origins(settings: Settings) -> None:
    for text in settings.sip.ws_origins:
        if text != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#\s]+", text.lower()):
            raise ValueError(f"{text!r} is not an origin such as https://phone.example.com, without a path")


def _check_port_min(settings: Settings) -> None:
    if settings.rtp.port_min % 2:
        raise ValueError(f"{settings.rtp.port_min} is odd; RTP takes even ports")


def _check_port_max(settings: Settings) -> None:
    low, high, workers = settings.rtp.port_min, settings.rtp.port_max, settings.media.worker_count()
    if high <= low:
        raise ValueError(f"{high} is not above rtp.port_min, {low}")
    if high % 2 == 0:
        raise ValueError(f"{high} is even; the range ends with the odd port of a pair")
    if (high - low + 1) // 2 < workers:
        raise ValueError(f"{low} to {high} has fewer port pairs than there are media workers, {workers}")
    if "udp" in settings.sip.transports and low <= settings.sip.port <= high:
        raise ValueError(f"{low} to {high} holds sip.port, {settings.sip.port}")


def _check_codecs(settings: Settings) -> None:
    codecs = settings.media.codecs
    if not codecs or len(set(codecs)) < len(codecs):
        raise ValueError("list at least one codec, and each once")


def _check_denoise(settings: Settings) -> None:
    if settings.media.denoise and importlib.util.find_spec(DENOISER) is None:
        raise ValueError("wants the extra denoise, which is not installed: pip install 'confserver[denoise]'")


def _check_path(text: str) -> None:
    if "\0" in text:
        raise ValueError("holds a zero byte")
    if not Path(text).expanduser().is_absolute():
        raise ValueError(f"{text} is neither absolute nor from ~")


def _check_path_if_any(text: str) -> None:
    if text:
        _check_path(text)


def _check_voice(settings: Settings) -> None:
    if not re.fullmatch(r"(?:[A-Za-z][A-Za-z0-9+_/-]{0,40})?", settings.sounds.voice):
        raise ValueError(f"{settings.sounds.voice!r} is no voice of espeak-ng")


def _check_prefixes(settings: Settings) -> None:
    for text in settings.dialout.prefixes:
        if text != "*" and not re.fullmatch(r"\+?[0-9*#]{1,32}", text):
            raise ValueError(f"{text!r} is not the beginning of a number, such as +4930")


def _check_domains(settings: Settings) -> None:
    for text in settings.dialout.domains:
        if text != "*" and not re.fullmatch(r"\[?[A-Za-z0-9.:_-]{1,253}\]?(?:/[0-9]{1,3})?", text):
            raise ValueError(f"{text!r} is neither a host, a network, nor *")
        if "/" in text:
            _check_networks((text,))


def _check_caller(settings: Settings) -> None:
    _check_sip_address(settings.dialout.caller)
    for text in settings.dialout.caller_ids:
        _check_sip_address(text)


def _check_sip_address(text: str) -> None:
    if text and not re.fullmatch(r"sips?:[^@<>\s;?]+@[^@<>\s;?]+", text):
        raise ValueError(f"{text!r} is not an address such as sip:conference@example.com")


def _check_realm(settings: Settings) -> None:
    realm = settings.users.realm
    if not realm or len(realm) > 64 or not realm.isascii() or not realm.isprintable() or set(realm) & set('"\\'):
        raise ValueError("has 1 to 64 printable ASCII characters, no quotes and no backslashes")


def _check_algorithms(settings: Settings) -> None:
    algorithms = settings.users.algorithms
    if not algorithms or len(set(algorithms)) < len(algorithms):
        raise ValueError("list at least one algorithm, and each once")


def _check_user_domains(settings: Settings) -> None:
    for text in settings.users.domains:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", text):
            raise ValueError(f"{text!r} is not a domain name such as example.com")


def _check_expires(settings: Settings) -> None:
    users = settings.users
    if not users.min_expires_s <= users.expires_s <= users.max_expires_s:
        raise ValueError(f"{users.expires_s} is not between users.min_expires_s and users.max_expires_s")


def _check_trunks(settings: Settings) -> None:
    names = [trunk.name for trunk in settings.trunks]
    for number, trunk in enumerate(settings.trunks, 1):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", trunk.name):
            raise ValueError(f"table {number}: {trunk.name!r} is no name: letters, digits, dots, lines")
        try:
            _check_trunk(trunk)
        except ValueError as error:
            raise ValueError(f"{trunk.name}: {error}") from None
    if len(set(names)) < len(names):
        raise ValueError("two have the same name")


def _check_trunk(trunk: Trunk) -> None:
    if not trunk.hosts:
        raise ValueError("hosts names none")
    for host in trunk.hosts:
        trunk_host(host)
    for prefix in trunk.prefixes:
        if not re.fullmatch(r"\+?[0-9*#]{1,32}", prefix):
            raise ValueError(f"prefixes: {prefix!r} is not the beginning of a number, such as +4930")
    if trunk.register and not trunk.username:
        raise ValueError("register wants a username")
    if trunk.username and not re.fullmatch(r"[^@<>\s;?:]+", trunk.username):
        raise ValueError(f"{trunk.username!r} is no username")
    _check_sip_address(trunk.caller)


def trunk_host(text: str) -> tuple[str, int | None]:
    """HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. Raises ValueError."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253}))(?::([0-9]{1,5}))?", text)
    port = int(match[3]) if match and match[3] else None
    if not match or (port is not None and not 0 < port < 65536):
        raise ValueError(f"hosts: {text!r} is not HOST or HOST:PORT")
    return (str(_address(match[1])) if match[1] else match[2]), port


def _check_routes(settings: Settings) -> None:
    groups, trunks = {group.name for group in settings.groups}, {trunk.name for trunk in settings.trunks}
    check_routes(settings.routes, groups, trunks)


def _check_factory(settings: Settings) -> None:
    name = settings.rooms.factory
    if name and not re.fullmatch(r"[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?", name):
        raise ValueError(f"no room can be called {name!r}: 1 to 64 small letters, digits, and . _ + ~ - between them")


def _check_entrance(settings: Settings) -> None:
    for name in settings.rooms.entrance:
        if not re.fullmatch(r"[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?", name):
            raise ValueError(
                f"nothing can be called {name!r}: 1 to 64 small letters, digits, and . _ + ~ - between them"
            )
        if name == settings.rooms.factory:
            raise ValueError(f"{name} is the factory's name already (rooms.factory)")


def _check_entrance_languages(settings: Settings) -> None:
    for text, name in zip(settings.rooms.entrance_languages, settings.rooms.spoken_at_entrances(), strict=False):
        if not re.fullmatch(r"[^=]+=[a-z0-9][a-z0-9-]{0,63}", text):
            raise ValueError(f"{text!r} is no name and language, such as 1002=fr")
        if name not in settings.rooms.entrance:
            raise ValueError(f"{name} is no entrance (rooms.entrance)")


CHECKS: tuple[tuple[str, Callable[[Settings], None]], ...] = (
    ("sip.addresses", _check_sip_addresses),
    ("sip.transports", _check_transports),
    ("rooms.factory", _check_factory),
    ("rooms.entrance", _check_entrance),
    ("rooms.entrance_languages", _check_entrance_languages),
    ("sip.tls_port", _check_tcp_ports),
    ("sip.ws_path", _check_ws_path),
    ("sip.ws_origins", _check_origins),
    ("sip.tls_certificate", _check_certificate),
    ("sip.tls_authorities", lambda settings: _check_path_if_any(settings.sip.tls_authorities)),
    ("sip.public_address", _check_public_address),
    ("sip.local_networks", lambda settings: _check_networks(settings.sip.local_networks)),
    ("sip.trusted_networks", lambda settings: _check_networks(settings.sip.trusted_networks)),
    ("sip.identity_networks", lambda settings: _check_networks(settings.sip.identity_networks)),
    ("sip.attribute_headers", _check_attribute_headers),
    ("limits.drain_to", _check_drain_to),
    ("limits.outside_networks", lambda settings: _check_networks(settings.limits.outside_networks)),
    ("rtp.addresses", lambda settings: _check_addresses(settings.rtp.addresses)),
    ("rtp.port_min", _check_port_min),
    ("rtp.port_max", _check_port_max),
    ("media.codecs", _check_codecs),
    ("media.denoise", _check_denoise),
    ("users.realm", _check_realm),
    ("users.algorithms", _check_algorithms),
    ("users.domains", _check_user_domains),
    ("users.expires_s", _check_expires),
    ("dialout.prefixes", _check_prefixes),
    ("dialout.domains", _check_domains),
    ("dialout.caller", _check_caller),
    ("forward.networks", lambda settings: _check_networks(settings.forward.networks)),
    ("trunks", _check_trunks),
    ("routes", _check_routes),
    ("groups", lambda settings: check_groups(settings.groups)),
    ("webhooks", lambda settings: check_webhooks(settings.webhooks)),
    ("state.directory", lambda settings: _check_path(str(settings.state.path()))),
    ("recordings.directory", lambda settings: _check_path(str(settings.recordings_path()))),
    ("sounds.directory", lambda settings: _check_path_if_any(settings.sounds.directory)),
    ("sounds.prompts", lambda settings: _check_path_if_any(settings.sounds.prompts)),
    ("sounds.sets", lambda settings: _check_path_if_any(settings.sounds.sets)),
    ("sounds.voice", _check_voice),
    ("sounds.music", lambda settings: _check_path_if_any(settings.sounds.music)),
    *HTTP_CHECKS,
    ("log.file", lambda settings: _check_path_if_any(settings.log.file)),
)
