"""Random changes to crops and images. Every function takes its random generator: the same seed, the same sample."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.keypoints import KeypointSet
from training.recipe import Augmentation

UPPER_BODY = ("nose", "eye", "ear", "head", "neck", "thorax", "shoulder", "elbow", "wrist")


def half_body_box(
    keypoints: NDArray, weights: NDArray, keypoint_set: KeypointSet, random: Generator
) -> NDArray[np.float32] | None:
    """Box around the labelled joints of the upper or the lower body (Microsoft code's successors, half-body transform).

    Returns:
        (4,) left, top, right, bottom, enlarged by a half; None where fewer than three joints are labelled.
    """
    upper = np.array([any(part in name for part in UPPER_BODY) for name in keypoint_set.names])
    chosen = (upper if random.random() < 0.5 else ~upper) & (weights > 0)
    if chosen.sum() < 3:
        return None
    points = keypoints[chosen]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 8)
    return np.concatenate((low - margin, high + margin)).astype(np.float32)


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
    """Colour, resolution, motion blur and cut-outs, each by its own probability; (H, W, 3) uint8 in and out."""
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
    image = cv2.LUT(image, np.clip(table * 255, 0, 255).astype(np.uint8)[None])
    if random.random() < 0.4 * strength:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return np.asarray(image, np.uint8)


def _low_resolution(image: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = random.uniform(0.2, 0.7)
    small = cv2.resize(
        image, (max(8, int(width * factor)), max(8, int(height * factor))), interpolation=cv2.INTER_AREA
    )
    if random.random() < 0.5:  # compression
        _, data = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 80))))
        small = cv2.imdecode(data, cv2.IMREAD_COLOR)
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
