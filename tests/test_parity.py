"""docs/parity.md: each feature of other servers has its row, and whatever a row names of ours is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import click
import pytest

from confserver.__main__ import confserver
from confserver.admin.endpoints import ROUTES
from confserver.config.text import settings_table
from confserver.focus.admission import CONF
from rooms.menus import ACTIONS, MODERATOR, PARTICIPANT
from rooms.policy import RULES
from rooms.telling import TYPES
from tests.rooms.test_door import Door

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "parity.md").read_text("utf-8")

THEIRS: dict[str, str] = {
    "FreeSWITCH: commands of sound and control": """
        count list xml_list json_list energy auto-energy max-energy agc volume_in volume_out position
        auto-3d-position play moh pause_play play_status file_seek say saymember cam stop dtmf kick hup hold
        unhold mute tmute unmute deaf undeaf relate getvar setvar lock unlock dial bgdial transfer record
        chkrecord norecord pause resume recording exit_sound enter_sound pin nopin get set file-vol floor
        get-uuid max_members sound_prefix caller_id_name caller_id_number endconference_grace_time
        """,
    "FreeSWITCH: commands of pictures": """
        canvas-auto-clear clear-vid-floor vmute tvmute unvmute vmute-snap vblind tvblind unvblind vid-canvas
        vid-watching-canvas vid-layer vid-flip vid-border vid-filter vid-floor vid-banner vid-mute-img
        vid-logo-img vid-codec-group vid-res-id vid-role-id vid-layout vid-write-png vid-fps vid-res vid-fgimg
        vid-bgimg vid-bandwidth vid-personal
        """,
    "FreeSWITCH: flags of members": """
        mute deaf mute-detect dist-dtmf moderator nomoh endconf mandatory_member_endconf mintwo ghost join-only
        positional no-positional second-screen talk-data-events skip-dtmf blind vmute
        """,
    "FreeSWITCH: flags of conferences": """
        wait-mod audio-always video-floor-only video-bridge rfc-4579 livearray-sync json-events auto-3d-position
        restart-auto-record breakable
        """,
    "FreeSWITCH: what keys do": """
        mute mute_on mute_off deaf deaf_mute energy_up energy_equ energy_dn vol_talk_up vol_talk_zero
        vol_talk_dn vol_listen_up vol_listen_zero vol_listen_dn hangup event lock transfer execute_application
        floor moh_toggle vmute
        """,
    "FreeSWITCH: events": """
        conference-create conference-destroy heartbeat add-member del-member mute-member unmute-member
        deaf-member undeaf-member hold-member unhold-member kick-member hup-member start-talking stop-talking
        talk-report floor-change energy-level auto-energy-level max-energy-level gain-level volume-in-member
        volume-out-member agc dtmf play-file play-file-member play-file-done play-file-member-done speak-text
        speak-text-member start-recording stop-recording pause-recording resume-recording lock unlock transfer
        bgdial-result locked PIN full
        """,
    "FreeSWITCH: options of profiles": """
        pin moderator-pin pin-retries max-members announce-count enter-sound exit-sound alone-sound muted-sound
        unmuted-sound is-locked-sound is-unlocked-sound locked-sound kicked-sound perpetual-sound sound-prefix
        energy-level auto-energy-level max-energy-level auto-gain-level comfort-noise auto-record
        min-required-recording-participants auto-record-metadata terminate-on-silence endconf-grace-time
        caller-controls moderator-controls conference-flags heartbeat-period-secs suppress-events
        """,
    "ConfBridge: user profile": """
        admin marked startmuted quiet hear_own_join_sound announce_user_count announce_user_count_all
        announce_only_user wait_marked end_marked end_marked_any dsp_drop_silence dsp_talking_threshold
        dsp_silence_threshold denoise jitterbuffer pin announce_join_leave announce_join_leave_review
        dtmf_passthrough announcement timeout text_messaging send_events echo_events answer_channel
        """,
    "ConfBridge: bridge profile": """
        max_members record_conference record_file record_file_append record_file_timestamp record_options
        record_beep_interval record_command internal_sample_rate maximum_sample_rate mixing_interval video_mode
        remb_behavior language sounds enable_events
        """,
    "ConfBridge: what keys do": """
        playback playback_and_continue toggle_mute toggle_binaural increase_listening_volume
        decrease_listening_volume reset_listening_volume increase_talking_volume decrease_talking_volume
        reset_talking_volume leave_conference participant_count dialplan_exec admin_kick_last
        admin_toggle_conference_lock admin_toggle_mute_participants several
        """,
    "Janus AudioBridge": """
        create edit destroy exists list allowed kick kick_all mute unmute mute_room suspend resume changeroom
        play_file rtp_forward enable_recording enable_mjrs resetdecoder generate_offer signed_tokens groups
        """,
    "SEMS webconference": """
        roomCreate roomInfo listRooms dialout kickout mute changeRoomAdminpin findParticipant vqRoomFeedback
        vqCallFeedback vqConferenceFeedback RFC_4240_URIs lonely-user_timer join_by_digits
        """,
    "SylkServer": """
        conference-info MSRP_chat chat_history nicknames file_store screen_images REFER_add REFER_remove
        access_lists count_announcement music_when_alone Bonjour
        """,
    "Jigasi, the phone's side of Jitsi Meet": """
        lobby_wait lobby_granted lobby_denied max-occupants_sound recording_sounds start-muted room_password
        """,
    "LiveKit SIP": """
        PIN_by_dispatch_rule per-call_limits participant_attributes transfer_by_REFER replay_of_refused_INVITEs
        drained_RTP_ports
        """,
}
"""What those have from whom people move here, by the heading of their table; _ in a name may be a space there."""

OURS: dict[str, frozenset[str]] = {
    "rule": frozenset(RULES),
    "setting": frozenset(setting.name for setting in settings_table()),
    "event": frozenset(TYPES),
    "action": frozenset(ACTIONS),
    "key": frozenset({*PARTICIPANT, *MODERATOR}),
}
NOTHING = ("none", "not yet")
ELSEWHERE = frozenset({"media"})
"""Told of a participant by the focus, not by the rooms."""


def tables() -> dict[str, list[list[str]]]:
    """The rows of each table, by its heading."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in TEXT.splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| `"):
            found.setdefault(heading, []).append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


