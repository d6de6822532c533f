"""Legs go along with their participants: within a worker, and from one to another by re-INVITE."""

from __future__ import annotations

import itertools

import pytest

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    LegFailed,
    LegOpened,
    MoveLeg,
    NameTrack,
    NoteInRecording,
    OpenLeg,
    OpenRecording,
    OpenRoom,
    RecordingOpened,
    SetGain,
    SetHearing,
    SetLeg,
    StopPlay,
)
from confserver.contract import Play as PlayLeg
from confserver.focus import outputs as out
from confserver.sip import outputs as sip
from confserver.sip.extensions.replaces import Other
from rooms import commands as ask
from rooms import events as tell
from tests.focus.house import House, every, sdp, the
from tests.focus.test_dialout import house as calling_house
from tests.focus.test_playing import convert, house
from tests.focus.test_recordings import Studio
from tests.focus.test_srtp import keys_of, line, savp
from tests.focus.test_watching import watch

NEW_PORT = 20500


def heard(outputs: list[out.Output], room: int) -> list[int]:
    """Who is heard in a room, by the worker's last word."""
    return next(one for one in reversed(every(SetHearing, outputs)) if one.room == room).mixes[1].legs


def place(stage: House, room: str) -> int:
    return stage.scene.places[room].number


# ---------------------------------------------------------------- within a worker
def test_a_leg_goes_along_as_it_is() -> None:
    stage = House()
    ana, bob = stage.enter(), stage.enter()
    leg, other = stage.leg(ana), stage.leg(bob)
    outputs = stage.order(ask.Move("standup", "p1", "board"))
    moved = the(MoveLeg, outputs)
    assert (moved.leg, moved.room) == (leg.id, place(stage, "board"))
    assert heard(outputs, place(stage, "standup")) == [other.id]
    assert heard(outputs, place(stage, "board")) == [leg.id]
    assert (leg.room, leg.place) == ("board", stage.scene.places["board"])
    assert not every(out.Offer, outputs) and not every(CloseLeg, outputs)
    stage.bye(ana), stage.bye(bob)
    assert stage.is_empty()


def test_a_room_closes_after_its_last_leg_has_gone() -> None:
    stage = House()
    ana, bob = stage.enter(), stage.enter()
    outputs = stage.order(ask.MoveAll("standup", "board"))
    kinds = [type(each.command) for each in outputs if isinstance(each, out.TellWorker)]
    assert kinds.index(OpenRoom) < kinds.index(MoveLeg) < kinds.index(CloseRoom)
    assert set(stage.scene.places) == {"board"}
    stage.bye(ana), stage.bye(bob)
    assert stage.is_empty()


def test_a_room_that_a_move_makes_lives_where_its_people_come_from() -> None:
    stage = House(workers=2)
    ana = stage.enter()
    stage.order(ask.Move("standup", "p1", "board"))
    assert stage.scene.places["board"].worker == stage.leg(ana).worker == 0


def test_calls_do_all_they_did_in_the_other_room() -> None:
    stage = House()
    ana, _ = stage.enter(), stage.enter()
    stage.order(ask.Move("standup", "p1", "board"))
    stage.reinvite(ana, sdp(version=2).replace("t=0 0", "t=0 0\r\na=sendonly"))
    assert stage.rooms.describe("board", 0.0)["participants"][0]["held"]
    stage.order(ask.Kick("board", "p1"))
    assert stage.people("board") == []


def test_what_plays_to_him_ends_and_loudness_and_hold_go_along() -> None:
    stage = house()
    stage.enter(), stage.enter()
    convert(stage, stage.order(ask.Play("standup", ("prompt:welcome",), participant="p1")))
    stage.order(ask.SetGain("standup", "p1", 6.0))
    convert(stage, stage.order(ask.HoldParticipant("standup", "p1")))
    outputs = stage.order(ask.Move("standup", "p1", "board"))
    assert len(every(StopPlay, outputs)) == 2 and the(SetGain, outputs).incoming == pytest.approx(1.995, abs=0.001)
    again = the(PlayLeg, convert(stage, outputs))
    assert again.loop and again.room == place(stage, "board")


def test_who_moves_while_his_worker_is_lost_goes_on_at_the_heir() -> None:
    stage = House()
    ana, bob = stage.enter(), stage.enter()
    stage.lose(0)
    outputs = stage.order(ask.Move("standup", "p1", "board"))
    assert not every(MoveLeg, outputs)
    outputs = stage.play(stage.focus.worker_ready(0))
    assert {(one.leg, one.room) for one in every(OpenLeg, outputs)} == {
        (stage.leg(ana).id, place(stage, "board")), (stage.leg(bob).id, place(stage, "standup"))
    }  # fmt: skip


def test_a_call_that_replaces_one_which_has_moved_is_in_the_other_room() -> None:
    stage = House()
    ana = stage.enter()
    stage.enter()
    heir, _ = stage.invite(other=Other(ana, True))
    stage.order(ask.Move("standup", "p1", "board"))
    stage.opened(heir)
    stage.ack(heir)
    assert stage.people("board") == ["p1"] and stage.scene.legs.by_participant["p1"] is stage.leg(heir)
    assert stage.leg(heir).place is stage.scene.places["board"]


