#!/usr/bin/env python
"""Look at a finished run in the browser: scrub, filter, plot, put ids right by hand, save.

python demos/view_results.py video.mp4 video_poses.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file from anywhere
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.errors import exit_status
from tracker import cli


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    about = "Corrected results are written beside the result file; the file itself stays as it is."
    parser = cli.command_parser(__doc__, about)
    parser.add_argument("video", metavar="VIDEO", help="the video or folder of pictures that was tracked")
    parser.add_argument("result", metavar="RESULT", type=Path, help="its result: .json or .jsonl")
    parser.add_argument(
        "--serve",
        default=cli.ADDRESS,
        metavar="HOST:PORT",
        help=f"where the page is to be found (default: {cli.ADDRESS})",
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="let --serve listen for other machines, who need a token"
    )
    return parser


def run(argv: list[str] | None = None) -> int:
    args = arguments().parse_args(argv)
    from tracker.live.player import view_results

    return view_results(args.video, args.result, args.serve, args.allow_remote)


def main(argv: list[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    return exit_status(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
