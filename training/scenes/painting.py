"""Pictures of what surroundings are made of: pavings, lawns, house fronts, inner walls, trees."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes import texture as paint


def paving(random: Generator, sandy: bool = False) -> NDArray[np.float32]:
    """(256, 256, 3) slabs, cobbles or asphalt, one tile."""
    value = random.uniform(0.35, 0.75)
    colour = paint.from_hsv(random.uniform(15, 45), random.uniform(0.02, 0.3 if sandy else 0.15), value)
    texture = paint.plain(colour, 256, 256)
    rows = 0 if sandy or random.random() < 0.3 else int(random.integers(2, 9))
    if rows:
        side = 256 // rows
        for row in range(rows):
            for column in range(-1, rows):
                shade = colour * random.normal(1, 0.07)
                x = column * side + (row % 2) * side // 2
                cv2.rectangle(
                    texture, (x, row * side), (x + side - 1, row * side + side - 1), shade.tolist(), -1
                )
                cv2.rectangle(
                    texture,
                    (x, row * side),
                    (x + side - 1, row * side + side - 1),
                    (colour * 0.7).tolist(),
                    1,
                )
    grain = random.normal(0, 0.05, (256, 256)) + 0.04 * paint.noise(random, 256, 256, 8)
    return np.asarray((texture * (1 + grain)[..., None]).clip(0, 1), np.float32)


def lawn(random: Generator) -> NDArray[np.float32]:
    """(256, 256, 3) grass, one tile."""
    colour = paint.from_hsv(random.uniform(70, 110), random.uniform(0.35, 0.6), random.uniform(0.35, 0.6))
    grain = random.normal(0, 0.14, (256, 256)) + 0.08 * paint.noise(random, 256, 256, 5, 4)
    return np.asarray((paint.plain(colour, 256, 256) * (1 + grain)[..., None]).clip(0, 1), np.float32)


def planks(random: Generator) -> NDArray[np.float32]:
    """(256, 256, 3) a wooden floor, one tile."""
    colour = paint.from_hsv(random.uniform(18, 36), random.uniform(0.25, 0.6), random.uniform(0.3, 0.75))
    texture = paint.plain(colour, 256, 256)
    for column in range(0, 256, 32):
        grain = np.repeat(paint.noise(random, 16, 32, 16), 16, axis=0)
        texture[:, column : column + 32] *= (1 + random.normal(0, 0.06) + 0.05 * grain)[..., None]
        texture[:, column] *= 0.6
    return texture.clip(0, 1)


def facade(random: Generator, width: float, height: float) -> NDArray[np.float32]:
    """A house front: rows of windows, cornices, a ground floor with shops or doors; 24 texels a metre."""
    density = 24
    w, h = int(width * density), int(height * density)
    colour = paint.from_hsv(random.uniform(10, 50), random.uniform(0, 0.4), random.uniform(0.4, 0.9))
    texture = paint.plain(colour, h, w)
    if random.random() < 0.4:  # bricks
        texture[::4] *= 0.85
        texture[:, ::11] *= 0.93
    texture *= (1 + 0.05 * paint.noise(random, h, w, 6, 4))[..., None]
    storey = int(random.uniform(2.8, 3.6) * density)
    span = int(random.uniform(1.6, 3.2) * density)
    size = (int(span * random.uniform(0.4, 0.65)), int(storey * random.uniform(0.45, 0.65)))
    frame = paint.from_hsv(30, random.uniform(0, 0.2), random.uniform(0.2, 0.95)).tolist()
    banded, balconies = random.random() < 0.5, random.random() < 0.3
    for bottom in range(h - storey, storey // 2, -storey):
        if banded:
            texture[bottom - 3 : bottom] *= 1.15
            texture[bottom : bottom + 2] *= 0.75
        for x in range(span // 2, w - span // 2, span):
            sill = bottom - storey // 4
            _window(random, texture, x - size[0] // 2, sill - size[1], size, frame)
            texture[sill + 2 : sill + 5, max(x - size[0] // 2 - 3, 0) : x + size[0] // 2 + 3] *= 1.12
            if balconies:
                _railing(texture, x - size[0] // 2 - 5, sill - 6, size[0] + 10)
    texture[:5] *= 1.15
    texture[5:9] *= 0.6
    _ground_floor(random, texture, storey, span, frame)
    texture[h - 8 :] *= 0.7
    return texture.clip(0, 1)


def _ground_floor(random: Generator, texture: NDArray, storey: int, span: int, frame: list[float]) -> None:
    """Shops with awnings and signs, or doors."""
    h, w = texture.shape[:2]
    base = h - int(storey * 0.82)
    shops = random.random() < 0.6
    for x in range(0, w, 2 * span):
        ink = paint.any_colour(random).tolist()
        if shops:
            cv2.rectangle(texture, (x + 4, base), (x + 2 * span - 6, h - 8), ink, -1)
            _window(random, texture, x + 9, base + 12, (2 * span - 24, int(storey * 0.6)), frame)
            for letter in range(int(random.integers(0, 9))):
                at = (x + 14 + 6 * letter, base + 3)
                cv2.rectangle(
                    texture, at, (at[0] + int(random.integers(1, 5)), at[1] + 5), [0.9, 0.9, 0.9], -1
                )
            if random.random() < 0.35:
                stripes = texture[base + 10 : base + 24, x + 4 : x + 2 * span - 6]
                stripes[:] = ink
                stripes[:, np.arange(stripes.shape[1]) % 12 < 6] = 0.85
        elif random.random() < 0.5:
            cv2.rectangle(texture, (x + 6, base), (x + 6 + 26, h), ink, -1)
            cv2.rectangle(texture, (x + 4, base - 2), (x + 6 + 28, h), frame, 2)


def _railing(texture: NDArray, x: int, y: int, wide: int) -> None:
    for bar in range(max(x, 0), x + wide, 4):
        texture[max(y, 0) : y + 14, bar : bar + 1] = 0.12
    cv2.rectangle(texture, (x, y + 13), (x + wide, y + 16), [0.45, 0.45, 0.45], -1)


def _window(
    random: Generator, texture: NDArray, x: int, y: int, size: tuple[int, int], frame: list[float]
) -> None:
    w, h = size
    region = texture[max(y, 0) : max(y + h, 0), max(x, 0) : x + w]
    if not region.size:
        return
    dark, bright = random.uniform(0.05, 0.3), random.uniform(0.2, 0.75)
    ramp = np.linspace(bright, dark, region.shape[0], dtype=np.float32)[:, None, None]
    region[:] = ramp * np.array([1.05, 1.0, 0.93], np.float32)
    if random.random() < 0.3:  # curtains
        edge = max(1, w // 4)
        region[:, :edge] = region[:, -edge:] = random.uniform(0.5, 0.85)
    cv2.rectangle(texture, (x, y), (x + w, y + h), frame, 2)
    if w > 14:
        cv2.line(texture, (x + w // 2, y), (x + w // 2, y + h), frame, 1)


def interior_wall(random: Generator, colour: NDArray, width: float, height: float) -> NDArray[np.float32]:
    """A wall with pictures, shelves, windows or a door; 40 texels a metre."""
    density = 40
    w, h = int(width * density), int(height * density)
    texture = paint.plain(colour, h, w) * (1 + 0.03 * paint.noise(random, h, w, 3))[..., None].astype(
        np.float32
    )
    texture[h - 5 :] = random.uniform(0.2, 0.9)
    x = int(random.integers(0, 80))
    while x < w - 90:
        kind, wide = random.random(), int(random.uniform(0.6, 2.2) * density)
        top = h - int(random.uniform(1.9, 2.4) * density)
        ink = paint.any_colour(random).tolist()
        if kind < 0.25:
            _window(random, texture, x, max(top, 4), (wide, int(1.3 * density)), [0.9, 0.9, 0.9])
        elif kind < 0.5:
            cv2.rectangle(texture, (x, top), (x + wide, top + int(0.8 * wide)), ink, -1)
            inner = texture[max(top + 4, 0) : top + int(0.8 * wide) - 4, x + 4 : x + wide - 4]
            if inner.size:
                inner[:] = _abstract(random, *inner.shape[:2])
        elif kind < 0.65:
            cv2.rectangle(texture, (x, h - int(2.05 * density)), (x + int(0.9 * density), h), ink, -1)
        elif kind < 0.85:
            _shelf(random, texture, x, wide, h, density, ink)
        x += wide + int(random.uniform(0.2, 2) * density)
    return texture.clip(0, 1)


def _abstract(random: Generator, height: int, width: int) -> NDArray[np.float32]:
    """(height, width, 3) a picture to hang on a wall."""
    clouds = [paint.noise(random, height, width, 4) for _ in range(3)]
    return np.asarray((0.5 + 0.15 * np.stack(clouds, axis=-1)).clip(0, 1), np.float32)


def _shelf(
    random: Generator, texture: NDArray, x: int, wide: int, floor: int, density: int, ink: list[float]
) -> None:
    top = floor - int(random.uniform(0.9, 2.0) * density)
    cv2.rectangle(texture, (x, top), (x + wide, floor), ink, -1)
    for board in range(top + 4, floor - 12, 16):
        book = x + 3
        while book < x + wide - 6:
            thick = int(random.integers(2, 7))
            cv2.rectangle(
                texture, (book, board + int(random.integers(0, 5))), (book + thick - 1, board + 12),
                paint.any_colour(random).tolist(), -1,
            )  # fmt: skip
            book += thick


def tree_picture(random: Generator) -> NDArray[np.float32]:
    """(256, 192, 4) trunk and leaves with coverage."""
    picture = np.zeros((256, 192, 4), np.float32)
    bark = np.append(paint.from_hsv(28, 0.35, random.uniform(0.15, 0.4)), 1).tolist()
    cv2.fillPoly(picture, [np.array([(86, 256), (92, 120), (102, 120), (108, 256)])], bark)
    leaf = paint.from_hsv(random.uniform(60, 120), random.uniform(0.3, 0.6), random.uniform(0.3, 0.55))
    count = 420
    angle, radius = random.uniform(0, 2 * np.pi, count), np.sqrt(random.random(count))
    centres = np.column_stack((97 + 78 * radius * np.cos(angle), 88 + 74 * radius * np.sin(angle)))
    shades = 1.15 - 0.6 * centres[:, 1] / 170 + random.normal(0, 0.12, count)
    colours = np.column_stack(((leaf * shades[:, None]).clip(0.02, 1), np.ones(count))).tolist()
    axes, turns = random.integers(4, 13, (count, 2)).tolist(), random.uniform(0, 180, count).tolist()
    for centre, axis, turn, colour in zip(centres.astype(int).tolist(), axes, turns, colours, strict=True):
        cv2.ellipse(picture, centre, axis, turn, 0, 360, colour, -1)
    return picture
