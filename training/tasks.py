"""What is trained: a keypoint network or the person detector. A task knows its network, samples, loss and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn
from torch.utils.data import Dataset

from models import person_detector
from models.crops import box_to_crop, crop_matrix, extract_crops, to_source
from models.errors import InputError
from models.heatmaps import cells_to_input, decode_quarter, unflip
from models.keypoints import keypoint_set
from models.person_detector import PersonDetector, decode_detections
from models.pose_resnet import PoseResNet
from training.losses import detector_loss, gaussian_targets, heatmap_loss, inside_map, resize_maps
from training.people import read_people
from training.recipe import Recipe
from training.samples import DetectorSamples, PoseSamples, Sample, read_image

Figures = dict[str, float]


class Task(Protocol):
    """The part of a run that differs between networks. The first figure of a validation picks the best checkpoint."""

    network: nn.Module

    def samples(self) -> Dataset[Sample]: ...

    def loss(self, batch: Sample) -> tuple[Tensor, Figures]: ...

    def validate(self, network: nn.Module) -> Figures: ...


class PoseTask:
    """SimpleBaseline: heat maps of a person's joints, optionally with a teacher's beside the labels."""

    def __init__(self, recipe: Recipe, data: Path, device: torch.device) -> None:
        self.recipe, self.data, self.device = recipe, data, device
        self.set = keypoint_set(recipe.network.keypoints)
        self.network = build_network(recipe).to(device, memory_format=torch.channels_last)
        self.teacher = _teacher(recipe, device)

    def samples(self) -> Dataset[Sample]:
        return PoseSamples(self.recipe, self.data)

    def loss(self, batch: Sample) -> tuple[Tensor, Figures]:
        images = normalise(batch["image"])
        output = self.network(images).float()
        size = (output.shape[2], output.shape[3])
        points = batch["points"]
        target = gaussian_targets(points, size, self.recipe.sigma)
        weights = batch["weights"] * inside_map(points, size, self.recipe.sigma)
        loss = heatmap_loss(output, target, weights)
        if self.teacher is not None:
            with torch.no_grad():
                shape = self.recipe.network.teacher_size
                larger = nn.functional.interpolate(images, size=shape, mode="bilinear", align_corners=False)
                imitated = resize_maps(self.teacher(larger).float(), size)
            loss = loss + heatmap_loss(output, imitated, torch.ones_like(weights))
        return loss, {"pck": training_pck(output.detach(), target, weights)}

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Figures:
        """OKS AP with ground-truth boxes and flip test (pycocotools; people with labelled joints)."""
        people = read_people(self.recipe.validation, self.data, self.set)
        chosen = np.flatnonzero((people.weights > 0).any(axis=1) & ~people.ignore)
        size = self.recipe.network.input_size
        crops = box_to_crop(people.boxes, size)
        results = []
        for start in range(0, len(chosen), 32):
            batch = chosen[start : start + 32]
            pictures = np.zeros((len(batch), *size, 3), np.uint8)
            for picture, i in zip(pictures, batch, strict=True):
                image = read_image(people.images[people.image[i]])
                if image is not None:
                    extract_crops(image, crops[i : i + 1], size, out=picture[None])
            points, scores = self._predict(network, pictures)
            for i, cells, score in zip(batch, points, scores, strict=True):
                found = to_source(cells_to_input(cells), crop_matrix(crops[i], size))
                results.append(
                    {
                        "image_id": int(people.image_ids[people.image[i]]),
                        "category_id": 1,
                        "keypoints": np.column_stack((found, score)).ravel().tolist(),
                        "score": float(score.mean()),
                    }
                )
        path = self.data / self.recipe.validation.annotations
        stats = coco_stats(path, results, "keypoints", np.array(self.set.sigmas))
        return {"AP": stats[0], "AP50": stats[1], "AP75": stats[2]}

    def _predict(self, network: nn.Module, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = normalise(torch.from_numpy(pictures).to(self.device))
        maps = network(images).float().cpu().numpy()
        mirrored = network(images.flip(3)).float().cpu().numpy()
        return decode_quarter((maps + unflip(mirrored, self.set.flip_index)) / 2)


class DetectorTask:
    """The person detector."""

    LONG_SIDE = 448

    def __init__(self, recipe: Recipe, data: Path, device: torch.device) -> None:
        self.recipe, self.data, self.device = recipe, data, device
        self.network = build_network(recipe).to(device, memory_format=torch.channels_last)

    def samples(self) -> Dataset[Sample]:
        return DetectorSamples(self.recipe, self.data)

    def loss(self, batch: Sample) -> tuple[Tensor, Figures]:
        return detector_loss(self.network(normalise(batch["image"])), batch["boxes"], batch["kind"])

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Figures:
        """AP50 of people taller than 60 pixels in images where everybody is boxed; the rest is ignored."""
        path = self.data / self.recipe.validation.annotations
        people = read_people(self.recipe.validation, self.data, keypoint_set("coco"))
        results = []
        for index in np.flatnonzero(people.complete):
            image = read_image(people.images[index])
            if image is None:
                continue
            scale = self.LONG_SIDE / max(image.shape[:2])
            resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            padding = [(0, -side % 32) for side in resized.shape[:2]]
            padded = np.pad(resized, (*padding, (0, 0)))
            output = network(normalise(torch.from_numpy(padded[None]).to(self.device)))[0]
            boxes, scores = decode_detections(output.float().cpu().numpy(), 0.02)
            keep = cv2.dnn.NMSBoxes(
                [(x, y, r - x, b - y) for x, y, r, b in boxes.tolist()], scores.tolist(), 0.02, 0.6
            )
            for (x, y, r, b), score in zip(
                (boxes[keep] / scale).tolist(), scores[keep].tolist(), strict=True
            ):
                image_id = int(people.image_ids[index])
                results.append(
                    {"image_id": image_id, "category_id": 1, "bbox": [x, y, r - x, b - y], "score": score}
                )
        stats = coco_stats(path, results, "bbox", None)
        return {"AP50": stats[1], "AP": stats[0]}


def coco_stats(
    path: Path, results: list[dict[str, Any]], kind: str, sigmas: np.ndarray | None
) -> list[float]:
    """The statistics of pycocotools; for boxes, short and pseudo ones are ignored and incomplete images left out."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        if kind == "bbox":
            for annotation in truth.dataset["annotations"]:
                unclear = annotation["bbox"][3] <= 60 or annotation.get("box_from") == "pseudo"
                annotation["ignore"] = annotation["iscrowd"] = int(unclear or annotation.get("iscrowd", 0))
            truth.createIndex()
        if not results:
            return [0.0] * 10
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        if kind == "bbox":
            evaluation.params.imgIds = [
                i["id"] for i in truth.dataset["images"] if i.get("all_people_boxed", True)
            ]
        else:
            evaluation.params.kpt_oks_sigmas = sigmas
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def normalise(images: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 BGR → (N, 3, H, W) float RGB, normalised, channels-last."""
    mean = torch.tensor(person_detector.MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(person_detector.STD, device=images.device).view(1, 3, 1, 1)
    return (images.permute(0, 3, 1, 2).flip(1).float() - mean) / std


def training_pck(output: Tensor, target: Tensor, weights: Tensor) -> float:
    """Share of labelled joints whose maximum lies within a twentieth of the map's diagonal cell count of the label's."""
    height, width = output.shape[2:]
    found, wanted = (maps.flatten(2).argmax(dim=2) for maps in (output, target))
    dx = (found % width - wanted % width) / width
    dy = (found // width - wanted // width) / height
    hit = (dx**2 + dy**2).sqrt() < 0.05
    labelled = weights > 0
    return float((hit & labelled).sum() / labelled.sum().clamp_min(1))


def build_network(recipe: Recipe) -> nn.Module:
    """The recipe's network, with the tensors of its `init` checkpoint that fit by name and shape."""
    options = recipe.network
    if options.kind == "person_detector":
        network: nn.Module = PersonDetector()
    elif options.kind == "pose_resnet":
        network = PoseResNet(
            options.depth,
            len(keypoint_set(options.keypoints)),
            options.deconv_channels,
            (4,) * len(options.deconv_channels),
            width=options.width,
        )
    else:
        raise InputError(f"unknown network kind '{options.kind}': choose from pose_resnet, person_detector")
    if options.init:
        take_over(network, options.init)
    return network


def take_over(network: nn.Module, path: str) -> int:
    """Copy the tensors of a checkpoint that fit by name and shape; gives their number.

    Raises:
        InputError: no such file, or nothing in it fits.
    """
    state = read_state(path)
    own = network.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise InputError(f"{path}: no tensor fits {type(network).__name__} by name and shape")
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


def read_state(path: str) -> dict[str, Tensor]:
    """The state dict of a checkpoint, safetensors or a pickle of tensors only."""
    if not Path(path).is_file():
        raise InputError(f"no checkpoint {path}")
    if path.endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    return state.get("average") or state.get("network") or state.get("state_dict") or state


def _teacher(recipe: Recipe, device: torch.device) -> nn.Module | None:
    options = recipe.network
    if options.teacher is None:
        return None
    state = read_state(options.teacher)
    channels = [state[f"deconv_layers.{i}.weight"].shape[1] for i in (0, 3, 6)]
    teacher = PoseResNet(options.teacher_depth, len(keypoint_set(options.keypoints)), channels)
    teacher.load_state_dict(state)
    return teacher.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)


TASKS = {"pose_resnet": PoseTask, "person_detector": DetectorTask}
