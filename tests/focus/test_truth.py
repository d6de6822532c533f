"""One truth: what rooms are told to be is what the media workers do and what phones are asked for.

Random plays, by script and by keypad; after every step the description (HTTP, command line, Python), the document of
the conference package, the direction in SDP and what the workers were told say the same of everybody, at one version.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    DigitPressed,
    LegOpened,
    MoveLeg,
    OpenLeg,
    SetGain,
    SetHearing,
    ToWorker,
)
from confserver.focus import outputs as out
from confserver.sdp.direction import Direction
from confserver.sip import outputs as sip
from rooms import commands as ask
from rooms.errors import Refused
from rooms.participant import MuteCause, Relation, Role
from tests.focus.documents import NAMESPACE, OURS, check_call, check_endpoint, check_state, whole
from tests.focus.house import House, Strict, every, sdp

ROOMS = ("standup", "board", "third")
STEPS_DB = [-6.0, 0.0, 6.0]


class Ears(Strict):
    """A worker that does what it is told: who hears whom there, leg by leg."""

    def __init__(self) -> None:
        super().__init__()
        self.hearing: dict[int, SetHearing] = {}
        self.gains: dict[int, tuple[float, float]] = {}
        self.pans: dict[int, float | None] = {}

    def obey(self, command: ToWorker) -> None:
        super().obey(command)
        match command:
            case SetHearing(room=room):
                self.hearing[room] = command
            case SetGain(leg=leg):
                self.gains[leg] = command.incoming, command.outgoing
                self.pans[leg] = command.pan
            case OpenLeg(leg=leg) | CloseLeg(leg=leg):
                self.gains.pop(leg, None)
                self.pans.pop(leg, None)
            case CloseRoom(room=room):
                self.hearing.pop(room, None)
            case MoveLeg():
                pass

    def heard_by(self, leg: int) -> dict[int, float]:
        """Whom a leg hears, and how loud; those are left out who sit elsewhere by now."""
        room = self.legs[leg]
        told = self.hearing.get(room)
        index = dict(told.listeners).get(leg) if told else None
        if told is None or index is None:
            return {}
        mix = told.mixes[index]
        heard = dict(zip(mix.legs, mix.gains, strict=True))
        heard |= {source: gain for to, source, gain in told.exceptions if to == leg}
        here = {source: gain for source, gain in heard.items() if self.legs.get(source) == room}
        here |= {source: gain for source, gain in heard.items() if source in told.guests and source in self.legs}
        return {source: round(gain, 4) for source, gain in here.items() if gain and source != leg}


def expected(room: dict[str, Any], listener: dict[str, Any], rooms: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Whom somebody hears, by the descriptions alone: of his room, and of those from which somebody speaks to it."""
    people = {person["id"]: person for person in room["participants"]}
    me = listener["id"]
    lines = {each["participant"]: each for each in room["whispers"]}
    sidebar = {who: each for each in room["sidebars"] for who in each["participants"]}
    if listener["deaf"] or listener["held"] or listener["held_by_host"] or listener["removed"]:
        return {}
    heard: dict[str, float] = {}
    for who, person in people.items():
        is_off = person["held"] or person["held_by_host"] or person["removed"]
        audible = not person["muted"] and not is_off
        if who in lines:
            loud = (audible if not lines[who]["coach"] else "self" not in person["muted"] and not is_off) and (
                lines[who]["to"] == me
            )
            gain = 1.0 if loud else 0.0
        elif who in sidebar:
            gain = 1.0 if audible and sidebar.get(me) is sidebar[who] else 0.0
        else:
            has_floor = not (room["one_speaker"] and room["floor"]) or who in room["floor"]
            gain = 1.0 if audible and has_floor else 0.0
            if me in sidebar:
                softer = sidebar[me]["room_db"]
                gain *= 0.0 if softer is None else 10 ** (softer / 20)
        if gain and who != me and [me, who] not in room["unheard"]:
            heard[who] = round(gain, 4)
    for each in room["broadcasts"]:
        home = rooms[each["from_room"]]
        if home is not room and is_heard_at_home(home, each["participant"]):
            heard[each["participant"]] = 1.0
    return heard


