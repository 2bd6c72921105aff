"""Heat maps ↔ keypoints: decoding and the flip test, in NumPy, for inference and validation alike.

Points are in heat-map cells, x then y; `cells_to_input` takes them to pixels of the network's input.
Decodings whose origin adds a fixed offset in input pixels have it in their cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError

Decoded = tuple[NDArray[np.float32], NDArray[np.float32]]  # (N, K, 2) points, (N, K) scores


def decode(heatmaps: NDArray, decoding: str = "quarter") -> Decoded:
    """Points and scores by the decoding of that name.

    Args:
        heatmaps: (N, K, h, w) float.
        decoding: a name in DECODINGS; those that blur take a kernel size behind it, as in "mspn9".

    Returns:
        (N, K, 2) x, y in heat-map cells, and (N, K) scores. A map without a positive value gives (0, 0) and a
        score that is not positive.
    """
    chosen = find_decoding(decoding)
    if len(heatmaps) == 0:
        k = heatmaps.shape[1]
        return np.zeros((0, k, 2), np.float32), np.zeros((0, k), np.float32)
    return chosen(np.asarray(heatmaps, np.float32))


def find_decoding(name: str) -> Callable[[NDArray], Decoded]:
    """The decoding of a name; raises InputError that lists the known ones."""
    if name in DECODINGS:
        return DECODINGS[name]
    match = re.fullmatch(r"([a-z]+)(\d+)", name)
    if match and match[1] in BLURRED and int(match[2]) % 2:
        return partial(_blurred, match[1], kernel=int(match[2]))
    raise InputError(
        f"unknown decoding '{name}': choose from {', '.join(DECODINGS)}; "
        f"{', '.join(BLURRED)} take an odd kernel size, as in mspn9"
    )


def _blurred(name: str, heatmaps: NDArray, **options: int) -> Decoded:
    from models import blurred_decoding  # which needs OpenCV

    return getattr(blurred_decoding, f"decode_{name}")(heatmaps, **options)


def decode_argmax(heatmaps: NDArray) -> Decoded:
    """Maximum of each map; of equal ones the first in raster order."""
    n, k, height, width = heatmaps.shape
    flat = heatmaps.reshape(n * k, height * width)
    best = flat.argmax(axis=1)
    scores = flat[np.arange(n * k), best].astype(np.float32)
    points = np.stack((best % width, best // width), axis=1).astype(np.float32)
    points[scores <= 0] = 0
    return points.reshape(n, k, 2), scores.reshape(n, k)


def decode_quarter(heatmaps: NDArray, like: str = "microsoft") -> Decoded:
    """Maximum of each map, moved a quarter of a cell towards the higher neighbour.

    What happens at the border differs: Microsoft's code (test) leaves a maximum at cell 0, 1 or the last of
    either axis where it is; MMPose's looks at the other axis for cell 0 only; MindPose's moves cell 1 as well
    and each axis by itself. An equal neighbour moves nothing.

    Args:
        heatmaps: (N, K, h, w) float32.
        like: microsoft, mmpose or mindpose.
    """
    points, scores = decode_argmax(heatmaps)
    n, k, height, width = heatmaps.shape
    flat = points.reshape(-1, 2)
    x, y = flat.astype(np.intp).T
    first = 0 if like == "mindpose" else 1
    move_x, move_y = (x > first) & (x < width - 1), (y > first) & (y < height - 1)
    if like == "microsoft":
        move_x = move_y = move_x & move_y
    elif like == "mmpose":
        move_x, move_y = move_x & (y > 0), move_y & (x > 0)
    maps = heatmaps.reshape(n * k, height, width)
    flat[move_x, 0] += 0.25 * np.sign(_difference(maps, move_x, x, y, 1, 0))
    flat[move_y, 1] += 0.25 * np.sign(_difference(maps, move_y, x, y, 0, 1))
    points[scores <= 0] = 0
    return points, scores


def decode_parabola(heatmaps: NDArray) -> Decoded:
    """Maximum of each map, moved to the vertex of the parabola through it and its neighbours on each axis."""
    points, scores = decode_argmax(heatmaps)
    n, k, height, width = heatmaps.shape
    maps = heatmaps.reshape(n * k, height, width)
    x, y = points.reshape(-1, 2).astype(np.intp).T
    inner = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1) & (scores.reshape(-1) > 0)
    rows = np.flatnonzero(inner)
    dx, dy = neighbour_differences(maps, inner, x, y)
    xi, yi, top = x[inner], y[inner], 2 * maps[rows, y[inner], x[inner]]
    curve_x = top - maps[rows, yi, xi + 1] - maps[rows, yi, xi - 1]
    curve_y = top - maps[rows, yi + 1, xi] - maps[rows, yi - 1, xi]
    offsets = [
        np.divide(d, 2 * c, out=np.zeros_like(d), where=c > 0) for d, c in ((dx, curve_x), (dy, curve_y))
    ]
    points.reshape(-1, 2)[inner] += np.clip(np.stack(offsets, axis=1), -0.5, 0.5)
    return points, scores


def neighbour_differences(maps: NDArray, where: NDArray, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Right minus left and lower minus upper neighbour of cells (x, y) of (M, h, w) maps, where chosen."""
    return _difference(maps, where, x, y, 1, 0), _difference(maps, where, x, y, 0, 1)


