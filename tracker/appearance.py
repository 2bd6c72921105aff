"""What people look like: the colours along their limbs.

The paper tells people apart by place alone. Where one walks in front of another, their places are the same
for a moment; their clothes are not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.flow import SmallView
from tracker.types import Poses

ALONG = np.array((0.2, 0.35, 0.5, 0.65, 0.8), np.float32)  # where a limb is looked at, from joint to joint
WEIGHTS = np.array((0.8, 1.5, 1.5), np.float32)  # of L, a, b: shadows change lightness more than colour
UNLIKE = 30.0  # weighted distance in CIELAB at which likeness has fallen to 1/e
ENOUGH_LIMBS = 3  # with fewer limbs to compare, looks say nothing
UNKNOWN = 0.6  # likeness of people who cannot be compared
LEARNING_RATE = 0.05  # a few mixed-up frames do not change what is known of a person


def limb_colours(
    view: SmallView, poses: Poses, sure: NDArray[np.bool_], limbs: NDArray[np.intp]
) -> NDArray[np.float32]:
    """The colours of N people.

    Args:
        view: the frame.
        poses: N people with K keypoints in pixels of the full frame.
        sure: (N, K) joints that count.
        limbs: (L, 2) pairs of keypoints.

    Returns:
        (N, L, 3) mean CIELAB colour along each limb (L from 0 to 100), NaN without two sure joints.
    """
    joints = view.to_small(poses.keypoints)
    start, end = joints[:, limbs[:, 0], None], joints[:, limbs[:, 1], None]
    height, width = view.grey.shape
    x, y = np.moveaxis(np.rint(start + (end - start) * ALONG[:, None]).astype(int), -1, 0)
    colours: NDArray = (
        view.image[y.clip(0, height - 1), x.clip(0, width - 1)].mean(axis=2, dtype=np.float32) / 255
    )
    colours = cv2.cvtColor(colours, cv2.COLOR_BGR2LAB) if colours.size else colours
    known = sure[:, limbs[:, 0]] & sure[:, limbs[:, 1]]
    return np.where(known[..., None], colours, np.float32(np.nan))


def likeness(known: NDArray, seen: NDArray) -> NDArray[np.float64]:
    """(T, N) from 0 to 1: how much each of N people (N, L, 3) looks like each of T known ones (T, L, 3)."""
    apart = np.linalg.norm((known[:, None] - seen) * WEIGHTS, axis=3)
    both = np.isfinite(apart)
    count = both.sum(axis=2)
    mean = np.where(both, apart.clip(max=2 * UNLIKE), 0).sum(axis=2) / np.maximum(count, 1)
    return np.where(count < ENOUGH_LIMBS, UNKNOWN, np.exp(-((mean / UNLIKE) ** 2)))


def learn(known: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """(L, 3) what is known of a person after one more look at them."""
    seen = np.where(np.isnan(seen), known, seen)
    return np.where(np.isnan(known), seen, known + np.float32(LEARNING_RATE) * (seen - known))