def is_heard_at_home(home: dict[str, Any], who: str) -> bool:
    person = next(person for person in home["participants"] if person["id"] == who)
    is_private = who in [each["participant"] for each in home["whispers"]]
    is_private = is_private or any(who in each["participants"] for each in home["sidebars"])
    has_floor = not (home["one_speaker"] and home["floor"]) or who in home["floor"]
    return has_floor and not (
        person["muted"] or person["held"] or person["held_by_host"] or person["removed"] or is_private
    )


class Play(House):
    """People who come, go and are moved about over two workers."""

    def __init__(self, seed: int) -> None:
        super().__init__(workers=2, quiets_muted=True)
        self.workers = [Ears(), Ears()]
        self.random = random.Random(seed)
        self.log: list[str] = []
        self.pending: list[int] = []

    # ---------------------------------------------------------------- steps
    def somebody(self) -> tuple[str, str] | None:
        people = [(room.name, person.id) for room in self.rooms for person in room.present]
        return self.random.choice(people) if people else None

    def mate(self, room: str) -> str:
        return self.random.choice([person.id for person in self.rooms.get(room).present])

    def try_order(self, command: ask.Command) -> None:
        self.log.append(str(command))
        with suppress(Refused):
            self.answer_all(self.order(command))

    def answer_all(self, outputs: list[out.Output]) -> None:
        """Workers open what they are to, phones agree to what they are asked, or do not."""
        for _ in range(6):
            opened = [each for each in every(out.TellWorker, outputs) if isinstance(each.command, OpenLeg)]
            offers = every(out.Offer, outputs)
            outputs = []
            for each in opened:
                if each.command.leg in self.scene.legs.by_id:
                    event = LegOpened(leg=each.command.leg, port=20500 + 2 * each.command.leg, ssrc=each.command.leg)
                    outputs += self.tell(event, each.worker)
            for offer in offers:
                if offer.call in self.acked:
                    outputs += self.play(self.focus.hear_call(self.answer(offer), self.now))

    def answer(self, offer: out.Offer) -> sip.OfferAnswered:
        if self.random.random() < 0.2:
            return sip.OfferAnswered(offer.call, 488, b"", "")
        ways = {"sendonly": "recvonly", "recvonly": "sendonly"}
        asked = next((way for way in ways if f"a={way}".encode() in offer.body), "sendrecv")
        return sip.OfferAnswered(
            offer.call, 200, sdp("192.0.2.9", 4000, ways.get(asked, asked), version=2).encode(), "application/sdp"
        )

    def step(self) -> None:
        self.now += 1
        if self.random.random() < 0.12 or not self.people_there():
            self.enter(room=self.random.choice(ROOMS), name=f"N{self.random.randrange(9)} <sip:n@example.com>")
            return
        self.random.choice(STEPS)(self)

    def people_there(self) -> bool:
        return any(room.present for room in self.rooms)

    def about_one(self, *make: Callable[[str, str], ask.Command]) -> None:
        found = self.somebody()
        if found:
            self.try_order(self.random.choice(make)(*found))

    def ring(self) -> None:
        """Somebody is on the way in."""
        call, outputs = self.invite(room=self.random.choice(ROOMS), name="Late <sip:late@example.com>")
        self.answer_all(outputs)
        if call in self.acked:
            self.answer_all(self.opened(call))
            self.pending.append(call)

    def pick_up(self) -> None:
        pending = [call for call in self.pending if self.acked.get(call) is False]
        if pending:
            call = self.random.choice(pending)
            self.log.append(f"call {call} arrives in {self.leg(call).room}")
            self.answer_all(self.ack(call))

    def hang_up(self) -> None:
        call = self.random.choice(list(self.acked))
        self.answer_all(self.bye(call))

    def press(self) -> None:
        """His own keypad, which sees the same rooms."""
        found = self.somebody()
        leg = self.scene.legs.by_participant.get(found[1]) if found else None
        for digit in self.random.choice(["1", "4", "5", "6", "7", "9", "*1", "*5", "**5", "**6", "**0"]):
            if leg is not None:
                self.log.append(f"{leg.participant} presses {digit}")
                self.answer_all(self.tell(DigitPressed(leg=leg.id, digit=digit, duration_ms=100), leg.worker))
        self.answer_all(self.pass_time(7.0))

    def lose_one(self) -> None:
        worker = self.random.randrange(2)
        self.workers[worker] = Ears()
        self.answer_all(self.play(self.focus.worker_lost(worker, self.now)))
        self.answer_all(self.play(self.focus.worker_ready(worker)))

    def enter_breakout(self) -> None:
        """By calling it."""
        names = [name for room in self.rooms for name in room.ties.breakouts]
        if names:
            self.enter(room=self.random.choice(names), name="Direct <sip:direct@example.com>")

    def become_moderator(self) -> None:
        found = self.somebody()
        if found:
            self.rooms.get(found[0]).places[found[1]].role = Role.MODERATOR

    # ---------------------------------------------------------------- what must hold
    def check(self) -> None:
        rooms = {room.name: self.focus.room(room.name, self.now) for room in self.rooms}
        self.check_broadcasts(rooms)
        for room in list(self.rooms):
            shown = rooms[room.name]
            assert shown["version"]["number"] == room.number
            for person in shown["participants"]:
                self.check_worker(shown, person, rooms)
                self.check_sdp(shown, person)
            self.check_document(shown)

    def check_broadcasts(self, rooms: dict[str, dict[str, Any]]) -> None:
        """Whoever speaks to other rooms is told of in all of them that have somebody in them, and in no others."""
        for name, shown in rooms.items():
            family = [shown["parent"] or name, *rooms.get(shown["parent"] or name, shown)["breakouts"]]
            places = {self.scene.places[each].worker for each in family if each in self.scene.places}
            assert len(places) <= 1, "a family lives in one worker"
            for each in shown["broadcasts"]:
                if each["from_room"] == name:
                    to = set(each["rooms"] or family) - {name}
                    told = {other for other in to if other in rooms and each in rooms[other]["broadcasts"]}
                    assert told == {other for other in to if other in rooms and rooms[other]["participants"]}
                else:
                    assert each in rooms[each["from_room"]]["broadcasts"]

    def check_worker(self, shown: dict[str, Any], person: dict[str, Any], rooms: dict[str, dict[str, Any]]) -> None:
        leg = self.scene.legs.by_participant[person["id"]]
        worker = self.workers[leg.worker]
        assert (
            isinstance(worker, Ears)
            and worker.legs[leg.id] == leg.place.number == self.scene.places[shown["name"]].number
        )
        legs = {self.scene.legs.by_id[each].participant: gain for each, gain in worker.heard_by(leg.id).items()}
        assert legs == expected(shown, person, rooms), (person["id"], self.log[-5:])
        gains = worker.gains.get(leg.id, (1.0, 1.0))
        told = tuple(10 ** (person[way] / 20) for way in ("incoming_db", "outgoing_db"))
        assert gains == pytest.approx(told), (person["id"], self.log[-5:])
        assert worker.pans.get(leg.id) == person["pan"], (person["id"], self.log[-5:])

    def check_sdp(self, shown: dict[str, Any], person: dict[str, Any]) -> None:
        leg = self.scene.legs.by_participant[person["id"]]
        coaches = [each["participant"] for each in shown["whispers"] if each["coach"]]
        coaching = person["id"] in coaches and "self" not in person["muted"]
        is_silent = (bool(person["muted"]) and not coaching) or person["held_by_host"]
        assert leg.allow is (Direction.SENDONLY if is_silent else Direction.SENDRECV), (person["id"], self.log[-5:])

    def check_document(self, shown: dict[str, Any]) -> None:
        root = whole(self.rooms.get(shown["name"]))
        assert root.attrib[f"{OURS}number"] == str(shown["version"]["number"])
        found = {
            endpoint.attrib["entity"].partition("participant=")[2]: endpoint
            for endpoint in root.iter(f"{NAMESPACE}endpoint")
            if endpoint.find(f"{NAMESPACE}media") is not None
        }
        for person in shown["participants"]:
            check_call(found[person["id"]], person)
            check_endpoint(found.pop(person["id"]), person, shown)
        assert not found
        check_state(root, shown)


