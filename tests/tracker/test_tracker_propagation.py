"""Poses carried by flow, and the boxes made of them."""

import numpy as np
import pytest

from tracker.propagation import carry, joint_boxes, mostly_found
from tracker.types import Poses

NOTHING = np.full((4, 2), np.nan, np.float32)


def square(x: float = 0.0) -> Poses:
    """Four joints at the corners of a 100 × 100 square."""
    corners = np.array([[x, 0], [x + 100, 0], [x + 100, 100], [x, 100]], np.float32)
    return Poses(
        corners[None],
        np.ones((1, 4), np.float32),
        np.array([[x - 10, -10, x + 110, 110]], np.float32),
        np.ones(1, np.float32),
        np.ones(1, np.int64),
    )


def test_found_joints_go_their_way_and_the_rest_with_the_median() -> None:
    pose = square()
    moved = pose.keypoints + np.array([[[5, 1], [5, 1], [50, 1], [7, 7]]], np.float32)
    moved[0, 3] = np.nan  # not found: must not be looked at
    found = np.array([[True, True, True, False]])
    result = carry(pose, moved, found)
    assert result.keypoints[0].tolist() == [[5, 1], [105, 1], [150, 101], [5, 101]]
    assert result.boxes.tolist() == [[-5, -9, 115, 111]]
    assert result.keypoints.dtype == result.boxes.dtype == np.float32


def test_without_any_found_joint_a_person_drifts() -> None:
    pose, nowhere = square(), np.zeros((1, 4), bool)
    drifted = carry(pose, NOTHING[None], nowhere, np.array([[3.0, -2.0]]))
    np.testing.assert_allclose(drifted.keypoints, pose.keypoints + np.array((3, -2)))
    np.testing.assert_allclose(drifted.boxes, pose.boxes + np.array((3, -2, 3, -2)))
    np.testing.assert_allclose(carry(pose, NOTHING[None], nowhere).keypoints, pose.keypoints)


@pytest.mark.parametrize(
    ("found", "present", "expected"),
    [
        ([1, 1, 0, 0], [1, 1, 1, 1], True),
        ([1, 0, 0, 0], [1, 1, 1, 1], False),
        ([1, 1, 1, 1], [0, 0, 0, 0], False),
        ([0, 0, 1, 1], [1, 1, 0, 0], False),
        ([1, 0, 0, 0], [1, 0, 0, 0], True),
    ],
)
def test_who_is_followed_reliably(found: list[int], present: list[int], expected: bool) -> None:
    assert mostly_found(np.array([found], bool), np.array([present], bool)).tolist() == [expected]


def test_box_of_the_present_joints_grows_by_fifteen_percent() -> None:
    keypoints = square(200).keypoints
    everything = np.ones((1, 4), bool)
    np.testing.assert_allclose(joint_boxes(keypoints, everything), [[192.5, -7.5, 307.5, 107.5]])
    upper = np.array([[True, True, False, False]])
    np.testing.assert_allclose(joint_boxes(keypoints, upper), [[192.5, 0, 307.5, 0]])
    assert joint_boxes(keypoints, np.zeros((1, 4), bool)).tolist() == [[0, 0, 0, 0]]
    assert joint_boxes(np.zeros((0, 4, 2), np.float32), np.zeros((0, 4), bool)).shape == (0, 4)


def test_nobody_to_carry() -> None:
    nobody = Poses.empty(4)
    assert len(carry(nobody, nobody.keypoints, np.zeros((0, 4), bool))) == 0