def test_a_refused_move_moves_no_leg() -> None:
    stage = House(most=1)
    stage.enter()
    stage.enter(room="board")
    with pytest.raises(Exception, match="has no room"):
        stage.order(ask.Move("standup", "p1", "board"))
    assert stage.people() == ["p1"]


# ---------------------------------------------------------------- between workers
class Two(House):
    """standup at the first worker, board at the second."""

    def __init__(self, **more: object) -> None:
        super().__init__(workers=2, **more)
        self.ana, self.bob = self.enter(), self.enter()
        self.carl = self.enter(room="board")
        assert (self.leg(self.ana).worker, self.leg(self.carl).worker) == (0, 1)

    def move(self) -> list[out.Output]:
        return self.order(ask.Move("standup", "p1", "board"))

    def opens(self) -> list[out.Output]:
        leg = self.leg(self.ana)
        return self.tell(LegOpened(leg=leg.id, port=NEW_PORT, ssrc=77), leg.worker)

    def answers_offer(self, status: int = 200, body: str = "") -> list[out.Output]:
        body = (body or sdp(version=2)) if status == 200 else ""
        answered = sip.OfferAnswered(self.ana, status, body.encode(), "application/sdp")
        return self.play(self.focus.hear_call(answered, self.now))

    def all_hang_up(self) -> None:
        for call in list(self.acked):
            self.bye(call)
        assert self.is_empty() and len(self.focus._moving) == 0


def test_a_phone_follows_to_another_worker_by_re_invite() -> None:
    stage = Two()
    old = stage.leg(stage.ana).id
    outputs = stage.move()
    opened = the(OpenLeg, outputs)
    assert (opened.room, opened.plan.sends) == (place(stage, "board"), False) and opened.leg != old
    assert old not in every(SetHearing, outputs)[0].mixes[1].legs
    assert the(MoveLeg, outputs).leg == old, "it waits, and is sent silence"
    offer = the(out.Offer, stage.opens())
    assert f"m=audio {NEW_PORT} " in offer.body.decode()
    outputs = stage.answers_offer()
    assert the(SetLeg, outputs).plan.sends and the(SetLeg, outputs).leg == opened.leg
    assert the(CloseLeg, outputs).leg == old and len(every(CloseRoom, outputs)) == 1
    assert stage.people("board") == ["p3", "p1"]
    stage.all_hang_up()


@pytest.mark.parametrize("status", [488, 500, 408])
def test_who_does_not_follow_is_back_in_his_room_as_if_nothing_had_been(status: int) -> None:
    stage = Two()
    before = stage.leg(stage.ana)
    old = before.id, before.port, before.place
    stage.move()
    stage.opens()
    outputs = stage.answers_offer(status)
    leg = stage.leg(stage.ana)
    assert (leg.id, leg.port, leg.place) == old
    assert stage.people() == ["p2", "p1"] and stage.people("board") == ["p3"]
    assert set(heard(outputs, place(stage, "standup"))) == {stage.leg(stage.bob).id, leg.id}
    assert stage.workers[0].legs[leg.id] == place(stage, "standup") and len(stage.workers[1].legs) == 1
    stage.all_hang_up()


def test_where_the_worker_has_no_port_he_is_back() -> None:
    stage = Two()
    stage.move()
    stage.tell(LegFailed(leg=stage.leg(stage.ana).id, reason="no port"), 1)
    assert stage.people() == ["p2", "p1"]
    stage.all_hang_up()


def test_he_goes_back_though_his_room_is_closed_to_him_by_now() -> None:
    """Nobody has to know him there who was in there a moment ago."""
    stage = Two()
    stage.move()
    stage.opens()
    stage.order(ask.CreateRoom("standup", rules={"deny": ("0.0.0.0/0", "*")}))
    stage.answers_offer(488)
    assert stage.people() == ["p2", "p1"]
    stage.all_hang_up()


def test_who_cannot_go_back_any_more_is_hung_up_on() -> None:
    stage = Two()
    stage.move()
    stage.opens()
    stage.order(ask.CreateRoom("standup", max_participants=1))
    outputs = stage.answers_offer(488)
    assert the(out.HangUp, outputs).call == stage.ana
    stage.all_hang_up()


@pytest.mark.parametrize("is_opened", [False, True])
def test_a_call_that_ends_on_the_way_leaves_nothing(is_opened: bool) -> None:
    stage = Two()
    stage.move()
    if is_opened:
        stage.opens()
    stage.bye(stage.ana)
    assert [len(worker.legs) for worker in stage.workers] == [1, 1] and len(stage.focus._moving) == 0
    stage.all_hang_up()


def test_who_is_kicked_on_the_way_leaves_nothing() -> None:
    stage = Two()
    stage.move()
    stage.order(ask.Kick("board", "p1"))
    assert len(stage.focus._moving) == 0
    stage.all_hang_up()


