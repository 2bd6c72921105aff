"""Painted surroundings: textured planes seen by a camera that looks further around than a scene's own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes.camera import Camera
from training.scenes.texture import noise


@dataclass(frozen=True)
class Backdrop:
    """The painted surroundings: the view of a camera that sees further around than the scene's ones."""

    picture: NDArray[np.float32]  # (H, W, 3) BGR, linear light
    camera: Camera

    def seen_by(self, camera: Camera) -> NDArray[np.float32]:
        """(H, W, 3) what a camera at the same place sees of it."""
        matrix = self.camera.homography_to(camera)
        size = (camera.width, camera.height)
        return np.asarray(
            cv2.warpPerspective(self.picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32
        )


class View:
    """A picture in the making: every pixel's ray, and how far the nearest thing painted so far is."""

    def __init__(self, camera: Camera) -> None:
        x, y = np.meshgrid(
            np.arange(camera.width, dtype=np.float32), np.arange(camera.height, dtype=np.float32)
        )
        pixels = np.stack((x, y, np.ones_like(x)), axis=-1)
        to_ray = np.linalg.inv(camera.intrinsics).T @ camera.axes
        self.camera = camera
        self.rays = (pixels.reshape(-1, 3) @ to_ray.astype(np.float32)).reshape(pixels.shape)
        self.picture = np.zeros(pixels.shape, np.float32)
        self.reach = np.full(pixels.shape[:2], np.inf, np.float32)  # metres along the optical axis

    def fill_sky(self, top: NDArray, horizon: NDArray, clouds: NDArray[np.float32]) -> None:
        """Everything from the horizon up, in linear light."""
        up = self.rays[..., 2] / np.linalg.norm(self.rays, axis=-1)
        share = np.clip(up * 2.5, 0, 1)[..., None]
        self.picture[:] = horizon * (1 - share) + top * share
        self.picture += clouds[..., None] * np.clip(up * 4, 0, 1)[..., None]

    def add_plane(
        self,
        texture: NDArray[np.float32],
        origin: tuple[float, float, float],
        across: tuple[float, float, float],
        up: tuple[float, float, float],
        *,
        light: float | NDArray = 1.0,
        repeat: bool = False,
    ) -> None:
        """Paint a rectangle where it is nearer than what is there.

        Args:
            texture: (h, w, 3) its picture, top row first, as a screen shows it; a fourth channel is coverage.
            origin: its lower left corner in metres.
            across: vector along its lower edge.
            up: vector along its left edge.
            light: factor on the linear colours.
            repeat: the rectangle is one tile of an endless plane.
        """
        corner, u, v = (np.array(vector, np.float32) for vector in (origin, across, up))
        normal = np.cross(u, v)
        towards = self.rays @ normal
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = np.float32((corner - self.camera.position) @ normal) / towards
        rows, columns = np.nonzero((depth > 0.1) & (depth < np.minimum(self.reach, 300)))
        reach = depth[rows, columns]
        at = self.rays[rows, columns] * reach[:, None] + (self.camera.position - corner).astype(np.float32)
        s, t = at @ (u / (u @ u)), at @ (v / (v @ v))
        if not repeat:
            inside = (s >= 0) & (s < 1) & (t >= 0) & (t < 1)
            rows, columns, reach, s, t = (value[inside] for value in (rows, columns, reach, s, t))
        if not len(rows):
            return
        slant = np.abs(self.rays[rows, columns] @ (normal / np.linalg.norm(normal)))
        metres_a_texel = np.linalg.norm(v) / texture.shape[0]
        texels = reach / self.camera.focal / slant.clip(0.02) / metres_a_texel
        colours = _sample(texture, s % 1, 1 - t % 1, texels)
        shade = np.concatenate((np.broadcast_to(light, 3), [1.0])).astype(np.float32)[: colours.shape[1]]
        colours = colours * shade
        if colours.shape[1] == 4:
            solid = colours[:, 3] > 0.5
            rows, columns, reach, colours = rows[solid], columns[solid], reach[solid], colours[solid, :3]
        self.picture[rows, columns] = colours
        self.reach[rows, columns] = reach

    def stain(self, random: Generator, strength: float) -> None:
        """Make the ground and what stands on it uneven: patches of a few metres, smaller far away."""
        patches = noise(random, 256, 256, 12, 4)
        with np.errstate(invalid="ignore"):
            places = self.rays[..., :2] * np.where(np.isfinite(self.reach), self.reach, 0)[..., None]
        at = (places * 8).astype(np.float32)
        shade = cv2.remap(
            patches, at[..., 0] % 256, at[..., 1] % 256, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
        self.picture *= (1 + strength * np.asarray(shade, np.float32)).clip(0.6, 1.3)[..., None]

    def haze(self, colour: NDArray, distance: float) -> None:
        """Let far things fade into the air's colour."""
        share = 1 - np.exp(-np.minimum(self.reach, 1e4) / distance)
        share[np.isinf(self.reach)] = 0
        self.picture += (np.asarray(colour, np.float32) - self.picture) * share[..., None].astype(np.float32)


def _sample(texture: NDArray[np.float32], s: NDArray, t: NDArray, texels: NDArray) -> NDArray[np.float32]:
    """(N, 3 or 4) linear colours at texture positions, from a version blurred to the pixel's footprint."""
    linear = texture.copy()
    linear[..., :3] **= 2
    level = np.clip(np.log2(np.maximum(texels, 1)), 0, 7).round().astype(int)
    colours = np.zeros((len(s), texture.shape[2]), np.float32)
    for step in range(level.max(initial=0) + 1):
        chosen = level == step
        if step:
            half = (max(1, linear.shape[1] // 2), max(1, linear.shape[0] // 2))
            linear = np.asarray(cv2.resize(linear, half, interpolation=cv2.INTER_AREA), np.float32)
        if chosen.any():
            height, width = linear.shape[:2]
            x = (s[chosen] * width - 0.5).astype(np.float32)
            y = (t[chosen] * height - 0.5).astype(np.float32)
            colours[chosen] = _bilinear(linear, x, y)
    return colours


def _bilinear(
    picture: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, C) a picture at points; cv2.remap wants points as a picture of limited width."""
    count, width = len(x), 1024
    padded = np.zeros((2, -(-count // width) * width), np.float32)
    padded[:, :count] = x, y
    maps = padded.reshape(2, -1, width)
    sampled = cv2.remap(picture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(sampled.reshape(-1, picture.shape[2])[:count], np.float32)
