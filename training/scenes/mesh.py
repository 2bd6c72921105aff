"""Surfaces as grids of points: tubes, ellipsoids and boxes, and their triangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mesh:
    """Triangles with what is needed to shade them.

    Attributes:
        points: (V, 3) metres in the world.
        normals: (V, 3) unit vectors.
        texture: (V, 2) position in the texture, 0 to 1.
        triangles: (T, 3) corners.
        slots: (T,) which texture of the scene's atlas each triangle wears.
        owners: (T,) the person (0 and up) or −1 for things.
    """

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    texture: NDArray[np.float32]
    triangles: NDArray[np.int32]
    slots: NDArray[np.int32]
    owners: NDArray[np.int32]


@dataclass(frozen=True)
class Surface:
    """One grid: R rows from bottom to top, C + 1 columns anti-clockwise seen from above, the last the first.

    Attributes:
        points: (R, C + 1, 3) metres.
        rows: (R,) vertical texture position of each row.
        slots: (R - 1,) texture of each band between two rows.
        across: first and last horizontal texture position.
        flat: faces keep their own normals: for boxes.
    """

    points: NDArray[np.float64]
    rows: NDArray[np.float64]
    slots: NDArray[np.intp]
    across: tuple[float, float] = (0.0, 1.0)
    flat: bool = False


def assemble(surfaces: Sequence[Surface], owner: int) -> Mesh:
    """One mesh of several surfaces."""
    return join([_mesh(surface, owner) for surface in surfaces])


def join(parts: Sequence[Mesh]) -> Mesh:
    """One mesh of several, or of none."""
    parts = [_NOTHING, *parts]
    starts = np.cumsum([0, *(len(part.points) for part in parts)])
    return Mesh(
        points=np.concatenate([part.points for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        texture=np.concatenate([part.texture for part in parts]),
        triangles=np.concatenate([p.triangles + s for p, s in zip(parts, starts, strict=False)]).astype(
            np.int32
        ),
        slots=np.concatenate([part.slots for part in parts]),
        owners=np.concatenate([part.owners for part in parts]),
    )


_NOTHING = Mesh(
    points=np.zeros((0, 3), np.float32),
    normals=np.zeros((0, 3), np.float32),
    texture=np.zeros((0, 2), np.float32),
    triangles=np.zeros((0, 3), np.int32),
    slots=np.zeros(0, np.int32),
    owners=np.zeros(0, np.int32),
)


def _mesh(surface: Surface, owner: int) -> Mesh:
    if surface.flat:
        return _faceted(surface, owner)
    points = surface.points
    rows, columns = points.shape[:2]
    u = np.linspace(*surface.across, columns)
    texture = np.stack(np.broadcast_arrays(u[None, :], surface.rows[:, None]), axis=-1)
    triangles = grid_triangles(rows, columns)
    return Mesh(
        points=points.reshape(-1, 3).astype(np.float32),
        normals=grid_normals(points).reshape(-1, 3).astype(np.float32),
        texture=texture.reshape(-1, 2).astype(np.float32),
        triangles=triangles,
        slots=np.repeat(surface.slots, 2 * (columns - 1)).astype(np.int32),
        owners=np.full(len(triangles), owner, np.int32),
    )


def _faceted(surface: Surface, owner: int) -> Mesh:
    """Every cell of the grid with corners and a normal of its own."""
    p = surface.points
    cells = np.stack((p[:-1, :-1], p[:-1, 1:], p[1:, :-1], p[1:, 1:]), axis=2)  # (R - 1, C, 4, 3)
    normal = np.cross(cells[:, :, 1] - cells[:, :, 0], cells[:, :, 2] - cells[:, :, 0])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12
    rows, columns = normal.shape[:2]
    low, high = surface.rows[:-1], surface.rows[1:]
    texture = np.zeros((rows, columns, 4, 2))
    texture[..., 0] = (0, 1, 0, 1)
    texture[..., 1] = np.stack((low, low, high, high), axis=-1)[:, None]
    base = 4 * np.arange(rows * columns)[:, None, None]
    triangles = (base + np.array([(0, 2, 1), (1, 2, 3)])).reshape(-1, 3)
    return Mesh(
        points=cells.reshape(-1, 3).astype(np.float32),
        normals=np.repeat(normal.reshape(-1, 3), 4, axis=0).astype(np.float32),
        texture=texture.reshape(-1, 2).astype(np.float32),
        triangles=triangles.astype(np.int32),
        slots=np.repeat(surface.slots, 2 * columns).astype(np.int32),
        owners=np.full(len(triangles), owner, np.int32),
    )


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """(2 (rows − 1)(columns − 1), 3) triangles; seen from outside, columns run to the right and rows up."""
    first = np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)
    corners = (first, first + columns, first + 1, first + 1, first + columns, first + columns + 1)
    return np.stack(corners, axis=-1).reshape(-1, 3).astype(np.int32)


def grid_normals(points: NDArray) -> NDArray[np.float64]:
    """(R, C + 1, 3) unit normals of a closed tube's grid."""
    around = np.empty_like(points)
    around[:, 1:-1] = points[:, 2:] - points[:, :-2]
    around[:, 0] = around[:, -1] = points[:, 1] - points[:, -2]
    along = np.empty_like(points)
    along[1:-1] = points[2:] - points[:-2]
    along[0], along[-1] = points[1] - points[0], points[-1] - points[-2]
    normals = _cross(around, along)
    normals /= np.sqrt((normals**2).sum(axis=-1, keepdims=True)) + 1e-12
    return normals


