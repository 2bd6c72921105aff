"""Plain tables, a row a person a frame: CSV for spreadsheets, and the MOT challenge's text format.

CSV (`--csv`), columns: ``frame`` (from 0), ``time`` (seconds), ``id`` (from 1), ``score`` (of the person),
``left``, ``top``, ``width``, ``height`` (of the box, pixels), then for each keypoint ``<name>_x``,
``<name>_y`` (pixels) and ``<name>_score``. A frame without people has no row.

MOT (`--mot`), columns without a head: frame (from 1), id, left, top, width, height, score, -1, -1, -1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tracker.results.files import RecordFile
from tracker.results.sink import RunInfo, rounded, sizes
from tracker.types import FrameResult


class CsvResults:
    """A table with a head, as described above."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        columns = ["frame", "time", "id", "score", "left", "top", "width", "height"]
        columns += [f"{name}_{part}" for name in run.keypoints.names for part in ("x", "y", "score")]
        self._file = RecordFile(path, ",".join(columns).encode() + b"\n")

    def write(self, result: FrameResult) -> None:
        poses = result.poses
        joints = np.concatenate((poses.keypoints, poses.scores[..., None]), axis=2).reshape(len(poses), -1)
        rows = zip(
            poses.track_ids.tolist(),
            rounded(poses.box_scores, 4),
            rounded(sizes(poses.boxes), 2),
            joints.tolist(),
            strict=True,
        )
        moment = f"{result.frame.index},{float(result.frame.time):.6f}"
        lines = [
            ",".join((moment, str(track), f"{score:g}", *(f"{v:.2f}" for v in box), *_joint_texts(values)))
            for track, score, box, values in rows
        ]
        self._file.append("".join(line + "\n" for line in lines).encode())

    def close(self, complete: bool = True) -> None:
        self._file.finish()


class MotResults:
    """The MOT challenge's table, as described above."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        self._file = RecordFile(path)

    def write(self, result: FrameResult) -> None:
        poses = result.poses
        lines = [
            f"{result.frame.index + 1},{track},{box[0]:.2f},{box[1]:.2f},{box[2]:.2f},{box[3]:.2f},"
            f"{score:.4f},-1,-1,-1\n"
            for track, box, score in zip(
                poses.track_ids.tolist(), sizes(poses.boxes).tolist(), poses.box_scores.tolist(), strict=True
            )
        ]
        self._file.append("".join(lines).encode())

    def close(self, complete: bool = True) -> None:
        self._file.finish()


def _joint_texts(values: list[float]) -> list[str]:
    """x, y to a hundredth of a pixel, score to four digits, and so on."""
    return [f"{v:.4f}" if i % 3 == 2 else f"{v:.2f}" for i, v in enumerate(values)]
