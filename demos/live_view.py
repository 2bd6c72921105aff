#!/usr/bin/env python
"""Track people live: a camera, a stream or a file at its own pace, in a window or in a browser.

python demos/live_view.py            the first camera, in a window
python demos/live_view.py --serve    the same as a page in the browser
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file from anywhere
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.command import positive
from models.errors import exit_status
from tracker import cli

USE = """
keys: q quit, space pause, s screenshot, r start and stop recording, b boxes, i ids, t trails, m stage times,
      h help; a click on a person follows them, beside everybody ends it

Ctrl-C ends the server, and the window like the key q: recordings are finished, and the exit status is 0, or 1
where the camera, the tracking or a recording broke off.

examples:
  %(prog)s rtsp://192.168.0.7/stream          a network camera
  %(prog)s street.mp4 --loop --serve          a file as if it were a camera, in the browser
  %(prog)s 0 --adaptive --fps 30              hold 30 frames a second, with the faster network if need be
  %(prog)s browser --serve                    each page brings its own camera or a dropped file
  %(prog)s --serve 0.0.0.0:8008 --allow-remote   for other machines, who need the printed token
"""


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = cli.command_parser(__doc__, USE)
    group = parser.add_argument_group("source")
    group.add_argument(
        "source",
        nargs="?",
        default="0",
        metavar="SOURCE",
        help="number of a camera, rtsp://…, http://…, a video file, or browser (default: 0)",
    )
    group.add_argument(
        "--camera-size", type=_size, metavar="WxH", help="to ask a camera for (default: its own choice)"
    )
    group.add_argument("--loop", action="store_true", help="play a file again and again")
    group = parser.add_argument_group("view")
    group.add_argument(
        "--serve",
        nargs="?",
        const=cli.ADDRESS,
        metavar="HOST:PORT",
        help=f"show it as a page in the browser instead of a window (default: {cli.ADDRESS})",
    )
    group.add_argument(
        "--allow-remote", action="store_true", help="let --serve listen for other machines, who need a token"
    )
    group.add_argument(
        "--browser-sources",
        type=positive,
        metavar="N",
        help="pages that may bring their own camera or file at a time (default: 2)",
    )
    group.add_argument(
        "--recordings",
        metavar="FOLDER",
        help="of screenshots and of recordings begun by hand (default: the working directory)",
    )
    group = parser.add_argument_group("rate")
    group.add_argument("--fps", type=float, metavar="FPS", help="to hold (default: the camera's)")
    group.add_argument(
        "--adaptive", action="store_true", help="change to the faster network where the rate needs it"
    )
    cli.add_model_arguments(parser)
    cli.add_tracking_arguments(parser)
    cli.add_people_arguments(parser, live=True)
    cli.add_drawing_arguments(parser)
    cli.add_output_arguments(parser, about="Recorded from the first frame to the last.")
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size: give WxH, such as 1280x720")
    return int(width), int(height)


def run(argv: list[str] | None = None) -> int:
    args = arguments().parse_args(argv)
    from tracker.live.run import live_view

    return live_view(args)


def main(argv: list[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    return exit_status(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
