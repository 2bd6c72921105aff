"""How alike is a pose to people seen earlier? The paper's four similarities (section 3.3).

=============  =======================================================================================
``bbox``       intersection over union with the box in the previous frame
``pose``       object keypoint similarity (OKS) with the pose in the previous frame
``flow``       OKS with the previous frame's pose carried to this frame by optical flow
``multi-flow`` the highest OKS with any of the queued frames' poses, each carried frame by frame
=============  =======================================================================================

A joint counts for the OKS of two poses only where both have it with a score of at least the joint threshold.
Two poses with fewer than `ENOUGH_JOINTS` in common are alike in proportion to their number only, as one joint
in the same place says little. The scale is the mean of the two boxes' areas.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.oks import joints_of_both, oks_matrix
from tracker.nms import box_areas, box_iou
from tracker.types import Poses

ENOUGH_JOINTS = 3


def pose_similarity(
    first: Poses, second: Poses, sigmas: ArrayLike | None, joint_threshold: float
) -> NDArray[np.float64]:
    """(N, M) OKS of two groups of poses over the joints that both have; less where these are few."""
    counted = joints_of_both(first.scores >= joint_threshold, second.scores >= joint_threshold)
    areas = box_areas(first.boxes), box_areas(second.boxes)
    similarity = oks_matrix(first.keypoints, second.keypoints, *areas, sigmas, counted)
    return similarity * np.minimum(counted.sum(axis=2) / min(ENOUGH_JOINTS, first.scores.shape[1]), 1)


def similarity_to_people(
    kind: str,
    previous: Poses,
    carried: Poses,
    current: Poses,
    sigmas: ArrayLike | None,
    joint_threshold: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Compare the poses of this frame with the people of earlier frames.

    Args:
        kind: one of `tracker.options.SIMILARITIES`.
        previous: the previous frame's people where they were, with track ids.
        carried: the people of the previous frame (``flow``) or of all queued frames (``multi-flow``) carried
            to this frame.
        current: M poses of this frame.
        sigmas: K per-keypoint constants of OKS, or None.
        joint_threshold: joints below this score do not count.

    Returns:
        (T,) track ids in rising order, and (T, M) similarities, of each person's entries the best.
    """
    entries = carried if kind in ("flow", "multi-flow") else previous
    if kind == "bbox":
        values: NDArray = box_iou(entries.boxes, current.boxes)
    else:
        values = pose_similarity(entries, current, sigmas, joint_threshold)
    ids, row = np.unique(entries.track_ids, return_inverse=True)
    best = np.zeros((len(ids), len(current)))
    np.maximum.at(best, row, values)
    return ids, best
