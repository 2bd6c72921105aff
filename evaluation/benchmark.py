"""What a benchmark is: where its files lie, how they are read, how predictions are scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.annotations import Document, check_document, read_json
from evaluation.oks import OksResult, OksRules, evaluate
from models.keypoints import KeypointSet


@dataclass(frozen=True)
class Table:
    """Figures to print: a title, column names, rows of a name and one figure a column, decimals to show."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    decimals: int = 3


@dataclass(frozen=True)
class Scores:
    """What scoring gives.

    Attributes:
        metrics: name → figure, as the benchmark's own program names and scales them.
        rows: the figures of the published table in its column order and scale, by what sets a row apart.
        tables: further figures, by joint or split.
        oks: for OKS benchmarks everything that was found, for the analysis of errors.
        notes: one line each: what the reader should know of these figures.
    """

    metrics: dict[str, float]
    rows: dict[str, tuple[float, ...]]
    tables: tuple[Table, ...] = ()
    oks: OksResult | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: as on the command line.
        title: as its owners write it.
        keypoint_set: what it annotates.
        annotations: patterns of annotation files or folders below ``--data``, the first found is taken.
        images: folders below ``--data`` from which file names may start.
        needs: the annotations in words, where the first pattern does not tell.
        box_files: names of the detector boxes that papers use, for the listing.
        columns: of the published table.
        decimals: that the table prints.
        homepage: where the data are to be had.
        terms: on which.
        read: annotation file → checked COCO-style document.
        score: document and predictions → scores.
        per_person: every annotated person is predicted from its own box and scored (PCK); otherwise
            predictions compete by their scores (OKS).
    """

    name: str
    title: str
    keypoint_set: KeypointSet
    annotations: tuple[str, ...]
    images: tuple[str, ...]
    columns: tuple[str, ...]
    homepage: str
    terms: str
    read: Callable[[Path], Document]
    score: Callable[[Document, Any], Scores]
    needs: str = ""
    box_files: tuple[str, ...] = ()
    decimals: int = 3
    per_person: bool = False


def reader(keypoint_set: KeypointSet) -> Callable[[Path], Document]:
    """A reader of COCO-style JSON annotations."""
    return lambda path: check_document(read_json(path), keypoint_set, str(path))


OKS_COLUMNS = ("AP", "AP50", "AP75", "AR", "AR50")


def oks_scorer(rules: OksRules, columns: Sequence[str] = OKS_COLUMNS) -> Callable[[Document, Any], Scores]:
    """A scorer by object keypoint similarity."""

    def score(document: Document, predictions: Any) -> Scores:
        notes = []
        if not rules.xtcocotools and any(person["id"] == 0 for person in document["annotations"]):
            notes.append("annotation id 0: pycocotools never counts that person as found; number from 1")
        if not document["annotations"]:
            notes.append("the annotations hold nobody: every figure is -1")
        result = evaluate(document, predictions, rules)
        details = Table(
            "by OKS threshold",
            tuple(result.ap_by_threshold),
            (("AP", tuple(result.ap_by_threshold.values())),),
        )
        summary = Table("all figures", tuple(result.metrics), (("", tuple(result.metrics.values())),))
        row = tuple(result.metrics[name] for name in columns)
        return Scores(result.metrics, {"": row}, (summary, details), result, tuple(notes))

    return score
