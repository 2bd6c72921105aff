"""MSPN: Rethinking on Multi-Stage Networks for Human Pose Estimation (Li et al. 2019, arXiv 1901.00148).

A ResNet top, then stages that each go down as ResNet-50 does and up again in four units. State-dict keys are
those of megvii-research/MSPN, whose convolutions carry biases; MMPose's do not (``bias=False``).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from models.pose_network import PoseNetwork

BLOCKS = (3, 4, 6, 3)
CHANNELS = 256  # of every up-sampling unit
CROSS_CHANNELS = 64  # handed from a stage to the next one's start


class ConvBatchNorm(nn.Module):
    """A convolution that keeps the size at stride 1, batch norm, and ReLU where asked for."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        relu: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
        self.bn = nn.BatchNorm2d(outputs)
        self.activation = nn.ReLU(inplace=True) if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.bn(self.conv(x)))


class Block(nn.Module):
    """Bottleneck with the stride on the 3×3 convolution."""

    def __init__(self, inputs: int, planes: int, stride: int, bias: bool) -> None:
        super().__init__()
        outputs = planes * 4
        self.conv_bn_relu1 = ConvBatchNorm(inputs, planes, bias=bias)
        self.conv_bn_relu2 = ConvBatchNorm(planes, planes, 3, stride, bias=bias)
        self.conv_bn_relu3 = ConvBatchNorm(planes, outputs, relu=False, bias=bias)
        self.downsample = (
            ConvBatchNorm(inputs, outputs, 1, stride, relu=False, bias=bias)
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv_bn_relu3(self.conv_bn_relu2(self.conv_bn_relu1(x)))
        return functional.relu(out + self.downsample(x))


class Down(nn.Module):
    """Four ResNet layers; the skips of the stage before are added to their outputs."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        inputs = 64
        for i, blocks in enumerate(BLOCKS):
            planes = 64 * 2**i
            layer = [Block(inputs, planes, 1 if i == 0 else 2, bias)]
            layer += [Block(planes * 4, planes, 1, bias) for _ in range(blocks - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*layer))
            inputs = planes * 4

    def forward(self, x: Tensor, skips: list[Tensor] | None) -> list[Tensor]:
        """Features from fine to coarse; skips likewise."""
        features = []
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
            if skips is not None:
                x = x + skips[i]
            features.append(x)
        return features


class UpUnit(nn.Module):
    """One up-sampling unit: lateral plus enlarged coarser feature; heat maps and skips branch off."""

    def __init__(self, index: int, inputs: int, keypoints: int, last_stage: bool, bias: bool) -> None:
        super().__init__()
        self.u_skip = ConvBatchNorm(inputs, CHANNELS, relu=False, bias=bias)
        self.up_conv = ConvBatchNorm(CHANNELS, CHANNELS, relu=False, bias=bias) if index > 1 else None
        self.skip1 = None if last_stage else ConvBatchNorm(inputs, inputs, bias=bias)
        self.skip2 = None if last_stage else ConvBatchNorm(CHANNELS, inputs, bias=bias)
        hands_over = index == 4 and not last_stage
        self.cross_conv = ConvBatchNorm(CHANNELS, CROSS_CHANNELS, bias=bias) if hands_over else None
        self.res_conv1 = ConvBatchNorm(CHANNELS, CHANNELS, bias=bias)
        self.res_conv2 = ConvBatchNorm(CHANNELS, keypoints, 3, relu=False, bias=bias)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        out = self.u_skip(x)
        if self.up_conv is not None and coarser is not None:
            out = out + self.up_conv(_resize(coarser, x))
        return functional.relu(out)

    def heatmaps(self, out: Tensor, finest: Tensor) -> Tensor:
        return _resize(self.res_conv2(self.res_conv1(out)), finest)

    def skip(self, x: Tensor, out: Tensor) -> Tensor | None:
        return None if self.skip1 is None or self.skip2 is None else self.skip1(x) + self.skip2(out)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=True)


class Stage(nn.Module):
    """Down and up once."""

    def __init__(self, keypoints: int, last: bool, bias: bool) -> None:
        super().__init__()
        self.downsample = Down(bias)
        self.upsample = nn.ModuleDict(
            {f"up{i}": UpUnit(i, 2048 // 2 ** (i - 1), keypoints, last, bias) for i in range(1, 5)}
        )

    def forward(
        self, x: Tensor, skips: list[Tensor] | None, every: bool
    ) -> tuple[list[Tensor], list[Tensor] | None, Tensor | None]:
        """Heat maps coarse to fine (the finest alone unless ``every``), skips fine to coarse, cross map."""
        features = self.downsample(x, skips)
        out: Tensor | None = None
        cross: Tensor | None = None
        heatmaps, next_skips = [], []
        for i in range(4):
            unit = self.upsample[f"up{i + 1}"]
            assert isinstance(unit, UpUnit)
            feature = features[3 - i]
            out = unit(feature, out)
            if every or i == 3:
                heatmaps.append(unit.heatmaps(out, features[0]))
            skip = unit.skip(feature, out)
            if skip is not None:
                next_skips.append(skip)
            if unit.cross_conv is not None:
                cross = unit.cross_conv(out)
        return heatmaps, next_skips[::-1] or None, cross


class Top(nn.Module):
    """7×7 convolution and max pooling: stride 4."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.conv = ConvBatchNorm(3, 64, 7, 2, bias=bias)
        self.maxpool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.maxpool(self.conv(x))


class MSPN(PoseNetwork):
    """Multi-stage pose network.

    Args:
        stages: 1 to 4 in the published ones.
        keypoints: number of heat maps K.
        bias: biases of the convolutions: True in the authors' own network, False in MMPose's.

    ``forward`` gives the finest heat maps of the last stage, (N, K, H/4, W/4); `every_output` what training
    needs.
    """

    def __init__(self, stages: int = 4, keypoints: int = 17, bias: bool = True) -> None:
        super().__init__()
        self.stages = stages
        self.top = Top(bias)
        for i in range(stages):
            self.add_module(f"stage{i}", Stage(keypoints, i == stages - 1, bias))

    def forward(self, x: Tensor) -> Tensor:
        return self._run(x, every=False)[-1][-1]

    def every_output(self, x: Tensor) -> list[list[Tensor]]:
        """For each stage its four heat maps, coarse to fine, all at (H/4, W/4)."""
        return self._run(x, every=True)

    def _run(self, x: Tensor, every: bool) -> list[list[Tensor]]:
        self.check_input(x)
        x = self.top(x)
        skips: list[Tensor] | None = None
        outputs = []
        for i in range(self.stages):
            heatmaps, skips, cross = self.get_submodule(f"stage{i}")(x, skips, every)
            outputs.append(heatmaps)
            if cross is not None:
                x = cross
        return outputs
