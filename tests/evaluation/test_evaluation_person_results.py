"""Predictions of people find their annotations, by id, by picture or in order."""

import numpy as np
import pytest
from scipy.io import savemat

from evaluation.person_results import align, read_predictions
from models.errors import InputError
from models.keypoints import JHMDB

DOCUMENT = {"annotations": [{"id": 11, "image_id": 1}, {"id": 12, "image_id": 2}, {"id": 13, "image_id": 3}]}
POSES = np.arange(90.0).reshape(3, 15, 2)


def rows(key, values, poses=POSES):
    """Predictions of 3K numbers, flat."""
    flat = np.concatenate((poses, np.ones((len(poses), 15, 1))), axis=2).reshape(len(poses), -1)
    return [{key: value, "keypoints": numbers} for value, numbers in zip(values, flat.tolist(), strict=True)]


@pytest.mark.parametrize(
    "predictions",
    [
        POSES,
        np.concatenate((POSES, np.ones((3, 15, 1))), axis=2),
        rows("annotation_id", [11, 12, 13]),
        rows("annotation_id", [11, 12, 13])[::-1],
        rows("bbox_id", [11, 12, 13])[::-1],
        rows("image_id", [1, 2, 3])[::-1],
        [{"keypoints": pose.tolist()} for pose in POSES],  # nested, in order
    ],
)
def test_poses_find_their_people(predictions):
    assert align(DOCUMENT, predictions, JHMDB).tolist() == POSES.tolist()


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (POSES[:2], "2 predictions for 3 annotated people"),
        (POSES[:, :14], r"shape \(3, 14, 2\), expected \(people, 15, 2\)"),
        (
            rows("annotation_id", [11, 12], POSES[:2]),
            r"no prediction for 1 of 3 .* \(first: annotation_id 13\)",
        ),
        (
            rows("annotation_id", [11, 12, 13, 13], POSES[[0, 1, 2, 2]]),
            "more than one prediction",
        ),
        (rows("annotation_id", [11, 12, 13, 14], POSES[[0, 1, 2, 2]]), r"not annotated \(first: .* 14\)"),
        (rows("annotation_id", [11, 12, 13, "zz", 999], POSES[[0, 1, 2, 2, 2]]), r"2 people that are not"),
        (rows("image_id", [71, 72, 73]), r"no prediction for 3 of 3 .* \(first: image_id 1\)"),
        (rows("image_id", [1, 2, 3, 4], POSES[[0, 1, 2, 2]]), r"not annotated \(first: image_id 4\)"),
        (
            [{"annotation_id": 11, "keypoints": [0, 0]}],
            "jhmdb's 15 keypoints need 45",
        ),
        (rows("annotation_id", [[1], 12, 13]), "annotation_id must be a number"),
        ([{"annotation_id": 11}], "prediction 0 lacks annotation_id or keypoints"),
        ([{"keypoints": ["x"] * 45}], "prediction 0: keypoints must be finite numbers"),
        ([{"keypoints": [[0, 0], [0]]}], "prediction 0: keypoints must be finite numbers"),
        ({"a": 1}, "must be a list of people, not a dict"),
    ],
)
def test_wrong_predictions(predictions, message):
    with pytest.raises(InputError, match=message):
        align(DOCUMENT, predictions, JHMDB)


def test_pictures_of_several_people_need_the_annotations_order():
    document = {"annotations": [{"id": i, "image_id": image} for i, image in ((1, 5), (2, 5), (3, 6))]}
    assert align(document, rows("image_id", [5, 5, 6]), JHMDB).tolist() == POSES.tolist()
    for image_ids in ([6, 5, 5], [5, 6, 6]):
        with pytest.raises(InputError, match="need annotation_id"):
            align(document, rows("image_id", image_ids), JHMDB)


def test_nobody_to_score():
    with pytest.raises(InputError, match="hold nobody"):
        align({"annotations": []}, [], JHMDB)


@pytest.mark.parametrize(
    "array", [POSES.astype(str), POSES + 1j, POSES * np.nan, np.array([{}]), np.array([{"x": 1.0}])]
)
@pytest.mark.parametrize("suffix", [".npy", ".mat"])
def test_arrays_that_are_no_numbers(tmp_path, array, suffix):
    path = tmp_path / f"pred{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    else:
        savemat(path, {"preds": array})
    with pytest.raises(InputError, match=r"must be finite real numbers|cannot read"):
        read_predictions(path)


def test_matlab_predictions_become_zero_based(tmp_path):
    savemat(tmp_path / "pred.mat", {"preds": POSES[:1]})
    assert read_predictions(tmp_path / "pred.mat").tolist() == (POSES[:1] - 1).tolist()
    np.save(tmp_path / "pred.npy", POSES)
    assert read_predictions(tmp_path / "pred.npy").tolist() == POSES.tolist()
    savemat(tmp_path / "other.mat", {"poses": POSES})
    with pytest.raises(InputError, match="no variable 'preds'"):
        read_predictions(tmp_path / "other.mat")
