"""``python -m training crops``: crops of people from training data, to calibrate int8 networks on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from models.command import Parser, positive
from models.files import write_whole
from training.distributed import join_world
from training.pose_samples import PoseSamples
from training.recipe import Augmentation, Recipe
from training.recipe_files import load_recipe
from training.rendered import render_missing

AS_THEY_ARE = Augmentation(rotation_probability=0, scale=0, flip=0)


def write_crops(recipe: Recipe, data: Path, output: Path, count: int) -> None:
    """Write a run's first samples as PNG files, as inference would cut them.

    Args:
        recipe: whose data and input size.
        data: folder of the data sets.
        output: folder of the pictures; made where missing.
        count: how many.

    Raises InputError where they cannot be written.
    """
    with join_world() as world:
        render_missing(recipe, data, world)
    samples = PoseSamples(replace(recipe, augmentation=AS_THEY_ARE), data)
    for place in range(count):
        picture = cv2.imencode(".png", samples[place]["image"].numpy())[1]
        write_whole(output / f"{place:05}.png", picture.tobytes())


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = Parser(prog="python -m training crops", description=__doc__)
    parser.add_argument("recipe", help="a recipe's name or a YAML file")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    parser.add_argument("--count", type=positive, default=300, help="number of crops (default: %(default)s)")
    args = parser.parse_args(arguments)
    write_crops(load_recipe(args.recipe), args.data, args.output, args.count)
    print(f"{args.output}: {args.count} crops")
    return 0
