"""Figures as a table on the terminal and as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from evaluation.benchmark import Benchmark, Scores
from evaluation.files import write_whole


def print_scores(benchmark: Benchmark, scores: Scores, source: str) -> None:
    """Print the published table's row, the published figures of the same checkpoint, and the details."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(width=None if os.environ.get("COLUMNS") or os.isatty(1) else 160)
    for table in scores.tables:
        console.print(_rich_table(table.title, table.columns, table.rows, table.decimals))
    rows = table_rows(benchmark, scores, source)
    console.print(_rich_table(benchmark.title, benchmark.columns, rows, benchmark.decimals))
    for note in scores.notes:
        console.print(f"note: {escape(note)}")


def table_rows(benchmark: Benchmark, scores: Scores, source: str) -> list[tuple[str, tuple[float, ...]]]:
    """Rows of the published table: ours, then those published for the same checkpoint of the zoo."""
    from evaluation.published import figures

    ours = [(f"{source} {label}".strip(), row) for label, row in scores.rows.items()]
    return ours + [(f"published: {setting}", row) for setting, row in figures(benchmark, source)]


def _rich_table(title: str, columns: tuple[str, ...], rows: Any, decimals: int) -> Any:
    from rich.markup import escape
    from rich.table import Table as RichTable

    table = RichTable(title=title, title_justify="left")
    table.add_column("", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for label, figures in rows:
        table.add_row(escape(label), *(number(figure, decimals) for figure in figures))
    return table


def number(figure: float, decimals: int) -> str:
    """A figure as the tables show it; a dash for NaN."""
    return "–" if figure != figure else f"{figure:.{decimals}f}"


def write_json(path: Path, benchmark: Benchmark, scores: Scores, source: str, annotations: Path) -> None:
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
    write_whole(path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
