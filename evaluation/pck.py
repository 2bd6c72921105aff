"""Measures of keypoint distance: PCK, PCKh, AUC, EPE, NME.

All work on distances as MMPose 1.3.2 computes them, in single precision; a keypoint counts where it is
annotated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ONE_PIXEL = np.float32(1)  # MMPose's EPE stays in single precision, unlike what is divided by a number


def normalised_distances(
    predicted: NDArray, truth: NDArray, visible: NDArray, sizes: NDArray | float | np.float32 = ONE_PIXEL
) -> NDArray[np.float32]:
    """Distance of each predicted keypoint from the true one, in parts of the person's size.

    Args:
        predicted, truth: (N, K, 2) x, y in pixels.
        visible: (N, K) true where annotated.
        sizes: (N,) size of each person in pixels, or one for all. A person of size 0 counts nowhere.

    Returns:
        (N, K) float32, NaN where the keypoint does not count.
    """
    sizes = np.broadcast_to(np.asarray(sizes), len(predicted))
    counted = np.asarray(visible, bool) & (sizes != 0)[:, None]
    factor = np.where(sizes > 0, sizes, 1e6)[:, None, None]
    distances = np.linalg.norm((predicted - truth) / factor, axis=-1)
    return np.where(counted, distances, np.nan).astype(np.float32)


def hit_rates(distances: NDArray, threshold: float) -> NDArray[np.float64]:
    """Share of each keypoint's distances below the threshold.

    Args:
        distances: (N, K) with NaN where a keypoint does not count.
        threshold: in the distances' unit.

    Returns:
        (K,) from 0 to 1; NaN for a keypoint that counts nowhere.
    """
    hits, counts = (distances < threshold).sum(axis=0), (~np.isnan(distances)).sum(axis=0)
    return np.divide(hits, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def pck(distances: NDArray, threshold: float) -> float:
    """Percentage of correct keypoints, from 0 to 1: the plain mean of the hit rates, 0 for none."""
    rates = hit_rates(distances, threshold)
    return float(np.nanmean(rates)) if not np.isnan(rates).all() else 0.0


def auc(distances: NDArray, steps: int = 20) -> float:
    """Area under PCK over the thresholds 0, 1/steps … (steps − 1)/steps of the distances' unit.

    MMPose's AUC divides pixel distances by 30 and takes 20 steps: ``auc(normalised_distances(…, sizes=30))``.
    """
    return sum(pck(distances, i / steps) for i in range(steps)) / steps


def mean_distance(distances: NDArray) -> float:
    """Mean over all keypoints that count: EPE of distances in pixels, NME of normalised ones; 0 for none."""
    by_keypoint = distances.T  # MMPose's order: a sum in single precision depends on it
    counted = by_keypoint[~np.isnan(by_keypoint)]
    return float(counted.mean()) if counted.size else 0.0
