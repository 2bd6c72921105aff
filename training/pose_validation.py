"""Validation of a keypoint network while it trains: inference's own crops, flip test and decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evaluation.annotations import KeypointDataset
from evaluation.person_boxes import PersonBoxes, annotated_boxes
from evaluation.rescoring import pose_scores
from models.conversion import convert_keypoints
from models.crops import box_to_crop, crop_matrix, extract_crops, to_crop
from models.description import PoseDescription
from tracker.pose import PoseStage
from training.distributed import World
from training.people import Source, people_of, read_source
from training.pictures import read_picture
from training.recipe import DataSource
from training.sheets import FOUND, Picture, with_caption, with_joints
from training.task import Figures, Validation, normalise, validated_output

BATCH = 32  # crops that go through the network at once
WORST = 24  # predictions that are shown
CRITERIA = ("AP", "Total", "Mean", "Mean Acc")  # a benchmark's one figure, by its column's name

Pose = tuple[NDArray[np.float32], NDArray[np.float32]]  # (K, 2) x, y in pixels, (K,) scores


@torch.no_grad()
def validate_pose(
    network: nn.Module, description: PoseDescription, source: DataSource, data: Path, world: World
) -> Validation:
    """The figures that the source's own benchmark gives for annotated boxes with flip test.

    Args:
        network: in eval mode, on the world's device.
        description: what it expects.
        source, data: the data source and its folder.
        world: processes that share the people; every one gets the answer.
    """
    read = read_source(source, data)
    people = people_of(read, source, description.keypoints).data
    boxes = annotated_boxes(people, clip=not read.benchmark.per_person)
    engine = _Eager(network, description, world.device)
    mine = world.share(list(range(len(boxes))))
    poses = world.gather(_predict(PoseStage(engine, flip_test=True), people, boxes, mine))  # type: ignore[arg-type]
    figures = _score(read, people, boxes, poses, description) if world.first else {}
    pictures = _worst(people, boxes, poses, description) if world.first else []
    return world.from_first(Validation(figures, pictures))


class _Eager:
    """A network in training as the engine that inference expects."""

    def __init__(self, network: nn.Module, description: PoseDescription, device: torch.device) -> None:
        self.network, self.description, self.device = network, description, device

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        net, images = self.description, torch.from_numpy(crops).to(self.device)
        return validated_output(self.network(normalise(images, net.mean, net.std, net.colour)))


def _predict(stage: PoseStage, people: KeypointDataset, boxes: PersonBoxes, chosen: list[int]) -> list[Pose]:
    """Poses of the chosen boxes; of a broken picture, of a black one."""
    net = stage.description
    poses: list[Pose] = []
    path, image = None, None
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        windows = box_to_crop(boxes.boxes[batch], net.input_size, net.padding)
        pictures = np.zeros((len(batch), *net.input_size, 3), np.uint8)
        for i, (picture, window) in enumerate(zip(pictures, windows, strict=True)):
            wanted = people.images[boxes.image_index[batch[i]]]
            if wanted != path:
                path, image = wanted, read_picture(wanted)
            if image is not None:
                extract_crops(image, window[None], net.input_size, net.half_pixel, out=picture[None])
        poses += zip(*stage.locate(pictures, windows), strict=True)
    return poses


def _score(
    read: Source, people: KeypointDataset, boxes: PersonBoxes, poses: list[Pose], net: PoseDescription
) -> Figures:
    """The figures of the benchmark's first row, its one figure before all others."""
    k = len(net.keypoints)
    points = np.array([p for p, _ in poses], np.float32).reshape(-1, k, 2)
    scores = np.array([s for _, s in poses], np.float32).reshape(-1, k)
    ours, theirs = net.keypoints, read.benchmark.keypoint_set
    if ours.names != theirs.names:
        points, scores = convert_keypoints(points, scores, ours, theirs)
    of_pose = pose_scores(np.ones(len(points)), scores)
    predictions = [
        {
            "image_id": int(people.image_ids[boxes.image_index[i]]),
            "category_id": read.document["categories"][0]["id"],
            "annotation_id": int(boxes.person_ids[i]),
            "keypoints": np.column_stack((points[i], scores[i])).astype(np.float64).ravel().tolist(),
            "score": float(of_pose[i]),
        }
        for i in range(len(points))
    ]
    result = read.benchmark.score(read.document, predictions)
    row = next(iter(result.rows.values()))
    figures = dict(zip(read.benchmark.columns, map(float, row), strict=True))
    first = next((name for name in CRITERIA if name in figures), next(iter(figures)))
    return {first: figures[first], **figures}


def _worst(
    people: KeypointDataset, boxes: PersonBoxes, poses: list[Pose], net: PoseDescription
) -> list[Picture]:
    """The predictions that are farthest from the labels, in parts of the box, next to them."""
    row_of = {int(person): row for row, person in enumerate(people.person_ids)}
    rows = [row_of[int(person)] for person in boxes.person_ids]
    labelled = people.weights[rows] > 0
    points = np.array([p for p, _ in poses], np.float32).reshape(-1, len(net.keypoints), 2)
    size = np.sqrt(np.prod(boxes.boxes[:, 2:] - boxes.boxes[:, :2], axis=1))
    distance = np.linalg.norm(points - people.keypoints[rows], axis=-1) * labelled
    error = distance.sum(axis=1) / labelled.sum(axis=1).clip(1) / size
    pictures = []
    for i in np.argsort(-error)[:WORST].tolist():
        image = read_picture(people.images[boxes.image_index[i]])
        if image is None:
            continue
        window = box_to_crop(boxes.boxes[i], net.input_size, net.padding)
        crop = extract_crops(image, window, net.input_size, net.half_pixel)[0]
        matrix = crop_matrix(window[0], net.input_size, half_pixel=net.half_pixel)
        truth, found = to_crop(people.keypoints[rows[i]], matrix), to_crop(points[i], matrix)
        right = with_joints(crop, truth, labelled[i], net.keypoints)
        wrong = with_joints(crop, found, np.ones(len(found), bool), net.keypoints, FOUND)
        caption = f"{int(boxes.person_ids[i])}: off by {error[i]:.2f} of the box"
        pictures.append(with_caption(np.concatenate((right, wrong), axis=1), caption))
    return pictures
