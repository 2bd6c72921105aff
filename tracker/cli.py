"""The command lines' options, in groups that the commands share."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from models.command import Parser, file_name, positive
from models.options import add_engine_options
from tracker.options import DETECTOR, FLOWS, MATCHERS, PRESETS, SIMILARITIES, TrackerOptions
from tracker.outputs import DEFAULTS, NAMES

POSE_MODEL = "default"
FRAME_RATE = 25.0  # of pictures, frames a second
ADDRESS = "127.0.0.1:8008"  # of pages

_DEFAULT = TrackerOptions()


def command_parser(doc: str | None, epilog: str = "") -> Parser:
    """The parser of the running command; its description is the first line of the module's docstring."""
    return Parser(
        prog=Path(sys.argv[0]).name,  # the script's name, or that of the installed command
        description=(doc or "").partition("\n")[0],
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    group.add_argument(
        "inputs",
        nargs="+",
        type=file_name,
        metavar="INPUT",
        help="videos, stream URLs, pictures, folders of pictures, or quoted patterns ('clips/*.mp4')",
    )
    group.add_argument(
        "--start", metavar="TIME", help="begin here: seconds (2.5 or 1:02.5) or a frame (f123, from f0)"
    )
    group.add_argument("--end", metavar="TIME", help="stop before this moment")
    group.add_argument(
        "--frame-rate", type=float, metavar="FPS", help=f"of pictures (default: {FRAME_RATE:g})"
    )


def add_output_arguments(parser: argparse.ArgumentParser, about: str = "") -> None:
    """The files of results; `about` replaces what is said of the case that none is asked for."""
    defaults = " and ".join(f"<input>{NAMES[option]}" for option in DEFAULTS)
    usual = f"Without any of these: {defaults} in the working directory. Formats: see the end."
    group = parser.add_argument_group("output", f"{about or usual}\nMissing folders are made.")
    for names, metavar, text in (
        (
            ("-o", "--output"),
            "FILE",
            "video with the people drawn in (.mp4, .mov, .mkv; H.264, source's sound)",
        ),
        (("--json",), "FILE", "everything as JSON"),
        (("--jsonl",), "FILE", "the same, a line a frame"),
        (("--csv",), "FILE", "table, a row a person a frame"),
        (("--posetrack",), "FILE", "PoseTrack18's JSON"),
        (("--coco",), "FILE", "COCO's JSON with track ids"),
        (("--openpose",), "FOLDER", "OpenPose's JSON, a file a frame"),
        (("--mot",), "FILE", "MOT challenge's table of boxes and ids"),
    ):
        group.add_argument(*names, type=file_name, metavar=metavar, help=text)
    group.add_argument("--overwrite", action="store_true", help="replace files that exist")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("networks")
    group.add_argument(
        "--preset",
        choices=PRESETS,
        help="sets several options at once: "
        + "; ".join(f"{name}: {_preset_text(preset)}" for name, preset in PRESETS.items()),
    )
    people = group.add_mutually_exclusive_group()
    people.add_argument(
        "--detector",
        metavar="NAME|FILE",
        default=argparse.SUPPRESS,
        help=f"finds people: our own (default: {DETECTOR}), a torchvision detector such as "
        "fasterrcnn_mobilenet_v3_large_fpn, or an ONNX file",
    )
    people.add_argument(
        "--detections",
        type=file_name,
        metavar="FILE",
        help="boxes from a file instead of a detector: COCO results (.json) or MOT (.txt)",
    )
    group.add_argument(
        "--pose-model",
        metavar="NAME|FILE",
        default=argparse.SUPPRESS,
        help=f"finds keypoints: default, fast, any other of `python -m models list`, or a checkpoint "
        f"(default: {POSE_MODEL})",
    )
    group.add_argument(
        "--flip-test",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="average with the mirrored picture: a little better, pose network twice as slow",
    )
    add_engine_options(group)


def add_tracking_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tracking")
    _option(group, "detect_every", int, "N", "detector on every N-th frame; flow carries people in between")
    group.add_argument(
        "--propagate",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="the flow proposes people, too (default); without it the detector looks at every frame",
    )
    _option(group, "box_threshold", float, "SCORE", "people below this score are dropped")
    _option(group, "joint_threshold", float, "SCORE", "joints below this score count as not seen")
    _option(group, "new_track_threshold", float, "SCORE", "a new id needs this score of the person")
    _option(group, "new_track_joints", int, "N", "and so many joints, unless the box is certain")
    _option(group, "nms", float, "IOU", "of two boxes that overlap more, the better is kept")
    _option(group, "similarity", str, None, "how a person is found again", SIMILARITIES)
    _option(group, "queue", int, "FRAMES", "earlier frames that multi-flow looks at")
    _option(group, "min_similarity", float, "S", "less similar to all before: a new person")
    _option(
        group, "remember", float, "SECONDS", "out of sight, people are known again by their looks; 0: never"
    )
    _option(group, "match", str, None, "best pair first, or best sum", MATCHERS)
    _option(group, "flow", str, None, "optical flow; raft is accurate and slow", FLOWS)


def add_people_arguments(parser: argparse.ArgumentParser, live: bool = False) -> None:
    """Choice and smoothing of people; a live view smooths by itself and has no second pass."""
    group = parser.add_argument_group("people")
    group.add_argument(
        "--max-people",
        type=int,
        default=argparse.SUPPRESS,
        metavar="N",
        help="at most N in a frame, those tracked longest first (default: all)",
    )
    group.add_argument(
        "--follow", type=positive, metavar="ID", help="write and draw this id alone (default: all)"
    )
    _option(group, "min_height", float, "PIXELS", "boxes lower than this are ignored")
    if live:
        group.add_argument(
            "--smooth",
            choices=("none", "one-euro"),
            default="one-euro",
            help="against jitter (default: one-euro)",
        )
        return
    group.add_argument(
        "--max-crops",
        type=int,
        default=argparse.SUPPRESS,
        metavar="N",
        help="between two looks of the detector, people a frame whom the keypoint network sees, in turn; "
        "flow moves the others: faster, less exact (default: all)",
    )
    group.add_argument(
        "--smooth",
        choices=("none", "one-euro", "savgol"),
        default="none",
        help="against jitter: one-euro as frames come; savgol in a second pass, also fills gaps of up to 5 "
        "frames (default: none)",
    )


def add_drawing_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("drawing")
    group.add_argument("--trails", action="store_true", help="each person's way over the last two seconds")
    group.add_argument("--boxes", action="store_true", help="each person's box")
    group.add_argument("--no-ids", action="store_true", help="no id labels")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument(
        "--workers",
        type=int,
        choices=(0, 1, 2),
        default=2,
        metavar="N",
        help="threads beside the main one: 1 decodes, 2 also draws and encodes, 0 for debugging (default: 2)",
    )
    group.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """The options' values: those given, else the preset's, else nothing (the default holds)."""
    given = {**PRESETS.get(getattr(args, "preset", None) or "", {}), **vars(args)}
    return {name: value for name, value in given.items() if value is not None}


def outputs_asked(args: argparse.Namespace) -> dict[str, str]:
    """Option name → path of the result files that were asked for."""
    return {name: getattr(args, name) for name in NAMES if getattr(args, name)}


def files_read(args: argparse.Namespace) -> list[Path]:
    """What a run reads beside its inputs: boxes and networks, whose names count as files, too."""
    given = settings(args)
    return [Path(given[name]) for name in ("detections", "detector", "pose_model") if name in given]


def tracker_options(args: argparse.Namespace) -> TrackerOptions:
    """The tracker's settings; raises InputError for a wrong value."""
    given = settings(args)
    return TrackerOptions(**{f.name: given[f.name] for f in fields(TrackerOptions) if f.name in given})


def _option(
    group: Any, name: str, kind: type, metavar: str | None, text: str, choices: tuple[str, ...] | None = None
) -> None:
    """An option of `TrackerOptions`, left out of the namespace where it is not given: a preset may set it."""
    group.add_argument(
        f"--{name.replace('_', '-')}",
        type=kind,
        metavar=metavar,
        choices=choices,
        default=argparse.SUPPRESS,
        help=f"{text} (default: {getattr(_DEFAULT, name)})",
    )


def _preset_text(preset: dict[str, Any]) -> str:
    """The preset as one would type it."""
    words = []
    for name, value in preset.items():
        option = name.replace("_", "-")
        words.append(
            f"--{'' if value else 'no-'}{option}" if isinstance(value, bool) else f"--{option} {value}"
        )
    return " ".join(words)
