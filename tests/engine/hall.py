"""An engine in virtual time, with phones that talk to it by packets and record what they hear."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from confserver.contract import (
    CloseLeg,
    Incoming,
    MediaPlan,
    MixSources,
    OpenLeg,
    OpenRoom,
    RoomSound,
    SetHearing,
    SetLeg,
)
from confserver.engine.batch import Batch
from confserver.engine.codecs import CODECS as ALL
from confserver.engine.codecs import PCMU, is_stateful
from confserver.engine.codecs.codec import Settings
from confserver.engine.tick import Engine
from confserver.rtp.address import address_of, sockaddr
from confserver.rtp.header import HEADER

START = 1_800_000_000.0
RATE = 8000
PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9, "L16-8": 96, "L16-16": 97, "L16-48": 98, "opus": 111}
CODECS = {codec.name: (PAYLOAD_TYPES[codec.name], codec) for codec in ALL}
COMFORT, EVENTS, EVENTS_48, EVENTS_16 = 13, 101, 102, 103

Path = Callable[[int], Iterable[float]]
"""Number of a packet -> after how many seconds each copy of it arrives; none: it is lost."""


def tone(hz: float, seconds: float, amplitude: float = 0.2, rate: int = RATE) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


def level_db(samples: np.ndarray, hz: float, rate: int = RATE) -> float:
    """Level of one tone in dB of a full-scale sine, by Goertzel's sum over whole periods of 10 Hz."""
    count = len(samples) // (rate // 10) * (rate // 10)
    part = samples[:count].astype(np.float64)
    turn = np.exp(-2j * np.pi * hz * np.arange(count) / rate)
    return 20 * np.log10(max(2 * abs(np.dot(part, turn)) / count, 1e-9))


def steepest(samples: np.ndarray) -> float:
    """The largest step from one sample to the next: what a click would raise."""
    return float(np.abs(np.diff(samples)).max())


