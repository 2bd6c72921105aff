"""Losses and training accuracy of heat maps, computed on the device that trains."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

COARSE_WEIGHT = 0.25  # of the maps of an MSPN's coarser units beside its finest ones (Megvii's code)


def heatmap_loss(output: Tensor, target: Tensor, weights: Tensor, hardest: int = 0) -> Tensor:
    """Half the squared error of the maps, each joint's times its weight (Microsoft code).

    Args:
        output, target: (N, K, h, w).
        weights: (N, K), 0 for joints that teach nothing.
        hardest: mean over only so many joints of each person, those with the largest loss (online hard
            keypoint mining, arXiv 1901.00148); 0 for all.

    Returns:
        mean over samples, joints and cells.
    """
    each = 0.5 * ((output - target) ** 2).mean(dim=(2, 3)) * weights
    if hardest:
        each = each.topk(min(hardest, each.shape[1]), dim=1).values
    return each.mean()


def multi_stage_loss(
    outputs: list[list[Tensor]], targets: list[list[Tensor]], weights: Tensor, hardest: int = 0
) -> Tensor:
    """Sum over stages and up-sampling units; hard keypoint mining for each stage's finest maps alone.

    Args:
        outputs, targets: for each stage the maps of its units, coarse to fine, all (N, K, h, w).
        weights, hardest: see `heatmap_loss`.
    """
    total = weights.new_zeros(())
    for stage_outputs, stage_targets in zip(outputs, targets, strict=True):
        pairs = list(zip(stage_outputs, stage_targets, strict=True))
        for output, target in pairs[:-1]:
            total = total + COARSE_WEIGHT * heatmap_loss(output.float(), target, weights)
        finest, target = pairs[-1]
        total = total + heatmap_loss(finest.float(), target, weights, hardest)
    return total


def training_pck(output: Tensor, target: Tensor) -> Tensor:
    """Share of joints whose maximum is near the target's, as the Microsoft code counts it during training.

    Near is half of a tenth of the map; x is measured in tenths of its height and y of its width, as there.
    Joints whose target lies at x ≤ 1 or y ≤ 1, which holds for blank ones, do not count.

    Args:
        output, target: (N, K, h, w).

    Returns:
        mean of the joints' shares, 0 where none counts.
    """
    height, width = output.shape[2:]
    found, wanted = _maximum(output), _maximum(target)
    norm = torch.tensor([height, width], device=output.device) / 10
    distance = ((found - wanted) / norm).norm(dim=-1)
    counts = (wanted > 1).all(dim=-1)
    hits = ((distance < 0.5) & counts).sum(dim=0)
    of_joint = counts.sum(dim=0)
    shares = hits / of_joint.clamp_min(1)
    return shares.sum() / (of_joint > 0).sum().clamp_min(1)


def _maximum(maps: Tensor) -> Tensor:
    """(N, K, 2) x, y of the maxima; 0, 0 of maps without a positive value."""
    width = maps.shape[3]
    value, place = maps.flatten(2).max(dim=2)
    points = torch.stack((place % width, place // width), dim=-1).float()
    return points * (value > 0)[..., None]


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """A teacher's heat maps (N, K, H, W) at the student's size: half-pixel bilinear, as the crops."""
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)
