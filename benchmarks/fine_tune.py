"""What fine-tuning for PoseTrack brings: mAP and MOTA on rendered sequences, before and after.

    python benchmarks/fine_tune.py                               the default network, in runs/fine_tune
    python benchmarks/fine_tune.py --model NAME|FILE --set schedule.samples=6400

Renders sequences into the output folder where they are missing, tracks those of the validation with annotated
boxes, trains a new head (and what lies below it) by the recipe scenes_posetrack18, and tracks again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.command import Parser, positive
from models.errors import InputError, exit_status

ROOT = Path(__file__).resolve().parent.parent
RECIPE = "scenes_posetrack18"
FIRST = {"train": 0, "val": 500_000}  # numbers of scenes, which are never the same


def main() -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", metavar="NAME|FILE", help="COCO network to start from")
    parser.add_argument("--output", type=Path, default=Path("runs/fine_tune"), help="folder for everything")
    parser.add_argument("--sequences", type=positive, nargs=2, default=(24, 6), metavar=("TRAIN", "VAL"))
    parser.add_argument(
        "--frames", type=positive, default=30, help="frames a sequence (default: %(default)s)"
    )
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="change the recipe")
    args = parser.parse_args()
    output = args.output.resolve()
    for (part, first), count in zip(FIRST.items(), args.sequences, strict=True):
        if not (output / part / "annotations").is_dir():
            size = ["--count", count, "--frames", args.frames, "--seed", first]
            _run("training.scenes", "--format", "posetrack18", "--output", output / part, *size)
    before = _track(args.model, output, "before")
    changes = ["--set", f"network.init={args.model}", *args.set]
    _run("training", RECIPE, "--data", output, "--output", output / "run", "--resume", *changes)
    after = _track(output / "run" / "best.pth", output, "after")
    print(f"{'':<8}" + "".join(f"{name:>9}" for name in before))
    for label, figures in (("before", before), ("after", after)):
        print(f"{label:<8}" + "".join(f"{value:9.1f}" for value in figures.values()))
    return 0


def _track(model: str | Path, output: Path, name: str) -> dict[str, float]:
    """mAP and MOTA of the tracker with a network, on the validation's sequences."""
    figures = output / f"{name}.json"
    options = ["--boxes", "gt", "--track", "--save", output / name, "--json", figures]
    _run("evaluation", "posetrack18", "--data", output / "val", "--model", model, *options)
    table = json.loads(figures.read_text())
    return {"mAP": table["AP"]["ap"][-1], "MOTA": table["MOT"]["mota"][-1]}


def _run(module: str, *arguments: Any) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    if subprocess.run(command, cwd=ROOT).returncode:
        raise InputError(f"stopped, for this failed: {' '.join(command[1:])}")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
