"""Painted textures: noise, cloth patterns, faces, walls. Colours are BGR, 0 to 1, as a screen shows them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SIZE = 128  # side of every texture in the atlas
Colour = NDArray[np.float32]
Texture = NDArray[np.float32]


def noise(random: Generator, height: int, width: int, coarse: int, octaves: int = 3) -> NDArray[np.float32]:
    """(height, width) smooth noise of mean 0, spread about 1, that repeats; `coarse` cells a height."""
    total = np.zeros((height, width), np.float32)
    strength = 1.0
    for _ in range(octaves):
        rows, columns = max(2, coarse), max(2, round(coarse * width / height))
        cells = random.normal(0, strength, (rows, columns)).astype(np.float32)
        total += _enlarged(cells, height, width)
        coarse, strength = coarse * 2, strength * 0.55
    return total


def _enlarged(cells: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(height, width) cells resized as one tile of an endless pattern."""
    rows, columns = cells.shape
    y, x = np.linspace(0, rows, height, endpoint=False), np.linspace(0, columns, width, endpoint=False)
    maps = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return np.asarray(cv2.remap(cells, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP), np.float32)


def plain(colour: NDArray, height: int = SIZE, width: int = SIZE) -> Texture:
    """(height, width, 3) one colour."""
    return np.full((height, width, 3), colour, np.float32)


def any_colour(random: Generator) -> Colour:
    """(3,) a colour as clothes and things have them: greys, muted and now and then bright."""
    kind = random.random()
    saturation = (
        random.uniform(0, 0.15)
        if kind < 0.4
        else random.uniform(0.2, 0.65)
        if kind < 0.85
        else random.uniform(0.7, 0.95)
    )
    value = random.uniform(0.08, 0.95) if kind < 0.85 else random.uniform(0.5, 0.95)
    return from_hsv(random.uniform(0, 360), saturation, value)


def from_hsv(hue: float, saturation: float, value: float) -> Colour:
    """(3,) BGR; hue in degrees, the others 0 to 1."""
    pixel = np.array([[[hue, saturation, value]]], np.float32)
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0], np.float32)


def cloth(random: Generator, colour: Colour) -> Texture:
    """A top of a random pattern with folds."""
    pattern = _PATTERNS[int(random.choice(len(_PATTERNS), p=_PATTERN_SHARES))]
    texture = pattern(random, plain(colour))
    return folded(random, texture, random.uniform(0.04, 0.12))


def folded(random: Generator, texture: Texture, depth: float) -> Texture:
    """Darker and lighter folds, mostly along the garment."""
    folds = noise(random, SIZE, SIZE, 3, 4) + 0.7 * np.resize(noise(random, 8, SIZE, 4, 3)[:1], (SIZE, SIZE))
    fine = random.normal(0, 0.02, (SIZE, SIZE))
    return np.asarray((texture * (1 + depth * folds + fine)[..., None]).clip(0.01, 1), np.float32)


def _unicoloured(random: Generator, texture: Texture) -> Texture:
    return texture


def _hoops(random: Generator, texture: Texture) -> Texture:
    period = int(random.integers(6, 40))
    texture[np.arange(SIZE) % period < period * random.uniform(0.3, 0.6)] = any_colour(random)
    return texture


def _pinstripes(random: Generator, texture: Texture) -> Texture:
    period = int(random.integers(4, 20))
    texture[:, np.arange(SIZE) % period < max(1, period * random.uniform(0.1, 0.5))] = any_colour(random)
    return texture


def _checks(random: Generator, texture: Texture) -> Texture:
    period, other = int(random.integers(8, 32)), any_colour(random)
    bands = (np.arange(SIZE) % period < period / 2).astype(np.float32) * 0.5
    share = (bands[:, None] + bands[None, :])[..., None]
    return texture * (1 - share) + other * share


