"""The report of a benchmark: tables, curves, the errors' kinds, and the worst pictures drawn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document
from evaluation.benchmark import Benchmark, Scores, Table
from evaluation.errors import KINDS, ap_by_joints, ap_without, count_errors, greedy_matches, worst_images
from evaluation.oks import THRESHOLDS, ImageOks, OksResult
from evaluation.output import number, table_rows
from evaluation.report import Page
from models.keypoints import KeypointSet

WORST = 8  # pictures drawn
_SIDE = 640  # pixels of the longer side of a drawn picture


def write_page(
    folder: Path,
    benchmark: Benchmark,
    scores: Scores,
    document: Document,
    predictions: Sequence[Document],
    source: str,
    image_folders: Sequence[Path],
) -> Path:
    """Write the report's ``index.html`` into a folder.

    Args:
        folder: made if need be.
        benchmark, scores, document, predictions: what was scored.
        source: the network or file that the predictions are from.
        image_folders: where to look for the worst pictures; they are left out where none is found.
    """
    page = Page(benchmark.title, source)
    rows = tuple(table_rows(benchmark, scores, source))
    _add_table(page, Table("Row of the published table", benchmark.columns, rows, benchmark.decimals))
    for note in scores.notes:
        page.text(f"Note: {note}")
    for table in scores.tables:
        _add_table(page, table)
    if scores.oks is not None:
        _add_errors(page, document, predictions, scores.oks)
        _add_worst(page, document, scores.oks, image_folders)
    return page.write(folder)


def _add_table(page: Page, table: Table) -> None:
    page.heading(table.title)
    decimals = table.decimals
    page.table(
        table.columns,
        {
            name or "value": {c: number(v, decimals) for c, v in zip(table.columns, figures, strict=True)}
            for name, figures in table.rows
        },
    )


def _add_errors(page: Page, document: Document, predictions: Sequence[Document], result: OksResult) -> None:
    recall = np.linspace(0, 1, result.precision.shape[1])
    curves = {
        f"OKS {threshold:.2f}": (recall, values)
        for threshold, values in zip(THRESHOLDS, result.precision, strict=True)
        if values.max() >= 0
    }
    page.lines("Precision over recall", curves, x="recall", y="precision", x_range=(0, 1), y_range=(0, 1))
    page.heading("What is wrong with the keypoints")
    page.text(
        "Kinds of error after Ronchi and Perona (ICCV 2017), of all labelled keypoints of people that have a "
        "prediction with OKS of 0.1 or more. Jitter: a little off. Inversion: left for right. Swap: on "
        "somebody else. Miss: near nothing."
    )
    counts = count_errors(result)
    shares = {"all": counts.sum(axis=0)} | dict(zip(result.rules.keypoint_set.names, counts, strict=True))
    page.table(
        KINDS,
        {
            name: {kind: f"{100 * n / max(row.sum(), 1):.1f} %" for kind, n in zip(KINDS, row, strict=True)}
            for name, row in shares.items()
        },
    )
    page.bars(
        "Keypoints that are not good, per cent",
        {name: 100 * (1 - row[0] / max(row.sum(), 1)) for name, row in shares.items()},
        limits=(0, 100),
    )
    gains = {"as it is": result.metrics["AP"]}
    gains |= {f"without {kind}": ap for kind, ap in ap_without(document, result).items()}
    page.bars(
        "AP if one kind of error were mended, per cent",
        {k: 100 * v for k, v in gains.items()},
        limits=(0, 100),
    )
    page.heading("AP by labelled keypoints of the person")
    groups = ap_by_joints(document, predictions, result.rules)
    page.table(
        ("AP", "people"),
        {name: {"AP": f"{ap:.3f}" if ap >= 0 else "–", "people": n} for name, (ap, n) in groups.items()},
    )


def _add_worst(page: Page, document: Document, result: OksResult, folders: Sequence[Path]) -> None:
    names = {image["id"]: str(image.get("file_name", "")) for image in document["images"]}
    drawn = []
    for image, loss in worst_images(result, WORST):
        name = names[image.image_id]
        path = next((f / name for f in folders if name and (f / name).is_file()), None)
        if path is not None:
            caption = (
                f"{name}: {loss:.2f} of OKS lost, {len(image.people)} people. Left annotated, right found."
            )
            drawn.append((_side_by_side(path, image, result.rules.keypoint_set), caption))
    page.heading("The worst pictures")
    if not drawn:
        page.text("None is drawn: the pictures are not at hand (give --data), or nothing is wrong.")
    for picture, caption in drawn:
        page.picture(picture, caption)


def _side_by_side(path: Path, image: ImageOks, keypoint_set: KeypointSet) -> NDArray[np.uint8]:
    import cv2

    from evaluation.runner import read_image

    picture = read_image(path)
    matched = dict(greedy_matches(image))
    strangers = itertools.count(len(image.people))
    ids = [matched[i] if i in matched else next(strangers) for i in range(len(image.predictions))]
    panes = (
        _draw(picture, image.people, list(range(len(image.people))), keypoint_set),
        _draw(picture, image.predictions, ids, keypoint_set),
    )
    scale = _SIDE / max(picture.shape[:2])
    shrunk = [cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for p in panes]
    return np.hstack(shrunk).astype(np.uint8)


def _draw(
    picture: NDArray[np.uint8], rows: Sequence[Document], ids: list[int], keypoints: KeypointSet
) -> NDArray[np.uint8]:
    """The picture with poses in the colours of their ids."""
    from fractions import Fraction

    from tracker.draw import DrawOptions, Painter
    from tracker.types import Frame, FrameResult, Poses

    n = len(rows)
    triples = np.array([row["keypoints"] for row in rows], np.float32).reshape(n, len(keypoints), 3)
    points, scores = triples[..., :2], triples[..., 2]
    low, high = (np.where(scores[..., None] > 0, points, fill) for fill in (np.inf, -np.inf))
    boxes = np.nan_to_num(np.concatenate((low.min(axis=1), high.max(axis=1)), axis=1), posinf=0, neginf=0)
    poses = Poses(points, scores, boxes.astype(np.float32), np.ones(n, np.float32), np.array(ids) + 1)
    nobody = np.zeros(n, bool)
    result = FrameResult(Frame(0, Fraction(0), picture), poses, nobody, nobody, True, False, {})
    return Painter(keypoints, DrawOptions(ids=False, joint_threshold=0.2))(result)
