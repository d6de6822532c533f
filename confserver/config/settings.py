"""The tree of settings: each is one field here with its default, its limits and its meaning in words."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from confserver.config.dialout import Dialout
from confserver.config.events import Events
from confserver.config.forward import Forward
from confserver.config.http import SOCKET_NAME, Http
from confserver.config.limits import Limits
from confserver.config.records import Records
from confserver.config.routes import Group, Route
from confserver.config.sip import PRIVATE_NETWORKS, IPAddress, IPNetwork, Section, Sip
from confserver.config.trunks import Trunk
from confserver.config.users import Users
from confserver.config.webhooks import Webhook

__all__ = ["PRIVATE_NETWORKS", "IPAddress", "IPNetwork", "Section", "Settings", "Sip"]

DEFAULT_PORT_MIN, DEFAULT_PORT_MAX = 20000, 29999
"""Below 32768, where Linux begins to give out ports of itself (ip_local_port_range): nobody takes them by chance."""


class Rtp(Section, frozen=True):
    """Where media comes and goes."""

    addresses: Annotated[
        tuple[str, ...], Meta(description="IP addresses to bind media ports to; none listed: all, IPv4 and IPv6.")
    ] = ()
    port_min: Annotated[
        int, Meta(ge=1024, le=65534, description="First port for media, even: RTP takes even ports, RTCP the next.")
    ] = DEFAULT_PORT_MIN
    port_max: Annotated[int, Meta(ge=1025, le=65535, description="Last port for media, odd.")] = DEFAULT_PORT_MAX
    silence_s: Annotated[
        float,
        Meta(ge=5, le=86400, description="Seconds without RTP and RTCP after which a call is asked whether it lives."),
    ] = 60.0
    srtp_without_tls: Annotated[
        bool,
        Meta(
            description="Take encrypted media (RTP/SAVP with a=crypto) also from phones that come by UDP, TCP or WS, "
            "where whoever can read the SIP can read the keys; such calls are refused with 488 otherwise."
        ),
    ] = False
    srtp_best_effort: Annotated[
        bool,
        Meta(
            description="Protect media where a phone offers keys beside plain RTP (RFC 8643), as phones with optional "
            "encryption do; under the same condition on how the keys come."
        ),
    ] = True


class Media(Section, frozen=True):
    """The processes that mix."""

    workers: Annotated[
        int, Meta(ge=0, le=256, description="Media processes; 0: one for each core but one, at least one.")
    ] = 0
    talkers: Annotated[int, Meta(ge=1, le=64, description="Most voices heard at once in a room, the loudest.")] = 8
    codecs: Annotated[
        tuple[Literal["opus", "G722", "PCMU", "PCMA", "L16"], ...],
        Meta(
            description="Codecs that calls may use where their room does not name its own. L16 is taken where a phone "
            "offers it; offers of ours name it only where the room does."
        ),
    ] = ("opus", "G722", "PCMU", "PCMA", "L16")
    rate_hz: Annotated[
        Literal[0, 8000, 16000, 48000],
        Meta(description="Sampling rate of rooms; 0: the highest that at least two members can use."),
    ] = 0
    max_rate_hz: Annotated[
        Literal[8000, 16000, 48000], Meta(description="Highest sampling rate of rooms that find their own.")
    ] = 16000
    ptime_ms: Annotated[
        Literal[10, 20, 30, 40, 50, 60],
        Meta(
            description="Milliseconds of sound in a packet: asked of phones, and sent to those that do not say; 40 "
            "costs half as much as 20, and 20 ms of delay."
        ),
    ] = 20
    levelling: Annotated[bool, Meta(description="Bring soft and loud voices nearer to each other.")] = False
    denoise: Annotated[
        bool,
        Meta(
            description="Take the noise out of voices: 0.6 ms of CPU for each talker in 20 ms, and 20 ms of delay. "
            "Wants the extra denoise (pip install 'confserver[denoise]')."
        ),
    ] = False
    comfort_noise: Annotated[bool, Meta(description="A faint noise in rooms where nobody talks.")] = True
    guard: Annotated[
        Literal["off", "report", "mute"],
        Meta(description="What is done about steady noise or music that somebody pours into a room."),
    ] = "report"
    opus_bitrate: Annotated[
        Literal[16000, 24000, 32000, 64000],
        Meta(description="Bit/s of Opus in mono; a room in stereo gets more, up to twice as much."),
    ] = 24000
    opus_dtx: Annotated[bool, Meta(description="Ask phones to send no Opus while their user is silent.")] = False
    opus_complexity: Annotated[
        int, Meta(ge=0, le=10, description="Effort of Opus encoders; 0 costs half as much as 5, 10 nearly twice.")
    ] = 5
    most_delay_ms: Annotated[
        int, Meta(ge=40, le=1000, description="Longest delay that is added to a phone's sound to even out its network.")
    ] = 120
    spare: Annotated[
        bool,
        Meta(
            description="Keep one more process ready, so that a media process that dies or hangs is replaced at once; "
            "without it calls are silent for a second or two longer."
        ),
    ] = True
    packet_io: Annotated[
        Literal["auto", "portable", "mmsg"],
        Meta(
            description="How packets are read and written: mmsg (many in one system call, Linux), portable (one by "
            "one), or auto (mmsg where it works)."
        ),
    ] = "auto"

    def worker_count(self) -> int:
        return self.workers or max(1, _cores() - 1)


class Rooms(Section, frozen=True):
    """What rooms may be."""

    on_demand: Annotated[bool, Meta(description="Calling a room that does not exist makes it.")] = True
    max_rooms: Annotated[int, Meta(ge=1, le=100_000, description="Most rooms at once.")] = 2000
    max_participants: Annotated[
        int, Meta(ge=1, le=2000, description="Most participants of a room whose rules say nothing else.")
    ] = 200
    music_when_alone: Annotated[
        bool, Meta(description="Who is alone in a room is told so and hears music until somebody else comes.")
    ] = True
    profile: Annotated[str, Meta(description="Profile of rooms made on demand, a table of profiles; empty: none.")] = ""
    factory: Annotated[
        str,
        Meta(
            description="Name that is no room, but makes a new one of a secret name each time it is called, which the "
            "phone is told; empty: none."
        ),
    ] = "new-room"
    entrance: Annotated[
        tuple[str, ...],
        Meta(
            description="Names or numbers that are no rooms: who calls one, by a trunk say, is asked for the number of "
            "the room, then for its PIN."
        ),
    ] = ()
    entrance_languages: Annotated[
        tuple[str, ...],
        Meta(
            description="Languages, or other sets of prompts, of names in rooms.entrance that do not speak as the "
            "server does: NAME=LANGUAGE, such as 1002=fr."
        ),
    ] = ()
    watchers: Annotated[
        Literal["nobody", "members", "inside"],
        Meta(
            description="Who may see by SIP who is in a room (SUBSCRIBE): nobody, its members, or besides them whoever "
            "is on loopback or on a network that this machine is attached to."
        ),
    ] = "inside"
    messages: Annotated[
        Literal["nobody", "moderators", "members", "callers"],
        Meta(
            description="Who may send text to a room by SIP (MESSAGE): nobody, its moderators, its members, or whoever "
            "may call the server."
        ),
    ] = "members"
    max_message_bytes: Annotated[
        int, Meta(ge=64, le=16384, description="Longest text that is taken by SIP, in bytes; 413 to longer.")
    ] = 4096
    announce: Annotated[
        Literal["none", "beep", "name", "count"],
        Meta(description="How those present learn that somebody comes or goes, in rooms that are not too large."),
    ] = "none"
    mute_by_sip: Annotated[
        bool,
        Meta(
            description="Ask the phone of who is muted or on hold by the host to send nothing (re-INVITE with "
            "sendonly), and to send again afterwards. Keys pressed meanwhile do not reach the server by RTP."
        ),
    ] = False

    def spoken_at_entrances(self) -> dict[str, str]:
        """The language of each entrance that has one."""
        pairs = (text.partition("=") for text in self.entrance_languages)
        return {name: language for name, _, language in pairs}


class Sounds(Section, frozen=True):
    """What can be played."""

    directory: Annotated[
        str,
        Meta(description="Directory of sound files that may be played, absolute or from ~; empty: there are none."),
    ] = ""
    prompts: Annotated[
        str,
        Meta(
            description="Directory of prompts, absolute or from ~, as confserver prompts make makes it, for rooms "
            "whose rules name no language; empty: those of sounds.language."
        ),
    ] = ""
    language: Annotated[
        str,
        Meta(
            description="Language of rooms whose rules do not say, as of the entrance: en, de, fr, es, or a set of "
            "sounds.sets; empty: sounds.prompts, else English."
        ),
    ] = ""
    sets: Annotated[
        str,
        Meta(
            description="Directory of sets of prompts, absolute or from ~: a folder each, with sounds that take the "
            "place of others; empty: there are none."
        ),
    ] = ""
    voice: Annotated[
        str,
        Meta(
            description="Voice of espeak-ng that speaks texts where no language is named (espeak-ng --voices); empty: "
            "that of the prompts."
        ),
    ] = ""
    music: Annotated[
        str,
        Meta(description="Sound file of the music for those who wait, absolute or from ~; empty: that of the package."),
    ] = ""

    def path(self, text: str) -> Path | None:
        """Of one of these settings."""
        return Path(text).expanduser() if text else None


class Recordings(Section, frozen=True):
    """What becomes of recorded rooms."""

    directory: Annotated[
        str,
        Meta(
            description="Directory of recordings, absolute or from ~, of this server alone; empty: recordings in the "
            "state directory."
        ),
    ] = ""
    format: Annotated[
        Literal["wav", "flac", "opus"],
        Meta(
            description="What recordings are kept as: wav (as they were written), flac (exact, about half as long) or "
            "opus (in Ogg, small); they are converted after their end."
        ),
    ] = "wav"
    rate_hz: Annotated[
        Literal[0, 8000, 16000, 48000],
        Meta(description="Sampling rate of the files; 0: that of the room when the recording begins."),
    ] = 0
    days: Annotated[
        float,
        Meta(
            ge=0,
            le=36500,
            description="Days that recordings are kept where a room's rules do not say; 0: until "
            "somebody deletes them.",
        ),
    ] = 0.0
    tracks: Annotated[
        bool, Meta(description="Also a file for each participant, where the recording is not started without.")
    ] = True


class State(Section, frozen=True):
    """What survives a restart."""

    directory: Annotated[
        str,
        Meta(
            description="Directory of the database, the token and the control file, absolute or from ~; empty: "
            "confserver in $XDG_STATE_HOME, else ~/.local/state/confserver."
        ),
    ] = ""

    reserve_mb: Annotated[
        int,
        Meta(
            ge=0, le=1_000_000,
            description="Megabytes of disk that are kept back: with less free no room is made or changed and no "
            "recording begun (507), and calls go on.",
        ),
    ] = 64  # fmt: skip

    def path(self) -> Path:
        return Path(self.directory).expanduser() if self.directory else default_state_directory()


class Log(Section, frozen=True):
    """What the server tells of itself."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severity that is written.")
    ] = "info"
    format: Annotated[Literal["text", "json"], Meta(description="text for people, or json: one object a line.")] = (
        "text"
    )
    file: Annotated[str, Meta(description="File to write to, absolute or from ~; empty: standard error.")] = ""

    def path(self) -> Path | None:
        return Path(self.file).expanduser() if self.file else None


