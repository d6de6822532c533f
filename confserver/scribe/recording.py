"""One recording while it lasts: the mix, a track for each participant, the timeline. Methods may raise OSError."""

from __future__ import annotations

import contextlib
from pathlib import Path

from confserver.contract import RecordId
from confserver.contract.recording import TICKS_A_SECOND, Heard
from confserver.scribe.names import reserve, track_name
from confserver.scribe.timeline import TICK_S, Note, Person, Timeline
from confserver.scribe.track import Track
from confserver.scribe.wav import WavFile

TIMELINE_S = 5.0
"""Between two writings of the timeline, where it has changed."""
MOST_RATE_HZ = 48000


class Recording:
    """Files are made when the first sound comes for them; the first tick decides the rate of all, unless it is set."""

    def __init__(
        self,
        record: RecordId,
        room: str,
        at: float,
        directory: Path,
        *,
        format: str = "wav",
        rate_hz: int = 0,
        keep_days: float = 0.0,
    ) -> None:
        """``rate_hz``: 0 for the room's."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.id = record
        self.directory = directory
        self.timeline = Timeline(reserve(directory, room, at), room, at, format, rate_hz, keep_days=keep_days)
        self.timeline.write(directory)
        self._mix: Track | None = None
        self._tracks: dict[int, Track] = {}
        self._base = 0
        """Added to the worker's count of ticks: another worker begins anew."""
        self._is_new_stream = False
        self._stands_until = 0.0
        self._has_news = False

    @property
    def name(self) -> str:
        return self.timeline.name

    # ------------------------------------------------------------------ sound
    def open_stream(self) -> None:
        """A worker begins to hand over; it may be the heir of one that is lost."""
        self._is_new_stream = True

    def hear(self, heard: Heard) -> None:
        """Raises ValueError for what cannot be."""
        if heard.rate_hz > MOST_RATE_HZ:
            raise ValueError(f"a rate of {heard.rate_hz} Hz")
        if self._is_new_stream:
            self._base = self._going_on(heard)
            self._is_new_stream = False
        tick = self._base + heard.number
        if tick < self.timeline.ticks:
            raise ValueError(f"tick {tick} after {self.timeline.ticks}")
        self.timeline.rate_hz = self.timeline.rate_hz or heard.rate_hz
        self.timeline.pass_tick(heard.at, tick)
        mix = self._mix or self._begin()
        if heard.mix:
            mix.put(tick, heard.mix, heard.rate_hz)
        for leg, samples in heard.tracks.items():
            track = self._tracks.get(leg) or self._begin_track(leg)
            track.put(tick, samples, heard.rate_hz)

    def _going_on(self, heard: Heard) -> int:
        """What to add to the ticks of a new stream: the time in which nobody handed over is silence."""
        stretches = self.timeline.stretches
        if not stretches:
            return -heard.number
        gap = heard.at - stretches[-1].ends_at
        gap -= self.timeline.paused_s(stretches[-1].ends_at, heard.at)
        return self.timeline.ticks + max(round(gap * TICKS_A_SECOND), 0) - heard.number

    def _begin(self) -> Track:
        self._mix = self._make(self.name)
        self.timeline.mix = self._mix.file.path.name
        self._has_news = True
        return self._mix

    def _begin_track(self, leg: int) -> Track:
        person = self.timeline.people.setdefault(leg, Person("", ""))
        track = self._tracks[leg] = self._make(track_name(self.name, leg, person.participant, person.name))
        person.track = track.file.path.name
        self._has_news = True
        return track

    def _make(self, name: str) -> Track:
        return Track(WavFile(self.directory / f"{name}.wav", self.timeline.rate_hz))

    # ------------------------------------------------------------------ what is said of it
    def name_track(self, leg: int, participant: str, name: str) -> None:
        person = self.timeline.people.setdefault(leg, Person(participant, name))
        person.participant, person.name = participant, name
        track = self._tracks.get(leg)
        if track:
            track.file.rename(self.directory / f"{track_name(self.name, leg, participant, name)}.wav")
            person.track = track.file.path.name
        self._has_news = True

    def note(self, note: Note) -> None:
        self.timeline.notes.append(note)
        self._has_news = True

    # ------------------------------------------------------------------ on the disk
    def flush(self, now: float) -> None:
        """All that has come is in files that anybody can read. now: of any clock."""
        for track in self._all():
            track.flush(self.timeline.ticks)
        if now >= self._stands_until and self._has_news:
            self._stands_until, self._has_news = now + TIMELINE_S, False
            self.timeline.write(self.directory)

    def close(self, at: float, cause: str) -> None:
        """All files have the same length."""
        self.timeline.ended_at, self.timeline.cause = at, cause
        for track in self._all():
            track.close(self.timeline.ticks)
        self._mix, self._tracks = None, {}
        self.timeline.state = "closed"
        self.timeline.write(self.directory, safely=True)

    def give_up(self, at: float, cause: str) -> None:
        """It has failed: leave what there is, readable as it is. Raises nothing."""
        self.timeline.ended_at, self.timeline.cause = at, cause
        for track in self._all():
            with contextlib.suppress(OSError):
                track.file.abandon()
        self._mix, self._tracks = None, {}
        with contextlib.suppress(OSError):
            self.timeline.write(self.directory)

    def _all(self) -> list[Track]:
        return [*([self._mix] if self._mix else []), *self._tracks.values()]

    @property
    def files(self) -> list[str]:
        """Names of the files with sound, that of the mix first."""
        tracks = [person.track for person in self.timeline.people.values() if person.track]
        return [*([self.timeline.mix] if self.timeline.mix else []), *tracks]

    @property
    def seconds(self) -> float:
        return round(self.timeline.ticks * TICK_S, 3)
