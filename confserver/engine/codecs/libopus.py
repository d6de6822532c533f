"""libopus, found and loaded, and its functions as we call them: with addresses as plain integers, nothing wrapped.

``opuslib`` brings it in. The system's library is preferred, since it gets security updates; else the one that
``opuslib-next-bundled`` carries. States live in memory of ours (``_init`` instead of ``_create``): see ``blocks``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SYSTEM = ("libopus.so.0", "libopus.0.dylib", "/opt/homebrew/lib/libopus.dylib")
BUNDLED = ("libopus.so", "libopus.dylib", "opus.dll")

OK = 0
VOIP = 2048
SET_BITRATE, SET_VBR, SET_COMPLEXITY = 4002, 4006, 4010
SET_INBAND_FEC, SET_PACKET_LOSS_PERC, SET_DTX = 4012, 4014, 4016


class LibopusMissing(ImportError):
    """No libopus could be loaded."""


def _candidates(find: Callable[[str], str | None]) -> Iterator[str]:
    found = find("opus")
    if found:
        yield found
    yield from SYSTEM
    bundle = importlib.util.find_spec("opuslib_next")  # located, not imported: opuslib is what we use
    for folder in bundle.submodule_search_locations or () if bundle else ():
        yield from (str(Path(folder, "_native", name)) for name in BUNDLED)


def _loadable(find: Callable[[str], str | None]) -> str:
    """The first that loads: one that is found need not (a stale cache)."""
    tried = []
    for name in _candidates(find):
        try:
            ctypes.CDLL(name)
        except OSError as problem:
            tried.append(f"{name}: {problem}")
        else:
            return name
    raise LibopusMissing(
        "no libopus: install the system's (Debian: libopus0) or the package opuslib-next-bundled; "
        f"tried {'; '.join(tried)}"
    )


def _load() -> ctypes.CDLL:
    """opuslib's library. It looks for it by find_library alone, so it is told what was found."""
    find = ctypes.util.find_library
    place = _loadable(find)
    ctypes.util.find_library = lambda name: place if name == "opus" else find(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            from opuslib.api import libopus
    finally:
        ctypes.util.find_library = find
    return libopus  # type: ignore[no-any-return]


_library = _load()


def _function(name: str, *arguments: Any) -> Callable[..., int]:
    """One of our own to the same code: opuslib's pointers keep the types it gave them."""
    function = _library[name]
    function.argtypes, function.restype = arguments, ctypes.c_int
    return function


_int, _address = ctypes.c_int, ctypes.c_void_p
decoder_size = _function("opus_decoder_get_size", _int)
encoder_size = _function("opus_encoder_get_size", _int)
decoder_init = _function("opus_decoder_init", _address, _int, _int)
encoder_init = _function("opus_encoder_init", _address, _int, _int, _int)
decode_float = _function("opus_decode_float", _address, _address, _int, _address, _int, _int)
encode_float = _function("opus_encode_float", _address, _address, _int, _address, _int)
encoder_ctl = _function("opus_encoder_ctl", _address, _int)
"""Variadic: only what is fixed has a type, else it fails on Apple Silicon."""
packet_samples = _function("opus_packet_get_nb_samples", _address, _int, _int)


def version() -> str:
    """As the library has it."""
    said = _library["opus_get_version_string"]
    said.restype = ctypes.c_char_p
    return str(said().decode("ascii", "replace"))
