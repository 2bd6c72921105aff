"""A perspective camera that stands still, turns and zooms: world metres to pixels and back to rays."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.scenes.skeleton import rotation


@dataclass(frozen=True)
class Camera:
    """The view at one moment. World: x and y on the ground, z up, in metres; the camera looks along +y.

    Attributes:
        position: (3,) metres.
        pan: degrees, positive to the right.
        tilt: degrees, positive upwards.
        roll: degrees, positive turns the picture's content anti-clockwise.
        focal: focal length in pixels.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """

    position: NDArray
    pan: float
    tilt: float
    roll: float
    focal: float
    width: int
    height: int

    @property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3) rows: the camera's right, down and forward directions in the world."""
        turned = rotation("z", -self.pan) @ rotation("x", self.tilt) @ rotation("y", self.roll)
        right, forward, up = turned.T
        return np.stack((right, -up, forward))

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) camera coordinates to homogeneous pixels; the optical axis meets the picture's centre."""
        centre = ((self.width - 1) / 2, (self.height - 1) / 2)
        return np.array([[self.focal, 0, centre[0]], [0, self.focal, centre[1]], [0, 0, 1.0]])

    def project(self, points: NDArray) -> NDArray[np.float64]:
        """(…, 3) x and y in pixels and depth in metres of world points (…, 3); depth ≤ 0 is behind."""
        seen = (np.asarray(points) - self.position) @ self.axes.T
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        pixels = seen @ self.intrinsics.T
        return np.stack((pixels[..., 0] / safe, pixels[..., 1] / safe, depth), axis=-1)

    def ground_point(self, x: float, depth: float) -> NDArray[np.float64]:
        """(2,) the place on the ground at a picture column and a distance along the viewing direction."""
        side = (x - (self.width - 1) / 2) / self.focal * depth
        right, _, forward = self.axes
        ahead = forward[:2] / np.linalg.norm(forward[:2])
        across = right[:2] / np.linalg.norm(right[:2])
        return np.asarray(self.position[:2] + ahead * depth + across * side, np.float64)

    def homography_to(self, other: Camera) -> NDArray[np.float64]:
        """(3, 3) this camera's pixels to those of another one at the same place."""
        matrix = other.intrinsics @ other.axes @ self.axes.T @ np.linalg.inv(self.intrinsics)
        return np.asarray(matrix / matrix[2, 2], np.float64)


@dataclass(frozen=True)
class CameraMotion:
    """How a camera moves: a slow pan and zoom, and the shaking of a hand.

    Attributes:
        base: the view in the middle of the movement.
        pan: degrees to either side.
        zoom: share by which the focal length grows and shrinks.
        period: seconds of a whole movement there and back.
        shake: degrees.
        start: where in the movement time 0 is, in turns.
    """

    base: Camera
    pan: float = 0.0
    zoom: float = 0.0
    period: float = 10.0
    shake: float = 0.0
    start: float = 0.0

    def __call__(self, time: float) -> Camera:
        """The view at a time in seconds."""
        turn = 2 * np.pi * (time / self.period + self.start)
        trembling = [
            self.shake
            * (
                np.sin(time * 2.3 * k + k)
                + 0.6 * np.sin(time * 5.9 * k + 2 * k)
                + 0.3 * np.sin(time * 13 + k)
            )
            for k in (1.0, 1.37, 0.83)
        ]
        return replace(
            self.base,
            pan=self.base.pan + self.pan * float(np.sin(turn)) + trembling[0],
            tilt=self.base.tilt + trembling[1],
            roll=self.base.roll + 0.4 * trembling[2],
            focal=self.base.focal * (1 + self.zoom * float(np.sin(turn * 0.7 + 1))),
        )

    def margin(self) -> tuple[float, float]:
        """How much wider and higher than the base's picture the surroundings are that come into view."""
        most = 1.9 * self.shake
        half = np.array([self.base.width, self.base.height]) / 2
        corners = np.array([(0, 0), (2, 0), (0, 2), (2, 2)]) * half
        centre = half - 0.5
        factors = np.ones(2)
        for pan, tilt, roll in itertools.product((-1, 1), (-1, 1), (-1, 1)):
            extreme = replace(
                self.base,
                pan=self.base.pan + pan * (self.pan + most),
                tilt=self.base.tilt + tilt * most,
                roll=self.base.roll + roll * 0.4 * most,
                focal=self.base.focal * (1 - self.zoom),
            )
            seen = np.column_stack((corners - 0.5, np.ones(4))) @ extreme.homography_to(self.base).T
            away = np.abs(seen[:, :2] / seen[:, 2:] - centre) / half
            factors = np.maximum(factors, away.max(axis=0))
        return float(factors[0]) + 0.01, float(factors[1]) + 0.01
