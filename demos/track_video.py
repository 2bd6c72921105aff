#!/usr/bin/env python
"""Track people through videos: skeletons and ids that stay, as a video and as files of results.

python demos/track_video.py input.mp4
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file from anywhere
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.errors import exit_status
from tracker import cli

FORMATS = """
result formats (coordinates in pixels of the upright frame, ids from 1, frames from 0):
  JSON        "video", "model", "options", then "frames": for each decoded frame its number, time in seconds
              and "people": id, score, box (left, top, width, height), keypoints (x, y, score of each)
  JSON lines  the same facts on the first line, then a frame a line
  CSV         frame, time, id, score, left, top, width, height, then x, y, score of each keypoint by name
  MOT         frame (from 1), id, left, top, width, height, score, -1, -1, -1
  PoseTrack18, COCO and OpenPose (BODY_25) as their owners define them, with track ids

exit status: 0 done, 1 failed in mid-run (what was written is kept), 2 wrong arguments or input, 130 Ctrl-C

examples:
  %(prog)s street.mp4                                street_tracked.mp4 and street_poses.json
  %(prog)s street.mp4 -o out.mp4 --csv out.csv       only these two
  %(prog)s 'clips/*.mp4' -o results --preset fast    several videos, quickly
  %(prog)s frames/ --frame-rate 30 --smooth savgol   a folder of pictures, smoothed
"""


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = cli.command_parser(__doc__, FORMATS)
    cli.add_input_arguments(parser)
    cli.add_output_arguments(parser)
    cli.add_model_arguments(parser)
    cli.add_tracking_arguments(parser)
    cli.add_people_arguments(parser)
    cli.add_drawing_arguments(parser)
    cli.add_run_arguments(parser)
    return parser


def run(argv: list[str] | None = None) -> int:
    args = arguments().parse_args(argv)
    from tracker.run import track_videos

    return track_videos(args)


def main(argv: list[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    return exit_status(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
