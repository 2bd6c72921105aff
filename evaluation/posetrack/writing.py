"""Writes sequences as PoseTrack18 files, which the official program and server take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.joints import JOINTS, SCORED
from evaluation.posetrack.sequences import PoseSequence
from models.keypoints import POSETRACK18

Json = dict[str, Any]


def posetrack18(sequence: PoseSequence) -> Json:
    """The sequence in PoseTrack18's form, 17 keypoints with the ears (0, 0, 0).

    A head box keeps its size; its place, which nothing depends on, is around the head's joints.
    """
    images = []
    for frame, (frame_id, name) in enumerate(zip(sequence.frame_ids, sequence.file_names, strict=True)):
        image: Json = {
            "id": frame_id,
            "frame_id": frame_id,
            "file_name": name,
            "vid_id": sequence.name.split("_")[0],
            "nframes": len(sequence),
            "is_labeled": bool(sequence.labelled[frame]),
            "has_no_densepose": True,
        }
        if frame in sequence.ignore_regions:
            for axis, letter in enumerate("xy"):
                image[f"ignore_regions_{letter}"] = [
                    r[:, axis].tolist() for r in sequence.ignore_regions[frame]
                ]
        images.append(image)
    positions = POSETRACK18.positions_in(SCORED)
    limbs = (POSETRACK18.limb_index + 1).tolist()
    category = {"id": 1, "name": "person", "supercategory": "person", "skeleton": limbs}
    return {
        "images": images,
        "annotations": [_person18(sequence, person, positions) for person in range(len(sequence.people))],
        "categories": [category | {"keypoints": list(POSETRACK18.names)}],
    }


def _person18(sequence: PoseSequence, person: int, positions: NDArray[np.intp]) -> Json:
    people = sequence.people
    joints = np.zeros((len(JOINTS), 3))
    present = people.present[person]
    joints[present, :2], joints[present, 2] = people.keypoints[person, present], 1
    ordered = np.where((positions >= 0)[:, None], joints[positions], 0)
    annotation: Json = {
        "id": person + 1,
        "image_id": sequence.frame_ids[people.frames[person]],
        "category_id": 1,
        "track_id": int(people.track_ids[person]),
        "keypoints": ordered.reshape(-1).tolist(),
        "scores": np.where(positions >= 0, people.scores[person, positions], 0).tolist(),
    }
    if present.any():
        low, high = joints[present, :2].min(0), joints[present, :2].max(0)
        annotation["bbox"] = [*low.tolist(), *(high - low).tolist()]
    if not math.isnan(people.head_sizes[person]):
        annotation["bbox_head"] = _head_box(float(people.head_sizes[person]), joints)
    if not math.isnan(people.box_scores[person]):
        annotation["score"] = float(people.box_scores[person])
    return annotation


def _head_box(size: float, joints: NDArray[np.float64]) -> list[float]:
    """A square whose diagonal is the head size / 0.6, around the head's joints."""
    side = size / 0.6 / math.sqrt(2)
    head = joints[[JOINTS.index("head_top"), JOINTS.index("head_bottom")]]
    middle = head[head[:, 2] > 0, :2].mean(0) if head[:, 2].any() else np.zeros(2)
    return [*(middle - side / 2).tolist(), side, side]
