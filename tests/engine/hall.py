"""An engine in virtual time, with phones that talk to it by packets and record what they hear."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from confserver.contract import Incoming, MediaPlan, MixSources, OpenLeg, OpenRoom, SetHearing
from confserver.engine.batch import Batch
from confserver.engine.codecs import PCMA, PCMU
from confserver.engine.tick import Engine
from confserver.rtp.address import address_of, sockaddr

START = 1_800_000_000.0
CODECS = {"PCMU": (0, PCMU), "PCMA": (8, PCMA)}


def tone(hz: float, seconds: float, amplitude: float = 0.2, rate: int = 8000) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def level_db(samples: np.ndarray, hz: float, rate: int = 8000) -> float:
    """Level of one tone in dB of a full-scale sine, by Goertzel's sum over whole periods of 10 Hz."""
    count = len(samples) // (rate // 10) * (rate // 10)
    part = samples[:count].astype(np.float64)
    turn = np.exp(-2j * np.pi * hz * np.arange(count) / rate)
    return 20 * np.log10(max(2 * abs(np.dot(part, turn)) / count, 1e-9))


@dataclass
class Phone:
    """One participant: sends what it has to say in packets, keeps what it hears."""

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

    def packet(self) -> bytes:
        part = self.says[self.spoken : self.spoken + self.samples]
        part = np.pad(part, (0, self.samples - len(part)))
        payload_type, codec = CODECS[self.codec]
        payload = np.empty((1, self.samples), np.uint8)
        codec.encode(part[None], payload)
        header = struct.pack(
            "!BBHII", 0x80, payload_type, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc
        )
        self.sequence += 1
        self.timestamp += self.samples
        self.spoken += self.samples
        return header + payload.tobytes()

    def sound(self) -> np.ndarray:
        payload = np.frombuffer(b"".join(self.heard), np.uint8)[None]
        out = np.empty((1, payload.shape[1]), np.float32)
        CODECS[self.codec][1].decode(payload, out)
        return out[0]


class Hall:
    """Room 1 of an engine, everybody hearing everybody."""

    def __init__(self) -> None:
        numbers = iter(range(1, 1_000_000))
        self.engine = Engine("test@127.0.0.1", lambda: next(numbers) * 7919 & 0xFFFFFFFF)
        self.engine.open_room(OpenRoom(room=1))
        self.batch = Batch(4096)
        self.phones: list[Phone] = []
        self.events: list[object] = []
        self.now = START
        self.waiting: list[tuple[float, int, tuple[str, int], bytes]] = []

    def add(self, says: np.ndarray, codec: str = "PCMU", plan: MediaPlan | None = None, local: int = 0, **more) -> Phone:
        number = len(self.phones) + 1
        phone = Phone(number, ("127.0.0.1", 40000 + 2 * number), says, codec, ssrc=number * 1111, local=local, **more)
        self.phones.append(phone)
        self.engine.open_leg(OpenLeg(leg=number, room=1, plan=plan or plan_for(phone)), local, 30000, self.now)
        self.hear_all()
        return phone

    def hear_all(self, muted: tuple[int, ...] = (), deaf: tuple[int, ...] = (), **more) -> None:
        sources = [phone.leg for phone in self.phones if phone.leg not in muted]
        room = MixSources(legs=sources, gains=[1.0] * len(sources))
        listeners = [(phone.leg, 0 if phone.leg in deaf else 1) for phone in self.phones]
        mixes = [MixSources(legs=[], gains=[]), room]
        self.engine.set_hearing(SetHearing(room=1, mixes=mixes, listeners=listeners, **more))

    def send(self, local: int, sender: tuple[str, int], data: bytes, delay: float = 0.0) -> None:
        """Put a datagram on its way to the engine."""
        self.waiting.append((self.now + delay, local, sender, data))

    def tick(self, talk: bool = True) -> None:
        """20 ms: every phone sends (5 ms after the last tick), then the engine ticks."""
        if talk:
            for phone in self.phones:
                due = round((self.now - START) / 0.02)
                if due % (phone.samples / 160) < 1:
                    for _ in range(max(160 // phone.samples, 1)):
                        self.send(phone.local, phone.address, phone.packet(), 0.005)
        self.now += 0.02
        self._deliver()
        outbox = self.engine.tick(self.batch, self.now)
        addresses = {phone.address: phone for phone in self.phones}
        for place in range(len(outbox.packets)):
            phone = addresses.get(address_of(outbox.address[place].tobytes()))
            if phone:
                data = outbox.packets[place].tobytes()
                phone.headers.append(data[:12])
                phone.heard.append(data[12:])
        self.events += self.engine.take_events()

    def _deliver(self) -> None:
        arrived = [entry for entry in self.waiting if entry[0] <= self.now]
        self.waiting = [entry for entry in self.waiting if entry[0] > self.now]
        self.batch.count = len(arrived)
        for place, (at, local, sender, data) in enumerate(arrived):
            self.batch.data[place, : len(data)] = np.frombuffer(data, np.uint8)
            self.batch.length[place] = len(data)
            self.batch.sender[place] = np.frombuffer(sockaddr(sender), np.uint8)
            self.batch.key[place] = self.engine.book.key(local, sender)
            self.batch.local[place] = local
            self.batch.arrived[place] = at

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.tick()


def plan_for(phone: Phone, **changes) -> MediaPlan:
    payload_type = CODECS[phone.codec][0]
    settings = {
        "remote": phone.address,
        "incoming": [
            Incoming(payload_type=payload_type, format=phone.codec),
            Incoming(payload_type=101, format="telephone-event"),
        ],
        "outgoing_payload_type": payload_type,
        "outgoing_format": phone.codec,
    }
    return MediaPlan(**(settings | changes))