def _dots(random: Generator, texture: Texture) -> Texture:
    step, colour = int(random.integers(8, 24)), any_colour(random)
    for y in range(0, SIZE, step):
        for x in range(0, SIZE, step):
            cv2.circle(
                texture,
                (x + (y // step % 2) * step // 2, y),
                max(1, step // 4),
                colour.tolist(),
                -1,
                cv2.LINE_AA,
            )
    return texture


def _flowers(random: Generator, texture: Texture) -> Texture:
    colours = [any_colour(random) for _ in range(3)]
    for _ in range(int(random.integers(30, 150))):
        x, y = random.integers(0, SIZE, 2).tolist()
        axes = random.integers(2, 9, 2).tolist()
        colour = colours[int(random.integers(3))].tolist()
        cv2.ellipse(texture, (x, y), axes, float(random.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return texture


def _print_on_front(random: Generator, texture: Texture) -> Texture:
    colour = any_colour(random).tolist()
    x, y = SIZE // 4, int(random.integers(35, 60))
    w, h = random.integers(6, 16, 2).tolist()
    cv2.rectangle(texture, (x - w, y - h), (x + w, y + h), colour, int(random.choice([-1, 2])))
    word = "".join(random.choice(list("ABCDEFGHKLMNRSTUX0123456789"), int(random.integers(1, 4))))
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.putText(mask, word, (x - w, y + 6), cv2.FONT_HERSHEY_DUPLEX, 0.5, 255, 1, cv2.LINE_AA)
    ink = mask[..., None] / np.float32(255)
    return texture * (1 - ink) + any_colour(random) * ink


def _open_jacket(random: Generator, texture: Texture) -> Texture:
    half = int(random.integers(3, 12))
    texture[:, SIZE // 4 - half : SIZE // 4 + half] = any_colour(random)
    return texture


def _blocks(random: Generator, texture: Texture) -> Texture:
    texture[int(random.integers(30, 100)) :] = any_colour(random)
    return texture


_PATTERNS: tuple[Callable[[Generator, Texture], Texture], ...] = (
    _unicoloured,
    _hoops,
    _pinstripes,
    _checks,
    _dots,
    _flowers,
    _print_on_front,
    _open_jacket,
    _blocks,
)
_PATTERN_SHARES = (0.36, 0.1, 0.06, 0.09, 0.05, 0.08, 0.1, 0.1, 0.06)


def trousers(random: Generator) -> Texture:
    """Jeans, black, beige or any other trousers."""
    kind = random.random()
    if kind < 0.4:
        colour = from_hsv(random.uniform(205, 225), random.uniform(0.3, 0.65), random.uniform(0.15, 0.55))
    elif kind < 0.65:
        colour = from_hsv(random.uniform(0, 360), random.uniform(0, 0.2), random.uniform(0.06, 0.2))
    elif kind < 0.8:
        colour = from_hsv(random.uniform(28, 42), random.uniform(0.2, 0.45), random.uniform(0.4, 0.75))
    else:
        colour = any_colour(random)
    texture = plain(colour)
    if kind > 0.92:
        texture = _flowers(random, texture) if kind > 0.96 else _checks(random, texture)
    if kind < 0.4:  # worn where the thigh is
        texture *= 1 + 0.25 * np.exp(-((np.linspace(-1.4, 1.6, SIZE)) ** 2))[:, None, None].astype(np.float32)
    if random.random() < 0.12:
        texture[:, ::64] = texture[:, 1::64] = any_colour(random)
    return folded(random, texture, random.uniform(0.05, 0.12))


def skin_colour(random: Generator) -> Colour:
    """(3,) from very light to very dark."""
    dark = random.random()
    light, deep = np.array([0.66, 0.76, 0.95]), np.array([0.13, 0.18, 0.29])
    colour = light * (1 - dark) + deep * dark
    return np.asarray(colour * random.normal(1, 0.04, 3), np.float32).clip(0.05, 1)


def hair_colour(random: Generator) -> Colour:
    """(3,) black, brown, blond, red or grey."""
    hue, saturation, value = (
        (25, 0.3, random.uniform(0.03, 0.1)),
        (22, 0.5, random.uniform(0.12, 0.3)),
        (38, 0.5, random.uniform(0.5, 0.75)),
        (15, 0.65, random.uniform(0.3, 0.5)),
        (35, 0.06, random.uniform(0.4, 0.85)),
    )[int(random.choice(5, p=(0.38, 0.32, 0.15, 0.05, 0.1)))]
    return from_hsv(hue, saturation, value)


def hair(random: Generator, colour: Colour) -> Texture:
    """Strands."""
    strands = np.resize(random.normal(0, 0.16, SIZE), (SIZE, SIZE)) + random.normal(0, 0.06, (SIZE, SIZE))
    return np.asarray((plain(colour) * (1 + strands)[..., None]).clip(0.005, 1), np.float32)


def skin(random: Generator, colour: Colour) -> Texture:
    """Skin with faint blotches."""
    return np.asarray(
        (plain(colour) * (1 + 0.03 * noise(random, SIZE, SIZE, 6))[..., None]).clip(0, 1), np.float32
    )


def face(random: Generator, colour: Colour, hair_tone: Colour, beard: bool, glasses: bool) -> Texture:
    """The head unrolled: front in the middle, crown above, chin below."""
    texture = skin(random, colour)
    ruddy = (colour * np.array([0.8, 0.82, 1.0])).tolist()
    shade, white = (colour * 0.6).tolist(), np.minimum(colour * 0.4 + 0.55, 0.95).tolist()
    middle, eye_row, nose_row, mouth_row = 64, 54, 70, 86
    if beard:
        cv2.ellipse(texture, (middle, 92), (24, 17), 0, 0, 360, (hair_tone * 0.7 + colour * 0.3).tolist(), -1)
    for sign in (-1, 1):
        x = middle + sign * 8
        cv2.circle(texture, (middle + sign * 13, 74), 6, ruddy, -1, cv2.LINE_AA)
        cv2.ellipse(texture, (x, eye_row), (6, 4), 0, 0, 360, shade, -1, cv2.LINE_AA)
        cv2.ellipse(texture, (x, eye_row), (4, 2), 0, 0, 360, white, -1, cv2.LINE_AA)
        iris = from_hsv(random.uniform(20, 220), 0.4, random.uniform(0.05, 0.3))
        cv2.circle(texture, (x, eye_row), 2, iris.tolist(), -1, cv2.LINE_AA)
        cv2.ellipse(
            texture, (x, eye_row - 6), (6, 2), sign * 8, 180, 360, (hair_tone * 0.8).tolist(), 2, cv2.LINE_AA
        )
        cv2.circle(texture, (middle + sign * 3, nose_row + 4), 1, shade, -1, cv2.LINE_AA)
    cv2.ellipse(texture, (middle, nose_row), (5, 8), 0, 20, 160, shade, 1, cv2.LINE_AA)
    lips = (colour * np.array([0.62, 0.58, 0.85])).tolist()
    cv2.ellipse(
        texture, (middle, mouth_row), (8, 2 + int(random.integers(0, 2))), 0, 0, 360, lips, -1, cv2.LINE_AA
    )
    cv2.line(texture, (middle - 7, mouth_row), (middle + 7, mouth_row), shade, 1, cv2.LINE_AA)
    if glasses:
        dark = random.random() < 0.5
        for sign in (-1, 1):
            thickness = -1 if dark else 1
            cv2.ellipse(
                texture, (middle + sign * 8, eye_row), (7, 6), 0, 0, 360, (0.03, 0.03, 0.03), thickness
            )
        cv2.line(texture, (middle - 32, eye_row - 2), (middle + 32, eye_row - 2), (0.05, 0.05, 0.05), 1)
    return np.asarray(cv2.GaussianBlur(texture, (0, 0), 0.8), np.float32)
