"""MPII-TRB: accuracy of skeleton and contour keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, check_document, read_json
from evaluation.benchmark import Benchmark, Scores, Table
from evaluation.mpii_files import HEAD_LENGTH
from evaluation.person_results import align, as_coordinates
from models.errors import InputError
from models.keypoints import MPII_TRB

THRESHOLD = 0.3  # of the head box's diagonal
SKELETON = 14  # the first keypoints; the rest are contour
_CROP = 256  # pixels: an annotation's scale is 256 / side of its square crop, which holds
_PADDING = 1.25  # times the person
_HEAD, _NECK = MPII_TRB.index("head"), MPII_TRB.index("neck")


def accuracies(predicted: NDArray, truth: NDArray, visible: NDArray, diagonals: NDArray) -> dict[str, float]:
    """Share of keypoints nearer than 0.3 head-box diagonals, pooled over people and keypoints.

    Args:
        predicted, truth: (N, 40, 2) x, y in pixels.
        visible: (N, 40) true where annotated.
        diagonals: (N,) of the head boxes, in pixels.
    """
    near = np.linalg.norm(predicted - truth, axis=-1) < THRESHOLD * diagonals[:, None]
    groups = {
        "Skeleton Acc": slice(0, SKELETON),
        "Contour Acc": slice(SKELETON, None),
        "Mean Acc": slice(None),
    }
    return {name: _share(near[:, group], visible[:, group]) for name, group in groups.items()}


def _share(near: NDArray, visible: NDArray) -> float:
    return float((near & visible).sum() / visible.sum()) if visible.any() else 0.0


def read(path: Path) -> Document:
    """Read MPII-TRB's JSON: ``keypoints``, ``center``, ``scale``, ``headbox`` (two corners) of each person.

    Without ``headbox`` the diagonal follows from head and neck: they are MPII's, 0.8 of it apart.
    """
    document = read_json(path)
    for person in document.get("annotations", []) if isinstance(document, dict) else []:
        if not {"center", "scale", "keypoints"} <= person.keys():
            raise InputError(
                f"'{path}': annotation {person.get('id')} has no keypoints, center and scale: not MPII-TRB"
            )
        if not person["scale"] > 0:
            raise InputError(f"'{path}': annotation {person.get('id')}: scale must be above 0")
        (x, y), side = person["center"], _CROP / person["scale"] / _PADDING
        person.setdefault("bbox", [x - side / 2, y - side / 2, side, side])
        if "headbox" in person:
            left, top, right, bottom = person["headbox"]
            person["head_diagonal"] = float(np.hypot(right - left, bottom - top))
        else:
            head, neck = (person["keypoints"][3 * k : 3 * k + 3] for k in (_HEAD, _NECK))
            if head[2] > 0 and neck[2] > 0:
                person["head_diagonal"] = float(np.hypot(head[0] - neck[0], head[1] - neck[1])) / HEAD_LENGTH
    return check_document(document, MPII_TRB, str(path))


def score(document: Document, predictions: Any) -> Scores:
    """Accuracies of one prediction for each annotated person."""
    people = document["annotations"]
    truth = as_coordinates(people, MPII_TRB)
    diagonals = np.array([p.get("head_diagonal", np.nan) for p in people], np.float64)
    predicted = align(document, predictions, MPII_TRB)
    known = ~np.isnan(diagonals)
    metrics = accuracies(predicted[known], truth[known, :, :2], truth[known, :, 2] > 0, diagonals[known])
    lost = int((~known).sum())
    notes = (f"{lost} of {len(people)} people have no head box and are left out",) if lost else ()
    table = Table("accuracy", tuple(metrics), (("", tuple(metrics.values())),))
    return Scores(metrics, {"": tuple(metrics.values())}, (table,), notes=notes)


BENCHMARK = Benchmark(
    name="mpii-trb",
    title="MPII-TRB",
    keypoint_set=MPII_TRB,
    annotations=("annotations/mpii_trb_val.json", "mpii_trb_val.json"),
    images=("images", "."),
    columns=("Skeleton Acc", "Contour Acc", "Mean Acc"),
    homepage="github.com/kennymckormick/Triplet-Representation-of-human-Body",
    terms="research; pictures are MPII's",
    read=read,
    score=score,
    per_person=True,
)
