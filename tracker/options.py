"""The tracker's settings, and the presets that set several at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from models.errors import InputError

DETECTOR = "person_detector"  # the project's own
SIMILARITIES = ("bbox", "pose", "flow", "multi-flow")
FLOWS = ("lk", "dis", "raft")
MATCHERS = ("greedy", "hungarian")


@dataclass(frozen=True)
class TrackerOptions:
    """Settings of the frame loop; a wrong value raises InputError.

    Attributes:
        similarity: how a pose is compared with earlier ones (paper, section 3.3): ``bbox``, ``pose``,
            ``flow`` look at the previous frame, ``multi-flow`` at every frame of the queue.
        flow: ``lk`` pyramidal Lucas–Kanade at the joints, ``dis`` dense inverse search, ``raft`` RAFT (slow).
        match: ``greedy`` takes the highest similarity of all first, ``hungarian`` the best sum.
        queue: frames whose poses are kept and carried forward (the paper's L_Q).
        min_similarity: a pose less similar than this to every earlier person is a new person.
        nms: intersection over union above which of two boxes only the better is kept.
        oks_nms: object keypoint similarity above which of two poses only the better is kept.
        box_threshold: people below this box score are dropped.
        joint_threshold: joints below this score take no part in propagation and similarity.
        new_track_threshold: a person without an earlier one needs this box score to be given an id.
        new_track_joints: and must show so many joints above their threshold, unless the box is certain: what
            shows none is mostly far away, comes and goes, and is no pose.
        detect_every: the detector looks at every N-th frame, and at once where propagation fails.
        propagate: people carried on by the flow are proposed to the network beside the detector's boxes
            (paper, section 3.2); without it the detector looks at every frame, and its boxes alone count.
        carry: seconds for which a person whom neither detector nor flow has is kept in mind by a Kalman
            filter.
        remember: seconds for which a person out of sight is known again by their looks, not far from where
            they were. Looks also decide between people in the same place; 0 leaves all to place, as the paper
            does.
        write_carried: give people whom the Kalman filter alone has in the results, too, marked as carried.
        confirm: frames in which a person must be seen before they count as confirmed.
        max_crops: people a frame whose keypoints the network looks for; the others go with the flow until
            it is their turn. None for all, as always in frames that the detector looks at.
        max_people: at most this many people in a frame, those tracked longest first; None for all.
        min_height: boxes lower than this many pixels are ignored.
    """

    similarity: str = "multi-flow"
    flow: str = "lk"
    match: str = "greedy"
    queue: int = 8
    min_similarity: float = 0.2
    nms: float = 0.5
    oks_nms: float = 0.7
    box_threshold: float = 0.5
    joint_threshold: float = 0.4
    new_track_threshold: float = 0.55
    new_track_joints: int = 3
    detect_every: int = 3
    propagate: bool = True
    carry: float = 0.5
    remember: float = 3.0
    write_carried: bool = False
    confirm: int = 3
    max_crops: int | None = None
    max_people: int | None = None
    min_height: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in (("similarity", SIMILARITIES), ("flow", FLOWS), ("match", MATCHERS)):
            if getattr(self, name) not in choices:
                _refuse(name, getattr(self, name), f"choose from {', '.join(choices)}")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "float" and field.name.endswith(("threshold", "similarity", "nms")):
                if not 0 <= value <= 1:
                    _refuse(field.name, value, "give a number from 0 to 1")
            elif field.name in ("queue", "detect_every", "confirm", "max_crops", "max_people"):
                if value is not None and value < 1:
                    _refuse(field.name, value, "give a whole number from 1")
            elif field.name in ("new_track_joints", "carry", "remember", "min_height") and not value >= 0:
                _refuse(field.name, value, "give a number from 0")


def _refuse(name: str, value: object, advice: str) -> None:
    raise InputError(f"wrong {name.replace('_', '-')} '{value}': {advice}")


# What `--preset` sets; an option given by itself wins over the preset's value.
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"pose_model": "fast", "detect_every": 5, "queue": 5, "flip_test": False},
    "accurate": {"pose_model": "default", "detect_every": 1, "flip_test": True},
}
