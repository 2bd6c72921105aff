"""Ignore regions: joints strictly inside a polygon do not count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.sequences import Polygon


def join(
    left: NDArray[np.int64], right: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of rows that share a group, ordered by left row, then by right row.

    Args:
        left: (A,) group of each left row.
        right: (B,) group of each right row, ascending.
        groups: number of groups.

    Returns:
        (N,) left rows and (N,) right rows.
    """
    members = np.bincount(right, minlength=groups)
    starts = np.cumsum(members) - members
    partners = members[left]
    left_rows = np.repeat(np.arange(len(left)), partners)
    within = np.arange(len(left_rows)) - np.repeat(np.cumsum(partners) - partners, partners)
    return left_rows, within + np.repeat(starts[left], partners)


def inside_regions(
    points: NDArray[np.float64],
    frames: NDArray[np.int64],
    regions: dict[int, list[Polygon]],
    frame_count: int,
) -> NDArray[np.bool_]:
    """Which points lie strictly inside a polygon of their frame; a point on an edge is outside.

    Args:
        points: (N, 2) pixels.
        frames: (N,) frame of each point.
        regions: frame → polygons of at least three corners.
        frame_count: number of frames.

    Returns:
        (N,) bool.
    """
    result = np.zeros(len(points), bool)
    flat = [(frame, polygon) for frame in sorted(regions) for polygon in regions[frame]]
    if not flat or not len(points):
        return result
    polygon_frames = np.array([frame for frame, _ in flat])
    low = np.array([polygon.min(0) for _, polygon in flat])
    high = np.array([polygon.max(0) for _, polygon in flat])
    point, polygon = join(frames, polygon_frames, frame_count)
    near = ((points[point] > low[polygon]) & (points[point] < high[polygon])).all(1)
    point, polygon = point[near], polygon[near]
    if not len(point):
        return result

    corners = np.concatenate([polygon for _, polygon in flat])
    sizes = np.array([len(polygon) for _, polygon in flat])
    starts = np.cumsum(sizes) - sizes
    following = np.roll(corners, -1, 0)
    following[starts + sizes - 1] = corners[starts]
    edges = sizes[polygon]
    pair = np.repeat(np.arange(len(point)), edges)
    firsts = np.cumsum(edges) - edges
    edge = np.arange(len(pair)) - np.repeat(firsts, edges) + np.repeat(starts[polygon], edges)
    crosses, touches = _ray(points[point[pair]], corners[edge], following[edge])
    odd = np.add.reduceat(crosses, firsts) % 2 == 1
    on_edge = np.logical_or.reduceat(touches, firsts)
    result[point[odd & ~on_edge]] = True
    return result


def _ray(
    points: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Of N points and edges a–b: does a ray to the right cross the edge, and is the point on it?"""
    side = (b[:, 0] - a[:, 0]) * (points[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (points[:, 0] - a[:, 0])
    upward = a[:, 1] <= points[:, 1]
    spans = upward != (b[:, 1] <= points[:, 1])
    crosses = spans & np.where(upward, side > 0, side < 0)
    within = ((points >= np.minimum(a, b)) & (points <= np.maximum(a, b))).all(1)
    return crosses.astype(np.int64), (side == 0) & within
