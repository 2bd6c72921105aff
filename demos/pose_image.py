#!/usr/bin/env python
"""Find people and their keypoints in pictures: a picture with skeletons, and the keypoints as JSON.

python demos/pose_image.py photo.jpg
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a file from anywhere
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.errors import InputError, exit_status
from models.files import check_apart, check_output, read_whole, write_json, write_whole
from models.options import add_engine_options
from tracker.cli import POSE_MODEL, command_parser, files_read
from tracker.options import DETECTOR, TrackerOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1_000_000  # pixels: no box is further out


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = command_parser(__doc__)
    parser.add_argument("image", type=Path, help="picture to read")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="picture to write (default: <image>_pose.jpg)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keypoints as JSON")
    parser.add_argument(
        "--box",
        action="append",
        metavar="X,Y,W,H",
        help="a person's box in pixels, no detector; may be repeated",
    )
    parser.add_argument(
        "--pose-model",
        default=POSE_MODEL,
        metavar="NAME|FILE",
        help=f"see `python -m models list` (default: {POSE_MODEL})",
    )
    parser.add_argument("--detector", metavar="NAME|FILE", help=f"person detector (default: {DETECTOR})")
    parser.add_argument(
        "--flip-test", action="store_true", help="average with the mirrored crop: slower, better"
    )
    parser.add_argument(
        "--box-threshold",
        type=float,
        metavar="SCORE",
        help=f"lowest score of a person (default: {TrackerOptions.box_threshold})",
    )
    parser.add_argument(
        "--joint-threshold",
        type=float,
        default=0.3,
        metavar="SCORE",
        help="lowest score of a joint (default: 0.3)",
    )
    add_engine_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    return parser


def run(argv: list[str] | None = None) -> int:
    args = arguments().parse_args(argv)
    output = args.output or Path(f"{args.image.stem}_pose.jpg")
    if args.box and (args.detector is not None or args.box_threshold is not None):
        raise InputError("--detector and --box-threshold have no use beside --box: leave them out")
    box_threshold = TrackerOptions.box_threshold if args.box_threshold is None else args.box_threshold
    TrackerOptions(box_threshold=box_threshold, joint_threshold=args.joint_threshold)  # refuses wrong ones
    outputs = [path for path in (output, args.json) if path]
    check_apart(outputs, [args.image, *files_read(args)])
    for path in outputs:
        check_output(path, args.overwrite)
    boxes = [_box(text) for text in args.box or []]

    import numpy as np

    from tracker.video.images import decode_picture

    picture = decode_picture(read_whole(args.image))
    if picture is None:
        raise InputError(f"cannot open '{args.image}': not a picture, or not a whole one")
    _encoded(output, picture)  # what no file of that name can hold is told before anything loads

    from tracker.estimator import PoseEstimator

    estimator = PoseEstimator(
        args.pose_model,
        args.detector or DETECTOR,
        args.flip_test,
        box_threshold,
        args.engine,
        args.device,
        args.precision,
    )
    print(estimator)
    people = np.array(boxes, np.float32) if boxes else estimator.detect_persons(picture)
    keypoints = estimator.predict(picture, people)
    if not len(people):
        print(f"warning: nobody found with a score of {box_threshold:g} or more", file=sys.stderr)
    write_whole(output, _encoded(output, estimator.vis_skeletons(picture, keypoints, args.joint_threshold)))
    if args.json:
        facts = _facts(args.image, picture, estimator.keypoints.names, people, keypoints)
        write_json(args.json, facts, indent=True)
    print(f"{len(people)} people: {output}" + (f", {args.json}" if args.json else ""))
    return 0


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        x, y, width, height = map(float, text.split(","))
    except ValueError:
        raise InputError(f"--box '{text}': give four numbers, left,top,width,height in pixels") from None
    if not all(abs(number) <= LARGEST for number in (x, y, width, height)):
        raise InputError(f"--box '{text}': give numbers of up to {LARGEST:,} pixels")
    if width <= 0 or height <= 0:
        raise InputError(f"--box '{text}': width and height must be positive")
    return x, y, x + width, y + height


def _encoded(path: Path, picture: NDArray) -> bytes:
    import cv2

    try:
        done, data = cv2.imencode(path.suffix or ".jpg", picture)
    except cv2.error:
        raise InputError(f"cannot write '{path}': choose a picture's name, such as .jpg or .png") from None
    if not done:
        height, width = picture.shape[:2]
        raise InputError(f"cannot write '{path}': its format does not hold {width}x{height}; choose .png")
    return data.tobytes()


def _facts(
    image: Path, picture: NDArray, names: tuple[str, ...], boxes: NDArray, keypoints: NDArray
) -> dict[str, object]:
    people = [
        {"box": [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()], "keypoints": points.tolist()}
        for box, points in zip(boxes, keypoints, strict=True)
    ]
    return {
        "image": image.name,
        "width": picture.shape[1],
        "height": picture.shape[0],
        "keypoint_names": names,
        "people": people,
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    return exit_status(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
