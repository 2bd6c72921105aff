"""Targets, losses and training accuracy against the Microsoft code's and Megvii's own figures."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from models.heatmaps import decode
from training.detector_losses import detector_loss, detector_targets, generalised_iou_loss
from training.losses import heatmap_loss, multi_stage_loss, training_pck
from training.recipe import Targets
from training.targets import blurred_targets, coarse_to_fine, gaussian_targets, target_maps


@pytest.mark.parametrize("name", ["target_192x256_s2", "target_256x256_s2", "target_288x384_s3"])
def test_rounded_targets_are_the_microsoft_codes(shared: Path, name: str) -> None:
    expected = np.load(shared / "reference" / "decode" / f"{name}.npz")
    width, height = expected["heatmap_size_wh"].tolist()
    points = expected["joints"][..., :2] / (expected["image_size_wh"] / expected["heatmap_size_wh"])
    visible = torch.from_numpy(expected["vis"][..., 0]).float()
    options = Targets(kind="rounded", sigma=float(expected["sigma"]))
    maps, weights = target_maps(torch.from_numpy(points), visible, (height, width), options)
    np.testing.assert_array_equal(weights.numpy(), expected["target_weight"][..., 0])
    np.testing.assert_allclose(maps.numpy(), expected["target"], atol=1e-6)


@pytest.mark.parametrize(("kind", "codec"), [("rounded", "msra"), ("exact", "dark")])
def test_gaussian_targets_are_mmposes(shared: Path, kind: Literal["rounded", "exact"], codec: str) -> None:
    expected = np.load(shared / "reference" / "decode" / "mmpose_codecs.npz")
    points = torch.from_numpy(expected["encode_keypoints"]) / 4
    visible = torch.from_numpy(expected["encode_visible"]).float()
    maps, weights = target_maps(points, visible, (64, 48), Targets(kind=kind, sigma=2))
    np.testing.assert_array_equal(weights.numpy(), expected[f"{codec}_encode_weights"][:, 0])
    np.testing.assert_allclose(maps.numpy(), expected[f"{codec}_encode_heatmaps"], atol=1e-5)


@pytest.mark.parametrize("kernel", [5, 11, 15])
def test_blurred_targets_are_megviis(shared: Path, kernel: int) -> None:
    expected = np.load(shared / "reference" / "decode" / "mmpose_codecs.npz")
    points = torch.from_numpy(expected["encode_keypoints"]) / 4
    visible = torch.from_numpy(expected["encode_visible"]).float()
    options = Targets(kind="blurred", kernels=(kernel,), peak=255)
    maps, weights = target_maps(points, visible, (64, 48), options)
    np.testing.assert_array_equal(weights.numpy(), expected[f"megvii{kernel}_encode_weights"][:, 0])
    np.testing.assert_allclose(maps.numpy(), expected[f"megvii{kernel}_encode_heatmaps"], atol=1e-3)


def test_exact_targets_say_where_a_joint_is_between_cells() -> None:
    points = torch.rand(4, 5, 2, generator=torch.Generator().manual_seed(0)) * 20 + 6
    maps, _ = gaussian_targets(points, (32, 32), 2.0)
    found, _ = decode(maps.numpy(), "dark")
    np.testing.assert_allclose(found, points.numpy(), atol=0.05)


def test_joints_without_label_or_far_outside_teach_nothing() -> None:
    points = torch.tensor([[[5.0, 5.0], [5.0, 5.0], [-40.0, 5.0], [9.5, 5.0]]])
    weights = torch.tensor([[1.0, 0.0, 1.0, 0.4]])
    maps, taught = target_maps(points, weights, (12, 8), Targets(sigma=2.0))
    np.testing.assert_allclose(taught.numpy(), [[1, 0, 0, 0.4]])
    assert not maps[0, 1:3].any()
    assert maps[0, 3].max() < 1  # outside, but its slope is seen
    output = torch.rand(1, 4, 12, 8, requires_grad=True)
    heatmap_loss(output, maps, taught).backward()
    assert output.grad is not None
    assert not output.grad[0, 1:3].any()
    assert output.grad[0, 0].any()


def test_coarse_to_fine_kernels() -> None:
    options = Targets(kind="blurred", kernels=(15, 11, 9, 7, 5), peak=255)
    points, weights = torch.tensor([[[24.0, 30.0]]]), torch.ones(1, 1)
    stages = coarse_to_fine(points, weights, (64, 48), options, 3)
    kernels = [[int((maps > 0).sum(dim=2).max()) for maps in stage] for stage in stages]
    assert kernels == [[15, 11, 9, 7], [15, 11, 9, 7], [11, 9, 7, 5]]
    finest, _ = target_maps(points, weights, (64, 48), options)
    assert torch.equal(stages[-1][-1], finest)
    assert blurred_targets(points, (64, 48), 5)[0].max() == 1


def test_loss_and_accuracy_are_the_microsoft_codes(shared: Path) -> None:
    expected = np.load(shared / "reference" / "decode" / "accuracy_loss.npz")
    output, target, weights = (torch.from_numpy(expected[k]) for k in ("output", "target", "target_weight"))
    assert float(heatmap_loss(output, target, weights[..., 0])) == pytest.approx(
        float(expected["loss_weighted"])
    )
    everyone = torch.ones_like(weights[..., 0])
    assert float(heatmap_loss(output, target, everyone)) == pytest.approx(float(expected["loss_unweighted"]))
    assert float(training_pck(output, target)) == pytest.approx(float(expected["avg_acc"]), abs=1e-6)


def test_hard_keypoints_are_those_with_the_largest_loss() -> None:
    output = torch.zeros(2, 3, 2, 2)
    target = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).expand(2, 3, 2, 2)
    weights = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    assert float(heatmap_loss(output, target, weights, hardest=2)) == pytest.approx((4.5 + 2 + 2 + 0.5) / 4)
    assert float(heatmap_loss(output, target, weights)) == pytest.approx((4.5 + 2 + 0.5 + 2 + 0.5) / 6)


def test_stages_add_up_and_only_the_finest_maps_are_mined() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = [[torch.rand(2, 4, 3, 3, generator=generator) for _ in range(2)] for _ in range(2)]
    targets = [[torch.zeros(2, 4, 3, 3)] * 2] * 2
    weights = torch.ones(2, 4)
    expected = sum(
        0.25 * heatmap_loss(coarse, targets[0][0], weights) + heatmap_loss(fine, targets[0][0], weights, 2)
        for coarse, fine in maps
    )
    assert float(multi_stage_loss(maps, targets, weights, 2)) == pytest.approx(float(expected))


def test_detector_targets() -> None:
    boxes = torch.tensor([[[8.0, 8.0, 40.0, 56.0], [60.0, 0.0, 64.0, 64.0], [0.0, 0.0, 0.0, 0.0]]])
    kind = torch.tensor([[1, 2, 0]])
    centre, owner, care = detector_targets(boxes, kind, (16, 16))
    assert centre[0, 8, 6] == 1  # the cell of (24, 32)
    assert (centre == 1).sum() == 1
    assert owner[0, 8, 6] == 0
    assert set(owner.unique().tolist()) == {-1, 0}
    assert not care[0, :, 15].any()  # inside the ignored box
    assert care[0, 8, 6]


def test_detector_loss_prefers_the_truth() -> None:
    boxes, kind = torch.tensor([[[8.0, 8.0, 40.0, 56.0]]]), torch.tensor([[1]])
    centre, _, _ = detector_targets(boxes, kind, (16, 16))
    x = torch.arange(16) * 4 + 1.5
    truth = torch.zeros(1, 5, 16, 16)
    truth[:, 0] = torch.where(centre > 0.999, 6.0, -6.0)
    truth[:, 1], truth[:, 3] = x[None, None, :] - 8, 40 - x[None, None, :]
    truth[:, 2], truth[:, 4] = x[None, :, None] - 8, 56 - x[None, :, None]
    good, _ = detector_loss(truth, boxes, kind)
    bad, _ = detector_loss(-truth, boxes, kind)
    assert float(good) < 0.1 < float(bad)


def test_generalised_iou() -> None:
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 1, 1]])
    b = torch.tensor([[0.0, 0, 2, 2], [0.5, 0, 1.5, 1], [2, 0, 3, 1]])
    np.testing.assert_allclose(generalised_iou_loss(a, b).numpy(), [0, 1 - 1 / 3, 1 + 1 / 3], atol=1e-6)
