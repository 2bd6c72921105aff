"""AP and MOTA against the thresholds of joints and boxes: the tuning that the paper does by hand (section 4).

Dropping weak joints costs AP, which ranks them anyway, and gains MOTA, which counts them: the two want
different thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.clear_mot import count_events, match_over_time, tracking_scores
from evaluation.posetrack.frames import Frames
from evaluation.posetrack.joints import mean_known
from evaluation.posetrack.pairs import Pairs
from evaluation.posetrack.precision import average_precision, collect_samples
from evaluation.posetrack.protocol import Protocol
from evaluation.posetrack.scoring import PoseTrackResult
from models.errors import InputError
from models.progress import with_bar

STEPS = tuple(round(0.1 * step, 1) for step in range(10))


@dataclass(frozen=True)
class Setting:
    """One choice of thresholds and what it gives, in percent."""

    joint_threshold: float
    box_threshold: float
    ap: float
    mota: float

    def __str__(self) -> str:
        return (
            f"joints from {self.joint_threshold:g}, boxes from {self.box_threshold:g}: "
            f"AP {self.ap:.1f}, MOTA {self.mota:.1f}"
        )


@dataclass(frozen=True)
class Sweep:
    """Figures over a grid of thresholds; rows are box thresholds, columns joint thresholds.

    Attributes:
        joint_thresholds, box_thresholds: J and B values; what scores less is dropped.
        ap, mota: (B, J) percent.
    """

    joint_thresholds: tuple[float, ...]
    box_thresholds: tuple[float, ...]
    ap: NDArray[np.float64]
    mota: NDArray[np.float64]

    def best(self, measure: str) -> Setting:
        """The setting with the highest ``"ap"`` or ``"mota"``, the lowest thresholds of equal ones."""
        values = self.ap if measure == "ap" else self.mota
        box, joint = np.unravel_index(int(np.nanargmax(values)), values.shape)
        return Setting(
            self.joint_thresholds[joint],
            self.box_thresholds[box],
            float(self.ap[box, joint]),
            float(self.mota[box, joint]),
        )


def sweep(
    result: PoseTrackResult,
    joint_thresholds: Sequence[float] = STEPS,
    box_thresholds: Sequence[float] = STEPS,
) -> Sweep:
    """Score the predictions again without the joints and people below each pair of thresholds.

    Where the files give people no ``score``, boxes are not dropped. A person left without a joint is gone.

    Raises:
        InputError: the predictions have no scores.
    """
    people = result.frames.prediction
    if (people.scores[people.present] < 0).all():
        raise InputError("thresholds can only be swept over predictions with 'scores'")
    boxes = tuple(box_thresholds) if not np.isnan(people.box_scores).any() else (0.0,)
    shape = (len(boxes), len(joint_thresholds))
    ap, mota = np.zeros(shape), np.zeros(shape)
    for box, joint in with_bar(np.ndindex(shape), "thresholds", ap.size):
        frames, pairs = _above(result, joint_thresholds[joint], boxes[box])
        ap[box, joint], mota[box, joint] = _score(frames, pairs, result.protocol)
    return Sweep(tuple(joint_thresholds), boxes, ap, mota)


def _above(result: PoseTrackResult, joint_threshold: float, box_threshold: float) -> tuple[Frames, Pairs]:
    """The frames and pairs without what scores less; a person without a box score stays."""
    people = result.frames.prediction
    weak = people.box_scores < box_threshold
    present = people.present & (people.scores >= joint_threshold) & ~weak[:, None]
    kept = np.asarray(present.any(1))
    frames = replace(result.frames, prediction=replace(people, present=present)[kept])
    rows = kept[result.pairs.prediction]
    prediction = result.pairs.prediction[rows]
    pairs = Pairs(
        prediction=(np.cumsum(kept) - 1)[prediction],
        truth=result.pairs.truth[rows],
        distances=np.where(present[prediction], result.pairs.distances[rows], np.inf),
        hits=result.pairs.hits[rows] & present[prediction],
    )
    return frames, pairs


def _score(frames: Frames, pairs: Pairs, protocol: Protocol) -> tuple[float, float]:
    precision = average_precision(collect_samples(pairs, frames), protocol)
    counts = count_events(match_over_time(pairs, frames, protocol), frames, protocol)
    return mean_known(precision.ap), mean_known(tracking_scores(counts, protocol).mota)
