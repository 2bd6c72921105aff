"""Does a new shot begin with this frame?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL = (32, 18)  # width, height
LEAST_CORRELATION = 0.6  # real cuts: 99 % below 0.54; neighbouring frames of moving cameras: above 0.74
LEAST_CHANGE = 12.0  # mean grey levels; below this the picture has hardly changed


class ShotDetector:
    """Compares thumbnails of neighbouring frames.

    A cut is where two thumbnails are neither alike in structure (normalised correlation, which a flash or a
    fade leaves high) nor in brightness. A moving camera shifts a thumbnail by less than one of its pixels a
    frame.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._shape: tuple[int, ...] = ()

    def __call__(self, grey: NDArray) -> bool:
        """Whether a shot begins with this picture (h, w); a first picture or a new size begins one."""
        thumbnail = cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, shape = self._last, self._shape
        self._last, self._shape = thumbnail, grey.shape
        if last is None or shape != grey.shape:
            return True
        return bool(
            np.abs(thumbnail - last).mean() > LEAST_CHANGE
            and correlation(thumbnail, last) < LEAST_CORRELATION
        )


def correlation(first: NDArray, second: NDArray) -> float:
    """Normalised correlation of two pictures, −1 to 1; 0 where one of them is plain."""
    first, second = first - first.mean(), second - second.mean()
    energy = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / energy if energy > 0 else 0.0
