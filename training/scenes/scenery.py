"""Places: a street, a park, a room, painted around the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes import texture as paint
from training.scenes.camera import Camera
from training.scenes.light import Light
from training.scenes.painting import facade, interior_wall, lawn, paving, planks, tree_picture
from training.scenes.panorama import Backdrop, View


def _street(random: Generator, view: View, light: Light) -> None:
    sky = np.array([0.85, 0.6, 0.4]) if light.shadow > 0.35 else np.array([0.8, 0.78, 0.75])
    pale = np.array([0.95, 0.92, 0.9])
    view.fill_sky(
        sky * light.sky * 1.8, pale, 0.07 * paint.noise(random, view.camera.height, view.camera.width, 4, 4)
    )
    back = random.uniform(14, 40)
    if random.random() < 0.6:
        _road(random, view, light, random.uniform(0.45, 0.6) * back)
    tile = random.uniform(2, 5)
    view.add_plane(
        paving(random), (0, 0, 0), (tile, 0, 0), (0, tile, 0), light=light.on_ground(), repeat=True
    )
    reach = back * view.camera.width / view.camera.focal * 0.6 + 2
    left = -reach
    while left < reach:
        width = random.uniform(8, 20)
        height = random.uniform(7, 22)
        away = back + random.uniform(0, 2)
        view.add_plane(
            facade(random, width, height), (left, away, 0), (width + 0.8, 0, 0), (0, 0, height),
            light=light.on_wall((0, -1, 0)),
        )  # fmt: skip
        left += width
    for sign in (-1, 1):
        if random.random() < 0.5:
            side, height = sign * random.uniform(9, 16), random.uniform(7, 18)
            near = random.uniform(-2, 8)
            wall = facade(random, back - near, height)
            along = (
                ((side, near, 0.0), (0.0, back - near, 0.0))
                if sign < 0
                else ((side, back, 0.0), (0.0, near - back, 0.0))
            )
            view.add_plane(wall, along[0], along[1], (0, 0, height), light=light.on_wall((-sign, 0, 0)))
    trees = [
        (random.uniform(-18, 18), random.uniform(10, back - 1)) for _ in range(int(random.integers(0, 7)))
    ]
    _plant(random, view, light, trees)
    view.stain(random, 0.06)
    view.haze(pale, random.uniform(120, 500))


def _road(random: Generator, view: View, light: Light, near: float) -> None:
    """A road along the houses with kerbs and a dashed line, a little higher so that it covers the ground."""
    far = near + random.uniform(5, 7)
    grey, white = paint.plain(np.full(3, random.uniform(0.25, 0.42))), paint.plain(np.full(3, 0.8))
    kerb = paint.plain(np.full(3, random.uniform(0.5, 0.7)))
    grey *= (1 + random.normal(0, 0.05, grey.shape[:2]))[..., None].astype(np.float32)

    def strip(
        texture: NDArray[np.float32], start: float, end: float, level: float, left: float, length: float
    ) -> None:
        origin = (left, start, level)
        view.add_plane(texture, origin, (length, 0, 0), (0, end - start, 0), light=light.on_ground())

    for left in range(-60, 60, 4):
        strip(grey, near, far, 0.002, left, 4.0)
        strip(white, (near + far) / 2 - 0.07, (near + far) / 2 + 0.07, 0.004, left, 2.0)
        for edge in (near, far):
            strip(kerb, edge - 0.1, edge + 0.1, 0.004, left, 4.0)


def _park(random: Generator, view: View, light: Light) -> None:
    pale = np.array([0.95, 0.9, 0.86])
    view.fill_sky(
        np.array([0.9, 0.6, 0.35]) * light.sky * 1.8,
        pale,
        0.08 * paint.noise(random, view.camera.height, view.camera.width, 4, 4),
    )
    grass = lawn(random)
    view.add_plane(grass, (0, 0, 0), (6, 0, 0), (0, 6, 0), light=light.on_ground(), repeat=True)
    if random.random() < 0.6:
        view.reach[:] = np.where(view.reach < 1e3, view.reach + 0.05, view.reach)
        width, start = random.uniform(1.5, 4), random.uniform(-6, 6)
        lean, path = random.uniform(-1, 1), paving(random, sandy=True)
        for step in range(20):
            view.add_plane(
                path, (start + lean * step * 3 - width / 2, step * 3, 0.001), (width, 0, 0),
                (lean * 3, 3, 0), light=light.on_ground(),
            )  # fmt: skip
    far = random.uniform(25, 60)
    wood = [
        (random.uniform(-1.2, 1.2) * far, far + random.uniform(-4, 12))
        for _ in range(int(random.integers(14, 30)))
    ]
    single = [(random.uniform(-14, 14), random.uniform(9, far)) for _ in range(int(random.integers(0, 6)))]
    _plant(random, view, light, wood + single)
    view.stain(random, 0.08)
    view.haze(pale, random.uniform(100, 400))


def _room(random: Generator, view: View, light: Light) -> None:
    width, depth, height = random.uniform(6, 16), random.uniform(7, 16), random.uniform(2.8, 5)
    floor = planks(random) if random.random() < 0.6 else paving(random)
    tile = random.uniform(1.5, 3)
    left, back = -width / 2, depth
    view.add_plane(floor, (0, 0, 0), (tile, 0, 0), (0, tile, 0), light=light.on_ground() * 0.8, repeat=True)
    colour = paint.from_hsv(random.uniform(0, 360), random.uniform(0, 0.3), random.uniform(0.5, 0.95))
    front = -12.0
    wall = interior_wall(random, colour, width, height)
    view.add_plane(wall, (left, back, 0), (width, 0, 0), (0, 0, height), light=light.on_wall((0, -1, 0)))
    for x, normal in ((left, 1.0), (-left, -1.0)):
        wall = interior_wall(random, colour, back - front, height)
        start, along = (
            ((x, front, 0.0), (0.0, back - front, 0.0))
            if normal > 0
            else ((x, back, 0.0), (0.0, front - back, 0.0))
        )
        view.add_plane(wall, start, along, (0, 0, height), light=light.on_wall((normal, 0, 0)))
    ceiling = paint.plain(np.full(3, random.uniform(0.75, 0.95)))
    view.add_plane(
        ceiling, (left, front, height), (width, 0, 0), (0, back - front, 0), light=light.ground + 0.25
    )
    view.picture[np.isinf(view.reach)] = 0.5


def _plant(random: Generator, view: View, light: Light, places: list[tuple[float, float]]) -> None:
    """Trees of a few kinds, painted on boards that face the camera."""
    kinds = [tree_picture(random) for _ in range(min(3, len(places)))]
    shade = light.on_wall((0, -0.7, 0.7))
    for x, y in places:
        height = random.uniform(5, 11)
        picture = kinds[int(random.integers(len(kinds)))]
        view.add_plane(picture, (x - height * 0.4, y, 0), (height * 0.8, 0, 0), (0, 0, height), light=shade)


PLACES: dict[str, Callable[[Generator, View, Light], None]] = {
    "street": _street,
    "park": _park,
    "room": _room,
}


def paint_backdrop(
    random: Generator, kind: str, camera: Camera, light: Light, margin: tuple[float, float]
) -> Backdrop:
    """Paint the surroundings of a camera.

    Args:
        random: source of all choices.
        kind: a key of `PLACES`.
        camera: the camera in its middle position.
        light: that falls on the place.
        margin: how much wider and higher the painting is than the camera's picture, as factors ≥ 1.
    """
    size = (int(camera.width * margin[0]), int(camera.height * margin[1]))
    wide = replace(camera, width=size[0], height=size[1])
    view = View(wide)
    PLACES[kind](random, view, light)
    return Backdrop(view.picture, wide)