STEPS: tuple[Callable[[Play], None], ...] = (
    *[lambda play: play.about_one(
        lambda room, who: ask.Mute(room, who, play.random.choice(list(MuteCause))),
        lambda room, who: ask.Unmute(room, who, play.random.choice(list(MuteCause))),
        lambda room, who: ask.ToggleMute(room, who, play.random.choice([MuteCause.SELF, MuteCause.HOST])),
    )] * 4,
    *[lambda play: play.about_one(
        lambda room, who: ask.Deafen(room, who), lambda room, who: ask.Undeafen(room, who),
        lambda room, who: ask.HoldParticipant(room, who), lambda room, who: ask.ReleaseParticipant(room, who),
        lambda room, who: ask.Place(room, who, play.random.choice([-1.0, 0.25])),
        lambda room, who: ask.Place(room, who, auto=True),
        lambda room, who: ask.StepGain(room, who, play.random.choice(STEPS_DB), play.random.choice(STEPS_DB)),
    )] * 4,
    *[lambda play: play.about_one(
        lambda room, who: ask.RaiseHand(room, who), lambda room, who: ask.LowerHand(room, who),
        lambda room, who: ask.GiveFloor(room, who, play.random.random() < 0.5), lambda room, who: ask.TakeFloor(room),
        lambda room, who: ask.StartLecture(room), lambda room, who: ask.EndLecture(room),
        lambda room, who: ask.ChangeRoom(room, one_speaker=play.random.random() < 0.5),
        lambda room, who: ask.StartRecording(room), lambda room, who: ask.PauseRecording(room),
        lambda room, who: ask.StopRecording(room), lambda room, who: ask.MuteAll(room, (who,)),
        lambda room, who: ask.UnmuteAll(room),
    )] * 4,
    *[lambda play: play.about_one(
        lambda room, who: ask.Whisper(room, who, play.mate(room)),
        lambda room, who: ask.Coach(room, who, play.mate(room)),
        lambda room, who: ask.EndWhisper(room, who),
        lambda room, who: ask.Relate(room, who, play.mate(room), play.random.choice(list(Relation))),
        lambda room, who: ask.OpenSidebar(room, (who, play.mate(room)), hears_room=play.random.random() < 0.5),
        lambda room, who: ask.LeaveSidebar(room, who), lambda room, who: ask.CloseSidebar(room),
    )] * 4,
    *[lambda play: play.about_one(
        lambda room, who: ask.Move(room, who, play.random.choice(ROOMS)),
        lambda room, who: ask.MoveAll(room, play.random.choice(ROOMS), but=(who,)),
        lambda room, who: ask.Merge(room, play.random.choice(ROOMS)),
        lambda room, who: ask.OpenBreakouts(room, 2), lambda room, who: ask.CloseBreakouts(room),
    )] * 2,
    *[lambda play: play.about_one(
        lambda room, who: ask.BroadcastVoice(room, who), lambda room, who: ask.EndBroadcast(room, who),
        lambda room, who: ask.BroadcastVoice(room, who, (play.random.choice(play.rooms.family(room)),)),
        lambda room, who: ask.Move(room, who, play.random.choice(play.rooms.family(room))),
    )] * 3,
    Play.enter_breakout,
    *[Play.press] * 6, *[Play.ring, Play.pick_up] * 2, Play.hang_up, Play.lose_one, Play.become_moderator,
    lambda play: play.about_one(lambda room, who: ask.Kick(room, who)),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_all_faces_and_the_media_say_the_same_after_every_step(seed: int) -> None:
    play = Play(seed)
    for _ in range(150):
        play.step()
        play.check()
    while play.acked:
        play.bye(next(iter(play.acked)))
    assert not any(worker.legs or worker.rooms for worker in play.workers) and len(play.focus._moving) == 0
