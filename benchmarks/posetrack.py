"""Seconds and memory that scoring PoseTrack18 files takes, and how both grow with the number of sequences.

    python benchmarks/posetrack.py                          on files that it makes itself: 74 sequences
    python benchmarks/posetrack.py --gt DIR --pred DIR      on one's own
    python benchmarks/posetrack.py --against 'COMMAND'      beside another program: {gt} and {pred} in it
                                                            stand for the folders

Every run is a whole process, interpreter start included. The runs of all rows take turns, and the table gives
medians.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from evaluation.annotations import Document
from evaluation.posetrack.joints import JOINTS
from evaluation.posetrack.table import print_table
from models.command import Parser, positive
from models.errors import InputError, exit_status
from models.keypoints import POSETRACK18

ROOT = Path(__file__).resolve().parent.parent
SEQUENCES, FRAMES, PEOPLE, MISSED = 74, 99, 5, 0.1  # about the size of PoseTrack18 v0.2


def main() -> int:
    """Measure, print and give 0."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gt", type=Path, metavar="DIR", help="annotation files")
    parser.add_argument("--pred", type=Path, metavar="DIR", help="prediction files of the same names")
    parser.add_argument("--against", metavar="COMMAND", help="another program, run on the same files")
    parser.add_argument("--runs", type=positive, default=5, help="runs of each row (default: 5)")
    args = parser.parse_args()
    if (args.gt is None) != (args.pred is None):
        raise InputError("give --gt and --pred, or neither")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if args.gt is None:
            args.gt, args.pred = folder / "gt", folder / "pred"
            make_files(args.gt, args.pred)
        commands = {"AP and MOTA": ours(args.gt, args.pred)}
        for times in (2, 4):
            gt, pred = (
                multiply(side, folder / f"{side.name}_{times}", times) for side in (args.gt, args.pred)
            )
            commands[f"AP and MOTA, {times} x the sequences"] = ours(gt, pred)
        commands["with HOTA, IDF1, … (--full)"] = [*ours(args.gt, args.pred), "--full"]
        if args.against:
            command = args.against.format(gt=f"{args.gt}{os.sep}", pred=f"{args.pred}{os.sep}")
            commands["the other program"] = shlex.split(command)
        measured = {name: list[tuple[float, float, float]]() for name in commands}
        for _ in range(args.runs):
            for name, command in commands.items():
                measured[name].append(run(command))
    rows = {name: _row(runs, measured["AP and MOTA"]) for name, runs in measured.items()}
    print_table(
        f"{os.cpu_count()} cores, medians of {args.runs} runs", tuple(next(iter(rows.values()))), rows
    )
    return 0


def _row(runs: list[tuple[float, float, float]], first: list[tuple[float, float, float]]) -> dict[str, str]:
    wall, processor, memory = (statistics.median(column) for column in zip(*runs, strict=True))
    ratio = statistics.median(mine[0] / other[0] for mine, other in zip(runs, first, strict=True))
    return {
        "seconds": f"{wall:.2f}",
        "processor seconds": f"{processor:.2f}",
        "MB": f"{memory:.0f}",
        "x the first": f"{ratio:.2f}",
    }


def ours(gt: Path, pred: Path) -> list[str]:
    """The command that scores two folders."""
    return [sys.executable, "-m", "evaluation", "posetrack18", "--gt", str(gt), "--pred", str(pred)]


def run(command: list[str]) -> tuple[float, float, float]:
    """Wall-clock seconds, processor seconds and peak MB of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise InputError(f"'{shlex.join(command)}' failed: {errors.strip().splitlines()[-1:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def multiply(folder: Path, target: Path, times: int) -> Path:
    """A folder with every file several times, under names of their own."""
    target.mkdir()
    for file in folder.glob("*.json"):
        for copy in range(times):
            (target / f"{file.stem}_{copy}.json").symlink_to(file.resolve())
    return target


def make_files(gt: Path, pred: Path, seed: int = 0) -> None:
    """Sequences of people who wander; predictions are noisy, miss people and change ids half-way."""
    rng = np.random.default_rng(seed)
    for number in range(SEQUENCES):
        name = f"{number:06d}_mpii_test"
        walk = rng.uniform(100, 900, (1, PEOPLE, 1, 2)) + rng.normal(0, 4, (FRAMES, PEOPLE, 1, 2)).cumsum(0)
        joints = walk + rng.normal(0, 60, (1, PEOPLE, len(JOINTS), 2))
        tracks = np.where(np.arange(FRAMES)[:, None] < FRAMES // 2, 0, 100) + np.arange(PEOPLE)
        labelled = np.arange(FRAMES) % 2 == 0
        noisy = joints + rng.normal(0, 5, joints.shape)
        _write(gt / f"{name}.json", name, joints, tracks * 0 + np.arange(PEOPLE), labelled[:, None], None)
        scores = rng.uniform(0, 1, noisy.shape[:3])
        kept = rng.random((FRAMES, PEOPLE)) > MISSED
        _write(pred / f"{name}.json", name, noisy, tracks, kept, scores)


def _write(
    path: Path, name: str, joints: np.ndarray, tracks: np.ndarray, kept: np.ndarray, scores: np.ndarray | None
) -> None:
    """One file: (F, P, 15, 2) joints, (F, P) ids and who is there."""
    positions = [JOINTS.index(joint) if joint in JOINTS else -1 for joint in POSETRACK18.names]
    values = np.zeros((*joints.shape[:2], len(positions), 3))
    values[..., :2], values[..., 2] = joints[:, :, positions].round(2), 1
    values[:, :, [p < 0 for p in positions]] = 0
    annotations: list[Document] = []
    for frame, person in np.argwhere(np.broadcast_to(kept, tracks.shape)).tolist():
        annotation = {
            "id": len(annotations),
            "image_id": frame,
            "category_id": 1,
            "track_id": int(tracks[frame, person]),
            "bbox_head": [0, 0, 30, 40],
            "keypoints": values[frame, person].reshape(-1).tolist(),
        }
        if scores is not None:
            annotation["scores"] = [float(scores[frame, person, max(p, 0)]) for p in positions]
        annotations.append(annotation)
    images = [
        {"id": frame, "file_name": f"images/val/{name}/{frame:06d}.jpg", "is_labeled": True}
        for frame in range(len(joints))
    ]
    categories = [{"id": 1, "name": "person", "keypoints": list(POSETRACK18.names)}]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_bytes(orjson.dumps(content))


if __name__ == "__main__":
    sys.exit(exit_status(main))
