"""Meetings as they are kept: plays in the rooms, and what the store says of them afterwards."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from rooms import commands as ask
from rooms import events as tell
from rooms import store
from rooms.participant import SYSTEM, MuteCause, Role
from rooms.records import keeping, queries
from rooms.records.figures import Figures
from rooms.records.ledger import Ledger
from rooms.records.queries import Wanted
from tests.rooms.play import ADMIN, HOST, Stage

ROOM = "standup"


class Kept(Stage):
    """A stage whose meetings go to the store."""

    def __init__(self, db: Database | None = None) -> None:
        super().__init__(ROOM)
        self.db = db or Database(memory=True)
        store.migrate(self.db)
        self.ledger = Ledger(self.look, queries.last_meeting(self.db))

    def look(self, room, participant):
        return self.rooms.get(room).places.get(participant) if room in self.rooms else None

    def do(self, command, by=ADMIN):
        events = super().do(command, by)
        store.write(self.db, [*store.records_of(events), *self.ledger.follow(events)])
        return events

    def talk(self, who: str, seconds: float) -> None:
        self.do(ask.NoteTalking(ROOM, who, True))
        self.now += seconds - 1
        self.do(ask.NoteTalking(ROOM, who, False))

    def measure(self, who: str, **figures) -> None:
        store.write(self.db, [self.ledger.measured(ROOM, who, Figures(**figures), self.now)])

    def meetings(self, **wanted):
        return queries.meetings(self.db, Wanted(**wanted))

    def people(self, number: int = 1) -> dict:
        told = queries.meeting(self.db, number)
        assert told is not None
        return {row["name"]: row for row in told["participants"]}


def test_a_meeting_from_its_opening_to_its_end() -> None:
    stage = Kept()
    ana = stage.reserve("Ana")
    opened = stage.now
    stage.do(ask.Arrive(ROOM, ana))
    bob = stage.arrive("Bob")
    stage.leave(bob)
    carl = stage.arrive("Carl")
    assert stage.meetings()[0]["closed_at"] is None, "it goes on"
    stage.leave(ana)
    stage.leave(carl)
    [meeting] = stage.meetings()
    assert meeting == {
        "id": 1, "room": ROOM, "opened_at": opened, "closed_at": stage.now, "cause": "everybody has left",
        "most_present": 2, "people": 3, "recordings": [],
    }  # fmt: skip
    assert list(stage.people()) == ["Ana", "Bob", "Carl"]


def test_a_room_that_nobody_came_to_has_had_no_meeting() -> None:
    stage = Kept()
    stage.do(ask.Release(ROOM, stage.reserve("Ana")))
    assert stage.meetings() == [] and stage.ledger.number_of(ROOM) is None
    stage.leave(stage.arrive("Ana"))
    assert [each["id"] for each in stage.meetings()] == [1]


def test_who_ended_it() -> None:
    stage = Kept()
    ana = stage.arrive("Ana")
    stage.do(ask.End(ROOM), HOST)
    stage.leave(ana)
    assert stage.meetings()[0]["cause"] == "ended by script"


def test_talk_and_mutes_are_counted() -> None:
    stage = Kept()
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.talk(ana, 10.0)
    stage.now += 5
    stage.talk(ana, 20.0)
    stage.do(ask.Mute(ROOM, bob), HOST)
    stage.do(ask.Mute(ROOM, bob, MuteCause.SELF))
    stage.now += 58
    stage.do(ask.Unmute(ROOM, bob), HOST)
    stage.now += 39
    stage.do(ask.Unmute(ROOM, bob, MuteCause.SELF))
    for who in (ana, bob):
        stage.leave(who)
    people = stage.people()
    assert (people["Ana"]["talk_s"], people["Ana"]["talks"], people["Ana"]["muted_s"]) == (30.0, 2, 0.0)
    assert people["Bob"]["muted_s"] == 100.0, "two causes of a mute are one mute"
    assert people["Ana"]["spurts"] == [30, 100, 60, 200]
    assert people["Bob"]["mutes"][1] == 1000


def test_who_talks_while_leaving_has_talked_until_then() -> None:
    stage = Kept()
    ana = stage.arrive("Ana")
    stage.do(ask.NoteTalking(ROOM, ana, True))
    stage.now += 9
    stage.leave(ana)
    assert stage.people()["Ana"]["talk_s"] == 10.0


def test_who_has_kicked_and_who_was_called() -> None:
    stage = Kept()
    ana = stage.arrive("Ana")
    stage.do(ask.Kick(ROOM, ana), HOST)
    stage.do(ask.Leave(ROOM, ana, "kicked"))
    row = stage.people()["Ana"]
    assert (row["cause"], row["kicked_by"], row["dialled"], row["role"]) == ("kicked", "script", False, "participant")


def test_media_are_written_also_after_the_participant_has_left() -> None:
    stage = Kept()
    ana = stage.arrive("Ana")
    stage.measure(ana, codec="opus", received=100, lost=3, mos_in=4.256)
    stage.leave(ana)
    stage.measure(ana, codec="opus", received=150, lost=4, mos_in=4.1, lost_out=7)
    row = stage.people()["Ana"]
    assert (row["codec"], row["received"], row["lost"], row["lost_out"], row["mos_in"]) == ("opus", 150, 4, 7, 4.1)
    assert row["mos_out"] is None


def test_recordings_by_name() -> None:
    stage = Kept()
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.leave(bob)
    store.write(stage.db, stage.ledger.recorded(ROOM, "standup-1", stage.now))
    carl = stage.arrive("Carl")
    store.write(stage.db, stage.ledger.recorded(ROOM, "", stage.now))
    dora = stage.arrive("Dora")
    for who in (ana, carl, dora):
        stage.leave(who)
    assert stage.meetings()[0]["recordings"] == ["standup-1"]
    recordings = {name: row["recording"] for name, row in stage.people().items()}
    assert recordings == {"Ana": "standup-1", "Bob": "", "Carl": "standup-1", "Dora": ""}
    assert stage.ledger.recorded("nowhere", "x", stage.now) == []


def test_a_crash_loses_what_came_after_the_last_checkpoint() -> None:
    stage = Kept()
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    stage.talk(ana, 10.0)
    stage.do(ask.NoteTalking(ROOM, bob, True))
    stage.now += 5
    figures = {(ROOM, ana): Figures(codec="PCMA", received=700), (ROOM, bob): Figures(received=70)}
    store.write(stage.db, stage.ledger.checkpoint(stage.now, figures))
    store.mark_alive(stage.db, stage.now)
    checked = stage.now
    stage.talk(ana, 100.0)
    store.settle(stage.db)
    people = stage.people()
    assert (people["Ana"]["talk_s"], people["Ana"]["received"], people["Ana"]["codec"]) == (10.0, 700, "PCMA")
    assert people["Bob"]["talk_s"] == 5.0
    assert {row["cause"] for row in people.values()} == {"server stopped"}
    [meeting] = stage.meetings()
    assert (meeting["cause"], meeting["closed_at"]) == ("server stopped", checked)
    again = Kept(stage.db)
    again.arrive("Ana")
    assert [each["id"] for each in again.meetings()] == [2, 1], "numbers go on"


def test_who_moves_is_in_both_meetings() -> None:
    stage = Kept()
    stage.do(ask.CreateRoom("board"))
    ana = stage.arrive("Ana")
    stage.talk(ana, 10.0)
    stage.do(ask.Move(ROOM, ana, "board"))
    moved = stage.now
    stage.do(ask.NoteTalking("board", ana, True))
    stage.now += 4
    stage.do(ask.Leave("board", ana, "hung up"))
    [board, standup] = stage.meetings()
    assert (standup["room"], standup["closed_at"], board["room"], board["opened_at"]) == (ROOM, moved, "board", moved)
    before, after = stage.people(standup["id"])["Ana"], stage.people(board["id"])["Ana"]
    assert (before["talk_s"], before["left_at"], before["cause"]) == (10.0, moved, "moved to board")
    assert (after["talk_s"], after["arrived_at"], after["cause"]) == (5.0, moved, "hung up")
    assert queries.participations(stage.db, Wanted(limit=9))[2:] == []


def test_who_has_become_a_moderator_is_told_as_such() -> None:
    stage = Kept()
    ana = stage.arrive("Ana")
    stage.rooms.get(ROOM).places[ana].role = Role.MODERATOR
    store.write(stage.db, stage.ledger.follow([tell.RoleChanged(ROOM, 9, stage.now, ana, Role.MODERATOR, "boss")]))
    stage.leave(ana)
    assert stage.people()["Ana"]["role"] == "moderator"


def test_what_was_wrong_is_kept_with_its_times() -> None:
    stage = Kept()
    ana = stage.arrive("Ana")
    stage.do(ask.NoteQuality(ROOM, ana, "noise", True, "in", "Ana's phone", "noise", "mute", 5.0), SYSTEM)
    stage.do(ask.NoteQuality(ROOM, ana, "noise", False), SYSTEM)
    over = stage.now
    stage.do(ask.NoteQuality(ROOM, ana, "low", True, "in", "Ana's phone", "low", "up", 6.0), SYSTEM)
    stage.leave(ana)
    noise, low = stage.people()["Ana"]["quality"]
    assert (noise["kind"], noise["since"], noise["until"], noise["advice"]) == ("noise", 5.0, over, "mute")
    assert (low["kind"], low["until"]) == ("low", stage.now), "what was wrong when he left is over, too"


def test_a_checkpoint_writes_what_has_changed_and_each_share_once() -> None:
    stage = Kept()
    people = [stage.arrive(f"P{number}") for number in range(9)]

    def written(part: int = 0, parts: int = 1) -> set[str]:
        return {record.values["participant"] for record in stage.ledger.checkpoint(stage.now, {}, (part, parts))}

    shares = [written(part, 3) for part in range(3)]
    assert set().union(*shares) == set(people) and sum(map(len, shares)) == 9
    assert written() == set(), "nothing has changed"
    stage.talk(people[0], 3.0)
    stage.do(ask.Mute(ROOM, people[1]), HOST)
    assert written() == {people[0], people[1]}
    assert written() == {people[1]}, "a mute goes on"
    stage.do(ask.Unmute(ROOM, people[1]), HOST)
    assert written() == {people[1]} and written() == set()


def test_who_waited_in_vain_is_on_record_too() -> None:
    stage = Kept()
    stage.arrive("Ana")
    waits = tell.PlaceReserved(ROOM, 90, stage.now, "p9", "Eve", "sip:eve@h", "h:1")
    ended = tell.WaitEnded(ROOM, 91, stage.now + 60, "p9", "turned away")
    store.apply(stage.db, [waits, ended])
    row = queries.participations(stage.db, Wanted())[0]
    assert (row["name"], row["arrived_at"], row["left_at"], row["cause"]) == (
        "Eve", None, stage.now + 60, "turned away",
    )  # fmt: skip


# ---------------------------------------------------------------- asking
def many(count: int) -> Kept:
    stage = Kept()
    for number in range(count):
        stage.room = ROOM if number % 2 else "board"
        who = stage.reserve(f"P{number}", stage.room)
        stage.do(ask.Arrive(stage.room, who))
        stage.do(ask.Leave(stage.room, who))
    return stage


def test_pages_follow_each_other_without_a_gap() -> None:
    stage = many(7)
    found, before = [], None
    while page := queries.participations(stage.db, Wanted(before=before, limit=3)):
        found += [row["name"] for row in page]
        before = page[-1]["id"]
    assert found == [f"P{number}" for number in reversed(range(7))]


@pytest.mark.parametrize(("limit", "given"), [(-5, 1), (0, 1), (10**9, 7)])
def test_a_page_has_its_bounds(limit: int, given: int) -> None:
    assert len(queries.meetings(many(7).db, Wanted(limit=limit))) == given


def test_rooms_and_times_narrow_a_question() -> None:
    stage = many(6)
    assert {row["room"] for row in queries.meetings(stage.db, Wanted(room="board"))} == {"board"}
    rows = queries.participations(stage.db, Wanted())
    third = rows[2]
    at = third["arrived_at"]
    assert [row["id"] for row in queries.participations(stage.db, Wanted(since=at, until=at))] == [third["id"]]
    assert queries.meetings(stage.db, Wanted(until=1.0)) == []
    assert queries.meetings(stage.db, Wanted(room="' OR 1=1 --")) == []


def test_there_is_no_meeting_of_that_number() -> None:
    assert queries.meeting(Kept().db, 7) is None


def test_an_unreadable_cell_is_an_empty_one() -> None:
    stage = many(1)
    stage.db.execute("UPDATE participations SET spurts = 'no JSON', quality = '{}'")
    row = stage.people()["P0"]
    assert row["spurts"] == [] and row["quality"] == []


# ---------------------------------------------------------------- forgetting
def test_what_is_old_goes_in_batches_and_what_lasts_stays(monkeypatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    stage = many(5)
    stage.arrive("Ana", "board")
    limit = queries.participations(stage.db, Wanted(limit=2))[-1]["arrived_at"]
    gone = []
    while batch := keeping.prune(stage.db, limit):
        gone.append(batch)
    assert gone == [4, 4]
    left = [row["name"] for row in queries.participations(stage.db, Wanted())]
    assert left == ["Ana", "P4"]
    assert store.last_participant(stage.db) == 6


def test_the_last_number_is_never_forgotten() -> None:
    stage = many(3)
    keeping.prune(stage.db, stage.now + 1e9)
    assert queries.last_meeting(stage.db) == 3 and store.last_participant(stage.db) == 3
