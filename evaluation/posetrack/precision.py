"""Average precision of each joint (poseval's evaluateAP)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.frames import Frames
from evaluation.posetrack.joints import JOINTS
from evaluation.posetrack.pairs import Pairs, best_pairs
from evaluation.posetrack.protocol import Protocol


@dataclass(frozen=True)
class Curve:
    """Precision over recall, both 0 to 1, as the score falls."""

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]

    def area(self) -> float:
        """Area under the falling envelope, all points, from recall 0 to 1 (Pascal VOC 2010)."""
        recall = np.concatenate([[0.0], self.recall, [1.0]])
        precision = np.concatenate([[0.0], self.precision, [0.0]])
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
        return float(((recall[steps] - recall[steps - 1]) * envelope[steps]).sum())


@dataclass(frozen=True)
class Precision:
    """Percent, for each of the 15 joints; NaN where it is undefined.

    Attributes:
        ap: (15,) average precision.
        precision, recall: (15,) at the end of the curve, that is of all predicted joints.
    """

    ap: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Every predicted joint as a sample: right or wrong, and how sure.

    Attributes:
        frames: (P,) frame of each predicted person.
        best_truth: (P,) row of the annotated person whom each prediction stands for, or −1.
        present: (P, 15) whether the joint was predicted.
        correct: (P, 15) whether it is a hit on the person whom the prediction stands for.
        scores: (P, 15) its confidence.
        truth_frames: (G,) frame of each annotated person.
        truth_present: (G, 15) whether the joint is annotated.
    """

    frames: NDArray[np.int64]
    best_truth: NDArray[np.int64]
    present: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    scores: NDArray[np.float64]
    truth_frames: NDArray[np.int64]
    truth_present: NDArray[np.bool_]

    def of_people(self, predicted: NDArray[np.bool_], annotated: NDArray[np.bool_]) -> Samples:
        """The samples of some people, chosen by a (P,) and a (G,) mask."""
        return Samples(
            self.frames[predicted],
            self.best_truth[predicted],
            self.present[predicted],
            self.correct[predicted],
            self.scores[predicted],
            self.truth_frames[annotated],
            self.truth_present[annotated],
        )

    def of_frames(self, chosen: NDArray[np.bool_]) -> Samples:
        """The samples of the frames chosen by an (F,) mask."""
        return self.of_people(chosen[self.frames], chosen[self.truth_frames])


def collect_samples(pairs: Pairs, frames: Frames) -> Samples:
    """Judge every predicted joint."""
    best = best_pairs(pairs, frames)
    taken = best >= 0
    correct = np.zeros(frames.prediction.present.shape, bool)
    correct[taken] = pairs.hits[best[taken]]
    best_truth = np.full(len(best), -1)
    best_truth[taken] = pairs.truth[best[taken]]
    prediction, truth = frames.prediction, frames.truth
    return Samples(
        prediction.frames,
        best_truth,
        prediction.present,
        correct,
        prediction.scores,
        truth.frames,
        truth.present,
    )


def curve(samples: Samples, joint: int, protocol: Protocol) -> Curve:
    """The precision–recall curve of one joint."""
    present = samples.present[:, joint]
    scores, correct = samples.scores[present, joint], samples.correct[present, joint]
    # poseval reverses numpy's ascending sort; doing the same keeps its order of equal scores
    order = scores.argsort()[::-1]
    scores, hits = scores[order], np.cumsum(correct[order], dtype=np.float64)
    precision = hits / np.arange(1, len(hits) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = hits / samples.truth_present[:, joint].sum()
    if protocol.scores_in_any_order or not len(scores):
        return Curve(recall, precision)
    last = np.append(scores[1:] != scores[:-1], True)
    return Curve(recall[last], precision[last])


def average_precision(samples: Samples, protocol: Protocol) -> Precision:
    """AP, precision and recall of each joint.

    A joint that is never annotated has no AP (NaN) where it is predicted; where it is not, the official
    program gives 0. A joint that is annotated and never predicted has AP, precision and recall 0.
    """
    result = np.zeros((3, len(JOINTS)))
    for joint in range(len(JOINTS)):
        points = curve(samples, joint, protocol)
        if len(points.precision):
            undefined = np.isnan(points.recall[-1])
            result[:, joint] = np.nan if undefined else points.area(), points.precision[-1], points.recall[-1]
        elif not protocol.absent_joint_is_zero and not samples.truth_present[:, joint].any():
            result[:, joint] = np.nan
    return Precision(*(100 * result))
