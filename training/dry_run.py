"""``--dry-run``: the data pipeline as a picture, before hours are spent on it."""

from __future__ import annotations

from pathlib import Path

import cv2

from models.files import write_whole
from training.distributed import join_world
from training.recipe import Recipe
from training.run import create_task
from training.schedule import in_samples
from training.sheets import sheet

SHOWN = 32


def dry_run(recipe: Recipe, data: Path, output: Path) -> str:
    """Write ``samples.png``, the run's first augmented samples with their targets.

    Args:
        recipe: whose samples.
        data: folder of the data sets.
        output: folder of the picture; made where missing.

    Returns:
        a line on what the run would learn from.
    """
    with join_world() as world:
        task = create_task(recipe, data, world)
    pictures = [task.draw(task.samples[i]) for i in range(SHOWN)]
    path = output / "samples.png"
    picture = sheet(pictures, 8 if pictures[0].shape[1] <= 256 else 4)
    write_whole(path, cv2.imencode(".png", picture)[1].tobytes())
    epoch = len(task.samples.mix)
    length = in_samples(recipe.schedule, epoch).length
    return f"{path}: {SHOWN} of {length} samples; {epoch} an epoch, {length / epoch:.1f} epochs"
