"""The Kalman filter on a box: it learns a steady walk, in seconds whatever the frame rate."""

import numpy as np
import pytest

from tracker.kalman import BoxFilter

WALK = np.array([60.0, 12.0, 60.0, 12.0])  # pixels a second


def box(time: float) -> np.ndarray:
    return np.array([100.0, 50, 180, 250]) + WALK * time


@pytest.mark.parametrize(
    "times", [np.arange(30) / 30, np.cumsum([0.02, 0.1, 0.03, 0.2] * 8)], ids=["even", "uneven"]
)
def test_a_steady_walk_is_carried_on(times: np.ndarray) -> None:
    start = float(times[0])
    tracked = BoxFilter(box(start), start)
    for time in times[1:]:
        tracked.predict(float(time))
        tracked.update(box(float(time)))
    later = float(times[-1]) + 0.4
    np.testing.assert_allclose(tracked.predict(later), box(later), atol=4)


def test_noise_is_smoothed() -> None:
    rng = np.random.default_rng(0)
    tracked, errors, noises = BoxFilter(box(0.0), 0.0), [], []
    for time in np.arange(1, 90) / 30:
        noise = rng.normal(0, 8, 4)
        tracked.predict(float(time))
        tracked.update(box(float(time)) + noise)
        errors.append(np.abs(tracked.box - box(float(time))).mean())
        noises.append(np.abs(noise).mean())
    assert np.mean(errors[30:]) < 0.6 * np.mean(noises[30:])


def test_time_that_stands_still_or_runs_back_changes_nothing() -> None:
    tracked = BoxFilter(box(1.0), 1.0)
    np.testing.assert_allclose(tracked.predict(1.0), box(1.0))
    np.testing.assert_allclose(tracked.predict(0.5), box(1.0))


def test_a_box_never_turns_inside_out() -> None:
    tracked = BoxFilter(np.array([0.0, 0, 100, 100]), 0.0)
    for i, size in enumerate((60, 30, 10), 1):
        tracked.predict(i / 30)
        tracked.update(np.array([0.0, 0, size, size]))
    left, top, right, bottom = tracked.predict(5.0)
    assert right > left
    assert bottom > top
