"""Optical flow at points: where did each joint go from one frame to the next?

Every flow is a callable ``flow(previous, current, points) -> (moved, found)`` on frames made ready by
`small_view`. A point counts as found when following it back leads to where it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE = 640  # pixels; a 720p frame is halved
SMALLEST = 16  # pixels of a side; below, a dense flow finds nothing
BACK_TOLERANCE = 1.0  # pixels of the small view that forward and backward flow may differ by


@dataclass(frozen=True)
class SmallView:
    """A frame reduced for optical flow.

    Attributes:
        image: (h, w, 3) uint8 BGR.
        grey: (h, w) uint8.
        scale: (2,) float32 small pixels in one pixel of the frame, for x and y.
    """

    image: NDArray
    grey: NDArray
    scale: NDArray[np.float32]

    def to_small(self, points: NDArray) -> NDArray[np.float32]:
        """Points (…, 2) in pixels of the frame → in small pixels."""
        small: NDArray[np.float32] = ((points + 0.5) * self.scale - 0.5).astype(np.float32)
        return small

    def to_frame(self, points: NDArray) -> NDArray[np.float32]:
        """Points (…, 2) in small pixels → in pixels of the frame."""
        full: NDArray[np.float32] = ((points + 0.5) / self.scale - 0.5).astype(np.float32)
        return full


def small_view(image: NDArray[np.uint8]) -> SmallView:
    """Reduce a frame (H, W, 3) by a whole factor to about `LONG_SIDE` pixels on its long side."""
    height, width = image.shape[:2]
    factor = max(1, round(max(height, width) / LONG_SIDE))
    size = max(1, width // factor), max(1, height // factor)
    small = image if factor == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    scale = np.array((size[0] / width, size[1] / height), np.float32)
    return SmallView(small, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), scale)


Flow = Callable[[SmallView, SmallView, NDArray], tuple[NDArray[np.float32], NDArray[np.bool_]]]
"""``flow(previous, current, points (P, 2)) -> (moved (P, 2), found (P,))``, in pixels of the full frame."""


class LucasKanade:
    """Pyramidal Lucas–Kanade (Bouguet 2001) at the points alone.

    Points in the same cell of a few pixels are followed once: under the window they see the same picture,
    and the poses of one person from several frames lie nearly on top of each other. That is off by 0.1 pixels
    of a 720p frame on average and saves more than half of the time.
    """

    window = (13, 13)  # small pixels, as the cell
    levels = 3
    cell = 4.0

    def __call__(
        self, previous: SmallView, current: SmallView, points: NDArray
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        if not len(points):
            return np.zeros((0, 2), np.float32), np.zeros(0, bool)
        start = previous.to_small(points)
        inside = _inside(start, previous.grey)
        cells = np.floor(start / self.cell).astype(np.int64)
        _, first, group = np.unique(cells @ (1 << 20, 1), return_index=True, return_inverse=True)
        seeds = start[first]
        there = self._follow(previous, current, seeds)
        back = self._follow(current, previous, there)
        found = (np.abs(back - seeds).max(axis=1) <= BACK_TOLERANCE) & _inside(there, current.grey)
        moved = start + (there - seeds)[group]
        return current.to_frame(moved), found[group] & inside

    def _follow(self, source: SmallView, target: SmallView, points: NDArray) -> NDArray[np.float32]:
        there, found, _ = cv2.calcOpticalFlowPyrLK(
            source.grey,
            target.grey,
            points,
            None,  # type: ignore[call-overload]
            winSize=self.window,
            maxLevel=self.levels,
            criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03),
        )
        there[found.ravel() == 0] = np.inf
        return there


class DenseFlow:
    """Any dense flow field, sampled at the points.

    Args:
        field: ``field(source, target) -> (h, w, 2)`` float32, movement in small pixels, NaN where
            unknown.
    """

    def __init__(self, field: Callable[[SmallView, SmallView], NDArray[np.float32]]) -> None:
        self._field = field

    def __call__(
        self, previous: SmallView, current: SmallView, points: NDArray
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        if not len(points):
            return np.zeros((0, 2), np.float32), np.zeros(0, bool)
        start = previous.to_small(points)
        there = start + _sample(self._field(previous, current), start)
        back = there + _sample(self._field(current, previous), there)
        found = (np.abs(back - start).max(axis=1) <= BACK_TOLERANCE) & _inside(there, current.grey)
        return current.to_frame(there), found & _inside(start, previous.grey)


def _dense_inverse_search() -> DenseFlow:
    """Dense inverse search (Kroeger et al. 2016)."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def field(source: SmallView, target: SmallView) -> NDArray:
        if min(source.grey.shape) < SMALLEST:
            return np.full((*source.grey.shape, 2), np.nan, np.float32)
        return search.calc(source.grey, target.grey, None)  # type: ignore[call-overload]

    return DenseFlow(field)


def create_flow(name: str, device: str = "auto") -> Flow:
    """The flow of a name in `tracker.options.FLOWS`; ``raft`` fetches its weights and runs on the device."""
    if name == "raft":
        from tracker.raft import RaftField

        return DenseFlow(RaftField(device))
    return LucasKanade() if name == "lk" else _dense_inverse_search()


def _inside(points: NDArray, grey: NDArray) -> NDArray[np.bool_]:
    height, width = grey.shape
    x, y = points.T
    return (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)


def _sample(field: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bilinear values (P, 2) of a field (h, w, 2); a point outside takes the nearest value inside."""
    # remap takes at most 32,767 points in a row
    parts = [
        cv2.remap(field, part[:, None], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]  # type: ignore[call-overload]
        for part in np.array_split(points, len(points) // 32_000 + 1)
    ]
    return np.concatenate(parts)
