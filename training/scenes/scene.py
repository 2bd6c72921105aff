"""A scene: people, things, surroundings and a camera over time; its pictures, and what is true in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.camera import Camera
from training.scenes.figure import Figure, observe
from training.scenes.light import Light
from training.scenes.look import Look, smear
from training.scenes.mesh import Surface, assemble, join
from training.scenes.panorama import Backdrop
from training.scenes.people import Person
from training.scenes.render import Drawn, background, draw, ground_shadows, motion_of
from training.scenes.skeleton import Skeleton


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
    def _standing(self) -> list[Surface]:
        """The things, wearing their part of the atlas."""
        first = sum(len(person.textures) for person in self.people)
        return [replace(surface, slots=surface.slots + first) for surface in self.things]

    def at(self, time: float, frame: int = 0) -> tuple[NDArray[np.uint8], list[Figure]]:
        """The picture (H, W, 3) BGR at a time in seconds, and every person that shows in it.

        Args:
            time: seconds.
            frame: number of the picture, which seeds its noise.
        """
        camera = self.camera(time)
        cast = self._cast(time, camera)
        fine = self._fine(camera)
        surfaces = [*self._standing, *(surface for body in cast.bodies.values() for surface in body)]
        shadows = ground_shadows(surfaces, fine, self.light)
        picture = background(self.backdrop, fine, self.light, shadows)
        meshes = [assemble(self._standing, -1), *(assemble(body, i) for i, body in cast.bodies.items())]
        drawn = draw(join(meshes), self._atlas, fine, self.light, picture)
        size = (camera.width, camera.height)
        light = np.asarray(cv2.resize(drawn.picture, size, interpolation=cv2.INTER_AREA), np.float32)
        if self.look.shutter:
            light = smear(light, self._motion(drawn, cast, time))
        middle = slice(self.fineness // 2, None, self.fineness)
        owner, depth = drawn.owner[middle, middle], drawn.depth[middle, middle]
        figures = [observe(i, skeleton, camera, owner, depth) for i, skeleton in cast.skeletons.items()]
        developed = self.look.develop(light, np.random.default_rng((self.seed, frame)))
        return developed, [figure for figure in figures if figure.area]

    def _fine(self, camera: Camera) -> Camera:
        n = self.fineness
        return replace(camera, width=camera.width * n, height=camera.height * n, focal=camera.focal * n)

    def _cast(self, time: float, camera: Camera) -> _Cast:
        """Everybody who may show at a time."""
        skeletons, bodies = {}, {}
        slot = 0
        for i, person in enumerate(self.people):
            skeleton, body = person.appear(time, slot)
            slot += len(person.textures)
            if _in_view(skeleton, camera):
                skeletons[i], bodies[i] = skeleton, body
        return _Cast(skeletons, bodies)

    def _motion(self, drawn: Drawn, cast: _Cast, time: float) -> NDArray[np.float32]:
        """(H, W, 2) pixels that what each pixel shows moves while the shutter is open."""
        earlier = time - self.look.shutter
        bodies = [self.people[i].appear(earlier, 0)[1] for i in cast.bodies]
        places = [assemble(self._standing, -1).points, *(assemble(body, 0).points for body in bodies)]
        cameras = self._fine(self.camera(time)), self._fine(self.camera(earlier))
        motion = motion_of(drawn, cameras, np.concatenate(places)) / np.float32(self.fineness)
        size = (self.camera(time).width, self.camera(time).height)
        return np.asarray(cv2.resize(motion, size, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True)
class _Cast:
    """Who may show, by number."""

    skeletons: dict[int, Skeleton]
    bodies: dict[int, list[Surface]]


def _in_view(skeleton: Skeleton, camera: Camera) -> bool:
    """Whether any part of a person may show; nobody is drawn who stands at the lens."""
    seen = camera.project(np.array(list(skeleton.joints.values())))
    if seen[:, 2].min() < 0.6:
        return False
    slack = 0.3 * camera.focal / seen[:, 2].min()
    low, high = seen[:, :2].min(axis=0) - slack, seen[:, :2].max(axis=0) + slack
    return bool((high > 0).all() and low[0] < camera.width and low[1] < camera.height)
