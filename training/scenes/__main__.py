"""``python -m training.scenes``: render a data set of scenes, or the sample clip."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.command import Parser, positive
from models.errors import InputError, exit_status


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.sample:
        from training.scenes.sample import write_sample

        write_sample(arguments.sample)
        return 0
    size = _size(arguments.size)
    if arguments.seed < 0:
        raise InputError(f"--seed {arguments.seed}: give a whole number from 0")

    from training.scenes import datasets  # after the arguments are known to be sound

    if arguments.format == "coco":
        datasets.write_stills(arguments.output, arguments.count, size, arguments.seed, arguments.jobs)
    else:
        datasets.write_sequences(
            arguments.output,
            arguments.count,
            arguments.frames,
            size,
            arguments.seed,
            rate=arguments.rate,
            video=arguments.format == "video",
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m training.scenes",
        description="Render scenes of people with exact keypoints, boxes and track ids.",
    )
    written = parser.add_mutually_exclusive_group(required=True)
    written.add_argument("--output", type=Path, metavar="FOLDER", help="folder to write to")
    written.add_argument(
        "--sample", type=Path, metavar="FILE", help="write the sample clip and its annotations instead"
    )
    parser.add_argument(
        "--format",
        choices=("coco", "posetrack18", "video"),
        default="coco",
        help="coco: stills with annotations.json; posetrack18: frames and annotations of sequences; "
        "video: an mp4 of each sequence with its annotations (default: %(default)s)",
    )
    parser.add_argument(
        "--count", type=positive, default=100, help="number of stills or sequences (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        default="480x320",
        metavar="WxH",
        help="size of the pictures in pixels (default: %(default)s)",
    )
    parser.add_argument(
        "--frames", type=positive, default=50, help="frames a sequence (default: %(default)s)"
    )
    parser.add_argument(
        "--rate", type=positive, default=25, help="frames a second of sequences (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="number of the first scene; scene n is always the same (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs", type=positive, default=1, help="processes that render stills (default: %(default)s)"
    )
    return parser


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(f"--size {text}: expected WIDTHxHEIGHT, such as 640x360") from None
    if min(width, height) < 64 or width % 2 or height % 2:
        raise InputError(f"--size {text}: width and height must be even and at least 64")
    return width, height


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
