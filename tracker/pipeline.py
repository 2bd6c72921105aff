"""The paper's frame loop: detect → propagate → unite → pose → match (section 3, figure 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tracker.appearance import limb_colours
from tracker.flow import SmallView, create_flow, small_view
from tracker.options import TrackerOptions
from tracker.pose import PoseStage
from tracker.proposals import Proposals, distinct_poses, from_detector, from_people, unite, weakly_confirmed
from tracker.shots import ShotDetector
from tracker.tracks import People
from tracker.types import Detector, Frame, FrameResult, concatenate


class PoseTracker:
    """Finds people in each frame, their keypoints, and who is who.

    Args:
        detector: where people are in a frame, from `tracker.detectors.create_detector` or any callable.
        pose: the keypoint network on the boxes of a frame.
        options: thresholds and choices.
        device: what optical flow runs on where it is a network's; see `tracker.raft`.

    ``for result in tracker.track(source)`` runs over a whole source; `step` is for a loop of one's own.
    """

    def __init__(
        self,
        detector: Detector,
        pose: PoseStage,
        options: TrackerOptions | None = None,
        device: str = "auto",
    ) -> None:
        self.detector = detector
        self.pose = pose
        self.options = options or TrackerOptions()
        self._flow = create_flow(self.options.flow, device)
        self.reset()

    def reset(self) -> None:
        """Start anew: forget everybody, ids from 1."""
        keypoints = self.pose.description.keypoints
        self._people = People(self.options, len(keypoints), keypoints.sigmas)
        self._shots = ShotDetector()
        self._view: SmallView | None = None
        self._since_detection = 0
        self._look_again = False
        self._rests: dict[int, int] = {}  # track id → frames since the network last looked at the person

    def track(self, source: Iterable[Frame]) -> Iterator[FrameResult]:
        """Track from a clean start through all frames of a source, one result a frame."""
        self.reset()
        return map(self.step, source)

    def step(self, frame: Frame) -> FrameResult:
        """Track through the next frame."""
        options, people, body = self.options, self._people, self.pose.description.keypoints
        time, seconds = float(frame.time), defaultdict[str, float](float)
        with _adding_to(seconds, "flow"):
            before, view = self._view, small_view(frame.image)
            cut = self._shots(view.grey)
            if cut:
                people.forget()
            carried, reliable = people.carry(partial(self._flow, before or view, view), time)
            self._view = view
        with _adding_to(seconds, "detect"):
            self._since_detection += 1
            due = self._since_detection >= options.detect_every or not options.propagate
            detect = due or cut or self._look_again or not reliable.all()
            found = self._detect(frame) if detect else Proposals.none()
        with _adding_to(seconds, "match"):
            resting = self._resting(carried.track_ids, detect)
            awake = carried[~resting] if options.propagate else carried[:0]
            doubted = ~weakly_confirmed(awake, found, options) & detect
            known = from_people(awake, people.sure(awake), doubted)
            proposals = unite(found.at_least(options), known.at_least(options), options.nms)
        keypoints, scores = self.pose(frame.image, proposals.windows)
        seconds.update(self.pose.seconds)
        with _adding_to(seconds, "match"):
            poses = distinct_poses(proposals, keypoints, scores, body.sigmas, options)
            poses = concatenate((poses, carried[resting]))
            limbs = body.limb_index if options.remember else body.limb_index[:0]  # do looks count?
            colours = limb_colours(view, poses, people.sure(poses), limbs)
            poses = people.identify(poses, colours, time)
            tentative = people.tentative(poses)
            self._look_again = not detect and people.lost_sight(carried, poses)
            lost = people.lost(time) if options.write_carried else poses[:0]
        return FrameResult(
            frame,
            concatenate((poses, lost)),
            tentative=np.pad(tentative, (0, len(lost))),
            carried=np.arange(len(poses) + len(lost)) >= len(poses),
            detected=detect,
            shot_change=cut and before is not None,
            seconds=dict(seconds),
        )

    def _resting(self, track_ids: NDArray[np.int64], detect: bool) -> NDArray[np.bool_]:
        """(N,) whom the network leaves to the flow in this frame: those whose last turn was not long ago."""
        rests = np.array([self._rests.get(i, 0) for i in track_ids.tolist()], int)
        resting = np.zeros(len(track_ids), bool)
        if self.options.max_crops is not None and not detect:
            resting[np.argsort(-rests, kind="stable")[self.options.max_crops :]] = True
        self._rests = dict(zip(track_ids.tolist(), np.where(resting, rests + 1, 0).tolist(), strict=True))
        return resting

    def _detect(self, frame: Frame) -> Proposals:
        self._since_detection = 0
        return from_detector(*self.detector(frame))


@contextmanager
def _adding_to(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Time what happens inside."""
    began = perf_counter()
    yield
    seconds[stage] += perf_counter() - began
