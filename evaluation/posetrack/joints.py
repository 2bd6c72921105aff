"""The 15 joints that PoseTrack scores, in the official program's order, and the table's columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.keypoints import plain_set

JOINTS = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "head_bottom",
    "nose",
    "head_top",
)
SCORED = plain_set("posetrack_scored", JOINTS)
POSEVAL_NAMES = tuple("neck" if joint == "head_bottom" else joint for joint in JOINTS)

# The published table's columns, each the mean of its joints.
COLUMNS = {
    "Head": ("head_top", "head_bottom", "nose"),
    "Shou": ("right_shoulder", "left_shoulder"),
    "Elb": ("right_elbow", "left_elbow"),
    "Wri": ("right_wrist", "left_wrist"),
    "Hip": ("right_hip", "left_hip"),
    "Knee": ("right_knee", "left_knee"),
    "Ankl": ("right_ankle", "left_ankle"),
}
_COLUMN_INDEX = {column: [JOINTS.index(joint) for joint in joints] for column, joints in COLUMNS.items()}


def joint_key(owner: NDArray[np.int64], joint: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for a joint of a person, a track or a frame; ``% len(JOINTS)`` gives the joint back."""
    return owner * len(JOINTS) + joint


def mean_known(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN when there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def table_row(values: NDArray[np.float64]) -> dict[str, float]:
    """The table's row of 15 joint values: its columns, NaN if a joint of theirs is, and their Total."""
    row = {column: float(values[index].mean()) for column, index in _COLUMN_INDEX.items()}
    return row | {"Total": mean_known(values)}


def with_mean(values: NDArray[np.float64]) -> list[float]:
    """15 values and, as the official program appends it, the mean of those that are known."""
    return [*values.tolist(), mean_known(values)]
