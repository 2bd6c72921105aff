"""Optical flow at points, on pictures that are moved by a known amount."""

import cv2
import numpy as np
import pytest

from tracker.flow import SmallView, create_flow, small_view


def texture(height: int = 360, width: int = 640, seed: int = 0) -> np.ndarray:
    """Smooth random blobs: something to hold on to everywhere."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def shifted(image: np.ndarray, x: float, y: float) -> np.ndarray:
    return cv2.warpAffine(image, np.array([[1, 0, x], [0, 1, y]], float), image.shape[1::-1])


POINTS = np.array([[100.0, 80], [320, 180], [500, 300], [101, 80.5], [100, 80]], np.float32)


@pytest.mark.parametrize("name", ["lk", "dis"])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("step", [(0.0, 0.0), (6.0, -4.0), (-13.5, 7.25)])
def test_points_follow_the_picture(name: str, scale: int, step: tuple[float, float]) -> None:
    image = texture(360 * scale, 640 * scale)
    before, after = small_view(image), small_view(shifted(image, *step))
    moved, found = create_flow(name)(before, after, POINTS * scale)
    assert found.all()
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved - POINTS * scale, np.tile(step, (5, 1)), atol=0.6 * scale)


@pytest.mark.parametrize("name", ["lk", "dis"])
def test_points_that_cannot_be_followed_are_not_found(name: str) -> None:
    flow = create_flow(name)
    before = small_view(texture())
    points = np.array([[-5.0, 20], [630, 180], [320, 180], [700, 500]], np.float32)
    _, found = flow(before, small_view(shifted(texture(), 16, 0)), points)
    assert found.tolist() == [False, False, True, False]  # outside, leaves the picture, stays, outside
    _, found = flow(before, small_view(texture(seed=9)), POINTS)
    assert found.sum() <= 1  # another picture altogether


@pytest.mark.parametrize("name", ["lk", "dis"])
@pytest.mark.parametrize("shape", [(360, 640), (20, 30), (3, 5)])
def test_no_points_and_small_pictures(name: str, shape: tuple[int, int]) -> None:
    view = small_view(np.zeros((*shape, 3), np.uint8))
    moved, found = create_flow(name)(view, view, np.zeros((0, 2), np.float32))
    assert moved.shape == (0, 2)
    assert found.shape == (0,)
    moved, found = create_flow(name)(view, view, np.ones((1, 2), np.float32))
    assert np.isfinite(moved[found]).all()


@pytest.mark.parametrize(
    ("shape", "small"),
    [
        ((720, 1280), (360, 640)),
        ((2160, 3840), (360, 640)),
        ((240, 320), (240, 320)),
        ((1921, 1081), (640, 360)),
    ],
)
def test_the_view_is_small(shape: tuple[int, int], small: tuple[int, int]) -> None:
    view = small_view(np.zeros((*shape, 3), np.uint8))
    assert isinstance(view, SmallView)
    assert view.grey.shape == small
    np.testing.assert_allclose(view.scale, (small[1] / shape[1], small[0] / shape[0]))
