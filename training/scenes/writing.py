"""Scenes as data sets: COCO-format stills, PoseTrack18 sequences, videos."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.files import write_json, write_whole
from models.keypoints import COCO, POSETRACK18, KeypointSet
from training.scenes.figure import JOINTS, Figure

Json = dict[str, Any]
SMALLEST = 24  # pixels; people who show less are not annotated
_FACE = np.array([name.rpartition("_")[2] in ("nose", "eye", "ear") for name in JOINTS])
FEWEST_VISIBLE = 3  # joints; with fewer in sight nobody could tell where the others are


def coco_annotation(figure: Figure) -> Json:
    """The COCO fields of a person: hidden joints have visibility 1, a face turned away is not labelled."""
    order = positions(COCO)
    state = np.where(figure.visible, 2, ~_FACE | figure.covered) * figure.inside
    if figure.visible[order].sum() < FEWEST_VISIBLE:
        state = np.zeros_like(state)
    labelled = state[order] > 0
    triples = np.column_stack((figure.joints[order] * labelled[:, None], state[order]))
    left, top, right, bottom = figure.box.tolist()
    return {
        "bbox": [left, top, right - left, bottom - top],
        "area": figure.area,
        "iscrowd": 0,
        "keypoints": _rounded(triples),
        "num_keypoints": int(labelled.sum()),
        "box_from": "annotation",
    }


def posetrack_annotation(figure: Figure) -> Json:
    """The PoseTrack18 fields of a person: joints hidden by others are not annotated, ears never are."""
    order = positions(POSETRACK18)
    shown: NDArray[np.bool_] = (figure.inside & ~figure.covered)[order]
    shown &= ~_FACE[order] | figure.visible[order]
    shown[[POSETRACK18.index("left_ear"), POSETRACK18.index("right_ear")]] = False
    points = figure.joints[order]
    triples = np.column_stack((points, np.ones(len(points)))) * shown[:, None]
    kept = np.asarray(points[shown])
    low, high = kept.min(axis=0), kept.max(axis=0)
    margin = 0.15 * (high - low)
    head = figure.head_box
    return {
        "track_id": figure.person,
        "bbox": _xywh(low - margin, high + margin),
        "bbox_head": _xywh(head[:2], head[2:]),
        "keypoints": _rounded(triples),
        "num_keypoints": int(shown.sum()),
        "scores": [],
        "iscrowd": False,
    }


def _xywh(low: NDArray, high: NDArray) -> list[float]:
    return _rounded(np.concatenate((low, high - low)))


def _rounded(values: NDArray) -> list[float]:
    """Hundredths of a pixel are enough, and whole numbers need no point."""
    return [int(value) if value.is_integer() else value for value in np.round(values, 2).ravel().tolist()]


def is_annotated(figure: Figure) -> bool:
    """Whether enough of a person shows for an annotator to mark it."""
    order = positions(POSETRACK18)
    unhidden = int((figure.inside & ~figure.covered)[order].sum())
    return bool(figure.area >= SMALLEST and unhidden >= FEWEST_VISIBLE)


def positions(keypoints: KeypointSet) -> NDArray[np.intp]:
    """(K,) where each keypoint of a set is in `JOINTS`."""
    return np.array([JOINTS.index(name) for name in keypoints.names])


def category(keypoints: KeypointSet) -> Json:
    """The one category of a file, person."""
    limbs = (keypoints.limb_index + 1).tolist()
    names = list(keypoints.names)
    return {"supercategory": "person", "id": 1, "name": "person", "keypoints": names, "skeleton": limbs}


Still = tuple[NDArray[np.uint8], list[Figure]]


def write_coco(folder: Path, stills: Iterable[Still]) -> int:
    """Write pictures and ``annotations.json`` into a folder; number of annotated people.

    Args:
        folder: made where it is missing.
        stills: pictures (H, W, 3) BGR and the people in them.
    """
    images: list[Json] = []
    annotations: list[Json] = []
    for number, (picture, figures) in enumerate(stills):
        name = f"images/{number:06d}.webp"
        write_picture(folder / name, picture)
        height, width = picture.shape[:2]
        images.append(
            {"id": number + 1, "file_name": name, "width": width, "height": height, "all_people_boxed": True}
        )
        for figure in figures:
            if figure.area >= SMALLEST:
                identity = {"id": len(annotations) + 1, "image_id": number + 1, "category_id": 1}
                annotations.append({**identity, **coco_annotation(figure)})
    info = {"description": "rendered scenes"}
    content = {"info": info, "images": images, "annotations": annotations, "categories": [category(COCO)]}
    write_json(folder / "annotations.json", content)
    return len(annotations)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture at a camera's quality; raises InputError where it cannot be written."""
    options = [cv2.IMWRITE_WEBP_QUALITY, 88] if path.suffix == ".webp" else [cv2.IMWRITE_JPEG_QUALITY, 92]
    write_whole(path, cv2.imencode(path.suffix, picture, options)[1].tobytes())


def write_posetrack_pictures(folder: Path, number: int, pictures: Iterable[NDArray[np.uint8]]) -> None:
    """Write a sequence's pictures where its annotations say they are."""
    place = folder / "images" / "val" / sequence_name(number)
    for index, picture in enumerate(pictures):
        write_picture(place / f"{index:06d}.jpg", picture)


def sequence_name(number: int) -> str:
    """The name under which the official evaluation accepts a sequence."""
    return f"{number:06d}_mpii_test"


def posetrack_content(number: int, people: list[list[Figure]], size: tuple[int, int], every: int = 1) -> Json:
    """A PoseTrack18 annotation file of a sequence.

    Args:
        number: of the sequence, up to 6 digits.
        people: who shows in each frame.
        size: width and height of the pictures.
        every: only each so many-th frame is labelled.
    """
    name = sequence_name(number)
    images: list[Json] = []
    annotations: list[Json] = []
    for index, figures in enumerate(people):
        identity = 10_000_000_000 + number * 10_000 + index
        images.append(
            {
                "id": identity,
                "frame_id": identity,
                "file_name": f"images/val/{name}/{index:06d}.jpg",
                "vid_id": f"{number:06d}",
                "nframes": len(people),
                "width": size[0],
                "height": size[1],
                "is_labeled": index % every == 0,
                "has_no_densepose": True,
                "ignore_regions_x": [],
                "ignore_regions_y": [],
            }
        )
        for figure in filter(is_annotated, figures if index % every == 0 else ()):
            own = {"id": identity * 100 + figure.person, "image_id": identity, "category_id": 1}
            annotations.append({**own, **posetrack_annotation(figure)})
    return {"images": images, "annotations": annotations, "categories": [category(POSETRACK18)]}
