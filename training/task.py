"""What the loop asks of a task, whatever network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.drawing import Mix

Figures = dict[str, float]
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

    def __getitem__(self, place: int) -> Batch: ...


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

    def draw(self, sample: Batch) -> NDArray[np.uint8]:
        """A sample and its targets as a picture (H, W, 3) uint8 BGR."""
        ...


class Normalisation(Protocol):
    """What a network expects of its input: `PoseDescription`, and the person detector."""

    @property
    def mean(self) -> tuple[float, float, float]: ...

    @property
    def std(self) -> tuple[float, float, float]: ...

    @property
    def colour(self) -> str: ...


def normalise(images: Tensor, expected: Normalisation) -> Tensor:
    """(N, H, W, 3) uint8 BGR to (N, 3, H, W) float, channels-last in memory."""
    pictures = images.permute(0, 3, 1, 2)
    pictures = pictures.flip(1) if expected.colour == "rgb" else pictures
    mean, std = (
        torch.tensor(v, device=images.device).view(1, 3, 1, 1) for v in (expected.mean, expected.std)
    )
    return ((pictures.float() - mean) / std).contiguous(memory_format=torch.channels_last)
