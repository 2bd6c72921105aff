"""Light outdoors and in rooms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


@dataclass(frozen=True)
class Light:
    """Light as it falls on everything, in linear BGR where 1 makes white paint white.

    Attributes:
        towards: (3,) unit vector to the sun or lamp.
        sun: (3,) its colour and strength.
        sky: (3,) light from above.
        ground: (3,) light from below.
        shadow: how dark the shadows on the ground are, 0 to 1.
        softness: blur of the shadows' edges, as a share of the picture's height.
    """

    towards: NDArray[np.float64]
    sun: NDArray[np.float64]
    sky: NDArray[np.float64]
    ground: NDArray[np.float64]
    shadow: float
    softness: float

    def on_ground(self) -> NDArray[np.float64]:
        """(3,) factor on the colours of the ground."""
        return np.asarray(self.sky * 0.9 + self.sun * max(0.0, self.towards[2]))

    def on_wall(self, normal: tuple[float, float, float]) -> NDArray[np.float64]:
        """(3,) factor on the colours of a wall that faces along a vector."""
        direct = max(0.0, float(self.towards @ normal))
        return np.asarray(self.sky * 0.5 + self.ground * 0.45 + self.sun * direct)


def outdoor_light(random: Generator) -> Light:
    """Sunny or overcast, morning to evening."""
    direction = np.array([random.uniform(-1, 1), random.uniform(-1.2, 0.6), random.uniform(0.4, 1.4)])
    direction /= np.linalg.norm(direction)
    sunny = random.random() < 0.6
    warmth = random.uniform(0, 0.25)
    sun = np.array([1 - warmth, 1 - warmth * 0.4, 1.0]) * (random.uniform(0.55, 1.0) if sunny else 0.15)
    sky = np.array([1.05, 1.0, 0.92]) * (random.uniform(0.35, 0.55) if sunny else random.uniform(0.65, 0.95))
    return Light(
        direction, sun, sky, sky * random.uniform(0.4, 0.7),
        random.uniform(0.4, 0.7) if sunny else random.uniform(0.15, 0.3), 0.004 if sunny else 0.03,
    )  # fmt: skip


def indoor_light(random: Generator) -> Light:
    """A window or lamp and much light from everywhere."""
    direction = np.array([random.uniform(-1, 1), random.uniform(-1, 0.3), random.uniform(0.5, 1.6)])
    warmth = random.uniform(0, 0.4)
    tint = np.array([1 - warmth, 1 - warmth * 0.4, 1.0])
    sky = tint * random.uniform(0.4, 0.7)
    return Light(
        direction / np.linalg.norm(direction), tint * random.uniform(0.2, 0.5), sky, sky * 0.6,
        random.uniform(0.2, 0.4), 0.02,
    )  # fmt: skip
