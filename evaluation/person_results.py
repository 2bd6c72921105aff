"""Predictions for annotated people, one each, lined up with their annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, finite_numbers, read_json
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
        preds = _finite(content["preds"], path)
        return preds.reshape(-1, *preds.shape[-2:])[..., :2] - 1
    if path.suffix == ".npy":
        try:
            loaded = np.load(path, allow_pickle=False)
        except (EOFError, OSError, ValueError) as error:
            raise InputError(f"cannot read '{path}': {error}") from None
        return _finite(loaded, path)
    return read_json(path)


def _finite(predictions: Any, path: Path) -> NDArray[np.float64]:
    if not finite_numbers(predictions):
        raise InputError(f"'{path}': predictions must be finite real numbers")
    return np.asarray(predictions, np.float64)


def align(document: Document, predictions: Any, keypoint_set: KeypointSet) -> NDArray[np.float64]:
    """(N, K, 2) predicted x, y of the document's N people, in their order.

    Args:
        document: the annotations.
        predictions: an array (N, K, 2 or more) in the annotations' order; or dictionaries with ``keypoints``
            (2K or 3K numbers, flat or nested) and ``annotation_id``, MMPose's ``bbox_id``, or ``image_id``.
            In the annotations' order all three may be missing, and pictures may have several people.

    Raises InputError unless there are people and every one has exactly one prediction of K keypoints.
    """
    people, k = document["annotations"], len(keypoint_set)
    if not people:
        raise InputError("the annotations hold nobody: there is nothing to score")
    if isinstance(predictions, np.ndarray):
        if predictions.ndim != 3 or predictions.shape[1] != k or predictions.shape[2] < 2:
            raise InputError(f"predictions have the shape {predictions.shape}, expected (people, {k}, 2)")
        poses = predictions[..., :2].astype(np.float64)
    else:
        poses, key = _poses(predictions, k, keypoint_set.name)
        if key is not None:
            found = [prediction[key] for prediction in predictions]
            wanted = [person["image_id" if key == "image_id" else "id"] for person in people]
            return poses if found == wanted else poses[_positions(found, wanted, key)]
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
        if not finite_numbers(prediction["keypoints"]):
            found = str(prediction["keypoints"])[:60]
            raise InputError(f"prediction {i}: keypoints must be finite numbers, not {found}")
        values = np.ravel(prediction["keypoints"])
        if values.size not in (2 * k, 3 * k):
            raise InputError(f"prediction {i} has {values.size} numbers, {name}'s {k} keypoints need {3 * k}")
        poses[i] = values.reshape(k, -1)[:, :2]
    return poses, key


def _positions(found: list[Any], wanted: list[Any], key: str) -> list[int]:
    """Where each annotated person's prediction is; raises InputError unless ids pair one to one."""
    position = {person_id: i for i, person_id in enumerate(found)}
    missing = [person_id for person_id in wanted if person_id not in position]
    if missing:
        raise InputError(
            f"no prediction for {len(missing)} of {len(wanted)} annotated people (first: {key} {missing[0]})"
        )
    unknown = sorted(position.keys() - set(wanted), key=str)
    if unknown:
        raise InputError(
            f"predictions for {len(unknown)} people that are not annotated (first: {key} {unknown[0]})"
        )
    if len(set(wanted)) < len(wanted):
        raise InputError("pictures have several people: predictions need annotation_id to tell them apart")
    if len(position) < len(found):
        raise InputError(f"{len(found) - len(position)} people have more than one prediction")
    return [position[person_id] for person_id in wanted]
