"""Target heat maps, made on the device that trains."""

from __future__ import annotations

import cv2
import torch
from torch import Tensor

from training.recipe import Targets

UNITS = 4  # up-sampling units of an MSPN stage


def target_maps(
    points: Tensor, weights: Tensor, size: tuple[int, int], options: Targets
) -> tuple[Tensor, Tensor]:
    """The finest target maps and the joints' weights, by the recipe's kind.

    Args:
        points: (N, K, 2) x, y in heat-map cells.
        weights: (N, K), 0 where a joint is not labelled.
        size: (height, width) of the maps.
        options: the recipe's.

    Returns:
        (N, K, height, width), blank where the weight is 0, and (N, K) weights, 0 also where a joint is
        too far outside the map to teach anything.
    """
    if options.kind == "blurred":
        maps, inside = blurred_targets(points, size, options.kernels[-1])
    else:
        maps, inside = gaussian_targets(points, size, options.sigma, options.kind == "rounded")
    weights = weights * inside
    return maps * (options.peak * (weights > 0))[..., None, None], weights


def coarse_to_fine(
    points: Tensor, weights: Tensor, size: tuple[int, int], options: Targets, stages: int
) -> list[list[Tensor]]:
    """Target maps for each up-sampling unit of each stage of an MSPN (arXiv 1901.00148, section 3.3).

    The last stage's units have the last kernels, the earlier stages' the first.

    Args:
        points, weights, size, options: see `target_maps`.
        stages: how many.

    Returns:
        for each stage the maps of its units, coarse to fine, (N, K, height, width).
    """
    labelled = (weights > 0)[..., None, None]
    maps = [blurred_targets(points, size, kernel)[0] * options.peak * labelled for kernel in options.kernels]
    return [maps[:UNITS]] * (stages - 1) + [maps[-UNITS:]]


def gaussian_targets(
    points: Tensor, size: tuple[int, int], sigma: float, rounded: bool = False
) -> tuple[Tensor, Tensor]:
    """Unnormalised Gaussians.

    Args:
        points: (N, K, 2) x, y in heat-map cells.
        size: (height, width) of the maps.
        sigma: standard deviation in cells.
        rounded: around the nearest cell, and 0 beyond 3 sigma in x or y (Microsoft code); otherwise around
            the point itself.

    Returns:
        (N, K, height, width), peak 1, and (N, K) whether the window of 3 sigma touches the map; as in the
        Microsoft code and MMPose it reaches a cell further to the right and down.
    """
    height, width = size
    reach = 3 * sigma
    if rounded:
        points = (points + 0.5).trunc()  # towards zero, as the Microsoft code has it
    x, y = _distances(points[..., 0], width), _distances(points[..., 1], height)
    across, down = (torch.exp(-0.5 * (d / sigma) ** 2) for d in (x, y))
    if rounded:
        across, down = across * (x.abs() <= reach), down * (y.abs() <= reach)
    end = torch.tensor([width, height], device=points.device)
    inside = ((points + reach + 1 >= 0) & (points - reach < end)).all(dim=-1)
    return down[..., :, None] * across[..., None, :], inside


def blurred_targets(points: Tensor, size: tuple[int, int], kernel: int) -> tuple[Tensor, Tensor]:
    """One cell each, blurred and divided by its own value (Megvii's code; OpenCV's blur, mirrored borders).

    Beside a border the mirrored part makes neighbours exceed 1, as in the original.

    Args:
        points: (N, K, 2) x, y in heat-map cells; rounded towards zero.
        size: (height, width) of the maps.
        kernel: odd size of the blur in cells.

    Returns:
        (N, K, height, width), and (N, K) whether the cell lies in the map; its map is blank where not.
    """
    height, width = size
    bell = torch.from_numpy(cv2.getGaussianKernel(kernel, 0)[:, 0]).to(points.device, torch.float32)
    cells = points.trunc()
    last = torch.tensor([width - 1, height - 1], device=points.device)
    inside = ((cells >= 0) & (cells <= last)).all(dim=-1)
    across, down = (_blurred_line(cells[..., i], n, bell) for i, n in ((0, width), (1, height)))
    return down[..., :, None] * across[..., None, :] * inside[..., None, None], inside


def _blurred_line(cell: Tensor, length: int, bell: Tensor) -> Tensor:
    """(N, K, length) a line with one cell set, blurred, 1 there; what falls off an end is mirrored."""
    half = len(bell) // 2
    line = torch.zeros(*cell.shape, length, device=cell.device)
    last = length - 1
    for image, counts in ((cell, cell >= 0), (-cell, cell > 0), (2 * last - cell, cell < last)):
        distance = _distances(image, length).abs().long()
        near = (distance <= half) & counts[..., None]
        line += bell[(half + distance).clamp_max(len(bell) - 1)] * near
    own = line.gather(-1, cell.long().clamp(0, last)[..., None])
    return line / own.clamp_min(1e-12)


def _distances(centre: Tensor, length: int) -> Tensor:
    """(…, length) signed distance of each cell from a centre."""
    return torch.arange(length, device=centre.device) - centre[..., None]
