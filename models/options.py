"""Options of command lines that load a keypoint network: what it runs on, what its file may not tell."""

from __future__ import annotations

import argparse
from typing import Any

from models.engines.choice import ENGINES, PRECISIONS


def add_engine_options(group: argparse._ActionsContainer) -> None:
    """Declare what networks run on: the arguments of `models.engines.load_engine`."""
    group.add_argument("--engine", choices=ENGINES, default="auto", help="(default: auto)")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps … (default: auto)")
    about = "int8: of the keypoint network alone, see python -m models quantize (default: auto)"
    group.add_argument("--precision", choices=PRECISIONS, default="auto", help=about)


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Declare what a network's file may not tell, for `network_options` to collect."""
    group = parser.add_argument_group("what the file does not tell")
    group.add_argument(
        "--style",
        choices=("pytorch", "caffe"),
        help="stride of the bottlenecks (default: as the file says, else pytorch)",
    )
    group.add_argument("--keypoints", metavar="SET", help="keypoint set, such as coco or mpii")
    group.add_argument("--input-size", type=_size, metavar="HxW", help="such as 256x192")
    group.add_argument("--colour", choices=("rgb", "bgr"), help="the network's channel order")
    group.add_argument("--half-pixel", action="store_true", help="trained with half-pixel crops, as ours")
    group.add_argument("--decoding", metavar="NAME", help="such as quarter, dark or mspn9")


def network_options(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `models.checkpoints.load_pose_network` for the options that were given."""
    names = ("style", "keypoints", "input_size", "colour", "half_pixel", "decoding")
    return {name: getattr(args, name) for name in names if getattr(args, name) not in (None, False)}


def _size(text: str) -> tuple[int, int]:
    """The type of an option that is a height and a width."""
    try:
        height, width = map(int, text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}': give height x width, such as 256x192") from None
    return height, width
