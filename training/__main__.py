"""``python -m training RECIPE``: train a network; ``… export`` and ``… crops``: what comes of it."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from models.command import Parser, file_name
from models.errors import InputError, exit_status
from training.recipe_files import load_recipe, recipe_names


def parser() -> argparse.ArgumentParser:
    """The command line of a training run."""
    result = Parser(
        prog="python -m training",
        description="Train a network by a recipe, here or in several processes: "
        "torchrun --nproc-per-node 4 -m training RECIPE …",
        epilog="python -m training export --help: turn a run's checkpoint into weights to use; "
        "python -m training crops --help: crops of people for calibration",
    )
    result.add_argument("recipe", help=f"a recipe's name ({', '.join(recipe_names())}) or a YAML file")
    result.add_argument(
        "--data", type=Path, default=Path("data"), help="folder of the data sets (default: %(default)s)"
    )
    result.add_argument("--output", type=Path, help="folder for checkpoints and logs (default: runs/RECIPE)")
    result.add_argument(
        "--resume", action="store_true", help="go on from the output folder's last checkpoint"
    )
    result.add_argument(
        "--init", metavar="CHECKPOINT", type=file_name, help="start from what fits of a checkpoint"
    )
    result.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change the recipe, such as schedule.rate=1e-4",
    )
    result.add_argument("--tensorboard", action="store_true", help="also write files for TensorBoard")
    result.add_argument(
        "--dry-run",
        action="store_true",
        help="train nothing: show augmented samples with targets in a picture",
    )
    return result


def main() -> int:
    if sys.argv[1:2] in (["export"], ["crops"]):
        subcommand = import_module(f"training.{sys.argv[1]}")
        return int(subcommand.main(sys.argv[2:]))
    arguments = parser().parse_args()
    _log_to_stderr()
    recipe = load_recipe(arguments.recipe, arguments.set)
    if arguments.init:
        recipe = replace(recipe, network=replace(recipe.network, init=arguments.init))
    output = arguments.output or Path("runs") / recipe.name
    if arguments.dry_run:
        if arguments.resume or arguments.tensorboard:
            raise InputError("--dry-run trains nothing: leave --resume and --tensorboard out")
        from training.dry_run import dry_run  # only now, for it loads torch, which takes seconds

        print(dry_run(recipe, arguments.data, output))
        return 0

    from training.loop import train

    train(recipe, arguments.data, output, arguments.resume, arguments.tensorboard)
    return 0


def _log_to_stderr() -> None:
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.logging import RichHandler

        handler: logging.Handler = RichHandler(console=Console(stderr=True), show_path=False)
        logging.basicConfig(level=logging.INFO, format="%(message)s", datefmt="%H:%M:%S", handlers=[handler])
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
