"""Between the signalling process and the scribe, who does everything that touches a disk or takes long.

Packed as the messages of workers are (``packing``). Times are epoch seconds of the server's steady clock.
"""

from __future__ import annotations

import msgspec

from confserver.contract.plan import LegId, RecordId, Sound

JobId = int


class ToScribe(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    pass


class ConvertSound(ToScribe, frozen=True):
    """Lay a sound ready for playing; answered by SoundReady or SoundFailed.

    ``path``: of a file, or ``say:VOICE:TEXT``, which the scribe speaks.

    Mixed to one channel, unless ``stereo`` and the file has two.
    """

    job: JobId
    path: str
    rates: list[int]
    stereo: bool = False


class OpenRecording(ToScribe, frozen=True):
    """Make the files of a recording; answered by RecordingOpened or RecordingFailed. ``tracks``: one a participant."""

    record: RecordId
    room: str
    at: float
    tracks: bool = True
    keep_days: float = 0.0
    """So many days after its end it goes; 0: it stays."""


class NameTrack(ToScribe, frozen=True):
    """Who speaks on a leg of a recorded room."""

    record: RecordId
    leg: LegId
    participant: str
    name: str


class NoteInRecording(ToScribe, frozen=True):
    """Something for the timeline. ``what``: arrived, left, talking, quiet, paused, resumed, worker lost."""

    record: RecordId
    at: float
    what: str
    participant: str = ""
    by: str = ""


class CloseRecording(ToScribe, frozen=True):
    """No sound comes any more but what is on the way; answered by RecordingClosed, then by RecordingKept."""

    record: RecordId
    at: float
    cause: str = ""


class ListRecordings(ToScribe, frozen=True):
    """Answered by RecordingsListed."""

    job: JobId


class DeleteRecording(ToScribe, frozen=True):
    """Answered by RecordingDeleted."""

    job: JobId
    name: str


class KeepName(ToScribe, frozen=True):
    """Keep what somebody has said as his name, as SoundTaken has it; answered by NameKept or NameLost.

    ``name``: of the file; one that is there already gives way to it.
    """

    job: JobId
    name: str
    rate_hz: int
    samples: bytes


class DropName(ToScribe, frozen=True):
    """Delete a name that was kept, and what lies ready of it."""

    name: str


class AskScribe(ToScribe, frozen=True):
    """Answered by ScribeAnswers."""

    token: int


class StopScribe(ToScribe, frozen=True):
    """Close all files, readable, and exit."""


class FromScribe(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    pass


class ScribeReady(FromScribe, frozen=True):
    """``socket``: where workers hand over what is recorded."""

    version: int
    pid: int
    socket: str


class SoundReady(FromScribe, frozen=True):
    """One sound for each rate that was asked for, in that order."""

    job: JobId
    sounds: list[Sound]


class SoundFailed(FromScribe, frozen=True):
    job: JobId
    reason: str


class RecordingOpened(FromScribe, frozen=True):
    """``name``: what the names of all its files begin with."""

    record: RecordId
    name: str


class RecordingFailed(FromScribe, frozen=True):
    """What has been written so far is readable."""

    record: RecordId
    reason: str


class RecordingClosed(FromScribe, frozen=True):
    """All files are whole, as WAV. ``seconds``: how long each of them is."""

    record: RecordId
    name: str
    seconds: float
    files: list[str]


class RecordingKept(FromScribe, frozen=True):
    """All files are in the format that they are kept in; ``trouble`` says why they are not, and stay WAV.

    ``record`` is 0 where an earlier run of the server has recorded it.
    """

    record: RecordId
    name: str
    files: list[str]
    trouble: str = ""


class RecordingShown(msgspec.Struct, frozen=True, kw_only=True):
    """One that lies on the disk, also of an earlier run. ``until``: when it goes, None: it stays."""

    name: str
    room: str
    state: str
    files: list[str]
    bytes: int
    started_at: float
    seconds: float
    until: float | None
    cause: str


class RecordingsListed(FromScribe, frozen=True):
    job: JobId
    recordings: list[RecordingShown]


class RecordingDeleted(FromScribe, frozen=True):
    """``reason``: why it is still there; empty: it is not."""

    job: JobId
    reason: str = ""


class NameKept(FromScribe, frozen=True):
    """``path``: of a sound as any other (ConvertSound)."""

    job: JobId
    path: str


class NameLost(FromScribe, frozen=True):
    """Nothing is kept: nothing has been said, or it cannot be written."""

    job: JobId
    reason: str


class ScribeAnswers(FromScribe, frozen=True):
    token: int
    counts: dict[str, float]


ScribeCommand = (
    ConvertSound | OpenRecording | NameTrack | NoteInRecording | CloseRecording | ListRecordings
    | DeleteRecording | KeepName | DropName | AskScribe | StopScribe
)  # fmt: skip
ScribeEvent = (
    ScribeReady | SoundReady | SoundFailed | RecordingOpened | RecordingFailed | RecordingClosed | RecordingKept
    | RecordingsListed | RecordingDeleted | NameKept | NameLost | ScribeAnswers
)  # fmt: skip
