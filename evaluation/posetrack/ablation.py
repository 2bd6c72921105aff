"""The paper's ablation (table 6, rows a1 to a6): propagation and the four similarities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation.posetrack.joints import mean_known
from evaluation.posetrack.running import RunOptions, predict
from evaluation.posetrack.scoring import evaluate
from models.errors import InputError

# Without the Kalman filter's second chance, which the paper does not have.
_PAPER: dict[str, Any] = {"carry": 0.0, "match": "greedy"}
ROWS: Mapping[str, dict[str, Any]] = {
    "a1": {"propagate": False, "similarity": "bbox"},
    "a2": {"propagate": False, "similarity": "pose"},
    "a3": {"propagate": True, "similarity": "bbox"},
    "a4": {"propagate": True, "similarity": "pose"},
    "a5": {"propagate": True, "similarity": "flow"},
    "a6": {"propagate": True, "similarity": "multi-flow"},
}
COLUMNS = ("Propagation", "Similarity", "AP", "MOTA", "AP of tracks")


def ablation(
    gt: Path, data: Path, options: RunOptions, folder: Path, protocol: str
) -> dict[str, dict[str, float | str]]:
    """Run the tracker once for each row, in folders of their names, and give the table.

    ``AP`` is that of all joints, ``AP of tracks`` and ``MOTA`` those of joints that reach the threshold.

    Raises:
        InputError: tracker settings that the rows set themselves, and whatever `predict` and `evaluate` say.
    """
    taken = sorted({key for row in ROWS.values() for key in row} & options.tracker.keys())
    if taken:
        raise InputError(f"the ablation's rows set {' and '.join(taken)} themselves: leave them out of --set")
    table: dict[str, dict[str, float | str]] = {}
    for name, settings in ROWS.items():
        row = replace(options, track=True, tracker=_PAPER | options.tracker | settings)
        predict(gt, data, row, folder / name)
        poses = evaluate(gt, folder / name / "poses", protocol=protocol, tracking=False)
        tracks = evaluate(gt, folder / name / "tracks", protocol=protocol)
        assert tracks.tracking
        values = (
            "yes" if settings["propagate"] else "no",
            settings["similarity"],
            mean_known(poses.precision.ap),
            mean_known(tracks.tracking.mota),
            mean_known(tracks.precision.ap),
        )
        table[name] = dict(zip(COLUMNS, values, strict=True))
    return table
