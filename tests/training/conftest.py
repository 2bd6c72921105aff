"""A handful of people in little pictures, and a recipe that trains on them in a second."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.keypoints import KeypointSet, keypoint_set

PICTURES, SIZE = 6, (96, 80)  # height, width


def write_people(folder: Path, keypoints: KeypointSet, seed: int = 0) -> Path:
    """A COCO-style file of two people a picture, each a cloud of joints; every third one not labelled."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "person", "keypoints": list(keypoints.names)}],
    }
    height, width = SIZE
    for picture in range(1, PICTURES + 1):
        image = random.integers(0, 60, (height, width, 3), np.uint8)
        document["images"].append(
            {"id": picture, "file_name": f"{picture}.png", "width": width, "height": height}
        )
        for left in (4, 42):
            points = random.uniform((left, 8), (left + 34, 88), (len(keypoints), 2))
            visible = np.where(np.arange(len(keypoints)) % 3 == 2, 0, 2)
            for x, y in points.astype(int):
                image[y - 1 : y + 2, x - 1 : x + 2] = random.integers(100, 256, 3)
            person = np.column_stack((points, visible)) * (visible > 0)[:, None]
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": picture,
                    "category_id": 1,
                    "bbox": [left, 6, 36, 86],
                    "area": 36 * 86 * 100,  # so that even an untrained network scores more than nothing
                    "iscrowd": 0,
                    "keypoints": person.ravel().tolist(),
                }
            )
        cv2.imwrite(str(folder / f"{picture}.png"), image)
    path = folder / "people.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with ``people.json`` in COCO's keypoints and ``crowd/people.json`` in CrowdPose's."""
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, keypoint_set("coco"))
    write_people(folder / "crowd", keypoint_set("crowdpose"), seed=1)
    return folder


TINY = """
name: tiny
network: {depth: 18, width: 0.125, deconv_channels: [8, 8, 8], input_size: [32, 32]}
data: [{annotations: people.json}]
validation: {annotations: people.json}
schedule: {samples: 32, batch: 8, average: 0.9, clip: 1, warm_up: 16, optimiser: adamw, decay: 0.01}
augmentation: {half_body: 0.5, half_body_joints: 3, colour: 0.2, low_resolution: 0.3, blur: 0.3, cut_out: 0.3}
targets: {sigma: 1}
validate_every: 16
log_every: 8
precision: fp32
workers: 0
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A recipe file: four steps of a network with two validations."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path
