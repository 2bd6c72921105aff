"""Object keypoint similarity and its suppressions: parity with the Microsoft code and MMPose."""

from pathlib import Path

import numpy as np
import pytest

from models.keypoints import COCO
from models.oks import joints_of_both, oks_matrix, suppress, suppress_softly

GROUPS = range(8)


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, np.ndarray]:
    return dict(np.load(shared / "reference/decode/oks_nms.npz"))


def matrix(cases: dict[str, np.ndarray], group: int, counted: np.ndarray | None = None) -> np.ndarray:
    points, areas = cases[f"g{group}_keypoints"][..., :2], cases[f"g{group}_area"]
    return oks_matrix(points, points, areas, areas, COCO.sigmas, counted)


@pytest.mark.parametrize("group", GROUPS)
def test_similarity_is_the_microsoft_codes(cases: dict[str, np.ndarray], group: int) -> None:
    np.testing.assert_allclose(matrix(cases, group), cases[f"g{group}_oks_matrix"], atol=1e-12)
    seen = cases[f"g{group}_keypoints"][..., 2] > 0.2
    # its threshold is "list(first) and list(second)", which is the second list
    with_slip = matrix(cases, group, seen[None])
    np.testing.assert_allclose(with_slip, cases[f"g{group}_oks_matrix_vis02"], atol=1e-12)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("group", GROUPS)
def test_suppression_keeps_what_the_microsoft_code_keeps(
    cases: dict[str, np.ndarray], group: int, threshold: float
) -> None:
    kept = suppress(matrix(cases, group), cases[f"g{group}_score"], threshold)
    assert kept.tolist() == cases[f"g{group}_keep_{threshold * 100:03.0f}"].tolist()


@pytest.mark.parametrize("threshold", [0.5, 0.9])
@pytest.mark.parametrize("group", GROUPS)
def test_soft_suppression_is_mmposes(
    cases: dict[str, np.ndarray], shared: Path, group: int, threshold: float
) -> None:
    expected = np.load(shared / "reference/decode/soft_oks_nms_mmpose.npz")
    kept = suppress_softly(matrix(cases, group), cases[f"g{group}_score"], threshold)
    assert kept.tolist() == expected[f"g{group}_soft_keep_{threshold * 100:03.0f}"].tolist()


def test_of_equal_scores_the_later_goes_first() -> None:
    scores, alike = np.array([0.5, 0.9, 0.5, 0.9]), np.ones((4, 4))
    assert suppress(alike, scores, 0.5).tolist() == [3]
    assert suppress(np.eye(4), scores, 0.5).tolist() == [3, 1, 2, 0]
    assert suppress_softly(alike, scores, 0.5, most=1).tolist() == [3]
    assert suppress_softly(np.eye(4), scores, 0.5, most=2).tolist() == [3, 1]
    hardly_alike = np.array([[1, 1e-5, 0], [1e-5, 1, 0], [0, 0, 1]])
    assert suppress_softly(hardly_alike, np.array([0.9, 0.5, 0.5]), 0.5).tolist() == [0, 1, 2]


def test_only_joints_that_both_have_count() -> None:
    points = np.zeros((1, 2, 2))
    moved = points + np.array([[0, 0], [1000, 0]])
    seen, half = np.array([[True, True]]), np.array([[True, False]])
    areas = np.array([100.0])
    both = joints_of_both(seen, half)
    assert oks_matrix(points, moved, areas, areas, (0.1, 0.1), both) == pytest.approx(1)
    assert oks_matrix(points, moved, areas, areas, (0.1, 0.1)) == pytest.approx(0.5)
    nothing = np.zeros((1, 1, 2), bool)
    assert oks_matrix(points, points, areas, areas, (0.1, 0.1), nothing) == 0


def test_value_by_hand() -> None:
    # one joint, distance 10, sigma 0.1, area 2500: exp(-100 / (2 * 2500 * 0.04))
    value = oks_matrix(
        np.zeros((1, 1, 2)), np.array([[[6.0, 8.0]]]), np.array([2000.0]), np.array([3000.0]), (0.1,)
    )
    assert value.item() == pytest.approx(np.exp(-0.5))


def test_nobody() -> None:
    nobody, no_areas = np.zeros((0, 17, 2)), np.zeros(0)
    assert oks_matrix(nobody, nobody, no_areas, no_areas, COCO.sigmas).shape == (0, 0)
    assert len(suppress(np.zeros((0, 0)), no_areas, 0.5)) == 0
    assert len(suppress_softly(np.zeros((0, 0)), no_areas, 0.5)) == 0
