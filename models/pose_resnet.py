"""SimpleBaseline: a ResNet, transposed convolutions, one final convolution (paper, section 2).

State-dict keys are those of microsoft/human-pose-estimation.pytorch: ``conv1 … layer4``, ``deconv_layers.N``,
``final_layer``.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from models.errors import InputError
from models.pose_network import PoseNetwork


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut (ResNet 18 and 34)."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int = 1, caffe: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _shortcut(inputs, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions with a shortcut (ResNet 50 and deeper).

    The stride is on the 3×3 convolution (PyTorch style) or on the first 1×1 (caffe style); keys are the same.
    """

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int = 1, caffe: bool = False) -> None:
        super().__init__()
        first, middle = (stride, 1) if caffe else (1, stride)
        self.conv1 = nn.Conv2d(inputs, planes, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, middle, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, planes * 4, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


# depth → block, blocks in each of the four layers
RESNETS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


def residual_layer(
    block: type[BasicBlock] | type[Bottleneck],
    inputs: int,
    planes: int,
    blocks: int,
    stride: int,
    caffe: bool = False,
) -> nn.Sequential:
    """A ResNet layer: the first block takes the stride."""
    rest = [block(planes * block.expansion, planes) for _ in range(blocks - 1)]
    return nn.Sequential(block(inputs, planes, stride, caffe), *rest)


class PoseResNet(PoseNetwork):
    """SimpleBaseline's keypoint network.

    Args:
        depth: 18, 34, 50, 101 or 152.
        keypoints: number of heat maps K.
        deconv_channels: output channels of each transposed convolution, which doubles the heat maps' size.
        deconv_kernels: 2, 3 or 4 for each transposed convolution.
        deconv_bias: bias of the transposed convolutions.
        head_kernels: one convolution with batch norm and ReLU for each, between the transposed convolutions
            and the final one; published networks have none.
        final_kernel: 1 or 3.
        width: factor on the ResNet's channels; 1 is the published network.
        layers: of the ResNet's four, the first so many; published networks have all.
        caffe: stride on the first 1×1 convolution of a bottleneck.
        pool_right: the max pooling pads right and below only, as MindPose's (TensorFlow's "same").

    ``forward`` takes (N, 3, H, W) float, normalised, H and W divisible by 32, and gives (N, K, H/S, W/S) with
    the output stride S = 2^(layers + 1) / 2^deconvolutions: 4 in published networks, 8 with two of them.
    """

    def __init__(
        self,
        depth: int = 50,
        keypoints: int = 17,
        deconv_channels: Sequence[int] = (256, 256, 256),
        deconv_kernels: Sequence[int] = (4, 4, 4),
        deconv_bias: bool = False,
        head_kernels: Sequence[int] = (),
        final_kernel: int = 1,
        width: float = 1.0,
        layers: int = 4,
        caffe: bool = False,
        pool_right: bool = False,
    ) -> None:
        super().__init__()
        block, blocks = RESNETS[depth]
        inputs = int(64 * width)
        self.conv1 = nn.Conv2d(3, inputs, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True) if pool_right else nn.MaxPool2d(3, 2, 1)
        self.layers = layers
        for i in range(layers):
            planes = int(64 * 2**i * width)
            layer = residual_layer(block, inputs, planes, blocks[i], 1 if i == 0 else 2, caffe)
            self.add_module(f"layer{i + 1}", layer)
            inputs = planes * block.expansion
        self.deconv_layers = deconvolutions(inputs, deconv_channels, deconv_kernels, deconv_bias)
        self.conv_layers = head_convolutions(deconv_channels[-1], head_kernels)
        self.final_layer = nn.Conv2d(deconv_channels[-1], keypoints, final_kernel, padding=final_kernel // 2)
        for module in (*self.deconv_layers, *self.conv_layers, self.final_layer):
            if isinstance(module, (nn.ConvTranspose2d, nn.Conv2d)):
                nn.init.normal_(module.weight, std=0.001)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        self.check_input(x)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for i in range(self.layers):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.final_layer(self.conv_layers(self.deconv_layers(x)))


def deconvolutions(
    inputs: int, channels: Sequence[int], kernels: Sequence[int], bias: bool = False
) -> nn.Sequential:
    """Transposed convolutions of stride 2, each with batch norm and ReLU; every one doubles the size."""
    modules: list[nn.Module] = []
    paddings = {4: (1, 0), 3: (1, 1), 2: (0, 0)}  # and output paddings
    for outputs, kernel in zip(channels, kernels, strict=True):
        if kernel not in paddings:
            raise InputError(f"a transposed convolution of size {kernel}: 2, 3 and 4 are known")
        padding, output_padding = paddings[kernel]
        modules += [
            nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, output_padding, bias=bias),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
        inputs = outputs
    return nn.Sequential(*modules)


def head_convolutions(channels: int, kernels: Sequence[int]) -> nn.Sequential:
    """Convolutions that keep size and channels, each with batch norm and ReLU."""
    modules: list[nn.Module] = []
    for kernel in kernels:
        modules += [
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*modules)
