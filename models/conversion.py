"""Poses of one keypoint set as another: by name, with neck and top of the head inferred where they lack.

COCO has eyes and ears where PoseTrack, MPII, CrowdPose and AIC have the neck (``head_bottom``) and the top
of the head. Taking one for the other is the commonest mistake in PoseTrack results. Here the two follow from
the joints around them by a linear rule: a weighted sum of midpoints whose weights add up to one, so that it
turns, moves and scales with the person.

The weights were fitted (least absolute distance) to people with all of these joints labelled in the Extended
Leeds Sports Poses, the hardest poses at hand. Distance from the label in head lengths (neck to top), median
and share below 0.5, on the same people:

    ============  =================  ================================================
    joint         rule               what else could stand in
    ============  =================  ================================================
    head_bottom   0.17, 96 %         left eye 0.64, 17 % · middle of shoulders 0.28, 87 %
    head_top      0.21, 91 %         right eye 0.50, 50 % · nose carried on 0.67, 35 %
    ============  =================  ================================================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.keypoints import KeypointSet

_SHOULDERS = ("left_shoulder", "right_shoulder")
_EYES = ("left_eye", "right_eye")
_EARS = ("left_ear", "right_ear")
_NOSE = ("nose",)

Rule = dict[tuple[str, ...], float]

# Target joint → rules, best first: weight of each midpoint. The first whose joints are all known is used.
_RULES: dict[str, tuple[Rule, ...]] = {
    "head_bottom": (
        {_SHOULDERS: 0.66, _NOSE: 0.15, _EARS: 0.19},
        {_SHOULDERS: 0.71, _NOSE: 0.29},
        {_SHOULDERS: 1.0},
    ),
    "head_top": (
        {_SHOULDERS: -0.26, _NOSE: -1.98, _EYES: 2.58, _EARS: 0.66},
        {_SHOULDERS: -0.66, _EARS: 1.66},
        {_SHOULDERS: -0.31, _NOSE: 1.31},
    ),
}
_INFERRED_AS = {"neck": "head_bottom", "upper_neck": "head_bottom", "top_head": "head_top"}


def convert_keypoints(
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    source: KeypointSet,
    target: KeypointSet,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Poses with the source's keypoints as poses with the target's.

    Args:
        keypoints: (N, K, 2) pixels, in the order of ``source``.
        scores: (N, K) confidence; a joint with a score of 0 or less counts as unknown.
        source: the set that the poses have.
        target: the set wanted.

    Returns:
        (N, T, 2) float32 pixels and (N, T) float32 scores. A joint that the source has keeps its place and
        score; an inferred one gets the mean score of the joints that it follows from; any other is (0, 0)
        with score 0.

    Raises:
        InputError: the sets have no joint in common.
    """
    if source == target:
        return keypoints.astype(np.float32), scores.astype(np.float32)
    positions = target.positions_in(source)
    shared = positions >= 0
    if not shared.any():
        raise InputError(f"keypoints of '{source.name}' cannot become '{target.name}': no joint in common")
    points = np.zeros((len(keypoints), len(target), 2), np.float64)
    confidences = np.zeros((len(keypoints), len(target)), np.float64)
    points[:, shared] = keypoints[:, positions[shared]]
    confidences[:, shared] = scores[:, positions[shared]]
    for joint in np.flatnonzero(~shared):
        name = _INFERRED_AS.get(target.names[joint], target.names[joint])
        if name in _RULES:
            points[:, joint], confidences[:, joint] = _infer(name, keypoints, scores, source)
    return points.astype(np.float32), confidences.astype(np.float32)


def inferred_keypoints(source: KeypointSet, target: KeypointSet) -> tuple[str, ...]:
    """Names of the target's keypoints that ``convert_keypoints`` infers, for notes beside a result."""
    missing = (target.names[i] for i in np.flatnonzero(target.positions_in(source) < 0))
    return tuple(
        name
        for name in missing
        if any(_joints(rule, source) is not None for rule in _RULES.get(_INFERRED_AS.get(name, name), ()))
    )


def _joints(rule: Rule, source: KeypointSet) -> list[int] | None:
    names = [name for part in rule for name in part]
    return [source.names.index(name) for name in names] if set(names) <= set(source.names) else None


def _infer(
    name: str, keypoints: NDArray[np.floating], scores: NDArray[np.floating], source: KeypointSet
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 2) places and (N,) scores of one joint, by the best rule that each person's known joints allow."""
    points, confidences = np.zeros((len(keypoints), 2)), np.zeros(len(keypoints))
    undone = np.ones(len(keypoints), bool)
    for rule in _RULES[name]:
        joints = _joints(rule, source)
        if joints is None:
            continue
        weights = [weight / len(part) for part, weight in rule.items() for _ in part]
        people = undone & (scores[:, joints] > 0).all(1)
        points[people] = np.einsum("njc,j->nc", keypoints[people][:, joints], weights)
        confidences[people] = scores[people][:, joints].mean(1)
        undone &= ~people
    return points, confidences