def _difference(maps: NDArray, where: NDArray, x: NDArray, y: NDArray, dx: int, dy: int) -> NDArray:
    m, x, y = np.flatnonzero(where), x[where], y[where]
    return maps[m, y + dy, x + dx] - maps[m, y - dy, x - dx]


BLURRED = ("dark", "udp", "megvii", "mspn", "megengine")  # in `models.blurred_decoding`
DECODINGS: dict[str, Callable[[NDArray], Decoded]] = {
    "argmax": decode_argmax,
    "quarter": decode_quarter,
    "quarter_mmpose": partial(decode_quarter, like="mmpose"),
    "quarter_mindpose": partial(decode_quarter, like="mindpose"),
    "parabola": decode_parabola,
    **{name: partial(_blurred, name) for name in BLURRED},
}


def unflip(heatmaps: NDArray, flip_index: NDArray[np.intp], shift: bool = False) -> NDArray:
    """Bring the heat maps of mirrored crops back: mirror each map, exchange left and right.

    Args:
        heatmaps: (N, K, h, w) of the mirrored crops.
        flip_index: (K,) mirror partner of each keypoint.
        shift: move the result one cell to the right (column 0 stays), as the Microsoft code does to make up
            for a crop that is not symmetric; not for half-pixel crops.
    """
    mirrored = heatmaps[:, flip_index, :, ::-1]
    if not shift:
        return mirrored
    return np.concatenate((mirrored[..., :1], mirrored[..., :-1]), axis=-1)


def cells_to_input(
    points: NDArray, cell_size: float | tuple[float, float] = 4, half_pixel: bool = True
) -> NDArray:
    """Heat-map cells (..., 2) to pixels of the network's input; cell_size as `PoseDescription.cell_size`."""
    size = np.asarray(cell_size)
    return (points + 0.5) * size - 0.5 if half_pixel else points * size


def confidence(scores: NDArray, decoding: str, peak: float = 1.0) -> NDArray:
    """Scores as `decode` gives them on the scale 0 to 1.

    The decodings of MSPN, MMPose for MSPN, and MegEngine scale theirs and raise them by 0.5, 0.5 and 1;
    that is taken off. The others give the heat map's height, which is divided by a perfect map's peak.
    """
    raised = {"mspn": 0.5, "megvii": 0.5, "megengine": 1.0}.get(decoding.rstrip("0123456789"))
    return scores / peak if raised is None else scores - raised
