"""Sub-JHMDB: PCK@0.2 by person size and by torso size, for each of the three splits and their mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document, check_document, read_json
from evaluation.benchmark import Benchmark, Scores, Table
from evaluation.matlab import load_mat
from evaluation.pck import hit_rates, normalised_distances, pck
from evaluation.person_results import align, as_coordinates
from models.errors import InputError
from models.keypoints import JHMDB

COLUMNS = ("Head", "Sho", "Elb", "Wri", "Hip", "Knee", "Ank", "Mean")
_JOINTS = {"Sho": "shoulder", "Elb": "elbow", "Wri": "wrist", "Hip": "hip", "Knee": "knee", "Ank": "ankle"}
_TORSO = (JHMDB.index("left_shoulder"), JHMDB.index("right_hip"))


def pck_row(distances: NDArray, threshold: float = 0.2) -> dict[str, float]:
    """Hit rates from 0 to 1 by joint pair, and the plain mean over the 15 joints, from (N, 15) distances.

    A joint that nobody has counts as −1 in its column, as in MMPose; the mean leaves it out.
    """
    rates = np.nan_to_num(hit_rates(distances, threshold), nan=-1.0)
    row = {"Head": float(rates[JHMDB.index("head")])}
    for name, joint in _JOINTS.items():
        row[name] = float((rates[JHMDB.index(f"left_{joint}")] + rates[JHMDB.index(f"right_{joint}")]) / 2)
    return row | {"Mean": pck(distances, threshold)}


def person_sizes(boxes: NDArray) -> NDArray:
    """(N,) the longer side of (N, 4) left, top, right, bottom."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def torso_sizes(truth: NDArray, predicted: NDArray) -> NDArray:
    """(N,) distance of left shoulder and right hip; the predicted one where the true one is below a pixel."""
    true, guessed = (np.linalg.norm(p[:, _TORSO[0]] - p[:, _TORSO[1]], axis=-1) for p in (truth, predicted))
    return np.where(true < 1, guessed, true)


def read(path: Path) -> Document:
    """Read Sub-JHMDB; keypoints and boxes become 0-based.

    Args:
        path: MMPose's ``SubN_test.json``, a folder that holds some of them, or the owners' folder with
            ``joint_positions`` (a .mat a clip), ``Rename_Images`` and ``sub_splits`` (or ``splits``).

    Every annotation gets ``splits``, the numbers of the splits that test on it.
    """
    if path.is_file():
        return _from_files([path])
    files = sorted(path.glob("Sub[123]_test.json"))
    if files:
        return _from_files(files)
    if (path / "joint_positions").is_dir():
        document: Document = {"images": [], "annotations": []}
        for image, person in _owner_frames(path):
            document["images"].append(image)
            document["annotations"].append(person)
        return check_document(document, JHMDB, str(path))
    raise InputError(
        f"no Sub-JHMDB annotations in '{path}': looked for Sub1_test.json, Sub2_test.json, Sub3_test.json "
        "(also in annotations/) and joint_positions/"
    )


def _from_files(files: list[Path]) -> Document:
    images: dict[Any, Document] = {}
    people: dict[Any, Document] = {}
    for path in files:
        document = check_document(read_json(path), JHMDB, str(path))
        number = re.search(r"[Ss]ub_?(\d)", path.name)
        split = int(number[1]) if number else 1
        images |= {image["id"]: image for image in document["images"]}
        for person in document["annotations"]:
            if person["id"] in people:
                people[person["id"]]["splits"].append(split)
            else:
                people[person["id"]] = {**person, "splits": [split]}
    for person in people.values():
        image = images[person["image_id"]]
        _to_zero_based(person, image.get("width"), image.get("height"))
    return {
        "images": list(images.values()),
        "annotations": list(people.values()),
        "categories": [{"id": 1, "name": "person"}],
    }


def _to_zero_based(person: Document, width: int | None, height: int | None) -> None:
    # single precision, as MMPose reads them
    keypoints = np.array(person["keypoints"], np.float32).reshape(-1, 3)
    keypoints[:, :2] -= 1
    x, y, w, h = person["bbox"]
    corners = np.array([x - 1, y - 1, x - 1 + w, y - 1 + h], np.float32)
    if width and height:
        corners = np.clip(corners, 0, [width - 1, height - 1] * 2)
    person["keypoints"] = keypoints.reshape(-1).tolist()
    person["bbox"] = [*corners[:2].tolist(), *(corners[2:] - corners[:2]).tolist()]


