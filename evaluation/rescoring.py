"""From a network's poses to scored results: the Microsoft code's rescoring and OKS-NMS."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.oks import oks_matrix, suppress, suppress_softly


def pose_scores(box_scores: NDArray, keypoint_scores: NDArray, threshold: float = 0.2) -> NDArray[np.float64]:
    """Score of each pose: its box's times the mean of those keypoint scores that exceed the threshold.

    0 where none does (paper, section 2; microsoft/human-pose-estimation.pytorch).

    Args:
        box_scores: (N,).
        keypoint_scores: (N, K).
        threshold: keypoint scores up to this do not count.
    """
    counted = keypoint_scores > threshold  # in their own precision: float32's 0.2 is not above 0.2
    total = np.where(counted, keypoint_scores, 0).sum(axis=1, dtype=np.float64)
    return box_scores * total / np.maximum(counted.sum(axis=1), 1)


def keep_poses(
    image_ids: NDArray,
    keypoints: NDArray,
    scores: NDArray,
    areas: NDArray,
    sigmas: ArrayLike | None,
    threshold: float = 0.9,
    soft: bool = False,
) -> NDArray[np.intp]:
    """OKS-NMS in every image: of poses more similar than the threshold the best stays.

    Args:
        image_ids: (N,) the image of each pose.
        keypoints: (N, K, 2) x, y in pixels.
        scores: (N,) as from `pose_scores`.
        areas: (N,) area of each pose's crop, square pixels; the mean of two is their scale.
        sigmas: K constants of the keypoint set.
        threshold: OKS from 0 to 1.
        soft: MMPose's soft variant, which keeps the best 20 of an image.

    Returns:
        Positions of the poses kept, image by image, best first.
    """
    kept = []
    order = np.argsort(image_ids, kind="stable")
    starts = np.flatnonzero(np.diff(image_ids[order])) + 1
    for poses in np.split(order, starts) if len(order) else []:
        similarity = oks_matrix(keypoints[poses], keypoints[poses], areas[poses], areas[poses], sigmas)
        select = suppress_softly if soft else suppress
        kept.append(poses[select(similarity, scores[poses], threshold)])
    return np.concatenate(kept) if kept else np.zeros(0, np.intp)
