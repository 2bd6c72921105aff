"""AI Challenger (AIC) keypoints: AP by OKS with its own sigmas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.annotations import Document, annotation, check_document, read_json
from evaluation.benchmark import OKS_COLUMNS, Benchmark, oks_scorer
from evaluation.oks import OksRules
from models.errors import InputError
from models.keypoints import AIC

# AIC's visibility flag → COCO's: none, visible, hidden, not labelled
_VISIBILITY = np.array([0, 2, 1, 0])


def read(path: Path) -> Document:
    """Read AIC's own list of images or a COCO-style conversion of it.

    The owners' file is a list of ``image_id`` (the picture's name), ``human_annotations`` (name → left, top,
    right, bottom) and ``keypoint_annotations`` (name → 14 × x, y, flag).
    """
    parsed = read_json(path)
    if isinstance(parsed, list):
        parsed = _from_owner(parsed, str(path))
    return check_document(parsed, AIC, str(path))


def _from_owner(rows: list[Document], name: str) -> Document:
    images: list[Document] = []
    people: list[Document] = []
    for i, row in enumerate(rows, 1):
        if not {"image_id", "keypoint_annotations", "human_annotations"} <= row.keys():
            raise InputError(
                f"'{name}': entry {i} is not AIC's: image_id, keypoint_annotations, human_annotations needed"
            )
        images.append({"id": i, "file_name": f"{row['image_id']}.jpg"})
        for human, keypoints in row["keypoint_annotations"].items():
            joints = np.array(keypoints, np.float64).reshape(-1, 3)
            joints[:, 2] = _VISIBILITY[joints[:, 2].astype(int)]
            people.append(annotation(len(people) + 1, i, row["human_annotations"][human], joints))
    return {"images": images, "annotations": people}


BENCHMARK = Benchmark(
    name="aic",
    title="AI Challenger keypoints",
    keypoint_set=AIC,
    annotations=(
        "annotations/aic_val.json",
        "ai_challenger_keypoint_validation_20170911/keypoint_validation_annotations_20170911.json",
        "keypoint_validation_annotations_20170911.json",
    ),
    images=(
        "ai_challenger_keypoint_validation_20170911/keypoint_validation_images_20170911",
        "keypoint_validation_images_20170911",
        "images",
        ".",
    ),
    columns=OKS_COLUMNS,
    homepage="github.com/AIChallenger/AI_Challenger_2017",
    terms="research",
    read=read,
    score=oks_scorer(OksRules(AIC, area="box", xtcocotools=True)),
)
