"""What is kept of what people write."""

from __future__ import annotations

from sqlite_utils import Database

from rooms import chat, store
from rooms import commands as ask
from rooms import events as tell
from rooms.chat import DAY_S, MOST_CHARACTERS, MOST_KEPT, Chat
from tests.rooms.play import HOST, Stage

ROOM = "standup"


def said(text: str, to: str = "", until: float | None = None) -> tell.Message:
    return tell.Message(ROOM, 1, 5.0, "p1", "Ana", "sip:ana@a", text, to, until)


def test_a_meeting_remembers_its_last_messages_and_no_whispers() -> None:
    it = Chat()
    for number in range(MOST_KEPT + 5):
        it.hear(said(str(number)))
    it.hear(said("secret", to="p2"))
    assert [message.text for message in it.last(2)] == [str(MOST_KEPT + 3), str(MOST_KEPT + 4)]
    assert len(it.last(1000)) == MOST_KEPT and it.last(0) == []
    it.clear()
    assert it.last(5) == []


def test_long_texts_push_others_out() -> None:
    it = Chat()
    for number in range(100):
        it.hear(said(f"{number:02}" * 8000))
    assert sum(len(message.text) for message in it.last(1000)) <= MOST_CHARACTERS
    assert it.last(1)[0].text.startswith("99")


def test_it_is_kept_as_long_as_the_rules_say() -> None:
    db = Database(memory=True)
    store.migrate(db)
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, chat_days=2))
    ana, bob = stage.arrive("Ana"), stage.arrive("Bob")
    store.apply(db, stage.do(ask.NoteText(ROOM, "hello", ana)))
    store.apply(db, stage.do(ask.SendText(ROOM, "to Bob alone", bob), HOST))
    first = stage.now
    stage.do(ask.ChangeRoom(ROOM, chat_days=0))
    store.apply(db, stage.do(ask.SendText(ROOM, "for now"), HOST))
    [row] = chat.kept(db, ROOM, first)
    assert (row["text"], row["name"], row["until"]) == ("hello", "Ana", first - 1 + 2 * DAY_S)
    assert [row["text"] for row in stage.rooms.get(ROOM).chat.describe()] == ["for now"]
    assert chat.kept(db, "other", first) == [] and chat.kept(db, ROOM, row["until"]) == []
    assert chat.forget(db, row["until"] - 1) == 0 and chat.forget(db, row["until"]) == 1


def test_the_next_meeting_begins_anew() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM))
    ana = stage.arrive("Ana")
    stage.do(ask.NoteText(ROOM, "hello", ana))
    stage.leave(ana)
    assert stage.rooms.get(ROOM).chat.last(5) == []
