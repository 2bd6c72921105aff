"""Boxes of people from a file instead of a detector: COCO's JSON or MOT's text.

COCO (``.json``): a list of results ``{"image_id", "bbox": [left, top, width, height], "score",
"category_id"}`` whose ``image_id`` is the frame's number from 0; or an object with ``images`` and
``annotations``, where the k-th image of the list is frame k. Category 1 is a person, or the one so named
under ``categories``. Without a score it is 1.

MOT (``.txt``, ``.csv``): lines ``frame, id, left, top, width, height, confidence, …``, frames from 1. The ids
are not looked at. A confidence below 0 stands for none given and counts as 1, one above 1 counts as 1. In
files of nine columns (MOT16 ground truth) the eighth is the class, of which 1, pedestrians, is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.files import read_whole
from tracker.types import Boxes, Frame

SUFFIXES = (".json", ".txt", ".csv")

Row = tuple[float, float, float, float, float, float]  # frame, left, top, width, height, score


class BoxesFile:
    """A detector that looks boxes up by the frame's number.

    Args:
        path: see the module's text; raises InputError for a file that is not there or not of either kind.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.path = path
        rows = _read_coco(path) if path.suffix.lower() == ".json" else _read_mot(path)
        self._boxes = _by_frame(rows, path)

    def __call__(self, frame: Frame) -> Boxes:
        """(N, 4) left, top, right, bottom and (N,) scores; none for a frame without a line."""
        table = self._boxes.get(frame.index)
        if table is None:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return table[:, :4], table[:, 4]

    def __len__(self) -> int:
        return sum(map(len, self._boxes.values()))

    def __str__(self) -> str:
        return f"boxes of {self.path.name}"


def _by_frame(rows: Iterable[Row], path: Path) -> dict[int, NDArray[np.float32]]:
    table = np.array(list(rows), np.float64).reshape(-1, 6)
    if not np.isfinite(table).all():
        raise InputError(f"'{path}': a box has a number that is not finite")
    if (table[:, 0] < 0).any():
        raise InputError(f"'{path}': a frame's number is negative")
    table = table[np.argsort(table[:, 0], kind="stable")]
    boxes = np.column_stack((table[:, 1:3], table[:, 1:3] + table[:, 3:5], table[:, 5])).astype(np.float32)
    frames, starts = np.unique(table[:, 0].astype(np.int64), return_index=True)
    return dict(zip(frames.tolist(), np.split(boxes, starts[1:]), strict=True)) if len(frames) else {}


def _read_coco(path: Path) -> Iterable[Row]:
    import orjson

    try:
        content = orjson.loads(read_whole(path))
    except orjson.JSONDecodeError as error:
        raise InputError(f"'{path}' is not JSON: {error}") from None
    try:
        numbers, annotations, person = _coco_parts(content)
        for entry in annotations:
            if entry.get("category_id", person) == person:
                left, top, width, height = map(float, entry["bbox"])
                frame = numbers[entry["image_id"]] if numbers is not None else int(entry["image_id"])
                yield frame, left, top, width, height, float(entry.get("score", 1.0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"'{path}' is not a COCO file of boxes ({type(error).__name__}: {error}): give a list of results "
            "with image_id and bbox, or an object with images and annotations"
        ) from None


def _coco_parts(content: Any) -> tuple[dict[Any, int] | None, list[dict[str, Any]], int]:
    """Image id → frame number (None where the id is the number), the boxes, the category of people."""
    if isinstance(content, list):
        return None, content, 1
    numbers = {image["id"]: number for number, image in enumerate(content["images"])}
    categories = {c.get("name"): c["id"] for c in content.get("categories", ())}
    return numbers, content["annotations"], categories.get("person", 1)


def _read_mot(path: Path) -> Iterable[Row]:
    try:
        lines = read_whole(path).decode().splitlines()
    except UnicodeDecodeError:
        raise InputError(f"'{path}' is not a text file: give MOT lines or COCO's JSON") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = [float(value) for value in line.replace(",", " ").split()]
            frame, _, left, top, width, height = values[:6]
        except ValueError:
            raise InputError(
                f"'{path}', line {number}: '{line[:60]}' is not a MOT line (frame, id, left, top, width, "
                "height, confidence)"
            ) from None
        confidence = values[6] if len(values) > 6 else 1.0
        if len(values) == 9 and values[7] != 1:
            continue
        yield frame - 1, left, top, width, height, min(confidence, 1.0) if confidence >= 0 else 1.0
