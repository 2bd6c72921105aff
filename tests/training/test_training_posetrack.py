"""PoseTrack18 in training: its files are read, and single frames score as poseval has it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import InputError
from models.keypoints import POSETRACK18
from training.posetrack18 import BENCHMARK, read, score


def sequence(name: str, people: int, first: int) -> dict[str, Any]:
    """Three frames of people side by side; the last frame is nobody's."""
    images = [
        {
            "id": first + i,
            "frame_id": first + i,
            "file_name": f"images/val/{name}/{i:06d}.jpg",
            "is_labeled": True,
        }
        for i in range(3)
    ]
    annotations = []
    for frame in range(2):
        for person in range(people):
            random = np.random.default_rng((first, frame, person))
            points = random.uniform((100 * person, 0), (100 * person + 50, 50), (17, 2))
            triples = np.column_stack((points, np.ones(17))).ravel().tolist()
            annotations.append(
                {
                    "id": first * 10 + len(annotations),
                    "image_id": first + frame,
                    "track_id": person,
                    "keypoints": triples,
                    "bbox_head": [100 * person, 0, 20, 20],
                }
            )
    category = {"id": 1, "name": "person", "keypoints": list(POSETRACK18.names)}
    return {"images": images, "annotations": annotations, "categories": [category]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, people, first in (("000001_mpii_test", 2, 100), ("000002_mpii_test", 1, 200)):
        (tmp_path / f"{name}.json").write_text(json.dumps(sequence(name, people, first)))
    return tmp_path


def test_a_folder_becomes_one_document(folder: Path) -> None:
    document = read(folder)
    assert len(document["images"]) == 6
    assert len({person["id"] for person in document["annotations"]}) == 6
    first = document["annotations"][0]
    points = np.array(first["keypoints"]).reshape(-1, 3)[:, :2]
    x, y, w, h = first["bbox"]
    np.testing.assert_allclose([x, y, x + w, y + h], [*points.min(axis=0), *points.max(axis=0)])


def test_right_poses_score_100_and_wrong_ones_nothing(folder: Path) -> None:
    document = read(folder)
    right = [{"image_id": p["image_id"], "keypoints": p["keypoints"]} for p in document["annotations"]]
    assert score(document, right).rows[""] == pytest.approx((100,) * len(BENCHMARK.columns))
    wrong = [{**p, "keypoints": (np.array(p["keypoints"]) + 1000).tolist()} for p in right]
    assert score(document, wrong).rows[""] == pytest.approx((0,) * len(BENCHMARK.columns))
    half = [right[i] if i < 3 else wrong[i] for i in range(6)]
    assert 0 < score(document, half).rows[""][-1] < 100


def test_what_is_no_posetrack_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.json file"):
        read(tmp_path)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(InputError, match="not of PoseTrack18"):
        read(tmp_path)
