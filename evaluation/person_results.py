"""Predictions for annotated people, one each, lined up with their annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, check_numbers, read_json
from evaluation.matlab import load_mat
from models.errors import InputError
from models.keypoints import KeypointSet

# The field that tells whose pose a prediction is: ours, then MMPose's; the picture, where it has one person.
_PERSON_ID = ("annotation_id", "bbox_id", "image_id")


def as_coordinates(people: Sequence[Document], keypoint_set: KeypointSet) -> NDArray[np.float64]:
    """(N, K, 3) x, y, visibility of annotations."""
    return np.array([p["keypoints"] for p in people], np.float64).reshape(len(people), len(keypoint_set), 3)


def read_predictions(path: Path) -> Any:
    """Predictions of people: JSON, or an array from .npy (0-based) or .mat.

    A .mat file holds ``preds`` (N, K, 2 or more), 1-based, as the Microsoft code writes it for MPII.
    """
    if path.suffix == ".mat":
        content = load_mat(path)
        if "preds" not in content:
            raise InputError(f"'{path}' has no variable 'preds'")
        preds = np.asarray(content["preds"], np.float64)
        return preds.reshape(-1, *preds.shape[-2:])[..., :2] - 1
    if path.suffix == ".npy":
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read '{path}': {error}") from None
    return read_json(path)


def align(document: Document, predictions: Any, keypoint_set: KeypointSet) -> NDArray[np.float64]:
    """(N, K, 2) predicted x, y of the document's N people, in their order.

    Args:
        document: the annotations.
        predictions: an array (N, K, 2 or more) in the annotations' order; or dictionaries with ``keypoints``
            (2K or 3K numbers, flat or nested) and ``annotation_id``, MMPose's ``bbox_id``, or ``image_id`` if
            no picture has two people; all three may be missing if they come in the annotations' order.

    Raises InputError unless every person has exactly one prediction of K keypoints.
    """
    people, k = document["annotations"], len(keypoint_set)
    if isinstance(predictions, np.ndarray):
        if predictions.ndim != 3 or predictions.shape[1] != k or predictions.shape[2] < 2:
            raise InputError(f"predictions have the shape {predictions.shape}, expected (people, {k}, 2)")
        poses = predictions[..., :2].astype(np.float64)
    else:
        poses, key = _poses(predictions, k, keypoint_set.name)
        by_image = key == "image_id"
        found = [prediction[key] for prediction in predictions] if key else []
        wanted = [person["image_id" if by_image else "id"] for person in people]
        in_order = key is None or (by_image and (set(found) != set(wanted) or len(found) != len(set(wanted))))
        if not in_order:
            return _by_id(poses, found, wanted)
    if len(poses) != len(people):
        raise InputError(
            f"{len(poses)} predictions for {len(people)} annotated people: one for each is needed"
        )
    return poses


def _poses(predictions: Any, k: int, name: str) -> tuple[NDArray[np.float64], str | None]:
    if not isinstance(predictions, list):
        raise InputError(f"predictions must be a list of people, not a {type(predictions).__name__}")
    poses = np.zeros((len(predictions), k, 2))
    first = predictions[0] if predictions and isinstance(predictions[0], dict) else {}
    key = next((field for field in _PERSON_ID if field in first), None)
    for i, prediction in enumerate(predictions):
        needed = {"keypoints", key} if key else {"keypoints"}
        if not isinstance(prediction, dict) or not needed <= prediction.keys():
            raise InputError(f"prediction {i} lacks {' or '.join(sorted(needed))}")
        if key and not isinstance(prediction[key], (int, str)):
            raise InputError(f"prediction {i}: {key} must be a number, not {str(prediction[key])[:60]}")
        values = np.ravel(prediction["keypoints"])
        if values.size not in (2 * k, 3 * k):
            raise InputError(f"prediction {i} has {values.size} numbers, {name}'s {k} keypoints need {3 * k}")
        check_numbers([{"keypoints": values.tolist()}], "keypoints", values.size, f"prediction {i}, person")
        poses[i] = values.reshape(k, -1)[:, :2]
    return poses, key


def _by_id(poses: NDArray, ids: list[Any], wanted: list[Any]) -> NDArray[np.float64]:
    position = {person_id: i for i, person_id in enumerate(ids)}
    missing = [person_id for person_id in wanted if person_id not in position]
    if missing:
        raise InputError(
            f"no prediction for {len(missing)} of {len(wanted)} annotated people (first: {missing[0]})"
        )
    if len(position) != len(ids):
        raise InputError(f"{len(ids) - len(position)} people have more than one prediction")
    unknown = position.keys() - set(wanted)
    if unknown:
        raise InputError(
            f"predictions for {len(unknown)} people that are not annotated (first: {min(unknown)})"
        )
    return poses[[position[person_id] for person_id in wanted]]
