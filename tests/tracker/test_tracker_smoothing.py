"""Smoothing: calm where nothing moves, no lag where something does, gaps filled and no longer ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tracker.smoothing import OneEuro, savitzky_golay
from tracker.types import Frame, FrameResult, Poses

NOBODY = Poses.empty(3)


def result(index: int, poses: Poses, cut: bool = False, rate: int = 30) -> FrameResult:
    no = np.zeros(len(poses), bool)
    return FrameResult(
        Frame(index, Fraction(index, rate), np.zeros((4, 4, 3), np.uint8)), poses, no, no, True, cut, {}
    )


def person(x: float, y: float = 50, track_id: int = 1, score: float = 0.9) -> Poses:
    points = np.array([[[x, y], [x, y + 50], [x, y + 100]]], np.float32)
    box = np.array([[x - 20, y, x + 20, y + 100]], np.float32)
    return Poses(
        points, np.full((1, 3), score, np.float32), box, np.ones(1, np.float32), np.array([track_id])
    )


def xs(results: list[FrameResult]) -> np.ndarray:
    return np.array([r.poses.keypoints[0, 0, 0] for r in results])


def test_one_euro_holds_still_what_rests() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 200)
    smooth = xs([*map(OneEuro(), [result(i, person(100 + x)) for i, x in enumerate(noise)])])
    assert smooth[20:].std() < 0.5 * noise.std()


def test_one_euro_follows_what_moves() -> None:
    """At two heights of the person a second it lags by less than a tenth of the height."""
    path = [100 + 200 * i / 30 for i in range(60)]
    smooth = xs([*map(OneEuro(), [result(i, person(x)) for i, x in enumerate(path)])])
    assert np.abs(smooth - path)[10:].max() < 10


def test_one_euro_works_in_real_time_not_in_frames() -> None:
    """A live view that drops every other frame gets nearly the same poses in those it shows."""
    path = [100 + 30 * np.sin(i / 10) for i in range(120)]
    every = xs([*map(OneEuro(), [result(i, person(x)) for i, x in enumerate(path)])])
    other = xs([*map(OneEuro(), [result(i, person(x)) for i, x in enumerate(path) if i % 2 == 0])])
    assert np.abs(every[::2] - other).max() < 2.5


@pytest.mark.parametrize("change", ["id", "cut", "away", "unsure"])
def test_one_euro_does_not_drag_the_past_along(change: str) -> None:
    smoother = OneEuro()
    for i in range(10):
        smoother(result(i, person(100)))
    if change == "unsure":
        for i in range(10, 60):
            assert xs([smoother(result(i, person(100 + i, score=0.1)))]) == pytest.approx(100 + i)
    index = 12 if change in ("id", "cut") else 70
    after = result(index, person(300, track_id=2 if change == "id" else 1), cut=change == "cut")
    assert xs([smoother(after)]) == pytest.approx(300)


def test_savgol_keeps_parabolas_and_calms_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 80)
    path = 100 + 0.05 * (np.arange(80) - 40) ** 2
    exact = savitzky_golay([result(i, person(x)) for i, x in enumerate(path)])
    assert xs(exact) == pytest.approx(path, abs=1e-3)
    smooth = xs(savitzky_golay([result(i, person(x)) for i, x in enumerate(path + noise)]))
    assert (smooth - path).std() < 0.65 * noise.std()


def test_savgol_fills_short_gaps_only() -> None:
    away = {*range(10, 15), *range(30, 36)}
    frames = [result(i, NOBODY if i in away else person(100 + 2 * i)) for i in range(60)]
    smooth = savitzky_golay(frames, max_gap=5)
    assert [len(r.poses) for r in smooth] == [0 if 30 <= i < 36 else 1 for i in range(60)]
    filled = smooth[12]
    assert xs([filled]) == pytest.approx(124, abs=0.01)
    assert filled.poses.track_ids.tolist() == [1]
    assert len(filled.tentative) == len(filled.carried) == 1


def test_savgol_replaces_unsure_joints_on_the_way() -> None:
    frames = [result(i, person(100 + 2 * i)) for i in range(30)]
    for i in (7, 8):
        frames[i].poses.keypoints[0, 1], frames[i].poses.scores[0, 1] = (900, 900), 0.1
    smooth = savitzky_golay(frames)
    assert smooth[7].poses.keypoints[0, 1] == pytest.approx([114, 100], abs=0.01)
    assert smooth[7].poses.scores[0, 1] == pytest.approx(0.9)


def test_savgol_keeps_people_apart_and_in_order() -> None:
    def both(i: int) -> Poses:
        a, b = person(100 + i, track_id=2), person(400 - i, track_id=1)
        return Poses(*(np.concatenate((getattr(a, f), getattr(b, f))) for f in Poses.__dataclass_fields__))

    smooth = savitzky_golay([result(i, both(i)) for i in range(20)])
    assert all(r.poses.track_ids.tolist() == [1, 2] for r in smooth)
    assert [r.poses.keypoints[0, 0, 0] for r in smooth] == pytest.approx(
        [400 - i for i in range(20)], abs=0.01
    )


def test_savgol_of_little() -> None:
    assert savitzky_golay([]) == []
    short = [result(i, person(100 + 7 * (i % 2))) for i in range(4)]
    assert xs(savitzky_golay(short)) == pytest.approx(xs(short))
    empty = [result(0, NOBODY)]
    assert savitzky_golay(empty)[0] is empty[0]
