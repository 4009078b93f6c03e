"""Density windows: Hounsfield units to grey levels for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from osteon.core.errors import InputError

__all__ = ["WINDOWS", "Window", "windowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A range of densities, given as DICOM gives it: its middle and its width in Hounsfield units."""

    center_hu: float
    width_hu: float

    def __post_init__(self) -> None:
        if not self.width_hu >= 1:
            raise InputError(f"a window {self.width_hu} HU wide, expected at least 1.")


WINDOWS = {
    "bone": Window(center_hu=400, width_hu=1800),
    "spine": Window(center_hu=300, width_hu=1200),
    "soft_tissue": Window(center_hu=50, width_hu=400),
    "spine_soft_tissue": Window(center_hu=50, width_hu=250),
    "lung": Window(center_hu=-600, width_hu=1500),
    "full": Window(center_hu=1000, width_hu=4000),
}
"""
Presets. "spine" is narrower than "bone" so that osteoporotic trabeculae do not sink into black.

Source: customary settings of CT consoles (bone 1800/400, soft tissue 400/50, spine soft tissue 250/50, lung 1500/-600).
"""


def windowed(array_hu: npt.NDArray[Any], window: str | Window = "bone") -> npt.NDArray[np.uint8]:
    """
    Grey levels 0-255 of an array of Hounsfield units, by the linear function of DICOM PS3.3 C.11.2.1.2.1.

    Raises
    ------
    InputError
        No preset has that name.

    Examples
    --------
    >>> windowed(np.array([-1000.0, 400.0, 3000.0]), "bone").tolist()
    [0, 128, 255]
    """
    if isinstance(window, str):
        if window not in WINDOWS:
            raise InputError(f"no window is called {window!r}.", hint=f"There are: {', '.join(WINDOWS)}.")
        window = WINDOWS[window]
    width = max(window.width_hu - 1.0, 1e-6)
    grey = (np.asarray(array_hu, dtype=np.float32) - np.float32(window.center_hu - 0.5)) / np.float32(
        width
    ) + 0.5
    levels: npt.NDArray[np.uint8] = np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8)
    return levels
