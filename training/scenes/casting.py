"""Random scenes: who is where, does what, and how the camera sees it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.scenes.camera import Camera, CameraMotion
from training.scenes.light import indoor_light, outdoor_light
from training.scenes.look import random_look
from training.scenes.mesh import Surface
from training.scenes.motion import STILL_MOTIONS, Motion, Movement, Path, any_pose, habits, run, walk
from training.scenes.people import any_person
from training.scenes.scene import Scene
from training.scenes.scenery import paint_backdrop
from training.scenes.texture import SIZE
from training.scenes.things import THINGS, Thing, seat

_KINDS = ("street", "park", "room")


def still_scene(seed: int, size: tuple[int, int]) -> Scene:
    """A scene for one picture at time 0: 1 to 8 people of all sizes in all poses.

    Args:
        seed: the same seed gives the same scene.
        size: width and height in pixels.
    """
    random = np.random.default_rng((seed, 77))
    kind = str(random.choice(_KINDS, p=(0.45, 0.3, 0.25)))
    camera = _any_camera(random, size)
    count = int(random.choice(np.arange(1, 9), p=(0.25, 0.22, 0.16, 0.12, 0.09, 0.07, 0.05, 0.04)))
    places = _places(random, camera, count, 6.0 if kind == "room" else np.inf)
    camera = _aimed(random, camera, places)
    movements = [_frozen(random, place) for place in places]
    return compose(random, seed, kind, CameraMotion(camera), movements)


def moving_scene(seed: int, size: tuple[int, int], duration: float) -> Scene:
    """A scene that goes on for a while: people come, go, cross, stop and do things; the camera may move.

    Args:
        seed: the same seed gives the same scene.
        size: width and height in pixels.
        duration: seconds in which things happen.
    """
    random = np.random.default_rng((seed, 78))
    kind = str(random.choice(_KINDS, p=(0.45, 0.35, 0.2)))
    camera = _any_camera(random, size)
    depth = 1.75 * camera.focal / camera.height / random.uniform(0.3, 0.75)
    depth = max(min(depth, 5.0) if kind == "room" else depth, camera.position[2] * 1.5)
    camera = _aimed(random, camera, [camera.ground_point(camera.width / 2, depth)])
    moves = random.random() < 0.7
    motion = CameraMotion(
        camera,
        pan=random.uniform(0, 8) if moves else 0.0,
        zoom=random.uniform(0, 0.12) if moves else 0.0,
        period=random.uniform(6, 20),
        shake=random.uniform(0, 0.25) if moves else 0.0,
        start=random.random(),
    )
    count = int(random.integers(2, 8))
    movements = [
        _acting(random, motion, depth * np.exp(random.normal(0, 0.22)), duration) for _ in range(count)
    ]
    return compose(random, seed, kind, motion, movements)


def _acting(random: Generator, motion: CameraMotion, depth: float, duration: float) -> Movement:
    """Somebody who passes by, stays, or comes, stays a while and goes on."""
    camera = motion.base
    beyond = camera.width * (0.12 + 0.5 * (motion.margin()[0] - 1)) + 0.5 * camera.focal / depth
    ends = (-beyond, camera.width + beyond) if random.random() < 0.5 else (camera.width + beyond, -beyond)
    middle = random.uniform(0.12, 0.88) * camera.width
    slant = np.exp(random.normal(0, 0.15, 2))
    start, stop, end = (
        camera.ground_point(x, depth * s)
        for x, s in ((ends[0], slant[0]), (middle, 1.0), (ends[1], slant[1]))
    )
    runs = random.random() < 0.25
    speed = random.uniform(2.6, 4.5) if runs else random.uniform(0.9, 1.7)
    gait: Motion = partial(run if runs else walk, vigour=random.uniform(0.8, 1.15))
    stride = speed * 0.72 if runs else 0.6 + 0.55 * speed
    pause = STILL_MOTIONS[str(random.choice(list(STILL_MOTIONS)))]
    kind = random.random()
    if kind < 0.3:
        path = Path(np.zeros(1), stop[None])
    else:
        way = [start, stop, stop, end] if kind > 0.7 else [start, end] if kind < 0.55 else [start, stop, end]
        path = _walked(np.array(way), speed, random.uniform(1, 4))
        half_way = random.uniform(0.25, 0.75) * path.times[-1]
        path = replace(path, times=path.times + random.uniform(0, duration) - half_way)
    return Movement(
        path, gait, stride, pause, pace=random.uniform(0.25, 0.7), facing=random.uniform(90, 270),
        phase=random.uniform(0, 2 * np.pi), habits=habits(random, 0.8),
    )  # fmt: skip


def _walked(places: NDArray, speed: float, rest: float) -> Path:
    """A path from time 0 at an even speed that rests for so many seconds where the same place comes twice."""
    lengths = np.linalg.norm(np.diff(places, axis=0), axis=1)
    spans = np.where(lengths > 0, lengths / speed, rest)
    return Path(np.concatenate(([0.0], np.cumsum(spans))), places)


def _any_camera(random: Generator, size: tuple[int, int]) -> Camera:
    high = random.random() < 0.25
    position = np.array([0.0, 0.0, random.uniform(2.5, 5.0) if high else random.uniform(0.7, 2.0)])
    return Camera(
        position=position, pan=0.0, tilt=0.0, roll=random.normal(0, 2.0),
        focal=size[0] * random.uniform(0.75, 2.0), width=size[0], height=size[1],
    )  # fmt: skip


def _aimed(random: Generator, camera: Camera, places: list[NDArray]) -> Camera:
    """The camera tilted to see most people's middle somewhere around the picture's."""
    far = float(np.median([np.linalg.norm(place - camera.position[:2]) for place in places]))
    tilt = np.degrees(np.arctan2(0.9 - camera.position[2], far))
    view = np.degrees(np.arctan(camera.height / camera.focal))
    return replace(camera, tilt=float(tilt + random.normal(0, 0.12) * view))


def _places(random: Generator, camera: Camera, count: int, limit: float) -> list[NDArray]:
    """Places on the ground that the camera sees, at least 0.45 m from each other; mostly in one group.

    People fill between 8 and 110 % of the picture's height, but nobody is farther away than `limit` metres.
    """
    nearest, farthest = (1.75 * camera.focal / (share * camera.height) for share in (1.1, 0.08))
    farthest = max(min(farthest, limit), nearest * 1.1)
    middle = np.exp(random.uniform(np.log(nearest), np.log(min(nearest * 4.5, farthest))))
    middle = max(middle, camera.position[2] * 1.4)
    centre = random.uniform(0.25, 0.75) * camera.width
    grouped = random.random() < 0.55
    places: list[NDArray] = []
    for _ in range(40 * count):
        if grouped:
            depth = middle * np.exp(random.normal(0, 0.16))
            x = centre + random.normal(0, 0.16) * camera.width
        else:
            depth = middle * np.exp(random.uniform(-0.1, np.log(max(1.0, min(farthest / middle, 4)))))
            x = random.uniform(0.03, 0.97) * camera.width
        place = camera.ground_point(x, depth)
        if all(np.linalg.norm(place - other) > 0.45 for other in places):
            places.append(place)
        if len(places) == count:
            break
    return places


def _frozen(random: Generator, place: NDArray) -> Movement:
    """Somebody in the middle of a movement."""
    kind = random.random()
    phase = random.uniform(0, 2 * np.pi)
    motion: Motion
    if kind < 0.35:
        motion = partial(walk, vigour=random.uniform(0.6, 1.2))
    elif kind < 0.5:
        motion = partial(run, vigour=random.uniform(0.7, 1.2))
    elif kind < 0.78:
        motion = STILL_MOTIONS[str(random.choice(list(STILL_MOTIONS)))]
    else:
        fixed = any_pose(random)
        return _at_rest(place, lambda _: fixed, 0.0, random.uniform(0, 360), habits(random, 0.3))
    return _at_rest(place, motion, phase, random.uniform(0, 360), habits(random))


def _at_rest(place: NDArray, motion: Motion, phase: float, facing: float, own: NDArray) -> Movement:
    path = Path(np.zeros(1), place[None])
    return Movement(path, walk, 1.4, motion, facing=facing, phase=phase, habits=own)


def compose(
    random: Generator,
    seed: int,
    kind: str,
    motion: CameraMotion,
    movements: list[Movement],
    things: list[Thing] | None = None,
) -> Scene:
    """A scene with people of random looks who move as given.

    Args:
        random: source of all choices.
        seed: of the pictures' noise.
        kind: a key of `scenery.PLACES`.
        motion: the camera.
        movements: one for each person.
        things: that stand about; None for some at random.
    """
    light = indoor_light(random) if kind == "room" else outdoor_light(random)
    backdrop = paint_backdrop(random, kind, motion.base, light, motion.margin())
    if things is None:
        things = [*_seats(random, movements), *_foreground(random, kind, motion.base, movements)]
    surfaces, textures = _gathered(things)
    return Scene(
        people=tuple(any_person(random, movement) for movement in movements),
        things=tuple(surfaces), thing_textures=textures, backdrop=backdrop, light=light,
        camera=motion, look=random_look(random, motion.base.height), seed=seed,
    )  # fmt: skip


def _seats(random: Generator, movements: list[Movement]) -> list[Thing]:
    sitting = [m for m in movements if m.pause is STILL_MOTIONS["sit"]]
    return [seat(random, m.path.places[-1]) for m in sitting]


def _foreground(random: Generator, kind: str, camera: Camera, movements: list[Movement]) -> list[Thing]:
    """Things before some of the people, and a few anywhere."""
    things: list[Thing] = []
    for movement in movements:
        if random.random() > 0.22:
            continue
        place = movement.path.places[len(movement.path.places) // 2]
        ahead = place - camera.position[:2]
        far = float(np.linalg.norm(ahead))
        nearer = far - random.uniform(0.7, 2.0)
        if nearer > 1.6:
            where = camera.position[:2] + ahead / far * nearer + random.normal(0, 0.35, 2)
            things.append(THINGS[kind][int(random.integers(len(THINGS[kind])))](random, where))
    return things


def _gathered(things: list[Thing]) -> tuple[list[Surface], NDArray[np.float32]]:
    """All surfaces, with their slots counted through, and all textures."""
    surfaces: list[Surface] = []
    textures: list[NDArray[np.float32]] = []
    count = 0
    for parts, own in things:
        surfaces += [replace(part, slots=part.slots + count) for part in parts]
        textures.append(own)
        count += len(own)
    return surfaces, np.concatenate(textures) if textures else np.zeros((0, SIZE, SIZE, 3), np.float32)
