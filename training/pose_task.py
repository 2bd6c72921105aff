"""Training of keypoint networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.checkpoints import load_pose_network
from models.description import PoseDescription
from models.errors import InputError
from models.mspn import MSPN
from models.pose_network import PoseNetwork
from training.distributed import World
from training.losses import heatmap_loss, multi_stage_loss, resize_maps, training_pck
from training.networks import build_network
from training.pose_samples import PoseSamples
from training.pose_validation import validate_pose
from training.recipe import Recipe
from training.sheets import Picture, under_maps, with_joints
from training.targets import coarse_to_fine, target_maps
from training.task import Batch, Sample, Validation, normalise


class PoseTask:
    """A network whose heat maps show a person's joints; with a teacher, it imitates its maps too."""

    def __init__(self, recipe: Recipe, data: Path, world: World) -> None:
        self.recipe, self.data, self.world = recipe, data, world
        network = build_network(recipe)
        assert isinstance(network, PoseNetwork)
        self.description = network.description
        self.network = network.to(world.device).to(memory_format=torch.channels_last)
        self.teacher = _teacher(recipe, self.description, world)
        # a teacher with a larger input sees more than the student: samples are cut at its size
        size = self.teacher.description.input_size if self.teacher else recipe.network.input_size
        self.samples = PoseSamples(recipe, data, size)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        images, net = batch["image"], self.description
        pictures = normalise(images, net.mean, net.std, net.colour)
        if images.shape[1:3] != net.input_size:
            pictures = functional.interpolate(pictures, size=net.input_size, mode="bilinear", antialias=True)
        points = self._cells(batch["points"], images.shape[1])
        size, options = net.heatmap_size, self.recipe.targets
        target, weights = target_maps(points, batch["weights"], size, options)
        if isinstance(network, MSPN):
            outputs = network.every_output(pictures)
            targets = coarse_to_fine(points, batch["weights"], size, options, len(outputs))
            loss = multi_stage_loss(outputs, targets, weights, options.hardest)
            output = outputs[-1][-1]
        else:
            output = network(pictures).float()
            loss = heatmap_loss(output, target, weights, options.hardest)
        if self.teacher is not None:
            loss = loss + self._imitation(output, images)
        return loss, {"pck": training_pck(output.detach(), target)}

    def _imitation(self, output: Tensor, images: Tensor) -> Tensor:
        """How far the output is from the teacher's heat maps, scaled to the student's size and peak."""
        assert self.teacher is not None
        known = self.teacher.description
        with torch.no_grad():
            maps = self.teacher(normalise(images, known.mean, known.std, known.colour)).float()
        height, width = output.shape[2:]
        maps = resize_maps(maps, (height, width)) * (self.description.peak / known.peak)
        return heatmap_loss(output, maps, torch.ones_like(maps[:, :, 0, 0]))

    def _cells(self, points: Tensor, height: int) -> Tensor:
        """Points in pixels of the samples, perhaps larger than the network's input, in heat-map cells."""
        stride = height / self.description.heatmap_size[0]
        return (points + 0.5) / stride - 0.5 if self.description.half_pixel else points / stride

    def validate(self, network: nn.Module) -> Validation:
        """The figures of the validation set's own benchmark; see `training.pose_validation`."""
        source, data = self.recipe.validation, self.data
        return validate_pose(network, self.description, source, data, self.world)

    def draw(self, sample: Sample) -> Picture:
        """The crop with its joints, and under its target maps."""
        picture = sample["image"].numpy()
        points, weights = sample["points"][None], sample["weights"][None]
        cells = self._cells(points, len(picture))
        maps, _ = target_maps(cells, weights, self.description.heatmap_size, self.recipe.targets)
        labelled = sample["weights"].numpy() > 0
        drawn = with_joints(picture, sample["points"].numpy(), labelled, self.description.keypoints)
        heat = under_maps(picture, maps[0].numpy() / self.description.peak)
        return np.concatenate((drawn, heat), axis=1)


def _teacher(recipe: Recipe, student: PoseDescription, world: World) -> PoseNetwork | None:
    if recipe.network.teacher is None:
        return None
    teacher = load_pose_network(recipe.network.teacher)
    known = teacher.description
    if known.keypoints.names != student.keypoints.names:
        raise InputError(
            f"teacher '{recipe.network.teacher}' finds {known.keypoints.name} keypoints, "
            f"the recipe trains {student.keypoints.name}: they must be the same"
        )
    (height, width), (own_height, own_width) = known.input_size, student.input_size
    if known.half_pixel != student.half_pixel or height * own_width != width * own_height:
        raise InputError(
            f"teacher '{recipe.network.teacher}' sees other crops ({height}x{width}, half_pixel "
            f"{known.half_pixel}): shape and convention must be the student's"
        )
    return teacher.requires_grad_(False).to(world.device).to(memory_format=torch.channels_last)
