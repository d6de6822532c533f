"""All one may ask of the rooms.

Each command is frozen data. Its docstring's first line is the help text of every face; ``needs`` is
the role it takes. Commands in ``COMMANDS`` are offered to administrators (HTTP, command line, Python:
all derived from this table); those in ``INTERNAL`` are what calls do to rooms.

``path`` words the HTTP route: ``{room}`` and ``{participant}`` are filled from the fields of that name, all other
fields travel in the JSON body; where a command ``spreads``, the rules of ``RoomPolicy`` do so by their names. ``verb``
is the word on the command line.
"""

from __future__ import annotations

from rooms.commands.assembly import EndLecture as EndLecture
from rooms.commands.assembly import GiveFloor as GiveFloor
from rooms.commands.assembly import LowerHand as LowerHand
from rooms.commands.assembly import RaiseHand as RaiseHand
from rooms.commands.assembly import StartLecture as StartLecture
from rooms.commands.assembly import TakeFloor as TakeFloor
from rooms.commands.broadcasting import BroadcastVoice as BroadcastVoice
from rooms.commands.broadcasting import EndBroadcast as EndBroadcast
from rooms.commands.calling_roll import RollCall as RollCall
from rooms.commands.calls import Dial as Dial
from rooms.commands.calls import NoteDialFailed as NoteDialFailed
from rooms.commands.calls import NoteDialRefused as NoteDialRefused
from rooms.commands.calls import NoteRedirected as NoteRedirected
from rooms.commands.calls import NoteReplaced as NoteReplaced
from rooms.commands.calls import NoteRinging as NoteRinging
from rooms.commands.calls import NoteTransferred as NoteTransferred
from rooms.commands.calls import NoteUsedUp as NoteUsedUp
from rooms.commands.calls import Transfer as Transfer
from rooms.commands.command import Command as Command
from rooms.commands.door import Admit as Admit
from rooms.commands.door import Demote as Demote
from rooms.commands.door import NoteCallerRefused as NoteCallerRefused
from rooms.commands.door import Promote as Promote
from rooms.commands.door import TurnAway as TurnAway
from rooms.commands.ending import Extend as Extend
from rooms.commands.forwards import NoteForwardFailed as NoteForwardFailed
from rooms.commands.forwards import NoteForwardTroubled as NoteForwardTroubled
from rooms.commands.forwards import StartForward as StartForward
from rooms.commands.forwards import StopForward as StopForward
from rooms.commands.keys import Depart as Depart
from rooms.commands.keys import NoteDigit as NoteDigit
from rooms.commands.keys import NoteKeysAnswered as NoteKeysAnswered
from rooms.commands.life import Arrive as Arrive
from rooms.commands.life import ChangeRoom as ChangeRoom
from rooms.commands.life import CreateRoom as CreateRoom
from rooms.commands.life import End as End
from rooms.commands.life import Leave as Leave
from rooms.commands.life import Lock as Lock
from rooms.commands.life import Release as Release
from rooms.commands.life import RemoveRoom as RemoveRoom
from rooms.commands.life import Reserve as Reserve
from rooms.commands.life import Unlock as Unlock
from rooms.commands.links import CloseSidebar as CloseSidebar
from rooms.commands.links import Coach as Coach
from rooms.commands.links import EndWhisper as EndWhisper
from rooms.commands.links import LeaveSidebar as LeaveSidebar
from rooms.commands.links import OpenSidebar as OpenSidebar
from rooms.commands.links import Relate as Relate
from rooms.commands.links import Whisper as Whisper
from rooms.commands.lists import CancelList as CancelList
from rooms.commands.lists import DialList as DialList
from rooms.commands.lists import NoteListed as NoteListed
from rooms.commands.messages import NoteText as NoteText
from rooms.commands.messages import SendText as SendText
from rooms.commands.moving import Broadcast as Broadcast
from rooms.commands.moving import CloseBreakouts as CloseBreakouts
from rooms.commands.moving import Merge as Merge
from rooms.commands.moving import Move as Move
from rooms.commands.moving import MoveAll as MoveAll
from rooms.commands.moving import OpenBreakouts as OpenBreakouts
from rooms.commands.naming import AskName as AskName
from rooms.commands.naming import ForgetName as ForgetName
from rooms.commands.naming import NoteName as NoteName
from rooms.commands.people import Deafen as Deafen
from rooms.commands.people import Hold as Hold
from rooms.commands.people import Kick as Kick
from rooms.commands.people import Mute as Mute
from rooms.commands.people import NoteDominant as NoteDominant
from rooms.commands.people import NoteNoise as NoteNoise
from rooms.commands.people import NoteTalking as NoteTalking
from rooms.commands.people import Resume as Resume
from rooms.commands.people import SendDigits as SendDigits
from rooms.commands.people import Undeafen as Undeafen
from rooms.commands.people import Unmute as Unmute
from rooms.commands.plays import NotePlayEnded as NotePlayEnded
from rooms.commands.plays import PausePlay as PausePlay
from rooms.commands.plays import Play as Play
from rooms.commands.plays import ResumePlay as ResumePlay
from rooms.commands.plays import Say as Say
from rooms.commands.plays import SeekPlay as SeekPlay
from rooms.commands.plays import SetPlayVolume as SetPlayVolume
from rooms.commands.plays import StopPlay as StopPlay
from rooms.commands.quality import NoteQuality as NoteQuality
from rooms.commands.recording import NoteRecordingFailed as NoteRecordingFailed
from rooms.commands.recording import PauseRecording as PauseRecording
from rooms.commands.recording import ResumeRecording as ResumeRecording
from rooms.commands.recording import StartRecording as StartRecording
from rooms.commands.recording import StopRecording as StopRecording
from rooms.commands.voices import HoldParticipant as HoldParticipant
from rooms.commands.voices import MuteAll as MuteAll
from rooms.commands.voices import Place as Place
from rooms.commands.voices import ReleaseParticipant as ReleaseParticipant
from rooms.commands.voices import SetGain as SetGain
from rooms.commands.voices import StepGain as StepGain
from rooms.commands.voices import ToggleMute as ToggleMute
from rooms.commands.voices import UnmuteAll as UnmuteAll

