"""Box → affine crop → box: the one definition that inference and training share.

Two conventions for the sampling grid exist. ``half_pixel`` (ours) maps the box's centre to the middle of the
crop's area, so that a crop and its mirror image cover the same area and heat-map cell c lies at input pixel
(c + 0.5)·4 − 0.5. Without it, the box's centre goes to pixel (width/2, height/2) and cell c lies at 4·c: the
Microsoft code and its descendants do so, and published checkpoints were trained with it.

A third, ``udp`` (Huang et al., CVPR 2020, arXiv 1911.07524), measures sizes between the centres of the
outermost pixels: the box's width spans width − 1 pixels, and cell c lies at c·(width − 1)/(cells − 1).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PADDING = 1.25  # the crop is this much larger than the person's box (paper, section 2)


def box_to_crop(boxes: NDArray, input_size: tuple[int, int], padding: float = PADDING) -> NDArray[np.float32]:
    """Enlarge person boxes to the aspect ratio of the network's input.

    Args:
        boxes: (N, 4) left, top, right, bottom in pixels.
        input_size: (height, width) of the network's input.
        padding: factor by which the crop exceeds the box.

    Returns:
        (N, 4) centre x, centre y, width, height in pixels of the crop in the source image.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    height, width = input_size
    aspect = width / height
    size = boxes[:, 2:] - boxes[:, :2]
    w = np.maximum(size[:, 0], size[:, 1] * aspect)
    return np.column_stack(((boxes[:, :2] + boxes[:, 2:]) / 2, w * padding, w / aspect * padding))


def crop_matrix(
    crop: NDArray,
    input_size: tuple[int, int],
    rotation: float = 0.0,
    half_pixel: bool = True,
    udp: bool = False,
) -> NDArray[np.float64]:
    """The 2×3 matrix that takes source pixels to crop pixels.

    Args:
        crop: (4,) centre x, centre y, width, height in source pixels, as from `box_to_crop`.
        input_size: (height, width) of the crop image.
        rotation: degrees, clockwise on the screen, of the picture about the crop's centre.
        half_pixel, udp: the sampling convention, see the module's text; with udp, half_pixel has no say.
    """
    height, width = input_size
    if udp:
        height, width = height - 1, width - 1
    x, y, w, h = (float(v) for v in crop)
    angle = np.deg2rad(rotation)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.empty((2, 3))
    matrix[:, :2] = np.diag([width / w, height / h]) @ rotate
    # from the middle of the first pixel, where coordinates start, to where the crop starts
    origin = 0.5 if half_pixel and not udp else 0.0
    matrix[:, 2] = np.array([width / 2 - origin, height / 2 - origin]) - matrix[:, :2] @ (x, y)
    return matrix


def extract_crops(
    image: NDArray[np.uint8],
    crops: NDArray,
    input_size: tuple[int, int],
    half_pixel: bool = True,
    out: NDArray[np.uint8] | None = None,
    udp: bool = False,
) -> NDArray[np.uint8]:
    """Sample crops bilinearly, zero outside the image.

    Args:
        image: (H, W, 3) uint8.
        crops: (N, 4) as from `box_to_crop`.
        input_size: (height, width) of each crop image.
        half_pixel, udp: the sampling convention, see the module's text.
        out: an array to fill instead of a new one.

    Returns:
        (N, height, width, 3) uint8, channel order of the image.
    """
    height, width = input_size
    result = np.empty((len(crops), height, width, image.shape[2]), np.uint8) if out is None else out
    for crop, target in zip(crops, result, strict=True):
        matrix = crop_matrix(crop, input_size, half_pixel=half_pixel, udp=udp)
        cv2.warpAffine(image, matrix, (width, height), dst=target)
    return result


def to_crop(points: NDArray, matrix: NDArray) -> NDArray:
    """Apply a 2×3 matrix to points (..., 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]
