"""A drawn scene of figures that walk to and fro, with their true boxes and joints: for benchmarks and tests.

The figures are patches of texture with the proportions of people. No network finds people in them; a script
that knows where they are stands in for what a trained network would give, on top of the real one's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from models.keypoints import COCO
from tracker.nms import box_iou
from tracker.types import Frame

# x, y of COCO's 17 joints in the unit box of a person seen from the front
JOINTS = np.array(
    [
        *[(0.50, 0.08), (0.54, 0.06), (0.46, 0.06), (0.58, 0.08), (0.42, 0.08)],  # nose, eyes, ears
        *[(0.68, 0.20), (0.32, 0.20), (0.78, 0.35), (0.22, 0.35), (0.82, 0.50), (0.18, 0.50)],  # arms
        *[(0.62, 0.52), (0.38, 0.52), (0.62, 0.74), (0.38, 0.74), (0.62, 0.95), (0.38, 0.95)],  # legs
    ],
    np.float32,
)


class Walkers:
    """A still background and figures that walk past each other at their own speeds.

    Args:
        people: how many.
        height, width: of the picture in pixels.
        seed: of the textures and paths.
        figure: height of a figure as a part of the picture's.
        frame_rate: pictures a second.
    """

    def __init__(
        self,
        people: int = 5,
        height: int = 720,
        width: int = 1280,
        seed: int = 0,
        figure: float = 0.45,
        frame_rate: int = 30,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.height, self.width, self.frame_rate = height, width, frame_rate
        self.background = _texture(rng, height, width, 24)
        self._figure = round(height * figure), round(height * figure * 0.4)
        self._looks = [_texture(rng, *self._figure, 6) for _ in range(people)]
        free = width - self._figure[1], height - self._figure[0]
        self._start = rng.uniform(0, 2 * free[0], people)
        self._speed = rng.uniform(0.5, 1.5, people) * width / 300  # pixels a frame
        self._top = np.linspace(0.2, 0.9, people) * free[1]
        self._free = free[0]

    def boxes(self, index: int) -> NDArray[np.float32]:
        """(N, 4) left, top, right, bottom of everybody in a frame."""
        way = (self._start + self._speed * index) % (2 * self._free)
        left = np.round(np.where(way > self._free, 2 * self._free - way, way))
        top = np.round(self._top)
        high, wide = self._figure
        return np.column_stack((left, top, left + wide, top + high)).astype(np.float32)

    def keypoints(self, index: int) -> NDArray[np.float32]:
        """(N, 17, 2) COCO joints of everybody in a frame, in pixels."""
        boxes = self.boxes(index)
        return boxes[:, None, :2] + JOINTS * (boxes[:, None, 2:] - boxes[:, None, :2])

    def image(self, index: int) -> NDArray[np.uint8]:
        """The picture, later figures in front of earlier ones."""
        picture = self.background.copy()
        for look, (left, top, right, bottom) in zip(self._looks, self.boxes(index).astype(int), strict=True):
            picture[top:bottom, left:right] = look
        return picture

    def frames(self, count: int) -> Iterator[Frame]:
        """The first frames."""
        for index in range(count):
            yield Frame(index, Fraction(index, self.frame_rate), self.image(index))

    def detect(self, frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A detector that knows the truth: everybody's box with score 0.9."""
        boxes = self.boxes(frame.index)
        return boxes, np.full(len(boxes), 0.9, np.float32)

    def find_joints(self, index: int, boxes: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Joints (M, 17, 2), scores (M, 17) of whoever fills each box (M, 4) best; 0.05 where nobody does."""
        overlap = box_iou(np.asarray(boxes, np.float32).reshape(-1, 4), self.boxes(index))
        who = overlap.argmax(axis=1) if overlap.size else np.zeros(0, int)
        filled = overlap.max(axis=1, initial=0) > 0.2
        scores = np.repeat(np.where(filled, 0.9, 0.05)[:, None], len(COCO), axis=1)
        return self.keypoints(index)[who], scores.astype(np.float32)


def _texture(rng: np.random.Generator, height: int, width: int, grain: int) -> NDArray[np.uint8]:
    """Smooth random blobs of about `grain` pixels, for the flow to hold on to."""
    coarse = rng.integers(30, 226, (height // grain + 2, width // grain + 2, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
