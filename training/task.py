"""What the loop asks of a task, whatever network is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.errors import InputError
from training.drawing import Mix

Figures = dict[str, float]
Sample = dict[str, Tensor]
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Validation:
    """What a validation finds.

    Attributes:
        figures: the first one decides which checkpoint is the best; higher is better.
        pictures: the worst predictions, worst first, drawn: (H, W, 3) uint8 BGR of equal size.
    """

    figures: Figures
    pictures: list[NDArray[np.uint8]]


class Samples(Protocol):
    """A data set whose n-th sample is the n-th of the run."""

    @property
    def mix(self) -> Mix: ...

    def __getitem__(self, place: int) -> Sample: ...


class Task(Protocol):
    """The part of a run that differs between networks."""

    @property
    def network(self) -> nn.Module: ...

    @property
    def samples(self) -> Samples: ...

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch on its device, and figures for the log as scalars without gradient."""
        ...

    def validate(self, network: nn.Module) -> Validation:
        """Judge a network in eval mode; every process of a distributed run gives the same answer."""
        ...

    def draw(self, sample: Sample) -> NDArray[np.uint8]:
        """A sample and its targets as a picture (H, W, 3) uint8 BGR."""
        ...


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float], colour: str = "rgb") -> Tensor:
    """Pictures as a network expects them.

    Args:
        images: (N, H, W, 3) uint8 BGR.
        mean, std: of each channel on the scale 0 to 255, in the network's order.
        colour: that order, ``rgb`` or ``bgr``.

    Returns:
        (N, 3, H, W) float, channels-last in memory.
    """
    pictures = images.permute(0, 3, 1, 2)
    pictures = pictures.flip(1) if colour == "rgb" else pictures
    middle, spread = (torch.tensor(v, device=images.device).view(1, 3, 1, 1) for v in (mean, std))
    return ((pictures.float() - middle) / spread).contiguous(memory_format=torch.channels_last)


def validated_output(output: Tensor) -> NDArray[np.float32]:
    """A network's output as an array; raises InputError where the network has diverged."""
    array: NDArray[np.float32] = output.float().cpu().numpy()
    if not np.isfinite(array).all():
        raise InputError(
            "the network has diverged, its output is no longer a number: lower schedule.rate or set "
            "schedule.clip (the checkpoints before are untouched)"
        )
    return array
