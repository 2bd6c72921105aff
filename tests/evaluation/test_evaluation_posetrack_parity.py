"""The official figures, to 1e-9: every case and micro-case of the reference program's output."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.posetrack.scoring import evaluate
from evaluation.posetrack.table import to_json
from models.errors import InputError

FOLDER = Path("reference") / "posetrack18"
CASES = ["case_1", "case_2", "case_3"]
MICRO = [
    "01_perfect",
    "02_at_threshold",
    "04_last_frame_dropped",
    "05_last_gt_frame_dropped_when_tail_unlabelled",
    "07_frame_without_gt_persons",
    "08_ignore_region_swallows_all_gt",
    "10_ignore_boundary_point",
    "11_predicted_joint_without_gt",
    "13_joint_absent_on_both_sides",
    "14_unannotated_joint_predicted_on_matched_person",
    "16_prediction_v0_with_coordinates",
    "17_prediction_zero_xy_v1",
    "19_tie_between_predictions",
    "20_tie_between_gt",
    "22_gt_person_without_points",
    "23_only_gt_person_without_points",
    "25_gap_same_id",
    "26_gap_new_id",
    "28_new_gt_takes_over_prediction_id",
    "29_sticky_match",
    "31_prediction_with_15_named_joints",
    "35_scores_missing",
    "38_no_predictions_at_all",
]
REFUSED = {
    "32_track_id_10000": "track_id 10000 must be below 10000",
    "34_frame_count_differs": "4 predicted frames for 5 annotated ones",
    "37_bbox_head_missing": "bbox_head",
}


def assert_equal(given: object, expected: object, where: str) -> None:
    """Compare nested figures to 1e-9, null for NaN, and only what the reference has."""
    if isinstance(expected, dict):
        assert isinstance(given, dict)
        for key, value in expected.items():
            assert_equal(given[key], value, f"{where}.{key}")
    elif isinstance(expected, list) and expected and isinstance(expected[0], str):
        assert given == expected
    else:
        numbers = [np.array(values, np.float64) for values in (given, expected)]  # None becomes NaN
        np.testing.assert_allclose(*numbers, rtol=0, atol=1e-9, err_msg=where)


@pytest.mark.parametrize("name", [*CASES, *(f"micro/{name}" for name in MICRO)])
def test_official_figures(shared: Path, name: str) -> None:
    case = shared / FOLDER / name
    expected = json.loads((case / "expected.json").read_text())
    for text in ("index_15", "null", "warning"):
        expected.pop(text, None)
    given = to_json(evaluate(case / "gt", case / "pred"))
    assert_equal(given, expected, name)


@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_refused_where_the_official_program_stops(shared: Path, name: str, message: str) -> None:
    case = shared / FOLDER / "micro" / name
    assert "raises" in json.loads((case / "expected.json").read_text())
    with pytest.raises(InputError, match=message):
        evaluate(case / "gt", case / "pred")


def test_official_figures_of_each_sequence(shared: Path) -> None:
    case = shared / FOLDER / "case_3"
    expected = json.loads((case / "expected_per_sequence.json").read_text())
    given = to_json(evaluate(case / "gt", case / "pred"), per_sequence=True)["per_sequence"]
    assert given.keys() == expected.keys()
    assert_equal(given, expected, "per_sequence")


def test_every_case_that_is_there_is_tested(shared: Path) -> None:
    there = {path.name for path in (shared / FOLDER / "micro").iterdir() if path.is_dir()}
    assert there == {*MICRO, *REFUSED}
