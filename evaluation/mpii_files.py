"""MPII's files: the owners' .mat, the evaluation programs' matrices, and the JSON lists made from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, check_document, read_json
from evaluation.matlab import load_mat
from models.errors import InputError
from models.keypoints import MPII

HEAD_SIZE = 0.6  # part of the head box's diagonal that PCKh divides by
# MPII's head_top and upper_neck lie on the head box's middle line, 0.8 of its diagonal apart.
HEAD_LENGTH = 0.8
_NECK, _TOP_OF_HEAD = MPII.index("upper_neck"), MPII.index("head_top")


def read(path: Path) -> Document:
    """Read MPII annotations; keypoints and boxes become 0-based.

    Takes the owners' ``mpii_human_pose_v1_u12_1.mat`` (its training people), the JSON lists of the Microsoft
    code and of MMPose, the evaluation matrices ``gt_valid.mat`` or ``mpii_gt_val.mat`` (positions only, to
    score predictions), or COCO-style JSON with ``head_size``. Head sizes of a JSON list come from the
    evaluation matrices beside it if they hold as many people, or from the neck and the top of the head, and
    are then marked ``head_size_estimated``.
    """
    if path.suffix == ".mat":
        document = _read_mat(path)
    else:
        parsed = read_json(path)
        document = _from_list(parsed, path) if isinstance(parsed, list) else parsed
    return check_document(document, MPII, str(path))


def _from_list(rows: list[Document], path: Path) -> Document:
    image_ids: dict[str, int] = {}
    people = []
    sizes = _head_sizes_beside(path, len(rows))
    for i, row in enumerate(rows):
        missing = {"image", "center", "scale", "joints", "joints_vis"} - row.keys()
        if missing:
            raise InputError(f"'{path}': entry {i} has no {', '.join(sorted(missing))}: not an MPII list")
        joints = np.asarray(row["joints"], np.float64)
        if joints.shape[0] != len(MPII):
            raise InputError(f"'{path}': entry {i} has {len(joints)} joints, MPII has {len(MPII)}")
        image_id = image_ids.setdefault(row["image"], len(image_ids) + 1)
        labelled = np.asarray(row["joints_vis"]) > 0
        person = _person(i + 1, image_id, joints[:, :2], labelled, row["center"], row["scale"])
        if sizes is not None:
            person["head_size"] = float(sizes[i])
        elif labelled[_NECK] and labelled[_TOP_OF_HEAD]:
            length = float(np.linalg.norm(joints[_NECK, :2] - joints[_TOP_OF_HEAD, :2]))
            person |= {"head_size": HEAD_SIZE / HEAD_LENGTH * length, "head_size_estimated": True}
        people.append(person)
    return {
        "images": [{"id": image_id, "file_name": name} for name, image_id in image_ids.items()],
        "annotations": people,
    }


def _person(
    person_id: int, image_id: int, joints: NDArray, labelled: NDArray, centre: Any, scale: float
) -> Document:
    """One annotation from MPII's 1-based joints, centre and scale.

    The box is the square of 200·scale pixels that the Microsoft code crops, moved down by 15·scale.
    """
    side = 200 * float(scale)
    left, top = centre[0] - 1 - side / 2, centre[1] + 15 * float(scale) - 1 - side / 2
    keypoints = np.zeros((len(MPII), 3))
    keypoints[labelled, :2] = joints[labelled] - 1
    keypoints[labelled, 2] = 2
    return {
        "id": person_id,
        "image_id": image_id,
        "bbox": [left, top, side, side],
        "keypoints": keypoints.reshape(-1).tolist(),
    }


def _head_sizes_beside(path: Path, people: int) -> NDArray | None:
    for name in ("mpii_gt_val.mat", "gt_valid.mat"):
        if (path.parent / name).is_file():
            sizes = _head_sizes(load_mat(path.parent / name))
            if len(sizes) == people:  # the owners of the lists put train.json beside gt_valid.mat
                return sizes
    return None


def _read_mat(path: Path) -> Document:
    """Read either kind of file as a COCO-style document with ``head_size``, 0-based."""
    content = load_mat(path)
    if "RELEASE" in content:
        return _from_release(content["RELEASE"])
    if {"pos_gt_src", "headboxes_src", "jnt_missing"} <= content.keys():
        return _from_matrices(content, path)
    names = ", ".join(name for name in content if not name.startswith("__"))
    raise InputError(
        f"'{path}' holds no MPII annotations: RELEASE, or pos_gt_src with headboxes_src (found: {names})"
    )


def _head_sizes(content: dict[str, Any]) -> NDArray[np.float64]:
    corners = np.asarray(content["headboxes_src"], np.float64).reshape(2, 2, -1)
    return np.linalg.norm(corners[1] - corners[0], axis=0) * HEAD_SIZE


def _from_matrices(content: dict[str, Any], path: Path) -> Document:
    positions = np.asarray(content["pos_gt_src"], np.float64).reshape(len(MPII), 2, -1).transpose(2, 0, 1)
    labelled = np.asarray(content["jnt_missing"]).reshape(len(MPII), -1).T == 0
    sizes = _head_sizes(content)
    if not len(positions) == len(labelled) == len(sizes):
        raise InputError(
            f"'{path}': {len(positions)} people, {len(sizes)} head boxes, {len(labelled)} jnt_missing"
        )
    images, people = [], []
    for i, (joints, known, size) in enumerate(zip(positions, labelled, sizes, strict=True), 1):
        keypoints = np.column_stack((np.where(known[:, None], joints - 1, 0), np.where(known, 2, 0)))
        low, high = joints[known].min(axis=0, initial=np.inf), joints[known].max(axis=0, initial=-np.inf)
        box = [*(low - 1), *(high - low)] if known.any() else [0.0, 0.0, 0.0, 0.0]
        images.append({"id": i, "file_name": ""})
        person = {"id": i, "image_id": i, "bbox": box, "keypoints": keypoints.reshape(-1).tolist()}
        people.append(person | {"head_size": float(size)})
    return {"images": images, "annotations": people}


def _from_release(release: Any) -> Document:
    """The training people of ``mpii_human_pose_v1_u12_1.mat``; those of the test set are not annotated."""
    images: list[Document] = []
    people: list[Document] = []
    entries = zip(_list(release.annolist), _list(release.img_train), strict=True)
    for i, (entry, training) in enumerate(entries, 1):
        if not training:
            continue
        found: list[Document] = []
        for rectangle in _list(getattr(entry, "annorect", None)):
            joints, labelled = _joints(rectangle)
            position: Any = getattr(rectangle, "objpos", None)
            scale: Any = getattr(rectangle, "scale", None)
            if not labelled.any() or not hasattr(position, "x") or np.size(scale) != 1:
                continue
            centre = (float(position.x), float(position.y))
            person = _person(len(people) + len(found) + 1, i, joints, labelled, centre, float(scale))
            left, top, right, bottom = (float(getattr(rectangle, side)) for side in ("x1", "y1", "x2", "y2"))
            person["head_size"] = HEAD_SIZE * float(np.hypot(right - left, bottom - top))
            found.append(person)
        if found:
            images.append({"id": i, "file_name": str(entry.image.name)})
            people += found
    return {"images": images, "annotations": people}


def _joints(rectangle: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    joints, labelled = np.zeros((len(MPII), 2)), np.zeros(len(MPII), bool)
    annotated = getattr(rectangle, "annopoints", None)
    for point in _list(getattr(annotated, "point", None)):
        joints[int(point.id)] = float(point.x), float(point.y)
        labelled[int(point.id)] = True
    return joints, labelled


def _list(value: Any) -> list[Any]:
    """MATLAB does not tell one struct from a list of one, nor none from an empty matrix."""
    return [] if value is None else list(np.atleast_1d(value))
