"""Codecs that can be used, and prompts that can be played."""

from __future__ import annotations

import shutil

import numpy as np
from numpy.typing import NDArray

from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground
from confserver.prompts.sets import Sets

TONE_HZ, RATE_HZ, MOST_BYTES = 440.0, 48000, 1500


def check_codecs(ground: Ground) -> list[Finding]:
    """Each that the settings name makes packets of a tone."""
    found = []
    good = []
    for name in ground.settings.media.codecs:
        why = _trouble(name)
        if why:
            found.append(fault("codecs", f"{name}: {why}", "install confserver anew, or "
                               f"leave {name} out of media.codecs"))  # fmt: skip
        else:
            good.append(name)
    return found or [ok("codecs", f"{', '.join(good)} work")]


def _trouble(name: str) -> str:
    """Why a codec makes nothing of sound; empty: it does."""
    try:
        from confserver.engine.codecs import CODECS

        meanings = [meaning for meaning, each in enumerate(CODECS, 1) if each.name.lower().startswith(name.lower())]
        if not meanings:
            return "this version does not know it"
        for meaning in meanings:
            if not _encoded(meaning).any():
                return "its packets are empty"
    except Exception as error:  # whatever a broken library raises
        return f"{type(error).__name__}: {error}"
    return ""


def _encoded(meaning: int) -> NDArray[np.uint8]:
    """A packet of 20 ms of a tone."""
    from confserver.engine.codecs import STATEFUL, codec_of, stateless
    from confserver.engine.codecs.codec import Settings

    codec, out = codec_of(meaning), np.zeros((1, MOST_BYTES), np.uint8)
    rate_hz = codec.rate_hz or RATE_HZ
    samples = tone(rate_hz, rate_hz // 50)[None, :]
    if meaning not in STATEFUL:
        out = np.zeros((1, samples.shape[1] * max(codec.unit_bytes, 1)), np.uint8)
        stateless(meaning).encode(samples, out)
        return out
    encoders = STATEFUL[meaning].encoders()
    slot = encoders.open(Settings(rate_hz=rate_hz))
    encoders.encode(np.array([slot]), samples, out, np.zeros(1, np.int32))
    return out


def tone(rate_hz: int, samples: int) -> NDArray[np.float32]:
    return (0.25 * np.sin(2 * np.pi * TONE_HZ * np.arange(samples) / rate_hz)).astype(np.float32)


def _broken(sets: Sets) -> list[Finding]:
    """Sounds in sets of one's own that cannot be played."""
    import soundfile

    found = []
    for each in sets.by_name.values():
        for name in sorted(each.own):
            try:
                soundfile.info(each.catalogue.files[name])
            except (soundfile.SoundFileError, RuntimeError, OSError):
                words = f"{each.catalogue.files[name]} is no sound that can be played"
                found.append(fault("prompts", words, "put a WAV, FLAC, OGG or MP3 file there, or take it away"))
    return found


def check_prompts(ground: Ground) -> list[Finding]:
    """That what rooms say is there."""
    from confserver.prompts.catalogue import MUSIC, CatalogueError
    from confserver.prompts.sets import read_sets

    sounds = ground.settings.sounds
    found = []
    try:
        sets = read_sets(sounds.language, sounds.path(sounds.prompts), sounds.path(sounds.sets))
        found += _broken(sets)
    except CatalogueError as error:
        found.append(fault("prompts", str(error), "confserver prompts make makes prompts; correct the file, or leave "
                           "sounds.prompts, sounds.language and sounds.sets empty"))  # fmt: skip
    for name, text, default in (("sounds.music", sounds.music, MUSIC), ("sounds.directory", sounds.directory, None)):
        path = sounds.path(text) or default
        if path is not None and not path.exists():
            found.append(warning("prompts", f"{name}: there is no {path}", "correct the setting, or make it"))
    if shutil.which("espeak-ng") is None:
        found.append(warning("prompts", "espeak-ng is not installed: rooms can say nothing but prompts",
                             "apt install espeak-ng, if say:TEXT is wanted"))  # fmt: skip
    return found or [ok("prompts", "are there, and text can be spoken")]
