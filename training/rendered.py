"""Data sources that nobody has to download: scenes rendered on first use."""

from __future__ import annotations

import logging
from pathlib import Path

from models.errors import InputError
from training.distributed import World, usable_cpus
from training.recipe import DataSource, Recipe

log = logging.getLogger(__name__)

SIZE = (256, 192)  # width and height of the stills in pixels


def render_missing(recipe: Recipe, data: Path, world: World) -> None:
    """Render the recipe's sources that are scenes and not in the data folder yet, in the first process.

    Args:
        recipe: its sources with `scenes`.
        data: folder of the data sets.
        world: the processes; all of them wait for the first.

    Raises InputError where they cannot be written, or have an unusual name.
    """
    missing = [source for source in (*recipe.data, recipe.validation) if _is_missing(source, data)]
    if world.first:
        for source in missing:
            _render(source, data)
    world.from_first(None)


def _is_missing(source: DataSource, data: Path) -> bool:
    return source.scenes > 0 and not (data / source.annotations).is_file()


def _render(source: DataSource, data: Path) -> None:
    from training.scenes.datasets import write_stills  # only where scenes are missing

    path = data / source.annotations
    if path.name != "annotations.json":
        raise InputError(f"'{path}': scenes are rendered with an annotations.json, name that in the recipe")
    log.info("rendering %d scenes into %s, once", source.scenes, path.parent)
    write_stills(path.parent, source.scenes, SIZE, source.first_scene, jobs=usable_cpus())
