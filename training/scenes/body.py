"""Flesh and clothes around a skeleton: every part of a person is a tube or an ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.scenes.mesh import Surface, ellipsoid, tube
from training.scenes.skeleton import Skeleton

# Textures of a person, in the order of their places in the atlas.
SKIN, FACE, HAIR, TOP, BOTTOM, SHOES, EXTRA = range(7)

# Half width and half depth in metres along the limb: 0 at its first joint, 1 at the second, 2 at the third.
_ARM = np.array(
    [
        (-0.16, 0.008, 0.008),
        (-0.13, 0.034, 0.034),
        (-0.06, 0.052, 0.052),
        (0.05, 0.058, 0.058),
        (0.25, 0.052, 0.054),
        (0.55, 0.044, 0.048),
        (0.85, 0.038, 0.040),
        (1.0, 0.038, 0.040),
        (1.15, 0.040, 0.041),
        (1.4, 0.037, 0.038),
        (1.75, 0.027, 0.030),
        (2.0, 0.022, 0.027),
        (2.04, 0.010, 0.012),
    ]
)
_LEG = np.array(
    [
        (-0.22, 0.02, 0.02),
        (-0.14, 0.06, 0.06),
        (0.0, 0.085, 0.095),
        (0.15, 0.088, 0.095),
        (0.5, 0.072, 0.078),
        (0.85, 0.055, 0.060),
        (1.0, 0.052, 0.058),
        (1.15, 0.050, 0.054),
        (1.35, 0.054, 0.058),
        (1.6, 0.045, 0.048),
        (1.9, 0.034, 0.038),
        (2.0, 0.034, 0.040),
        (2.08, 0.02, 0.02),
    ]
)
# Height above the pelvis, half width, half depth, centre's place forward.
_TORSO = np.array(
    [
        (-0.135, 0.020, 0.020, 0.0),
        (-0.115, 0.085, 0.075, -0.005),
        (-0.06, 0.148, 0.108, -0.012),
        (0.0, 0.168, 0.118, -0.012),
        (0.07, 0.158, 0.110, -0.004),
        (0.14, 0.142, 0.100, 0.004),
        (0.22, 0.147, 0.104, 0.004),
        (0.31, 0.163, 0.114, 0.004),
        (0.38, 0.174, 0.118, 0.004),
        (0.435, 0.178, 0.108, 0.0),
        (0.475, 0.166, 0.092, -0.006),
        (0.505, 0.128, 0.078, -0.008),
        (0.527, 0.090, 0.068, -0.006),
        (0.545, 0.064, 0.060, -0.002),
        (0.565, 0.054, 0.056, 0.0),
        (0.62, 0.051, 0.054, 0.004),
        (0.66, 0.048, 0.050, 0.010),
        (0.68, 0.020, 0.020, 0.010),
    ]
)
_FOOT = np.array(  # place forward of the ankle, half width, half height
    [
        (0.205, 0.008, 0.008),
        (0.195, 0.028, 0.018),
        (0.16, 0.041, 0.024),
        (0.10, 0.044, 0.032),
        (0.04, 0.038, 0.046),
        (-0.02, 0.036, 0.050),
        (-0.06, 0.032, 0.042),
        (-0.075, 0.018, 0.022),
        (-0.078, 0.004, 0.006),
    ]
)
_HAND = np.array(  # along the hand, half thickness, half width
    [
        (-0.05, 0.020, 0.024),
        (0.12, 0.020, 0.030),
        (0.4, 0.019, 0.040),
        (0.7, 0.016, 0.038),
        (0.93, 0.011, 0.026),
        (1.0, 0.003, 0.006),
    ]
)


@dataclass(frozen=True)
class Outfit:
    """How a person is dressed. Lengths along a limb as in the profiles: 1 is the elbow or knee.

    Attributes:
        sleeve: where the sleeves end; 0 = no sleeves.
        trouser: where the trousers end.
        skirt: where a skirt, dress or coat ends along the legs; 0 = none.
        looseness: metres between skin and top.
        trouser_looseness: metres between skin and trousers.
        hem: height above the pelvis in metres where the top ends.
        hair: ``none``, ``short``, ``long``, ``bun``, ``tail``, ``full``, ``cap`` or ``scarf``.
        backpack: carries one.
    """

    sleeve: float = 0.6
    trouser: float = 1.95
    skirt: float = 0.0
    looseness: float = 0.01
    trouser_looseness: float = 0.01
    hem: float = -0.02
    hair: str = "short"
    backpack: bool = False


def dress(skeleton: Skeleton, outfit: Outfit, first_slot: int) -> list[Surface]:
    """All surfaces of a person; `first_slot` is the place of the person's first texture in the atlas."""
    surfaces = [_torso(skeleton, outfit), *_head(skeleton, outfit)]
    for side in ("left", "right"):
        surfaces += [
            _arm(skeleton, outfit, side),
            _hand(skeleton, side),
            _leg(skeleton, outfit, side),
            _foot(skeleton, side),
        ]
    if outfit.skirt:
        surfaces.append(_skirt(skeleton, outfit))
    if outfit.backpack:
        surfaces.append(_backpack(skeleton))
    return [Surface(s.points, s.rows, s.slots + first_slot, s.across, s.flat) for s in surfaces]


