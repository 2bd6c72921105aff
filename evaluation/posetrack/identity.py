"""How long people keep one id: IDF1, and the fate of each trajectory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.assignment import assign
from evaluation.posetrack.clear_mot import Matching
from evaluation.posetrack.frames import Frames
from evaluation.posetrack.joints import JOINTS, joint_key
from evaluation.posetrack.pairs import Pairs


@dataclass(frozen=True)
class Identity:
    """Percent, for each of the 15 joints; NaN where it is undefined."""

    idf1: NDArray[np.float64]
    idp: NDArray[np.float64]
    idr: NDArray[np.float64]


def identity(pairs: Pairs, frames: Frames) -> Identity:
    """IDF1, IDP, IDR (Ristani et al., 'Performance Measures for Multi-Target, Multi-Camera Tracking', 2016).

    Of each sequence and joint, every annotated track is given at most one predicted track, so that as many
    joints as possible are hits on their own track (at most half a head size away); these are identity true
    positives, all other annotated joints misses and all other predicted ones false positives.
    """
    count = len(JOINTS)
    truths, predictions = frames.truth.track_lengths(), frames.prediction.track_lengths()
    pair, joint = np.nonzero(pairs.hits)
    truth_key = joint_key(frames.truth.track_ids[pairs.truth[pair]], joint)
    prediction_key = joint_key(frames.prediction.track_ids[pairs.prediction[pair]], joint)
    sequence = frames.sequence_of[frames.truth.frames[pairs.truth[pair]]]
    track_pairs, first, shared = np.unique(
        truth_key * len(predictions) + prediction_key, return_index=True, return_counts=True
    )
    truth_track, prediction_track = np.divmod(track_pairs, max(len(predictions), 1))
    group = joint_key(sequence[first], truth_track % count)
    chosen = assign(group, truth_track, prediction_track, shared.astype(np.float64))
    hits = np.bincount(truth_track[chosen] % count, shared[chosen], count)
    annotated, predicted = (lengths.reshape(-1, count).sum(0) for lengths in (truths, predictions))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Identity(
            idf1=100 * (2 * hits / (annotated + predicted)),
            idp=100 * (hits / predicted),
            idr=100 * (hits / annotated),
        )


@dataclass(frozen=True)
class Trajectories:
    """What becomes of each annotated joint trajectory, (15,) each.

    Attributes:
        count: trajectories: the joint of one annotated person through a sequence.
        mostly_tracked: matched in at least 80 % of their frames.
        mostly_lost: matched in less than 20 %.
        fragments: how often a trajectory is lost and found again later.
        switches: how often it is found under another predicted id than before.
    """

    count: NDArray[np.int64]
    mostly_tracked: NDArray[np.int64]
    mostly_lost: NDArray[np.int64]
    fragments: NDArray[np.int64]
    switches: NDArray[np.int64]


def trajectories(matching: Matching, frames: Frames) -> Trajectories:
    """Count them from CLEAR MOT's matches, in the frames that take part in tracking (as motmetrics does)."""
    count = len(JOINTS)
    rows = matching.candidates
    matched = np.zeros(frames.truth.present.shape, bool)
    matched[rows.truth[matching.matched], rows.joint[matching.matched]] = True
    person, joint = np.nonzero(frames.truth.present & matching.tracked[frames.truth.frames][:, None])
    key = joint_key(frames.truth.track_ids[person], joint)
    order = np.lexsort((frames.truth.frames[person], key))
    key, hit = key[order], matched[person[order], joint[order]]
    length = np.bincount(key)
    hits = np.bincount(key, hit)
    exists = length > 0
    of_joint = np.arange(len(length)) % count

    same = key[1:] == key[:-1]
    lost = np.bincount(key[1:][same & hit[:-1] & ~hit[1:]], minlength=len(length))
    ends_lost = np.zeros(len(length), bool)
    ends_lost[key] = ~hit  # the last frame of each trajectory is written last
    fragments = lost - (ends_lost & (hits > 0))

    def per_joint(values: NDArray) -> NDArray[np.int64]:
        return np.bincount(of_joint, values, count).astype(np.int64)

    return Trajectories(
        count=per_joint(exists),
        mostly_tracked=per_joint(exists & (hits >= 0.8 * length)),
        mostly_lost=per_joint(exists & (hits < 0.2 * length)),
        fragments=per_joint(fragments),
        switches=np.bincount(rows.joint[matching.switched], minlength=count),
    )
