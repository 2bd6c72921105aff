"""One picture of a scene, with what is true in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.camera import Camera
from training.scenes.light import Light
from training.scenes.mesh import Mesh, Surface
from training.scenes.panorama import Backdrop
from training.scenes.rasteriser import barycentric, rasterise

PIECE = 8  # rows of a surface that throw one shadow


def background(
    backdrop: Backdrop, camera: Camera, light: Light, shadows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(H, W, 3) linear light: the backdrop with shadows (H, W) on it."""
    picture = backdrop.seen_by(camera)
    picture *= (1 - np.float32(light.shadow) * shadows)[..., None]
    return picture


def ground_shadows(surfaces: list[Surface], camera: Camera, light: Light) -> NDArray[np.float32]:
    """(H, W) how much of the light on the ground each body part's outline takes away, 0 to 1."""
    quarter = 4 if camera.height > 400 else 2
    small = replace(
        camera, width=camera.width // quarter, height=camera.height // quarter, focal=camera.focal / quarter
    )
    mask = np.zeros((small.height, small.width), np.uint8)
    slant = light.towards[:2] / max(light.towards[2], 0.25)
    for surface in surfaces:
        for start in range(0, len(surface.points) - 1, PIECE):
            points = surface.points[start : start + PIECE + 1, ::2].reshape(-1, 3)
            flat = points.copy()
            flat[:, :2] -= slant * points[:, 2:].clip(0)
            flat[:, 2] = 0.0
            seen = small.project(flat)
            if (seen[:, 2] > 0.3).all() and (np.abs(seen[:, :2]) < 4 * small.width).all():
                hull = cv2.convexHull(np.rint(seen[:, :2] * 16).astype(np.int32))
                cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), max(light.softness * small.height, 0.6))
    return np.asarray(cv2.resize(soft, (camera.width, camera.height)) / np.float32(255), np.float32)


@dataclass(frozen=True)
class Drawn:
    """A picture of a mesh.

    Attributes:
        picture: (H, W, 3) linear light.
        owner: (H, W) int32 who is at a pixel: a person's number, −1 for a thing, −2 for the background.
        depth: (H, W) metres.
        mesh: what was drawn.
        triangle: (H, W) int32 index of the triangle at a pixel, −1 for the background.
    """

    picture: NDArray[np.float32]
    owner: NDArray[np.int32]
    depth: NDArray[np.float32]
    mesh: Mesh
    triangle: NDArray[np.int32]


def draw(mesh: Mesh, atlas: NDArray[np.float32], camera: Camera, light: Light, behind: NDArray) -> Drawn:
    """Draw a mesh over a background.

    Args:
        mesh: people and things.
        atlas: (S, SIZE, SIZE, 3) textures in linear light.
        camera: the view.
        light: that falls on them.
        behind: (H, W, 3) linear light; it is drawn into.
    """
    points = camera.project(mesh.points)
    buffers = rasterise(points, mesh.triangles, camera.height, camera.width)
    rows, columns = np.nonzero(buffers.triangle >= 0)
    shown = buffers.triangle[rows, columns]
    behind[rows, columns] = _shade(mesh, points, shown, columns, rows, atlas, light)
    owner = np.full(buffers.triangle.shape, -2, np.int32)
    owner[rows, columns] = mesh.owners[shown]
    return Drawn(behind, owner, buffers.depth, mesh, buffers.triangle)


def motion_of(drawn: Drawn, cameras: tuple[Camera, Camera], earlier: NDArray) -> NDArray[np.float32]:
    """(H, W, 2) pixels that what each pixel shows has moved.

    Args:
        drawn: the picture now.
        cameras: now and earlier.
        earlier: (V, 3) where the mesh's points were, in metres.
    """
    now, before = cameras
    height, width = drawn.triangle.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    grid = np.stack((x, y), axis=-1)
    motion = grid - cv2.perspectiveTransform(grid, now.homography_to(before))
    moved = (now.project(drawn.mesh.points) - before.project(earlier))[:, :2].astype(np.float32)
    corners = drawn.mesh.triangles[drawn.triangle]
    return np.where((drawn.triangle >= 0)[..., None], moved[corners].mean(axis=2), motion)


def _shade(
    mesh: Mesh,
    points: NDArray,
    shown: NDArray,
    x: NDArray,
    y: NDArray,
    atlas: NDArray[np.float32],
    light: Light,
) -> NDArray[np.float32]:
    """(N, 3) linear colour of triangles at pixels: texture times light from sun, sky and ground."""
    weights = barycentric(points, mesh.triangles, shown, x, y)
    corners = mesh.triangles[shown]
    normals = np.einsum("nk,nki->ni", weights, mesh.normals[corners])
    texture = np.einsum("nk,nki->ni", weights, mesh.texture[corners])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    colours = _textured(atlas, mesh.slots[shown], texture)
    facing = normals @ light.towards.astype(np.float32)
    direct = (facing * 0.85 + 0.15).clip(0)[:, None] * light.sun.astype(np.float32)
    above = (0.5 + 0.5 * normals[:, 2:]) * light.sky.astype(np.float32)
    below = (0.5 - 0.5 * normals[:, 2:]) * light.ground.astype(np.float32)
    return np.asarray(colours * (direct + above + below), np.float32)


def _textured(
    atlas: NDArray[np.float32], slots: NDArray, texture: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, 3) the atlas, interpolated between texels."""
    size = atlas.shape[1]
    at = texture.clip(0, 1) * (size - 1)
    first = np.minimum(at.astype(np.int32), size - 2)
    share = at - first
    x, y = first.T
    u, v = share[:, :1], share[:, 1:]
    upper = atlas[slots, y, x] * (1 - u) + atlas[slots, y, x + 1] * u
    lower = atlas[slots, y + 1, x] * (1 - u) + atlas[slots, y + 1, x + 1] * u
    return np.asarray(upper * (1 - v) + lower * v, np.float32)
