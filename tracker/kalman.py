"""A Kalman filter on a person's box: where is somebody whom nothing has found for a moment?"""

from __future__ import annotations

import numpy as np
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

# In parts of the box's height, as people near the camera move and wobble by more pixels.
MEASUREMENT_NOISE = 0.05
ACCELERATION = 1.5  # heights a second, gained or lost in a second
START_SPEED = 1.0  # heights a second, before anything is known

PLACE, SPEED = np.arange(4), np.arange(4, 8)  # in the filter's state


class BoxFilter:
    """Box centre, width and height with constant velocities.

    Time is in seconds, so that dropped frames and variable frame rates need no special case.
    """

    def __init__(self, box: NDArray, time: float) -> None:
        state = _to_state(box)
        self.time = time
        self._filter = KalmanFilter(dim_x=8, dim_z=4)
        self._filter.Q[:] = 0
        self._filter.inv = _inverse_of_diagonal
        self._filter.x[:4, 0] = state
        self._filter.H[:, :4] = np.eye(4)
        height = _height(state)
        self._filter.P = np.diag([(MEASUREMENT_NOISE * height) ** 2] * 4 + [(START_SPEED * height) ** 2] * 4)

    def predict(self, time: float) -> NDArray[np.float32]:
        """(4,) box expected at a time in seconds; the filter moves on to that time."""
        step = max(time - self.time, 0.0)
        if step > 0:
            self.time = time
            self._filter.F[PLACE, SPEED] = step
            variance = (ACCELERATION * _height(self._filter.x[:4, 0])) ** 2
            noise = self._filter.Q
            noise[PLACE, PLACE], noise[SPEED, SPEED] = step**4 / 4 * variance, step**2 * variance
            noise[PLACE, SPEED] = noise[SPEED, PLACE] = step**3 / 2 * variance
            self._filter.predict()
        return self.box

    def update(self, box: NDArray) -> None:
        """Take in a box seen at the filter's present time."""
        state = _to_state(box)
        self._filter.update(state, R=np.eye(4) * (MEASUREMENT_NOISE * _height(state)) ** 2)

    @property
    def box(self) -> NDArray[np.float32]:
        """(4,) left, top, right, bottom in pixels at the filter's present time."""
        centre, size = self._filter.x[:2, 0], np.maximum(self._filter.x[2:4, 0], 1)
        return np.concatenate((centre - size / 2, centre + size / 2)).astype(np.float32)


def _inverse_of_diagonal(matrix: NDArray) -> NDArray:
    """Of the innovation's covariance: centre and size are filtered each by itself."""
    return np.diag(1 / matrix.diagonal())


def _to_state(box: NDArray) -> NDArray[np.float64]:
    low, high = np.asarray(box[:2], float), np.asarray(box[2:], float)
    return np.concatenate(((low + high) / 2, high - low))


def _height(state: NDArray) -> float:
    return max(float(state[3]), 1.0)
