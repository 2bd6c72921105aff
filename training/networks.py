"""A recipe's network, its description, and what it takes over from the checkpoint that it starts from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.architectures import output_stride
from models.checkpoint_files import read_checkpoint
from models.checkpoints import load_pose_network
from models.description import PoseDescription
from models.errors import InputError
from models.keypoints import KeypointSet, keypoint_set
from models.mspn import MSPN
from models.person_detector import PersonDetector
from models.pose_network import PoseNetwork
from models.pose_resnet import RESNETS, PoseResNet
from training.recipe import Network, Recipe

log = logging.getLogger(__name__)

HEAD_KEYS = ("final_layer.", "res_conv2.")  # layers with one output for each joint


def build_network(recipe: Recipe) -> nn.Module:
    """The recipe's network, started from its ``init`` checkpoint where it names one."""
    options = recipe.network
    network: nn.Module
    if options.kind == "person_detector":
        network = PersonDetector()
    else:
        network = _pose_network(options)
        network.description = describe(recipe, output_stride(network))
    if options.init:
        taken = start_from(network, options.init)
        log.info("%d of %d tensors from %s", taken, len(network.state_dict()), options.init)
    freeze(network, options.frozen)
    return network


def freeze(network: nn.Module, parts: Sequence[str]) -> None:
    """Let parts of a network keep their weights and statistics; raises InputError for an unknown part."""
    known = dict(network.named_children())
    for part in parts:
        if part not in known:
            raise InputError(f"network.frozen: no part '{part}': choose from {', '.join(known)}")
        known[part].requires_grad_(False)


def to_training(network: nn.Module) -> None:
    """Training mode, in which frozen batch norms still use the statistics that they have."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.weight.requires_grad:
            module.eval()


def _pose_network(options: Network) -> PoseNetwork:
    count = len(keypoint_set(options.keypoints))
    if options.kind == "mspn":
        return MSPN(options.stages, count)
    if options.depth not in RESNETS:
        raise InputError(f"network.depth {options.depth}: choose from {', '.join(map(str, RESNETS))}")
    return PoseResNet(
        options.depth,
        count,
        options.deconv_channels,
        (4,) * len(options.deconv_channels),
        final_kernel=options.final_kernel,
        width=options.width,
        layers=options.layers,
        caffe=options.caffe,
        pool_right=options.pool_right,
    )


def describe(recipe: Recipe, stride: int) -> PoseDescription:
    """What users of the recipe's keypoint network, of this output stride, must know."""
    options = recipe.network
    return PoseDescription(
        name=recipe.name,
        keypoints=keypoint_set(options.keypoints),
        input_size=options.input_size,
        mean=options.mean,
        std=options.std,
        colour=options.colour,
        half_pixel=options.half_pixel,
        decoding=options.decoding,
        flip_shift=not options.half_pixel,
        stride=stride,
        padding=options.padding,
        peak=recipe.targets.peak,
        caffe=options.caffe,
        pool_right=options.pool_right,
    )


def start_from(network: nn.Module, name_or_path: str) -> int:
    """Take over what fits of a checkpoint: tensors by name and shape, rows of the last layer by joint.

    Args:
        network: a `PoseNetwork` with its description, or a detector.
        name_or_path: a file, or a keypoint network of the zoo.

    Returns:
        how many tensors were taken over, wholly or in part.

    Raises:
        InputError: no such file, nothing in it fits, or weights that mean something else in this network.
    """
    state, theirs = _read(name_or_path)
    ours = network.description if isinstance(network, PoseNetwork) else None
    for option in ("caffe", "pool_right"):
        if ours and getattr(theirs, option, False) and not getattr(ours, option):
            raise InputError(f"{name_or_path} is a network with {option}: add --set network.{option}=true")
    own = network.state_dict()
    fitting = {}
    for key, value in own.items():
        if key not in state:
            continue
        if ours and theirs and _of_joints(key, value, state[key]):
            fitting[key] = _rows_by_joint(value, state[key], ours.keypoints, theirs.keypoints)
        elif value.shape == state[key].shape:
            fitting[key] = state[key]
    if not fitting:
        raise InputError(f"{name_or_path}: no tensor fits {type(network).__name__} by name and shape")
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


def _of_joints(key: str, own: Tensor, state: Tensor) -> bool:
    """Whether a tensor has a row for each joint, and the rows are alike."""
    return any(part in key for part in HEAD_KEYS) and own.ndim > 0 and own.shape[1:] == state.shape[1:]


def _rows_by_joint(own: Tensor, state: Tensor, ours: KeypointSet, theirs: KeypointSet) -> Tensor:
    """The other network's rows for the joints that both know, our own for the others."""
    origin = torch.from_numpy(ours.positions_in(theirs))
    known = origin >= 0
    rows = own.clone()
    rows[known] = state[origin[known]].to(rows.dtype)
    return rows


def _read(name_or_path: str) -> tuple[Mapping[str, Tensor], PoseDescription | None]:
    """Tensors under our keys, and the description of a keypoint network."""
    path = Path(name_or_path)
    try:
        network = load_pose_network(name_or_path)
    except InputError:
        if not path.is_file():
            raise
        return read_checkpoint(path).tensors, None  # a detector, or a part of a network
    return network.state_dict(), network.description
