"""CLEAR MOT of each joint (Bernardin and Stiefelhagen 2008), as poseval computes it with motmetrics 1.4.0."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.assignment import assign
from evaluation.posetrack.frames import Frames
from evaluation.posetrack.joints import JOINTS, joint_key
from evaluation.posetrack.pairs import HIT_DISTANCE, Pairs
from evaluation.posetrack.protocol import Protocol
from models.errors import InputError


@dataclass(frozen=True)
class Candidates:
    """E pairs of an annotated and a predicted joint near enough to be matched, ordered by frame rank.

    Attributes:
        frame, truth, prediction, joint: (E,) frame, person rows and joint of each.
        distance: (E,) in head sizes.
        truth_key, prediction_key: (E,) one number for each joint of each track id.
    """

    frame: NDArray[np.int64]
    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]
    joint: NDArray[np.int64]
    distance: NDArray[np.float64]
    truth_key: NDArray[np.int64]
    prediction_key: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: NDArray | slice) -> Candidates:
        return Candidates(*(getattr(self, part.name)[rows] for part in fields(self)))


@dataclass(frozen=True)
class Matching:
    """What became of the candidates.

    Attributes:
        candidates: all of them.
        matched: (E,) chosen as a match.
        switched: (E,) matched, and to another id than this joint had before.
        extra_rows: (E,) how many rows motmetrics 1.4.0 adds for a transfer, a migration or an ascent.
        tracked: (F,) frames that take part in tracking.
    """

    candidates: Candidates
    matched: NDArray[np.bool_]
    switched: NDArray[np.bool_]
    extra_rows: NDArray[np.int64]
    tracked: NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Events of each sequence and joint, (S, 15) each.

    Distances are sums in head sizes: of all pairs near enough, of every event row of motmetrics 1.4.0 (those
    pairs, the matches again, and the rows it adds), and of the matches.
    """

    objects: NDArray[np.int64]
    misses: NDArray[np.int64]
    switches: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    detections: NDArray[np.int64]
    distance_of_pairs: NDArray[np.float64]
    distance_of_events: NDArray[np.float64]
    distance_of_matches: NDArray[np.float64]

    def __getitem__(self, sequences: slice) -> Counts:
        return Counts(*(getattr(self, part.name)[sequences] for part in fields(self)))

    @cached_property
    def total(self) -> dict[str, NDArray]:
        """Each count summed over the sequences, (15,)."""
        return {part.name: getattr(self, part.name).sum(0) for part in fields(self)}


@dataclass(frozen=True)
class Tracking:
    """Percent, for each of the 15 joints; NaN where it is undefined: see ``tracking_scores``."""

    mota: NDArray[np.float64]
    motp: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def match_over_time(pairs: Pairs, frames: Frames, protocol: Protocol) -> Matching:
    """Match annotated and predicted joints frame by frame, the pairing of before first.

    All sequences and joints advance together, one frame a step: a joint of a track id is a key, and what is
    remembered about it (its partner, whether it has been seen) lies in arrays over the keys.
    """
    tracked = ~frames.is_last if protocol.drops_last_frame else np.ones(len(frames), bool)
    candidates = _candidates(pairs, frames, tracked)
    matched = np.zeros(len(candidates), bool)
    switched = np.zeros(len(candidates), bool)
    extra_rows = np.zeros(len(candidates), np.int64)
    memory = _Memory(frames)
    ranks = frames.ranks[candidates.frame]
    bounds = np.searchsorted(ranks, np.arange(ranks[-1] + 2 if len(ranks) else 1))
    for begin, end in pairwise(bounds.tolist()):
        step = candidates[begin:end]
        kept = memory.kept(step)
        free = memory.free(step, kept)
        assigned = free[_assign(step[free], frames)]
        switched[begin + assigned], extra_rows[begin + assigned] = memory.remember(step, kept, assigned)
        matched[begin + kept] = matched[begin + assigned] = True
    return Matching(candidates, matched, switched, extra_rows, tracked)


