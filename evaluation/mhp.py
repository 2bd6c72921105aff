"""Multi-Human Parsing (MHP) v2: AP by OKS with its own sigmas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.annotations import Document, annotation, check_document, read_json
from evaluation.benchmark import OKS_COLUMNS, Benchmark, oks_scorer
from evaluation.matlab import load_mat
from evaluation.oks import OksRules
from models.errors import InputError
from models.keypoints import MHP

# A person's 20 rows of x, y, flag: 16 keypoints, two corners of the face box, two of the person's box.
_ROWS = 20
_BOX = slice(18, 20)
# MHP's visibility flag → COCO's: 0 visible, 1 hidden, 2 not in the picture
_VISIBILITY = np.array([2, 1, 0])


def read(path: Path) -> Document:
    """Read the owners' folder ``pose_annos`` (one .mat a picture) or a COCO-style conversion of it."""
    document = _from_owner(path) if path.is_dir() else read_json(path)
    return check_document(document, MHP, str(path))


def _from_owner(folder: Path) -> Document:
    images: list[Document] = []
    people: list[Document] = []
    files = sorted(folder.glob("*.mat"))
    if not files:
        raise InputError(f"no .mat files in '{folder}'")
    for i, path in enumerate(files, 1):
        image_id = int(path.stem) if path.stem.isdigit() else i
        images.append({"id": image_id, "file_name": f"{path.stem}.jpg"})
        content = load_mat(path)
        for name in sorted(content):
            if not name.startswith("person"):
                continue
            rows = np.asarray(content[name], np.float64)
            if rows.shape != (_ROWS, 3):
                raise InputError(f"'{path}': {name} has the shape {rows.shape}, MHP v2 has {_ROWS} rows of 3")
            keypoints = rows[: len(MHP)].copy()
            outside = (keypoints[:, :2] < 0).any(axis=1)
            keypoints[:, 2] = np.where(outside, 0, _VISIBILITY[np.clip(keypoints[:, 2], 0, 2).astype(int)])
            corners = rows[_BOX, :2].ravel().tolist()
            people.append(annotation(len(people) + 1, image_id, corners, keypoints))
    return {"images": images, "annotations": people}


BENCHMARK = Benchmark(
    name="mhp",
    title="Multi-Human Parsing v2",
    keypoint_set=MHP,
    annotations=("annotations/mhp_val.json", "mhp_val.json", "val/pose_annos", "pose_annos"),
    images=("val/images", "images", "."),
    columns=OKS_COLUMNS,
    homepage="lv-mhp.github.io/dataset",
    terms="non-commercial research",
    read=read,
    score=oks_scorer(OksRules(MHP, area="box", xtcocotools=True)),
)
