"""OCHuman: COCO's keypoints and measure on heavily occluded people."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.annotations import Document, annotation, check_document, read_json
from evaluation.benchmark import OKS_COLUMNS, Benchmark, oks_scorer
from evaluation.oks import OksRules
from models.errors import InputError
from models.keypoints import OCHUMAN

# OCHuman's visibility flag → COCO's: missing, visible, hidden by oneself, hidden by others
_VISIBILITY = np.array([0, 2, 2, 1])


def read(path: Path) -> Document:
    """Read the owners' COCO-style val and test files, or all of their ``ochuman.json``.

    Of the latter, people with keypoints are taken; their area is that of the box, as in the COCO-style files.
    """
    document = read_json(path)
    if isinstance(document, dict) and "keypoint_names" in document:
        document = _from_owner(document, str(path))
    return check_document(document, OCHUMAN, str(path))


def _from_owner(document: Document, name: str) -> Document:
    known = document["keypoint_names"]
    missing = [joint for joint in OCHUMAN.names if joint not in known]
    if missing:
        raise InputError(f"'{name}': its keypoint_names lack {', '.join(missing)}")
    order = [known.index(joint) for joint in OCHUMAN.names]
    images: list[Document] = []
    people: list[Document] = []
    for i, image in enumerate(document["images"], 1):
        images.append({"id": i, **{k: image[k] for k in ("file_name", "width", "height")}})
        for person in image["annotations"]:
            if not person.get("keypoints"):
                continue
            triples = np.array(person["keypoints"], np.float64).reshape(len(known), 3)[order]
            triples[:, 2] = _VISIBILITY[triples[:, 2].astype(int)]
            left, top, right, bottom = person["bbox"]
            area = (right - left) * (bottom - top)
            people.append(annotation(len(people) + 1, i, person["bbox"], triples, area=area))
    return {"images": images, "annotations": people}


BENCHMARK = Benchmark(
    name="ochuman",
    title="OCHuman",
    keypoint_set=OCHUMAN,
    annotations=(
        "annotations/ochuman_coco_format_test_range_0.00_1.00.json",
        "ochuman_coco_format_test_range_0.00_1.00.json",
    ),
    images=("images", "."),
    columns=OKS_COLUMNS,
    homepage="github.com/liruilong940607/OCHumanApi",
    terms="research, by form",
    read=read,
    score=oks_scorer(OksRules(OCHUMAN, xtcocotools=True)),
)
