"""The base of every keypoint network: a module that knows its description."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from models.description import PoseDescription
from models.errors import InputError


class PoseNetwork(nn.Module):
    """A keypoint network in the sense of this project.

    ``forward`` takes (N, 3, H, W) float, normalised, in the description's channel order, and gives heat maps
    (N, K, H/stride, W/stride). H and W must be divisible by 32.

    Attributes:
        description: set by whoever knows it: `models.checkpoints.load_pose_network`, or a training recipe.
    """

    description: PoseDescription

    def check_input(self, x: Tensor) -> None:
        """Raise InputError for a size that the network cannot take."""
        if torch.jit.is_tracing() or isinstance(x, fx.Proxy):  # there are no numbers to look at then
            return
        height, width = x.shape[-2:]
        if height % 32 or width % 32:
            raise InputError(f"input of {height}x{width} pixels: height and width must be multiples of 32")
