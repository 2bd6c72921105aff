"""Boxes for the network: the detector's united with those of people carried along; poses worth keeping."""

import numpy as np
import pytest

from tracker.options import TrackerOptions
from tracker.proposals import Proposals, distinct_poses, from_detector, from_people, unite, weakly_confirmed
from tracker.types import Poses

OPTIONS = TrackerOptions()
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


def people(*boxes: tuple[float, float, float, float], score: float = 0.8) -> Poses:
    """Four joints on the corners of each box."""
    table = np.array(boxes, np.float32).reshape(-1, 4)
    n = len(table)
    return Poses(
        table[:, None, :2] + CORNERS * (table[:, None, 2:] - table[:, None, :2]),
        np.ones((n, 4), np.float32),
        table,
        np.full(n, score, np.float32),
        np.arange(1, n + 1),
    )


def detections(*rows: tuple[float, float, float, float, float]) -> Proposals:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return from_detector(table[:, :4], table[:, 4])


def carried(poses: Poses, doubted: bool = False) -> Proposals:
    return from_people(poses, poses.scores > 0.4, np.full(len(poses), doubted))


def test_a_detection_replaces_the_carried_box_of_the_same_person() -> None:
    known = carried(people((0, 0, 100, 100), (300, 0, 400, 100)), doubted=True)
    united = unite(detections((2, 0, 102, 100, 0.6)), known, 0.5)
    assert united.certain.tolist() == [True, False]
    assert united.boxes.tolist() == [[2, 0, 102, 100], [300, 0, 400, 100]]
    np.testing.assert_allclose(united.windows[1], [292.5, -7.5, 407.5, 107.5])  # the joints' box, 15 % larger


def test_whom_the_detector_misses_loses_score_until_forgotten() -> None:
    pose, runs = people((0, 0, 100, 100), score=0.9), 0
    while len(known := carried(pose, doubted=True).at_least(OPTIONS).boxes):
        pose = people((0, 0, 100, 100), score=float(carried(pose, doubted=True).scores[0]))
        runs += 1
    assert len(known) == 0
    assert runs == 5  # 0.9 × 0.9⁵ is still above 0.5, 0.9 × 0.9⁶ is not


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ((0, 0, 100, 100, 0.3), True),  # too weak for a new person, enough for one who is known
        ((0, 0, 100, 100, 0.2), False),
        ((80, 0, 180, 100, 0.3), False),
        ((0, 0, 100, 100, 0.9), False),  # takes the person's place instead
    ],
)
def test_who_is_weakly_confirmed(detection: tuple, expected: bool) -> None:
    known = people((0, 0, 100, 100))
    assert weakly_confirmed(known, detections(detection), OPTIONS).tolist() == [expected]


def test_weak_low_and_empty_boxes_go() -> None:
    fine, weak, low = (0, 0, 50, 90, 0.5), (0, 0, 50, 90, 0.49), (0, 0, 50, 30, 0.9)
    boxes = detections(fine, weak, low, (0, 0, 0, 90, 0.9), (9, 9, 5, 5, 1))
    assert boxes.at_least(OPTIONS).scores.tolist() == pytest.approx([0.5, 0.9])
    assert boxes.at_least(TrackerOptions(min_height=40)).scores.tolist() == pytest.approx([0.5])


def test_a_person_with_hardly_any_sure_joint_keeps_the_whole_box() -> None:
    pose = people((0, 0, 100, 100))
    sure = np.array([[True, True, False, False]])
    assert from_people(pose, sure, np.zeros(1, bool)).windows.tolist() == [[0, 0, 100, 100]]


def test_one_pose_of_two_boxes_on_the_same_person_is_kept() -> None:
    pose = people((0, 0, 100, 100))
    both = detections((0, 0, 100, 100, 0.6), (0, 0, 100, 160, 0.9))
    kept = distinct_poses(both, np.repeat(pose.keypoints, 2, 0), np.ones((2, 4)), None, OPTIONS)
    assert kept.box_scores.tolist() == pytest.approx([0.9])


def test_without_joints_only_the_certain_are_kept() -> None:
    pose = people((0, 0, 100, 100))
    nothing = np.full((1, 4), 0.1)
    assert len(distinct_poses(detections((0, 0, 100, 100, 0.9)), pose.keypoints, nothing, None, OPTIONS)) == 1
    assert len(distinct_poses(carried(pose), pose.keypoints, nothing, None, OPTIONS)) == 1
    assert len(distinct_poses(carried(pose, True), pose.keypoints, nothing, None, OPTIONS)) == 0
    assert len(distinct_poses(carried(pose, True), pose.keypoints, np.ones((1, 4)), None, OPTIONS)) == 1


def test_nobody() -> None:
    nobody = unite(Proposals.none(), carried(Poses.empty(4)), 0.5)
    assert nobody.boxes.shape == nobody.windows.shape == (0, 4)
    assert len(distinct_poses(nobody, np.zeros((0, 4, 2)), np.zeros((0, 4)), None, OPTIONS)) == 0
