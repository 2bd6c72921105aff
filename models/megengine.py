"""MegEngine's ``mspn_4stage`` (MegEngine/Models), which shares no weights with the authors' MSPN.

A stem of three 3×3 convolutions, then stages of ResNet bottlenecks down and transposed convolutions up; from
a stage to the next goes the finest feature alone. State-dict keys are MegEngine's.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from models.pose_network import PoseNetwork
from models.pose_resnet import Bottleneck, residual_layer

BLOCKS = (5, 5, 6, 3)
PLANES = (64, 128, 192, 384)
CHANNELS = 256
STAGE_INPUTS = 64


class Down(nn.Module):
    """Four ResNet layers; gives their outputs, fine to coarse."""

    def __init__(self) -> None:
        super().__init__()
        inputs = STAGE_INPUTS
        for i, (planes, blocks) in enumerate(zip(PLANES, BLOCKS, strict=True)):
            layer = residual_layer(Bottleneck, inputs, planes, blocks, 1 if i == 0 else 2)
            self.add_module(f"layer{i + 1}", layer)
            inputs = planes * 4

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for layer in self.children():
            x = layer(x)
            features.append(x)
        return features


class Body(nn.Module):
    """Features of a stage, coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        self.down = Down()
        for i, planes in enumerate(reversed(PLANES)):
            lateral = nn.Sequential(nn.Conv2d(planes * 4, CHANNELS, 1), nn.BatchNorm2d(CHANNELS))
            self.add_module(f"up{i + 1}", lateral)
        for i in range(3):
            up = nn.Sequential(nn.ConvTranspose2d(CHANNELS, CHANNELS, 4, 2, 1), nn.BatchNorm2d(CHANNELS))
            self.add_module(f"deconv{i + 1}", up)

    def forward(self, x: Tensor) -> list[Tensor]:
        down = self.down(x)
        features = [functional.relu(self.get_submodule("up1")(down[3]))]
        for i in range(1, 4):
            enlarged = self.get_submodule(f"deconv{i}")(features[-1])
            lateral = self.get_submodule(f"up{i + 1}")(down[3 - i])
            features.append(functional.relu(enlarged + lateral))
        return features


class Tail(nn.Module):
    """Heat maps of a stage's four features."""

    def __init__(self, keypoints: int) -> None:
        super().__init__()
        for i in range(4):
            self.add_module(f"tail_{i}", nn.Conv2d(CHANNELS, keypoints, 3, padding=1))

    def finest(self, features: list[Tensor]) -> Tensor:
        return self.get_submodule("tail_3")(features[3])

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        maps = [self.get_submodule(f"tail_{i}")(feature) for i, feature in enumerate(features)]
        return [
            functional.interpolate(m, scale_factor=2 ** (3 - i), mode="bilinear", align_corners=False)
            if i < 3
            else m
            for i, m in enumerate(maps)
        ]


class MegEngineMSPN(PoseNetwork):
    """MegEngine's multi-stage network; ``forward`` gives the last stage's finest maps, trained in 0–255."""

    def __init__(self, stages: int = 4, keypoints: int = 17) -> None:
        super().__init__()
        self.number_of_stages = stages
        stem: list[nn.Module] = []
        for inputs, stride in ((3, 2), (64, 1), (64, 2)):
            stem += [nn.Conv2d(inputs, 64, 3, stride, 1), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
        self.head = nn.Sequential(*stem)
        self.stages = nn.ModuleDict()
        for i in range(stages):
            self.stages[f"Stage_{i}_body"] = Body()
            self.stages[f"Stage_{i}_tail"] = Tail(keypoints)
            if i < stages - 1:
                self.stages[f"Stage_{i}_next"] = nn.Sequential(
                    nn.Conv2d(CHANNELS, STAGE_INPUTS, 1), nn.BatchNorm2d(STAGE_INPUTS), nn.ReLU(inplace=True)
                )

    def forward(self, x: Tensor) -> Tensor:
        features = self._features(x)[-1]
        tail = self.stages[f"Stage_{self.number_of_stages - 1}_tail"]
        assert isinstance(tail, Tail)
        return tail.finest(features)

    def every_output(self, x: Tensor) -> list[list[Tensor]]:
        """For each stage its four heat maps, coarse to fine, all at (H/4, W/4)."""
        return [self.stages[f"Stage_{i}_tail"](features) for i, features in enumerate(self._features(x))]

    def _features(self, x: Tensor) -> list[list[Tensor]]:
        self.check_input(x)
        x = self.head(x)
        stages = []
        for i in range(self.number_of_stages):
            features = self.stages[f"Stage_{i}_body"](x)
            stages.append(features)
            if i < self.number_of_stages - 1:
                x = self.stages[f"Stage_{i}_next"](features[-1])
        return stages
