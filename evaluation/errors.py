"""Why poses are wrong: jitter, inversion, swap, miss, and what each costs in AP.

After Ronchi and Perona, *Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation* (ICCV 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evaluation.annotations import Document
from evaluation.oks import ImageOks, OksResult, OksRules, evaluate

KINDS = ("good", "jitter", "inversion", "swap", "miss")
MATCH = 0.1  # OKS from which a prediction is taken for a person's, however bad (paper, section 3)
GOOD, NEAR = 0.85, 0.5  # keypoint similarity of human accuracy, and of still the same place
JOINT_GROUPS = ((1, 5), (6, 10), (11, 15), (16, 99))


def greedy_matches(image: ImageOks) -> list[tuple[int, int]]:
    """Pairs of prediction and person: best score first, each takes the likest person left with OKS ≥ 0.1."""
    free = np.array([not person["ignore"] for person in image.people], bool)
    pairs = []
    for i, row in enumerate(image.oks):
        candidates = np.where(free, row, -1)
        if len(candidates) and candidates.max() >= MATCH:
            best = int(candidates.argmax())
            free[best] = False
            pairs.append((i, best))
    return pairs


def classify(image: ImageOks, prediction: int, person: int, rules: OksRules) -> NDArray[np.intp]:
    """The kind of each keypoint of a matched pair.

    A keypoint similarity of 0.85 with its own place is good, of 0.5 jitter. Otherwise one of 0.5 with the
    same person's mirror keypoint is an inversion, with the same or the mirror keypoint of somebody else a
    swap (the likelier of both counts); what is near nothing is a miss.

    Returns:
        (K,) positions in `KINDS`, or −1 where the person's keypoint is not labelled.
    """
    flip = rules.keypoint_set.flip_index
    points = _triples(image.predictions[prediction])[:, :2]
    truth = np.stack([_triples(p) for p in image.people])
    areas = np.array([p["area"] for p in image.people])
    own = _similarity(points, truth[person], areas[person], rules)
    mirrored = _similarity(points, truth[person][flip], areas[person], rules)
    mirrored[flip == np.arange(len(flip))] = 0
    others = np.zeros_like(own)
    for j, area in enumerate(areas):
        if j != person:
            for target in (truth[j], truth[j][flip]):
                others = np.maximum(others, _similarity(points, target, area, rules))
    kinds = np.full(len(own), KINDS.index("miss"))
    kinds[others >= NEAR] = KINDS.index("swap")
    kinds[(mirrored >= NEAR) & (mirrored >= others)] = KINDS.index("inversion")
    kinds[own >= NEAR] = KINDS.index("jitter")
    kinds[own >= GOOD] = KINDS.index("good")
    kinds[truth[person][:, 2] <= 0] = -1
    return kinds


def count_errors(result: OksResult) -> NDArray[np.int64]:
    """(K, 5) how often each keypoint of matched people is of each kind of `KINDS`."""
    rules = result.rules
    counts = np.zeros((len(rules.keypoint_set), len(KINDS)), np.int64)
    for image in result.images:
        for prediction, person in greedy_matches(image):
            kinds = classify(image, prediction, person, rules)
            labelled = np.flatnonzero(kinds >= 0)
            counts[labelled, kinds[labelled]] += 1
    return counts


def ap_without(document: Document, result: OksResult) -> dict[str, float]:
    """AP if all keypoints of one kind of error were where they belong, for each kind, and for all of them."""
    rules = result.rules
    plain = replace(rules, crowding=False)
    diagnosed = [
        (image, {i: (classify(image, i, j, rules), image.people[j]) for i, j in greedy_matches(image)})
        for image in result.images
    ]
    rows = {}
    for name, wanted in (*((kind, [i]) for i, kind in enumerate(KINDS) if i), ("all four", [1, 2, 3, 4])):
        corrected = [
            _corrected(prediction, *found[i], wanted) if i in found else prediction
            for image, found in diagnosed
            for i, prediction in enumerate(image.predictions)
        ]
        rows[name] = evaluate(document, corrected, plain).metrics["AP"]
    return rows


def ap_by_joints(
    document: Document, predictions: Sequence[Document], rules: OksRules
) -> dict[str, tuple[float, int]]:
    """AP over people with so many labelled joints, and their number; the others are ignored.

    Predictions that match nobody count against every group.
    """
    plain = replace(rules, crowding=False, xtcocotools=False)
    counts = [sum(v > 0 for v in p["keypoints"][2::3]) for p in document["annotations"]]
    rows = {}
    for low, high in JOINT_GROUPS:
        low, high = min(low, len(rules.keypoint_set)), min(high, len(rules.keypoint_set))
        people = [
            {**p, "num_keypoints": count if low <= count <= high else 0}
            for p, count in zip(document["annotations"], counts, strict=True)
        ]
        number = sum(p["num_keypoints"] > 0 and not p["iscrowd"] for p in people)
        ap = evaluate({**document, "annotations": people}, predictions, plain).metrics["AP"]
        rows[f"{low}–{high}"] = (ap, number)
    return rows


def worst_images(result: OksResult, count: int) -> list[tuple[ImageOks, float]]:
    """The images that lose most: the sum over people of 1 − OKS of their matched prediction, and that sum."""
    losses = []
    for image in result.images:
        matched = {person: image.oks[i, person] for i, person in greedy_matches(image)}
        wanted = [j for j, person in enumerate(image.people) if not person["ignore"]]
        losses.append((image, float(sum(1 - matched.get(j, 0.0) for j in wanted))))
    losses.sort(key=lambda pair: -pair[1])
    return [pair for pair in losses[:count] if pair[1] > 0]


def _triples(row: Document) -> NDArray[np.float64]:
    return np.array(row["keypoints"], np.float64).reshape(-1, 3)


def _similarity(points: NDArray, truth: NDArray, area: float, rules: OksRules) -> NDArray[np.float64]:
    """(K,) similarity of each predicted point with a labelled true one, 0 where that is not labelled."""
    sigmas = np.array(rules.keypoint_set.sigmas)
    squared = ((points - truth[:, :2]) ** 2).sum(axis=1)
    return np.where(truth[:, 2] > 0, np.exp(-squared / (2 * sigmas) ** 2 / (area + np.spacing(1)) / 2), 0.0)


def _corrected(prediction: Document, kinds: NDArray, person: Document, wanted: list[int]) -> Document:
    triples, wrong = _triples(prediction), np.isin(kinds, wanted)
    triples[wrong, :2] = _triples(person)[wrong, :2]
    return {**prediction, "keypoints": triples.reshape(-1).tolist()}