def _candidates(pairs: Pairs, frames: Frames, tracked: NDArray[np.bool_]) -> Candidates:
    pair, joint = np.nonzero(pairs.hits & tracked[frames.truth.frames[pairs.truth]][:, None])
    truth, prediction = pairs.truth[pair], pairs.prediction[pair]
    frame = frames.truth.frames[truth]
    order = np.lexsort((prediction, truth, frames.ranks[frame]))
    everything = Candidates(
        frame,
        truth,
        prediction,
        joint,
        pairs.distances[pair, joint],
        joint_key(frames.truth.track_ids[truth], joint),
        joint_key(frames.prediction.track_ids[prediction], joint),
    )
    return everything[order]


class _Memory:
    """What motmetrics remembers, for every joint of every track id; −1 stands for nobody."""

    def __init__(self, frames: Frames) -> None:
        truths = (frames.truth.track_ids.max(initial=-1) + 1) * len(JOINTS)
        predictions = (frames.prediction.track_ids.max(initial=-1) + 1) * len(JOINTS)
        self.partner = np.full(truths, -1)  # prediction last matched with an annotated joint, for ever
        self.assigned_to = np.full(predictions, -1)  # annotated joint that a predicted one was last assigned
        self.truth_seen = np.zeros(truths, bool)
        self.prediction_seen = np.zeros(predictions, bool)
        self.truth_taken = np.zeros(len(frames.truth) * len(JOINTS), bool)
        self.prediction_taken = np.zeros(len(frames.prediction) * len(JOINTS), bool)

    def kept(self, step: Candidates) -> NDArray[np.int64]:
        """Candidates that go on with the partner of before, the first annotation where two want the same."""
        same = np.flatnonzero(self.partner[step.truth_key] == step.prediction_key)
        return same[np.unique(step.prediction_key[same], return_index=True)[1]]

    def free(self, step: Candidates, kept: NDArray[np.int64]) -> NDArray[np.int64]:
        """Candidates of which neither side is kept."""
        truth, prediction = joint_key(step.truth, step.joint), joint_key(step.prediction, step.joint)
        self.truth_taken[truth[kept]] = self.prediction_taken[prediction[kept]] = True
        return np.flatnonzero(~self.truth_taken[truth] & ~self.prediction_taken[prediction])

    def remember(
        self, step: Candidates, kept: NDArray[np.int64], assigned: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Take in a step's matches; of the assigned ones, whether they switch and how many rows they add."""
        truth, prediction = step.truth_key, step.prediction_key
        self.truth_seen[truth[kept]] = True
        self.prediction_seen[prediction[kept]] = True
        t, p = truth[assigned], prediction[assigned]
        switched = (self.partner[t] >= 0) & (self.partner[t] != p)
        transferred = (self.assigned_to[p] >= 0) & (self.assigned_to[p] != t)
        ascends = switched & ~self.prediction_seen[p]
        migrates = transferred & ~self.truth_seen[t]
        self.partner[t], self.assigned_to[p] = p, t
        self.truth_seen[t] = self.prediction_seen[p] = True
        return switched, transferred.astype(np.int64) + ascends + migrates


def _assign(free: Candidates, frames: Frames) -> NDArray[np.int64]:
    """In each frame and joint the most matches and, among those, the smallest sum of distances."""
    truth, prediction = joint_key(free.truth, free.joint), joint_key(free.prediction, free.joint)
    one_match = 1 + HIT_DISTANCE * len(free)  # outweighs all distances together

    cell = joint_key(free.frame, free.joint)

    def settle(contested: NDArray[np.int64]) -> NDArray[np.int64]:
        together = np.flatnonzero(cell == cell[contested[0]])
        return np.intersect1d(contested, together[_as_motmetrics(free[together], frames)])

    return assign(cell, truth, prediction, one_match - free.distance, settle)


def _as_motmetrics(free: Candidates, frames: Frames) -> NDArray[np.int64]:
    """What motmetrics chooses in one frame for one joint, where several choices are equally good.

    Its choice depends on SciPy's solver and on the whole matrix: everybody of the frame who has the joint,
    with 2 · r · c + 1 for pairs that may not be (r the shorter side, c the largest distance + 1).
    """
    from scipy.optimize import linear_sum_assignment

    truths, predictions = (
        np.flatnonzero((people.frames == free.frame[0]) & people.present[:, free.joint[0]])
        for people in (frames.truth, frames.prediction)
    )
    row, column = np.searchsorted(truths, free.truth), np.searchsorted(predictions, free.prediction)
    candidate = np.full((len(truths), len(predictions)), -1)
    candidate[row, column] = np.arange(len(free))
    forbidden = 2 * min(candidate.shape) * (free.distance.max() + 1) + 1
    cost = np.full(candidate.shape, forbidden)
    cost[row, column] = free.distance
    chosen = candidate[linear_sum_assignment(cost)]
    return chosen[chosen >= 0]


def count_events(matching: Matching, frames: Frames, protocol: Protocol) -> Counts:
    """Sum the events of each sequence and joint."""
    tracked = matching.tracked
    counted = tracked.copy()
    for people in (frames.truth, frames.prediction) if protocol.one_count_when_a_side_is_empty else ():
        counted &= np.bincount(people.frames, minlength=len(frames)) > 0
    annotated, predicted = (
        _per_sequence(frames, people.frames, people.present & counted[people.frames][:, None])
        for people in (frames.truth, frames.prediction)
    )
    sequences = len(frames.sequences)
    placeholders = np.bincount(frames.sequence_of[tracked & ~counted], minlength=sequences)[:, None]
    rows = matching.candidates
    cell = joint_key(frames.sequence_of[rows.frame], rows.joint)

    def total(weights: NDArray) -> NDArray:
        return np.bincount(cell, weights, sequences * len(JOINTS)).reshape(sequences, len(JOINTS))

    detections = total(matching.matched).astype(np.int64)
    matched_distance = total(rows.distance * matching.matched)
    return Counts(
        objects=annotated + placeholders,
        misses=annotated - detections + placeholders,
        switches=total(matching.switched).astype(np.int64),
        false_positives=predicted - detections + placeholders,
        detections=detections,
        distance_of_pairs=total(rows.distance),
        distance_of_events=total(rows.distance * (1 + matching.matched + matching.extra_rows)),
        distance_of_matches=matched_distance,
    )


def _per_sequence(frames: Frames, frame: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(S, 15) number of joints present in each sequence, of people in the frames given."""
    person, joint = np.nonzero(present)
    cell = joint_key(frames.sequence_of[frame[person]], joint)
    counts = np.bincount(cell, minlength=len(frames.sequences) * len(JOINTS))
    return counts.reshape(-1, len(JOINTS))


def tracking_scores(counts: Counts, protocol: Protocol) -> Tracking:
    """The measures of all sequences together, their events summed.

    With the official program's sum of distances MOTP is about 1 − twice the mean distance, and 0 for a joint
    without detections.
    """
    total = counts.total
    official = protocol.every_event_distance
    scores = tracking_ratios(
        total["objects"],
        total["detections"],
        total["switches"],
        total["false_positives"],
        total["distance_of_events" if official else "distance_of_matches"],
    )
    if official:
        scores.motp[total["detections"] == 0] = 0
    return scores


def tracking_ratios(
    objects: NDArray,
    detections: NDArray,
    switches: NDArray,
    false_positives: NDArray,
    distance: NDArray,
) -> Tracking:
    """MOTA = 1 − (misses + switches + false positives) / objects and the like, in percent.

    Objects that are not detected are misses; MOTP is 1 − distance / detections.

    Args:
        objects, detections, switches, false_positives: (15,) numbers of joints.
        distance: (15,) sum of distances in head sizes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(objects > 0, objects, np.nan)
        return Tracking(
            mota=100 * (1 - (objects - detections + switches + false_positives) / known),
            motp=100 * (1 - distance / np.where(detections > 0, detections, np.nan)),
            precision=100 * (detections / (detections + false_positives)),
            recall=100 * (detections / known),
        )


def refuse_single_frames(frames: Frames, protocol: Protocol) -> None:
    """The official program stops at a sequence with one evaluated frame; raises InputError that says so."""
    counts = np.bincount(frames.sequence_of, minlength=len(frames.sequences))
    if protocol.drops_last_frame and (counts == 1).any():
        name = frames.sequences[int(np.argmax(counts == 1))]
        raise InputError(
            f"{name}: only one evaluated frame; poseval leaves out each sequence's last one and stops where "
            "none remains (--protocol strict counts it, --ap-only needs no more)"
        )
