"""A network with its preprocessing in front: uint8 pictures as OpenCV reads them go in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn


class ImageNetwork(nn.Module):
    """Channel order, normalisation and layout, then the network.

    ``forward`` takes (N, H, W, 3) uint8 BGR and gives what the network gives for (N, 3, H, W) float,
    normalised with mean and std (scale 0–255, in the network's own channel order).
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        colour: Literal["rgb", "bgr"] = "rgb",
    ) -> None:
        super().__init__()
        self.network = network
        self.swap = colour == "rgb"
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("scale", 1 / torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Any:
        return self.network(self.normalise(images))

    def normalise(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 BGR to (N, 3, H, W) float32."""
        x = images.permute(0, 3, 1, 2).to(torch.float32)
        if self.swap:
            x = x[:, [2, 1, 0]]
        return (x - self.mean) * self.scale
