"""Noise taken out of voices, by RNNoise, where the extra ``denoise`` is installed.

Dear: some 0.3 ms for 10 ms of one voice, so only for those who talk and whose noise disturbs. Sound comes out 20 ms
later. The package that carries RNNoise brings PyAV and matplotlib along and imports them at once; so its library is
called by itself, on rows of samples where they lie, and the package is never imported.
"""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path
from typing import Protocol

import numpy as np

from confserver.engine.frame import FULL_SCALE, Bytes, Rows, Samples

STEP = 480
"""Samples that it takes at once: 10 ms at 48 kHz."""
DELAY_S = 0.020
_PACKAGE = "pyrnnoise"
_LIBRARIES = ("librnnoise.so", "librnnoise.dylib", "rnnoise.dll")
_ALIGNED = 64


class DenoiserMissing(Exception):
    """RNNoise is not installed, or not as it should be."""


class Model(Protocol):
    """What takes the noise out; memory is named by its address."""

    @property
    def state_bytes(self) -> int:
        """Of what is known of one voice."""
        ...

    def begin(self, state: int) -> None:
        """Nothing is known yet."""
        ...

    def clean(self, state: int, samples: int) -> float:
        """Clean STEP samples in place, float32, full scale 32768. Gives how likely they are speech."""
        ...


class RNNoise:
    """The model of J.-M. Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement"."""

    def __init__(self) -> None:
        """Raises DenoiserMissing."""
        try:
            library = ctypes.CDLL(str(_library()))
            self.state_bytes = int(library.rnnoise_get_size())
            step = int(library.rnnoise_get_frame_size())
            self._init, self._process = library.rnnoise_init, library.rnnoise_process_frame
        except (OSError, AttributeError) as fault:
            raise DenoiserMissing(f"the denoiser cannot be loaded: {fault}") from fault
        if step != STEP:
            raise DenoiserMissing(f"the denoiser takes {step} samples at once, not {STEP}")
        self._init.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._process.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._process.restype = ctypes.c_float

    def begin(self, state: int) -> None:
        self._init(state, None)

    def clean(self, state: int, samples: int) -> float:
        return float(self._process(state, samples, samples))


class Denoiser:
    """Takes the noise out of many voices, with what is known of each. 33 kB for each row that was ever cleaned."""

    def __init__(self, model: Model | None = None) -> None:
        """Raises DenoiserMissing where there is no model and none is given."""
        self._model = model or RNNoise()
        self._states: dict[int, tuple[Bytes, int]] = {}
        """The memory and the address within it, by row."""

    def run(self, rows: Rows, frames: Samples, out: Samples | None = None) -> tuple[Samples, Samples]:
        """Give these rows' sound without noise, and how likely each is speech (0 to 1).

        frames: float32 (rows, samples) at 48 kHz, any number of whole 10 ms. out: float32 of that shape; may be
        ``frames`` itself. Raises ValueError for other lengths, or where samples do not lie side by side.
        """
        count, width = frames.shape
        if out is None:
            out = np.empty((count, width), np.float32)
        if width % STEP or out.shape != frames.shape or out.dtype != np.float32 or out.strides[1] != out.itemsize:
            raise ValueError(f"no way to denoise {frames.shape} into {out.shape} {out.dtype}")
        np.multiply(frames, np.float32(FULL_SCALE), out=out)
        speech = np.zeros(count, np.float32)
        start, stride = out.ctypes.data, out.strides[0]
        for place, row in enumerate(rows.tolist()):
            state, first = self._state(row), start + place * stride
            for samples in range(first, first + width * out.itemsize, STEP * out.itemsize):
                speech[place] = max(speech[place], self._model.clean(state, samples))
        out *= np.float32(1 / FULL_SCALE)
        return out, speech

    def begin(self, row: int) -> None:
        """Somebody else has this row, or nobody: forget what is known."""
        self._states.pop(row, None)

    def _state(self, row: int) -> int:
        known = self._states.get(row)
        if known is None:
            memory = np.zeros(self._model.state_bytes + _ALIGNED, np.uint8)
            address = -(-memory.ctypes.data // _ALIGNED) * _ALIGNED
            known = self._states[row] = memory, address
            self._model.begin(address)
        return known[1]

    def describe(self) -> dict[str, int]:
        """For administration."""
        return {"voices": len(self._states), "bytes": len(self._states) * self._model.state_bytes}


def _library() -> Path:
    """Where RNNoise lies. Raises DenoiserMissing."""
    package = importlib.util.find_spec(_PACKAGE)
    for folder in package.submodule_search_locations or () if package else ():
        for name in _LIBRARIES:
            if (Path(folder) / name).is_file():
                return Path(folder) / name
    raise DenoiserMissing('no denoiser is installed: install the extra "denoise" (pip install "confserver[denoise]")')
