"""Where somebody is heard between left and right: placed by a host, and nobody else moves for it."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import CloseLeg, MoveLeg, OpenRoom, RoomSound, SetGain, SetRoom
from tests.engine.ears import hears
from tests.engine.hall import Hall, Phone, level_db, silence, steepest, tone
from tests.engine.test_outgoing import _two_ears

HZ = (310, 570, 930)
RATE = 48000


def stereo_hall() -> tuple[Hall, list[Phone], Phone]:
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(stereo=True, comfort_noise=False)))
    talkers = [hall.add(tone(hz, 6, 0.1)) for hz in HZ]
    ears = hall.add(silence(0.1), changes=hears("opus", stereo=True, bitrate=96000))
    return hall, talkers, ears


def place(hall: Hall, phone: Phone, pan: float | None) -> None:
    hall.engine.set_gain(SetGain(leg=phone.leg, pan=pan))


def sides(ears: Phone, start: float, end: float) -> list[float]:
    """By how many dB each tone is louder on the left."""
    left, right = (ear[int(start * RATE) : int(end * RATE)] for ear in _two_ears(ears))
    return [level_db(left, hz, RATE) - level_db(right, hz, RATE) for hz in HZ]


def test_who_is_placed_is_heard_there_and_nobody_else_moves() -> None:
    hall, talkers, ears = stereo_hall()
    hall.run(1.5)
    place(hall, talkers[1], -1.0)
    hall.run(1)
    place(hall, talkers[1], 0.0)
    hall.run(1)
    place(hall, talkers[1], None)
    hall.run(1)
    usual, left, middle, back = (sides(ears, at, at + 0.8) for at in (0.6, 1.7, 2.7, 3.7))
    assert left[1] > 25 and middle[1] == pytest.approx(0, abs=0.7)
    assert back == pytest.approx(usual, abs=0.5)
    for others in (left, middle):
        assert [others[0], others[2]] == pytest.approx([usual[0], usual[2]], abs=0.7)


def test_he_is_as_loud_wherever_he_is_and_comes_there_without_a_click() -> None:
    hall, talkers, ears = stereo_hall()
    hall.run(1)
    for number in range(21):
        place(hall, talkers[0], -1 + number / 10)
        hall.run(0.1)
    left, right = (ear[RATE:] for ear in _two_ears(ears))
    power = left[: 2 * RATE] ** 2 + right[: 2 * RATE] ** 2
    assert np.isfinite(power).all()
    step = sum(0.1 * np.sqrt(2) * 2 * np.pi * hz / RATE for hz in HZ)
    assert max(steepest(left), steepest(right)) < step + 0.02


def test_he_keeps_his_place_in_another_room_and_who_has_his_seat_next_does_not() -> None:
    hall, talkers, _ = stereo_hall()
    hall.engine.open_room(OpenRoom(room=2, sound=RoomSound(stereo=True, comfort_noise=False)))
    place(hall, talkers[0], 0.5)
    row = hall.row(talkers[0])
    hall.engine.move_leg(MoveLeg(leg=talkers[0].leg, room=2))
    hall.run(0.2)
    assert hall.engine.floor.rooms[2].side_of(row)[1] > hall.engine.floor.rooms[2].side_of(row)[0]
    hall.engine.close_leg(CloseLeg(leg=talkers[0].leg), hall.now)
    hall.run(0.2)
    assert hall.engine.floor.pans == {}


def test_what_is_out_of_range_or_of_nobody_here() -> None:
    hall, talkers, _ = stereo_hall()
    place(hall, talkers[0], 7.0)
    hall.engine.set_gain(SetGain(leg=99, pan=0.5))
    hall.run(0.1)
    assert list(hall.engine.floor.pans.values()) == [1.0]
    place(hall, talkers[0], None)
    assert hall.engine.floor.pans == {}
