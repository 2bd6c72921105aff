"""Optimiser, learning rate, and the moving average of the weights."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from models.errors import InputError
from training.recipe import Schedule


def in_samples(schedule: Schedule, epoch: int) -> Schedule:
    """The schedule with its length and drops in samples; the length becomes a whole number of batches.

    Args:
        schedule: as the recipe gives it.
        epoch: samples an epoch.
    """
    unit = 1 if schedule.epochs is None else epoch
    length = schedule.length if schedule.epochs is None else schedule.epochs * epoch
    return replace(
        schedule,
        samples=math.ceil(length / schedule.batch) * schedule.batch,
        epochs=None,
        drops=tuple(drop * unit for drop in schedule.drops),
    )


def part_size(schedule: Schedule, processes: int) -> int:
    """Samples that go through a network at once; raises InputError where a batch does not divide."""
    parts = processes * schedule.accumulate
    if schedule.batch % parts:
        raise InputError(
            f"schedule.batch {schedule.batch} does not divide by {processes} processes × schedule.accumulate "
            f"{schedule.accumulate}: choose a multiple of {parts}"
        )
    return schedule.batch // parts


def learning_rate(schedule: Schedule, done: int) -> float:
    """The rate of the step after so many samples; the schedule's length must be in samples."""
    progress = min(done / schedule.length, 1.0)
    if schedule.shape == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * progress))
    elif schedule.shape == "poly":
        factor = (1 - progress) ** schedule.power
    else:
        factor = 0.1 ** sum(done >= drop for drop in schedule.drops)
    warm = min(1.0, (done + schedule.batch) / schedule.warm_up) if schedule.warm_up else 1.0
    return schedule.rate * factor * warm


def create_optimiser(network: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """Adam or AdamW for what is not frozen; biases and batch norm are not decayed."""
    learning = [p for p in network.parameters() if p.requires_grad]
    decayed = [p for p in learning if p.ndim > 1]
    plain = [p for p in learning if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.decay}, {"params": plain, "weight_decay": 0.0}]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[schedule.optimiser]
    # one pass over the weights instead of six
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return kind(groups, lr=schedule.rate, fused=fused)


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Exponential moving average of parameters and buffers; its memory grows up to `decay`."""
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
