"""Boxes against boxes: intersection over union, and non-maximum suppression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.oks import suppress


def box_iou(first: NDArray, second: NDArray, inclusive: bool = False) -> NDArray[np.float32]:
    """Intersection over union of every box of one group with every box of another.

    Args:
        first, second: (N, 4) and (M, 4) left, top, right, bottom in pixels.
        inclusive: count the right and bottom pixel in, width = right − left + 1, as the Microsoft code does.

    Returns:
        (N, M) from 0 to 1; 0 where both boxes are empty.
    """
    extra = 1 if inclusive else 0
    overlap = np.minimum(first[:, None, 2:], second[None, :, 2:]) - np.maximum(
        first[:, None, :2], second[None, :, :2]
    )
    shared = _product(overlap + extra)
    union = box_areas(first, extra)[:, None] + box_areas(second, extra) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _product(sizes: NDArray) -> NDArray:
    """(…) areas of (…, 2) widths and heights; negative ones are nothing."""
    sizes = np.maximum(sizes, 0)
    return sizes[..., 0] * sizes[..., 1]


def box_areas(boxes: NDArray, extra: int = 0) -> NDArray:
    """(N,) areas of (N, 4) boxes, squared pixels, `extra` pixels wider and higher."""
    return _product(boxes[:, 2:] - boxes[:, :2] + extra)


def box_nms(boxes: NDArray, scores: NDArray, threshold: float, inclusive: bool = False) -> NDArray[np.intp]:
    """Positions kept, best first: a box that overlaps a better one by more than the threshold goes.

    Args:
        boxes: (N, 4) left, top, right, bottom in pixels.
        scores: (N,).
        threshold: intersection over union from 0 to 1; an equal one is kept.
        inclusive: see `box_iou`.
    """
    return suppress(box_iou(boxes, boxes, inclusive), scores, threshold)
