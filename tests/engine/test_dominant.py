"""Who has the word: who speaks for longer, not who coughs; nobody after a silence; no more than one change a second."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.dominant import EVERY, LEAST_S, SILENT_S, Dominance
from confserver.engine.seats import Seats

ROOM = 7
Change = tuple[float, int, int | None]


class Meeting:
    """Rows that speak as told, in ticks of 20 ms."""

    def __init__(self, people: int = 3, rooms: tuple[int, ...] = (ROOM,)) -> None:
        self.seats = Seats(16)
        self.dominance = Dominance(self.seats)
        self.rows = [self.seats.take() for _ in range(people)]
        for place, row in enumerate(self.rows):
            self.dominance.join(row, rooms[place % len(rooms)])
        self.now = 0.0
        self.changes: list[Change] = []
        self.chance = np.random.default_rng(3)
        self.muted: list[int] = []

    def run(self, seconds: float, *speaking: int, level_db: float = -25.0) -> None:
        """Those of these places speak, in syllables; the others do not."""
        seats = self.seats
        for tick in range(round(seconds * 50)):
            self.now += 0.02
            for place, row in enumerate(self.rows):
                says = place in speaking and tick % 12 < 9
                seats.energy[row] = 10 ** ((level_db + self.chance.normal(0, 3)) / 10) if says else 1e-7
                seats.quiet_frames[row] = 0 if says else seats.quiet_frames[row] + 1
                seats.talks[row] = says or (seats.talks[row] and seats.quiet_frames[row] < 40)
            silenced = np.array([self.rows[place] for place in self.muted], np.intp)
            for room, row in self.dominance.listen(silenced, self.now):
                self.changes.append((round(self.now, 2), room, None if row is None else self.rows.index(row)))

    def who(self) -> list[int | None]:
        return [place for _, _, place in self.changes]


def test_who_speaks_gets_the_word_soon():
    meeting = Meeting()
    meeting.run(2, 1)
    ((at, room, place),) = meeting.changes
    assert (room, place) == (ROOM, 1) and at <= 0.6


def test_the_word_goes_over_within_a_second_of_speech():
    meeting = Meeting()
    meeting.run(5, 0)
    meeting.run(3, 2)
    assert meeting.who() == [0, 2]
    assert 5.3 < meeting.changes[1][0] <= 6.2


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3])
def test_a_cough_and_a_word_of_assent_do_not_take_it(seconds):
    meeting = Meeting()
    meeting.run(5, 0)
    meeting.run(seconds, 0, 1, level_db=-15)
    meeting.run(2, 0)
    meeting.run(seconds, 1)
    meeting.run(3, 0)
    assert meeting.who() == [0]


def test_a_click_is_no_speaker():
    meeting = Meeting()
    meeting.run(0.06, 1, level_db=-5)
    meeting.run(3)
    assert meeting.who() == []


def test_a_pause_keeps_the_word_and_a_silence_gives_it_back():
    meeting = Meeting()
    meeting.run(4, 0)
    meeting.run(2)
    meeting.run(3, 0)
    meeting.run(8)
    assert meeting.who() == [0, None]
    assert 9 + SILENT_S <= meeting.changes[1][0] <= 9 + SILENT_S + 1.5


def test_two_at_once_do_not_quarrel_about_it():
    meeting = Meeting()
    meeting.run(3, 0)
    meeting.run(20, 0, 1)
    assert meeting.who() == [0]


def test_a_louder_one_takes_it_in_the_end():
    meeting = Meeting(2)
    meeting.run(4, 0, level_db=-45)
    meeting.run(4, 1, level_db=-20)
    assert meeting.who() == [0, 1]


def test_changes_are_a_second_apart_however_fast_they_speak_in_turn():
    meeting = Meeting()
    for _ in range(40):
        meeting.run(0.35, int(meeting.chance.integers(3)), level_db=-10)
    times = [at for at, _, _ in meeting.changes]
    assert len(times) > 2 and np.diff(times).min() >= LEAST_S - 1e-6


def test_rooms_have_words_of_their_own():
    meeting = Meeting(4, (1, 2))
    meeting.run(3, 0, 1)
    meeting.run(3, 2, 1)
    assert [(room, place) for _, room, place in meeting.changes] == [(1, 0), (2, 1), (1, 2)]


def test_who_may_not_be_heard_has_no_word():
    meeting = Meeting()
    meeting.muted = [1]
    meeting.run(3, 1)
    meeting.run(3, 0, 1)
    assert meeting.who() == [0]
    meeting.muted = [0]
    meeting.run(5, 0)
    assert meeting.who() == [0, None]


def test_who_leaves_loses_it_and_nobody_inherits_it_with_the_seat():
    meeting = Meeting()
    meeting.run(3, 0)
    meeting.dominance.leave(meeting.rows[0])
    meeting.dominance.join(meeting.rows[0], ROOM)
    meeting.run(1)
    assert meeting.who() == [0, None]
    assert meeting.changes[1][0] <= 3 + EVERY * 0.02


def test_a_room_that_closes_says_nothing_more():
    meeting = Meeting()
    meeting.run(3, 0)
    meeting.dominance.close(ROOM)
    for row in meeting.rows:
        meeting.dominance.leave(row)
    meeting.run(6)
    assert meeting.who() == [0]
