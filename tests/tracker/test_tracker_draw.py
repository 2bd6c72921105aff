"""Drawing: people in their colours, nothing below the threshold, at any size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from models.keypoints import COCO
from tracker.draw import DrawOptions, Painter, id_colour, line_width
from tracker.types import Frame, FrameResult, Poses

# fmt: off
STANDING = np.array([
    (50, 10), (52, 8), (48, 8), (55, 10), (45, 10), (60, 25), (40, 25), (65, 45), (35, 45), (66, 62),
    (34, 62), (56, 60), (44, 60), (56, 82), (44, 82), (56, 100), (44, 100),
], np.float32)
# fmt: on


def result(
    *people: tuple[int, float, float],
    size: tuple[int, int] = (120, 200),
    time: Fraction = Fraction(0),
    score: float = 0.9,
) -> FrameResult:
    """People (id, x shift, scale) on a black frame."""
    n = len(people)
    points = np.array([STANDING * scale + (shift, 4) for _, shift, scale in people], np.float32).reshape(
        n, 17, 2
    )
    boxes = np.concatenate((points.min(1, initial=1e6), points.max(1, initial=0)), axis=1)
    poses = Poses(
        points,
        np.full((n, 17), score, np.float32),
        boxes.astype(np.float32),
        np.ones(n, np.float32),
        np.array([track_id for track_id, _, _ in people], np.int64),
    )
    no = np.zeros(n, bool)
    frame = Frame(0, time, np.zeros((*size, 3), np.uint8))
    return FrameResult(frame, poses, tentative=no, carried=no, detected=True, shot_change=False, seconds={})


def pixels_of(image: NDArray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - colour).max(axis=2) < 30).sum())


def test_each_person_has_a_colour_and_the_frame_stays_untouched() -> None:
    shown = result((1, 0, 1), (2, 90, 1))
    image = Painter(COCO)(shown)
    assert not shown.frame.image.any()
    for track_id in (1, 2):
        assert pixels_of(image, id_colour(track_id)) > 60


@pytest.mark.parametrize(
    ("options", "score", "drawn"),
    [
        (DrawOptions(ids=False), 0.9, True),
        (DrawOptions(ids=False), 0.39, False),
        (DrawOptions(ids=True), 0.39, True),
        (DrawOptions(ids=False, boxes=True), 0.39, True),
        (DrawOptions(ids=False, joint_threshold=0.3), 0.39, True),
    ],
)
def test_what_is_drawn(options: DrawOptions, score: float, drawn: bool) -> None:
    assert Painter(COCO, options)(result((1, 0, 1), score=score)).any() == drawn


def test_one_unsure_joint_takes_its_limbs_along() -> None:
    shown = result((1, 0, 1))
    shown.poses.scores[0, COCO.index("left_ankle")] = 0.1
    image = Painter(COCO, DrawOptions(ids=False))(shown)
    assert not image[95:, 50:].any()
    assert image[95:, :50].any()


def test_trail_shows_the_way_of_two_seconds() -> None:
    painter = Painter(COCO, DrawOptions(ids=False, trails=True))
    plain = Painter(COCO, DrawOptions(ids=False))
    for step in range(8):
        shown = result((1, 5 * step, 1), time=Fraction(step, 2))
        image = painter(shown)
    way = np.flatnonzero((image != plain(shown)).any(axis=(0, 2)))
    assert way.max() - way.min() == pytest.approx(4 * 5, abs=6)  # the last four of seven steps
    assert not painter(result(time=Fraction(4))).any()  # whoever is gone leaves no lines behind
    assert (painter(result((1, 90, 1), time=Fraction(99))) == plain(result((1, 90, 1)))).mean() > 0.999


def test_a_frame_drawn_again_makes_no_trail_longer() -> None:
    painter = Painter(COCO, DrawOptions(trails=True))
    for _ in range(3):
        painter(result((1, 0, 1)))
    assert len(painter._trails[1]) == 1


@pytest.mark.parametrize(("size", "scale"), [((24, 32), 0.2), ((180, 320), 1.0), ((2160, 3840), 18.0)])
def test_labels_stay_in_the_picture(size: tuple[int, int], scale: float) -> None:
    """People who stand out of the frame on every side do not break the drawing."""
    shown = result((1, -60 * scale, scale), (22, size[1] - 20, scale), (333, 1e7, scale), size=size)
    assert Painter(COCO, DrawOptions(boxes=True, trails=True))(shown).any()


def test_nobody() -> None:
    assert not Painter(COCO, DrawOptions(True, True, True))(result()).any()


def test_neighbouring_ids_differ() -> None:
    colours = np.array([id_colour(i) for i in range(1, 200)], float)
    assert len(np.unique(colours, axis=0)) > 180
    for step in (1, 2, 3, 4):
        assert np.abs(colours[step:] - colours[:-step]).max(axis=1).min() > 40


@pytest.mark.parametrize(
    ("frame", "person", "low", "high"),
    [((180, 320), 100, 1, 1), ((720, 1280), 300, 2, 4), ((2160, 3840), 1500, 7, 12)],
)
def test_lines_grow_with_frame_and_person(frame: tuple[int, int], person: float, low: int, high: int) -> None:
    assert low <= line_width(frame, person) <= high
    assert line_width(frame, 20) == 1
