"""What travels through the frame loop: a frame, and the people found in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One decoded picture.

    Attributes:
        index: position in the source, from 0.
        time: seconds from the container's time stamps (a fraction: nothing is rounded).
        image: (H, W, 3) uint8, BGR, upright.
    """

    index: int
    time: Fraction
    image: NDArray[np.uint8]


Boxes = tuple[NDArray[np.float32], NDArray[np.float32]]
Detector = Callable[[Frame], Boxes]
"""``detector(frame) -> (boxes (N, 4) left, top, right, bottom in pixels of the frame, scores (N,))``."""


@dataclass(frozen=True)
class Poses:
    """N people with K keypoints each. A mask, slice or index array picks: ``poses[poses.box_scores > 0.5]``.

    Attributes:
        keypoints: (N, K, 2) float32 x, y in pixels of the frame.
        scores: (N, K) float32 confidence of each keypoint, about 0 to 1.
        boxes: (N, 4) float32 left, top, right, bottom in pixels.
        box_scores: (N,) float32 confidence of the person.
        track_ids: (N,) int64 id from 1, or 0 where none has been given yet.
    """

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    box_scores: NDArray[np.float32]
    track_ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        n, k = self.keypoints.shape[:2]
        expected = {
            "keypoints": (n, k, 2),
            "scores": (n, k),
            "boxes": (n, 4),
            "box_scores": (n,),
            "track_ids": (n,),
        }
        for name, shape in expected.items():
            actual = getattr(self, name).shape
            if actual != shape:
                raise ValueError(f"{name} has shape {actual}, expected {shape}")

    @classmethod
    def empty(cls, keypoints: int) -> Poses:
        """Nobody, with K keypoints."""
        return cls(
            np.zeros((0, keypoints, 2), np.float32),
            np.zeros((0, keypoints), np.float32),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
        )

    def __len__(self) -> int:
        return len(self.keypoints)

    def __iter__(self) -> Iterator[Poses]:
        return (self[i : i + 1] for i in range(len(self)))

    def __getitem__(self, people: NDArray | slice | list[int]) -> Poses:
        return Poses(*(getattr(self, name)[people] for name in _ARRAYS))


_ARRAYS = tuple(field.name for field in fields(Poses))


def concatenate(parts: Iterable[Poses]) -> Poses:
    """The people of at least one group, one after the other; all must have the same number of keypoints."""
    groups = list(parts)
    return Poses(*(np.concatenate([getattr(g, name) for g in groups]) for name in _ARRAYS))


@dataclass(frozen=True)
class FrameResult:
    """What the tracker found in one frame.

    Attributes:
        frame: the frame itself.
        poses: N people, each with a track id.
        tentative: (N,) bool, people seen in too few frames so far to be sure of.
        carried: (N,) bool, people whom only the Kalman filter has; empty unless asked for.
        detected: whether the detector looked at this frame.
        shot_change: whether the picture was cut just before this frame.
        seconds: stage (detect, flow, crop, pose, match) → seconds spent on this frame.
    """

    frame: Frame
    poses: Poses
    tentative: NDArray[np.bool_]
    carried: NDArray[np.bool_]
    detected: bool
    shot_change: bool
    seconds: dict[str, float]

    def __getitem__(self, people: NDArray) -> FrameResult:
        """The result with some of its people alone, by mask or index array."""
        return replace(
            self, poses=self.poses[people], tentative=self.tentative[people], carried=self.carried[people]
        )