def _chain(
    skeleton: Skeleton,
    joints: tuple[str, ...],
    parts: tuple[str, ...],
    knots: NDArray,
    at: NDArray,
    soft: float,
) -> tuple[NDArray, NDArray, NDArray]:
    """Centres, right and front vectors, each (R, 3), along joints; frames blend over ± `soft` at a joint."""
    places = np.array([skeleton.joints[name] for name in joints])
    frames = np.array([skeleton.frames[name] for name in parts])
    bone = (np.searchsorted(knots, at, "right") - 1).clip(0, len(knots) - 2)
    share = (at - knots[bone]) / (knots[bone + 1] - knots[bone])
    centres = places[bone] + (places[bone + 1] - places[bone]) * share[:, None]
    steps = (at[:, None] - knots[None, 1:-1] + soft) / (2 * soft)
    steps = steps.clip(0, 1)
    steps = steps * steps * (3 - 2 * steps)
    blended = frames[0] + np.einsum("rk,kij->rij", steps, np.diff(frames, axis=0))
    right, front = blended[:, :, 0], blended[:, :, 1]
    right = right / np.linalg.norm(right, axis=1, keepdims=True)
    front = front - right * (front * right).sum(axis=1, keepdims=True)
    return centres, right, front / np.linalg.norm(front, axis=1, keepdims=True)


def _rows(profile: NDArray, edges: list[float]) -> NDArray:
    """The profile with a pair of rows at each edge of a garment, from bottom to top."""
    extra = [value for edge in edges for value in (edge - 0.004, edge + 0.004)]
    low, high = profile[0, 0], profile[-1, 0]
    at = np.unique(np.concatenate((profile[:, 0], [e for e in extra if low < e < high])))
    return np.column_stack((at, *(np.interp(at, profile[:, 0], column) for column in profile.T[1:])))


def _arm(skeleton: Skeleton, outfit: Outfit, side: str) -> Surface:
    rows = _rows(_ARM, [outfit.sleeve])[::-1]  # from the wrist up
    at = rows[:, 0]
    joints = tuple(f"{side}_{name}" for name in ("shoulder", "elbow", "wrist"))
    centres, right, front = _chain(
        skeleton, joints, (f"{side}_upper_arm", f"{side}_forearm"), np.array([0.0, 1, 2]), at, 0.2
    )
    covered = at < outfit.sleeve
    radii = rows[:, 1:] * skeleton.build.unit * skeleton.build.flesh
    radii = radii + (covered * outfit.looseness * ((at + 0.12) / 0.4).clip(0, 1))[:, None]
    slots = np.where(covered[1:], TOP, SKIN)
    return Surface(tube(centres, right, front, radii, 10), 0.25 + at * 0.3, slots, (0.0, 0.4))


