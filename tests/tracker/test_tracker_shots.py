"""Cuts are seen; camera movement, noise, flashes and fades are not taken for cuts."""

import cv2
import numpy as np
import pytest

from tracker.shots import ShotDetector, correlation


def scene(seed: int, height: int = 360, width: int = 640) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (12, 20), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def cut_between(first: np.ndarray, second: np.ndarray) -> bool:
    shots = ShotDetector()
    shots(first)
    return shots(second)


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 6)])
def test_another_scene_is_a_cut(seeds: tuple[int, int]) -> None:
    assert cut_between(scene(seeds[0]), scene(seeds[1]))


def test_the_first_picture_and_a_new_size_begin_a_shot() -> None:
    shots = ShotDetector()
    assert [shots(picture) for picture in (scene(1), scene(1), scene(1, 180, 320))] == [True, False, True]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: np.roll(p, (3, 8), (0, 1)),
        lambda p: cv2.convertScaleAbs(p, alpha=0.5),
        lambda p: cv2.convertScaleAbs(p, alpha=1.0, beta=60),
        lambda p: cv2.add(p, np.random.default_rng(0).integers(0, 60, p.shape, np.uint8)),
        lambda p: cv2.rectangle(p.copy(), (200, 60), (360, 340), 255, -1),
    ],
    ids=["pan", "fade", "flash", "noise", "somebody steps in"],
)
def test_change_within_a_shot_is_no_cut(change) -> None:
    assert not cut_between(scene(1), change(scene(1)))


def test_dark_noise_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    assert not cut_between(*(rng.integers(0, 4, (360, 640)).astype(np.uint8) for _ in range(2)))


def test_correlation_by_hand() -> None:
    ramp = np.arange(6.0).reshape(2, 3)
    assert correlation(ramp, 3 * ramp + 5) == pytest.approx(1)
    assert correlation(ramp, -ramp) == pytest.approx(-1)
    assert correlation(ramp, np.ones((2, 3))) == 0
