"""``python -m evaluation --list``: what each benchmark needs on disk, where to get it, on which terms."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from models.console import table_console

# PoseTrack18 is read by its own package.
_POSETRACK18 = (
    "posetrack18",
    "annotations/val/*.json\nimages/val/",
    "posetrack.net (offline); PoseTrack21: github.com/anDoer/PoseTrack21",
    "non-commercial research",
)


def run(modules: Iterable[str]) -> int:
    """Print the list of the benchmarks in these modules; 0."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("benchmark", "below --data", "to be had from", "terms", show_lines=True)
    table.columns[1].overflow = table.columns[2].overflow = "fold"
    for row in rows(modules):
        table.add_row(*map(escape, row))
    table_console().print(table)
    return 0


def rows(modules: Iterable[str]) -> list[tuple[str, str, str, str]]:
    """Name, files needed (a line each), homepage and terms of every benchmark."""
    listed = []
    for module in modules:
        benchmark = getattr(import_module(module), "BENCHMARK", None)
        if benchmark is None:
            listed.append(_POSETRACK18)
            continue
        files = [benchmark.needs or benchmark.annotations[0], f"{benchmark.images[0]}/"]
        files += [f"{file} (boxes)" for file in benchmark.box_files]
        listed.append((benchmark.name, "\n".join(files), benchmark.homepage, benchmark.terms))
    return listed
