"""The person detector's targets and losses, computed on the device that trains."""

from __future__ import annotations

import torch
from torch import Tensor

from models.person_detector import STRIDE

BOX_WEIGHT = 5.0  # of the boxes' loss beside the centres' (TTFNet)


def detector_targets(boxes: Tensor, kind: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """TTFNet's targets: an elliptical Gaussian over the middle of each box (Liu et al. 2020, section 3).

    Args:
        boxes: (N, M, 4) left, top, right, bottom in input pixels.
        kind: (N, M) 1 a person, 2 to be ignored, 0 nothing.
        size: (height, width) of the map.

    Returns:
        centre (N, h, w), 1 in the cell of a centre, falling off around it; owner (N, h, w), index of the box
        that a cell near a centre regresses, -1 elsewhere; care (N, h, w), False where there is nothing to
        learn.
    """
    height, width = size
    x, y = (_middles(torch.arange(n, device=boxes.device)) for n in (width, height))
    x, y = x[None, None, None, :], y[None, None, :, None]
    left, top, right, bottom = (side[..., None, None] for side in boxes.unbind(-1))
    # the cell that holds a box's middle must reach exactly 1
    middle_x, middle_y = (_middles(((a + b) / 2 / STRIDE).floor()) for a, b in ((left, right), (top, bottom)))
    spread_x, spread_y = (
        ((b - a) * 0.54 / 6).clamp_min(STRIDE / 3) for a, b in ((left, right), (top, bottom))
    )
    bell = torch.exp(-0.5 * (((x - middle_x) / spread_x) ** 2 + ((y - middle_y) / spread_y) ** 2))
    person = (kind == 1)[..., None, None]
    bell = bell * person * (bell > 0.01)
    centre = bell.amax(dim=1)
    # of overlapping people the smaller owns the cell
    area = ((right - left) * (bottom - top)).masked_fill(~person, torch.inf)
    claim = torch.where(bell > 0.1, area, torch.inf)
    smallest, owner = claim.min(dim=1)
    owner = owner.masked_fill(smallest.isinf(), -1)
    in_box = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    ignored = (in_box & (kind == 2)[..., None, None]).any(dim=1)
    return centre, owner, ~ignored | (owner >= 0)


def _middles(cells: Tensor) -> Tensor:
    """Where cells of the map have their middle, in input pixels."""
    return cells * STRIDE + (STRIDE - 1) / 2


def detector_loss(output: Tensor, boxes: Tensor, kind: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Focal loss of the centres (CornerNet's, α 2, β 4) and GIoU loss of the boxes around them.

    Args:
        output: (N, 5, h, w) of `PersonDetector` in training mode.
        boxes, kind: see `detector_targets`.

    Returns:
        the loss, and its two parts as scalars without gradient, ``focal`` and ``giou``.
    """
    size = (output.shape[2], output.shape[3])
    centre, owner, care = detector_targets(boxes, kind, size)
    logit, distances = output[:, 0].float(), output[:, 1:].float()
    probability = logit.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = centre > 0.999
    count = peak.sum().clamp_min(1)
    hit = (1 - probability) ** 2 * probability.log() * peak
    rest = (1 - centre) ** 4 * probability**2 * (1 - probability).log() * (~peak) * care
    focal = -(hit + rest).sum() / count

    n, y, x = (owner >= 0).nonzero(as_tuple=True)
    target = boxes[n, owner[n, y, x]]
    middle = _middles(torch.stack((x, y), dim=-1))
    left_top, right_bottom = distances[n, :, y, x].split(2, dim=-1)
    predicted = torch.cat((middle - left_top, middle + right_bottom), dim=-1)
    weight = centre[n, y, x]
    giou = (generalised_iou_loss(predicted, target) * weight).sum() / weight.sum().clamp_min(1)
    return focal + BOX_WEIGHT * giou, {"focal": focal.detach(), "giou": giou.detach()}


def generalised_iou_loss(a: Tensor, b: Tensor) -> Tensor:
    """1 − GIoU of boxes (N, 4), pair by pair (Rezatofighi et al. 2019)."""
    overlap = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0).prod(dim=1)
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1).clamp_min(1e-6)
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - overlap
    return 1 - overlap / union.clamp_min(1e-6) + (hull - union) / hull
