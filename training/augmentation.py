"""Random changes to crops and pictures. Each takes its random generator: the same seed, the same sample."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.crops import box_to_crop
from models.keypoints import KeypointSet
from training.recipe import Augmentation

UPPER_BODY = ("nose", "eye", "ear", "head", "neck", "thorax", "shoulder", "bow", "wrist")
HALF_BODY_PADDING = 1.5


def half_body_crop(
    keypoints: NDArray,
    weights: NDArray,
    keypoint_set: KeypointSet,
    input_size: tuple[int, int],
    random: Generator,
) -> NDArray[np.float32] | None:
    """Crop around the labelled joints of the upper or of the lower body, as HRNet's code has it.

    Its centre is the joints' mean, its size 1.5 times their extent, brought to the input's aspect ratio.

    Args:
        keypoints: (K, 2) pixels.
        weights: (K,), 0 where not labelled.
        keypoint_set: whose names tell the upper body.
        input_size: (height, width).
        random: decides which half.

    Returns:
        (4,) centre x, centre y, width, height; None where both halves have fewer than three labelled joints.
    """
    is_upper = np.array([any(part in name for part in UPPER_BODY) for name in keypoint_set.names])
    halves = [np.flatnonzero(half & (weights > 0)) for half in (is_upper, ~is_upper)]
    halves = [half for half in halves if len(half) > 2]
    if not halves:
        return None
    points = keypoints[halves[int(random.integers(len(halves)))]]
    extent = np.maximum(points.max(axis=0) - points.min(axis=0), 1) / 2
    centre = points.mean(axis=0)
    return box_to_crop(np.concatenate((centre - extent, centre + extent)), input_size, HALF_BODY_PADDING)[0]


def jitter_crop(crop: NDArray, options: Augmentation, random: Generator) -> tuple[NDArray, float]:
    """Move, resize and turn a crop.

    Args:
        crop: (4,) centre x, centre y, width, height.

    Returns:
        the changed crop and a rotation in degrees.
    """
    scale = float(np.clip(random.normal(1, options.scale), 1 - options.scale, 1 + options.scale))
    rotation = 0.0
    if random.random() < options.rotation_probability:
        rotation = float(
            np.clip(random.normal(0, options.rotation), -2 * options.rotation, 2 * options.rotation)
        )
    changed = np.asarray(crop, np.float64).copy()
    changed[:2] += np.clip(random.normal(0, 1, 2), -2, 2) * options.shift * changed[2:]
    changed[2:] *= scale
    return changed, rotation


def change_picture(image: NDArray[np.uint8], options: Augmentation, random: Generator) -> NDArray[np.uint8]:
    """Colour, resolution, motion blur and cut-outs, each by its own probability; (H, W, 3) uint8."""
    if options.colour:
        image = _colour(image, options.colour, random)
    if random.random() < options.low_resolution:
        image = _low_resolution(image, random)
    if random.random() < options.blur:
        image = _motion_blur(image, random)
    if random.random() < options.cut_out:
        image = _cut_out(image, random)
    return image


def _colour(image: NDArray[np.uint8], strength: float, random: Generator) -> NDArray[np.uint8]:
    """Gamma, contrast, brightness and a gain for each channel, as one look-up table; now and then grey."""
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma = np.exp(random.normal(0, 0.8 * strength))
    gain = 1 + random.normal(0, 0.4 * strength, 3) + random.normal(0, strength)
    table = (levels**gamma - 0.5) * gain + 0.5 + random.normal(0, 0.5 * strength)
    changed = cv2.LUT(image, np.clip(table * 255, 0, 255).astype(np.uint8)[None])
    if random.random() < 0.4 * strength:
        grey = cv2.cvtColor(changed, cv2.COLOR_BGR2GRAY)
        changed = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    return np.asarray(changed, np.uint8)


def _low_resolution(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = random.uniform(0.2, 0.7)
    size = max(8, int(width * factor)), max(8, int(height * factor))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    if random.random() < 0.5:  # compression
        _, data = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 80))))
        small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _motion_blur(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    length = int(random.integers(3, max(4, image.shape[0] // 16)))
    kernel = np.zeros((length, length), np.float32)
    angle, half = random.uniform(0, np.pi), (length - 1) / 2
    end = np.array([np.cos(angle), np.sin(angle)]) * half
    first, last = (tuple(int(v) for v in np.round(half + sign * end)) for sign in (-1, 1))
    cv2.line(kernel, first, last, 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _cut_out(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """Cover one to three rectangles with a colour, noise, or another part of the same picture."""
    image = image.copy()
    height, width = image.shape[:2]
    for _ in range(random.integers(1, 4)):
        h, w = (int(side * random.uniform(0.08, 0.35)) for side in (height, width))
        y, x = int(random.integers(0, height - h)), int(random.integers(0, width - w))
        kind = random.random()
        if kind < 0.5:
            v, u = int(random.integers(0, height - h)), int(random.integers(0, width - w))
            image[y : y + h, x : x + w] = image[v : v + h, u : u + w].copy()
        elif kind < 0.8:
            image[y : y + h, x : x + w] = random.integers(0, 256, 3)
        else:
            image[y : y + h, x : x + w] = random.integers(0, 256, (h, w, 3))
    return image
