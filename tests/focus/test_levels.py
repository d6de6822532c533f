"""Levels: asked of the workers while somebody looks on, told by room and participant, forgotten afterwards."""

from __future__ import annotations

from confserver.contract import LegReport, WatchedReports, WatchRooms
from confserver.focus import levels
from confserver.focus.outputs import TellWorker
from tests.focus.house import House, every


def report(leg: int, **more: float) -> LegReport:
    return LegReport(leg, 100, 90, 3, 2, 1, 0, 1.26, 41.26, -1.0, 7, 8, 9, **more)  # type: ignore[arg-type]


def asked(outputs: list[object]) -> list[list[int]]:
    told = [each.command for each in every(TellWorker, outputs)]
    return [command.rooms for command in told if isinstance(command, WatchRooms)]


def test_workers_are_asked_once_and_told_when_nobody_looks_any_more() -> None:
    house = House()
    leg = house.leg(house.enter())
    assert house.focus.levels.watch(None) == []
    assert asked(house.focus.levels.watch(lambda room: room == "other")) == []
    assert asked(house.focus.levels.watch(lambda room: True)) == [[leg.place.number]]
    assert house.focus.levels.watch(lambda room: True) == [], "it knows"
    assert asked(house.focus.levels.watch(None)) == [[]]
    assert house.focus.levels.watch(None) == []


def test_what_comes_from_each_by_room() -> None:
    house = House()
    leg = house.leg(house.enter())
    everybody = lambda room: True  # noqa: E731
    house.focus.levels.watch(everybody)
    assert house.focus.levels.of_rooms(everybody)["standup"][leg.participant]["level_db"] is None
    house.tell(
        WatchedReports(reports=[report(leg.id, mos_in=4.409), report(999)], levels_db=[-21.5, -3.0], at=house.now)
    )
    told = house.focus.levels.of_rooms(everybody)
    assert told == {
        "standup": {
            leg.participant: {
                "level_db": -21.5, "received": 100, "sent": 90, "lost": 3, "lost_out": None, "jitter_ms": 1.26,
                "rtt_ms": None, "mos_in": 4.41, "mos_out": None,
            }
        }
    }  # fmt: skip
    assert house.focus.levels.of_rooms(lambda room: False) == {} and house.focus.levels.of_rooms(None) == {}
    house.focus.levels.watch(None)
    house.focus.levels.watch(everybody)
    assert house.focus.levels.of_rooms(everybody)["standup"][leg.participant]["level_db"] is None, "not an old one"


def test_the_heir_of_a_lost_worker_is_asked_again() -> None:
    house = House()
    house.enter()
    house.focus.levels.watch(lambda room: True)
    house.lose(0)
    assert len(asked(house.focus.levels.watch(lambda room: True))) == 1


def test_where_there_are_many_rooms_have_their_turns(monkeypatch: object) -> None:
    house = House()
    for room in ("a", "b", "c"):
        house.enter(room=room)
    monkeypatch.setattr(levels, "MOST_TOLD", 2)  # type: ignore[attr-defined]
    told = [sorted(house.focus.levels.of_rooms(lambda room: True)) for _ in range(3)]
    assert told == [["a", "b"], ["a", "c"], ["b", "c"]]
