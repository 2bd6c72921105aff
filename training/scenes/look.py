"""What lens, shutter and sensor make of the light."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


@dataclass(frozen=True)
class Look:
    """What lens, sensor and exposure do to a picture.

    Attributes:
        exposure: factor on the light.
        gamma: exponent of the picture's tones; 0.5 is right.
        tint: (3,) factors on blue, green and red.
        blur: standard deviation of the lens blur in pixels.
        noise: standard deviation of the sensor's noise, 0 to 1.
        vignette: how much darker the corners are.
        shutter: seconds that the shutter is open: what moves is blurred.
    """

    exposure: float = 1.0
    gamma: float = 0.5
    tint: NDArray[np.float64] = field(default_factory=lambda: np.ones(3))
    blur: float = 0.5
    noise: float = 0.01
    vignette: float = 0.0
    shutter: float = 0.0

    def develop(self, picture: NDArray, random: Generator) -> NDArray[np.uint8]:
        """(H, W, 3) BGR of linear light (H, W, 3)."""
        if self.blur > 0.2:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        if self.vignette:
            y, x = (np.linspace(-1, 1, n, dtype=np.float32) ** 2 for n in picture.shape[:2])
            picture = picture * (1 - np.float32(self.vignette) * (y[:, None] + x[None]) / 2)[..., None]
        light = (picture * (self.exposure * self.tint).astype(np.float32)).clip(0, 1)
        toned = light ** np.float32(self.gamma)
        toned += random.standard_normal(toned.shape, np.float32) * np.float32(self.noise)
        return np.asarray((toned * 255).clip(0, 255), np.uint8)


def smear(picture: NDArray[np.float32], motion: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture (H, W, 3) blurred along each pixel's motion (H, W, 2) while the shutter is open."""
    height, width = motion.shape[:2]
    motion = np.asarray(cv2.GaussianBlur(motion, (0, 0), 1.5), np.float32)  # blur reaches over the outlines
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    total = np.zeros_like(picture)
    shares = (-0.4, -0.2, 0.0, 0.2, 0.4)
    for share in shares:
        along = np.float32(share) * motion
        total += cv2.remap(
            picture, x + along[..., 0], y + along[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return total / np.float32(len(shares))


def random_look(random: Generator, height: int) -> Look:
    """Good and bad cameras."""
    poor = random.random() < 0.3
    return Look(
        exposure=float(np.exp(random.normal(0, 0.22))),
        gamma=random.uniform(0.42, 0.58),
        tint=np.exp(random.normal(0, 0.05, 3)),
        blur=random.uniform(0.9, 1.6) * height / 480 if poor else random.uniform(0.3, 0.7),
        noise=random.uniform(0.02, 0.05) if poor else random.uniform(0.003, 0.015),
        vignette=random.uniform(0, 0.3),
    )
