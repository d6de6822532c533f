"""A media process is killed, or stopped in mid-call: its calls are heard again at once, and no other call notices."""

from __future__ import annotations

import itertools
import os
import signal
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.engine.hall import level_db
from tests.interop.conftest import need
from tests.kit.phone import LATE_S, Packet, Phone
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB, pcmu_decoded
from tests.worker.test_forwarding import Listener as Program

pytestmark = [pytest.mark.interop, pytest.mark.alone]

TONES = {"anna": 400.0, "bob": 650.0, "carl": 500.0, "dora": 800.0}
UNHARMED_S = 0.06


def wait_until_ready(server: Server) -> None:
    """A spare stands ready."""
    end = time.monotonic() + 15
    while not server.status()["spare"]["ready"]:
        assert time.monotonic() < end, "no spare"
        time.sleep(0.1)


class House:
    """Two rooms with two phones each, at two workers, and a spare that stands ready."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self.server = server
        wait_until_ready(server)
        self.phones = {name: stack.enter_context(Phone(server.address, name, tone_hz=hz)) for name, hz in TONES.items()}
        for name, phone in self.phones.items():
            assert phone.dial("struck" if name in ("anna", "bob") else "other").status == 200
        self.people = server.wait_until_in("struck", "anna", "bob")
        assert {person["media"]["worker"] for person in self.people.values()} == {0}
        others = server.wait_until_in("other", "carl", "dora")
        assert {person["media"]["worker"] for person in others.values()} == {1}
        time.sleep(1.0)

    def strike(self, how: signal.Signals) -> float:
        """When it happened."""
        struck = time.monotonic()
        os.kill(self.server.status()["workers"][0]["pid"], how)
        return max(struck, time.monotonic() - 0.01)

    def silence(self, listener: str, talker: str, struck: float) -> float:
        """From the blow to the first packet after the silence that holds the talker's tone."""
        packets = [packet for packet in list(self.phones[listener].packets) if packet.at > struck - 0.5]
        heard = [packet.at for packet in packets if packet.level_db(TONES[talker]) > LEVEL_DB - 3]
        before, after = max(itertools.pairwise(heard), key=lambda pair: pair[1] - pair[0])
        assert before < struck + 0.1, f"{listener} went on hearing {talker}: {before - struck}"
        return after - struck


def check_stream(phone: Phone) -> None:
    """One source, one SSRC; sequence and timestamp only forward; the phone never heard of any of it by SIP."""
    packets = list(phone.packets)
    assert {packet.source for packet in packets} == {phone.media}
    assert len({packet.ssrc for packet in packets}) == 1
    for one, two in itertools.pairwise(packets):
        assert 0 < (two.sequence - one.sequence) & 0xFFFF < 500, (one.sequence, two.sequence)
        assert 0 < (two.timestamp - one.timestamp) & 0xFFFFFFFF < 500 * 160
    assert not phone.hung_up.is_set()
    assert [request.method for request in phone.requests if request.method != "ACK"] == []


def check_unharmed(phone: Phone, struck: float) -> None:
    """No packet is missing, and none came late but where the phone itself, or the machine, was late."""
    packets: list[Packet] = [packet for packet in list(phone.packets) if packet.at > struck - 0.5]
    own = [(at, by) for at, by in list(phone.late)]
    for one, two in itertools.pairwise(packets):
        assert (two.sequence - one.sequence) & 0xFFFF == 1
        gap = two.at - one.at
        excuse = max((by + LATE_S for at, by in own if one.at - 0.02 <= at <= two.at + 0.02), default=0.0)
        assert gap - excuse < UNHARMED_S, f"{phone.name} waited {gap * 1000:.0f} ms, {two.at - struck:+.2f} s"


class Listener(Program):
    """What the struck room says is sent on to it."""

    def forward(self, server: Server) -> None:
        host, port = self.address
        server.cli("room", "forward", "struck", "--host", host, "--port", str(port), "--codec", "PCMU")
        self.since = time.monotonic()

    def check(self, most_s: float) -> None:
        """One stream, by one SSRC, only forward, from the ports that it began with; and all voices are in it again."""
        time.sleep(0.3)
        self.listen()
        lasted = time.monotonic() - self.since
        assert len(self.heard) > (lasted - most_s - 0.5) * 45 and len(self.senders) <= 2
        assert len({data[8:12] for data in self.heard}) == 1
        sequence = [int.from_bytes(data[2:4], "big") for data in self.heard]
        assert all(0 < (two - one) & 0xFFFF < 500 for one, two in itertools.pairwise(sequence))
        sound = pcmu_decoded(b"".join(data[12:] for data in self.heard[-25:]))
        for name in ("anna", "bob"):
            assert abs(level_db(sound, TONES[name]) - LEVEL_DB) < 3, name