LISTS: dict[str, type[Section]] = {"trunks": Trunk, "routes": Route, "groups": Group, "webhooks": Webhook}
"""Settings of which there may be any number of tables, [[trunks]]; each gives here what one table is."""


PROFILES = "profiles"


class Settings(Section, frozen=True):
    """All settings of a server."""

    sip: Sip = Sip()
    limits: Limits = Limits()
    rtp: Rtp = Rtp()
    media: Media = Media()
    rooms: Rooms = Rooms()
    users: Users = Users()
    dialout: Dialout = Dialout()
    forward: Forward = Forward()
    trunks: tuple[Trunk, ...] = ()
    routes: tuple[Route, ...] = ()
    groups: tuple[Group, ...] = ()
    profiles: dict[str, dict[str, Any]] = {}  # noqa: RUF012 (msgspec copies it)
    """Rules for rooms by the name of a profile; the rooms check them."""
    sounds: Sounds = Sounds()
    recordings: Recordings = Recordings()
    records: Records = Records()
    http: Http = Http()
    events: Events = Events()
    webhooks: tuple[Webhook, ...] = ()
    state: State = State()
    log: Log = Log()

    @property
    def sections(self) -> dict[str, Section]:
        """All but the lists and the profiles."""
        named = {name: getattr(self, name) for name in self.__struct_fields__ if name not in (*LISTS, PROFILES)}
        return dict(named)

    def recordings_path(self) -> Path:
        named = self.recordings.directory
        return Path(named).expanduser() if named else self.state.path() / "recordings"

    def http_endpoint(self) -> tuple[str, int] | Path:
        """Give the loopback host and port, or the path of the Unix socket."""
        kind, _, rest = self.http.address.partition(":")
        if kind == "unix":
            return Path(rest).expanduser() if rest else self.state.path() / SOCKET_NAME
        return host_and_port(self.http.address)


def default_state_directory() -> Path:
    """As the XDG Base Directory Specification words it: a relative XDG_STATE_HOME is not used."""
    home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path("~/.local/state").expanduser()
    return base / "confserver"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def host_and_port(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})", text)
    if not match or int(match[3]) > 65535:
        raise ValueError(f"{text!r} is not an IP address and port, unix:/PATH, or unix")
    return str(ipaddress.ip_address(match[1] or match[2])), int(match[3])
