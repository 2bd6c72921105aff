"""Where may people be? The detector's boxes united with those of people carried along (paper, 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.oks import suppress
from tracker.nms import box_iou
from tracker.options import TrackerOptions
from tracker.propagation import LEAST_JOINTS, joint_boxes
from tracker.similarity import pose_similarity
from tracker.types import Poses

SUPPORT = 0.5  # part of the box threshold with which a detection still confirms somebody who is known
DOUBT = 0.9  # factor on the score of a person carried along where the detector looked and did not confirm it


@dataclass(frozen=True)
class Proposals:
    """N boxes for the pose network.

    Attributes:
        windows: (N, 4) float32 boxes that the crops are made of: left, top, right, bottom in pixels.
        boxes: (N, 4) float32 boxes of the whole person, which the results show.
        scores: (N,) float32 box scores.
        track_ids: (N,) int64 who was carried here, 0 for boxes of the detector.
        certain: (N,) bool, from the detector, or not doubted by it: they need show no joints.
    """

    windows: NDArray[np.float32]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    track_ids: NDArray[np.int64]
    certain: NDArray[np.bool_]

    @classmethod
    def none(cls) -> Proposals:
        """No box."""
        return from_detector(np.zeros((0, 4)), np.zeros(0))

    def __getitem__(self, which: NDArray) -> Proposals:
        return Proposals(*(getattr(self, field.name)[which] for field in fields(self)))

    def at_least(self, options: TrackerOptions) -> Proposals:
        """Those with the score and the height that the options ask for; empty boxes go, too."""
        width, height = (self.boxes[:, 2:] - self.boxes[:, :2]).T
        big = (width > 0) & (height > 0) & (height >= options.min_height)
        return self[big & (self.scores >= options.box_threshold)]


def from_detector(boxes: NDArray, scores: NDArray) -> Proposals:
    """A detector's boxes (N, 4) and scores (N,)."""
    boxes = np.asarray(boxes, np.float32)
    n = len(boxes)
    scores = np.asarray(scores, np.float32)
    return Proposals(boxes, boxes, scores, np.zeros(n, np.int64), np.ones(n, bool))


def weakly_confirmed(people: Poses, detections: Proposals, options: TrackerOptions) -> NDArray[np.bool_]:
    """(N,) people who are where the detector has a box that is too weak to be somebody by itself."""
    low, high = SUPPORT * options.box_threshold, options.box_threshold
    weak = detections.boxes[(detections.scores >= low) & (detections.scores < high)]
    return box_iou(people.boxes, weak).max(axis=1, initial=0) > options.nms


def from_people(people: Poses, sure: NDArray[np.bool_], doubted: NDArray[np.bool_]) -> Proposals:
    """Boxes of people carried along: their sure joints' box, enlarged.

    Args:
        people: N people in the current frame.
        sure: (N, K) joints that count; a person with hardly any keeps the whole box.
        doubted: (N,) people whom the detector looked for in vain: they lose score and must show joints.
    """
    tight = joint_boxes(people.keypoints, sure)
    enough = (sure.sum(axis=1) >= LEAST_JOINTS) & (tight[:, 2:] - tight[:, :2] >= 1).all(axis=1)
    windows = np.where(enough[:, None], tight, people.boxes)
    scores = people.box_scores * np.where(doubted, np.float32(DOUBT), np.float32(1))
    return Proposals(windows, people.boxes, scores, people.track_ids, ~doubted)


def unite(detections: Proposals, people: Proposals, nms: float) -> Proposals:
    """Non-maximum suppression over both; a detection, being fresher, goes before a box carried along.

    Two proposals are of one person where their windows overlap by more than `nms`, or their whole boxes by
    more than halfway from `nms` to 1. The latter finds somebody of whom the flow has carried a few joints,
    and so a small window, but asks for more, as whole boxes of two people close together overlap, too.
    """
    pairs = ((getattr(detections, field.name), getattr(people, field.name)) for field in fields(Proposals))
    both = Proposals(*(np.concatenate(pair) for pair in pairs))
    same = box_iou(both.windows, both.windows) > nms
    same |= box_iou(both.boxes, both.boxes) > (1 + nms) / 2
    return both[suppress(same, both.scores + both.certain, 0)]


def distinct_poses(
    proposals: Proposals,
    keypoints: NDArray,
    scores: NDArray,
    sigmas: ArrayLike | None,
    options: TrackerOptions,
) -> Poses:
    """The poses worth tracking: OKS-NMS over all, and nobody who is neither certain nor shows joints.

    Args:
        proposals: N.
        keypoints: (N, K, 2) pixels.
        scores: (N, K).
        sigmas: K per-keypoint constants of OKS, or None.
        options: thresholds of joints and OKS.

    Returns:
        M ≤ N poses with the proposals' ids, best first: by box score times the mean score of the sure joints.
    """
    poses = Poses(
        np.asarray(keypoints, np.float32),
        np.asarray(scores, np.float32),
        proposals.boxes,
        proposals.scores,
        proposals.track_ids,
    )
    sure = poses.scores >= options.joint_threshold
    number = sure.sum(axis=1)
    shown = proposals.certain | (number >= LEAST_JOINTS)
    rank = poses.box_scores * (poses.scores * sure).sum(axis=1) / np.maximum(number, 1)
    poses, rank = poses[shown], rank[shown]
    return poses[
        suppress(pose_similarity(poses, poses, sigmas, options.joint_threshold), rank, options.oks_nms)
    ]
