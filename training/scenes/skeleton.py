"""A skeleton: proportions and joint angles in, joint positions out (forward kinematics)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Joint angles in degrees; bending forward (flexion) and away from the body (abduction) are positive.
SIDE_ANGLES = (
    "shoulder_flexion",
    "shoulder_abduction",
    "shoulder_twist",
    "elbow",
    "hip_flexion",
    "hip_abduction",
    "hip_twist",
    "knee",
    "ankle",
)
ANGLES = (
    "lean",  # whole body forward
    "sway",  # whole body to the left
    "turn",  # whole body to the left, about the vertical
    "bend",  # spine forward
    "side_bend",
    "twist",
    "nod",
    "look",
    "tilt",
    *(f"left_{name}" for name in SIDE_ANGLES),
    *(f"right_{name}" for name in SIDE_ANGLES),
    "lift",  # metres between the lowest point of the body and the ground
)
_INDEX = {name: i for i, name in enumerate(ANGLES)}
Pose = NDArray[np.float64]  # (len(ANGLES),)


def pose(**angles: float) -> Pose:
    """A pose from its angles that are not zero; ``hip_flexion=30`` without a side is meant for both."""
    values = np.zeros(len(ANGLES))
    for name, value in angles.items():
        for full in (name,) if name in _INDEX else (f"left_{name}", f"right_{name}"):
            values[_INDEX[full]] = value
    return values


def rotation(axis: str, degrees: float) -> NDArray[np.float64]:
    """(3, 3) rotation about the x (right), y (forward) or z (up) axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Build:
    """Proportions of a person in metres, and how much flesh is on the bones (factors, 1 = average)."""

    height: float = 1.75
    shoulders: float = 0.185  # half width between the joints, of a person 1.75 m tall
    hips: float = 0.09
    arm: float = 1.0
    leg: float = 1.0
    head: float = 1.0
    flesh: float = 1.0
    belly: float = 1.0
    waist: float = 1.0
    chest: float = 1.0

    @property
    def unit(self) -> float:
        """Metres that one metre of the average person is for this one."""
        return self.height / 1.75


@dataclass(frozen=True)
class Skeleton:
    """A posed skeleton in the world.

    Attributes:
        joints: (3,) metres of each joint by name.
        frames: (3, 3) columns right, forward, up of each rigid part by name.
        build: the proportions it was made with.
    """

    joints: dict[str, NDArray[np.float64]]
    frames: dict[str, NDArray[np.float64]]
    build: Build


def articulate(build: Build, angles: Pose, place: NDArray, heading: float) -> Skeleton:
    """Pose a skeleton and stand it on the ground.

    Args:
        build: proportions.
        angles: (len(ANGLES),) joint angles.
        place: (2,) x and y of the pelvis on the ground in metres.
        heading: direction that the person faces, in degrees anti-clockwise from the world's +y.
    """
    a = dict(zip(ANGLES, angles.tolist(), strict=True))
    s = build.unit
    frames: dict[str, NDArray] = {}
    joints: dict[str, NDArray] = {"pelvis": np.zeros(3)}
    frames["pelvis"] = (
        rotation("z", heading + a["turn"]) @ rotation("x", -a["lean"]) @ rotation("y", -a["sway"])
    )
    frames["belly"] = frames["pelvis"] @ _bent(a["bend"] / 2, a["side_bend"] / 2, a["twist"] / 2)
    frames["chest"] = frames["belly"] @ _bent(a["bend"] / 2, a["side_bend"] / 2, a["twist"] / 2)
    joints["waist"] = joints["pelvis"] + frames["pelvis"] @ (0, 0, 0.12 * s)
    joints["chest"] = joints["waist"] + frames["belly"] @ (0, 0, 0.18 * s)
    joints["neck"] = joints["chest"] + frames["chest"] @ (0, -0.01 * s, 0.235 * s)
    frames["neck"] = frames["chest"] @ rotation("x", -a["nod"] / 2 - 8) @ rotation("z", a["look"] / 3)
    joints["head_bottom"] = joints["neck"] + frames["neck"] @ (0, 0, 0.06 * s)
    frames["head"] = (
        frames["chest"] @ rotation("z", a["look"]) @ rotation("x", -a["nod"]) @ rotation("y", -a["tilt"])
    )
    h = s * build.head
    joints["head"] = joints["head_bottom"] + frames["head"] @ (0, 0.018 * h, 0.085 * h)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        _add_arm(build, a, side, sign, joints, frames)
        _add_leg(build, a, side, sign, joints, frames)
    _add_face(build, joints, frames)
    lowest = min(_clearance(name, point, s) for name, point in joints.items())
    offset = np.array([place[0], place[1], a["lift"] - lowest])
    return Skeleton({name: point + offset for name, point in joints.items()}, frames, build)