def _leg(skeleton: Skeleton, outfit: Outfit, side: str) -> Surface:
    rows = _rows(_LEG, [outfit.trouser])[::-1]
    at = rows[:, 0]
    joints = tuple(f"{side}_{name}" for name in ("hip", "knee", "ankle"))
    centres, right, front = _chain(
        skeleton, joints, (f"{side}_thigh", f"{side}_shin"), np.array([0.0, 1, 2]), at, 0.2
    )
    calf = np.exp(-(((at - 1.35) / 0.25) ** 2)) * 0.016 * skeleton.build.unit
    centres = centres - front * calf[:, None]
    covered = at < outfit.trouser
    radii = rows[:, 1:] * skeleton.build.unit * skeleton.build.flesh
    loose = outfit.trouser_looseness * (0.4 + np.clip(at, 0, 2) * 0.6)
    radii = radii + (covered * loose)[:, None]
    slots = np.where(covered[1:], BOTTOM, SKIN)
    return Surface(tube(centres, right, front, radii, 12), at.clip(-0.2, 2) * 0.35 + 0.2, slots, (0.0, 0.5))


def _torso(skeleton: Skeleton, outfit: Outfit) -> Surface:
    build = skeleton.build
    rows = _rows(_TORSO, [outfit.hem, 0.535])
    at = rows[:, 0]
    joints = ("pelvis", "waist", "chest", "neck", "head_bottom")
    knots = np.array([0.0, 0.12, 0.30, 0.535, 0.595])
    centres, right, front = _chain(skeleton, joints, ("pelvis", "belly", "chest", "neck"), knots, at, 0.07)
    width, depth = rows[:, 1].copy(), rows[:, 2].copy()
    waist = np.exp(-(((at - 0.13) / 0.09) ** 2))
    below = np.exp(-(((at + 0.01) / 0.1) ** 2))
    chest = np.exp(-(((at - 0.36) / 0.06) ** 2))
    trunk = np.clip((0.53 - at) / 0.05, 0, 1)
    width *= 1 + trunk * ((build.shoulders / 0.185 - 1) * (at > 0.2) + (build.hips / 0.09 - 1) * below)
    width *= 1 + (build.waist - 1) * waist + 0.5 * (build.flesh - 1) * trunk
    depth *= (
        1 + (build.belly - 1) * waist + 0.35 * (build.chest - 1) * chest + 0.5 * (build.flesh - 1) * trunk
    )
    forward = rows[:, 3] + 0.08 * (build.belly - 1) * waist + 0.03 * (build.chest - 1) * chest
    top = (at > outfit.hem) & (at < 0.535)
    loose = np.where(top, outfit.looseness, np.where(at <= outfit.hem, outfit.trouser_looseness * 0.5, 0))
    radii = np.stack((width, depth), axis=1) * build.unit + loose[:, None]
    centres = centres + front * (forward * build.unit)[:, None]
    slots = np.where(at[:-1] >= 0.53, SKIN, np.where(at[1:] > outfit.hem, TOP, BOTTOM))
    v = np.where(at > outfit.hem, 1 - (at + 0.13) / 0.67, 0.05 - at * 0.3)
    return Surface(tube(centres, right, front, radii, 18, 0.85), v.clip(0, 1), slots)


def _hand(skeleton: Skeleton, side: str) -> Surface:
    rows = _HAND[::-1]
    wrist, end = skeleton.joints[f"{side}_wrist"], skeleton.joints[f"{side}_hand"]
    frame = skeleton.frames[f"{side}_forearm"]
    ones = np.ones((len(rows), 1))
    points = tube(
        wrist + (end - wrist) * rows[:, :1],
        frame[:, 0] * ones,
        frame[:, 1] * ones,
        rows[:, 1:] * skeleton.build.unit,
        8,
    )
    return Surface(points, rows[:, 0].clip(0, 1) * 0.3, np.full(len(rows) - 1, SKIN), (0.0, 0.3))


