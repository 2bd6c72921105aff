"""Options of command lines that load a keypoint network: what it runs on, what its file may not tell."""

from __future__ import annotations

import argparse
from typing import Any

from models.engines.choice import ENGINES, PRECISIONS
from models.errors import InputError


def add_engine_options(group: argparse._ActionsContainer) -> None:
    """Declare what networks run on: the arguments of `models.engines.load_engine`."""
    group.add_argument("--engine", choices=ENGINES, default="auto", help="(default: auto)")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps … (default: auto)")
    group.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: auto)")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Declare them, as a group of their own."""
    group = parser.add_argument_group("what the file does not tell")
    group.add_argument(
        "--style",
        choices=("pytorch", "caffe"),
        help="stride of the bottlenecks (default: as the file says, else pytorch)",
    )
    group.add_argument("--keypoints", metavar="SET", help="keypoint set, such as coco or mpii")
    group.add_argument("--input-size", metavar="HxW", help="such as 256x192")
    group.add_argument("--colour", choices=("rgb", "bgr"), help="the network's channel order")
    group.add_argument("--half-pixel", action="store_true", help="trained with half-pixel crops, as ours")
    group.add_argument("--decoding", metavar="NAME", help="such as quarter, dark or mspn9")


def network_options(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `models.checkpoints.load_pose_network` for the options that were given."""
    options: dict[str, Any] = {}
    for name in ("style", "keypoints", "colour", "decoding"):
        if getattr(args, name) is not None:
            options[name] = getattr(args, name)
    if args.input_size is not None:
        options["input_size"] = _size_of(args.input_size)
    if args.half_pixel:
        options["half_pixel"] = True
    return options


def _size_of(text: str) -> tuple[int, int]:
    try:
        height, width = map(int, text.lower().split("x"))
    except ValueError:
        raise InputError(f"input size '{text}': give height x width, such as 256x192") from None
    return height, width
