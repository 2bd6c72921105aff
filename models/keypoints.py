"""Keypoint sets of every benchmark: names, left/right swaps, limbs, OKS sigmas, loss weights.

Names, order, skeletons and sigmas are those of the benchmarks' owners as MMPose 1.3.2, the Microsoft
code and poseval use them. Left/right partners follow from the names, so they are not listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError


@dataclass(frozen=True)
class KeypointSet:
    """The K keypoints that a data set annotates or a network predicts.

    Attributes:
        name: the benchmark's short name, such as ``"coco"``.
        names: K keypoint names in annotation order.
        limbs: pairs of keypoint names that are drawn as a line.
        sigmas: K per-keypoint constants of OKS, or None where the benchmark defines none.
        weights: K weights of the training loss.
    """

    name: str
    names: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...]
    sigmas: tuple[float, ...] | None
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        for field, values in (("sigmas", self.sigmas), ("weights", self.weights)):
            if values is not None and len(values) != len(self.names):
                raise ValueError(f"{self.name}: {len(values)} {field} for {len(self.names)} keypoints")

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of a keypoint by name; raises InputError for a name that is not in the set."""
        try:
            return self.names.index(name)
        except ValueError:
            raise InputError(f"no keypoint '{name}' in {self.name}: it has {', '.join(self.names)}") from None

    @cached_property
    def flip_index(self) -> NDArray[np.intp]:
        """(K,) index of each keypoint's mirror partner; a keypoint on the body's axis is its own."""
        partners = [_other_side(name) for name in self.names]
        return np.array([self.names.index(p) if p in self.names else i for i, p in enumerate(partners)])

    @cached_property
    def limb_index(self) -> NDArray[np.intp]:
        """(L, 2) the limbs as pairs of keypoint positions."""
        pairs = [(self.names.index(a), self.names.index(b)) for a, b in self.limbs]
        return np.array(pairs, np.intp).reshape(-1, 2)

    def positions_in(self, other: KeypointSet) -> NDArray[np.intp]:
        """(K,) position of each of this set's keypoints in another set, −1 where the other lacks it."""
        return np.array([_find(name, other.names) for name in self.names])


# One keypoint under the names that different benchmarks give it.
_SYNONYMS = (
    {"head_bottom", "neck", "upper_neck"},
    {"head_top", "top_head"},
)


def _find(name: str, names: tuple[str, ...]) -> int:
    if name in names:
        return names.index(name)
    for synonyms in _SYNONYMS:
        if name in synonyms:
            return next((i for i, other in enumerate(names) if other in synonyms), -1)
    return -1


def _other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def _keypoint_set(name: str, names: str, limbs: str, sigmas: str = "", weights: str = "") -> KeypointSet:
    """A set from texts: K names, limbs as name-name, K numbers; without weights, each is 1."""
    keypoints = tuple(names.split())
    pairs = tuple((a, b) for a, b in (limb.split("-") for limb in limbs.split()))
    ones = (1.0,) * len(keypoints)
    return KeypointSet(name, keypoints, pairs, _numbers(sigmas) or None, _numbers(weights) or ones)


def plain_set(name: str, names: Sequence[str]) -> KeypointSet:
    """Keypoints that nothing but their names is known of: no limbs, no sigmas, weights of 1."""
    return KeypointSet(name, tuple(names), (), None, (1.0,) * len(names))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split()))