def _foot(skeleton: Skeleton, side: str) -> Surface:
    s = skeleton.build.unit
    frame, ankle = skeleton.frames[f"{side}_foot"], skeleton.joints[f"{side}_ankle"]
    ones = np.ones((len(_FOOT), 1))
    middle = np.stack((0 * _FOOT[:, 0], _FOOT[:, 0], _FOOT[:, 2] - 0.082), axis=1) * s
    points = tube(
        ankle + middle @ frame.T, frame[:, 0] * ones, frame[:, 2] * ones, _FOOT[:, 1:] * s, 10, 0.85
    )
    return Surface(points, 0.5 + _FOOT[:, 0], np.full(len(_FOOT) - 1, SHOES))


def _skirt(skeleton: Skeleton, outfit: Outfit) -> Surface:
    s = skeleton.build.unit
    along = np.linspace(outfit.skirt, -0.25, 9)  # along the legs; the last rows are at the waist
    legs = []
    for side in ("left", "right"):
        joints = tuple(f"{side}_{name}" for name in ("hip", "knee", "ankle"))
        legs.append(
            _chain(
                skeleton, joints, (f"{side}_thigh", f"{side}_shin"), np.array([0.0, 1, 2]), along.clip(0), 0.2
            )[0]
        )
    pelvis = skeleton.frames["pelvis"]
    up = np.clip(-along, 0, None)[:, None] * 0.6 * s * pelvis[:, 2]
    centres = (legs[0] + legs[1]) / 2 + up
    apart = legs[1] - legs[0]
    sideways = np.abs(apart @ pelvis[:, 0]) / 2
    deep = np.linalg.norm(apart - np.outer(apart @ pelvis[:, 0], pelvis[:, 0]), axis=1) / 2
    flare = along.clip(0) * 0.02
    flesh = skeleton.build.flesh
    waist = np.interp(along, [-0.25, 0.0], [0.0, 1.0])
    width = (
        np.where(along > 0, sideways, skeleton.build.hips * s) + (0.06 + 0.035 * waist) * s * flesh + flare
    )
    depth = deep + (0.095 + 0.035 * waist) * s * flesh - 0.02 * along.clip(0) + flare
    ones = np.ones((len(along), 1))
    points = tube(
        centres, pelvis[:, 0] * ones, pelvis[:, 1] * ones, np.stack((width, depth), axis=1) + 0.008, 16
    )
    return Surface(points, 0.9 - along.clip(-0.3) * 0.25, np.full(len(along) - 1, BOTTOM))


def _backpack(skeleton: Skeleton) -> Surface:
    s = skeleton.build.unit
    frame = skeleton.frames["chest"]
    centre = skeleton.joints["chest"] + frame @ np.array((0, -0.19 * s, 0.03 * s))
    points = ellipsoid(centre, frame, (0.14 * s, 0.09 * s, 0.21 * s), 8, 12, 0.6)
    return Surface(points, np.linspace(0, 1, 8), np.full(7, EXTRA))


_LATITUDE = np.radians(np.linspace(-85, 90, 16))
_LONGITUDE = np.linspace(-np.pi, np.pi, 25)