TABLES = tables()
ROWS = [row for rows in TABLES.values() for row in rows]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def named(cell: str) -> list[tuple[str, str]]:
    """What a cell of ours names: (kind, name); the kind is the word before, and holds for those that follow it."""
    found, kind = [], ""
    for before, name in re.findall(r"([^`]*)`([^`]+)`", cell):
        if word := re.search(r"(\w+) \Z", before):
            kind = word[1].removesuffix("s")
        if name.startswith("confserver "):
            kind = "command"
        elif re.match(r"[A-Z]+ /", name):
            kind = "route"
        found.append((kind, name))
    return found


@cache
def members() -> frozenset[str]:
    door = Door()
    door.come("Ana")
    shown = door.shown()
    return frozenset(shown) | frozenset(shown["participants"][0]) | ELSEWHERE


def trouble_with_command(text: str) -> str:
    """Why a command line cannot be typed so; empty: it can."""
    command: click.Command = confserver
    words = text.split()[1:]
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if isinstance(command, click.Group) and not command.invoke_without_command:
        return f"{text} is no command"
    options = {name for each in command.params if isinstance(each, click.Option) for name in each.opts}
    wanted = [word for word in words if not word.startswith("--")]
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    if strange := {word for word in words if word.startswith("--")} - options:
        return f"{text}: no such option: {', '.join(sorted(strange))}"
    least = sum(each.required for each in arguments)
    return "" if least <= len(wanted) <= len(arguments) else f"{text} takes {len(arguments)} names"


