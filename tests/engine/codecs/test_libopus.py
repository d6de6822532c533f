"""Finding libopus: the system's, else the bundled one, else words that help."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from confserver.engine.codecs import libopus

WITHOUT_SYSTEM = """
import ctypes
real = ctypes.CDLL
class Hidden(real):
    def __init__(self, name, *more, **also):
        if "opus" in str(name) and "opuslib_next" not in str(name):
            raise OSError("hidden")
        super().__init__(name, *more, **also)
ctypes.CDLL = Hidden
import numpy as np
from confserver.engine.codecs import libopus
from confserver.engine.codecs.codec import Settings
from tests.engine.codecs.line import encode, frames
from confserver.engine.codecs.opus import OPUS
assert "opuslib_next" in libopus._library._name, libopus._library._name
for rate in (16000, 48000):
    for fec in (False, True):
        kind = Settings(rate, fec=fec, loss_percent=10 * fec)
        encoders, said = OPUS.encoders(), frames(kind)
        slot = encoders.open(kind)
        encode(encoders, slot, said[:60])
        other = encoders.fork(slot, kind)
        assert encode(encoders, other, said[60:120]) == encode(encoders, slot, said[60:120])
print("as well")
"""


def nowhere(name: str) -> None:
    return None


def test_the_system_is_asked_first(monkeypatch):
    loaded = []
    monkeypatch.setattr(ctypes, "CDLL", loaded.append)
    assert libopus._loadable(lambda name: f"lib{name}.so.0") == "libopus.so.0"
    assert loaded == ["libopus.so.0"]


def test_what_is_found_but_does_not_load_is_passed_over(monkeypatch):
    monkeypatch.setattr(libopus, "SYSTEM", ())
    place = libopus._loadable(lambda name: "/nowhere/libopus.so.0")
    assert Path(place).parent.name == "_native"


def test_without_any_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(libopus, "SYSTEM", ("libopus-of-nobody.so",))
    monkeypatch.setattr(libopus, "BUNDLED", ())
    with pytest.raises(libopus.LibopusMissing, match=r"libopus0.*opuslib-next-bundled.*libopus-of-nobody"):
        libopus._loadable(nowhere)


def test_opuslib_keeps_its_own_types():
    """Ours are other pointers to the same functions."""
    from opuslib.api import decoder

    assert decoder.libopus_decode_float.argtypes[0] is decoder.DecoderPointer
    assert "libopus" in libopus.version() or libopus.version() == "unknown"


def test_the_bundled_library_forks_bit_by_bit_too():
    done = subprocess.run([sys.executable, "-c", WITHOUT_SYSTEM], capture_output=True, text=True, check=False)
    assert done.stdout == "as well\n", done.stderr