def _skull() -> NDArray[np.float64]:
    """(R, C + 1, 3) right, forward, up: the average head around its centre in metres."""
    phi, theta = _LATITUDE[:, None], _LONGITUDE[None, ::-1]  # anti-clockwise from above, seam at the back
    down = np.clip(-np.sin(phi), 0, 1)
    x = 0.076 * np.cos(phi) * np.sin(theta) * (1 - 0.22 * down**1.5)
    y = 0.094 * np.cos(phi) * np.cos(theta)
    y = np.where(y < 0, y * (1 + 0.06 * np.cos(phi) - 0.4 * down), y)
    z = 0.118 * np.sin(phi) * np.ones_like(theta)
    front = np.cos(theta).clip(0) ** 0.5
    nose = np.exp(-((theta / 0.2) ** 2) - ((z + 0.02) / 0.024) ** 2) * 0.022
    chin = np.exp(-((theta / 0.5) ** 2) - ((z + 0.095) / 0.02) ** 2) * 0.016
    brow = np.exp(-((theta / 0.6) ** 2) - ((z - 0.036) / 0.012) ** 2) * 0.004
    sockets = np.exp(-(((np.abs(x) - 0.032) / 0.016) ** 2) - ((z - 0.016) / 0.012) ** 2) * 0.004
    y = y + (nose + chin + brow - sockets) * front
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


_SKULL = _skull()
_SKULL_NORMALS = _SKULL / np.array([0.076, 0.094, 0.118]) ** 2
_SKULL_NORMALS /= np.linalg.norm(_SKULL_NORMALS, axis=-1, keepdims=True)
# Lowest height of the hair, and its thickness, by style; front, beside the eyes, above the ears, back.
_HAIR = {
    "short": ((0.066, 0.03, 0.012, -0.075), 0.012),
    "long": ((0.062, 0.0, -0.06, -0.12), 0.017),
    "bun": ((0.062, 0.03, 0.012, -0.07), 0.008),
    "tail": ((0.062, 0.03, 0.012, -0.07), 0.008),
    "full": ((0.06, 0.02, 0.0, -0.08), 0.045),
    "cap": ((0.045, 0.04, 0.03, 0.0), 0.014),
    "scarf": ((0.055, -0.02, -0.15, -0.15), 0.013),
}


def _head(skeleton: Skeleton, outfit: Outfit) -> list[Surface]:
    s = skeleton.build.unit * skeleton.build.head
    frame, centre = skeleton.frames["head"], skeleton.joints["head"]

    def placed(points: NDArray, slot: int) -> Surface:
        rows = np.linspace(1, 0, len(points))
        return Surface(centre + points * s @ frame.T, rows, np.full(len(points) - 1, slot))

    def blob(place: tuple[float, float, float], radii: tuple[float, float, float], slot: int) -> Surface:
        return placed(ellipsoid(np.array(place), np.eye(3), radii, 7, 10), slot)

    surfaces = [placed(_SKULL, FACE)]
    if outfit.hair not in ("scarf", "long"):
        surfaces += [
            blob((sign * 0.077, -0.008, -0.002), (0.010, 0.022, 0.032), SKIN) for sign in (-1.0, 1.0)
        ]
    if outfit.hair == "none":
        return surfaces
    line, thickness = _HAIR[outfit.hair]
    at = np.abs(_LONGITUDE[::-1])
    lowest = np.interp(at, np.radians((35, 60, 85, 130)), line)
    cover = ((_SKULL[..., 2] - lowest) / 0.016).clip(-1, 1) * thickness
    if outfit.hair == "full":
        cover = np.where(cover > 0, cover, -0.01)
    surfaces.append(placed(_SKULL + _SKULL_NORMALS * cover[..., None], HAIR))
    if outfit.hair == "long":
        surfaces.append(blob((0, -0.062, -0.10), (0.086, 0.048, 0.15), HAIR))
    if outfit.hair == "bun":
        surfaces.append(blob((0, -0.10, 0.05), (0.04, 0.04, 0.04), HAIR))
    if outfit.hair == "tail":
        surfaces.append(blob((0, -0.125, -0.05), (0.03, 0.03, 0.11), HAIR))
    if outfit.hair == "scarf":
        surfaces.append(blob((0, -0.02, -0.12), (0.085, 0.085, 0.05), HAIR))
    if outfit.hair == "cap":
        surfaces.append(blob((0, 0.115, 0.05), (0.066, 0.07, 0.009), HAIR))
    return surfaces
