"""All that can have happened in the rooms.

Frozen data. ``number`` counts a room's events from 1 without gaps, for as long as the server remembers the
room: over every opening and closing of one made beforehand. ``at`` is epoch seconds.
Whoever keeps, shows or obeys the state of a room does it from these.
"""

from __future__ import annotations

from rooms.events.assembly import FloorGiven as FloorGiven
from rooms.events.assembly import FloorTaken as FloorTaken
from rooms.events.assembly import HandLowered as HandLowered
from rooms.events.assembly import HandRaised as HandRaised
from rooms.events.assembly import LectureEnded as LectureEnded
from rooms.events.assembly import LectureStarted as LectureStarted
from rooms.events.broadcasting import BroadcastBegan as BroadcastBegan
from rooms.events.broadcasting import BroadcastEnded as BroadcastEnded
from rooms.events.calls import DialFailed as DialFailed
from rooms.events.calls import Dialled as Dialled
from rooms.events.calls import DialRedirected as DialRedirected
from rooms.events.calls import DialRefused as DialRefused
from rooms.events.calls import DialRinging as DialRinging
from rooms.events.calls import ParticipantReplaced as ParticipantReplaced
from rooms.events.calls import TransferEnded as TransferEnded
from rooms.events.calls import Transferring as Transferring
from rooms.events.door import Admitted as Admitted
from rooms.events.door import CallerRefused as CallerRefused
from rooms.events.door import PinAccepted as PinAccepted
from rooms.events.door import PinRefused as PinRefused
from rooms.events.door import RoleChanged as RoleChanged
from rooms.events.door import TurnedAway as TurnedAway
from rooms.events.ending import EndPlanned as EndPlanned
from rooms.events.ending import EndPutOff as EndPutOff
from rooms.events.event import Event as Event
from rooms.events.forwards import ForwardEnded as ForwardEnded
from rooms.events.forwards import ForwardStarted as ForwardStarted
from rooms.events.forwards import ForwardTroubled as ForwardTroubled
from rooms.events.keys import KeysAsked as KeysAsked
from rooms.events.keys import RoomChosen as RoomChosen
from rooms.events.life import Announced as Announced
from rooms.events.life import ParticipantArrived as ParticipantArrived
from rooms.events.life import ParticipantKicked as ParticipantKicked
from rooms.events.life import ParticipantLeft as ParticipantLeft
from rooms.events.life import ParticipantWaits as ParticipantWaits
from rooms.events.life import PlaceReleased as PlaceReleased
from rooms.events.life import PlaceReserved as PlaceReserved
from rooms.events.life import RoomChanged as RoomChanged
from rooms.events.life import RoomClosed as RoomClosed
from rooms.events.life import RoomCreated as RoomCreated
from rooms.events.life import RoomEnding as RoomEnding
from rooms.events.life import RoomLocked as RoomLocked
from rooms.events.life import RoomOpened as RoomOpened
from rooms.events.life import RoomRemoved as RoomRemoved
from rooms.events.life import RoomUnlocked as RoomUnlocked
from rooms.events.life import WaitEnded as WaitEnded
from rooms.events.links import RelationChanged as RelationChanged
from rooms.events.links import SidebarClosed as SidebarClosed
from rooms.events.links import SidebarLeft as SidebarLeft
from rooms.events.links import SidebarOpened as SidebarOpened
from rooms.events.links import WhisperBegan as WhisperBegan
from rooms.events.links import WhisperEnded as WhisperEnded
from rooms.events.lists import DialWanted as DialWanted
from rooms.events.lists import ListChanged as ListChanged
from rooms.events.lists import ListEnded as ListEnded
from rooms.events.lists import ListStarted as ListStarted
from rooms.events.messages import Message as Message
from rooms.events.moving import BreakoutsClosed as BreakoutsClosed
from rooms.events.moving import BreakoutsClosing as BreakoutsClosing
from rooms.events.moving import BreakoutsOpened as BreakoutsOpened
from rooms.events.moving import ParticipantMoved as ParticipantMoved
from rooms.events.moving import RoomMerged as RoomMerged
from rooms.events.people import DigitReceived as DigitReceived
from rooms.events.people import DigitsSent as DigitsSent
from rooms.events.people import DominantSpeaker as DominantSpeaker
from rooms.events.people import HearingChanged as HearingChanged
from rooms.events.people import NoiseChanged as NoiseChanged
from rooms.events.people import ParticipantDeafened as ParticipantDeafened
from rooms.events.people import ParticipantHeld as ParticipantHeld
from rooms.events.people import ParticipantMuted as ParticipantMuted
from rooms.events.people import ParticipantResumed as ParticipantResumed
from rooms.events.people import ParticipantUndeafened as ParticipantUndeafened
from rooms.events.people import ParticipantUnmuted as ParticipantUnmuted
from rooms.events.people import TalkingChanged as TalkingChanged
from rooms.events.plays import PlayChanged as PlayChanged
from rooms.events.plays import PlayEnded as PlayEnded
from rooms.events.plays import PlayStarted as PlayStarted
from rooms.events.quality import QualityChanged as QualityChanged
from rooms.events.recording import RecordingEnded as RecordingEnded
from rooms.events.recording import RecordingFailed as RecordingFailed
from rooms.events.recording import RecordingPaused as RecordingPaused
from rooms.events.recording import RecordingResumed as RecordingResumed
from rooms.events.recording import RecordingStarted as RecordingStarted
from rooms.events.server import ServerDraining as ServerDraining
from rooms.events.server import ServerOpen as ServerOpen
from rooms.events.voices import GainChanged as GainChanged
from rooms.events.voices import HeldByHost as HeldByHost
from rooms.events.voices import ReleasedByHost as ReleasedByHost
