"""Samples a second of training: the data pipeline alone, the step alone, and both together.

    python benchmarks/train.py pose_resnet_18 --data DATA
    python benchmarks/train.py pose_resnet_18_fast --data DATA --set workers=1 precision=bf16

Rounds of the three take turns in one run; the table gives medians. "Both" is what a training run reaches;
where it is far below the smaller of the others, processes take each other's cores.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from models.command import Parser, positive
from models.errors import exit_status
from training.distributed import World, join_world
from training.loader import create_loader
from training.recipe import Recipe
from training.recipe_files import load_recipe
from training.run import create_run
from training.step import Step

Work = Callable[[], object]


def main() -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a recipe's name or a YAML file")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="change the recipe")
    parser.add_argument("--rounds", type=positive, default=5, help="timed rounds (default: %(default)s)")
    parser.add_argument("--steps", type=positive, default=8, help="steps a round (default: %(default)s)")
    args = parser.parse_args()
    recipe = load_recipe(args.recipe, args.set)
    with join_world() as world:
        speeds = measure(recipe, args.data, world, args.rounds, args.steps)
    size = "×".join(map(str, recipe.network.input_size))
    name = torch.cuda.get_device_name() if world.device.type == "cuda" else platform.machine()
    print(
        f"{recipe.name}, {size}, {recipe.precision}, batch {recipe.schedule.batch}, {recipe.workers} workers"
    )
    print(f"{name}, {torch.get_num_threads()} threads, medians of {args.rounds} rounds of {args.steps} steps")
    for label, speed in speeds.items():
        print(f"{label:<6}{speed:8.1f} samples a second")
    return 0


def measure(recipe: Recipe, data: Path, world: World, rounds: int, steps: int) -> dict[str, float]:
    """Median samples a second of each part of the work."""
    run = create_run(recipe, data, world)
    schedule, step = run.schedule, Step(run)
    parts = iter(create_loader(replace(run, schedule=replace(schedule, samples=2**40))))

    def draw() -> list[dict[str, torch.Tensor]]:
        return [next(parts) for _ in range(schedule.accumulate)]

    held = draw()

    def empty() -> None:
        """Take what the workers hold ready, so that every round starts alike."""
        for _ in range(8):
            draw()

    def learn() -> None:
        step(held)

    # before the step alone, one that is not timed: the workers fill up meanwhile and are idle from then on
    works: dict[str, tuple[Work, Work]] = {
        "data": (empty, draw),
        "step": (learn, learn),
        "both": (empty, lambda: step(draw())),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_number in range(rounds + 1):
        for name, (prepare, work) in works.items():
            prepare()
            began = time.perf_counter()
            for _ in range(steps):
                work()
            if world.device.type == "cuda":
                torch.cuda.synchronize()
            if round_number:  # the first one warms up
                times[name].append(time.perf_counter() - began)
    return {name: schedule.batch * steps / statistics.median(seconds) for name, seconds in times.items()}


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
