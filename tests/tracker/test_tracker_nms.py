"""Overlap of boxes and suppression of duplicates."""

from pathlib import Path

import numpy as np
import pytest

from tracker.nms import box_iou, box_nms


@pytest.mark.parametrize("threshold", [0.3, 0.5])
@pytest.mark.parametrize("group", range(8))
def test_inclusive_suppression_is_the_microsoft_codes(shared: Path, group: int, threshold: float) -> None:
    cases = np.load(shared / "reference/decode/oks_nms.npz")
    boxes = cases[f"g{group}_boxes"]
    kept = box_nms(boxes[:, :4], boxes[:, 4], threshold, inclusive=True)
    assert kept.tolist() == cases[f"g{group}_boxkeep_{threshold * 100:03.0f}"].tolist()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0, 0, 10, 10), 1.0),
        ((5, 0, 15, 10), 1 / 3),
        ((10, 0, 20, 10), 0.0),
        ((2, 2, 4, 4), 0.04),
        ((7, 7, 3, 3), 0.0),
    ],
)
def test_overlap_by_hand(other: tuple[float, ...], expected: float) -> None:
    value = box_iou(np.array([[0.0, 0, 10, 10]]), np.array([other], float))
    assert value.item() == pytest.approx(expected)


def test_empty_boxes_do_not_overlap() -> None:
    point = np.zeros((1, 4), np.float32)
    assert box_iou(point, point).item() == 0
    assert box_iou(np.zeros((0, 4)), point).shape == (0, 1)
    assert len(box_nms(np.zeros((0, 4)), np.zeros(0), 0.5)) == 0
