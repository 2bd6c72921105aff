"""What is true of a person in a picture: joints, what can be seen of them, boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.scenes.camera import Camera
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
FLESH = np.array([_FLESH.get(name.rpartition("_")[2], 0.04) for name in JOINTS])


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


def observe(person: int, skeleton: Skeleton, camera: Camera, owner: NDArray, depth: NDArray) -> Figure:
    """What is true of a person in a picture.

    Args:
        person: the number.
        skeleton: the person's.
        camera: the view.
        owner: (H, W) who is at a pixel, as in `render.Drawn`.
        depth: (H, W) metres.
    """
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
