"""What is told of meetings that are over, as schemas."""

from __future__ import annotations

from confserver.admin.schema import Schema, flag, nullable, number, ref, rows, text, thing, time, whole

_WAY = {
    "codec": text("What was spoken by; empty: unknown"),
    "received": whole("Packets from the participant"),
    "sent": whole("Packets to him"),
    "lost": whole("Packets of his that never came"),
    "late": whole("Packets of his that came too late"),
    "lost_out": nullable(whole("Packets that he has missed, by his reports")),
    "jitter_ms": nullable(number("Mean jitter of what came")),
    "jitter_out_ms": nullable(number("Mean jitter of what he got, by his reports")),
    "rtt_ms": nullable(number("Round trip, the last one known")),
    "mos_in": nullable(number("Mean opinion score of what came from him (ITU-T G.107)")),
    "mos_out": nullable(number("The same of what he got")),
    "least_mos_in": nullable(number("Of the worst moment")),
    "least_mos_out": nullable(number("Of the worst moment")),
    "level_db": nullable(number("Mean level of his speech, full scale 0")),
}
_WHO = {
    "id": whole("The row's number"),
    "meeting": nullable(whole("Of which meeting; null: he did not come in")),
    "room": text("In which room"),
    "participant": text("His id"),
    "name": text("What the others read"),
    "address": text("His SIP address"),
    "source": text("Where his call came from"),
    "user": text("The user whose password he had shown"),
    "role": text("What he was"),
    "agent": text("What his phone calls itself"),
    "dialled": flag("He was called"),
    "reserved_at": time("When he called"),
    "arrived_at": nullable(time("When he came in; null: he did not")),
    "left_at": nullable(time("When he left; null: he is there")),
    "cause": nullable(text("Why he left")),
    "kicked_by": text("Who has put him out"),
    "talk_s": number("Seconds that he talked"),
    "talks": whole("How often"),
    "muted_s": number("Seconds that he was muted"),
    "recording": text("Recordings that he is in, with spaces between them"),
    "quality": rows({"type": "object"}, "What was wrong with the sound"),
}
_SPANS = rows(whole("Tenths of a second"), "From arrived_at on, by turns without and with")
_MEETING = {
    "id": whole("The meeting's number"),
    "room": text("In which room"),
    "opened_at": time("When it began"),
    "closed_at": nullable(time("When it ended; null: it goes on")),
    "cause": nullable(text("Why it ended")),
    "most_present": whole("Most people at once"),
    "people": whole("How often somebody came in"),
    "recordings": rows(text("Name of a recording")),
}
_MESSAGE = thing(
    "What was written, as far as it is kept.",
    at=time("When"),
    name=text("By whom"),
    address=text("His SIP address"),
    text=text("What"),
)
RECORDS: dict[str, Schema] = {
    "MeetingRow": thing("A meeting on record.", **_MEETING),
    "Meeting": thing(
        "A meeting with those who were there.",
        **_MEETING,
        participants=rows(ref("Participation")),
        messages=rows(_MESSAGE),
    ),
    "RecordRow": thing("Who was in a meeting.", **_WHO, **_WAY),
    "Participation": thing("Who was in a meeting, and when he spoke.", **_WHO, **_WAY, spurts=_SPANS, mutes=_SPANS),
    "AuditEntry": thing(
        "What somebody has asked for.",
        id=whole("The entry's number"),
        at=time("When"),
        who=text("Whose token, or whose phone"),
        role=text("What he was"),
        face=text("How: http, cli, python, sip or keypad"),
        source=text("From which address; empty: from this machine"),
        action=text("What, such as create room"),
        room=text("In which room"),
        participant=text("About whom"),
        details={"type": "object", "description": "What else was asked for, without secrets"},
        outcome=text("done, failed, or the kind of refusal"),
        reason=text("Why not"),
    ),
}
ANSWERS: dict[str, Schema] = {
    "meeting list": rows(ref("MeetingRow")),
    "room_meeting list": rows(ref("MeetingRow")),
    "meeting show": ref("Meeting"),
    "audit list": rows(ref("AuditEntry")),
    "record list": rows(ref("RecordRow")),
}
