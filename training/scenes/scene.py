"""A scene: people, things, surroundings and a camera over time; its pictures, and what is true in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes.camera import Camera
from training.scenes.light import Light
from training.scenes.mesh import Mesh, Surface, assemble
from training.scenes.panorama import Backdrop
from training.scenes.people import Person
from training.scenes.render import background, draw, ground_shadows
from training.scenes.skeleton import Skeleton

# All joints that are known, in the order of `Figure.joints`; data sets pick theirs by name.
JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_bottom", "head_top",
    *(f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hip", "knee",
    "ankle") for side in ("left", "right")),
)  # fmt: skip
# How much flesh in metres may lie between a visible joint and the surface in front of it.
_FLESH = {
    "shoulder": 0.13,
    "hip": 0.17,
    "knee": 0.10,
    "elbow": 0.08,
    "wrist": 0.07,
    "ankle": 0.09,
    "bottom": 0.12,
}
FLESH = np.array([_FLESH.get(name.rpartition("_")[2], 0.03) for name in JOINTS])


@dataclass(frozen=True)
class Figure:
    """What is true of one person in one picture.

    Attributes:
        person: number of the person in the scene, its track id.
        joints: (J, 2) pixels, x then y, in the order of `JOINTS`, inside the picture or not.
        inside: (J,) the joint lies in the picture.
        visible: (J,) and neither another body nor a thing nor the person's own body hides it.
        covered: (J,) something else than the person's own body hides it.
        box: (4,) left, top, right, bottom of the pixels that show the person.
        area: number of these pixels.
        head_box: (4,) left, top, right, bottom of head and neck, whether hidden or not.
        seen: share of the person's outline in the picture that shows, 0 to 1.
    """

    person: int
    joints: NDArray[np.float64]
    inside: NDArray[np.bool_]
    visible: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    box: NDArray[np.float64]
    area: int
    head_box: NDArray[np.float64]
    seen: float


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
        shutter: share of a frame's time that the shutter is open: motion blur.
    """

    exposure: float = 1.0
    gamma: float = 0.5
    tint: NDArray[np.float64] = field(default_factory=lambda: np.ones(3))
    blur: float = 0.5
    noise: float = 0.01
    vignette: float = 0.0
    shutter: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Everything that is needed to see a scene at any time.

    Attributes:
        people: who appears; their position here is their track id.
        things: surfaces that do not move, with slots from 0.
        thing_textures: (S, SIZE, SIZE, 3) their textures.
        backdrop: painted surroundings.
        light: that falls on everything.
        camera: the view at a time in seconds.
        look: lens, sensor and exposure.
        seed: of the noise.
        fineness: each pixel's side is made of this many.
    """

    people: tuple[Person, ...]
    things: tuple[Surface, ...]
    thing_textures: NDArray[np.float32]
    backdrop: Backdrop
    light: Light
    camera: Callable[[float], Camera]
    look: Look = field(default_factory=Look)
    seed: int = 0
    fineness: int = 2

    @cached_property
    def _atlas(self) -> NDArray[np.float32]:
        parts = [*(person.textures for person in self.people), self.thing_textures]
        return np.concatenate([part for part in parts if len(part)]) ** 2

    @cached_property
    def _standing(self) -> tuple[list[Surface], list[Mesh]]:
        first = sum(len(person.textures) for person in self.people)
        placed = [replace(surface, slots=surface.slots + first) for surface in self.things]
        return placed, [assemble(placed, -1)] if placed else []

    def at(self, time: float, frame: int = 0) -> tuple[NDArray[np.uint8], list[Figure]]:
        """The picture (H, W, 3) BGR at a time in seconds, and every person that shows in it.

        Args:
            time: seconds.
            frame: number of the picture, which seeds its noise.
        """
        camera = self.camera(time)
        fine = replace(
            camera, width=camera.width * self.fineness, height=camera.height * self.fineness,
            focal=camera.focal * self.fineness,
        )  # fmt: skip
        skeletons: dict[int, Skeleton] = {}
        standing, meshes = self._standing
        surfaces, meshes = list(standing), list(meshes)
        slot = 0
        for i, person in enumerate(self.people):
            skeleton, body = person.appear(time, slot)
            slot += len(person.textures)
            if _in_view(skeleton, camera):
                skeletons[i] = skeleton
                surfaces += body
                meshes.append(assemble(body, i))
        shadows = ground_shadows(surfaces, fine, self.light) if surfaces else None
        picture = background(self.backdrop, fine, self.light, shadows)
        if not meshes:
            return self._developed(picture, frame), []
        drawn = draw(meshes, self._atlas, fine, self.light, picture)
        size = (camera.width, camera.height)
        small = np.asarray(cv2.resize(drawn.picture, size, interpolation=cv2.INTER_AREA), np.float32)
        middle = self.fineness // 2
        owner = drawn.owner[middle :: self.fineness, middle :: self.fineness]
        depth = drawn.depth[middle :: self.fineness, middle :: self.fineness]
        figures = [_figure(i, skeleton, camera, owner, depth) for i, skeleton in skeletons.items()]
        return self._developed(small, frame), [figure for figure in figures if figure.area]

    def _developed(self, picture: NDArray, frame: int) -> NDArray[np.uint8]:
        """Light (any size, linear) to the camera's picture."""
        look = self.look
        camera = self.camera(0.0)
        if picture.shape[:2] != (camera.height, camera.width):
            picture = cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
        if look.blur > 0.2:
            picture = cv2.GaussianBlur(picture, (0, 0), look.blur)
        if look.vignette:
            y, x = (np.linspace(-1, 1, n) ** 2 for n in picture.shape[:2])
            picture = picture * (1 - look.vignette * (y[:, None] + x[None]) / 2)[..., None]
        toned = (picture * (look.exposure * look.tint)).clip(0, 1) ** look.gamma
        random = np.random.default_rng((self.seed, frame))
        toned = toned + random.normal(0, 1, toned.shape).astype(np.float32) * np.float32(look.noise)
        return np.asarray((toned * 255).clip(0, 255), np.uint8)


