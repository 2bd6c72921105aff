"""Figures as a table on the terminal and as JSON; what is checked before there are any."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evaluation.benchmark import Benchmark, Scores, Table
from models.console import table_console
from models.files import check_apart, check_output, write_json


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path | str | None]) -> None:
    """Raise InputError for outputs that cannot be written or that would replace an input or each other.

    A folder that is read stands for the files in it; an input that does not exist, such as a name of the zoo,
    for none.
    """
    targets = [path for path in outputs if path is not None]
    given = [Path(name) for name in inputs if name is not None and Path(name).exists()]
    check_apart(targets, [file for path in given for file in (path, *path.glob("*"))])
    for path in targets:
        check_output(path, overwrite=True)


def print_scores(benchmark: Benchmark, scores: Scores, source: str) -> None:
    """Print the published table's row, the published figures of the same checkpoint, and the details."""
    from rich.markup import escape

    console = table_console()
    rows = tuple(table_rows(benchmark, scores, source))
    for table in (*scores.tables, Table(benchmark.title, benchmark.columns, rows, benchmark.decimals)):
        console.print(_rich_table(table, console.width))
    for note in scores.notes:
        console.print(f"note: {escape(note)}")


def table_rows(benchmark: Benchmark, scores: Scores, source: str) -> list[tuple[str, tuple[float, ...]]]:
    """Rows of the published table: ours, then those published for the same checkpoint of the zoo."""
    from evaluation.published import figures

    ours = [(f"{Path(source).name} {label}".strip(), row) for label, row in scores.rows.items()]
    return ours + [(f"published: {setting}", row) for setting, row in figures(benchmark, source)]


def _rich_table(table: Table, width: int) -> Any:
    """The table as it stands, or, where the terminal is too narrow for its columns, with rows as columns."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table as RichTable

    head = table.columns
    rows = [(name, [number(figure, table.decimals) for figure in figures]) for name, figures in table.rows]
    label = min(max((len(name) for name, _ in rows), default=0), 24)  # longer ones are folded
    needed = label + 4 + sum(3 + max(len(name), table.decimals + 2) for name in head)
    if needed > width:
        columns = [(name, [figures[i] for _, figures in rows]) for i, name in enumerate(head)]
        head, rows = tuple(name for name, _ in rows), columns
    printed = RichTable(title=table.title, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    printed.add_column("", overflow="fold")
    for name in head:
        printed.add_column(escape(name), justify="right", no_wrap=len(name) < 20)
    for name, figures in rows:
        printed.add_row(escape(name), *figures)
    return printed


def number(figure: float, decimals: int) -> str:
    """A figure as the tables show it; a dash for NaN."""
    return "–" if figure != figure else f"{figure:.{decimals}f}"


def write_scores(path: Path, benchmark: Benchmark, scores: Scores, source: str, annotations: Path) -> None:
    """Write the figures: ``metrics`` by name, the tables, where they came from."""
    content = {
        "benchmark": benchmark.name,
        "annotations": str(annotations),
        "source": source,
        "metrics": scores.metrics,
        "tables": [
            {"title": t.title, "columns": t.columns, "rows": [{"name": n, "figures": f} for n, f in t.rows]}
            for t in scores.tables
        ],
        "notes": scores.notes,
    }
    write_json(path, content, indent=True)
