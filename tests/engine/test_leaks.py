"""Nothing stays behind: seats, mixes, addresses, memory."""

from __future__ import annotations

import gc
import random
import tracemalloc

import numpy as np
import pytest

from confserver.contract import CloseLeg, CloseRoom, MixSources, OpenLeg, OpenRoom, SetHearing
from tests.engine.hall import Crowd, Hall, plan_for, tone


def test_a_thousand_joins_and_leaves_leave_nothing():
    chance = random.Random(3)
    hall = Hall()
    hall.keep = False
    for number in range(1000):
        ipv6 = number % 3 == 0
        address = ("2001:db8::1" if ipv6 else "127.0.0.1", 20000 + number)
        hall.add(tone(300 + number % 20 * 50, 1), address=address, local=2 * (number % 4) + 8 * ipv6)
        if number % 7 == 0:
            hall.hear_all(exceptions=[(hall.phones[-1].leg, hall.phones[0].leg, 0.5)])
        if len(hall.phones) > chance.randint(3, 10):
            hall.remove(chance.choice(hall.phones))
        if chance.random() < 0.1:
            hall.tick()
    while hall.phones:
        hall.remove(hall.phones[0])
    hall.run(0.2)
    counts = hall.engine.describe()
    assert (counts["legs"], counts["seats"]) == (0, 0)
    assert counts["mixes"] == 2, "the room's own"
    hall.engine.close_room(CloseRoom(room=1), hall.now)
    hall.run(11)
    engine = hall.engine
    counts = engine.describe()
    assert (counts["rooms"], counts["mixes"], counts["tombstones"]) == (0, 0, 0)
    assert engine.book._numbers == {} and engine.book._uses == {}
    assert engine.sources._by_row == {} and not any(engine.sources._by_local.values())
    assert not engine.playout._queue.held.any() and engine.strays._pressing == {} and engine.reports._exchanges == {}
    assert engine.floor.room_of == {} and not _seated(engine) and engine.seats.high == 1
    assert not engine.outgoing.plain.outbox.rows.size and not engine.legs._dying and not engine.seats.spoken.any()
    assert not engine.floor.switched and not engine.outgoing.encoding.settings


def test_a_thousand_rooms_come_and_go():
    hall = Hall()
    engine = hall.engine
    for room in range(2, 1002):
        engine.open_room(OpenRoom(room=room))
        engine.set_hearing(SetHearing(room=room, mixes=[MixSources(legs=[], gains=[])] * 2, listeners=[]))
        engine.close_room(CloseRoom(room=room), hall.now)
    engine.close_room(CloseRoom(room=5), hall.now)
    assert engine.describe()["mixes"] == 0
    assert all(mixer.high <= 3 for mixer in engine.outgoing.mixers)


@pytest.mark.slow
def test_a_thousand_ticks_with_20_talkers_keep_no_memory():
    crowd = Crowd(legs=20, a_room=20, talking=20)
    for _ in range(600):
        crowd.tick()
    assert crowd.engine.floor.rooms[0].talkers
    gc.collect()
    tracemalloc.start()
    for _ in range(20):
        crowd.tick()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        crowd.tick()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 10_000


def test_many_legs_make_the_columns_grow_in_mid_call():
    hall = Hall()
    hall.add(tone(410, 9))
    listener = hall.add(np.zeros(1, np.float32))
    hall.run(0.5)
    for number in range(150):
        leg = 1000 + number
        plan = plan_for(listener, remote=("127.0.0.3", 10000 + number))
        hall.engine.open_leg(OpenLeg(leg=leg, room=1, plan=plan), 2, 30002, hall.now)
    hall.run(0.5)
    sound = listener.sound(0.2)
    np.testing.assert_array_less(np.abs(np.diff(sound)), 0.09)
    assert np.abs(sound.reshape(-1, 160)).max(axis=1).min() > 0.15
    for number in range(150):
        hall.engine.close_leg(CloseLeg(leg=1000 + number), hall.now)
    assert hall.engine.describe()["seats"] == 2


def _seated(engine) -> bool:
    """Whether anybody has a place in a mix."""
    return any(mixer.seat.any() for mixer in engine.outgoing.mixers)