def _in_view(skeleton: Skeleton, camera: Camera) -> bool:
    """Whether any part of a person may show; nobody is drawn who stands at the lens."""
    seen = camera.project(np.array(list(skeleton.joints.values())))
    if seen[:, 2].min() < 0.6:
        return False
    slack = 0.3 * camera.focal / seen[:, 2].min()
    low, high = seen[:, :2].min(axis=0) - slack, seen[:, :2].max(axis=0) + slack
    return bool((high > 0).all() and low[0] < camera.width and low[1] < camera.height)


def _figure(person: int, skeleton: Skeleton, camera: Camera, owner: NDArray, depth: NDArray) -> Figure:
    seen = camera.project(np.array([skeleton.joints[name] for name in JOINTS]))
    pixel = np.rint(seen[:, :2]).astype(int)
    inside = np.asarray(((pixel >= 0) & (pixel < (camera.width, camera.height))).all(axis=1), bool)
    x, y = pixel.clip(0, (camera.width - 1, camera.height - 1)).T
    near = depth[y, x] < seen[:, 2] - FLESH * skeleton.build.unit
    own = owner[y, x] == person
    mask = owner == person
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    shown = len(rows) > 0
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if shown else (0, 0, 0, 0)
    covered = inside & ~own & (depth[y, x] < seen[:, 2])
    return Figure(
        person=person,
        joints=seen[:, :2],
        inside=inside,
        visible=inside & own & ~near,
        covered=covered,
        box=np.array(box, np.float64),
        area=int(mask.sum()),
        head_box=_head_box(skeleton, camera),
        seen=float(1 - covered.sum() / max(1, inside.sum())),
    )


def _head_box(skeleton: Skeleton, camera: Camera) -> NDArray[np.float64]:
    """(4,) around a ball at the head's centre, as wide as the head, and the neck's upper end."""
    s = skeleton.build.unit * skeleton.build.head
    frame, centre = skeleton.frames["head"], skeleton.joints["head"]
    offsets = np.array(
        [(-0.076, 0, 0), (0.076, 0, 0), (0, 0.1, 0), (0, -0.094, 0), (0, 0, 0.12), (0, 0, -0.115)]
    )
    points = np.vstack((centre + offsets * s @ frame.T, skeleton.joints["head_bottom"]))
    seen = camera.project(points)[:, :2]
    return np.concatenate((seen.min(axis=0), seen.max(axis=0)))


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
