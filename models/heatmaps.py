"""Heat maps ↔ keypoints: decoding and the flip test, in NumPy, for inference and validation alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def decode_quarter(heatmaps: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maximum of each map, moved a quarter of a cell towards the higher neighbour (Microsoft code, test).

    Args:
        heatmaps: (N, K, h, w) float.

    Returns:
        (N, K, 2) x, y in heat-map cells, and (N, K) the maxima. A map without a positive value gives (0, 0).
        Of equal maxima the first in raster order counts; at the border the maximum is not moved.
    """
    n, k, height, width = heatmaps.shape
    flat = heatmaps.reshape(n * k, height * width)
    best = flat.argmax(axis=1)
    rows = np.arange(n * k)
    scores = flat[rows, best]
    x, y = best % width, best // width
    points = np.stack((x, y), axis=1).astype(np.float32)
    inner = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    cells, centre = rows[inner], best[inner]
    points[inner, 0] += 0.25 * np.sign(flat[cells, centre + 1] - flat[cells, centre - 1])
    points[inner, 1] += 0.25 * np.sign(flat[cells, centre + width] - flat[cells, centre - width])
    points[scores <= 0] = 0
    return points.reshape(n, k, 2), scores.reshape(n, k).astype(np.float32)


def unflip(heatmaps: NDArray, flip_index: NDArray[np.intp], shift: bool = False) -> NDArray:
    """Bring the heat maps of mirrored crops back: mirror each map, exchange left and right.

    Args:
        heatmaps: (N, K, h, w) of the mirrored crops.
        flip_index: (K,) mirror partner of each keypoint.
        shift: move the result one cell to the right (column 0 stays), as the Microsoft code does to make up
            for a crop that is not symmetric; not for half-pixel crops.
    """
    mirrored = heatmaps[:, flip_index, :, ::-1]
    if not shift:
        return mirrored
    return np.concatenate((mirrored[..., :1], mirrored[..., :-1]), axis=-1)


def cells_to_input(points: NDArray, stride: float = 4, half_pixel: bool = True) -> NDArray:
    """Heat-map cells (..., 2) to pixels of the network's input."""
    return (points + 0.5) * stride - 0.5 if half_pixel else points * stride


def input_to_cells(points: NDArray, stride: float = 4, half_pixel: bool = True) -> NDArray:
    """Pixels (..., 2) of the network's input to heat-map cells, unrounded."""
    return (points + 0.5) / stride - 0.5 if half_pixel else points / stride
