"""Which network a state dict belongs to, and networks by name with seeded random weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

import torch
from torch import Tensor, nn

from models.description import PoseDescription
from models.errors import InputError
from models.keypoints import keypoint_set
from models.megengine import MegEngineMSPN
from models.mspn import MSPN
from models.pose_network import PoseNetwork
from models.pose_resnet import RESNETS, BasicBlock, PoseResNet

# name → a network for so many keypoints
ARCHITECTURES: dict[str, Callable[..., PoseNetwork]] = {
    **{f"pose_resnet_{depth}": partial(PoseResNet, depth) for depth in RESNETS},
    "pose_resnet_18_d128": partial(PoseResNet, 18, deconv_channels=(128, 128, 128)),  # our default
    "pose_resnet_18_3layers_d64": partial(PoseResNet, 18, deconv_channels=(64, 64, 64), layers=3),  # our fast
    "pose_resnet_50_2deconv": partial(PoseResNet, 50, deconv_channels=(256, 256), deconv_kernels=(4, 4)),
    **{f"megengine_res{depth}": partial(PoseResNet, depth, final_kernel=3) for depth in (50, 101, 152)},
    **{f"mspn_{stages}stage": partial(MSPN, stages) for stages in range(1, 5)},
    **{f"mspn_{stages}stage_mmpose": partial(MSPN, stages, bias=False) for stages in range(1, 5)},
    "megengine_mspn_4stage": partial(MegEngineMSPN, 4),
}


def create_pose_network(
    architecture: str,
    keypoints: str = "coco",
    input_size: tuple[int, int] = (256, 192),
    seed: int = 0,
    caffe: bool = False,
) -> PoseNetwork:
    """A network of the zoo's architectures with random weights: for speed measurements and as a start.

    Args:
        architecture: a name in ARCHITECTURES.
        keypoints: a keypoint set by name.
        input_size: height and width in pixels.
        seed: of the weights.
        caffe: stride style of a pose_resnet's bottlenecks.
    """
    if architecture not in ARCHITECTURES:
        near = get_close_matches(architecture, ARCHITECTURES, 1, 0)
        raise InputError(
            f"unknown architecture '{architecture}' (nearest: {near[0]}): {', '.join(ARCHITECTURES)}"
        )
    points = keypoint_set(keypoints)
    build = ARCHITECTURES[architecture]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(len(points), caffe=True) if caffe else build(len(points))
    network.description = PoseDescription(
        architecture, points, input_size, stride=output_stride(network), caffe=caffe
    )
    return network.eval()


def build_for(state: Mapping[str, Tensor], caffe: bool = False, pool_right: bool = False) -> PoseNetwork:
    """The network that a state dict under our keys belongs to, on the meta device (without memory for
    weights).

    Args:
        state: our keys (see `models.key_layouts`), any values of the right shapes.
        caffe, pool_right: of a `PoseResNet`, which the keys do not tell.

    Raises InputError, naming the nearest architecture, where none fits.
    """
    convolutions = {key for key, value in state.items() if value.ndim == 4}
    with torch.device("meta"):
        if {"conv1.weight", "final_layer.weight", "deconv_layers.0.weight"} <= convolutions:
            return _pose_resnet(state, caffe, pool_right)
        if {"top.conv.conv.weight", "stage0.upsample.up4.res_conv2.conv.weight"} <= convolutions:
            return _mspn(state)
        if "stages.Stage_0_tail.tail_3.weight" in convolutions:
            return MegEngineMSPN(
                _count(state, r"stages\.Stage_(\d+)_tail"), len(state["stages.Stage_0_tail.tail_3.weight"])
            )
        if {"conv1.weight", "layer4.0.conv1.weight"} <= convolutions and "fc.weight" in state:
            return PoseResNet(depth_of(state), caffe=caffe)
    raise InputError(f"not a known pose network: {nearest_architecture(state)}")


def _pose_resnet(state: Mapping[str, Tensor], caffe: bool, pool_right: bool) -> PoseResNet:
    numbers = sorted(
        int(m[1]) for m in (re.fullmatch(r"deconv_layers\.(\d+)\.weight", key) for key in state) if m
    )
    weights = [state[f"deconv_layers.{number}.weight"] for number in numbers]
    deconvolutions = [weight for weight in weights if weight.ndim == 4]
    convolutions = sorted(
        (int(match[1]), value.shape[-1])
        for key, value in state.items()
        if (match := re.fullmatch(r"conv_layers\.(\d+)\.weight", key)) and value.ndim == 4
    )
    final = state["final_layer.weight"]
    return PoseResNet(
        depth_of(state),
        keypoints=final.shape[0],
        deconv_channels=[weight.shape[1] for weight in deconvolutions],
        deconv_kernels=[weight.shape[-1] for weight in deconvolutions],
        deconv_bias="deconv_layers.0.bias" in state,
        head_kernels=[kernel for _, kernel in convolutions],
        final_kernel=final.shape[-1],
        width=state["conv1.weight"].shape[0] / 64,
        layers=_count(state, r"layer(\d+)\.") - 1,
        caffe=caffe,
        pool_right=pool_right,
    )


def depth_of(state: Mapping[str, Tensor]) -> int:
    """A ResNet's depth, from the blocks of the layers it has."""
    blocks = tuple(n for i in range(1, 5) if (n := _count(state, rf"layer{i}\.(\d+)\.")))
    basic = "layer1.0.conv3.weight" not in state
    for depth, (block, expected) in RESNETS.items():
        if blocks and expected[: len(blocks)] == blocks and (block is BasicBlock) == basic:
            return depth
    kind = "basic" if basic else "bottleneck"
    raise InputError(f"no ResNet has {kind} blocks {blocks}: known depths are {', '.join(map(str, RESNETS))}")


