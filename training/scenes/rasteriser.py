"""A z-buffer for triangles, all of them at once in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 0.2  # metres; a triangle with a corner nearer than this is not drawn


@dataclass(frozen=True)
class Buffers:
    """What each pixel shows.

    Attributes:
        triangle: (H, W) int32 index of the nearest triangle, −1 where there is none.
        depth: (H, W) float32 distance along the optical axis in metres, infinite where there is none.
    """

    triangle: NDArray[np.int32]
    depth: NDArray[np.float32]


def rasterise(points: NDArray, triangles: NDArray, height: int, width: int) -> Buffers:
    """Draw triangles into a z-buffer.

    Pixel (x, y) is the point with these coordinates: integers are pixel centres. Triangles that turn
    counter-clockwise on the screen (their back) are left out.

    Args:
        points: (V, 3) x and y in pixels, depth in metres.
        triangles: (T, 3) corners as positions in `points`.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    triangle = np.full(height * width, -1, np.int32)
    nearness = np.zeros(height * width, np.float32)
    corners = points[triangles].astype(np.float32)
    corner, low, size = _front_facing(corners, height, width)
    counts = size[:, 0] * size[:, 1]
    candidate = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(candidate)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = size[candidate, 0]
    x = low[candidate, 0] + within % columns
    y = low[candidate, 1] + within // columns
    gradients = _plane_equations(corners[corner])
    values = gradients[candidate, :, 0] * x.astype(np.float32)[:, None]
    values += gradients[candidate, :, 1] * y.astype(np.float32)[:, None]
    values += gradients[candidate, :, 2]
    inside = np.flatnonzero((values[:, :3] >= 0).all(axis=1))
    near = values[inside, 3]
    pixel = y[inside] * width + x[inside]
    np.maximum.at(nearness, pixel, near)
    shown = near == nearness[pixel]
    triangle[pixel[shown]] = corner[candidate[inside[shown]]]
    with np.errstate(divide="ignore"):
        depth = np.float32(1) / nearness
    return Buffers(triangle.reshape(height, width), np.asarray(depth, np.float32).reshape(height, width))


def _front_facing(
    corners: NDArray[np.float32], height: int, width: int
) -> tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]:
    """Which triangles can show, and the first pixel and size (columns, rows) of the rectangle around each."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    limit = np.array([width, height], np.float32)
    with np.errstate(invalid="ignore"):
        low = np.ceil(corners[:, :, :2].min(axis=1)).clip(0, limit)
        high = np.floor(corners[:, :, :2].max(axis=1)).clip(-1, limit - 1)
    ahead = (corners[:, :, 2] > NEAR).all(axis=1)
    kept = np.flatnonzero(ahead & (turn > 1e-9) & (high >= low).all(axis=1))
    return kept, low[kept].astype(np.int32), (high - low + 1)[kept].astype(np.int32)


def _plane_equations(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, 4, 3) value = p·x + q·y + r of the three barycentric coordinates and of 1/depth."""
    x, y = corners[:, :, 0].astype(np.float64), corners[:, :, 1].astype(np.float64)
    following, last = [1, 2, 0], [2, 0, 1]
    slope_x = y[:, following] - y[:, last]
    slope_y = x[:, last] - x[:, following]
    constant = x[:, following] * y[:, last] - x[:, last] * y[:, following]
    equations = np.stack((slope_x, slope_y, constant), axis=2)
    equations /= equations[:, :, 2].sum(axis=1)[:, None, None]
    nearness = np.einsum("tk,tki->ti", 1 / corners[:, :, 2].astype(np.float64), equations)
    return np.concatenate((equations, nearness[:, None]), axis=1).astype(np.float32)


def barycentric(
    points: NDArray, triangles: NDArray, shown: NDArray, x: NDArray, y: NDArray
) -> NDArray[np.float32]:
    """(N, 3) perspective-correct weights of a triangle's corners at N pixels.

    Args:
        points: (V, 3) as given to `rasterise`.
        triangles: (T, 3) as given to `rasterise`.
        shown: (N,) the triangle at each pixel.
        x: (N,) pixel columns.
        y: (N,) pixel rows.
    """
    corners = points[triangles].astype(np.float32)
    used, position = np.unique(shown, return_inverse=True)
    equations = _plane_equations(corners[used])[:, :3] / corners[used, :, 2][:, :, None]
    at = equations[position]
    weights = at[:, :, 0] * x[:, None] + at[:, :, 1] * y[:, None] + at[:, :, 2]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
