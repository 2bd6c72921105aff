"""A result as the field's table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from evaluation.posetrack.clear_mot import Counts, Tracking
from evaluation.posetrack.joints import COLUMNS, JOINTS, POSEVAL_NAMES, mean_known, table_row, with_mean
from evaluation.posetrack.measures import Measures, Table
from evaluation.posetrack.precision import Precision
from evaluation.posetrack.scoring import PoseTrackResult
from evaluation.posetrack.sweep import Sweep
from evaluation.report import format_cell
from models.console import table_console

Row = dict[str, float]
COLUMN_NAMES = (*COLUMNS, "Total", "MOTP", "Prec", "Rec")
JOINT_COLUMNS = ("AP", "MOTA", "MOTP", "Prec", "Rec")


def precision_row(precision: Precision) -> Row:
    """AP of the table's columns and Total; precision and recall are means over the joints."""
    means = {"Prec": mean_known(precision.precision), "Rec": mean_known(precision.recall)}
    return table_row(precision.ap) | means


def tracking_row(tracking: Tracking) -> Row:
    """MOTA of the table's columns and Total; MOTP, precision and recall are means over the joints."""
    means = {"MOTP": tracking.motp, "Prec": tracking.precision, "Rec": tracking.recall}
    return table_row(tracking.mota) | {name: mean_known(values) for name, values in means.items()}


def rows(result: PoseTrackResult) -> dict[str, Row]:
    """The published table: AP, and MOTA where tracking was scored."""
    table = {"AP": precision_row(result.precision)}
    if result.tracking:
        table["MOTA"] = tracking_row(result.tracking)
    return table


def sequence_rows(result: PoseTrackResult) -> dict[str, dict[str, Row]]:
    """The same for each sequence by itself."""
    table: dict[str, dict[str, Row]] = {}
    for number, name in enumerate(result.frames.sequences):
        precision, tracking = result.sequence(number)
        table[name] = {"AP": precision_row(precision)}
        if tracking:
            table[name]["MOTA"] = tracking_row(tracking)
    return table


def joint_rows(result: PoseTrackResult) -> dict[str, Row]:
    """Each joint's AP, MOTA, MOTP, precision and recall."""
    columns = {"AP": result.precision.ap}
    if result.tracking:
        columns |= {"MOTA": result.tracking.mota, "MOTP": result.tracking.motp}
    source = result.tracking or result.precision
    columns |= {"Prec": source.precision, "Rec": source.recall}
    return {joint: {name: float(v[i]) for name, v in columns.items()} for i, joint in enumerate(JOINTS)}


def to_json(
    result: PoseTrackResult,
    *,
    per_sequence: bool = False,
    measures: Measures | None = None,
    grid: Sweep | None = None,
) -> dict[str, Any]:
    """All as plain lists and numbers; lists of 16 hold the joints in ``joint_order``, then their mean."""
    content: dict[str, Any] = {
        "benchmark": "posetrack18",
        "protocol": result.protocol.name,
        "labels": result.labels,
        "sequences": len(result.frames.sequences),
        "notes": list(result.notes),
        "left_out": result.left_out,
        "joint_order": list(POSEVAL_NAMES),
        "frames_evaluated_AP": len(result.frames),
        "AP": _lists(result.precision) | {"table": table_row(result.precision.ap)},
    }
    if result.tracking and result.counts:
        content["MOT"] = _lists(result.tracking) | _counts(result.counts)
        content["MOT"]["table"] = tracking_row(result.tracking)
    if per_sequence:
        content["per_sequence"] = {
            name: _sequence_json(*result.sequence(number))
            for number, name in enumerate(result.frames.sequences)
        }
    if measures:
        content |= measures.to_json()
    if grid:
        best = {measure: asdict(grid.best(measure)) for measure in ("ap", "mota")}
        content["sweep"] = asdict(grid) | {"ap": grid.ap.tolist(), "mota": grid.mota.tolist(), "best": best}
    return content


def _lists(scores: Precision | Tracking) -> dict[str, list[float]]:
    return {part.name: with_mean(getattr(scores, part.name)) for part in fields(scores)}


