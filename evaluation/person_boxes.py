"""Which people of a data set a network looks at: annotated boxes, a file of detections, or our detector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, KeypointDataset, check_numbers, read_json
from models.errors import InputError


@dataclass(frozen=True)
class PersonBoxes:
    """N boxes in the order in which they are looked at.

    Attributes:
        image_index: (N,) position of each box's picture in the data set.
        boxes: (N, 4) float32 left, top, right, bottom in pixels.
        scores: (N,) float32; 1 for annotated boxes.
        person_ids: (N,) annotation ids, or −1 for detections.
    """

    image_index: NDArray[np.intp]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    person_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.boxes)


def annotated_boxes(people: KeypointDataset, clip: bool) -> PersonBoxes:
    """The boxes of annotated people.

    Args:
        people: the data set.
        clip: cut boxes at the picture's border where its size is known, as MMPose 1.x does for COCO; crowds,
            people without labelled keypoints and boxes without area are left out. Otherwise everybody keeps
            their box, of a pixel at least: PCK needs a pose of each.
    """
    boxes = people.boxes
    if clip:
        sizes = people.image_sizes[people.image_index]
        last = np.where(sizes > 0, sizes - 1, np.iinfo(np.int32).max)
        boxes = np.clip(boxes, 0, np.concatenate((last, last), axis=1)).astype(np.float32)
        sound = people.visibility.any(axis=1) & ~people.crowd & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        people, boxes = people[sound], boxes[sound]
    else:
        boxes = np.concatenate((boxes[:, :2], np.maximum(boxes[:, 2:], boxes[:, :2] + 1)), axis=1)
    return PersonBoxes(people.image_index, boxes, np.ones(len(people), np.float32), people.person_ids)


def read_detections(path: Path) -> list[Document]:
    """Rows of ``image_id``, ``bbox`` (left, top, width, height in pixels) and ``score``, 1 where missing.

    The file is COCO-style: a list of them. Those of other categories than 1 or without area are left out.
    Raises InputError where the file is missing or of another kind.
    """
    if not path.is_file():
        raise InputError(f"no detections '{path}': --boxes takes gt, detect or a JSON file of detections")
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"'{path}' holds no detections: a list of image_id, bbox and score is needed")
    for i, row in enumerate(rows):
        missing = {"image_id", "bbox"} - row.keys()
        if missing:
            raise InputError(f"'{path}': detection {i} has no {', '.join(sorted(missing))}")
        row.setdefault("score", 1.0)
    for field, count in (("image_id", None), ("score", None), ("bbox", 4)):
        check_numbers(rows, field, count, f"'{path}': detection")
    return [row for row in rows if row.get("category_id", 1) == 1 and min(row["bbox"][2:]) > 0]


def boxes_from_file(path: Path, people: KeypointDataset, threshold: float) -> PersonBoxes:
    """Detections as from `read_detections`, without those scored below the threshold.

    Those of pictures that the annotations do not list are left out. Raises InputError if none is left.
    """
    position = {image_id: i for i, image_id in enumerate(people.image_ids.tolist())}
    rows = read_detections(path)
    kept = [row for row in rows if row["score"] >= threshold and row["image_id"] in position]
    if not kept:
        raise InputError(
            f"'{path}': none of its {len(rows)} people is in a picture of the annotations "
            f"with a score of {threshold} or more"
        )
    boxes = np.array([row["bbox"] for row in kept], np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return PersonBoxes(
        np.array([position[row["image_id"]] for row in kept], np.intp),
        boxes,
        np.array([row["score"] for row in kept], np.float32),
        np.full(len(kept), -1, np.int64),
    )


def detected_boxes(found: Iterable[tuple[int, NDArray, NDArray]], threshold: float) -> PersonBoxes:
    """Boxes from (picture's position, (n, 4) boxes, (n,) scores), scored at least the threshold."""
    index, boxes, scores = [], [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for i, image_boxes, image_scores in found:
        good = image_scores >= threshold
        index += [i] * int(good.sum())
        boxes.append(image_boxes[good])
        scores.append(image_scores[good])
    return PersonBoxes(
        np.array(index, np.intp),
        np.concatenate(boxes).astype(np.float32),
        np.concatenate(scores).astype(np.float32),
        np.full(len(index), -1, np.int64),
    )


def image_files(names: list[str], needed: NDArray[np.intp], folders: list[Path]) -> list[Path]:
    """Paths of a data set's pictures: the first folder that has the first picture needed has them all.

    Args:
        names: file names, P of them.
        needed: positions of those that will be read.
        folders: candidates.

    Raises InputError that names and counts pictures that are missing.
    """
    if not len(needed):
        return [Path(name) for name in names]
    first = names[needed[0]]
    folder = next((f for f in folders if first and (f / first).is_file()), None)
    if folder is None:
        looked = ", ".join(f"'{f}'" for f in folders)
        raise InputError(f"no picture '{first}' in {looked}")
    missing = [names[i] for i in needed if not (folder / names[i]).is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(needed)} pictures are not in '{folder}' (first: {missing[0]})"
        )
    return [folder / name for name in names]