COMMANDS: tuple[type[Command], ...] = (
    CreateRoom, ChangeRoom, RemoveRoom, Lock, Unlock, End, Mute, Unmute, Deafen, Undeafen, Kick,
    Dial, DialList, CancelList, Transfer,
    SendDigits, SendText,
    Admit, TurnAway, Promote, Demote, Extend, RollCall,
    AskName, ForgetName,
    SetGain, StepGain, Place, HoldParticipant, ReleaseParticipant, ToggleMute, MuteAll, UnmuteAll,
    StartLecture, EndLecture, RaiseHand, LowerHand, GiveFloor, TakeFloor,
    Whisper, Coach, EndWhisper, Relate, OpenSidebar, LeaveSidebar, CloseSidebar,
    Move, MoveAll, Merge, OpenBreakouts, CloseBreakouts, Broadcast, BroadcastVoice, EndBroadcast,
    Play, Say, PausePlay, ResumePlay, SeekPlay, SetPlayVolume, StopPlay,
    StartRecording, StopRecording, PauseRecording, ResumeRecording,
    StartForward, StopForward,
)  # fmt: skip
INTERNAL: tuple[type[Command], ...] = (
    Reserve, Release, Arrive, Leave, Hold, Resume, NoteTalking, NoteNoise, NoteDominant,
    NoteDigit, NoteKeysAnswered, Depart,
    NotePlayEnded, NoteRecordingFailed, NoteForwardTroubled, NoteForwardFailed, NoteRinging, NoteRedirected,
    NoteDialFailed, NoteDialRefused, NoteListed, NoteUsedUp, NoteReplaced, NoteTransferred,
    NoteText, NoteCallerRefused, NoteName,
    NoteQuality,
)  # fmt: skip
