"""Is somebody who was out of sight back? Place says who it may be, looks say who it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OVERLAP = 0.3  # least intersection over union with the Kalman filter's box, where place alone counts
LIKE_OVERLAP = 0.18  # the same times likeness, where looks count
LIKENESS = 0.65  # least likeness of somebody within reach
REACH = (0.3, 0.5)  # how far from where they were last seen, in their heights: at once, and more each second
GROWTH = 1.5  # how many times as high, or as low, they may be


def within_reach(
    last: NDArray[np.float32], now: NDArray[np.float32], seconds: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(T, N) whether people last seen in boxes (T, 4), seconds (T,) ago, can be in boxes (N, 4) now."""
    height_last, height_now = last[:, None, 3] - last[:, None, 1], now[:, 3] - now[:, 1]
    centre_last, centre_now = (last[:, None, :2] + last[:, None, 2:]) / 2, (now[:, :2] + now[:, 2:]) / 2
    distance = np.linalg.norm(centre_now - centre_last, axis=2)
    near = distance <= (REACH[0] + REACH[1] * seconds[:, None]) * height_last
    same_size: NDArray[np.bool_] = (height_now <= GROWTH * height_last) & (height_last <= GROWTH * height_now)
    return near & same_size
