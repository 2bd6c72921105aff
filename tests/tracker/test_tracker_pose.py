"""The keypoint stage: crops, flip test and the way back to the image, with an engine that is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.description import PoseDescription
from models.keypoints import COCO
from tracker.pose import MAX_BATCH, PoseStage

SIZE = (256, 192)


class BrightestSpot:
    """Stands for a network: every keypoint's heat map is the crop's brightness, at heat-map resolution."""

    def __init__(self, description: PoseDescription) -> None:
        self.description = description
        self.batches: list[int] = []

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(crops))
        height, width = self.description.heatmap_size
        maps = np.zeros((len(crops), len(COCO), height, width), np.float32)
        for crop, target in zip(crops, maps, strict=True):
            brightness = cv2.GaussianBlur(crop.max(axis=2), (0, 0), 6).astype(np.float32) / 255
            target[:] = cv2.resize(brightness, (width, height), interpolation=cv2.INTER_AREA)
        return maps


def spots(points: NDArray, height: int = 480, width: int = 640) -> NDArray[np.uint8]:
    image = np.zeros((height, width, 3), np.uint8)
    for x, y in points:
        cv2.circle(image, (int(x), int(y)), 7, (255, 255, 255), -1, cv2.LINE_AA)
    return image


def description(half_pixel: bool = True) -> PoseDescription:
    return PoseDescription("spot", COCO, SIZE, half_pixel=half_pixel, flip_shift=not half_pixel)


POINTS = np.array([[100.0, 150], [400, 200], [300, 400]])
BOXES = np.concatenate((POINTS - (60, 90), POINTS + (50, 80)), axis=1).astype(np.float32)  # noqa: RUF005


@pytest.mark.parametrize("half_pixel", [True, False])
@pytest.mark.parametrize("flip", [False, True])
def test_points_come_back_to_the_image(half_pixel: bool, flip: bool) -> None:
    stage = PoseStage(BrightestSpot(description(half_pixel)), flip_test=flip)  # type: ignore[arg-type]
    found, scores = stage(spots(POINTS), BOXES)
    assert found.shape == (3, 17, 2)
    assert scores.shape == (3, 17)
    assert found.dtype == scores.dtype == np.float32
    # a cell is about 4 pixels of these boxes; without half pixels the mean over a cell lies off its origin
    np.testing.assert_allclose(found, np.repeat(POINTS[:, None], 17, axis=1), atol=1.5 if half_pixel else 3)


def test_crowds_go_through_in_batches_and_give_the_same() -> None:
    engine = BrightestSpot(description())
    stage = PoseStage(engine)  # type: ignore[arg-type]
    image = spots(POINTS)
    many = np.tile(BOXES, (MAX_BATCH, 1))
    found, _ = stage(image, many)
    assert engine.batches == [MAX_BATCH] * 3
    alone, _ = stage(image, BOXES)
    np.testing.assert_array_equal(found[-3:], alone)


def test_nobody() -> None:
    engine = BrightestSpot(description())
    found, scores = PoseStage(engine)(spots(POINTS), np.zeros((0, 4)))  # type: ignore[arg-type]
    assert found.shape == (0, 17, 2)
    assert scores.shape == (0, 17)
    assert engine.batches == []


def test_boxes_far_outside_and_of_one_pixel_do_no_harm() -> None:
    boxes = np.array([[-500, -500, -400, -300], [10, 10, 11, 11], [-1e4, -1e4, 1e4, 1e4]], np.float32)
    found, _ = PoseStage(BrightestSpot(description()))(spots(POINTS), boxes)  # type: ignore[arg-type]
    assert np.isfinite(found).all()


def test_times_are_told() -> None:
    stage = PoseStage(BrightestSpot(description()))  # type: ignore[arg-type]
    stage(spots(POINTS), BOXES)
    assert set(stage.seconds) == {"crop", "pose"}
    assert all(value > 0 for value in stage.seconds.values())
