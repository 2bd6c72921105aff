"""Decodings that blur the heat maps first: DARK, its UDP variant, those of MSPN, MMPose and MegEngine.

All take (N, K, h, w) float32 heat maps and an odd kernel size, and give points in heat-map cells (x, y) and
scores, as `models.heatmaps.decode` describes. What an origin adds in input pixels is in the cells.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.heatmaps import Decoded, decode_argmax, neighbour_differences

SEARCH_BORDER = 10  # cells around the map in which megvii's programs look for further peaks


def decode_dark(heatmaps: NDArray, kernel: int = 11) -> Decoded:
    """DARK (Zhang et al., CVPR 2020): a Newton step on the logarithm of the blurred map.

    Derivatives reach over two cells. Maxima at cells 0, 1 and the last two of either axis stay. Blurring
    lowers a peak; the factor that would bring it back falls out of the logarithm's derivatives.
    """
    points, scores = decode_argmax(heatmaps)
    height, width = heatmaps.shape[2:]
    flat = points.reshape(-1, 2)
    x, y = flat.astype(np.intp).T
    inner = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
    # rows and columns of the 5×5 cells around each maximum come first: [2, 3] is the cell right of it
    log = np.log(np.maximum(_blurred_around(heatmaps, inner, x, y, kernel), 1e-10)).transpose(1, 2, 0)
    dx, dy = 0.5 * (log[2, 3] - log[2, 1]), 0.5 * (log[3, 2] - log[1, 2])
    dxx = 0.25 * (log[2, 4] - 2 * log[2, 2] + log[2, 0])
    dyy = 0.25 * (log[4, 2] - 2 * log[2, 2] + log[0, 2])
    dxy = 0.25 * (log[3, 3] - log[1, 3] - log[3, 1] + log[1, 1])
    flat[inner] += _newton_step(dx, dy, dxx, dyy, dxy)
    points[scores <= 0] = 0
    return points, scores


def decode_udp(heatmaps: NDArray, kernel: int = 11) -> Decoded:
    """DARK as UDP's code has it (Huang et al., CVPR 2020): derivatives over one cell, at the border too."""
    points, scores = decode_argmax(heatmaps)
    maps = np.log(np.clip(_blur_keeping_peak(heatmaps, kernel), 1e-3, 50))
    maps = np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="edge")
    flat = points.reshape(-1, 2)
    x, y = flat.astype(np.intp).T + 1
    m = np.arange(len(flat))
    centre, right, left = maps[m, y, x], maps[m, y, x + 1], maps[m, y, x - 1]
    below, above = maps[m, y + 1, x], maps[m, y - 1, x]
    dx, dy = 0.5 * (right - left), 0.5 * (below - above)
    dxx, dyy = right - 2 * centre + left, below - 2 * centre + above
    corners = maps[m, y + 1, x + 1] + maps[m, y - 1, x - 1]
    dxy = 0.5 * (corners - right - below - left - above + 2 * centre)
    eps = np.finfo(np.float32).eps
    flat += _newton_step(dx, dy, dxx + eps, dyy + eps, dxy)
    points[scores <= 0] = 0
    return points, scores


def _newton_step(dx: NDArray, dy: NDArray, dxx: NDArray, dyy: NDArray, dxy: NDArray) -> NDArray:
    """(M, 2) from M points to where surfaces of these derivatives are flat; 0 where no such place is."""
    determinant = (dxx * dyy - dxy**2)[:, None]
    step = -np.stack((dyy * dx - dxy * dy, dxx * dy - dxy * dx), axis=1)
    return np.divide(step, determinant, out=np.zeros_like(step), where=determinant != 0)


def decode_megvii(heatmaps: NDArray, kernel: int = 5) -> Decoded:
    """MMPose's decoding for MSPN: quarter offset plus half a cell on the blurred map, score/255 + 0.5.

    Maxima at cells 0, 1 and the last of either axis get neither offset.
    """
    height, width = heatmaps.shape[2:]
    maps = _blur_keeping_peak(heatmaps, kernel)
    points, scores = decode_argmax(maps.reshape(heatmaps.shape))
    flat = points.reshape(-1, 2)
    x, y = flat.astype(np.intp).T
    inner = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    flat[inner] += 0.25 * np.sign(np.stack(neighbour_differences(maps, inner, x, y), axis=1)) + 0.5
    points[scores <= 0] = 0
    return points, (scores / 255 + 0.5).astype(np.float32)


def decode_mspn(heatmaps: NDArray, kernel: int = 5) -> Decoded:
    """The MSPN authors' decoding: a quarter step from the blurred map's peak towards its second peak.

    Two input pixels (half a cell) are added; the score is the map at the rounded cell / 255 + 0.5. COCO uses
    kernel 5, MPII 9.
    """
    maps = _blur_with_border(heatmaps, kernel, SEARCH_BORDER)
    cells = _take_peak(maps) - SEARCH_BORDER
    cells = _step_to_peak(maps, cells, 0.25)
    return _clip_and_score(heatmaps, cells, 0.5, 0.5)


