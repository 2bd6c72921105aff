"""What a training run is made of, before its first step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from training.checkpoint import RunState
from training.detector_task import DetectorTask
from training.distributed import World, synchronise_batch_norm
from training.memory import keep_freed_memory
from training.pose_task import PoseTask
from training.recipe import Recipe, Schedule
from training.rendered import render_missing
from training.schedule import create_optimiser, in_samples, part_size
from training.task import Task

TASKS: dict[str, Callable[[Recipe, Path, World], Task]] = {
    "pose_resnet": PoseTask,
    "mspn": PoseTask,
    "person_detector": DetectorTask,
}
PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        recipe: as it was given, which is how checkpoints keep it.
        task: the network with its samples, loss and validation.
        schedule: the recipe's, in samples.
        state: what changes from step to step.
        world: the processes that share the work.
        part: samples that go through the network of each at once.
    """

    recipe: Recipe
    task: Task
    schedule: Schedule
    state: RunState
    world: World
    part: int

    @property
    def epoch(self) -> int:
        """Samples an epoch."""
        return len(self.task.samples.mix)

    @property
    def validate_every(self) -> int:
        """Samples between two validations."""
        if self.recipe.validate_every is None:
            return max(self.schedule.length // 20, 1)
        unit = 1 if self.recipe.schedule.epochs is None else self.epoch
        return max(round(self.recipe.validate_every * unit), 1)

    def autocast(self) -> torch.autocast:
        """The recipe's precision, for what is computed within."""
        kind = PRECISIONS.get(self.recipe.precision)
        return torch.autocast(self.world.device.type, kind, enabled=kind is not None)


def create_task(recipe: Recipe, data: Path, world: World) -> Task:
    """The recipe's task with its network, which depends on the recipe's seed alone."""
    render_missing(recipe, data, world)
    torch.manual_seed(recipe.seed)
    return TASKS[recipe.network.kind](recipe, data, world)


def create_run(recipe: Recipe, data: Path, world: World) -> Run:
    """A run before its first step; raises InputError for wrong data, or what its network cannot be."""
    if world.device.type == "cpu":
        keep_freed_memory()
    part = part_size(recipe.schedule, world.size)  # told before scenes are rendered or pictures looked for
    task = create_task(recipe, data, world)
    schedule = in_samples(recipe.schedule, len(task.samples.mix))
    average = copy.deepcopy(task.network).eval().requires_grad_(False) if schedule.average else None
    network = synchronise_batch_norm(task.network, world)
    scaler = torch.amp.GradScaler(world.device.type, enabled=recipe.precision == "fp16")
    optimiser = create_optimiser(network, schedule)
    state = RunState(network, network if average is None else average, optimiser, scaler)
    return Run(recipe, task, schedule, state, world, part)
