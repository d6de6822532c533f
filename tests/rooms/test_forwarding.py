"""What is sent on to programs: who hears what, when it ends, what cannot be."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.commands.forwards import ForwardCodec
from rooms.errors import Conflict, Forbidden, Full, Invalid, NotFound, NotOpen, Refused
from rooms.forwarding import MOST_FORWARDS
from rooms.participant import MuteCause
from rooms.telling import tell as told
from tests.rooms.play import ADMIN, HOST, Stage, kinds

ROOM = "standup"
KEY = "0123456789abcdef0123456789abcdef01234567"


def start(stage: Stage, port: int = 5004, **more) -> tell.ForwardStarted:
    return stage.do(ask.StartForward(ROOM, "192.0.2.7", port, **more), ADMIN)[0]


def heard(stage: Stage, number: int) -> set[str]:
    """Whom a forward hears."""
    hearing = stage.rooms.get(ROOM).hearing
    return {who for who, gain in hearing.mixes[dict(hearing.forwards)[number]].sources if gain}


def test_it_hears_what_the_room_hears_and_is_nobody() -> None:
    stage = Stage()
    ana, ben = stage.arrive("Ana"), stage.arrive("Ben")
    events = stage.do(ask.StartForward(ROOM, "192.0.2.7", 5004), ADMIN)
    assert kinds(events) == [tell.ForwardStarted, tell.HearingChanged]
    begun = events[0]
    assert (begun.codec, begun.payload_type, begun.rtcp_port, begun.by) == ("opus", 111, 5005, "boss")
    assert heard(stage, begun.forward) == {ana, ben}
    shown = stage.shown()
    assert [(each["forward"], each["host"], each["port"]) for each in shown["forwards"]] == [
        (begun.forward, "192.0.2.7", 5004)
    ]
    assert [person["id"] for person in shown["participants"]] == [ana, ben] and shown["reserved"] == 0
    stage.do(ask.Mute(ROOM, ana, MuteCause.HOST))
    assert heard(stage, begun.forward) == {ben}
    assert stage.rooms.get(ROOM).hearing.bare == ()


def test_what_is_said_to_some_alone_is_not_sent_on() -> None:
    stage = Stage()
    ana, ben, cem, dan = (stage.arrive(name) for name in ("Ana", "Ben", "Cem", "Dan"))
    begun, own = start(stage), start(stage, 5006, voice=ana)
    stage.do(ask.Whisper(ROOM, ana, to=ben), HOST)
    assert heard(stage, begun.forward) == {ben, cem, dan} and heard(stage, own.forward) == set()
    stage.do(ask.EndWhisper(ROOM, ana), HOST)
    stage.do(ask.OpenSidebar(ROOM, (cem, dan)), HOST)
    assert heard(stage, begun.forward) == {ana, ben} and heard(stage, own.forward) == {ana}


def test_one_voice_is_sent_as_the_room_hears_it() -> None:
    stage = Stage()
    ana, ben = stage.arrive("Ana"), stage.arrive("Ben")
    begun, again = start(stage, voice="Ana"), start(stage, 5006, voice=ana, codec=ForwardCodec.PCMU)
    assert (begun.voice, again.payload_type) == (ana, 0)
    hearing = stage.rooms.get(ROOM).hearing
    assert len({mix for _, mix in hearing.forwards}) == 1 and len(hearing.bare) == 1, "one mix serves both"
    assert heard(stage, begun.forward) == {ana}
    stage.do(ask.Mute(ROOM, ana, MuteCause.HOST))
    assert heard(stage, begun.forward) == set()
    ended = [each for each in stage.leave(ana) if isinstance(each, tell.ForwardEnded)]
    assert [each.cause for each in ended] == ["the participant has left"] * 2
    assert stage.shown()["forwards"] == [] and [person["id"] for person in stage.shown()["participants"]] == [ben]


def test_who_moves_takes_nothing_along() -> None:
    stage = Stage()
    ana, _ = stage.arrive("Ana"), stage.arrive("Ben")
    start(stage, voice=ana)
    events = stage.do(ask.Move(ROOM, ana, "other"), HOST)
    assert [each.cause for each in events if isinstance(each, tell.ForwardEnded)] == ["the participant has left"]
    assert stage.rooms.describe("other", stage.now)["forwards"] == []


def test_it_ends_with_the_room_before_the_room_closes() -> None:
    stage = Stage()
    ana = stage.arrive("Ana")
    start(stage)
    found = kinds(stage.leave(ana))
    assert found.index(tell.ForwardEnded) < found.index(tell.RoomClosed) and ROOM not in stage.rooms


def test_one_or_all_are_stopped() -> None:
    stage = Stage()
    stage.arrive("Ana")
    first, _, _ = start(stage, 5004), start(stage, 5006), start(stage, 5008)
    events = stage.do(ask.StopForward(ROOM, first.forward), ADMIN)
    assert [(each.forward, each.cause, each.by) for each in events if isinstance(each, tell.ForwardEnded)] == [
        (first.forward, "stopped", "boss")
    ]
    with pytest.raises(NotFound, match="there is no forward"):
        stage.do(ask.StopForward(ROOM, first.forward), ADMIN)
    assert kinds(stage.do(ask.StopForward(ROOM), ADMIN)).count(tell.ForwardEnded) == 2
    assert stage.rooms.get(ROOM).hearing.forwards == ()


def test_trouble_is_told_once_and_its_end() -> None:
    stage = Stage()
    stage.arrive("Ana")
    begun = start(stage)
    note = ask.NoteForwardTroubled(ROOM, begun.forward, "refused")
    assert kinds(stage.do(note)) == [tell.ForwardTroubled] and stage.do(note) == []
    assert stage.shown()["forwards"][0]["trouble"] == "refused"
    assert stage.do(ask.NoteForwardTroubled(ROOM, begun.forward, ""))[0].trouble == ""
    failed = stage.do(ask.NoteForwardFailed(ROOM, begun.forward, "no free port"))
    assert failed[0].cause == "no free port" and stage.shown()["forwards"] == []
    assert stage.do(ask.NoteForwardFailed(ROOM, begun.forward, "again")) == [] and stage.do(note) == []


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({"port": 0}, Invalid, "port must be"),
        ({"port": 65535}, Invalid, "rtcp_port must be 1 to 65535, not 65536"),
        ({"rtcp_port": -1}, Invalid, "rtcp_port"),
        ({"payload_type": 72}, Invalid, "payload_type"),
        ({"payload_type": 128}, Invalid, "payload_type"),
        ({"ssrc": 0}, Invalid, "ssrc"),
        ({"ssrc": 2**32}, Invalid, "ssrc"),
        ({"ssrc": 7, "srtp_key": KEY}, Invalid, "SSRC is the server's"),
        ({"codec": ForwardCodec.PCMU, "codec_rate_hz": 16000}, Invalid, "codec_rate_hz of PCMU must be 8000"),
        ({"codec_rate_hz": 44100}, Invalid, "codec_rate_hz"),
        ({"host": ""}, Invalid, "IP address"),
        ({"host": "1" * 65}, Invalid, "IP address"),
        ({"srtp_key": "a" * 129}, Invalid, "key"),
        ({"voice": "p99"}, NotFound, "p99"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(more, kind, words) -> None:
    stage = Stage()
    stage.arrive("Ana")
    before = stage.shown()["version"]
    with pytest.raises(kind, match=words):
        stage.do(ask.StartForward(**{"room": ROOM, "host": "192.0.2.7", "port": 5004, **more}), ADMIN)
    assert stage.shown()["version"] == before and stage.shown()["forwards"] == []


def test_only_administrators_and_only_while_somebody_is_there() -> None:
    stage = Stage()
    with pytest.raises(NotFound):
        start(stage)
    stage.do(ask.CreateRoom(ROOM))
    with pytest.raises(NotOpen, match="nobody is in"):
        start(stage)
    stage.arrive("Ana")
    for command in (ask.StartForward(ROOM, "192.0.2.7", 5004), ask.StopForward(ROOM)):
        with pytest.raises(Forbidden, match="forward takes an admin; script is a moderator only"):
            stage.do(command, HOST)


def test_so_many_and_none_twice() -> None:
    stage = Stage()
    ana = stage.arrive("Ana")
    for number in range(MOST_FORWARDS - 1):
        start(stage, 5000 + 2 * number)
    with pytest.raises(Conflict, match="already"):
        start(stage, 5000)
    start(stage, 5000, voice=ana)
    with pytest.raises(Full, match=f"most forwards at once: {MOST_FORWARDS}"):
        start(stage, 6000)


def test_the_key_is_nowhere_to_be_read() -> None:
    stage = Stage()
    stage.arrive("Ana")
    begun = start(stage, srtp_key=KEY)
    command = ask.StartForward(ROOM, "192.0.2.7", 5004, srtp_key=KEY)
    assert begun.srtp_key == KEY and told(begun)["srtp_key"] == "set" and stage.shown()["forwards"][0]["protected"]
    assert KEY not in f"{begun} {command} {stage.shown()} {told(begun)}"
    with pytest.raises(Refused) as refused:
        stage.do(command, ADMIN)
    assert KEY not in str(refused.value)


def test_who_hears_whom_is_told_in_words() -> None:
    stage = Stage()
    ana, ben = stage.arrive("Ana"), stage.arrive("Ben")
    first = start(stage)
    [_, changed] = stage.do(ask.StartForward(ROOM, "192.0.2.7", 5006, voice=ana), ADMIN)
    assert told(changed)["words"][1:] == [
        f"forward {first.forward} hears {ana}, {ben}",
        f"forward {changed.number - 1} hears {ana}",
    ]
