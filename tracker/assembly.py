"""From a command's options to a tracker ready to run, and what its results tell of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tracker.cli import POSE_MODEL, settings, tracker_options
from tracker.draw import DrawOptions
from tracker.options import DETECTOR
from tracker.results.sink import RunInfo

if TYPE_CHECKING:
    from tracker.pipeline import PoseTracker
    from tracker.video.source import SourceInfo


def build_tracker(args: argparse.Namespace) -> PoseTracker:
    """Load the networks that the options name; raises InputError for what there is not or does not fit."""
    options = tracker_options(args)  # wrong values come out before anything loads
    given = settings(args)

    from models.engines import load_engine
    from tracker.detectors import create_detector
    from tracker.pipeline import PoseTracker
    from tracker.pose import PoseStage

    engine_options = (args.engine, args.device, args.precision)
    engine = load_engine(given.get("pose_model", POSE_MODEL), *engine_options)
    pose = PoseStage(engine, flip_test=given.get("flip_test", False))
    detector = create_detector(args.detections or given.get("detector", DETECTOR), *engine_options)
    return PoseTracker(detector, pose, options, args.device)


def describe(tracker: PoseTracker) -> str:
    """One line: which networks run, and where."""
    net = tracker.pose.description
    return (
        f"keypoints: {net.name} {net.input_size[0]}x{net.input_size[1]}, {tracker.pose.engine}; "
        f"people: {tracker.detector}"
    )


def model_facts(tracker: PoseTracker) -> dict[str, Any]:
    """The networks' facts for result files."""
    net = tracker.pose.description
    return {
        "name": net.name,
        "input_size": list(net.input_size),
        "engine": str(tracker.pose.engine),
        "flip_test": tracker.pose.flip_test,
        "detector": str(tracker.detector),
    }


def run_info(tracker: PoseTracker, source: SourceInfo) -> RunInfo:
    """The facts of a run for result files."""
    keypoints, options = tracker.pose.description.keypoints, tracker.options
    return RunInfo(source, keypoints, options.joint_threshold, model_facts(tracker), asdict(options))


def draw_options(args: argparse.Namespace, tracker: PoseTracker) -> DrawOptions:
    """What the options ask to be drawn."""
    return DrawOptions(args.boxes, not args.no_ids, args.trails, tracker.options.joint_threshold)
