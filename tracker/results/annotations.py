"""Files in the form of data sets, for evaluation and for annotation tools: PoseTrack18 and COCO.

PoseTrack18 (`--posetrack`): any video as its sequence 000001, with frame names
``images/val/000001_mpii_test/000000.jpg``, which poseval needs. Keypoints become PoseTrack18's by name; neck
and top of the head are inferred where the network does not give them (`models.conversion`). Joints below the
threshold are (0, 0, 0), since poseval takes (x, y, 0) for a joint that is there. ``scores`` holds every
joint's score.

COCO (`--coco`): images (``frame_index``, ``time`` in seconds), annotations (``keypoints`` x, y and 2, or
0, 0, 0 below the threshold, ``keypoint_scores``, ``bbox``, ``score``, ``track_id``) and the category with the
network's own keypoints. Every id counts from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from models.conversion import convert_keypoints
from models.keypoints import POSETRACK18, KeypointSet
from tracker.results.files import RecordFile
from tracker.results.sink import RunInfo, joint_rows, rounded, sizes
from tracker.types import FrameResult

Image = tuple[int, Fraction]  # a frame's index and time


class PoseTrackResults:
    """One sequence in PoseTrack18's format; raises InputError for keypoints that have none of its joints."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        nobody = np.zeros((0, len(run.keypoints), 2))
        convert_keypoints(nobody, nobody[..., 0], run.keypoints, POSETRACK18)
        self._run = run
        self._file = _AnnotationFile(path, _posetrack_images, POSETRACK18)

    def write(self, result: FrameResult) -> None:
        poses = result.poses
        points, scores = convert_keypoints(poses.keypoints, poses.scores, self._run.keypoints, POSETRACK18)
        joints = _present(points, scores, scores.clip(0, 1), self._run.joint_threshold)
        self._file.append(
            result,
            [
                {
                    "id": 0,
                    "image_id": _posetrack_id(result.frame.index),
                    "category_id": 1,
                    "track_id": int(poses.track_ids[i]),
                    "bbox": rounded(sizes(poses.boxes[i : i + 1])[0], 2),
                    "score": round(float(poses.box_scores[i]), 4),
                    "keypoints": joints[i],
                    "scores": rounded(scores[i], 4),
                }
                for i in range(len(poses))
            ],
        )

    def close(self, complete: bool = True) -> None:
        self._file.close()


class CocoResults:
    """A COCO keypoint file of the video's frames."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        self._run = run
        source = run.source

        def images(frames: list[Image]) -> list[dict[str, Any]]:
            return [
                {
                    "id": index + 1,
                    "file_name": f"{index:06d}.jpg",
                    "width": source.width,
                    "height": source.height,
                    "frame_index": index,
                    "time": round(float(moment), 6),
                }
                for index, moment in frames
            ]

        self._file = _AnnotationFile(path, images, run.keypoints)

    def write(self, result: FrameResult) -> None:
        poses = result.poses
        boxes = sizes(poses.boxes).astype(np.float64)
        joints = _present(poses.keypoints, poses.scores, 2, self._run.joint_threshold)
        self._file.append(
            result,
            [
                {
                    "id": 0,
                    "image_id": result.frame.index + 1,
                    "category_id": 1,
                    "track_id": int(poses.track_ids[i]),
                    "bbox": rounded(boxes[i], 2),
                    "area": round(float(boxes[i, 2] * boxes[i, 3]), 2),
                    "iscrowd": 0,
                    "score": round(float(poses.box_scores[i]), 4),
                    "num_keypoints": int((poses.scores[i] >= self._run.joint_threshold).sum()),
                    "keypoints": joints[i],
                    "keypoint_scores": rounded(poses.scores[i], 4),
                }
                for i in range(len(poses))
            ],
        )

    def close(self, complete: bool = True) -> None:
        self._file.close()


class _AnnotationFile:
    """``{"annotations": [...], "images": [...], "categories": [...]}``: the annotations as they come."""

    def __init__(
        self, path: Path, images: Callable[[list[Image]], list[dict[str, Any]]], keypoints: KeypointSet
    ) -> None:
        self._file = RecordFile(path, b'{"annotations": [\n')
        self._images = images
        self._frames: list[Image] = []
        self._keypoints = keypoints
        self._people = 0

    def append(self, result: FrameResult, people: list[dict[str, Any]]) -> None:
        records = []
        for person in people:
            self._people += 1
            person["id"] = self._people
            records.append(orjson.dumps(person))
        comma = b",\n" if self._people > len(people) and people else b""
        self._file.append(comma + b",\n".join(records))
        self._frames.append((result.frame.index, result.frame.time))

    def close(self) -> None:
        limbs = (self._keypoints.limb_index + 1).tolist()
        categories = [
            {
                "supercategory": "person",
                "id": 1,
                "name": "person",
                "keypoints": self._keypoints.names,
                "skeleton": limbs,
            }
        ]

        def tail(frames: int) -> bytes:
            images = orjson.dumps(self._images(self._frames[:frames]))
            return b'\n],\n"images": ' + images + b',\n"categories": ' + orjson.dumps(categories) + b"}\n"

        self._file.finish(tail)


def _posetrack_id(index: int) -> int:
    return 10_000_010_000 + index  # 1, the sequence in six digits, the frame in four


def _posetrack_images(frames: list[Image]) -> list[dict[str, Any]]:
    return [
        {
            "id": _posetrack_id(index),
            "frame_id": _posetrack_id(index),
            "file_name": f"images/val/000001_mpii_test/{index:06d}.jpg",
            "vid_id": "000001",
            "nframes": len(frames),
            "is_labeled": True,
            "has_no_densepose": True,
        }
        for index, _ in frames
    ]


def _present(points: np.ndarray, scores: np.ndarray, third: np.ndarray | float, threshold: float) -> list:
    """(N, K, 2) points → N lists x, y, third, x, …; 0, 0, 0 for joints below the threshold or not known."""
    joints = joint_rows(points, np.broadcast_to(third, scores.shape))
    for person, missing in zip(joints, (scores < threshold) | (scores <= 0), strict=True):
        for k in np.flatnonzero(missing):
            person[k] = [0, 0, 0]
    return [[number for joint in person for number in joint] for person in joints]
