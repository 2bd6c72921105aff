"""MPII Human Pose: PCKh for each joint, Mean and Mean@0.1, in the Microsoft code's and in MMPose's way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document
from evaluation.benchmark import Benchmark, Scores, Table
from evaluation.mpii_files import read
from evaluation.pck import normalised_distances
from evaluation.person_results import align, as_coordinates
from models.keypoints import MPII

COLUMNS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean", "Mean@0.1")
_JOINTS = {
    "Head": ("head_top",),
    **{name: (f"left_{name.lower()}", f"right_{name.lower()}") for name in COLUMNS[1:7]},
}
_LEFT_OUT = [MPII.index("pelvis"), MPII.index("thorax")]
_THRESHOLDS = np.arange(0, 0.5 + 0.01, 0.01)


def pckh_row(
    predicted: NDArray, truth: NDArray, visible: NDArray, head_sizes: NDArray, variant: str = "microsoft"
) -> dict[str, float]:
    """MPII's row in per cent.

    Joint pairs are plain means of left and right; ``Mean`` weighs joints by how often they are annotated and
    leaves pelvis and thorax out.

    Args:
        predicted, truth: (N, 16, 2) x, y in pixels.
        visible: (N, 16) bool, true where annotated.
        head_sizes: (N,) 0.6 of the head boxes' diagonals in pixels.
        variant: ``"microsoft"`` counts distance ≤ threshold in double precision, and its ``Mean@0.1`` reads
            the threshold 0.11, as MMPose before 1.0 does too; ``"mmpose"`` (1.x) counts distance < threshold
            in single precision and reads 0.10.
    """
    if variant == "microsoft":
        distances = np.linalg.norm(predicted - truth, axis=-1) / head_sizes[:, None]
        near, half = (distances <= threshold for threshold in (_THRESHOLDS[11], 0.5))
    else:
        distances = normalised_distances(predicted, truth, visible, head_sizes)
        near, half = (distances < threshold for threshold in (_THRESHOLDS[10], 0.5))
    counts = visible.sum(axis=0)
    with np.errstate(invalid="ignore"):  # a joint that nobody has gives NaN
        near_rates, rates = (100.0 * (hits & visible).sum(axis=0) / counts for hits in (near, half))
    weights = counts.astype(np.float64)
    weights[_LEFT_OUT] = 0
    weights /= max(weights.sum(), 1)
    row = {name: float(np.mean([rates[MPII.index(j)] for j in joints])) for name, joints in _JOINTS.items()}
    row["Mean"] = float(np.nansum(rates * weights))
    row["Mean@0.1"] = float(np.nansum(near_rates.astype(distances.dtype) * weights))
    return row


def score(document: Document, predictions: Any) -> Scores:
    """PCKh of one prediction for each annotated person, both variants; the Microsoft code's is the row."""
    people = document["annotations"]
    truth = as_coordinates(people, MPII)
    sizes = np.array([p.get("head_size", np.nan) for p in people], np.float64)
    predicted = align(document, predictions, MPII)
    known = ~np.isnan(sizes)
    rows = {
        variant: pckh_row(
            predicted[known], truth[known, :, :2], truth[known, :, 2] > 0, sizes[known], variant=variant
        )
        for variant in ("microsoft", "mmpose")
    }
    notes = []
    if not known.all():
        notes.append(f"{(~known).sum()} of {len(people)} people have no head size and are left out")
    table = Table("PCKh in per cent", COLUMNS, tuple((v, tuple(row.values())) for v, row in rows.items()), 1)
    metrics = rows["microsoft"] | {f"{name} (mmpose)": value for name, value in rows["mmpose"].items()}
    row = (rows["microsoft"]["Mean"] / 100, rows["microsoft"]["Mean@0.1"] / 100)
    return Scores(metrics, {"": row}, (table,), notes=tuple(notes))


BENCHMARK = Benchmark(
    name="mpii",
    title="MPII Human Pose",
    keypoint_set=MPII,
    annotations=(
        "annotations/mpii_val.json",
        "annot/valid.json",
        "mpii_val.json",
        "valid.json",
        "annotations/mpii_human_pose_v1_u12_1.mat",
        "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat",
        "mpii_human_pose_v1_u12_1.mat",
    ),
    images=("images", "."),
    columns=("Mean", "Mean@0.1"),
    homepage="human-pose.mpi-inf.mpg.de",
    terms="Simplified BSD; pictures are frames of videos",
    read=read,
    score=score,
    per_person=True,
)
