"""``python -m evaluation --list``: what each benchmark needs on disk, where to get it, on which terms."""

from __future__ import annotations

from importlib import import_module

# PoseTrack18 is read by its own package.
_POSETRACK18 = (
    "posetrack18",
    "annotations/val/*.json\nimages/val/",
    "posetrack.net (offline); PoseTrack21: github.com/anDoer/PoseTrack21",
    "non-commercial research",
)
_SHARED = ("coco", "ochuman", "crowdpose", "aic", "mhp", "mpii", "mpii-trb", "jhmdb")


def run() -> int:
    """Print the list; 0."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("benchmark", "below --data", "to be had from", "terms", show_lines=True)
    table.columns[1].overflow = table.columns[2].overflow = "fold"
    for row in rows():
        table.add_row(*map(escape, row))
    Console().print(table)
    return 0


def rows() -> list[tuple[str, str, str, str]]:
    """Name, files needed (a line each), homepage and terms of every benchmark."""
    listed = [_POSETRACK18]
    for name in _SHARED:
        benchmark = import_module(f"evaluation.{name.replace('-', '_')}").BENCHMARK
        files = [benchmark.needs or benchmark.annotations[0], f"{benchmark.images[0]}/"]
        files += [f"{file} (boxes)" for file in benchmark.box_files]
        listed.append((name, "\n".join(files), benchmark.homepage, benchmark.terms))
    return listed