def _counts(counts: Counts) -> dict[str, dict[str, list[float]]]:
    total = counts.total
    names = ("misses", "switches", "false_positives", "objects", "detections")
    return {
        "counts": {f"num_{name}": total[name].tolist() for name in names},
        "sums": {
            "sumD_all_events": total["distance_of_events"].tolist(),
            "sumD_raw": total["distance_of_pairs"].tolist(),
            "sumD_match_and_switch": total["distance_of_matches"].tolist(),
        },
    }


def _sequence_json(precision: Precision, tracking: Tracking | None) -> dict[str, dict[str, list[float]]]:
    """One sequence under the names that poseval gives its files."""
    short = {"precision": "pre", "recall": "rec"}
    parts: dict[str, Precision | Tracking] = {"AP": precision}
    if tracking:
        parts["MOT"] = tracking
    return {
        part: {short.get(name, name): values for name, values in _lists(scores).items()}
        for part, scores in parts.items()
    }


def to_csv(result: PoseTrackResult, *, per_sequence: bool = False) -> str:
    """One line for each sequence and measure; a cell is empty where the figure is undefined."""
    names = (*COLUMN_NAMES, *JOINTS)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["sequence", "measure", "protocol", *names])
    parts: list[tuple[str, Precision, Tracking | None]] = [("all", result.precision, result.tracking)]
    if per_sequence:
        parts += [(name, *result.sequence(i)) for i, name in enumerate(result.frames.sequences)]
    for sequence, precision, tracking in parts:
        values = [("AP", precision_row(precision), precision.ap)]
        if tracking:
            values.append(("MOTA", tracking_row(tracking), tracking.mota))
        for measure, row, joints in values:
            cells = row | dict(zip(JOINTS, joints.tolist(), strict=True))
            numbers = (cells.get(name, np.nan) for name in names)
            writer.writerow(
                [sequence, measure, result.protocol.name, *("" if v != v else v for v in numbers)]
            )
    return text.getvalue()


def print_tables(
    result: PoseTrackResult,
    *,
    per_sequence: bool = False,
    measures: Measures | None = None,
    grid: Sweep | None = None,
    more: dict[str, Row] | None = None,
) -> None:
    """Print to the terminal; every table says which protocol was used. ``more`` rows join the first table."""
    used = f"{result.protocol.name} protocol"
    size = f"{len(result.frames.sequences)} sequences, {len(result.frames)} frames"
    title = f"{result.labels or 'PoseTrack18'}: {used}, {size}"
    print_table(title, COLUMN_NAMES, rows(result) | (more or {}))
    if per_sequence:
        for measure in rows(result):
            by_sequence = {name: parts[measure] for name, parts in sequence_rows(result).items()}
            print_table(f"{measure} of each sequence, {used}", COLUMN_NAMES, by_sequence)
    if measures:
        print_table(f"Joints, {used}", JOINT_COLUMNS, joint_rows(result))
    for title, columns, table in measures.tables() if measures else ():
        print_table(f"{title}, {used}", columns, table)
    if grid:
        for title, columns, table in sweep_tables(grid):
            print_table(f"{title}, {used}", columns, table)
        for measure in ("ap", "mota"):
            print(f"best {measure.upper()}: {grid.best(measure)}")


def sweep_tables(grid: Sweep) -> list[Table]:
    """AP and MOTA, a row for each box threshold, a column for each joint threshold."""
    columns = tuple(f"{threshold:g}" for threshold in grid.joint_thresholds)
    return [
        (
            f"{name} by joint (columns) and box (rows) threshold",
            columns,
            {
                f"{box:g}": dict(zip(columns, row.tolist(), strict=True))
                for box, row in zip(grid.box_thresholds, values, strict=True)
            },
        )
        for name, values in (("AP", grid.ap), ("MOTA", grid.mota))
    ]


def print_table(title: str, columns: Sequence[str], table: Mapping[str, Mapping[str, float | str]]) -> None:
    """One table; columns that no row has are left out."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as View

    shown = [name for name in columns if any(name in row for row in table.values())]
    view = View(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    view.add_column("", no_wrap=True)
    for name in shown:
        view.add_column(name, justify="right", no_wrap=True)
    for name, row in table.items():
        view.add_row(name, *(format_cell(row.get(column)) for column in shown))
    table_console().print(view)
