"""PoseTrack18 as training reads it and as poseval scores single frames: AP, with the boxes given."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from evaluation.annotations import Document, check_document, read_json
from evaluation.benchmark import Benchmark, Scores
from models.errors import InputError
from models.keypoints import POSETRACK18


def read(path: Path) -> Document:
    """A file of one sequence or of all (MMPose's conversion), or a folder of sequences, as one document.

    People without a box get that of their joints; people without joints stay, for they keep their frame in
    the score.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"no .json file in folder '{path}'")
    whole: Document = {"images": [], "annotations": []}
    for file in files:
        content = read_json(file)
        if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= content.keys():
            raise InputError(f"'{file}' is not of PoseTrack18: it needs images, annotations, categories")
        whole["categories"] = content["categories"]
        whole["images"] += [{"vid_id": file.stem, **image} for image in content["images"]]
        for person in content["annotations"]:
            keypoints = person.get("keypoints") or [0.0] * 3 * len(POSETRACK18)
            person = {**person, "id": len(whole["annotations"]) + 1, "keypoints": keypoints}
            person.setdefault("bbox", _joint_box(keypoints))
            whole["annotations"].append(person)
    return check_document(whole, POSETRACK18, str(path))


def _joint_box(keypoints: list[float]) -> list[float]:
    labelled = [i for i in range(0, len(keypoints), 3) if keypoints[i + 2] > 0]
    if not labelled:
        return [0.0] * 4
    x, y = [keypoints[i] for i in labelled], [keypoints[i + 1] for i in labelled]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def score(document: Document, predictions: list[Document]) -> Scores:
    """poseval's AP in per cent: Head, Shou … Ankl and Total, the mean of the 15 joints."""
    from evaluation.posetrack.protocol import protocol_named
    from evaluation.posetrack.reading import parse_posetrack
    from evaluation.posetrack.scoring import evaluate_pairs
    from evaluation.posetrack.table import precision_row

    rules = protocol_named("poseval")
    pairs = []
    for name, (truth, found) in _sequences(document, predictions).items():
        truth_side, found_side = (
            parse_posetrack(
                part,
                Path(name),
                rules,
                name=name,
                ground_truth=part is truth,
                tracking=False,
                official_names=False,
            )
            for part in (truth, found)
        )
        pairs.append((truth_side, found_side))
    row = precision_row(evaluate_pairs(pairs, rules, tracking=False).precision)
    return Scores(row, {"": tuple(row[column] for column in BENCHMARK.columns)})


def _sequences(document: Document, predictions: list[Document]) -> dict[str, tuple[Document, Document]]:
    """Annotations and predictions of each video."""
    video = {image["id"]: str(image["vid_id"]) for image in document["images"]}
    parts: dict[str, tuple[Document, Document]] = {}
    images = defaultdict(list)
    for image in document["images"]:
        images[str(image["vid_id"])].append(image)
    for name, frames in images.items():
        shared = {"images": frames, "categories": document["categories"]}
        parts[name] = ({**shared, "annotations": []}, {**shared, "annotations": []})
    for person in document["annotations"]:
        parts[video[person["image_id"]]][0]["annotations"].append(person)
    for found in predictions:
        joint_scores: Any = found["keypoints"][2::3]
        parts[video[found["image_id"]]][1]["annotations"].append({**found, "scores": joint_scores})
    return parts


BENCHMARK = Benchmark(
    name="posetrack18",
    title="PoseTrack18, single frames",
    keypoint_set=POSETRACK18,
    annotations=("annotations/val",),
    images=(".",),
    columns=("Head", "Shou", "Elb", "Wri", "Hip", "Knee", "Ankl", "Total"),
    homepage="posetrack.net",
    terms="for research",
    read=read,
    score=score,
    decimals=1,
)
