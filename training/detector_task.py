"""Training and validation of the person detector."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evaluation.annotations import Document, KeypointDataset
from models.keypoints import keypoint_set
from models.person_detector import LONG_SIDE, MEAN, STD, decode_detections
from tracker.detectors import OWN_NMS
from tracker.nms import box_nms
from training.detector_losses import detector_loss
from training.detector_samples import DetectorSamples
from training.distributed import World
from training.networks import build_network
from training.people import people_of, read_source
from training.pictures import read_picture
from training.recipe import Recipe
from training.sheets import FOUND, IGNORED, TRUTH, Picture, with_boxes, with_caption
from training.task import Batch, Figures, Sample, Validation, normalise, validated_output

SMALLEST = 60  # people of at most this height in pixels are ignored
SHOWN = 12  # pictures with most misses and false alarms
CONFIDENT = 0.3


class DetectorTask:
    """The person detector."""

    def __init__(self, recipe: Recipe, data: Path, world: World) -> None:
        self.recipe, self.data, self.world = recipe, data, world
        self.network = build_network(recipe).to(world.device).to(memory_format=torch.channels_last)
        self.samples = DetectorSamples(recipe, data)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        output = network(normalise(batch["image"], MEAN, STD))
        return detector_loss(output, batch["boxes"], batch["kind"])

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Validation:
        """AP50 of people taller than 60 pixels in pictures where everybody is boxed; the rest is ignored."""
        read = read_source(self.recipe.validation, self.data)
        people = people_of(read, self.recipe.validation, keypoint_set(self.recipe.network.keypoints))
        complete = [int(i) for i in np.flatnonzero(people.complete)]
        mine = [self._detect(network, people.data.images[i]) for i in self.world.share(complete)]
        found = dict(zip(complete, self.world.gather(mine), strict=True))
        results = [
            {
                "image_id": int(people.data.image_ids[i]),
                "category_id": 1,
                "bbox": [*box[:2], box[2] - box[0], box[3] - box[1]],
                "score": score,
            }
            for i, (boxes, scores) in found.items()
            for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)
        ]
        image_ids = [int(people.data.image_ids[i]) for i in complete]
        figures = box_precision(read.document, results, image_ids) if self.world.first else {}
        pictures = _worst(people.data, found) if self.world.first else []
        return self.world.from_first(Validation(figures, pictures))

    def _detect(self, network: nn.Module, path: Path) -> tuple[NDArray, NDArray]:
        """(n, 4) boxes in the picture's pixels and (n,) scores, after NMS; none in a broken picture."""
        image = read_picture(path)
        if image is None:
            return np.zeros((0, 4)), np.zeros(0)
        scale = LONG_SIDE / max(image.shape[:2])
        resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        padded = np.pad(resized, (*((0, -side % 32) for side in resized.shape[:2]), (0, 0)))
        batch = torch.from_numpy(padded[None]).to(self.world.device)
        output = validated_output(network(normalise(batch, MEAN, STD)))[0]
        boxes, scores = decode_detections(output, 0.02)
        keep = box_nms(boxes, scores, OWN_NMS)
        return boxes[keep] / scale, scores[keep]

    def draw(self, sample: Sample) -> Picture:
        """The picture with its boxes; grey ones are to be ignored."""
        kind = sample["kind"].numpy()
        colours = [TRUTH if k == 1 else IGNORED for k in kind[kind > 0]]
        return with_boxes(sample["image"].numpy(), sample["boxes"].numpy()[kind > 0], colours)


def _worst(data: KeypointDataset, found: dict[int, tuple[NDArray, NDArray]]) -> list[Picture]:
    """Pictures where the number of confident boxes is farthest from that of the annotated ones."""
    sure = {i: boxes[scores >= CONFIDENT] for i, (boxes, scores) in found.items()}
    truth = {i: data.boxes[data.image_index == i] for i in found}
    order = sorted(found, key=lambda i: -abs(len(sure[i]) - len(truth[i])))
    pictures = []
    for i in order[:SHOWN]:
        image = read_picture(data.images[i])
        if image is not None:
            drawn = with_boxes(image, truth[i], [TRUTH] * len(truth[i]))
            drawn = with_boxes(drawn, sure[i], [FOUND] * len(sure[i]))
            small = cv2.resize(drawn, (240, 240), interpolation=cv2.INTER_AREA)
            caption = f"{len(truth[i])} people, {len(sure[i])} boxes"
            pictures.append(with_caption(np.asarray(small, np.uint8), caption))
    return pictures


def box_precision(document: Document, results: list[dict[str, Any]], image_ids: list[int]) -> Figures:
    """AP50 and AP of boxes (pycocotools); people that are short or boxed by a program are ignored.

    Args:
        document: COCO-style annotations.
        results: COCO-style detections.
        image_ids: pictures that count.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not results:
        return {"AP50": 0.0, "AP": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        people = []
        for person in document["annotations"]:
            unclear = person["bbox"][3] <= SMALLEST or person.get("box_from") == "pseudo" or person["iscrowd"]
            people.append({**person, "ignore": int(unclear), "iscrowd": int(unclear)})
        truth.dataset = {**document, "annotations": people}
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(results), "bbox")
        run.params.imgIds = image_ids
        run.evaluate()
        run.accumulate()
        run.summarize()
    return {"AP50": float(run.stats[1]), "AP": float(run.stats[0])}
