"""One door to every keypoint network: by zoo name or by file, whatever program wrote the file.

A file becomes tensors by its own keys (`models.checkpoint_files`), these get our keys (`models.key_layouts`),
keys and shapes tell the network (`models.architectures`), into which the tensors go. What they do not tell is
its description: the file's own, or what is known of the zoo's entry, the program and the file's name.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from models.architectures import (
    build_for,
    create_pose_network,
    depth_of,
    first_ten,
    likely_input_size,
    output_stride,
)
from models.checkpoint_files import DESCRIPTION_KEY, CheckpointFile, read_checkpoint
from models.description import RGB_MEAN, RGB_STD, PoseDescription, likely_keypoints, numbered_set
from models.errors import InputError
from models.files import write_whole
from models.key_layouts import recognise_layout, to_ours
from models.keypoints import KEYPOINT_SETS, MPII, KeypointSet, keypoint_set
from models.megengine import MegEngineMSPN
from models.mspn import MSPN
from models.pose_network import PoseNetwork
from models.pose_resnet import Bottleneck, PoseResNet

if TYPE_CHECKING:
    from models.zoo import ZooEntry

log = logging.getLogger(__name__)


def load_pose_network(
    name_or_path: str | os.PathLike[str],
    *,
    style: Literal["pytorch", "caffe"] | None = None,
    keypoints: str | KeypointSet | None = None,
    **changes: Any,
) -> PoseNetwork:
    """A keypoint network with its weights, in eval mode, float32, on the CPU.

    Args:
        name_or_path: a name of the zoo (``python -m models list``; downloaded once where it does not ship),
            or a checkpoint file of any supported program.
        style: where bottlenecks take their stride; keys do not tell. By default as the file's description
            says, if it has one, else pytorch.
        keypoints: the keypoint set by name, where neither the file nor its name tells the right one.
        **changes: fields of `PoseDescription` to set otherwise, such as ``colour="rgb"`` or
        ``decoding="dark"``.

    Raises InputError for an unknown name, a damaged or foreign file, missing or unexpected keys, wrong
    options.
    """
    if style not in (None, "pytorch", "caffe"):
        raise InputError(f"style '{style}': choose pytorch or caffe")
    path, known = _find(name_or_path)
    file = read_checkpoint(path)
    own = _own_description(file, path.name)
    caffe = style == "caffe" if style or own is None else own.caffe
    pool_right = recognise_layout(file.tensors) == "mindpose" if own is None else own.pool_right
    network = network_from(file, path.name, caffe, pool_right)
    description = _describe(network, file, path, known) if own is None else _checked(own, network, path.name)
    description = replace(description, caffe=caffe, pool_right=pool_right)
    network.description = description.changed(path.name, keypoints, **changes)
    return network.eval()


def untrained_pose_network(
    name: str, seed: int = 0, keypoints: str | KeypointSet | None = None, **changes: Any
) -> PoseNetwork:
    """The network of a zoo name with seeded random weights in place of the published ones.

    ``keypoints``, ``changes`` and what is raised are as in `load_pose_network`.
    """
    entry = _entry(name)
    network = create_pose_network(entry.architecture, entry.keypoints, entry.input_size or (256, 192), seed)
    layout = {"MegEngine": "megengine", "MMPose": "mmpose0", "MindPose": "mindpose"}.get(entry.source, "")
    fields = {**_conventions(network, layout), **entry.description_fields()}
    network.description = replace(network.description, **fields).changed(name, keypoints, **changes)
    return network


def _find(name_or_path: str | os.PathLike[str]) -> tuple[Path, dict[str, Any]]:
    """The file, and what the zoo knows of it."""
    from models import zoo

    path = Path(name_or_path)
    if path.is_file() or path.suffix or len(path.parts) > 1:
        entry = zoo.by_file_name(path.name)
        return path, entry.description_fields() if entry else {}
    entry = _entry(str(name_or_path))
    return zoo.fetch(entry.name), entry.description_fields()


def _entry(name: str) -> ZooEntry:
    """The zoo's entry of a keypoint network; raises InputError for any other name."""
    from models import zoo

    entry = zoo.find(name)
    if not entry.keypoints:
        raise InputError(f"'{name}' is no keypoint network")
    return entry


def network_from(
    file: CheckpointFile, name: str, caffe: bool = False, pool_right: bool = False
) -> PoseNetwork:
    """The network of a checkpoint file's tensors with these as its weights; it has no description yet.

    ``caffe`` and ``pool_right`` are `PoseResNet`'s. Raises InputError where the tensors do not fit.
    """
    state = to_ours(file.tensors, recognise_layout(file.tensors))
    state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    try:
        network = build_for(state, caffe, pool_right)
    except InputError as error:
        raise InputError(f"'{name}': {error}") from None
    if caffe and not any(isinstance(module, Bottleneck) for module in network.modules()):
        raise InputError(f"'{name}': style caffe is for ResNets with bottlenecks, of 50 layers or more")
    if "fc.weight" in state and "final_layer.weight" not in state:
        return _with_random_head(state, caffe, name)
    _load(network, state, name)
    return network


def _with_random_head(state: dict[str, Tensor], caffe: bool, name: str) -> PoseNetwork:
    """A torchvision ResNet as a start: the head is random (seed 0) and must be trained."""
    log.warning("%s is a ResNet without a keypoint head: heat maps mean nothing before training", name)
    network = create_pose_network(f"pose_resnet_{depth_of(state)}", caffe=caffe)
    head = {k: v for k, v in network.state_dict().items() if k.startswith(("deconv_layers.", "final_layer."))}
    backbone = {k: v for k, v in state.items() if not k.startswith("fc.")}
    _load(network, {**head, **backbone}, name)
    return network