def test_there_and_back_before_the_phone_has_answered() -> None:
    stage = Two()
    old = stage.leg(stage.ana).id
    stage.move()
    stage.opens()
    stage.order(ask.Move("board", "p1", "standup"))
    assert stage.leg(stage.ana).id == old and stage.people() == ["p2", "p1"]
    [again] = every(out.Offer, stage.answers_offer())
    assert f"m=audio {stage.leg(stage.ana).port} " in again.body.decode()
    stage.answers_offer(body=sdp(version=3))
    stage.all_hang_up()


def test_a_second_move_at_the_other_worker_while_on_the_way() -> None:
    stage = Two()
    stage.enter(room="third")
    stage.move()
    stage.opens()
    stage.order(ask.Move("board", "p1", "third"))
    stage.answers_offer()
    assert stage.people("third") == ["p4", "p1"] and stage.leg(stage.ana).worker == 1
    stage.all_hang_up()


@pytest.mark.parametrize("worker", [0, 1])
def test_a_worker_lost_on_the_way(worker: int) -> None:
    """Of the old one nothing is needed any more; without the new one he goes back."""
    stage = Two()
    stage.move()
    stage.opens()
    stage.lose(worker)
    stage.play(stage.focus.worker_ready(worker))
    assert "p1" in stage.people("board" if worker == 0 else "standup")
    stage.answers_offer()
    stage.all_hang_up()


def test_a_protected_leg_gets_another_key_for_the_other_worker() -> None:
    stage = House(workers=2)
    keys = itertools.count(1)
    stage.scene.secrets = lambda octets: bytes([next(keys)]) * octets
    call = stage.enter(savp(line()))
    stage.enter(room="board")
    old = keys_of(stage.leg(call).plan)
    stage.order(ask.Move("standup", "p1", "board"))
    new = keys_of(stage.leg(call).plan)
    assert new[0] == old[0] and new[1] != old[1]
    leg = stage.leg(call)
    stage.tell(LegOpened(leg=leg.id, port=NEW_PORT, ssrc=77), 1)
    answered = sip.OfferAnswered(call, 488, b"", "")
    stage.play(stage.focus.hear_call(answered, stage.now))
    assert keys_of(stage.leg(call).plan) == old and stage.people() == ["p1"]


# ---------------------------------------------------------------- breakout rooms
def test_breakout_rooms_live_beside_their_room() -> None:
    stage = House(workers=3)
    calls = [stage.enter() for _ in range(4)]
    outputs = stage.order(ask.OpenBreakouts("standup", 2))
    assert {each.worker for each in stage.scene.places.values()} == {0}
    assert len(every(MoveLeg, outputs)) == 4 and not every(OpenLeg, outputs)
    stage.order(ask.CloseBreakouts("standup", countdown_s=10.0))
    outputs = stage.pass_time(11)
    assert len(every(MoveLeg, outputs)) == 4 and len(stage.people()) == 4
    assert {each.room for each in every(tell.BreakoutsClosed, outputs)} == {"standup"}
    for call in calls:
        stage.bye(call)
    assert stage.is_empty()


def test_a_broadcast_of_what_is_no_sound_is_refused() -> None:
    stage = house()
    stage.enter()
    with pytest.raises(Exception, match="nonsense"):
        stage.order(ask.Broadcast("standup", ("prompt:nonsense",)))


# ---------------------------------------------------------------- what follows, and what stays
def test_the_contact_is_the_room_that_the_call_is_in() -> None:
    stage = House()
    ana = stage.enter()
    named = the(out.NameRoom, stage.order(ask.Move("standup", "p1", "board")))
    assert (named.call, named.user) == (ana, "board")


def test_who_watches_a_room_goes_on_watching_that_room() -> None:
    stage = House()
    stage.enter()
    stage.enter(name="Bob <sip:bob@b>")
    watcher = watch(stage)
    watcher.read()
    watcher.hear(stage.order(ask.Move("standup", "p1", "board")))
    assert watcher.due and watcher.read() is not None
    assert set(watcher.users) == {"sip:bob@b"} and not watcher.reason
    watcher.hear(stage.order(ask.Move("board", "p1", "standup")))
    watcher.read()
    assert set(watcher.users) == {"sip:bob@b", "sip:anna@example.com"}


def test_recordings_of_both_rooms_say_who_goes_and_who_comes() -> None:
    stage = Studio()
    stage.enter(), stage.enter(room="board")
    first, _ = stage.record()
    second = the(OpenRecording, stage.order(ask.StartRecording("board")))
    stage.scribe(RecordingOpened(record=second.record, name="board-x"))
    outputs = stage.order(ask.Move("standup", "p1", "board"))
    noted = [(note.record, note.what) for note in every(NoteInRecording, outputs)]
    assert (second.record, "arrived") in noted
    track = the(NameTrack, outputs)
    assert (track.record, track.participant) == (second.record, "p1")
    assert {note for record, note in noted if record == first.record} <= {"left", "talking", "quiet"}


def test_whom_we_call_and_who_answers_in_a_room_that_was_merged_is_in_the_other() -> None:
    stage = calling_house()
    call = stage.dial()
    stage.enter()
    stage.order(ask.Merge("standup", "board"))
    stage.answers(call)
    assert len(stage.people("board")) == 2 and not stage.people()
    assert stage.leg(call).room == "board"
