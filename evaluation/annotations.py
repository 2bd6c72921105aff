"""Annotated people as arrays, from COCO-style JSON: what running a network, scoring and training read.

Every benchmark's reader turns its own files into a COCO-style document (``images``, ``annotations``,
``categories``), so that one reader, one metric and one training pipeline serve them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from models.errors import InputError
from models.files import read_whole
from models.keypoints import KeypointSet

Document = dict[str, Any]
BOX_AREA = (
    0.53  # a person's area as a part of its box's where none is annotated (CrowdPose, AIC, xtcocotools)
)

# Fields of an annotation and of an image that `KeypointDataset` holds as arrays of its own.
_PERSON_FIELDS = {
    "id",
    "image_id",
    "category_id",
    "bbox",
    "keypoints",
    "keypoint_scores",
    "num_keypoints",
    "area",
    "iscrowd",
    "segmentation",
}
_IMAGE_FIELDS = {"id", "file_name", "width", "height"}


@dataclass(frozen=True)
class KeypointDataset:
    """N annotated people in P pictures. A mask, slice or index array picks people; the pictures stay.

    Attributes:
        keypoint_set: names and order of the K keypoints.
        images: P paths of picture files.
        image_ids: (P,) int64 ids of the pictures in the annotation file.
        image_sizes: (P, 2) int32 width, height in pixels; 0 where the file does not say.
        image_index: (N,) position of each person's picture in `images`.
        person_ids: (N,) int64 annotation ids.
        boxes: (N, 4) float32 left, top, right, bottom in pixels.
        keypoints: (N, K, 2) float32 x, y in pixels; 0 where not labelled.
        visibility: (N, K) uint8: 0 not labelled, 1 labelled but hidden, 2 visible.
        weights: (N, K) float32 weight of each keypoint in a loss, 1 unless the file says otherwise
            (``keypoint_scores``); 0 where not labelled.
        areas: (N,) float32 area of the person in square pixels.
        crowd: (N,) bool: a region of many people, neither positive nor negative (``iscrowd``).
        person_fields: further fields of the annotations, such as ``box_from`` or ``score``: name → (N,)
            object array, None where an annotation lacks it.
        image_fields: the same for pictures, such as ``crowdIndex``: name → (P,) object array.
    """

    keypoint_set: KeypointSet
    images: tuple[Path, ...]
    image_ids: NDArray[np.int64]
    image_sizes: NDArray[np.int32]
    image_index: NDArray[np.intp]
    person_ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    weights: NDArray[np.float32]
    areas: NDArray[np.float32]
    crowd: NDArray[np.bool_]
    person_fields: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    image_fields: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.person_ids)

    def __getitem__(self, people: NDArray | slice | list[int]) -> KeypointDataset:
        picked = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("image_index", "person_ids", "boxes", "keypoints", "visibility", "weights", "areas"):
            picked[name] = picked[name][people]
        picked["crowd"] = self.crowd[people]
        picked["person_fields"] = {name: values[people] for name, values in self.person_fields.items()}
        return KeypointDataset(**picked)


def read_json(path: str | Path) -> Any:
    """Parse a JSON file; raises InputError when it is missing, not readable or not JSON."""
    try:
        return orjson.loads(read_whole(Path(path)))
    except orjson.JSONDecodeError as error:
        raise InputError(f"'{path}' is not JSON: {error}") from None


def check_document(document: Any, keypoint_set: KeypointSet, name: str) -> Document:
    """Check a COCO-style document and fill in what annotations may leave out.

    ``iscrowd`` becomes 0, ``num_keypoints`` the number of labelled keypoints and ``area`` 0.53 of the box's,
    where missing. The document is changed in place.

    Args:
        document: the parsed file.
        keypoint_set: the keypoints expected.
        name: the file's name, for messages.

    Raises InputError for another kind of file, another number of keypoints, repeated or unknown ids, and for
    fields that are not the numbers they should be.
    """
    if not isinstance(document, dict) or not {"images", "annotations"} <= document.keys():
        found = ", ".join(document) if isinstance(document, dict) else f"a {type(document).__name__}"
        raise InputError(
            f"'{name}' holds no COCO-style annotations: it needs images, annotations (found: {found})"
        )
    categories = document.setdefault("categories", [{"id": 1, "name": "person"}])
    image_ids = _unique_ids(document["images"], "image", name)
    _unique_ids(document["annotations"], "annotation", name)
    length = 3 * len(keypoint_set)
    for person in document["annotations"]:
        keypoints = person.get("keypoints")
        if keypoints is None or "bbox" not in person:
            what = "keypoints" if keypoints is None else "bbox"
            raise InputError(
                f"'{name}': annotation {person['id']} has no '{what}': is this a person keypoint file? "
                f"(COCO's is person_keypoints_*.json, not instances_*.json)"
            )
        if isinstance(keypoints, list) and len(keypoints) != length:
            raise InputError(
                f"'{name}': annotation {person['id']} has {len(keypoints) / 3:g} keypoints, "
                f"{keypoint_set.name} has {len(keypoint_set)}"
            )
        if person.get("image_id") not in image_ids:
            raise InputError(
                f"'{name}': annotation {person['id']} belongs to image {person.get('image_id')}, "
                "which the file does not list"
            )
    check_numbers(document["annotations"], "keypoints", length, f"'{name}': annotation")
    check_numbers(document["annotations"], "bbox", 4, f"'{name}': annotation")
    for person in document["annotations"]:
        person.setdefault("category_id", categories[0]["id"])
        person.setdefault("iscrowd", 0)
        if "num_keypoints" not in person:
            person["num_keypoints"] = sum(v > 0 for v in person["keypoints"][2::3])
        if "area" not in person:
            person["area"] = person["bbox"][2] * person["bbox"][3] * BOX_AREA
    for number in ("category_id", "iscrowd", "num_keypoints", "area"):
        check_numbers(document["annotations"], number, None, f"'{name}': annotation")
    return document


def annotation(
    number: int, image_id: int, corners: Sequence[float], joints: NDArray[np.float64], **more: Any
) -> Document:
    """A person of a COCO-style document.

    Args:
        number: the annotation's id.
        image_id: of the picture.
        corners: left, top, right, bottom of the box in pixels.
        joints: (K, 3) x, y, COCO's flag; where that is 0, the place is dropped.
        more: further fields.
    """
    left, top, right, bottom = corners
    return {
        "id": number,
        "image_id": image_id,
        "bbox": [left, top, right - left, bottom - top],
        "keypoints": np.where(joints[:, 2:] > 0, joints, 0).ravel().tolist(),
        **more,
    }


def check_numbers(rows: Sequence[Document], field: str, count: int | None, what: str) -> None:
    """Raises InputError that names the first row whose field is not a list of that many finite numbers.

    With ``count`` None the field is one number by itself.
    """
    shape = () if count is None else (count,)
    if finite_numbers([row.get(field) for row in rows], (len(rows), *shape)):
        return
    for i, row in enumerate(rows):
        if not finite_numbers(row.get(field), shape):
            wanted = "a number" if count is None else f"{count} numbers"
            found = str(row.get(field))[:60]
            raise InputError(f"{what} {row.get('id', i)}: {field} must be {wanted}, not {found}")


def finite_numbers(values: Any, shape: tuple[int, ...] | None = None) -> bool:
    """Whether a number, nested lists of them or an array hold finite real numbers alone, in that shape."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        return False
    fits = shape is None or array.shape == shape
    return fits and array.dtype.kind in "biuf" and bool(np.isfinite(array).all())


