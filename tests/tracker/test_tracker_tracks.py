"""The people in mind: what their queue of poses holds."""

import numpy as np

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
