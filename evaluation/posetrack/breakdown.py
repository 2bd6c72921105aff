"""AP and MOTA of a part of the people: by their height, and by how crowded their frame is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.clear_mot import Matching, Tracking, tracking_ratios
from evaluation.posetrack.frames import Frames
from evaluation.posetrack.joints import JOINTS, mean_known
from evaluation.posetrack.precision import Precision, average_precision
from evaluation.posetrack.regions import join
from evaluation.posetrack.scoring import PoseTrackResult
from evaluation.posetrack.sequences import People

HEIGHT_LIMITS = (64.0, 128.0, 256.0)
CROWD_LIMITS = (0.1, 0.4)


@dataclass(frozen=True)
class Part:
    """Figures of some of the people.

    Attributes:
        name: which ones.
        people: how many annotated ones.
        precision: AP of each joint.
        tracking: MOTA of each joint, or None where tracking was not scored. Frames where a side is empty
            count with their real numbers, whatever the protocol.
    """

    name: str
    people: int
    precision: Precision
    tracking: Tracking | None

    def row(self) -> dict[str, float]:
        """Means over the joints."""
        values = {"AP": self.precision.ap}
        source: Precision | Tracking = self.precision
        if self.tracking:
            values["MOTA"] = self.tracking.mota
            source = self.tracking
        values |= {"Prec": source.precision, "Rec": source.recall}
        return {"People": self.people} | {name: mean_known(joints) for name, joints in values.items()}


def by_height(result: PoseTrackResult) -> tuple[Part, ...]:
    """By the height of the annotated person; a prediction that stands for nobody counts by its own height."""
    frames = result.frames
    classes = [np.digitize(people.heights, HEIGHT_LIMITS) for people in (frames.truth, frames.prediction)]
    return _parts(result, classes[0], classes[1], _range_names(HEIGHT_LIMITS, "{:g}"))


def by_crowding(result: PoseTrackResult) -> tuple[Part, ...]:
    """By the frame's crowd index (CrowdPose, Li et al. 2019).

    The index is the mean over the annotated people of how many joints of others lie in their box, for each
    joint of their own; here the box is that of the joints.
    """
    frames = result.frames
    classes = np.digitize(_crowd_index(frames), CROWD_LIMITS)
    names = _range_names(CROWD_LIMITS, "{:g}")
    return _parts(result, classes[frames.truth.frames], classes[frames.prediction.frames], names)


def _range_names(limits: tuple[float, ...], form: str) -> list[str]:
    texts = [form.format(limit) for limit in limits]
    between = [f"{low} to {high}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}", *between, f"from {texts[-1]}"]


def _parts(
    result: PoseTrackResult, truth: NDArray[np.int64], prediction: NDArray[np.int64], names: list[str]
) -> tuple[Part, ...]:
    """Figures for each class of annotated people, given the class of everybody."""
    best = result.samples.best_truth
    counted_as = np.where(best >= 0, truth[best], prediction) if len(truth) else prediction
    protocol = replace(result.protocol, absent_joint_is_zero=False)  # a class may well be empty
    parts = []
    for number, name in enumerate(names):
        chosen = truth == number
        samples = result.samples.of_people(counted_as == number, chosen)
        tracking = None
        if result.matching:
            tracking = _tracking(result.matching, result.frames, chosen, prediction == number)
        parts.append(Part(name, int(chosen.sum()), average_precision(samples, protocol), tracking))
    return tuple(parts)


def _tracking(
    matching: Matching, frames: Frames, truth: NDArray[np.bool_], prediction: NDArray[np.bool_]
) -> Tracking:
    """MOTA where objects are those of some annotated people, false positives those of some predicted ones."""
    rows = matching.candidates
    matched = np.zeros(frames.prediction.present.shape, bool)
    matched[rows.prediction[matching.matched], rows.joint[matching.matched]] = True
    of_part = truth[rows.truth]

    def per_joint(kept: NDArray[np.bool_], weights: NDArray[np.float64] | None = None) -> NDArray:
        values = None if weights is None else weights[kept]
        return np.bincount(rows.joint[kept], values, len(JOINTS))

    def present(people: People, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return people.present & (chosen & matching.tracked[people.frames])[:, None]

    return tracking_ratios(
        objects=present(frames.truth, truth).sum(0),
        detections=per_joint(matching.matched & of_part),
        switches=per_joint(matching.switched & of_part),
        false_positives=(present(frames.prediction, prediction) & ~matched).sum(0),
        distance=per_joint(matching.matched & of_part, rows.distance),
    )


def _crowd_index(frames: Frames) -> NDArray[np.float64]:
    """(F,) crowd index of each frame; 0 where nobody is."""
    people = frames.truth
    present = people.present[:, :, None]
    low = np.where(present, people.keypoints, np.inf).min(1)
    high = np.where(present, people.keypoints, -np.inf).max(1)
    person, other = join(people.frames, people.frames, len(frames))
    person, other = person[person != other], other[person != other]
    points = people.keypoints[other]
    inside = ((points >= low[person][:, None]) & (points <= high[person][:, None])).all(2)
    others = np.bincount(person, (inside & people.present[other]).sum(1), len(people))
    share = others / np.maximum(people.present.sum(1), 1)
    everybody = np.bincount(people.frames, minlength=len(frames))
    return np.bincount(people.frames, share, len(frames)) / np.maximum(everybody, 1)
