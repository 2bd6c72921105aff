"""Pictures of samples and predictions: small ones with joints or boxes, and sheets of many."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.keypoints import KeypointSet

Picture = NDArray[np.uint8]

TRUTH, FOUND, IGNORED = (80, 220, 80), (60, 60, 255), (160, 160, 160)  # BGR
GAP = 4


def with_joints(
    picture: Picture,
    points: NDArray,
    shown: NDArray[np.bool_],
    keypoint_set: KeypointSet,
    colour: tuple[int, int, int] = TRUTH,
) -> Picture:
    """A picture with limbs and joints drawn in.

    Args:
        picture: (H, W, 3) uint8 BGR.
        points: (K, 2) x, y in pixels.
        shown: (K,) which joints.
        keypoint_set: whose limbs.
        colour: BGR.
    """
    picture = picture.copy()
    limit = 4 * max(picture.shape)  # OpenCV takes 16 bits of coordinate
    spots = [tuple(int(v) for v in p) for p in np.rint(np.clip(points, -limit, limit))]
    for a, b in keypoint_set.limb_index:
        if shown[a] and shown[b]:
            cv2.line(picture, spots[a], spots[b], colour, 1, cv2.LINE_AA)
    for spot in (s for s, show in zip(spots, shown, strict=True) if show):
        cv2.circle(picture, spot, 2, colour, -1, cv2.LINE_AA)
    return picture


def under_maps(picture: Picture, maps: NDArray) -> Picture:
    """A picture under the maximum of its heat maps (K, h, w), 0 to 1."""
    height, width = picture.shape[:2]
    heat = cv2.resize(np.clip(maps.max(axis=0), 0, 1).astype(np.float32), (width, height))
    glow = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_JET).astype(np.float32)
    mixed = picture * (1 - 0.7 * heat[..., None]) + 0.7 * glow * heat[..., None]
    return np.asarray(mixed, np.uint8)


def with_boxes(picture: Picture, boxes: NDArray, colours: Sequence[tuple[int, int, int]]) -> Picture:
    """A picture with boxes (N, 4), left, top, right, bottom."""
    picture = picture.copy()
    for box, colour in zip(np.rint(boxes).astype(int).tolist(), colours, strict=True):
        cv2.rectangle(picture, tuple(box[:2]), tuple(box[2:]), colour, 1)
    return picture


def with_caption(picture: Picture, text: str) -> Picture:
    """A picture with a line of text below."""
    bar = np.zeros((14, picture.shape[1], 3), np.uint8)
    cv2.putText(bar, text, (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.33, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate((picture, bar))


def sheet(pictures: Sequence[Picture], columns: int = 8) -> Picture:
    """Pictures of equal size in rows."""
    columns = min(columns, len(pictures))
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    whole = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 40, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * (height + GAP), i % columns * (width + GAP)
        whole[y : y + height, x : x + width] = picture
    return whole