def decode_megengine(heatmaps: NDArray, kernel: int = 17) -> Decoded:
    """MegEngine's decoding: steps of 0.35, 0.15 and 0.05 towards the highest cells, each taken out in turn.

    Its code takes out a cell that lies off by the border first, so that the first step finds the peak itself
    and goes nowhere. The cell's middle is meant, (c + 0.5)·4 − 0.5; the score is the map there / 255 + 1.
    """
    maps = _blur_with_border(heatmaps, kernel, SEARCH_BORDER)
    m = np.arange(len(maps))
    y, x = np.divmod(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[2])
    cells = np.stack((x, y), axis=1).astype(np.float64) - SEARCH_BORDER
    maps[m, y - SEARCH_BORDER, x - SEARCH_BORDER] = 0
    for length in (0.35, 0.15, 0.05):
        cells = _step_to_peak(maps, cells, length)
    return _clip_and_score(heatmaps, cells, 0.375, 1.0)


def _take_peak(maps: NDArray) -> NDArray[np.float64]:
    """(M, 2) x, y of the highest cell of (M, h, w) maps, which is set to 0."""
    y, x = np.divmod(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[2])
    maps[np.arange(len(maps)), y, x] = 0
    return np.stack((x, y), axis=1).astype(np.float64)


def _step_to_peak(maps: NDArray, cells: NDArray, length: float) -> NDArray[np.float64]:
    """Move cells a fixed length towards the highest one of the bordered maps, which is set to 0."""
    towards = _take_peak(maps) - SEARCH_BORDER - cells
    distance = np.linalg.norm(towards, axis=1, keepdims=True)
    return cells + length * np.divide(towards, distance, out=np.zeros_like(towards), where=distance > 1e-3)


def _clip_and_score(heatmaps: NDArray, cells: NDArray, offset: float, base: float) -> Decoded:
    n, k, height, width = heatmaps.shape
    cells = np.clip(cells, 0, (width - 1, height - 1))
    x, y = np.rint(cells).astype(np.intp).T
    scores = heatmaps.reshape(-1, height, width)[np.arange(n * k), y, x] / 255 + base
    return (cells + offset).astype(np.float32).reshape(n, k, 2), scores.reshape(n, k).astype(np.float32)


def _blur_with_border(heatmaps: NDArray, kernel: int, border: int) -> NDArray[np.float32]:
    """(N·K, h + 2·border, w + 2·border): each map in zeros, blurred.

    The maps lie one below the other in one picture, so that OpenCV is called once; the border keeps them
    apart.
    """
    maps = _with_border(heatmaps, border)
    tall = maps.reshape(-1, maps.shape[2])
    cv2.GaussianBlur(tall, (kernel, kernel), 0, dst=tall)
    return maps


def _with_border(heatmaps: NDArray, border: int) -> NDArray[np.float32]:
    """(N·K, h + 2·border, w + 2·border): each map in zeros."""
    n, k, height, width = heatmaps.shape
    maps = np.zeros((n * k, height + 2 * border, width + 2 * border), np.float32)
    maps[:, border : border + height, border : border + width] = heatmaps.reshape(-1, height, width)
    return maps


def _blurred_around(
    heatmaps: NDArray, chosen: NDArray[np.bool_], x: NDArray[np.intp], y: NDArray[np.intp], kernel: int
) -> NDArray[np.float32]:
    """(M, 5, 5) blurred maps around cells (x, y) of the M chosen ones of the N·K maps, and nowhere else."""
    reach = 2
    maps = _with_border(heatmaps, kernel // 2)
    windows = sliding_window_view(maps, (kernel + 2 * reach,) * 2, (1, 2))
    windows = windows[np.flatnonzero(chosen), y[chosen] - reach, x[chosen] - reach]
    weights = cv2.getGaussianKernel(kernel, 0, cv2.CV_32F)[:, 0]
    band = np.stack([np.pad(weights, (i, 2 * reach - i)) for i in range(2 * reach + 1)])
    return band @ windows @ band.T


def _blur_keeping_peak(heatmaps: NDArray, kernel: int) -> NDArray[np.float32]:
    """(N·K, h, w): blurred in zeros, then scaled so that each map's maximum is what it was."""
    n, k, height, width = heatmaps.shape
    border = kernel // 2
    blurred = _blur_with_border(heatmaps, kernel, border)[
        :, border : border + height, border : border + width
    ]
    before, after = (maps.reshape(n * k, -1).max(axis=1) for maps in (heatmaps, blurred))
    scale = np.divide(before, after, out=np.ones_like(before), where=after > 0)
    return blurred * scale[:, None, None]
