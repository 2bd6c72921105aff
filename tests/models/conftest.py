"""A keypoint network small enough to convert, export and run in a blink."""

import pytest
import torch

from models.description import PoseDescription
from models.keypoints import COCO
from models.pose_resnet import PoseResNet


def tiny_network(keypoints: int = 17, seed: int = 0) -> PoseResNet:
    """1/8 of ResNet-18's width, with heat maps of a size that is not lost in rounding."""
    torch.manual_seed(seed)
    network = PoseResNet(18, keypoints, deconv_channels=(16, 16, 16), width=0.125)
    for module in network.deconv_layers:
        if isinstance(module, torch.nn.ConvTranspose2d):
            torch.nn.init.normal_(module.weight, std=0.2)
    torch.nn.init.normal_(network.final_layer.weight, std=0.5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
    network.description = PoseDescription("tiny", COCO, (64, 32), half_pixel=True, flip_shift=False)
    return network.eval()


@pytest.fixture
def tiny() -> PoseResNet:
    return tiny_network()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMPLEPOSETRACK_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
