"""Seconds that scoring COCO-size predictions takes, beside pycocotools; a network's share of a whole run.

    python benchmarks/coco.py              scoring: 2,000 pictures, 6,000 people, 12,000 predictions
    python benchmarks/coco.py --pictures   running a network over 200 pictures: the stage table

All of it is made here. Scoring is measured as whole processes, interpreter start included: our command line,
and the few lines that everybody writes around pycocotools. Both take turns; the table gives medians and the
median of the ratios, and the ten figures of both are compared. The network has seeded random weights, which
takes as long as trained ones.
"""

from __future__ import annotations

import argparse
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
from models.command import Parser, positive
from models.errors import exit_status

ROOT = Path(__file__).resolve().parent.parent
PICTURES, PEOPLE, PREDICTIONS = 2000, 3, 6  # of each picture
PYCOCOTOOLS = """
import json, sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth = COCO(sys.argv[1])
run = COCOeval(truth, truth.loadRes(sys.argv[2]), "keypoints")
run.evaluate()
run.accumulate()
run.summarize()
json.dump(list(run.stats), open(sys.argv[3], "w"))
"""


def main() -> int:
    """Measure, print and give 0."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=positive, default=5, help="runs of each program (default: 5)")
    parser.add_argument("--pictures", action="store_true", help="a network over pictures instead of scoring")
    parser.add_argument("--architecture", default="pose_resnet_50", help="of that network")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if args.pictures:
            return run_over_pictures(Path(scratch), args.architecture)
        return compare_scoring(Path(scratch), args.runs)


def compare_scoring(folder: Path, runs: int) -> int:
    """Both programs on the same files, in turns."""
    truth, predictions = make_files(PICTURES)
    gt, pred, ours, theirs = (folder / f"{name}.json" for name in ("gt", "pred", "ours", "theirs"))
    gt.write_bytes(orjson.dumps(truth))
    pred.write_bytes(orjson.dumps(predictions))
    commands = {
        "pycocotools": [sys.executable, "-c", PYCOCOTOOLS, gt, pred, theirs],
        "python -m evaluation coco": [
            *(sys.executable, "-m", "evaluation", "coco", "--gt", gt, "--pred", pred, "--json", ours)
        ],
    }
    seconds = {name: list[float]() for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(list(map(str, command)), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - began)
    figures = list(orjson.loads(ours.read_bytes())["metrics"].values())
    difference = np.abs(np.array(figures) - orjson.loads(theirs.read_bytes())).max()
    title = f"{PICTURES} pictures, {len(truth['annotations'])} people, {len(predictions)} predictions"
    print_table(seconds, title)
    print(f"largest difference of the ten figures: {difference:.1e}")
    return 0


def print_table(seconds: dict[str, list[float]], title: str) -> None:
    """Medians, and the median of each run's ratio to the first program's run beside it."""
    from rich.console import Console
    from rich.table import Table

    first = next(iter(seconds.values()))
    table = Table("program", "seconds", "ratio", title=title, title_justify="left")
    for name, runs in seconds.items():
        ratio = statistics.median(mine / other for mine, other in zip(runs, first, strict=True))
        table.add_row(name, f"{statistics.median(runs):.2f}", f"{ratio:.2f}")
    Console(width=110).print(table)


def make_files(pictures: int, size: tuple[int, int] = (640, 480)) -> tuple[Document, list[Document]]:
    """Annotations and predictions of people in random places, most predictions near a person."""
    rng = np.random.default_rng(0)
    width, height = size
    ids = range(1, pictures + 1)
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "width": width, "height": height} for i in ids]
    people: list[Document] = []
    predictions: list[Document] = []
    for image in images:
        left_top = rng.uniform(0, (width - 160, height - 300), (PEOPLE, 2))
        sides = rng.uniform((30, 60), (150, 290), (PEOPLE, 2))
        joints = left_top[:, None] + rng.uniform(0, 1, (PEOPLE, 17, 2)) * sides[:, None]
        flags = rng.choice([0, 1, 2], (PEOPLE, 17, 1), p=[0.3, 0.1, 0.6])
        for box, side, points, flag in zip(left_top, sides, joints, flags, strict=True):
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": image["id"],
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [*box.tolist(), *side.tolist()],
                    "area": float(0.6 * side.prod()),
                    "num_keypoints": int((flag > 0).sum()),
                    "keypoints": np.concatenate((points * (flag > 0), flag), axis=1).reshape(-1).tolist(),
                }
            )
        for k in range(PREDICTIONS):
            person = rng.integers(PEOPLE)
            blur = rng.choice([0.01, 0.03, 0.1]) if k < PEOPLE else 1.0
            points = joints[person] + rng.normal(0, blur, (17, 2)) * sides[person]
            triples = np.column_stack((points, rng.uniform(0, 1, 17))).reshape(-1).tolist()
            row = {"image_id": image["id"], "category_id": 1, "score": float(rng.uniform())}
            predictions.append({**row, "keypoints": triples})
    categories = [{"id": 1, "name": "person"}]
    return {"images": images, "annotations": people, "categories": categories}, predictions


def run_over_pictures(folder: Path, architecture: str, pictures: int = 200) -> int:
    """A network on annotated boxes of pictures: how much of the time it has for itself."""
    import cv2

    from evaluation.coco import BENCHMARK
    from evaluation.runner import RunOptions, run_network
    from models.architectures import create_pose_network
    from models.checkpoints import save_pose_network

    document, _ = make_files(pictures)
    rng = np.random.default_rng(0)
    for image in document["images"]:
        coarse = rng.integers(0, 256, (image["height"] // 8, image["width"] // 8, 3), np.uint8)
        picture = cv2.resize(coarse, (image["width"], image["height"]), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / image["file_name"]), picture)
    weights = folder / f"{architecture}.safetensors"
    save_pose_network(create_pose_network(architecture), weights)
    run_network(BENCHMARK, document, [folder], str(weights), RunOptions())
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
