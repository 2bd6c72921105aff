"""Conversion between keypoint sets: names keep their joints; neck and head top are inferred."""

import numpy as np
import pytest

from models.conversion import convert_keypoints, inferred_keypoints
from models.errors import InputError
from models.keypoints import AIC, COCO, CROWDPOSE, JHMDB, KEYPOINT_SETS, MPII, POSETRACK18, KeypointSet


def upright() -> np.ndarray:
    """(1, 17, 2) a person who looks at the camera: head about 40 px, shoulders 100 px below the top."""
    person = np.zeros((1, 17, 2))
    for name, point in {
        "nose": (200, 80),
        "left_eye": (206, 74),
        "right_eye": (194, 74),
        "left_ear": (212, 77),
        "right_ear": (188, 77),
        "left_shoulder": (230, 115),
        "right_shoulder": (170, 115),
        "left_hip": (220, 200),
        "right_hip": (180, 200),
    }.items():
        person[0, COCO.index(name)] = point
    return person


def test_shared_joints_keep_place_and_score() -> None:
    rng = np.random.default_rng(0)
    keypoints, scores = rng.uniform(1, 100, (5, 17, 2)), rng.uniform(0.1, 1, (5, 17))
    points, confidences = convert_keypoints(keypoints, scores, COCO, POSETRACK18)
    for name in set(COCO.names) & set(POSETRACK18.names):
        np.testing.assert_allclose(
            points[:, POSETRACK18.index(name)], keypoints[:, COCO.index(name)], rtol=1e-6
        )
        np.testing.assert_allclose(
            confidences[:, POSETRACK18.index(name)], scores[:, COCO.index(name)], rtol=1e-6
        )


def test_neck_and_head_top_lie_where_they_belong() -> None:
    points, scores = convert_keypoints(upright(), np.full((1, 17), 0.8), COCO, POSETRACK18)
    bottom, top = (points[0, POSETRACK18.index(name)] for name in ("head_bottom", "head_top"))
    assert bottom[0] == pytest.approx(200)
    assert top[0] == pytest.approx(200)
    assert 95 < bottom[1] < 115  # between chin and shoulders
    assert 40 < top[1] < 70  # above the eyes
    assert scores[0, POSETRACK18.index("head_top")] == pytest.approx(0.8)


@pytest.mark.parametrize("target", [POSETRACK18, MPII, CROWDPOSE, AIC], ids=lambda target: target.name)
def test_conversion_turns_moves_and_scales_with_the_person(target: KeypointSet) -> None:
    scores = np.ones((1, 17))
    turn = 1.7 * np.array([[np.cos(0.6), np.sin(0.6)], [-np.sin(0.6), np.cos(0.6)]])
    shift = np.array([30.0, -12.0])
    plain, known = convert_keypoints(upright(), scores, COCO, target)
    moved, _ = convert_keypoints(upright() @ turn + shift, scores, COCO, target)
    np.testing.assert_allclose(moved[known > 0], (plain @ turn + shift)[known > 0], atol=1e-3)


def test_unknown_joints_fall_back_and_then_stay_unknown() -> None:
    scores = np.ones((3, 17))
    scores[1, [COCO.index("left_ear"), COCO.index("right_ear")]] = 0
    scores[2, COCO.index("left_shoulder")] = 0
    points, confidences = convert_keypoints(np.repeat(upright(), 3, 0), scores, COCO, POSETRACK18)
    top = POSETRACK18.index("head_top")
    assert (confidences[:, top] > 0).tolist() == [True, True, False]
    assert points[2, top].tolist() == [0, 0]
    assert points[1, top, 1] < 80


def test_inferred_joints_are_named() -> None:
    assert inferred_keypoints(COCO, POSETRACK18) == ("head_bottom", "head_top")
    assert inferred_keypoints(COCO, MPII) == ("upper_neck", "head_top")
    assert inferred_keypoints(MPII, POSETRACK18) == ()  # MPII has both under its own names


@pytest.mark.parametrize("name", sorted(KEYPOINT_SETS))
def test_same_set_is_unchanged_and_nobody_is_fine(name: str) -> None:
    keypoints = KEYPOINT_SETS[name]
    points, scores = convert_keypoints(
        np.zeros((0, len(keypoints), 2)), np.zeros((0, len(keypoints))), keypoints, keypoints
    )
    assert points.shape == (0, len(keypoints), 2)
    assert scores.shape == (0, len(keypoints))


def test_sets_without_a_common_joint_are_refused() -> None:
    hand = KeypointSet("hand", ("thumb",), (), None, (1.0,))
    with pytest.raises(InputError, match="no joint in common"):
        convert_keypoints(np.zeros((1, 15, 2)), np.zeros((1, 15)), JHMDB, hand)
