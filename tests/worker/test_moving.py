"""A leg goes from one room of a worker to another, by real packets: same port, same stream, nothing missing."""

import numpy as np
import pytest

from confserver.contract import (
    CloseRoom,
    Describe,
    Described,
    FirstPacket,
    MixSources,
    MoveLeg,
    OpenRoom,
    SetHearing,
    Stop,
)
from tests.engine.hall import level_db, tone
from tests.worker.test_loop import IO, Caller, _seat, _talk, start

__all__ = ["start"]


def usual_db(sound: np.ndarray, hz: float) -> float:
    """The level in most tenths of a second: where the machine stutters, a tone does so, too."""
    return float(np.median([level_db(sound[at : at + 800], hz) for at in range(0, len(sound) - 799, 800)]))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("io", IO)
def test_three_in_a_room_then_two_elsewhere(io, start) -> None:
    worker = start(io)
    callers = [Caller(tone(hz, 6), ssrc) for ssrc, hz in enumerate((410, 730, 1170), 11)]
    _seat(worker, callers)
    _talk(worker, callers, 1.0)
    worker.wait(FirstPacket, leg=3)
    worker.say(OpenRoom(room=6), MoveLeg(leg=1, room=6), MoveLeg(leg=2, room=6))
    for room, legs in ((6, [1, 2]), (5, [3])):
        mix = MixSources(legs=legs, gains=[1.0] * len(legs))
        worker.say(SetHearing(room=room, mixes=[mix], listeners=[(leg, 0) for leg in legs]))
    before = [len(caller.heard) for caller in callers]
    _talk(worker, callers, 1.5, first=50)
    told = zip(callers, before, (410, 730, 1170), (730, 410, None), (1170, 1170, 730), strict=True)
    for caller, count, own, others, gone in told:
        sequence = np.array([int.from_bytes(data[2:4], "big") for data in caller.heard])
        assert set(np.diff(sequence) & 0xFFFF) == {1} and len({data[8:12] for data in caller.heard}) == 1
        sound = caller.sound()[160 * (count + 15) :]
        assert usual_db(sound, own) < -40 and usual_db(sound, gone) < -40
        assert others is None or usual_db(sound, others) > -17
    worker.say(CloseRoom(room=5), Describe(token=1))
    counts = worker.wait(Described, token=1).counts
    assert (counts["rooms"], counts["legs"], counts["faults"]) == (1, 2, 0)
    worker.say(Stop())
    assert worker.ends() == (0, "")
    for caller in callers:
        caller.socket.close()
