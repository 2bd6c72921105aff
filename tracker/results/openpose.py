"""OpenPose's output: a folder with a JSON file a frame, ``<stem>_000000000000_keypoints.json``.

People have the 25 keypoints of its BODY_25 model, x, y, score each; those that the network does not give are
0, 0, 0. Neck and middle of the hips are the middles of shoulders and hips where the network lacks them, as in
OpenPose's own training. ``person_id`` holds the track id.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from models.errors import InputError
from models.files import check_output
from models.keypoints import KeypointSet
from tracker.results.files import PartFile
from tracker.results.sink import RunInfo, stem_of
from tracker.types import FrameResult

# fmt: off
_BODY_25_NAMES = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel",
    "right_big_toe", "right_small_toe", "right_heel",
)
# fmt: on
BODY_25 = KeypointSet(
    "body_25",
    _BODY_25_NAMES,
    limbs=(),
    sigmas=None,
    weights=(1.0,) * 25,
)
_MIDDLES = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}


class OpenPoseResults:
    """Writes the folder's files, each whole or not at all."""

    def __init__(self, folder: Path, run: RunInfo) -> None:
        self._folder = folder
        self._run = run
        self._stem = stem_of(run.source.path)
        self._positions = BODY_25.positions_in(run.keypoints)
        self._begun = False

    def write(self, result: FrameResult) -> None:
        if not self._begun:
            for old in _frame_files(self._folder, self._stem):
                old.unlink()
            self._begun = True
        joints = self._joints(result)
        people = [
            {
                "person_id": [int(track)],
                "pose_keypoints_2d": np.round(values.astype(np.float64), 3).ravel().tolist(),
                **{f"{part}_keypoints_2d": [] for part in ("face", "hand_left", "hand_right")},
                **{f"{part}_keypoints_3d": [] for part in ("pose", "face", "hand_left", "hand_right")},
            }
            for track, values in zip(result.poses.track_ids, joints, strict=True)
        ]
        file = PartFile(frame_file(self._folder, self._stem, result.frame.index))
        try:
            file.part.write_bytes(orjson.dumps({"version": 1.3, "people": people}))
        except OSError:
            file.discard()
            raise
        file.finish()

    def close(self, complete: bool = True) -> None:
        """Nothing is open between two frames."""

    def _joints(self, result: FrameResult) -> NDArray:
        """(N, 25, 3) x, y, score."""
        poses = result.poses
        known = np.concatenate((poses.keypoints, poses.scores[..., None]), axis=2)
        known[poses.scores < self._run.joint_threshold] = 0
        joints = np.zeros((len(poses), len(BODY_25), 3), np.float32)
        given = self._positions >= 0
        joints[:, given] = known[:, self._positions[given]]
        for name, pair in _MIDDLES.items():
            middle = BODY_25.index(name)
            if not given[middle]:
                ends = joints[:, [BODY_25.index(end) for end in pair]]
                both = (ends[..., 2] > 0).all(axis=1, keepdims=True)
                joints[:, middle] = ends.mean(axis=1) * both
        return joints


def check_folder(folder: Path, stem: str, overwrite: bool) -> None:
    """Raise InputError unless the folder of a video's files may and can be written."""
    check_output(frame_file(folder, stem, 0), overwrite=True)
    if not overwrite and _frame_files(folder, stem):
        raise InputError(f"'{folder}' holds results of '{stem}': add --overwrite, or give another folder")


def frame_file(folder: Path, stem: str, index: int) -> Path:
    """The file of a video's frame."""
    return folder / f"{stem}_{index:012d}_keypoints.json"


def _frame_files(folder: Path, stem: str) -> list[Path]:
    """A video's files that are there, without those of another whose name only begins likewise."""
    name = re.compile(re.escape(stem) + r"_\d{12,}_keypoints\.json")
    return [file for file in folder.glob("*_keypoints.json") if name.fullmatch(file.name)]