def _cross(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """np.cross without its overhead, which shows with many small grids."""
    ax, ay, az = np.moveaxis(a, -1, 0)
    bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), axis=-1)


def tube(
    centres: NDArray, sides: NDArray, fronts: NDArray, radii: NDArray, columns: int, square: float = 1.0
) -> NDArray[np.float64]:
    """(R, columns + 1, 3) rings around a line.

    Args:
        centres: (R, 3) from bottom to top.
        sides: (R, 3) unit vectors to the ring's right.
        fronts: (R, 3) unit vectors to the ring's front; right × front points up the tube.
        radii: (R, 2) half width and half depth.
        columns: points a ring.
        square: 1 for ellipses, less for rounder rectangles.
    """
    angle = np.linspace(0, 2 * np.pi, columns + 1)
    cos, sin = (np.sign(v) * np.abs(v) ** square for v in (np.cos(angle), np.sin(angle)))
    across = sides[:, None] * (radii[:, :1] * cos)[..., None]
    deep = fronts[:, None] * (radii[:, 1:] * sin)[..., None]
    return np.asarray(centres[:, None] + across + deep, np.float64)


def ellipsoid(
    centre: NDArray,
    frame: NDArray,
    radii: tuple[float, float, float],
    rows: int,
    columns: int,
    square: float = 1.0,
) -> NDArray[np.float64]:
    """(rows, columns + 1, 3) an ellipsoid, or with `square` < 1 a box with round edges.

    Args:
        centre: (3,) metres.
        frame: (3, 3) columns right, forward, up.
        radii: half width, depth and height.
    """
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rows)
    cos, sin = (np.sign(v) * np.abs(v) ** square for v in (np.cos(latitude).clip(1e-3), np.sin(latitude)))
    right, front, up = frame.T
    centres = centre + up * (radii[2] * sin)[:, None]
    flat = np.stack((radii[0] * cos, radii[1] * cos), axis=1)
    ones = np.ones((rows, 1))
    return tube(centres, right * ones, front * ones, flat, columns, square)


def box(centre: NDArray, size: NDArray, degrees: float = 0.0) -> NDArray[np.float64]:
    """(4, 5, 3) an upright box with lid and floor, for a `Surface` with ``flat``.

    Args:
        centre: (3,) of its floor in metres.
        size: (3,) width, depth, height.
        degrees: turned anti-clockwise about the vertical.
    """
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    corners = np.array([(1, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]) * np.asarray(size)[:2] / 2
    ring = corners @ np.array([(c, s), (-s, c)])
    levels = ((0.0, 0.02), (0.0, 1.0), (float(size[2]), 1.0), (float(size[2]), 0.02))
    rows = [np.column_stack((ring * shrink, np.full(5, height))) for height, shrink in levels]
    return np.asarray(np.stack(rows) + centre, np.float64)
