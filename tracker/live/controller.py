"""Holds a frame rate by choosing how much is done in each frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from tracker.types import FrameResult

HEADROOM = 0.85  # part of a frame's time that tracking may take: the rest is for capture, drawing, encoding
RAREST_DETECTION = 15  # the detector looks at least at every so many frames
FEWEST_CROPS = 1 / 3  # of the people that a frame must look at
MEMORY = 0.1  # weight of the newest frame in the running averages
REVIEW = 0.3  # seconds between two choices
PATIENCE = 10  # choices for which the better network must seem affordable before it is taken again
AFFORDABLE = 0.7  # part of the time that it may then take
DOUBT = 0.99  # factor on what the better network cost, at every choice without it: in time it is tried again


@dataclass(frozen=True)
class Choice:
    """What is done in each frame.

    Attributes:
        detect_every: the detector looks at every N-th frame.
        max_crops: people a frame whose keypoints the network looks for; None for all.
        fast: whether the faster keypoint network runs.
    """

    detect_every: int
    max_crops: int | None = None
    fast: bool = False


class RateController:
    """Measures what each part of a frame costs and chooses the best that still holds the rate.

    First the detector looks more rarely, then, if allowed, the faster network takes over, then people take
    turns. Whatever is too much even then lowers the rate: the capture skips frames, the latency stays.

    Args:
        target: frames a second to hold.
        detect_every: never more often than this.
        adaptive: whether there is a faster network to change to.

    Attributes:
        choice: what is to be done now.
    """

    def __init__(self, target: float, detect_every: int = 3, adaptive: bool = False) -> None:
        self.target = target
        self.choice = Choice(detect_every)
        self._least_detect = detect_every
        self._adaptive = adaptive
        self._detect = _Average()
        self._other = _Average()
        self._person = {False: _Average(), True: _Average()}  # of the better and of the faster network
        self._people = _Average()
        self._elapsed = 0.0
        self._affordable = 0

    def update(self, result: FrameResult, seconds: float) -> Choice:
        """Take a frame's costs into account.

        Args:
            result: of the frame, tracked under the present choice.
            seconds: that it took in all.
        """
        spent, people = result.seconds, len(result.poses)
        pose = spent.get("pose", 0.0) + spent.get("crop", 0.0)
        detect = spent.get("detect", 0.0)
        self._other.add(max(0.0, seconds - pose - detect))
        self._people.add(people)
        if result.detected:
            self._detect.add(detect)
        crops = people if result.detected or not self.choice.max_crops else min(people, self.choice.max_crops)
        if crops:
            self._person[self.choice.fast].add(pose / crops)
        self._elapsed += max(seconds, 1 / self.target)
        if self._elapsed >= REVIEW:
            self._elapsed = 0.0
            self.choice = self._choose()
        return self.choice

    def _choose(self) -> Choice:
        budget, people = HEADROOM / self.target, ceil(self._people.value - 0.25)
        fast = self.choice.fast
        if self._adaptive:
            fast = self._network(budget, people)
        if fast != self.choice.fast:
            return Choice(self.choice.detect_every, None, fast)  # measure it before choosing on
        person = self._person[fast].value
        left = budget - self._other.value - people * person
        detect_every, max_crops = self._detect_every(left), None
        missing = self._detect.value / RAREST_DETECTION - left
        if missing > 0 and people > 1 and person > 0:
            fewest = max(1, ceil(people * FEWEST_CROPS))
            max_crops = max(fewest, people - ceil(missing / person))
        return Choice(detect_every, max_crops, fast)

    def _detect_every(self, left: float) -> int:
        """The fewest frames between two looks of the detector that fit into the time left in each frame."""
        if self._detect.value > left * RAREST_DETECTION:
            return max(RAREST_DETECTION, self._least_detect)
        wanted = ceil(self._detect.value / left) if left > 0 else RAREST_DETECTION
        return max(self._least_detect, wanted)

    def _network(self, budget: float, people: int) -> bool:
        """Whether the faster network is to run."""
        cost = self._other.value + self._detect.value / RAREST_DETECTION
        better = cost + people * self._person[False].value
        if not self.choice.fast:
            self._affordable = 0
            return better > budget
        self._person[False].value *= DOUBT
        self._affordable = self._affordable + 1 if better < AFFORDABLE * budget else 0
        return self._affordable < PATIENCE


class _Average:
    """A running average that forgets; 0 before the first value."""

    def __init__(self) -> None:
        self.value = 0.0
        self._number = 0

    def add(self, value: float) -> None:
        self._number += 1
        self.value += max(MEMORY, 1 / self._number) * (value - self.value)
