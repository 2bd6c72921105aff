"""Distances between predicted and annotated people, and who is taken for whom in average precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.frames import Frames
from evaluation.posetrack.regions import join
from models.errors import InputError

HIT_DISTANCE = 0.5
"""Distance in head sizes up to which a joint is correct."""


@dataclass(frozen=True)
class Pairs:
    """N pairs of a predicted and an annotated person of the same frame, by prediction, then by annotation.

    Attributes:
        prediction: (N,) row of the predicted person.
        truth: (N,) row of the annotated person.
        distances: (N, 15) between their joints in head sizes (0.6 × diagonal of the annotated head box);
            inf where either lacks the joint.
        hits: (N, 15) distance of at most 0.5.
    """

    prediction: NDArray[np.int64]
    truth: NDArray[np.int64]
    distances: NDArray[np.float64]
    hits: NDArray[np.bool_]


def pair_people(frames: Frames) -> Pairs:
    """All pairs of people who share a frame.

    Raises:
        InputError: an annotated person without ``bbox_head`` in a frame with predictions.
    """
    truth, prediction = frames.truth, frames.prediction
    p, g = join(prediction.frames, truth.frames, len(frames))
    head_sizes = truth.head_sizes[g]
    if np.isnan(head_sizes).any():
        person = g[int(np.argmax(np.isnan(head_sizes)))]
        name = frames.file_names[truth.frames[person]]
        raise InputError(
            f"frame {name}: an annotated person has no 'bbox_head', which distances are measured in"
        )
    offset = truth.keypoints[g]
    offset -= prediction.keypoints[p]
    offset *= offset
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.sqrt(offset[:, :, 0] + offset[:, :, 1]) / head_sizes[:, None]
    distances[~(truth.present[g] & prediction.present[p])] = np.inf
    return Pairs(p, g, distances, distances <= HIT_DISTANCE)


def best_pairs(pairs: Pairs, frames: Frames) -> NDArray[np.int64]:
    """Which pair counts for each predicted person in average precision, or −1 for a false positive.

    A prediction stands for the annotated person with whom it shares the largest part of the annotated joints
    (PCKh); of several predictions for the same person the one with the largest part is taken, the first in
    the file where they are equal. A prediction that loses its person gets no other.

    Returns:
        (P,) index into the pairs.
    """
    annotated = frames.truth.present.sum(1)
    pckh = pairs.hits.sum(1) / np.maximum(annotated[pairs.truth], 1)
    favourite = _first_best(pckh, pairs.prediction, len(frames.prediction))
    favourite = favourite[favourite >= 0]
    taken = _first_best(pckh[favourite], pairs.truth[favourite], len(frames.truth))
    winners = favourite[taken[taken >= 0]]
    winners = winners[pckh[winners] > 0]
    best = np.full(len(frames.prediction), -1)
    best[pairs.prediction[winners]] = winners
    return best


def _first_best(values: NDArray[np.float64], owners: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(count,) row with each owner's largest value, the first of equal ones; −1 for an owner without rows."""
    largest = np.full(count, -np.inf)
    np.maximum.at(largest, owners, values)
    rows = np.flatnonzero(values == largest[owners])[::-1]
    best = np.full(count, -1)
    best[owners[rows]] = rows
    return best