COCO = _keypoint_set(
    "coco",
    names="""
        nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow
        right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle
        right_ankle
    """,
    limbs="""
        left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip
        left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip
        left_shoulder-right_shoulder left_shoulder-left_elbow right_shoulder-right_elbow
        left_elbow-left_wrist right_elbow-right_wrist left_eye-right_eye nose-left_eye
        nose-right_eye left_eye-left_ear right_eye-right_ear left_ear-left_shoulder
        right_ear-right_shoulder
    """,
    sigmas="""
        0.026 0.025 0.025 0.035 0.035 0.079 0.079 0.072 0.072 0.062 0.062 0.107 0.107 0.087 0.087
        0.089 0.089
    """,
    weights="1 1 1 1 1 1 1 1.2 1.2 1.5 1.5 1 1 1.2 1.2 1.5 1.5",
)
POSETRACK18 = _keypoint_set(
    "posetrack18",
    names="""
        nose head_bottom head_top left_ear right_ear left_shoulder right_shoulder left_elbow
        right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle
        right_ankle
    """,
    limbs="""
        left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip
        left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip
        left_shoulder-right_shoulder left_shoulder-left_elbow right_shoulder-right_elbow
        left_elbow-left_wrist right_elbow-right_wrist nose-head_bottom nose-head_top
        head_bottom-left_shoulder head_bottom-right_shoulder
    """,
    sigmas="""
        0.026 0.025 0.025 0.035 0.035 0.079 0.079 0.072 0.072 0.062 0.062 0.107 0.107 0.087 0.087
        0.089 0.089
    """,
    weights="1 1 1 1 1 1 1 1.2 1.2 1.5 1.5 1 1 1.2 1.2 1.5 1.5",
)
MPII = _keypoint_set(
    "mpii",
    names="""
        right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck
        head_top right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist
    """,
    limbs="""
        right_ankle-right_knee right_knee-right_hip right_hip-pelvis pelvis-left_hip
        left_hip-left_knee left_knee-left_ankle pelvis-thorax thorax-upper_neck upper_neck-head_top
        upper_neck-right_shoulder right_shoulder-right_elbow right_elbow-right_wrist
        upper_neck-left_shoulder left_shoulder-left_elbow left_elbow-left_wrist
    """,
    sigmas="0.089 0.083 0.107 0.107 0.083 0.089 0.026 0.026 0.026 0.026 0.062 0.072 0.179 0.179 0.072 0.062",
    weights="1.5 1.2 1 1 1.2 1.5 1 1 1 1 1.5 1.2 1 1 1.2 1.5",
)
MPII_TRB = _keypoint_set(
    "mpii_trb",
    names="""
        left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip
        right_hip left_knee right_knee left_ankle right_ankle head neck right_neck left_neck
        medial_right_shoulder lateral_right_shoulder medial_right_bow lateral_right_bow
        medial_right_wrist lateral_right_wrist medial_left_shoulder lateral_left_shoulder
        medial_left_bow lateral_left_bow medial_left_wrist lateral_left_wrist medial_right_hip
        lateral_right_hip medial_right_knee lateral_right_knee medial_right_ankle
        lateral_right_ankle medial_left_hip lateral_left_hip medial_left_knee lateral_left_knee
        medial_left_ankle lateral_left_ankle
    """,
    limbs="""
        head-neck neck-left_shoulder neck-right_shoulder left_shoulder-left_elbow
        right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist
        left_shoulder-left_hip right_shoulder-right_hip left_hip-right_hip left_hip-left_knee
        right_hip-right_knee left_knee-left_ankle right_knee-right_ankle right_neck-left_neck
        medial_right_shoulder-lateral_right_shoulder medial_right_bow-lateral_right_bow
        medial_right_wrist-lateral_right_wrist medial_left_shoulder-lateral_left_shoulder
        medial_left_bow-lateral_left_bow medial_left_wrist-lateral_left_wrist
        medial_right_hip-lateral_right_hip medial_right_knee-lateral_right_knee
        medial_right_ankle-lateral_right_ankle medial_left_hip-lateral_left_hip
        medial_left_knee-lateral_left_knee medial_left_ankle-lateral_left_ankle
    """,
)
JHMDB = _keypoint_set(
    "jhmdb",
    names="""
        neck belly head right_shoulder left_shoulder right_hip left_hip right_elbow left_elbow
        right_knee left_knee right_wrist left_wrist right_ankle left_ankle
    """,
    limbs="""
        right_ankle-right_knee right_knee-right_hip right_hip-belly belly-left_hip
        left_hip-left_knee left_knee-left_ankle belly-neck neck-head neck-right_shoulder
        right_shoulder-right_elbow right_elbow-right_wrist neck-left_shoulder
        left_shoulder-left_elbow left_elbow-left_wrist
    """,
    sigmas="0.025 0.107 0.025 0.079 0.079 0.107 0.107 0.072 0.072 0.087 0.087 0.062 0.062 0.089 0.089",
    weights="1 1 1 1 1 1 1 1.2 1.2 1.2 1.2 1.5 1.5 1.5 1.5",
)
CROWDPOSE = _keypoint_set(
    "crowdpose",
    names="""
        left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip
        right_hip left_knee right_knee left_ankle right_ankle top_head neck
    """,
    limbs="""
        left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip
        left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip
        left_shoulder-right_shoulder left_shoulder-left_elbow right_shoulder-right_elbow
        left_elbow-left_wrist right_elbow-right_wrist top_head-neck right_shoulder-neck
        left_shoulder-neck
    """,
    sigmas="0.079 0.079 0.072 0.072 0.062 0.062 0.107 0.107 0.087 0.087 0.089 0.089 0.079 0.079",
    weights="0.2 0.2 0.2 1.3 1.5 0.2 1.3 1.5 0.2 0.2 0.5 0.2 0.2 0.5",
)
AIC = _keypoint_set(
    "aic",
    names="""
        right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip
        right_knee right_ankle left_hip left_knee left_ankle head_top neck
    """,
    limbs="""
        right_wrist-right_elbow right_elbow-right_shoulder right_shoulder-neck neck-left_shoulder
        left_shoulder-left_elbow left_elbow-left_wrist right_ankle-right_knee right_knee-right_hip
        right_hip-left_hip left_hip-left_knee left_knee-left_ankle head_top-neck
        right_shoulder-right_hip left_shoulder-left_hip
    """,
    sigmas="""
        0.01388152 0.01515228 0.01057665 0.01417709 0.01497891 0.01402144 0.03909642 0.03686941
        0.01981803 0.03843971 0.03412318 0.02415081 0.01291456 0.01236173
    """,
    weights="1 1.2 1.5 1 1.2 1.5 1 1.2 1.5 1 1.2 1.5 1 1",
)

# These two annotate another set's keypoints.
OCHUMAN = COCO
MHP = MPII

KEYPOINT_SETS: dict[str, KeypointSet] = {
    "coco": COCO,
    "ochuman": OCHUMAN,
    "posetrack18": POSETRACK18,
    "mpii": MPII,
    "mpii_trb": MPII_TRB,
    "mhp": MHP,
    "jhmdb": JHMDB,
    "crowdpose": CROWDPOSE,
    "aic": AIC,
}


def keypoint_set(name: str) -> KeypointSet:
    """The keypoint set of a benchmark; raises InputError that lists the known names."""
    if name not in KEYPOINT_SETS:
        raise InputError(f"unknown keypoint set '{name}': choose from {', '.join(KEYPOINT_SETS)}")
    return KEYPOINT_SETS[name]