def rtp(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, first: int = 0x80) -> bytes:
    return (
        struct.pack("!BBHII", first, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
        + payload
    )


@dataclass
class Phone:
    """One participant: sends what it has to say in packets, keeps what it hears.

    ``says`` and ``samples``, those of one packet, are at ``rate``, by default its codec's (Opus: 16 kHz).
    """

    leg: int
    address: tuple[str, int]
    says: np.ndarray
    codec: str = "PCMU"
    samples: int = 160
    ssrc: int = 0
    sequence: int = 100
    timestamp: int = 5000
    spoken: int = 0
    heard: list[bytes] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    local: int = 0
    path: Path = lambda number: (0.0,)
    pauses: bool = False
    """Sends nothing (DTX), while its time goes on."""
    next_at: float = 0.0
    number: int = 0
    seal: Callable[[bytes], bytes] = bytes
    """What becomes of a packet before it is sent (SRTP), and of one that came."""
    unseal: Callable[[bytes], bytes] = bytes
    rate: int = 0
    encoding: dict[str, object] = field(default_factory=dict)
    """Settings of an encoder that keeps a state."""
    encoder: object = None

    def __post_init__(self) -> None:
        self.rate = self.rate or CODECS[self.codec][1].rate_hz or 16000

    @property
    def hears(self) -> str:
        """What we send to it: G.711, so that tests can read it as it comes."""
        return self.codec if self.codec == "PCMA" else "PCMU"

    def change(self, codec: str, says: np.ndarray, ms: int = 20, **encoding: object) -> None:
        """Send by another codec from now on."""
        self.codec, self.says, self.spoken, self.encoder, self.encoding = codec, says, 0, None, encoding
        self.rate = CODECS[codec][1].rate_hz or 16000
        self.samples = self.rate * ms // 1000

    def packet(self) -> bytes:
        """The next one; empty where the encoder has nothing to send (DTX)."""
        part = self.says[self.spoken : self.spoken + self.samples]
        part = np.pad(part, (0, self.samples - len(part)))
        payload = self.encoded(part)
        data = rtp(CODECS[self.codec][0], self.sequence, self.timestamp, self.ssrc, payload)
        self.number += 1
        self.pass_time()
        if not payload:
            return b""
        self.sequence += 1
        return self.seal(data)

    def encoded(self, part: np.ndarray) -> bytes:
        codec = CODECS[self.codec][1]
        if not is_stateful(codec):
            payload = np.empty((1, len(part) * codec.unit_bytes), np.uint8)
            codec.encode(part[None].astype(np.float32), payload)
            return payload.tobytes()
        if self.encoder is None:
            self.encoder = codec.encoders()
            ms = 1000 * len(part) // self.rate
            self.encoder.open(Settings(rate_hz=self.rate, frame_ms=ms, **self.encoding))
        payload, length = np.empty((1, 1500), np.uint8), np.zeros(1, np.int32)
        self.encoder.encode(np.zeros(1, np.intp), part[None].astype(np.float32), payload, length)
        return payload[0, : length[0]].tobytes()

    def pass_time(self) -> None:
        self.timestamp += self.samples * CODECS[self.codec][1].clock_hz // self.rate
        self.spoken += self.samples

    def sound(self, start: float = 0.0, end: float | None = None) -> np.ndarray:
        """What was heard; seconds from the first packet on."""
        payload = np.frombuffer(b"".join(self.heard), np.uint8)[None]
        out = np.empty((1, payload.shape[1]), np.float32)
        if payload.size:
            CODECS[self.hears][1].decode(payload, out)
        return out[0, int(start * RATE) : None if end is None else int(end * RATE)]


class Hall:
    """Room 1 of an engine, everybody hearing everybody."""

    def __init__(self, talkers: int = 8, silence_s: float = 60.0) -> None:
        numbers = iter(range(1, 1_000_000))
        self.engine = Engine("test@127.0.0.1", lambda: next(numbers) * 7919 & 0xFFFFFFFF, silence_s)
        self.engine.open_room(OpenRoom(room=1, sound=RoomSound(talkers=talkers, comfort_noise=False)))
        self.batch = Batch(4096)
        self.phones: list[Phone] = []
        self.events: list[object] = []
        self.control: list[tuple[int, tuple[str, int], bytes]] = []
        """RTCP that has left: socket, address, packet."""
        self.now = START
        self.waiting: list[tuple[float, int, tuple[str, int], bytes]] = []
        self.keep = True
        self.taps: dict[int, list[np.ndarray]] = {}

    def add(
        self,
        says: np.ndarray,
        codec: str = "PCMU",
        plan: MediaPlan | None = None,
        local: int = 0,
        address: tuple[str, int] | None = None,
        changes: dict[str, object] | None = None,
        **more: object,
    ) -> Phone:
        """Seat a phone. changes: what its plan has otherwise than ``plan_for``; more: fields of the phone."""
        number = max((phone.leg for phone in self.phones), default=0) + 1
        address = address or ("127.0.0.1", 40000 + 2 * number)
        phone = Phone(number, address, says, codec, ssrc=number * 1111, local=local, next_at=self.now + 0.005, **more)
        self.phones.append(phone)
        plan = plan or plan_for(phone, **(changes or {}))
        self.engine.open_leg(OpenLeg(leg=number, room=1, plan=plan), local, 30000, self.now)
        self.hear_all()
        return phone

    def tap(self, phone: Phone) -> list[np.ndarray]:
        """What playout makes of the phone's packets: a frame each tick, at the rate of the band it is in."""
        return self.taps.setdefault(self.row(phone), [])

    def row(self, phone: Phone) -> int:
        return self.engine.legs.by_id[phone.leg].row

    def remove(self, phone: Phone) -> None:
        self.phones.remove(phone)
        self.engine.close_leg(CloseLeg(leg=phone.leg), self.now)
        self.hear_all()

    def set(self, phone: Phone, **changes: object) -> None:
        """A re-INVITE."""
        self.engine.set_leg(SetLeg(leg=phone.leg, plan=plan_for(phone, **changes)), self.now)

    def hear_all(self, muted: Iterable[int] = (), deaf: Iterable[int] = (), **more: object) -> None:
        sources = [phone.leg for phone in self.phones if phone.leg not in muted]
        room = MixSources(legs=sources, gains=[1.0] * len(sources))
        listeners = [(phone.leg, 0 if phone.leg in deaf else 1) for phone in self.phones]
        mixes = [MixSources(legs=[], gains=[]), room]
        self.engine.set_hearing(SetHearing(room=1, mixes=mixes, listeners=listeners, **more))

    def send(self, local: int, sender: tuple[str, int], data: bytes, delay: float = 0.0) -> None:
        """Put a datagram on its way to the engine."""
        self.waiting.append((self.now + delay, local, sender, data))

    def say(self, phone: Phone, data: bytes, delay: float = 0.0) -> None:
        self.send(phone.local, phone.address, data, delay)

    def tick(self, elapsed: int = 1) -> None:
        """The time to the next tick: every phone sends what is due, then the engine ticks. elapsed: see Engine.tick."""
        self.now += 0.02 * elapsed
        for phone in self.phones:
            while phone.next_at < self.now:
                self._send_next(phone)
        self._deliver()
        for outbox in self.engine.tick(self.batch, self.now, elapsed):
            if self.keep:
                self._keep(outbox)
        for row, frames in self.taps.items():
            frames.append(self.engine.seats.signals[self.engine.seats.in_band[row]][row].copy())
        self.events += self.engine.take_events()
        self.control += [(local, address_of(raw), data) for local, raw, data in self.engine.take_control()]

    def _send_next(self, phone: Phone) -> None:
        if phone.pauses:
            phone.pass_time()
        else:
            number = phone.number
            data = phone.packet()
            for delay in phone.path(number) if data else ():
                self.waiting.append((phone.next_at + delay, phone.local, phone.address, data))
        phone.next_at += phone.samples / phone.rate

    def _keep(self, outbox) -> None:
        addresses = {phone.address: phone for phone in self.phones}
        for place in range(len(outbox.packets)):
            if not outbox.length[place]:
                continue
            phone = addresses.get(address_of(outbox.address[place].tobytes()))
            if phone:
                data = phone.unseal(outbox.packets[place, : outbox.length[place]].tobytes())
                phone.headers.append(data[:12])
                phone.heard.append(data[12:])

    def _deliver(self) -> None:
        """The datagrams that have arrived by now, in the order of their arrival."""
        arrived = sorted((entry for entry in self.waiting if entry[0] <= self.now), key=lambda entry: entry[0])
        self.waiting = [entry for entry in self.waiting if entry[0] > self.now]
        fill(self.engine, self.batch, arrived)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.tick()

    def told(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def report(self, phone: Phone):
        return next(report for report in self.engine.leg_reports(0.0).reports if report.leg == phone.leg)


def fill(engine: Engine, batch: Batch, arrived: list[tuple[float, int, tuple[str, int], bytes]]) -> None:
    """Write datagrams into a batch as packet I/O does. arrived: time, socket, sender, data of each."""
    batch.count = len(arrived)
    for place, (at, local, sender, data) in enumerate(arrived):
        batch.data[place, : len(data)] = np.frombuffer(data, np.uint8)
        batch.length[place] = len(data)
        batch.sender[place] = np.frombuffer(sockaddr(sender), np.uint8)
        batch.key[place] = engine.book.key(local, sender)
        batch.local[place] = local
        batch.arrived[place] = at


class Crowd:
    """Many legs in rooms, some of them talking, whose packets are one batch made once: the tick alone costs time."""

    def __init__(self, legs: int, a_room: int, talking: int) -> None:
        numbers = iter(range(1, 1_000_000))
        self.engine = Engine("test@127.0.0.1", lambda: next(numbers) * 7919 & 0xFFFFFFFF)
        self.now = START
        self.batch = Batch(legs)
        sounds = np.empty((2, 160), np.uint8)
        PCMU.encode(np.stack((tone(500, 0.02), silence(0.02))), sounds)
        arrived = []
        for leg in range(legs):
            address = f"10.0.{leg >> 8}.{leg & 255}", 5000
            if leg % a_room == 0:
                self.engine.open_room(OpenRoom(room=leg))
            plan = plan_for(Phone(leg, address, sounds))
            self.engine.open_leg(OpenLeg(leg=leg, room=leg - leg % a_room, plan=plan), 0, 30000, START)
            says = sounds[0 if leg % a_room < talking else 1].tobytes()
            arrived.append((START, 0, address, rtp(0, 0, 0, leg + 1, says)))
        for room in range(0, legs, a_room):
            members = list(range(room, min(room + a_room, legs)))
            mixes = [MixSources(legs=members, gains=[1.0] * len(members))]
            listeners = [(leg, 0) for leg in members]
            self.engine.set_hearing(SetHearing(room=room, mixes=mixes, listeners=listeners))
        fill(self.engine, self.batch, arrived)
        self._header = self.batch.data[:, :12].view(HEADER)[:, 0]

    def tick(self) -> None:
        self.now += 0.02
        self._header["sequence"] += 1
        self._header["timestamp"] += 160
        self.batch.arrived[:] = self.now - 0.015
        self.engine.tick(self.batch, self.now)
        self.engine.take_events()
        self.engine.take_control()


def plan_for(phone: Phone, **changes: object) -> MediaPlan:
    settings = {
        "remote": phone.address,
        "incoming": [
            *(Incoming(payload_type=number, format=name) for name, number in PAYLOAD_TYPES.items()),
            Incoming(payload_type=COMFORT, format="CN"),
            Incoming(payload_type=EVENTS, format="telephone-event"),
            Incoming(payload_type=EVENTS_48, format="telephone-event-48"),
            Incoming(payload_type=EVENTS_16, format="telephone-event-16"),
        ],
        "outgoing_payload_type": PAYLOAD_TYPES[phone.hears],
        "outgoing_format": phone.hears,
    }
    return MediaPlan(**(settings | changes))
