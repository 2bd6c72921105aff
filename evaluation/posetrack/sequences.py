"""People of one sequence, or of all together, as flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.joints import JOINTS, joint_key


@dataclass(frozen=True)
class People:
    """P people in frames, ordered by frame and, within a frame, as in the file.

    Attributes:
        frames: (P,) position of each person's frame.
        track_ids: (P,) id of the person, unique within a sequence.
        keypoints: (P, 15, 2) x, y in pixels, in the order of ``JOINTS``; 0 where not present.
        present: (P, 15) whether the joint was annotated or predicted.
        scores: (P, 15) confidence of each joint.
        head_sizes: (P,) 0.6 × diagonal of the head box in pixels; NaN where there is none.
        heights: (P,) height in pixels of the box of the joints.
        box_scores: (P,) confidence of the person; NaN where there is none.
    """

    frames: NDArray[np.int64]
    track_ids: NDArray[np.int64]
    keypoints: NDArray[np.float64]
    present: NDArray[np.bool_]
    scores: NDArray[np.float64]
    head_sizes: NDArray[np.float64]
    heights: NDArray[np.float64]
    box_scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, people: NDArray | slice) -> People:
        return People(*(getattr(self, part.name)[people] for part in fields(self)))

    @classmethod
    def empty(cls) -> People:
        """Nobody."""
        none = np.zeros(0)
        index = np.zeros(0, np.int64)
        joints = (0, len(JOINTS))
        return cls(
            index, index, np.zeros((*joints, 2)), np.zeros(joints, bool), np.zeros(joints), none, none, none
        )

    @classmethod
    def concatenate(cls, parts: Sequence[People]) -> People:
        """All people of several groups, one after the other."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(p, part.name) for p in parts]) for part in fields(cls)))

    def track_lengths(self) -> NDArray[np.int64]:
        """(tracks · 15,) frames in which each joint of each track is present; track ids must have no gaps."""
        keys = joint_key(self.track_ids[:, None], np.arange(len(JOINTS)))
        tracks = self.track_ids.max(initial=-1) + 1
        return np.bincount(keys[self.present], minlength=tracks * len(JOINTS))


Polygon = NDArray[np.float64]
"""(V, 2) corners in pixels."""


@dataclass(frozen=True)
class PoseSequence:
    """One sequence of one side: ground truth or prediction.

    Attributes:
        name: name of the file without its ending.
        file_names: the image of each frame; its length is the number of frames.
        frame_ids: the frames' ids as the file gives them.
        labelled: (F,) whether the file calls the frame annotated.
        annotated: (F,) whether the file lists a person there, even one without joints.
        people: everybody, by frame.
        ignore_regions: frame → polygons in which nothing counts.
        notes: what a user should know about how the file was read.
    """

    name: str
    file_names: tuple[str, ...]
    frame_ids: tuple[int | str, ...]
    labelled: NDArray[np.bool_]
    annotated: NDArray[np.bool_]
    people: People
    ignore_regions: dict[int, list[Polygon]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.file_names)
