"""The pose tracker: source → detect → propagate → unite → pose → match → sinks.

The names that programs need most can be had from here, and load what they need only then::

    from tracker import PoseStage, PoseTracker, create_detector, open_source

    pose = PoseStage(load_engine("default"))  # from models.engines
    with open_source("street.mp4") as source:
        for result in PoseTracker(create_detector(), pose).track(source):
            print(result.frame.time, result.poses.track_ids)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracker.detectors import create_detector
    from tracker.estimator import PoseEstimator
    from tracker.options import TrackerOptions
    from tracker.pipeline import PoseTracker
    from tracker.pose import PoseStage
    from tracker.types import Frame, FrameResult, Poses
    from tracker.video import open_source

__all__ = [
    "Frame",
    "FrameResult",
    "PoseEstimator",
    "PoseStage",
    "PoseTracker",
    "Poses",
    "TrackerOptions",
    "create_detector",
    "open_source",
]

_HOMES = {
    "Frame": "types",
    "FrameResult": "types",
    "PoseEstimator": "estimator",
    "PoseStage": "pose",
    "PoseTracker": "pipeline",
    "Poses": "types",
    "TrackerOptions": "options",
    "create_detector": "detectors",
    "open_source": "video",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tracker' has no attribute '{name}'")
    return getattr(import_module(f"tracker.{_HOMES[name]}"), name)