def trouble_with(kind: str, name: str) -> str:
    if kind == "command":
        return trouble_with_command(name)
    if kind == "route":
        return "" if name in {f"{route.method} {route.path}" for route in ROUTES} else f"no route {name}"
    if kind == "member":
        return "" if name in members() else f"no room or participant has a member {name}"
    if kind == "URI":
        return "" if re.fullmatch(rf"sip:{CONF}\w+@\w+", name) else f"no room is called by {name}"
    if kind not in OURS:
        return f"{name}: is it a rule, setting, event, key, action or member? It stands behind {kind!r}"
    return "" if name in OURS[kind] else f"there is no {kind} {name}"


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_table_is_one_of_a_server() -> None:
    assert list(TABLES) == list(THEIRS)


@pytest.mark.parametrize("heading", THEIRS)
def test_nothing_of_theirs_is_left_out(heading: str) -> None:
    there = [name for row in TABLES[heading] for name in quoted(row[0])]
    assert sorted(name.replace(" ", "_") for name in there) == sorted(THEIRS[heading].split())


def test_the_commands_are_as_many_as_they_have() -> None:
    sound = THEIRS["FreeSWITCH: commands of sound and control"].split()
    pictures = THEIRS["FreeSWITCH: commands of pictures"].split()
    settable = sound[sound.index("max_members") :]
    assert (len(sound) - len(settable), len(pictures)) == (54, 30)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_has_four_cells_and_says_why_there_is_none(row: list[str]) -> None:
    assert len(row) == 4, row
    theirs, ours, tests, differs = row
    assert quoted(theirs) and ours, row
    assert re.fullmatch(r"`[^`]+`(, `[^`]+`)*", tests) or (tests == "-" and ours in NOTHING), row
    if ours in NOTHING:
        assert differs, row
    else:
        assert named(ours), f"nothing is named in {ours!r}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_what_is_named_of_ours_is_there(row: list[str]) -> None:
    troubles = [trouble for kind, name in named(row[1]) if (trouble := trouble_with(kind, name))]
    assert not troubles


@pytest.mark.parametrize("name", sorted({name for row in ROWS for name in quoted(row[2])}))
def test_what_is_said_to_show_it_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert path.startswith("tests/") and (ROOT / path).is_file(), path
    assert function.startswith("test_") and function in functions(path), name


@pytest.mark.parametrize("name", sorted({name for row in ROWS for name in quoted(row[3])}))
def test_what_is_named_in_passing_is_known(name: str) -> None:
    """In the last cell: commands whole, rules, settings, events and keys; or a word of theirs, or of a protocol."""
    if name.startswith("confserver "):
        assert not trouble_with_command(name)
    elif re.fullmatch(r"[a-z]+(_[a-z]+)+", name):
        assert name in OURS["rule"] | members(), name
    elif re.fullmatch(r"[a-z]+\.[a-z_]+", name):
        assert name in OURS["setting"], name
    elif re.fullmatch(r"room-[a-z]+|digit-[a-z]+", name):
        assert name in OURS["event"], name


def test_a_wrong_row_is_found() -> None:
    """So that the tests above can fail."""
    wrong = [
        "`confserver room levitate ROOM`", "`confserver room mute ROOM`", "`confserver room lock ROOM --loud`",
        "rule `gravity`", "setting `rooms.gravity`", "events `room-opened`, `room-flooded`", "key `99`", "action `fly`",
        "member `gravity`", "`DELETE /gravity`", "`pin`", "the `pin`", "URI `tel:1`",
    ]  # fmt: skip
    for cell in wrong:
        assert any(trouble_with(kind, name) for kind, name in named(cell)), cell


def test_headings_stand_over_their_tables() -> None:
    lines = [line for line in TEXT.splitlines() if line]
    under = {above[3:]: below for above, below in pairwise(lines) if above.startswith("## ")}
    assert all(under[heading].startswith("| ") for heading in THEIRS)