def _unique_ids(rows: Sequence[Document], kind: str, name: str) -> set[Any]:
    seen: set[Any] = set()
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("id"), int):
            raise InputError(f"'{name}': every {kind} needs a whole number as its id; one is {str(row)[:60]}")
        if row["id"] in seen:
            raise InputError(f"'{name}': two {kind}s have the id {row['id']}")
        seen.add(row["id"])
    return seen


def dataset(document: Document, keypoint_set: KeypointSet, images: str | Path) -> KeypointDataset:
    """The people of a checked COCO-style document as arrays.

    Args:
        document: as from `check_document`.
        keypoint_set: its keypoints.
        images: the folder that ``file_name`` entries start from.
    """
    pictures, people = document["images"], document["annotations"]
    n, k = len(people), len(keypoint_set)
    position = {picture["id"]: i for i, picture in enumerate(pictures)}
    triples = np.array([p["keypoints"] for p in people], np.float64).reshape(n, k, 3)
    boxes = np.array([p["bbox"] for p in people], np.float64).reshape(n, 4)
    boxes[:, 2:] += boxes[:, :2]
    sizes = np.array([(p.get("width", 0), p.get("height", 0)) for p in pictures], np.int32)
    labelled = triples[..., 2] > 0
    weights = labelled.astype(np.float32)
    for i, person in enumerate(people):
        if "keypoint_scores" in person:
            weights[i] *= np.asarray(person["keypoint_scores"], np.float32)
    return KeypointDataset(
        keypoint_set=keypoint_set,
        images=tuple(Path(images) / picture["file_name"] for picture in pictures),
        image_ids=np.array([picture["id"] for picture in pictures], np.int64),
        image_sizes=sizes.reshape(-1, 2),
        image_index=np.array([position[p["image_id"]] for p in people], np.intp),
        person_ids=np.array([p["id"] for p in people], np.int64),
        boxes=boxes.astype(np.float32),
        keypoints=np.where(labelled[..., None], triples[..., :2], 0).astype(np.float32),
        visibility=np.clip(triples[..., 2], 0, 2).astype(np.uint8),
        weights=weights,
        areas=np.array([p["area"] for p in people], np.float32),
        crowd=np.array([bool(p["iscrowd"]) for p in people], bool),
        person_fields=_columns(people, _PERSON_FIELDS),
        image_fields=_columns(pictures, _IMAGE_FIELDS),
    )


def _columns(rows: Sequence[Document], known: set[str]) -> dict[str, NDArray[np.object_]]:
    names = sorted({name for row in rows for name in row} - known)
    columns = {name: np.full(len(rows), None, object) for name in names}
    for i, row in enumerate(rows):
        for name in row.keys() & columns.keys():
            columns[name][i] = row[name]
    return columns
