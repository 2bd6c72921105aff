"""The people in mind: what their queue of poses holds."""

import numpy as np
import pytest

from tracker.options import TrackerOptions
from tracker.tracks import People
from tracker.types import Poses


def test_the_queue_holds_each_of_the_last_frames_once_where_the_flow_carried_it() -> None:
    step, start = np.float32(5), np.full((1, 2, 2), 50, np.float32)
    people, asked = People(TrackerOptions(queue=3), 2, None), []

    def flow(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(points)
        return points + step, np.ones(len(points), bool)

    for frame in range(6):
        people.carry(flow, frame / 30)
        keypoints = start + frame * step
        boxes = np.concatenate((keypoints[:, 0] - 40, keypoints[:, 0] + 40), axis=1)
        someone = Poses(
            keypoints, np.ones((1, 2), np.float32), boxes, np.ones(1, np.float32), np.zeros(1, int)
        )
        assert people.identify(someone, np.zeros((1, 1, 3), np.float32), frame / 30).track_ids.tolist() == [1]
    assert [len(points) // 2 for points in asked] == [0, 1, 2, 3, 3, 3]  # two joints in each of three frames
    for frame, points in enumerate(asked[1:]):
        np.testing.assert_allclose(points, 50 + frame * 5)


@pytest.mark.parametrize(
    ("box_score", "joints", "asked", "ids"),
    [
        (0.6, 3, 3, [1]),
        (0.6, 2, 3, []),  # hardly a pose
        (0.7, 0, 3, [1]),  # but the box is certain
        (0.6, 0, 0, [1]),  # not asked for, as in evaluation
        (0.5, 4, 3, []),  # too weak a box
        (0.6, 4, 9, [1]),  # all that there are
    ],
)
def test_somebody_new_needs_a_strong_box_and_a_few_joints(
    box_score: float, joints: int, asked: int, ids: list[int]
) -> None:
    people = People(TrackerOptions(new_track_joints=asked), 4, None)
    scores = np.where(np.arange(4) < joints, np.float32(0.9), np.float32(0.1))[None]
    keypoints = np.array([[(50, 50), (60, 60), (50, 70), (60, 80)]], np.float32)
    box = np.array([[40, 40, 70, 90]], np.float32)
    someone = Poses(keypoints, scores, box, np.full(1, box_score, np.float32), np.zeros(1, int))
    assert people.identify(someone, np.zeros((1, 1, 3), np.float32), 0.0).track_ids.tolist() == ids