def _load(network: PoseNetwork, state: dict[str, Tensor], name: str) -> None:
    """Put tensors into a network on the meta device; raises InputError that lists what does not fit."""
    expected = network.state_dict()
    for key in expected:
        if key.endswith(".num_batches_tracked") and key not in state:
            state[key] = torch.tensor(0)  # counters that older programs do not write
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    wrong = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in expected
        if key in state and state[key].shape != expected[key].shape
    ]
    problems = [
        f"{len(keys)} {kind} keys: {first_ten(keys)}"
        for kind, keys in (("missing", missing), ("unexpected", unexpected), ("ill-shaped", wrong))
        if keys
    ]
    if problems:
        raise InputError(f"'{name}' does not fit {type(network).__name__}: {'; '.join(problems)}")
    network.load_state_dict(state, assign=True)


def _describe(
    network: PoseNetwork, file: CheckpointFile, path: Path, known: dict[str, Any]
) -> PoseDescription:
    """From the zoo, the program that wrote it, its name, the number of keypoints."""
    count = keypoint_count(network)
    fields: dict[str, Any] = {
        "name": path.name.split(".")[0],
        "keypoints": _keypoints_from_name(path.name, count),
        "input_size": _size_from_name(path.name) or likely_input_size(count),
        "stride": output_stride(network),
        **_conventions(network, recognise_layout(file.tensors)),
        **known,
    }
    if len(fields["keypoints"]) != count:
        fields["keypoints"] = numbered_set(count)
    return PoseDescription(**fields)


def _own_description(file: CheckpointFile, name: str) -> PoseDescription | None:
    """The description that the file carries; raises InputError where it is none."""
    if DESCRIPTION_KEY not in file.metadata:
        return None
    try:
        return PoseDescription.from_json(file.metadata[DESCRIPTION_KEY])
    except InputError as error:
        raise InputError(f"'{name}': {error}") from None


def _checked(description: PoseDescription, network: PoseNetwork, name: str) -> PoseDescription:
    """Raises InputError where the description is another network's."""
    described = len(description.keypoints), description.stride
    if described != (found := (keypoint_count(network), output_stride(network))):
        raise InputError(
            f"'{name}' is not what its description says: {found[0]} heat maps of stride {found[1]} "
            f"instead of {described[0]} of stride {described[1]}"
        )
    return description


# What each program's networks were trained with. Microsoft's feed BGR pictures normalised with RGB figures.
_MICROSOFT = {"mean": RGB_MEAN, "std": RGB_STD, "colour": "bgr"}
_MMPOSE = {"mean": RGB_MEAN, "std": RGB_STD, "colour": "rgb", "decoding": "quarter_mmpose"}
_BGR = {"mean": RGB_MEAN[::-1], "std": RGB_STD[::-1], "colour": "bgr"}
_MSPN = {**_BGR, "decoding": "mspn", "peak": 255.0, "flip_shift": True}
_MEGENGINE = {
    "mean": RGB_MEAN[::-1],
    "std": (57.375, 57.12, 58.395),
    "colour": "bgr",
    "decoding": "megengine",
    "peak": 255.0,
    "flip_shift": False,
    "padding": 1.1,
}


def _conventions(network: PoseNetwork, layout: str) -> dict[str, Any]:
    if isinstance(network, MegEngineMSPN) or layout == "megengine":
        return _MEGENGINE
    if isinstance(network, MSPN):
        if layout.startswith("mmpose"):
            return {**_MMPOSE, "decoding": "megvii", "peak": 255.0}
        # its authors blur MPII's maps more than COCO's
        return {**_MSPN, "decoding": "mspn9"} if keypoint_count(network) == len(MPII) else _MSPN
    if layout == "mindpose":
        return {**_MMPOSE, "decoding": "quarter_mindpose"}
    return _MMPOSE if layout.startswith("mmpose") else _MICROSOFT


def keypoint_count(network: PoseNetwork) -> int:
    """Number of heat maps K, from the shape of the last convolution."""
    last = {
        PoseResNet: "final_layer.weight",
        MSPN: "stage0.upsample.up4.res_conv2.conv.weight",
        MegEngineMSPN: "stages.Stage_0_tail.tail_3.weight",
    }
    return network.state_dict()[last[type(network)]].shape[0]


def _keypoints_from_name(name: str, count: int) -> KeypointSet:
    """The benchmark that a file's name tells, else the commonest set of that many keypoints."""
    words = name.lower().replace("-", "_")
    for known in sorted(KEYPOINT_SETS, key=len, reverse=True):
        if known in words and len(keypoint_set(known)) == count:
            return keypoint_set(known)
    likely = likely_keypoints(count)
    log.info("%s: %d keypoints, taken for %s", name, count, likely.name)
    return likely


def _size_from_name(name: str) -> tuple[int, int] | None:
    match = re.search(r"(\d{2,4})x(\d{2,4})", name)
    if not match or int(match[1]) % 32 or int(match[2]) % 32:
        return None
    return int(match[1]), int(match[2])


def save_pose_network(network: PoseNetwork, path: Path, half: bool = True) -> None:
    """Write our own format: safetensors (float16 where ``half``) with the description in the metadata."""
    save_weights(network, path, half, {DESCRIPTION_KEY: network.description.to_json()})


def save_weights(
    network: nn.Module, path: Path, half: bool = True, metadata: dict[str, str] | None = None
) -> None:
    """Write a network's tensors as safetensors, float16 where ``half``, whole or not at all."""
    from safetensors.torch import save

    state = {k: v for k, v in network.state_dict().items() if not k.endswith(".num_batches_tracked")}
    kind = torch.float16 if half else torch.float32
    tensors = {key: value.detach().to("cpu", kind).contiguous() for key, value in state.items()}
    write_whole(path, save(tensors, metadata))