@pytest.mark.parametrize(("how", "most_s"), [(signal.SIGKILL, 1.0), (signal.SIGSTOP, 2.0)], ids=["killed", "stopped"])
def test_calls_are_heard_again(
    how: signal.Signals, most_s: float, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    networks = {"networks": ["127.0.0.0/8"]}
    with Server(tmp_path, media={"workers": 2, "spare": True}, forward=networks) as server:
        with ExitStack() as stack:
            house = House(server, stack)
            program = stack.enter_context(closing(Listener()))
            program.forward(server)
            struck = house.strike(how)
            time.sleep(most_s + 1.0)
            silence = {
                listener: house.silence(listener, talker, struck)
                for listener, talker in (("anna", "bob"), ("bob", "anna"))
            }
            print(f"{how.name}: heard again after {silence}")
            record_property("silence_s", max(silence.values()))
            assert max(silence.values()) < most_s
            for phone in house.phones.values():
                check_stream(phone)
            program.check(most_s)
            for name in ("carl", "dora"):
                check_unharmed(house.phones[name], struck)
            there = server.wait_until_in("struck", "anna", "bob")
            assert {name: person["since"] for name, person in there.items()} == {
                name: person["since"] for name, person in house.people.items()
            }, "nobody has left and come back"
            assert [worker["restarts"] for worker in server.status()["workers"]] == [1, 0]
            for phone in house.phones.values():
                assert phone.hang_up().status == 200
        wait_until_empty(server)


def wait_until_empty(server: Server) -> None:
    """No leg, room, port or call is left, and the next spare stands ready."""
    names = ("legs", "rooms", "mixes", "seats", "ports", "calls", "dialogs")
    end = time.monotonic() + 10
    while True:
        left = {name: n for name, n in server.counts().items() if n and name.rpartition(".")[2] in names}
        if not left and server.status()["spare"]["ready"]:
            return
        assert time.monotonic() < end, f"left over: {left}, {server.status()['spare']}"
        time.sleep(0.2)


def test_a_call_that_loses_its_worker_twice_goes_on_twice(tmp_path: Path) -> None:
    """The second time the heir is struck before its first report: its own word at the start is what counts."""
    with Server(tmp_path, media={"workers": 2, "spare": True}) as server, ExitStack() as stack:
        house = House(server, stack)
        for _ in range(2):
            struck = house.strike(signal.SIGKILL)
            time.sleep(2.5)
            assert house.silence("anna", "bob", struck) < 2.0
        for phone in house.phones.values():
            check_stream(phone)


@pytest.mark.slow
def test_a_protected_call_goes_on_with_another_key(tmp_path: Path) -> None:
    """pjsua2, by SRTP or not at all, and a phone in the clear: after the loss pjsua2 is told another key of ours."""
    need("pjsua2")
    with (
        Server(tmp_path, media={"workers": 2, "spare": True}, rtp={"srtp_without_tls": True}) as server,
        Pjsua(tmp_path, "bob", TONES["bob"], srtp=True) as bob,
        Phone(server.address, "anna", tone_hz=TONES["anna"]) as anna,
    ):
        wait_until_ready(server)
        bob.dial(server.uri("struck"))
        assert anna.dial("struck").status == 200
        server.wait_until_in("struck", "anna", "bob")
        time.sleep(1.0)
        before = server.wait_until_in("struck", "anna", "bob")
        worker = before["bob"]["media"]["worker"]
        for _ in range(2):
            os.kill(server.status()["workers"][worker]["pid"], signal.SIGKILL)
            wait_until_ready(server)
            time.sleep(2.0)
            packets = [packet for packet in list(anna.packets) if packet.at > time.monotonic() - 1.0]
            heard = [packet.level_db(TONES["bob"]) > LEVEL_DB - 3 for packet in packets]
            assert sum(heard) > 40, f"anna hears pjsua2 in {sum(heard)} of {len(heard)} packets"
            bob.record()
            time.sleep(1.5)
            level = bob.heard().level_db(TONES["anna"], 0.3, 1.3)
            assert abs(level - LEVEL_DB) < 2, f"pjsua2 hears anna at {level}"
        there = server.wait_until_in("struck", "anna", "bob")
        assert {name: each["since"] for name, each in there.items()} == {
            name: each["since"] for name, each in before.items()
        }, "nobody has left and come back"
        bob.hang_up()
