"""``python -m evaluation BENCHMARK …``: picks a benchmark and hands its command line over.

Each benchmark of single pictures is a module with a ``BENCHMARK``, for which `evaluation.command` runs;
PoseTrack18 has a command line of its own. Only the chosen one is imported, so that scoring a file starts as
fast as its own metric allows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from importlib import import_module

from models.command import Parser
from models.errors import InputError, exit_status

# benchmark → (module, one line of help)
BENCHMARKS = {
    "posetrack18": ("evaluation.posetrack.command", "PoseTrack18: mAP, MOTA, HOTA, IDF1 of tracked poses"),
    "coco": ("evaluation.coco", "COCO keypoints: OKS AP and AR"),
    "ochuman": ("evaluation.ochuman", "OCHuman: COCO's measures on heavily occluded people"),
    "crowdpose": ("evaluation.crowdpose", "CrowdPose: AP, and by crowding"),
    "aic": ("evaluation.aic", "AI Challenger: AP with its own sigmas"),
    "mhp": ("evaluation.mhp", "Multi-Human Parsing v2: AP"),
    "mpii": ("evaluation.mpii", "MPII: PCKh per joint, Mean and Mean@0.1"),
    "mpii-trb": ("evaluation.mpii_trb", "MPII-TRB: skeleton and contour accuracy"),
    "jhmdb": ("evaluation.jhmdb", "Sub-JHMDB: PCK by person and by torso size"),
}

# destinations of the options that only matter where a network runs
RUNNING = (
    *("model", "boxes", "detector", "flip_test", "save", "batch"),
    *("split", "track", "ablation", "jobs", "set"),
    *("engine", "device", "precision", "box_threshold", "joint_threshold", "oks_nms"),
    *("style", "keypoints", "input_size", "colour", "half_pixel", "decoding"),
)


def usage() -> str:
    """The help text that names every benchmark."""
    rows = "\n".join(f"  {name:<12} {help_line}" for name, (_, help_line) in BENCHMARKS.items())
    return (
        "usage: python -m evaluation BENCHMARK [options]   (BENCHMARK --help shows its options)\n"
        "       python -m evaluation --list                (what each needs on disk, where it is to be had)\n"
        f"\nbenchmarks:\n{rows}"
    )


def main(arguments: Sequence[str]) -> int:
    """Run one benchmark's command line and give its exit status."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] == "--list":
        if len(arguments) > 1:
            raise InputError(f"--list takes no other option: leave out {' '.join(arguments[1:])}")
        from evaluation import listing

        return listing.run(module for module, _ in BENCHMARKS.values())
    name, rest = arguments[0], arguments[1:]
    if name not in BENCHMARKS:
        close = get_close_matches(name, BENCHMARKS, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise InputError(f"unknown benchmark '{name}'{hint}: choose from {', '.join(BENCHMARKS)}")
    module_name, help_line = BENCHMARKS[name]
    module = import_module(module_name)
    parser = Parser(prog=f"python -m evaluation {name}", description=help_line)
    if name == "posetrack18":
        add_arguments, run = module.add_arguments, module.run
    else:
        from evaluation import command

        add_arguments, run = (
            partial(step, module.BENCHMARK) for step in (command.add_arguments, command.run)
        )
    add_arguments(parser)
    args = parser.parse_args(rest)
    refuse_useless(parser, args)
    return int(run(args))


def refuse_useless(parser: Parser, args: argparse.Namespace) -> None:
    """Raise InputError for options of running a network where a file of predictions is scored."""
    if args.pred is None:
        return
    useless = [
        f"--{name.replace('_', '-')}"
        for name in RUNNING
        if hasattr(args, name) and getattr(args, name) != parser.get_default(name)
    ]
    if useless:
        raise InputError(f"--pred scores a file, no network runs: leave out {', '.join(useless)}")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: main(sys.argv[1:])))
