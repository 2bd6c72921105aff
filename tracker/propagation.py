"""Carry poses to the next frame by optical flow, and make boxes of them (paper, section 3.2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tracker.types import Poses

BOX_MARGIN = 0.15  # the moved joints' box grows by this much in all, half of it on each side
LEAST_FOUND = 0.5  # a person is followed reliably when the flow finds at least this part of the joints
LEAST_JOINTS = 3  # with fewer sure joints than this, a person's pose says nothing


def carry(
    poses: Poses,
    moved: NDArray[np.float32],
    found: NDArray[np.bool_],
    drift: NDArray[np.float32] | None = None,
) -> Poses:
    """Move poses with the flow; what the flow did not find goes with the rest of its person.

    Args:
        poses: N people in the previous frame.
        moved: (N, K, 2) where the flow puts each joint; rows that are not `found` are not looked at.
        found: (N, K) joints whose flow is to be trusted.
        drift: (N, 2) pixels by which a person moves none of whose joints is found; zero if not given.

    Returns:
        The poses in the current frame; a box moves with the median of its person's joints.
    """
    steps = np.where(found[..., None], moved - poses.keypoints, np.float32(np.inf))
    common = np.zeros((len(poses), 2), np.float32) if drift is None else drift.astype(np.float32)
    counts = found.sum(axis=1)
    common = np.where(counts[:, None] > 0, _median(steps, np.maximum(counts, 1)), common)
    keypoints = poses.keypoints + np.where(found[..., None], steps, common[:, None])
    return replace(poses, keypoints=keypoints, boxes=poses.boxes + np.tile(common, 2))


def _median(values: NDArray[np.float32], counts: NDArray[np.intp]) -> NDArray[np.float32]:
    """(N, 2) medians of those of the values (N, K, 2) that are not infinite, (N,) in number."""
    ordered, rows = np.sort(values, axis=1), np.arange(len(values))
    middle: NDArray[np.float32] = ordered[rows, (counts - 1) // 2] + ordered[rows, counts // 2]
    return middle / np.float32(2)


def mostly_found(found: NDArray[np.bool_], followed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) whether the flow found enough of the joints that were followed; both (N, K)."""
    return (found & followed).sum(axis=1) >= np.maximum(LEAST_FOUND * followed.sum(axis=1), 1)


def joint_boxes(
    keypoints: NDArray, present: NDArray[np.bool_], margin: float = BOX_MARGIN
) -> NDArray[np.float32]:
    """Bounding boxes of the joints that are present, enlarged.

    Args:
        keypoints: (N, K, 2) pixels.
        present: (N, K) which joints count; a person with none gets an empty box.
        margin: growth of width and height in all.

    Returns:
        (N, 4) left, top, right, bottom.
    """
    lowest = np.where(present[..., None], keypoints, np.inf).min(axis=1, initial=np.inf)
    highest = np.where(present[..., None], keypoints, -np.inf).max(axis=1, initial=-np.inf)
    border = (highest - lowest) * margin / 2
    boxes = np.concatenate((lowest - border, highest + border), axis=1).astype(np.float32)
    boxes[~present.any(axis=1)] = 0
    return boxes
