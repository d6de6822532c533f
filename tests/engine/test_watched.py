"""What comes from people in rooms that are watched: levels that follow the voice, and a bounded effort."""

from __future__ import annotations

from confserver.contract import CloseRoom, OpenRoom, RoomSound
from confserver.engine import watched
from confserver.engine.watched import Watched
from tests.engine.hall import Hall, silence, tone


def meter(hall: Hall) -> Watched:
    engine = hall.engine
    return Watched(engine.seats, engine.floor, engine.legs)


def pass_ticks(hall: Hall, made: Watched, count: int) -> None:
    for _ in range(count):
        hall.tick()
        made.listen()


def test_levels_go_up_at_once_and_fall_slowly() -> None:
    hall = Hall()
    loud, quiet = hall.add(tone(440, 1.0, 0.5)), hall.add(silence(9))
    made = meter(hall)
    made.set([1])
    pass_ticks(hall, made, 40)
    told = made.report(hall.now)
    assert told is not None and [report.leg for report in told.reports] == [loud.leg, quiet.leg]
    assert -10.5 < told.levels_db[0] < -8.0 and told.levels_db[1] < -60, "half of full scale: 9 dB below overload"
    assert told.reports[0].received > 30 and told.at == hall.now
    pass_ticks(hall, made, 25)
    fallen = made.report(hall.now)
    assert fallen is not None and told.levels_db[0] - 23 < fallen.levels_db[0] < told.levels_db[0] - 3
    pass_ticks(hall, made, 300)
    gone = made.report(hall.now)
    assert gone is not None and gone.levels_db[0] < -60


def test_nothing_is_told_of_what_nobody_watches() -> None:
    hall = Hall()
    hall.add(tone(440, 1.0))
    made = meter(hall)
    pass_ticks(hall, made, 5)
    assert made.report(hall.now) is None
    hall.engine.open_room(OpenRoom(room=2, sound=RoomSound()))
    made.set([2, 99])
    pass_ticks(hall, made, 5)
    assert made.report(hall.now) is None, "nobody is in it; and one that is not there is passed over"
    made.set([1])
    assert made.report(hall.now) is not None
    made.set([])
    assert made.report(hall.now) is None


def test_in_a_large_room_each_has_his_turn(monkeypatch) -> None:
    monkeypatch.setattr(watched, "MOST_AT_ONCE", 3)
    hall = Hall()
    for _ in range(7):
        hall.add(silence(1))
    made = meter(hall)
    made.set([1])
    pass_ticks(hall, made, 2)
    told = [[report.leg for report in made.report(hall.now).reports] for _ in range(4)]
    assert told == [[1, 2, 3], [4, 5, 6], [7], [1, 2, 3]]
    for phone in list(hall.phones[2:]):
        hall.remove(phone)
    assert len(made.report(hall.now).reports) <= 2
    hall.engine.close_room(CloseRoom(room=1), hall.now)
