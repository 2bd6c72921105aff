"""Things that stand between the camera and the people: pillars, boxes, benches, bushes, cars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes import texture as paint
from training.scenes.mesh import Surface, box, ellipsoid, tube

# Each gives surfaces (slots counted from 0) and the textures (S, SIZE, SIZE, 3) that they wear.
Thing = tuple[list[Surface], NDArray[np.float32]]


def _boxed(
    place: NDArray, height: float, size: tuple[float, float, float], degrees: float, slot: int
) -> Surface:
    centre = np.array([place[0], place[1], height])
    return Surface(
        box(centre, np.array(size), degrees), np.array([1, 1, 0, 0.0]), np.full(3, slot), flat=True
    )


def _cylinder(place: NDArray, low: float, high: float, radius: float, slot: int) -> Surface:
    heights = np.linspace(low, high, 9)
    centres = np.column_stack((np.tile(place, (9, 1)), heights))
    ones = np.ones((9, 1))
    points = tube(
        centres, np.array([1.0, 0, 0]) * ones, np.array([0, 1.0, 0]) * ones, np.full((9, 2), radius), 14
    )
    return Surface(points, np.linspace(1, 0, 9), np.full(8, slot))


def pillar(random: Generator, place: NDArray) -> Thing:
    """A post, a lamp or a tree's trunk, higher than the picture."""
    radius = random.uniform(0.05, 0.22)
    return [_cylinder(place, 0, random.uniform(3, 6), radius, 0)], _one(
        paint.cloth(random, paint.any_colour(random))
    )


def bollard(random: Generator, place: NDArray) -> Thing:
    """A bin or bollard up to the hips."""
    return [_cylinder(place, 0, random.uniform(0.5, 1.1), random.uniform(0.1, 0.32), 0)], _one(
        _painted(random)
    )


def crate(random: Generator, place: NDArray) -> Thing:
    """A box, counter or low wall."""
    size = (random.uniform(0.4, 2.2), random.uniform(0.3, 0.8), random.uniform(0.4, 1.1))
    return [_boxed(place, 0, size, random.uniform(-20, 20), 0)], _one(_painted(random))


def bench(random: Generator, place: NDArray) -> Thing:
    """A bench or table: a board on legs."""
    height, width = random.uniform(0.42, 0.8), random.uniform(1.0, 1.8)
    degrees = random.uniform(-15, 15)
    turned = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    legs = [_boxed(place + turned * width * at, 0, (0.07, 0.4, height), degrees, 0) for at in (-0.42, 0.42)]
    return [*legs, _boxed(place, height, (width, 0.5, 0.06), degrees, 0)], _one(_painted(random))


def bush(random: Generator, place: NDArray) -> Thing:
    """A pot with leaves."""
    leaves = paint.from_hsv(random.uniform(70, 120), random.uniform(0.35, 0.6), random.uniform(0.25, 0.5))
    leafy = paint.folded(random, paint.plain(leaves), 0.25)
    leafy *= (1 + random.normal(0, 0.3, leafy.shape[:2]))[..., None].astype(np.float32)
    high = random.uniform(0.3, 0.55)
    surfaces = [_boxed(place, 0, (0.55, 0.55, high), random.uniform(-30, 30), 0)]
    for _ in range(7):
        radius = random.uniform(0.18, 0.34)
        centre = np.append(place + random.normal(0, 0.16, 2), high + random.uniform(0.1, 0.6))
        blob = ellipsoid(centre, np.eye(3), (radius, radius, radius * 0.9), 8, 12)
        blob += random.normal(0, 0.02, blob.shape) * np.append(np.ones(12), 0)[None, :, None]
        surfaces.append(Surface(blob, np.linspace(1, 0, 8), np.full(7, 1)))
    return surfaces, np.stack((_painted(random), leafy.clip(0.01, 1)))


def car(random: Generator, place: NDArray) -> Thing:
    """A parked car, seen from its side."""
    degrees = random.uniform(-8, 8) + (180 if random.random() < 0.5 else 0)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    frame = np.array([(c, -s, 0), (s, c, 0), (0, 0, 1.0)])
    long = random.uniform(1.9, 2.3)

    def part(x: float, z: float, radii: tuple[float, float, float], slot: int, square: float) -> Surface:
        centre = np.append(place, 0) + frame @ (x, 0, z)
        return Surface(
            ellipsoid(centre, frame, radii, 10, 20, square), np.linspace(1, 0, 10), np.full(9, slot)
        )

    body = [part(0, 0.58, (long, 0.85, 0.36), 0, 0.4), part(-0.15, 1.02, (1.15, 0.74, 0.42), 1, 0.55)]
    roof = part(-0.15, 1.36, (0.85, 0.68, 0.08), 0, 0.5)
    wheels = [part(x, 0.31, (0.31, 0.87, 0.31), 2, 0.75) for x in (-long * 0.62, long * 0.62)]
    shades = (_painted(random), paint.plain(np.array([0.22, 0.2, 0.17])), paint.plain(np.full(3, 0.07)))
    return [*body, roof, *wheels], np.stack(shades)


def seat(random: Generator, place: NDArray) -> Thing:
    """A stool to sit on, 0.45 m high."""
    return [_boxed(place, 0, (0.42, 0.42, 0.40), random.uniform(0, 90), 0)], _one(_painted(random))


THINGS: dict[str, tuple[Callable[[Generator, NDArray], Thing], ...]] = {
    "street": (pillar, bollard, crate, bench, bush, car),
    "park": (pillar, bollard, bench, bush),
    "room": (pillar, crate, bench, bush, bollard),
}


def _painted(random: Generator) -> NDArray[np.float32]:
    return paint.folded(random, paint.plain(paint.any_colour(random)), random.uniform(0.01, 0.06))


def _one(texture: NDArray[np.float32]) -> NDArray[np.float32]:
    return texture[None]
