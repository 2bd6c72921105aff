"""The paper's four similarities on people whose answer can be worked out by hand."""

import numpy as np
import pytest

from tracker.similarity import pose_similarity, similarity_to_people
from tracker.types import Poses, concatenate

SIGMAS = (0.1, 0.1)


def person(track_id: int, x: float, scores: tuple[float, float] = (1.0, 1.0)) -> Poses:
    """A 100×100 box at x; two joints, 20 and 80 pixels from its left."""
    return Poses(
        np.array([[[x + 20, 50], [x + 80, 50]]], np.float32),
        np.array([scores], np.float32),
        np.array([[x, 0, x + 100, 100]], np.float32),
        np.ones(1, np.float32),
        np.array([track_id]),
    )


def oks_at(distance: float) -> float:
    """Both joints off by the distance, area 100 × 100."""
    return float(np.exp(-(distance**2) / (2 * 100**2 * 0.2**2)))


def test_the_four_kinds() -> None:
    # person 7 walked right by 20 a frame; the flow carried the older pose to 15 off, the newer one to 10 off
    previous, current = person(7, 20.0), person(0, 40.0)
    newer, both = person(7, 50.0), concatenate((person(7, 25.0), person(7, 50.0)))
    expected = {
        "bbox": (newer, 80 / 120),
        "pose": (newer, oks_at(20)),
        "flow": (newer, oks_at(10)),
        "multi-flow": (both, oks_at(10)),
    }
    for kind, (carried, value) in expected.items():
        ids, similarity = similarity_to_people(kind, previous, carried, current, SIGMAS, 0.4)
        assert ids.tolist() == [7]
        assert similarity.item() == pytest.approx(value, abs=1e-6), kind


def test_multi_flow_remembers_who_was_hidden() -> None:
    # person 3 is in the older frame only; person 5 in both, best in the older
    older, newer = concatenate((person(5, 0.0), person(3, 300.0))), person(5, 30.0)
    current = concatenate((person(0, 0.0), person(0, 300.0)))
    carried = concatenate((older, newer))
    ids, similarity = similarity_to_people("multi-flow", newer, carried, current, SIGMAS, 0.4)
    assert ids.tolist() == [3, 5]
    np.testing.assert_allclose(similarity, [[0, 1], [1, 0]], atol=1e-6)
    ids, similarity = similarity_to_people("flow", newer, newer, current, SIGMAS, 0.4)
    assert ids.tolist() == [5]
    assert similarity[0, 0] == pytest.approx(oks_at(30), abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1.0, 1.0), (1.0, 1.0), oks_at(10)),
        ((1.0, 0.1), (1.0, 1.0), oks_at(10) / 2),  # one joint counts, of two that are too few already
        ((1.0, 0.1), (0.1, 1.0), 0.0),  # no joint in common
        ((0.4, 0.4), (0.4, 0.4), oks_at(10)),  # the threshold itself is enough
    ],
)
def test_joints_below_the_threshold_do_not_count(first: tuple, second: tuple, expected: float) -> None:
    value = pose_similarity(person(1, 0.0, first), person(2, 10.0, second), SIGMAS, 0.4)
    assert value.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["bbox", "pose", "flow", "multi-flow"])
def test_nobody_before_or_now(kind: str) -> None:
    nobody, someone = Poses.empty(2), person(1, 0.0)
    ids, similarity = similarity_to_people(kind, nobody, nobody, someone, SIGMAS, 0.4)
    assert ids.tolist() == []
    assert similarity.shape == (0, 1)
    ids, similarity = similarity_to_people(kind, someone, someone, nobody, SIGMAS, 0.4)
    assert similarity.shape == (1, 0)
