"""MPII Human Pose: PCKh for each joint, Mean and Mean@0.1, in the Microsoft code's and in MMPose's way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document
from evaluation.benchmark import Benchmark, Scores, Table
from evaluation.mpii_files import read
from evaluation.pck import hit_rates, normalised_distances
from evaluation.person_results import align, as_coordinates
from models.keypoints import MPII

COLUMNS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean", "Mean@0.1")
_JOINTS = {
    "Head": ("head_top",),
    **{name: (f"left_{name.lower()}", f"right_{name.lower()}") for name in COLUMNS[1:7]},
}
_IN_MEAN = [k for k, name in enumerate(MPII.names) if name not in ("pelvis", "thorax")]
_THRESHOLDS = np.arange(0, 0.5 + 0.01, 0.01)


def pckh_row(
    predicted: NDArray, truth: NDArray, visible: NDArray, head_sizes: NDArray, variant: str = "microsoft"
) -> dict[str, float]:
    """MPII's row in per cent.

    Joint pairs are plain means of left and right; ``Mean`` weighs joints by how often they are annotated and
    leaves pelvis and thorax out. A joint that nobody has counts as each program lets it: 0/0 in the Microsoft
    code, so that its pair and both means are NaN; −100 in MMPose, in its pair alone. A head of size 0 is
    missed by the Microsoft code; MMPose leaves it out, but for ``Mean@0.1``, where it hits.

    Args:
        predicted, truth: (N, 16, 2) x, y in pixels.
        visible: (N, 16) bool, true where annotated.
        head_sizes: (N,) 0.6 of the head boxes' diagonals in pixels.
        variant: ``"microsoft"`` counts distance ≤ threshold in double precision, and its ``Mean@0.1`` reads
            the threshold 0.11, as MMPose before 1.0 does too; ``"mmpose"`` (1.x) counts distance < threshold
            in single precision and reads 0.10.
    """
    counts = visible.sum(axis=0)
    if variant == "microsoft":
        with np.errstate(divide="ignore", invalid="ignore"):
            distances = np.linalg.norm(predicted - truth, axis=-1) / head_sizes[:, None]
            near_rates, rates = (
                100.0 * ((distances <= threshold) & visible).sum(axis=0) / counts
                for threshold in (_THRESHOLDS[11], 0.5)
            )
    else:
        later_sizes = np.where(head_sizes == 0, 1e6, head_sizes)  # its first threshold leaves them so
        near_rates, rates = (
            100.0 * np.nan_to_num(hit_rates(distances, threshold), nan=-1)
            for distances, threshold in (
                (normalised_distances(predicted, truth, visible, later_sizes), _THRESHOLDS[10]),
                (normalised_distances(predicted, truth, visible, head_sizes), 0.5),
            )
        )
        near_rates = near_rates.astype(np.float32)
    weights = counts[_IN_MEAN] / max(counts[_IN_MEAN].sum(), 1)
    row = {name: float(np.mean([rates[MPII.index(j)] for j in joints])) for name, joints in _JOINTS.items()}
    row["Mean"] = float(np.sum(rates[_IN_MEAN] * weights))
    row["Mean@0.1"] = float(np.sum(near_rates[_IN_MEAN] * weights))
    return row


def score(document: Document, predictions: Any) -> Scores:
    """PCKh of one prediction for each annotated person, both variants; the Microsoft code's is the row."""
    people = document["annotations"]
    truth = as_coordinates(people, MPII)
    sizes = np.array([p.get("head_size", np.nan) for p in people], np.float64)
    predicted = align(document, predictions, MPII)
    known = ~np.isnan(sizes)
    visible = truth[known, :, 2] > 0
    rows = {
        variant: pckh_row(predicted[known], truth[known, :, :2], visible, sizes[known], variant=variant)
        for variant in ("microsoft", "mmpose")
    }
    notes = []
    if not known.all():
        notes.append(f"{(~known).sum()} of {len(people)} people have no head size and are left out")
    estimated = sum(p.get("head_size_estimated", False) for p in people)
    if estimated:
        notes.append(
            f"{estimated} of {len(people)} head sizes are estimated from neck and top of the head: official "
            "figures need these people's gt_valid.mat or mpii_gt_val.mat beside the annotations"
        )
    absent = [MPII.names[k] for k in _IN_MEAN if not visible[:, k].any()]
    if absent:
        notes.append(
            f"nobody has {', '.join(absent)} annotated: the Microsoft code's means are undefined; "
            f"MMPose's of the other joints is {rows['mmpose']['Mean']:.1f}"
        )
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