def _mspn(state: Mapping[str, Tensor]) -> MSPN:
    keypoints = len(state["stage0.upsample.up4.res_conv2.conv.weight"])
    return MSPN(_count(state, r"stage(\d+)\."), keypoints, "top.conv.conv.bias" in state)


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many numbers, from 0, stand at the pattern's group in the keys."""
    numbers = [int(match[1]) for match in (re.match(pattern, key) for key in state) if match]
    return max(numbers, default=-1) + 1


def nearest_architecture(state: Mapping[str, Tensor]) -> str:
    """One line: the architecture that shares most keys and shapes with a state dict, and what differs."""
    best, best_shared, best_keys = "", -1, set[str]()
    for name in ARCHITECTURES:
        with torch.device("meta"):
            shapes = {key: value.shape for key, value in create_pose_network(name).state_dict().items()}
        shared = sum(
            key in state and tuple(state[key].shape) == tuple(shape) for key, shape in shapes.items()
        )
        if shared > best_shared:
            best, best_shared, best_keys = name, shared, set(shapes)
    if best_shared == 0:
        return f"none of its {len(state)} keys belongs to one ({first_ten(list(state))})"
    missing = first_ten(sorted(best_keys - set(state))) or "none, but shapes differ"
    return f"nearest is {best} ({best_shared} of {len(best_keys)} keys fit; missing {missing})"


def first_ten(names: list[str]) -> str:
    """At most ten names for a message."""
    return ", ".join(names[:10]) + (f" … {len(names) - 10} more" if len(names) > 10 else "")


def output_stride(network: nn.Module) -> int:
    """Input pixels a heat-map cell: 4, or a ResNet's stride halved by each transposed convolution."""
    if isinstance(network, PoseResNet):
        deconvolutions = sum(isinstance(module, nn.ConvTranspose2d) for module in network.deconv_layers)
        return 2 ** (network.layers + 1 - deconvolutions)
    return 4


def likely_input_size(keypoints: int) -> tuple[int, int]:
    """The size that published networks with that many keypoints mostly have."""
    return (256, 256) if keypoints in (15, 16, 40) else (256, 192)
