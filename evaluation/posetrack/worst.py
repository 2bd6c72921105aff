"""Which frames go worst, and a drawing of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.joints import JOINTS, SCORED
from evaluation.posetrack.scoring import PoseTrackResult
from models.keypoints import POSETRACK18

_GREEN, _ORANGE = (90, 200, 60), (0, 140, 255)


def worst_frames(result: PoseTrackResult) -> list[tuple[int, int]]:
    """Every frame with its number of joints that are missed or false, the worst first."""
    samples, count = result.samples, len(result.frames)

    def per_frame(frames: NDArray[np.int64], joints: NDArray[np.bool_]) -> NDArray:
        return np.bincount(frames, joints.sum(1), count)

    annotated = per_frame(samples.truth_frames, samples.truth_present)
    right = per_frame(samples.frames, samples.correct)
    false = per_frame(samples.frames, samples.present & ~samples.correct)
    wrong = (annotated - right + false).astype(int)
    return [(frame, int(wrong[frame])) for frame in np.argsort(-wrong, kind="stable").tolist()]


def draw_frame(path: Path, frame: int, result: PoseTrackResult, width: int = 960) -> NDArray | None:
    """The image with annotated and predicted people, or None where it cannot be read.

    Args:
        path: the frame's image.
        frame: its position among the evaluated frames.
        result: whose people to draw.
        width: of the drawing in pixels.
    """
    import cv2

    image = cv2.imread(str(path))
    if image is None:
        return None
    scale = width / image.shape[1]
    image = cv2.resize(image, (width, round(image.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    limbs = [pair for pair in POSETRACK18.positions_in(SCORED)[POSETRACK18.limb_index] if (pair >= 0).all()]
    correct = result.samples.correct
    for people, colour in ((result.frames.truth, _GREEN), (result.frames.prediction, _ORANGE)):
        for person in np.flatnonzero(people.frames == frame):
            points = np.round(people.keypoints[person] * scale).astype(int)
            present = people.present[person]
            for a, b in limbs:
                if present[a] and present[b]:
                    cv2.line(image, points[a].tolist(), points[b].tolist(), colour, 2, cv2.LINE_AA)
            for joint in range(len(JOINTS)):
                if present[joint] and colour == _ORANGE and not correct[person, joint]:
                    cv2.circle(image, points[joint].tolist(), 6, colour, 2, cv2.LINE_AA)
    return image