def _bent(forward: float, side: float, twist: float) -> NDArray[np.float64]:
    return np.asarray(rotation("z", twist) @ rotation("x", -forward) @ rotation("y", -side))


def _limb(abduction: float, flexion: float, twist: float, sign: float) -> NDArray[np.float64]:
    outwards = rotation("y", -sign * abduction)
    return np.asarray(outwards @ rotation("x", flexion) @ rotation("z", sign * twist))


def _add_arm(build: Build, a: dict, side: str, sign: float, joints: dict, frames: dict) -> None:
    s = build.unit
    shrug = (
        max(0.0, a[f"{side}_shoulder_abduction"] - 60) / 120
        + max(0.0, a[f"{side}_shoulder_flexion"] - 60) / 200
    )
    shoulder = (sign * (build.shoulders - 0.03 * shrug) * s, 0, (0.175 + 0.07 * shrug) * s)
    joints[f"{side}_shoulder"] = joints["chest"] + frames["chest"] @ shoulder
    upper = frames["chest"] @ _limb(
        a[f"{side}_shoulder_abduction"], a[f"{side}_shoulder_flexion"], a[f"{side}_shoulder_twist"], sign
    )
    lower = upper @ rotation("x", a[f"{side}_elbow"])
    frames[f"{side}_upper_arm"], frames[f"{side}_forearm"] = upper, lower
    joints[f"{side}_elbow"] = joints[f"{side}_shoulder"] - upper[:, 2] * 0.295 * s * build.arm
    joints[f"{side}_wrist"] = joints[f"{side}_elbow"] - lower[:, 2] * 0.255 * s * build.arm
    joints[f"{side}_hand"] = joints[f"{side}_wrist"] - lower[:, 2] * 0.17 * s * build.arm


def _add_leg(build: Build, a: dict, side: str, sign: float, joints: dict, frames: dict) -> None:
    s = build.unit
    joints[f"{side}_hip"] = joints["pelvis"] + frames["pelvis"] @ (sign * build.hips * s, 0, -0.02 * s)
    upper = frames["pelvis"] @ _limb(
        a[f"{side}_hip_abduction"], a[f"{side}_hip_flexion"], a[f"{side}_hip_twist"], sign
    )
    lower = upper @ rotation("x", -a[f"{side}_knee"])
    foot = lower @ rotation("z", -sign * 8) @ rotation("x", a[f"{side}_ankle"])
    frames[f"{side}_thigh"], frames[f"{side}_shin"], frames[f"{side}_foot"] = upper, lower, foot
    joints[f"{side}_knee"] = joints[f"{side}_hip"] - upper[:, 2] * 0.43 * s * build.leg
    joints[f"{side}_ankle"] = joints[f"{side}_knee"] - lower[:, 2] * 0.41 * s * build.leg
    joints[f"{side}_heel"] = joints[f"{side}_ankle"] + foot @ (0, -0.06 * s, -0.075 * s)
    joints[f"{side}_toe"] = joints[f"{side}_ankle"] + foot @ (0, 0.185 * s, -0.08 * s)


def _add_face(build: Build, joints: dict, frames: dict) -> None:
    """Eyes, nose, ears and the top of the head, where `body.head` has them."""
    h = build.unit * build.head
    for name, place in FACE.items():
        joints[name] = joints["head"] + frames["head"] @ (np.array(place) * h)


# Right, forward, up of the head's centre in metres; a little under the skin, so that profiles show them too.
FACE = {
    "nose": (0.0, 0.098, -0.022),
    "left_eye": (-0.030, 0.078, 0.016),
    "right_eye": (0.030, 0.078, 0.016),
    "left_ear": (-0.072, -0.006, -0.002),
    "right_ear": (0.072, -0.006, -0.002),
    "head_top": (0.0, -0.01, 0.108),
}
_RADII = {"heel": 0.01, "toe": 0.01, "knee": 0.055, "pelvis": 0.11, "hand": 0.02, "elbow": 0.04, "neck": 0.06}


def _clearance(name: str, point: NDArray, unit: float) -> float:
    """Height of the lowest point of the body around a joint."""
    return float(point[2]) - _RADII.get(name.rpartition("_")[2], 0.03) * unit
