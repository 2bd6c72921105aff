"""HOTA of each joint: detection and association in one figure.

Luiten et al., 'HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking' (IJCV 2021), as TrackEval
computes it, in the keypoint form of PoseTrack21 (Döring et al., CVPR 2022): the similarity of two joints
falls linearly with their distance, from 1 to 0 at half a head size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.assignment import assign
from evaluation.posetrack.frames import Frames
from evaluation.posetrack.joints import JOINTS, joint_key
from evaluation.posetrack.pairs import Pairs

THRESHOLDS = np.arange(0.05, 0.99, 0.05)
_REACH = 0.5001  # head sizes at which PoseTrack21's similarity is 0: at exactly 0.5 a little is left


@dataclass(frozen=True)
class Hota:
    """Percent, (15, 19) each: by joint and threshold of similarity; NaN for a joint that neither side has.

    Attributes:
        hota: geometric mean of detection and association.
        det_a, det_re, det_pr: detection accuracy, recall and precision.
        ass_a, ass_re, ass_pr: association accuracy, recall and precision.
        loc_a: mean similarity of matches, 100 where there is none.
    """

    hota: NDArray[np.float64]
    det_a: NDArray[np.float64]
    det_re: NDArray[np.float64]
    det_pr: NDArray[np.float64]
    ass_a: NDArray[np.float64]
    ass_re: NDArray[np.float64]
    ass_pr: NDArray[np.float64]
    loc_a: NDArray[np.float64]


def hota(pairs: Pairs, frames: Frames, *, align: bool = True) -> Hota:
    """Match joints in every frame, and count how far matches agree over whole tracks.

    Args:
        pairs: people who share a frame, with the distances of their joints in head sizes.
        frames: the evaluated frames.
        align: TrackEval's matching: similarity × how well the two tracks go together over the sequence.
            Without it, similarity alone, as in the code that PoseTrack21 published.
    """
    rows = _similar(pairs, frames)
    truths, predictions = frames.truth.track_lengths(), frames.prediction.track_lengths()
    track_pairs, which = np.unique(
        rows.truth_key * len(predictions) + rows.prediction_key, return_inverse=True
    )
    which = which.reshape(-1)
    truth_track, prediction_track = np.divmod(track_pairs, max(len(predictions), 1))
    lengths = truths[truth_track], predictions[prediction_track]

    weights = rows.similarity
    if align:
        agreement = rows.similarity / (rows.truth_sum + rows.prediction_sum - rows.similarity)
        together = np.bincount(which, agreement, len(track_pairs))
        weights = weights * (together / (sum(lengths) - together))[which]
    count = len(JOINTS)
    truth, prediction = joint_key(rows.truth, rows.joint), joint_key(rows.prediction, rows.joint)
    chosen = assign(rows.group, truth, prediction, weights)
    similarity, track_pair, joint = rows.similarity[chosen], which[chosen], rows.joint[chosen]
    pair_joint = truth_track % count

    shape = (count, len(THRESHOLDS))
    hits, located, associated = np.zeros(shape), np.zeros(shape), np.zeros((3, *shape))
    for i, threshold in enumerate(THRESHOLDS):
        kept = similarity >= threshold - np.finfo(float).eps
        hits[:, i] = np.bincount(joint[kept], minlength=count)
        located[:, i] = np.bincount(joint[kept], similarity[kept], count)
        shared = np.bincount(track_pair[kept], minlength=len(track_pairs))
        for part, length in enumerate((sum(lengths) - shared, *lengths)):
            associated[part, :, i] = np.bincount(pair_joint, shared * shared / np.maximum(length, 1), count)
    annotated, predicted = (people.present.sum(0)[:, None] for people in (frames.truth, frames.prediction))
    nobody = np.where(annotated + predicted > 0, 0.0, np.nan)
    det_a, det_re, det_pr = (
        hits / np.maximum(total, 1) + nobody for total in (annotated + predicted - hits, annotated, predicted)
    )
    ass_a, ass_re, ass_pr = associated / np.maximum(hits, 1) + nobody
    loc_a = np.where(hits > 0, located / np.maximum(hits, 1), 1.0) + nobody
    parts = (np.sqrt(det_a * ass_a), det_a, det_re, det_pr, ass_a, ass_re, ass_pr, loc_a)
    return Hota(*(100 * part for part in parts))


@dataclass(frozen=True)
class _Similar:
    """Pairs of joints with a similarity above 0, an array entry each."""

    group: NDArray[np.int64]
    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]
    joint: NDArray[np.int64]
    truth_key: NDArray[np.int64]
    prediction_key: NDArray[np.int64]
    similarity: NDArray[np.float64]
    truth_sum: NDArray[np.float64]
    prediction_sum: NDArray[np.float64]


def _similar(pairs: Pairs, frames: Frames) -> _Similar:
    similarities = np.maximum(1 - pairs.distances / _REACH, 0)
    truth_sums = _sum_rows(similarities, pairs.truth, len(frames.truth))
    prediction_sums = _sum_rows(similarities, pairs.prediction, len(frames.prediction))
    pair, joint = np.nonzero(similarities)
    truth, prediction = pairs.truth[pair], pairs.prediction[pair]
    return _Similar(
        group=joint_key(frames.truth.frames[truth], joint),
        truth=truth,
        prediction=prediction,
        joint=joint,
        truth_key=joint_key(frames.truth.track_ids[truth], joint),
        prediction_key=joint_key(frames.prediction.track_ids[prediction], joint),
        similarity=similarities[pair, joint],
        truth_sum=truth_sums[truth, joint],
        prediction_sum=prediction_sums[prediction, joint],
    )


def _sum_rows(values: NDArray[np.float64], owners: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(count, 15) sum of the rows of each owner."""
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, owners, values)
    return sums
