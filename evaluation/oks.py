"""AP and AR by object keypoint similarity: COCO, OCHuman, CrowdPose, AIC and MHP.

pycocotools matches and accumulates; only its OKS is replaced by the same formula over all people of an
image at once. Benchmarks differ in a few rules, which `OksRules` names.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import BOX_AREA, Document, check_numbers
from models.errors import InputError
from models.keypoints import COCO, KeypointSet

THRESHOLDS = np.linspace(0.5, 0.95, 10)
MAX_DETECTIONS = 20  # an image; the highest scores count (COCO)


@dataclass(frozen=True)
class OksRules:
    """What one benchmark's program does differently from pycocotools on COCO.

    Attributes:
        keypoint_set: the keypoints; its sigmas weigh the distances.
        area: ``"annotation"`` takes the annotated area; ``"box"`` takes 0.53 of the ground-truth box's
            (CrowdPose's program, xtcocotools without ``use_area``), for OKS and for medium and large alike.
        xtcocotools: a person is ignored who has no keypoint with a visibility above 0, whatever
            ``num_keypoints`` says; predictions whose keypoint scores are all 0 or less are left out; a person
            with the id 0 can be found.
        crowding: also AP of easy, medium and hard images by ``crowdIndex`` (CrowdPose).
    """

    keypoint_set: KeypointSet = COCO
    area: str = "annotation"
    xtcocotools: bool = False
    crowding: bool = False


@dataclass(frozen=True)
class ImageOks:
    """One image: D predictions by falling score (at most 20), G people.

    Attributes:
        image_id: the image.
        predictions: the D prediction dictionaries.
        people: the G annotation dictionaries, by the benchmark's rules.
        oks: (D, G) similarities.
    """

    image_id: Any
    predictions: tuple[Document, ...]
    people: tuple[Document, ...]
    oks: NDArray[np.float64]


@dataclass(frozen=True)
class OksResult:
    """Figures from 0 to 1; −1 where a group has no ground truth.

    Attributes:
        metrics: AP, AP50, AP75, AP_M, AP_L, AR, AR50, AR75, AR_M, AR_L, and what the benchmark adds.
        ap_by_threshold: AP at each OKS threshold, such as ``"0.50"``.
        precision: (10, 101) precision by OKS threshold and recall 0, 0.01 … 1.
        images: the similarities in each image that has people or predictions.
        rules: by which they were computed.
    """

    metrics: dict[str, float]
    ap_by_threshold: dict[str, float]
    precision: NDArray[np.float64]
    images: tuple[ImageOks, ...] = field(repr=False)
    rules: OksRules


def evaluate(document: Document, predictions: Sequence[Document], rules: OksRules = OksRules()) -> OksResult:
    """Score predictions against annotations.

    Args:
        document: annotations as from `annotations.check_document`.
        predictions: dictionaries with ``image_id``, ``keypoints`` (3K numbers: x, y in pixels, score) and
            ``score``; ``category_id`` and ``bbox`` may be missing.
        rules: the benchmark's.

    Raises InputError for a prediction of an unknown image, another number of keypoints, or no score, and
    where only some have a box.
    """
    from pycocotools.coco import COCO as CocoIndex

    people = [_with_rules(person, rules) for person in document["annotations"]]
    results = _as_results(document, predictions, rules)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress by printing
        truth, found = CocoIndex(), CocoIndex()
        truth.dataset = {**document, "annotations": people}
        found.dataset = {
            "images": document["images"],
            "categories": document["categories"],
            "annotations": results,
        }
        truth.createIndex()
        found.createIndex()
        run = _evaluator(truth, found, rules)
        run.summarize()
        metrics = dict(zip(METRICS, map(float, run.stats), strict=True))
        precision = run.eval["precision"][:, :, :, 0, 0]
        images = tuple(_image_oks(run))
        if rules.crowding:
            metrics |= _by_crowding(truth, found, rules)
    return OksResult(metrics, _ap_by_threshold(precision), precision.mean(axis=2), images, rules)


METRICS = ("AP", "AP50", "AP75", "AP_M", "AP_L", "AR", "AR50", "AR75", "AR_M", "AR_L")


def _with_rules(person: Document, rules: OksRules) -> Document:
    changed = dict(person)
    if rules.area == "box":
        changed["area"] = person["bbox"][3] * person["bbox"][2] * BOX_AREA
    if rules.xtcocotools:
        changed["num_keypoints"] = sum(v > 0 for v in person["keypoints"][2::3])
        changed["id"] = person["id"] + 1  # to pycocotools, 0 is nobody
    return changed


def _as_results(document: Document, predictions: Sequence[Document], rules: OksRules) -> list[Document]:
    """Predictions with the fields that pycocotools' ``loadRes`` gives them."""
    check_predictions(document, predictions, rules.keypoint_set)
    category = document["categories"][0]["id"]
    from_box = _areas_from_boxes(predictions)
    results = []
    for i, prediction in enumerate(predictions):
        if rules.xtcocotools and not any(v > 0 for v in prediction["keypoints"][2::3]):
            continue
        if from_box:
            area = prediction["bbox"][2] * prediction["bbox"][3]
        else:
            x, y = prediction["keypoints"][0::3], prediction["keypoints"][1::3]
            area = (max(x) - min(x)) * (max(y) - min(y))
        results.append({"category_id": category, **prediction, "area": area, "id": i + 1, "iscrowd": 0})
    return results


def _areas_from_boxes(predictions: Sequence[Document]) -> bool:
    """Whether areas come from boxes or from keypoints: loadRes looks at the first prediction only."""
    return bool(predictions) and bool(predictions[0].get("bbox"))


def check_predictions(document: Document, predictions: Any, keypoint_set: KeypointSet) -> None:
    """Raises InputError unless the predictions are of the document's images, of K keypoints and a score each.

    If the first has a box, all need one.
    """
    if not isinstance(predictions, list):
        raise InputError(f"predictions must be a list of people, not a {type(predictions).__name__}")
    length = 3 * len(keypoint_set)
    for i, prediction in enumerate(predictions):
        if not isinstance(prediction, dict):
            raise InputError(f"prediction {i} is {str(prediction)[:60]}, not image_id, keypoints and score")
        missing = {"image_id", "keypoints", "score"} - prediction.keys()
        if missing:
            raise InputError(f"prediction {i} lacks {', '.join(sorted(missing))}")
        if isinstance(prediction["keypoints"], list) and len(prediction["keypoints"]) != length:
            raise InputError(
                f"prediction {i} has {len(prediction['keypoints']) / 3:g} keypoints, "
                f"{keypoint_set.name} has {len(keypoint_set)}"
            )
    for name, count in (("image_id", None), ("score", None), ("keypoints", length)):
        check_numbers(predictions, name, count, "prediction")
    check_numbers([p for p in predictions if "category_id" in p], "category_id", None, "prediction")
    if _areas_from_boxes(predictions):
        check_numbers(predictions, "bbox", 4, "prediction")
    known = {image["id"] for image in document["images"]}
    unknown = sorted({p["image_id"] for p in predictions} - known, key=str)
    if unknown:
        raise InputError(
            f"predictions for {len(unknown)} images that the annotations do not list (first: {unknown[0]}): "
            "are they of another split or year?"
        )


def object_keypoint_similarity(
    keypoints: NDArray, people: Sequence[Document], sigmas: NDArray
) -> NDArray[np.float64]:
    """OKS of every prediction with every person, as pycocotools computes it.

    A person without labelled keypoints is near everything within three times its box.

    Args:
        keypoints: (D, K, 2) predicted x, y in pixels.
        people: G annotations with ``keypoints``, ``bbox`` and ``area``.
        sigmas: (K,) constants of the keypoint set.

    Returns:
        (D, G) from 0 to 1.
    """
    truth = np.array([p["keypoints"] for p in people], np.float64).reshape(len(people), -1, 3)
    areas = np.array([p["area"] for p in people], np.float64)
    labelled = truth[..., 2] > 0
    offsets = keypoints[:, None] - truth[None, ..., :2]
    blank = np.flatnonzero(~labelled.any(axis=1))
    if len(blank):
        boxes = np.array([person["bbox"] for person in people], np.float64)[blank]
        low, high = boxes[:, :2] - boxes[:, 2:], boxes[:, :2] + 2 * boxes[:, 2:]
        points = keypoints[:, None]
        offsets[:, blank] = np.maximum(0, low[:, None] - points) + np.maximum(0, points - high[:, None])
        labelled[blank] = True
    error = (offsets**2).sum(axis=-1) / (2 * sigmas) ** 2 / (areas + np.spacing(1))[:, None] / 2
    similarity = np.where(labelled, np.exp(-error), 0.0)
    return similarity.sum(axis=-1) / labelled.sum(axis=-1)


def _evaluator(truth: Any, found: Any, rules: OksRules, image_ids: Sequence[Any] | None = None) -> Any:
    from pycocotools.cocoeval import COCOeval

    sigmas = np.array(rules.keypoint_set.sigmas)

    class Evaluator(COCOeval):
        def computeOks(self, image_id: Any, category: Any) -> Any:
            people, predictions = self._gts[image_id, category], self._dts[image_id, category]
            if not people or not predictions:
                return []
            points = np.array([p["keypoints"] for p in _strongest(predictions)], np.float64)
            return object_keypoint_similarity(points.reshape(len(points), -1, 3)[..., :2], people, sigmas)

    run = Evaluator(truth, found, "keypoints")
    run.params.kpt_oks_sigmas = sigmas
    if image_ids is not None:
        run.params.imgIds = list(image_ids)
    run.evaluate()
    run.accumulate()
    return run


def _ap_by_threshold(precision: NDArray) -> dict[str, float]:
    return {
        f"{threshold:.2f}": float(values[values > -1].mean()) if (values > -1).any() else -1.0
        for threshold, values in zip(THRESHOLDS, precision, strict=True)
    }


def _by_crowding(truth: Any, found: Any, rules: OksRules) -> dict[str, float]:
    """AP of images by ``crowdIndex``: easy below 0.2, medium below 0.8, hard the rest.

    Rounded to four decimals, −1 for a group without people, as CrowdPose's program does.
    """
    images = truth.dataset["images"]
    missing = [image["id"] for image in images if "crowdIndex" not in image]
    if missing:
        raise InputError(
            f"{len(missing)} images have no 'crowdIndex' (first: {missing[0]}): not CrowdPose annotations"
        )
    groups: dict[str, list[Any]] = {"AP_easy": [], "AP_medium": [], "AP_hard": []}
    for image in images:
        crowding = image["crowdIndex"]
        groups["AP_easy" if crowding < 0.2 else "AP_medium" if crowding < 0.8 else "AP_hard"].append(
            image["id"]
        )
    result = {}
    for name, image_ids in groups.items():
        run = _evaluator(truth, found, rules, image_ids)
        result[name] = round(float(np.mean(run.eval["precision"][:, :, :, 0, :])), 4)
    return result


def _image_oks(run: Any) -> Iterator[ImageOks]:
    category = run.params.catIds[0]
    for image_id in run.params.imgIds:
        people, predictions = run._gts[image_id, category], run._dts[image_id, category]
        if people or predictions:
            strongest = _strongest(predictions)
            oks = np.asarray(run.ious[image_id, category], np.float64).reshape(len(strongest), len(people))
            yield ImageOks(image_id, tuple(strongest), tuple(people), oks)


def _strongest(predictions: Sequence[Document]) -> list[Document]:
    """Those of an image that count, by falling score, of equal ones the earlier first."""
    return sorted(predictions, key=lambda prediction: -prediction["score"])[:MAX_DETECTIONS]
