"""The closing report of a run: curves, figures and the worst predictions on one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.report import Page
from training.recipe import Recipe
from training.run_log import TRAINING, VALIDATION, read_rows
from training.task import Figures, Validation

CURVES = {"loss": "Loss", "pck": "Training PCK", "rate": "Learning rate", "per_second": "Samples a second"}


def write_report(recipe: Recipe, output: Path, best: Figures, last: Validation) -> Path:
    """Write ``report/index.html`` from the run's logs and its last validation.

    Args:
        recipe: what was run.
        output: the run's folder, with its logs.
        best: figures of the best validation.
        last: the last validation, whose worst predictions are shown.

    Returns:
        the page's path.
    """
    training, validation = read_rows(output / TRAINING), read_rows(output / VALIDATION)
    size = "×".join(map(str, recipe.network.input_size))
    page = Page(f"Training of {recipe.name}", f"{recipe.network.kind}, {size}, {recipe.network.keypoints}")
    page.heading("Figures")
    rows = {"best": best, "last": last.figures}
    page.table(
        list(last.figures), {row: {k: f"{v:.4g}" for k, v in values.items()} for row, values in rows.items()}
    )
    if training:
        end = training[-1]
        page.text(
            f"{end['samples']:.0f} samples, {end['epoch']:.1f} epochs, {end['skipped']:.0f} pictures left out"
        )
    page.heading("Curves")
    for name in last.figures:
        points = [(row["samples"], row[name]) for row in validation if name in row]
        page.lines(name, {name: tuple(np.array(points).T)}, x="Samples", y=name)
    for name, title in CURVES.items():
        points = [(row["samples"], row[name]) for row in training if name in row]
        if points:
            page.lines(title, {name: tuple(np.array(points).T)}, x="Samples", y=title)
    page.heading("Worst predictions of the last validation")
    page.text("Labels are green, predictions red.")
    for picture in last.pictures:
        page.picture(picture, "")
    return page.write(output / "report")
