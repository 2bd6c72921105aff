"""``python -m training RECIPE``: train a network."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from models.errors import exit_status
from training.recipe import load_recipe, recipe_names


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training", description="Train a network by a recipe.")
    parser.add_argument("recipe", help=f"a recipe's name ({', '.join(recipe_names())}) or a YAML file")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="folder of the data sets (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, help="folder for checkpoints and logs (default: runs/RECIPE)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the output folder's last checkpoint"
    )
    parser.add_argument(
        "--init", metavar="CHECKPOINT", help="start from the tensors of a checkpoint that fit"
    )
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="change the recipe, such as schedule.rate=1e-4",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = [*arguments.set, *([f"network.init={arguments.init}"] if arguments.init else [])]
    recipe = load_recipe(arguments.recipe, settings)

    from training.loop import train  # after the recipe is known to be sound: loading torch takes seconds

    train(recipe, arguments.data, arguments.output or Path("runs") / recipe.name, arguments.resume)
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
