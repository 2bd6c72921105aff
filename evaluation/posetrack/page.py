"""A result as a page to look at: tables, curves, the ids of each person over time, the worst frames."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.posetrack.clear_mot import Matching
from evaluation.posetrack.hota import THRESHOLDS
from evaluation.posetrack.joints import JOINTS, mean_known
from evaluation.posetrack.measures import Measures
from evaluation.posetrack.precision import curve
from evaluation.posetrack.scoring import PoseTrackResult
from evaluation.posetrack.sweep import Sweep
from evaluation.posetrack.table import (
    COLUMN_NAMES,
    JOINT_COLUMNS,
    joint_rows,
    rows,
    sequence_rows,
    sweep_tables,
)
from evaluation.posetrack.worst import draw_frame, worst_frames
from evaluation.report import Page

_CURVE_POINTS = 200
_TIMELINES = 12
_WORST_FRAMES = 8
_WORST_OF_A_SEQUENCE = 2  # neighbours look alike


def write_page(
    folder: Path, result: PoseTrackResult, measures: Measures, grid: Sweep | None, image_folders: list[Path]
) -> Path:
    """Write ``index.html`` into a folder.

    Args:
        folder: made if need be.
        result: what was found.
        measures: the measures beside the official ones.
        grid: figures by threshold, if they were asked for.
        image_folders: where the frames' images may lie; without them no frame is drawn.
    """
    frames = result.frames
    page = Page(
        "PoseTrack18",
        f"{result.protocol.name} protocol · {len(frames.sequences)} sequences, {len(frames)} frames"
        + (f" · {result.labels}" if result.labels else ""),
    )
    for note in (*result.notes, *(f"left out: {reason}" for reason in result.left_out.values())):
        page.text(note)
    page.table(COLUMN_NAMES, rows(result))
    page.heading("Joints")
    page.table(JOINT_COLUMNS, joint_rows(result))
    page.lines(
        "Precision over recall", _curves(result), x="Recall", y="Precision", x_range=(0, 1), y_range=(0, 1)
    )
    if measures.hota:
        parts = {"HOTA": measures.hota.hota, "DetA": measures.hota.det_a, "AssA": measures.hota.ass_a}
        series = {name: (THRESHOLDS, [mean_known(v) for v in values.T]) for name, values in parts.items()}
        page.heading("Identity")
        page.lines("HOTA over similarity thresholds", series, x="Threshold", y="Percent", y_range=(0, 100))
    for title, columns, table in measures.tables():
        page.heading(title)
        page.table(columns, table)
    _add_sequences(page, result)
    if result.matching:
        _add_timelines(page, result, result.matching)
    if grid:
        page.heading("Thresholds")
        for title, columns, table in sweep_tables(grid):
            page.text(title)
            page.table(columns, table)
        for measure in ("ap", "mota"):
            page.text(f"Best {measure.upper()}: {grid.best(measure)}")
    _add_worst_frames(page, result, image_folders)
    return page.write(folder)


def _curves(result: PoseTrackResult) -> dict[str, tuple[NDArray, NDArray]]:
    series = {}
    for number, joint in enumerate(JOINTS):
        points = curve(result.samples, number, result.protocol)
        if len(points.recall):
            shown = np.unique(np.linspace(0, len(points.recall) - 1, _CURVE_POINTS).astype(int))
            series[joint] = (points.recall[shown], points.precision[shown])
    return series


def _add_sequences(page: Page, result: PoseTrackResult) -> None:
    table = sequence_rows(result)
    page.heading("Sequences")
    for measure in rows(result):
        values = {name: parts[measure]["Total"] for name, parts in table.items()}
        low = min([0.0, *(v for v in values.values() if v == v)])
        page.bars(f"{measure} of each sequence", values, limits=(low, 100.0))


def _add_timelines(page: Page, result: PoseTrackResult, matching: Matching) -> None:
    """The ids of each annotated person over time, of the sequences with the most switches."""
    frames = result.frames
    ids = _majority_ids(matching, result)
    charts = []
    for number, name in enumerate(frames.sequences):
        people = np.flatnonzero(frames.sequence_of[frames.truth.frames] == number)
        svg, switches = _timeline(
            frames.truth.track_ids[people], frames.ranks[frames.truth.frames[people]], ids[people]
        )
        charts.append((switches, name, svg))
    charts.sort(key=lambda chart: -chart[0])
    page.heading("Who is who over time")
    page.text(
        "One row for each annotated person, one colour for each predicted id: that of most of the person's "
        "joints. Thin grey: annotated, not found. A mark: another id than before."
        + (f" The {_TIMELINES} sequences with the most switches." if len(charts) > _TIMELINES else "")
    )
    for switches, name, svg in charts[:_TIMELINES]:
        page.figure(f"{name}: {switches} switches", svg)


def _majority_ids(matching: Matching, result: PoseTrackResult) -> NDArray[np.int64]:
    """(G,) the predicted id with which most joints of each annotated person are matched, −1 for none."""
    matched = matching.candidates[matching.matched]
    predicted = result.frames.prediction.track_ids[matched.prediction]
    pairs, joints = np.unique(np.stack([matched.truth, predicted]), axis=1, return_counts=True)
    ids = np.full(len(result.frames.truth), -1)
    order = np.argsort(joints, kind="stable")
    ids[pairs[0, order]] = pairs[1, order]  # the largest count is written last
    return ids


def _timeline(tracks: NDArray[np.int64], times: NDArray[np.int64], ids: NDArray[np.int64]) -> tuple[str, int]:
    """SVG of one sequence, and how often a person changes id."""
    rows = {track: row for row, track in enumerate(np.unique(tracks).tolist())}
    colour_of = {name: _colour(i) for i, name in enumerate(np.unique(ids[ids >= 0]).tolist())}
    step, left, length = 18, 70, max(int(times.max(initial=0)) + 1, 1)
    cell = min(12.0, 900 / length)
    parts, before, switches = [], dict[int, int](), 0
    for person in np.argsort(times, kind="stable").tolist():
        track, time, found = int(tracks[person]), int(times[person]), int(ids[person])
        x, y = left + time * cell, rows[track] * step
        if found < 0:
            parts.append(f'<rect class="missed" x="{x:.1f}" y="{y + 8}" width="{cell:.1f}" height="2"/>')
            continue
        parts.append(
            f'<rect x="{x:.1f}" y="{y + 3}" width="{cell:.1f}" height="12" fill="{colour_of[found]}">'
            f"<title>frame {time}, id {found}</title></rect>"
        )
        if before.get(track, found) != found:
            switches += 1
            parts.append(f'<path d="M{x:.1f} {y} l-4 -4 h8 z M{x:.1f} {y} v{step}" stroke="currentColor"/>')
        before[track] = found
    names = [f'<text x="0" y="{row * step + 13}">person {row + 1}</text>' for row in rows.values()]
    height, width = len(rows) * step + 6, left + length * cell + 6
    style = "<style>.missed { fill: currentColor; opacity: .35; } path { fill: currentColor; }</style>"
    body = "\n".join([style, *names, *parts])
    size = f'width="{width:.0f}" height="{height}" viewBox="-2 -5 {width:.0f} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n{body}\n</svg>', switches


def _colour(number: int) -> str:
    """Hues that neighbours in number do not share: steps of the golden angle."""
    return f"hsl({number * 137.5 % 360:.0f} 65% {40 + 18 * (number // 8 % 2)}%)"


def _add_worst_frames(page: Page, result: PoseTrackResult, folders: list[Path]) -> None:
    pictures: list[tuple[Path, str, int]] = []
    drawn = Counter[int]()
    for frame, wrong in worst_frames(result):
        name, sequence = result.frames.file_names[frame], int(result.frames.sequence_of[frame])
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path and drawn[sequence] < _WORST_OF_A_SEQUENCE:
            pictures.append((path, f"{name}: {wrong} joints missed or false", frame))
            drawn[sequence] += 1
        if len(pictures) == _WORST_FRAMES:
            break
    if not pictures:
        return
    page.heading("Worst frames")
    page.text("Green: annotated. Orange: predicted, with a circle around each joint that is no hit.")
    for path, caption, frame in pictures:
        image = draw_frame(path, frame, result)
        if image is not None:
            page.picture(image, caption)
