"""Object keypoint similarity of two groups of poses, and the non-maximum suppressions built on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# For a keypoint set whose benchmark defines no sigmas: about the mean of COCO's body joints.
DEFAULT_SIGMA = 0.08


def oks_matrix(
    first: NDArray,
    second: NDArray,
    first_areas: NDArray,
    second_areas: NDArray,
    sigmas: ArrayLike | None,
    counted: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Object keypoint similarity of every pose of one group with every pose of another.

    The scale is the mean of the two areas, as in the Microsoft code's OKS-NMS (COCO's metric takes the ground
    truth's alone).

    Args:
        first, second: (N, K, 2) and (M, K, 2) x, y in pixels.
        first_areas, second_areas: (N,) and (M,) squared pixels.
        sigmas: K per-keypoint constants; None for `DEFAULT_SIGMA` each.
        counted: (N, M, K), broadcastable, the joints that count for a pair; None for all of them.

    Returns:
        (N, M) from 0 to 1; 0 for a pair without a joint that counts.
    """
    k = first.shape[1]
    variances = (2 * np.broadcast_to(DEFAULT_SIGMA if sigmas is None else sigmas, k)) ** 2
    squared = ((first[:, None].astype(np.float64) - second[None]) ** 2).sum(axis=3)
    scale = (np.asarray(first_areas)[:, None] + second_areas) / 2 + np.spacing(1)
    similarity = np.exp(-squared / variances / scale[:, :, None] / 2)
    if counted is None:
        return similarity.mean(axis=2) if k else np.zeros(squared.shape[:2])
    counted = np.broadcast_to(counted, similarity.shape)
    return (similarity * counted).sum(axis=2) / np.maximum(counted.sum(axis=2), 1)


def joints_of_both(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N, M, K) the joints that both poses of a pair have, from (N, K) and (M, K)."""
    return first[:, None] & second[None]


def suppress(similarity: NDArray, scores: NDArray, threshold: float) -> NDArray[np.intp]:
    """Non-maximum suppression: best first, everything more similar to a kept one than `threshold` goes.

    Args:
        similarity: (N, N) row i against column j; the kept one's row counts.
        scores: (N,).
        threshold: from 0 to 1; an equal similarity is kept.

    Returns:
        Positions of those kept, best first; of equal scores the later comes first, as in the Microsoft code.
    """
    alive = np.ones(len(scores), bool)
    kept = []
    for i in np.argsort(scores)[::-1]:
        if alive[i]:
            kept.append(i)
            alive &= similarity[i] <= threshold
    return np.array(kept, np.intp)


def suppress_softly(
    similarity: NDArray, scores: NDArray, threshold: float, most: int = 20
) -> NDArray[np.intp]:
    """MMPose's soft suppression: scores fall by exp(−similarity² / threshold), only the excess is dropped.

    Args:
        similarity: (N, N) row i against column j; the chosen one's row counts.
        scores: (N,).
        threshold: the Gaussian's width.
        most: how many are kept.

    Returns:
        Positions of those kept in the order of their falling scores; of equal ones the later comes first.
    """
    falling = np.asarray(scores, np.float64).copy()
    similarity = np.asarray(similarity, np.float32)  # MMPose's precision, to which those far away leave ties
    order = np.argsort(falling)[::-1]
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(best)
        falling[order] *= np.exp(-(similarity[best, order] ** 2) / threshold)
        order = order[np.argsort(falling[order])[::-1]]
    return np.array(kept, np.intp)