def _owner_frames(folder: Path) -> Iterator[tuple[Document, Document]]:
    tested = _test_splits(folder)
    number = 0
    for path in sorted((folder / "joint_positions").glob("*/*/joint_positions.mat")):
        action, clip = path.parts[-3], path.parts[-2]
        if clip not in tested:
            continue
        positions = np.asarray(load_mat(path)["pos_img"], np.float32).reshape(2, len(JHMDB), -1)
        mask = folder / "puppet_mask" / action / clip / "puppet_mask.mat"
        masks = np.asarray(load_mat(mask)["part_mask"]) if mask.is_file() else None
        for frame, joints in enumerate(positions.transpose(2, 1, 0)):
            number += 1
            box = _joint_box(joints) if masks is None else _mask_box(masks[..., frame])
            person = {
                "id": number,
                "image_id": number,
                "bbox": box,
                "keypoints": np.column_stack((joints, np.full(len(joints), 2))).reshape(-1).tolist(),
                "splits": tested[clip],
            }
            _to_zero_based(person, None, None)
            yield {"id": number, "file_name": f"{action}/{clip}/{frame + 1:05d}.png"}, person


def _test_splits(folder: Path) -> dict[str, list[int]]:
    """Clip → the splits that test on it; the owners' lists have a clip and 1 (train) or 2 (test) a line."""
    tested: dict[str, list[int]] = {}
    lists = next((f for f in (folder / "sub_splits", folder / "splits") if f.is_dir()), None)
    if lists is None:
        raise InputError(f"no sub_splits or splits folder in '{folder}'")
    for path in sorted(lists.glob("*_test_split[123].txt")):
        split = int(path.stem[-1])
        for line in path.read_text(encoding="utf-8").split("\n"):
            clip, _, role = line.strip().rpartition(" ")
            if role == "2":
                tested.setdefault(clip.removesuffix(".avi"), []).append(split)
    return tested


def _joint_box(joints: NDArray) -> list[float]:
    low, high = joints.min(axis=0), joints.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def _mask_box(mask: NDArray) -> list[float]:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return [1.0, 1.0, 0.0, 0.0]
    left, top = float(columns.min()) + 1, float(rows.min()) + 1  # 1-based like the joints
    return [left, top, float(columns.max()) + 1 - left, float(rows.max()) + 1 - top]


def score(document: Document, predictions: Any) -> Scores:
    """PCK@0.2 of one prediction for each annotated person."""
    people = document["annotations"]
    truth = as_coordinates(people, JHMDB).astype(np.float32)
    boxes = np.array([p["bbox"] for p in people], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    predicted = align(document, predictions, JHMDB).astype(np.float32)
    points, visible = truth[..., :2], truth[..., 2] > 0
    by_size = {
        "PCK": normalised_distances(predicted, points, visible, person_sizes(boxes)),
        "tPCK": normalised_distances(predicted, points, visible, torso_sizes(points, predicted)),
    }
    splits = sorted({split for p in people for split in p["splits"]})
    member = {split: np.array([split in p["splits"] for p in people]) for split in splits}
    metrics: dict[str, float] = {}
    tables: dict[str, Table] = {}
    for name, title in (("PCK", "person size"), ("tPCK", "torso size")):
        rows = [(f"Sub{s}", tuple(pck_row(by_size[name][member[s]]).values())) for s in splits]
        mean = tuple(float(np.mean(column)) for column in zip(*(row for _, row in rows), strict=True))
        percent = [(label, tuple(100 * v for v in row)) for label, row in [*rows, ("mean", mean)]]
        tables[title] = Table(f"PCK@0.2 in per cent, by {title}", COLUMNS, tuple(percent), 1)
        metrics |= {(name if c == "Mean" else f"{c} {name}"): v for c, v in zip(COLUMNS, mean, strict=True)}
    means = {f"by {title}": table.rows[-1][1] for title, table in tables.items()}
    return Scores(metrics, means, tuple(tables.values()))


BENCHMARK = Benchmark(
    name="jhmdb",
    title="Sub-JHMDB",
    keypoint_set=JHMDB,
    annotations=("annotations", "."),
    needs="annotations/Sub1_test.json (2, 3), or joint_positions/ and sub_splits/",
    images=("Rename_Images", "images", "."),
    columns=COLUMNS,
    decimals=1,
    homepage="jhmdb.is.tue.mpg.de",
    terms="research",
    read=read,
    score=score,
    per_person=True,
)
