"""What answers about rooms look like, as JSON Schema: written once, for OpenAPI and its page.

A test holds these to what is really answered, member by member: whoever adds a member to an answer describes it here.
Rules of rooms are read from ``RoomPolicy``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_type_hints

from confserver.admin.schema import (
    Schema,
    choice,
    flag,
    nullable,
    number,
    of_hint,
    ref,
    rows,
    text,
    thing,
    time,
    whole,
)  # fmt: skip
from rooms.lifecycle import State
from rooms.participant import MuteCause, Role, Wait
from rooms.policy import CODECS, MOST_PARTICIPANTS, MOST_TALKERS, PACKETS_MS, RATES_HZ, RoomPolicy

LIMITS: Mapping[str, Schema] = {
    "max_participants": {"minimum": 1, "maximum": MOST_PARTICIPANTS},
    "talkers": {"minimum": 1, "maximum": MOST_TALKERS},
    "rate_hz": {"enum": [*RATES_HZ, None]},
    "ptime_ms": {"enum": [*PACKETS_MS, None]},
    "codecs": {"items": {"type": "string", "enum": list(CODECS)}, "uniqueItems": True},
    "volume_db": {"minimum": -60, "maximum": 20},
    "duration_ms": {"minimum": 40, "maximum": 5000},
    "gap_ms": {"minimum": 40, "maximum": 5000},
    "port": {"minimum": 1, "maximum": 65535},
    "rtcp_port": {"minimum": 1, "maximum": 65535},
    "payload_type": {"minimum": 0, "maximum": 127},
    "ssrc": {"minimum": 1, "maximum": 2**32 - 1},
    "codec_rate_hz": {"enum": [*RATES_HZ, None]},
}
"""What no type says, by member."""


def rules() -> dict[str, Schema]:
    """The rules of rooms, as they are told."""
    hints = get_type_hints(RoomPolicy)
    return {rule.name: _rule(rule, hints[rule.name]) for rule in dataclasses.fields(RoomPolicy)}


def _rule(rule: dataclasses.Field[Any], hint: Any) -> Schema:
    schema = {**of_hint(hint), **LIMITS.get(rule.name, {}), "description": rule.metadata["help"]}
    if not rule.metadata["secret"]:
        return schema
    words = f'{rule.metadata["help"]} To observers: "set", where there is one.'
    return {**schema, "description": words, "type": list(dict.fromkeys([*_kinds(schema), "string"]))}


def _kinds(schema: Schema) -> list[str]:
    kind = schema["type"]
    return [kind] if isinstance(kind, str) else list(kind)


PEOPLE: dict[str, Schema] = {
    "Media": thing(
        "What the participant's media process told last, every 5 s; null: not known yet.",
        codec=nullable(text("Codec that is sent")),
        port=whole("Port of ours"),
        remote=nullable(text("Where it is sent to")),
        worker=whole("Number of the media process"),
        received=whole("Packets received"),
        sent=whole("Packets sent"),
        lost=whole("Packets lost on the way here"),
        late=whole("Packets that came too late to be played"),
        lost_out=nullable(whole("Packets lost on the way to the phone, as it reports")),
        jitter_ms=nullable(number("Jitter on the way here")),
        jitter_out_ms=nullable(number("Jitter on the way to the phone, as it reports")),
        delay_ms=nullable(number("Delay added by evening out the network")),
        rtt_ms=nullable(number("Round trip by RTCP")),
        skew_ppm=nullable(number("By how much the phone's clock goes faster")),
        level_db=nullable(number("Mean level of the speech, below overload")),
        mos_in=nullable(number("Worth of the call from the phone, 1 to 4.5")),
        mos_out=nullable(number("Worth of the call to the phone, 1 to 4.5")),
    ),
    "Participant": thing(
        "Somebody in a room.",
        "media",
        id=text("Short and unique in the life of a server, such as p7"),
        name=text("What people read"),
        address=text("SIP address"),
        source=text("Network address of the call"),
        role=text("What he may do", enum=[role.name.lower() for role in Role]),
        since=nullable(time("When he came in")),
        muted=rows(of_hint(MuteCause), "Why he is muted"),
        deaf=flag("He hears nothing"),
        held=flag("His phone holds the call"),
        held_by_host=flag("The host holds him, with music"),
        removed=flag("He is about to be hung up on: nobody hears him, and he hears nobody"),
        incoming_db=number("How much louder the others hear him"),
        outgoing_db=number("How much louder he hears the others"),
        pan=nullable(number("Where he is heard, -1 left to 1 right; null: where the room places him")),
        talking=flag("The others hear his voice"),
        quality=rows(ref("Finding"), "What is wrong with his sound now"),
        noise=text("What he pours in that is no speech: noise, music, tone or nothing"),
        dialled=flag("The room has called him"),
        agent=text("What his phone calls itself"),
        diverted_by=text("The address that was called first"),
        referred_by=text("On whose wish he calls"),
        user=text("The user whose password he has shown"),
        attributes={
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "What else his call says of him, by the headers of sip.attribute_headers in small letters",
        },
        name_recorded=flag("He is announced as he has said his name himself"),
        says_name=flag("He is being asked for it: nobody hears him, nor he anybody"),
        media=nullable(ref("Media")),
    ),
    "Finding": thing(
        "What is wrong with the sound of somebody, in words.",
        kind=text("What it is"),
        way=text("in: what others hear of him; out: what he hears; both"),
        side=text("Whose it is"),
        text=text("In words"),
        advice=text("What to try"),
        since=time("Since when"),
    ),
    "Waiting": thing(
        "Somebody who waits to be let in.",
        id=text("As a participant's"),
        name=text("What people read"),
        address=text("SIP address"),
        source=text("Network address of the call"),
        since=nullable(time("Since when")),
        waits_for=nullable(choice(Wait, "For what")),
        role=text("As a participant's"),
        verified=flag("Somebody who is believed vouches for him"),
        name_recorded=flag("He is announced as he has said his name himself"),
        turned_away=text("Why he is about to be hung up on"),
    ),
    "Dialling": thing(
        "Somebody whom the room calls.",
        id=text("As a participant's"),
        name=text("What people read"),
        address=text("SIP address"),
        since=time("Since when"),
        ringing=whole("Last 1xx of the phone; 0: nothing yet"),
    ),
}

ROOMS: dict[str, Schema] = {
    "Version": thing(
        "What an ETag says: the server's run, and the number of the room's last event.",
        epoch=text("Tells this run of the server from all others"),
        number=whole("Of the last event"),
    ),
    "Play": thing(
        "Something that plays.",
        play=whole("Its number"),
        sounds=rows(text("A file, prompt:NAME, number:N or tones:...")),
        participant=text("Who alone hears it; empty: everybody"),
        loop=flag("Over and over"),
        volume_db=number("How loud"),
        paused=flag("It waits"),
    ),
    "RoomRecording": thing(
        "A recording that is under way.",
        "name",
        since=time("Since when"),
        by=text("Who asked for it"),
        tracks=flag("With a file for each participant"),
        waiting=flag("Those who wait are recorded, too, each by himself"),
        paused=flag("It waits"),
        name=text("What its files are called"),
    ),
    "Forward": thing(
        "Sound that is sent on to a program.",
        "media",
        forward=whole("Its number"),
        host=text("Where it goes"),
        port=whole("To which port there"),
        codec=text("In what"),
        payload_type=whole("Under which number"),
        voice=text("Whose voice alone it is; empty: what the room hears"),
        protected=flag("By SRTP"),
        since=time("Since when"),
        by=text("Who asked for it"),
        trouble=text("What is wrong with it now, in words"),
        media=nullable(ref("ForwardMedia")),
    ),
    "ForwardMedia": thing(
        "What the media process told last of sound that is sent on, every 5 s.",
        port=nullable(whole("Port of ours; null: not known yet")),
        ssrc=nullable(whole("Whose packets they are (SSRC)")),
        worker=whole("Number of the media process"),
        sent=whole("Packets sent"),
        refused=whole("Packets that could not be sent, or that its host refused"),
        lost=nullable(whole("Packets lost on the way, where reports (RTCP) say so")),
        rtt_ms=nullable(number("Round trip by RTCP")),
    ),
    "Whisper": thing(
        "Somebody whom one other alone hears.",
        participant=text("Who speaks"),
        to=text("Who hears him"),
        coach=flag("Whatever mutes him for the room"),
    ),
    "Sidebar": thing(
        "Some who talk among themselves.",
        sidebar=whole("Its number"),
        participants=rows(text("Who is in it")),
        room_db=nullable(number("How much softer they hear the room; null: not at all")),
    ),
    "Broadcast": thing(
        "Somebody who is heard in other rooms than his own.",
        participant=text("Who"),
        name=text("What others read"),
        from_room=text("Where he is"),
        rooms=rows(text("Where he is heard; none named: in the main room and all breakout rooms")),
    ),
    "Called": thing(
        "Somebody on a list that is called.",
        uri=text("Whom"),
        name=text("What people read"),
        state=text("How far it has come"),
        cause=text("Why it came to nothing"),
        tries=whole("How often he was called"),
        participant=text("Who he is in the room"),
        due=nullable(time("When he is called again")),
    ),
    "List": thing(
        "A list of people who are called.",
        list=whole("Its number"),
        by=text("Who asked for it"),
        since=time("Since when"),
        over=flag("Nobody is left to be called"),
        entries=rows(ref("Called")),
    ),
    "MeetingTime": thing(
        "When a room's meeting is, that is on or comes next.",
        starts_at=time("When it begins"),
        ends_at=nullable(time("When it ends; null: nothing is said")),
        is_on=flag("It is on now"),
    ),
    "Room": thing(
        "A room, and who is in it. Times are seconds since 1970.",
        name=text("Its name"),
        state=choice(State, "How it stands"),
        locked=flag("Nobody else is let in"),
        persistent=flag("It was made beforehand and survives a restart"),
        version=ref("Version"),
        profile=text("Whose rules it has in common with others"),
        schedule=nullable(ref("MeetingTime")),
        **rules(),
        parent=text("Whose breakout room it is"),
        breakouts=rows(text("Its breakout rooms")),
        merged_into=text("Where all go who still arrive"),
        in_lecture=flag("All but moderators are muted, until they get the floor"),
        hands=rows(text("Who asks to speak, in order")),
        floor=rows(text("Who has been let speak")),
        whispers=rows(ref("Whisper")),
        sidebars=rows(ref("Sidebar")),
        broadcasts=rows(ref("Broadcast")),
        unheard=rows(rows(text("A listener, and whom he does not hear"))),
        created_at=nullable(time("When it was made")),
        opened_at=nullable(time("Since when somebody is there")),
        ends_at=nullable(time("When it ends")),
        ends_because=text("Why it ends then"),
        at=time("When this was told"),
        reserved=whole("Those whose call is not up yet"),
        speaks=text("The language, or other set of prompts, that it speaks"),
        warnings=rows(text("What is not as its rules say, in words")),
        dominant=nullable(text("Who has the word")),
        plays=rows(ref("Play")),
        recording=nullable(ref("RoomRecording")),
        forwards=rows(ref("Forward")),
        waiting=rows(ref("Waiting")),
        lists=rows(ref("List")),
        dialling=rows(ref("Dialling")),
        participants=rows(ref("Participant")),
    ),
}
