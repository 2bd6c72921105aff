"""The names that other programs give to the same weights, and back.

Our own state-dict keys are those of the networks' first publications: microsoft/human-pose-estimation.pytorch
for SimpleBaseline, megvii-research/MSPN for MSPN, MegEngine/Models for its ``mspn_4stage``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

from models.errors import InputError

Value = TypeVar("Value")

# layout → (our prefix, its prefix); the first that fits counts
POSE_RESNET_PREFIXES: dict[str, tuple[tuple[str, str], ...]] = {
    "microsoft": (("", ""),),
    "mmpose1": (
        ("deconv_layers.", "head.deconv_layers."),
        ("conv_layers.", "head.conv_layers."),
        ("final_layer.", "head.final_layer."),
        ("", "backbone."),
    ),
    "mmpose0": (
        ("deconv_layers.", "keypoint_head.deconv_layers."),
        ("conv_layers.", "keypoint_head.conv_layers."),
        ("final_layer.", "keypoint_head.final_layer."),
        ("", "backbone."),
    ),
    "megengine": (
        ("deconv_layers.", "deconv_layers.body."),
        ("final_layer.", "last_layer."),
        ("", "backbone."),
    ),
}
# MSPN's own layouts, by the part of the keys that only Megvii's, and only MegEngine's variant has.
MSPN_LAYOUTS = {"stage0": ("microsoft", "mmpose0", "mmpose1"), "stages": ("microsoft", "megengine")}
# Frameworks that name the parts of a batch norm in their own ways; read only.
_FOREIGN: dict[str, tuple[tuple[str, str], ...]] = {  # (regular expression of their key, ours)
    "mindpose": (
        (r"^(?:net\.)?backbone\.", ""),
        (r"^(?:net\.)?head\.deconv_layer\.", "deconv_layers."),
        (r"^(?:net\.)?head\.", ""),
        (r"\.down_sample\.", ".downsample."),
        (r"\.gamma$", ".weight"),
        (r"\.beta$", ".bias"),
        (r"\.moving_mean$", ".running_mean"),
        (r"\.moving_variance$", ".running_var"),
    ),
    "paddle": ((r"^backbone\.", ""), (r"\._mean$", ".running_mean"), (r"\._variance$", ".running_var")),
}
LAYOUTS = (*POSE_RESNET_PREFIXES, *_FOREIGN)


def recognise_layout(keys: Iterable[str]) -> str:
    """Which program wrote these keys: a name in LAYOUTS ("microsoft" stands for every first publication)."""
    keys = set(keys)
    if any(key.endswith(".moving_variance") for key in keys):
        return "mindpose"
    if any(key.endswith("._variance") for key in keys):
        return "paddle"
    if any(key.startswith("keypoint_head.") for key in keys):
        return "mmpose0"
    if any(key.startswith("head.") for key in keys) and any(key.startswith("backbone.") for key in keys):
        return "mmpose1"
    if any(key.startswith("last_layer.") for key in keys):
        return "megengine"
    return "microsoft"


def to_ours(state: dict[str, Value], layout: str) -> dict[str, Value]:
    """The same values under our keys. Keys that the layout does not know stay as they are."""
    if any(key.startswith("backbone.multi_stage_mspn.") for key in state):
        names = _mspn_names(layout)
        return {names.get(key, key): value for key, value in state.items()}
    if layout in _FOREIGN:
        return _from_framework(state, layout)
    if layout == "mmpose0":
        state = _split_final_layer(state)
    pairs = POSE_RESNET_PREFIXES[layout]
    return {_exchange(key, [(theirs, ours) for ours, theirs in pairs]): value for key, value in state.items()}


def from_ours(state: dict[str, Value], layout: str) -> dict[str, Value]:
    """Our keys under another PyTorch program's: the inverse of `to_ours`.

    Raises InputError for a layout that no program has for this network.
    """
    parts = {key.split(".")[0] for key in state}
    known = next((MSPN_LAYOUTS[part] for part in MSPN_LAYOUTS if part in parts), tuple(POSE_RESNET_PREFIXES))
    if layout not in known:
        raise InputError(f"no program has this network in layout '{layout}': choose {' or '.join(known)}")
    if "stages" in parts:
        return dict(state)
    if "stage0" in parts:
        return {mspn_key(key, layout): value for key, value in state.items()}
    renamed = {_exchange(key, POSE_RESNET_PREFIXES[layout]): value for key, value in state.items()}
    return _join_final_layer(renamed) if layout == "mmpose0" else renamed


def _from_framework(state: dict[str, Value], layout: str) -> dict[str, Value]:
    """Rename by regular expressions; what lies outside the network (an optimiser's moments) is left out."""
    renamed = {}
    for key, value in state.items():
        if layout == "mindpose" and not re.match(r"(net\.)?(backbone|head)\.", key):
            continue
        for pattern, replacement in _FOREIGN[layout]:
            key = re.sub(pattern, replacement, key)
        renamed[key] = value
    return renamed


def _exchange(key: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        if key.startswith(old):
            return new + key[len(old) :]
    return key


_INTERMEDIATE = re.compile(r"keypoint_head\.final_layer\.(\d+)\.(.+)")


def _split_final_layer(state: dict[str, Value]) -> dict[str, Value]:
    """MMPose 0.x keeps intermediate convolutions in ``final_layer.N``; the last one is the final layer."""
    numbers = [int(match[1]) for match in map(_INTERMEDIATE.fullmatch, state) if match]
    if not numbers:
        return state

    def rename(key: str) -> str:
        match = _INTERMEDIATE.fullmatch(key)
        if not match:
            return key
        if int(match[1]) == max(numbers):
            return f"keypoint_head.final_layer.{match[2]}"
        return f"keypoint_head.conv_layers.{match[1]}.{match[2]}"

    return {rename(key): value for key, value in state.items()}


def _join_final_layer(state: dict[str, Value]) -> dict[str, Value]:
    prefix = "keypoint_head.conv_layers."
    numbers = [int(key[len(prefix) :].split(".")[0]) for key in state if key.startswith(prefix)]
    if not numbers:
        return state
    last = max(numbers) + 2  # batch norm, ReLU, then the final convolution
    pairs = (
        (prefix, "keypoint_head.final_layer."),
        ("keypoint_head.final_layer.", f"keypoint_head.final_layer.{last}."),
    )
    return {_exchange(key, pairs): value for key, value in state.items()}


_STAGE = r"backbone.multi_stage_mspn.\1"
_MSPN_RULES = (
    (r"top\.conv\.", "backbone.top.top.0."),
    (r"stage(\d)\.downsample\.(layer\d\.\d+)\.conv_bn_relu(\d)\.(conv|bn)\.", _STAGE + r".downsample.\2.\4\3."),  # noqa: E501
    (r"stage(\d)\.downsample\.", _STAGE + r".downsample."),
    (r"stage(\d)\.upsample\.(up\d)\.u_skip\.", _STAGE + r".upsample.\2.in_skip."),
    (r"stage(\d)\.upsample\.(up\d)\.skip(\d)\.", _STAGE + r".upsample.\2.out_skip\3."),
    (r"stage(\d)\.upsample\.(up\d)\.(up_conv|cross_conv)\.", _STAGE + r".upsample.\2.\3."),
)  # fmt: skip
_MSPN_PREDICTION = re.compile(r"stage(\d)\.upsample\.up(\d)\.res_conv(\d)\.")


def mspn_key(key: str, layout: str) -> str:
    """MMPose's name of one of MSPN's keys."""
    if layout == "microsoft":
        return key
    match = _MSPN_PREDICTION.match(key)
    if match:
        stage, unit, convolution = map(int, match.groups())
        head = "head" if layout == "mmpose1" else "keypoint_head"
        return (
            f"{head}.predict_layers.{4 * stage + unit - 1}.conv_layers.{convolution - 1}.{key[match.end() :]}"
        )
    for pattern, replacement in _MSPN_RULES:
        match = re.match(pattern, key)
        if match:
            return match.expand(replacement) + key[match.end() :]
    return key


@cache
def _mspn_names(layout: str) -> dict[str, str]:
    import torch

    from models.mspn import MSPN

    with torch.device("meta"):
        largest = MSPN(stages=4)  # its keys include every smaller one's
    return {mspn_key(key, layout): key for key in largest.state_dict()}
