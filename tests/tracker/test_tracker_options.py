"""Settings: the promised defaults, and one clear line for every wrong value."""

import re

import pytest

from models.errors import InputError
from tracker.options import PRESETS, TrackerOptions


def test_defaults() -> None:
    options = TrackerOptions()
    assert (options.similarity, options.queue, options.min_similarity) == ("multi-flow", 8, 0.2)
    assert (options.nms, options.box_threshold, options.joint_threshold) == (0.5, 0.5, 0.4)
    assert (options.detect_every, options.match, options.flow) == (3, "greedy", "lk")
    assert not options.write_carried


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("similarity", "iou", "wrong similarity 'iou': choose from bbox, pose, flow, multi-flow"),
        ("flow", "farneback", "wrong flow 'farneback': choose from lk, dis, raft"),
        ("match", "", "wrong match '': choose from greedy, hungarian"),
        ("nms", 1.5, "wrong nms '1.5': give a number from 0 to 1"),
        ("min_similarity", -0.1, "wrong min-similarity '-0.1': give a number from 0 to 1"),
        ("box_threshold", float("nan"), "wrong box-threshold 'nan': give a number from 0 to 1"),
        ("joint_threshold", 40, "wrong joint-threshold '40': give a number from 0 to 1"),
        ("queue", 0, "wrong queue '0': give a whole number from 1"),
        ("detect_every", 0, "wrong detect-every '0': give a whole number from 1"),
        ("max_people", 0, "wrong max-people '0': give a whole number from 1"),
        ("new_track_joints", -1, "wrong new-track-joints '-1': give a number from 0"),
        ("carry", -1.0, "wrong carry '-1.0': give a number from 0"),
        ("min_height", float("nan"), "wrong min-height 'nan': give a number from 0"),
    ],
)
def test_wrong_values(name: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        TrackerOptions(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_made_of_known_options(preset: str) -> None:
    known = set(TrackerOptions.__dataclass_fields__)
    values = {key: value for key, value in PRESETS[preset].items() if key in known}
    TrackerOptions(**values)
    assert set(PRESETS[preset]) - known <= {"pose_model", "flip_test", "detector"}
