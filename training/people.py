"""Annotated people and images of COCO-format files, as arrays ready for sampling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from models.errors import InputError
from models.keypoints import KeypointSet, keypoint_set
from training.recipe import DataSource


@dataclass(frozen=True)
class People:
    """P annotated people in I images, keypoints in the order of the set that is trained.

    Attributes:
        images: I paths.
        image: (P,) index into `images`.
        boxes: (P, 4) left, top, right, bottom.
        keypoints: (P, K, 2) pixels.
        weights: (P, K) weight in the loss, 0 where a joint is not labelled.
        ignore: (P,) neither positive nor negative for a detector.
        areas: (P,) square pixels for OKS.
        ids: (P,) annotation ids.
        image_ids: (I,) the file's own image ids.
        complete: (I,) every person of the image is boxed.
    """

    images: list[Path]
    image: NDArray[np.intp]
    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    weights: NDArray[np.float32]
    ignore: NDArray[np.bool_]
    areas: NDArray[np.float32]
    ids: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    complete: NDArray[np.bool_]


def read_people(source: DataSource, data: Path, target: KeypointSet) -> People:
    """Read a COCO-format file.

    Joints that the file's keypoint set lacks get weight 0. ``keypoint_scores`` of an annotation, where present,
    weigh its joints. A pseudo box below the source's `ignore_below` is to be ignored.

    Raises:
        InputError: the file is missing or malformed.
    """
    path = data / source.annotations
    if not path.is_file():
        raise InputError(
            f"no annotation file {path}: give the folder that holds {source.annotations} as --data"
        )
    try:
        content = orjson.loads(path.read_bytes())
        images, annotations = content["images"], content["annotations"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a COCO-format file: {error}") from None
    folder = data / source.images if source.images else path.parent
    position = {image["id"]: i for i, image in enumerate(images)}
    origin = target.positions_in(keypoint_set(source.keypoints))
    count = len(annotations)
    keypoints = np.zeros((count, len(target), 2), np.float32)
    weights = np.zeros((count, len(target)), np.float32)
    boxes = np.zeros((count, 4), np.float32)
    ignore = np.zeros(count, bool)
    for i, annotation in enumerate(annotations):
        x, y, w, h = annotation["bbox"]
        boxes[i] = x, y, x + w, y + h
        ignore[i] = annotation.get("iscrowd", 0) or (
            annotation.get("box_from") == "pseudo" and annotation.get("score", 1) < source.ignore_below
        )
        if any(annotation.get("keypoints", ())):
            values = np.array(annotation["keypoints"], np.float32).reshape(-1, 3)
            scores = np.array(annotation.get("keypoint_scores", np.ones(len(values))), np.float32)
            weight = np.where(values[:, 2] > 0, scores, 0)
            keypoints[i] = values[origin, :2]
            weights[i] = np.where(origin >= 0, weight[origin], 0)
    return People(
        images=[folder / image["file_name"] for image in images],
        image=np.array([position[a["image_id"]] for a in annotations], np.intp),
        boxes=boxes,
        keypoints=keypoints,
        weights=weights,
        ignore=ignore,
        areas=np.array([a.get("area", 0) for a in annotations], np.float32),
        ids=np.array([a["id"] for a in annotations], np.int64),
        image_ids=np.array([image["id"] for image in images], np.int64),
        complete=np.array([image.get("all_people_boxed", True) for image in images], bool),
    )
