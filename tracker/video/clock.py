"""The times of pictures, also where a recording's own are missing or jump."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tracker.video.source import SourceInfo

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Clock:
    """Gives every picture its time: the container's, counted from the container's start, always growing.

    A picture without a time lies one frame after the last; so do pictures from where a broken recording's
    times jump back.
    """

    def __init__(self, info: SourceInfo, origin: Fraction) -> None:
        self._time_base = info.time_base
        self._step = 1 / info.frame_rate
        self._origin = origin
        self.last = Fraction(-1)

    def time_of(self, picture: VideoFrame) -> Fraction:
        """Seconds."""
        following = max(self.last + self._step, Fraction(0))
        if picture.pts is None:
            self.last = following
        else:
            moment = picture.pts * Fraction(picture.time_base or self._time_base) - self._origin
            if moment <= self.last:
                self._origin += moment - following
                moment = following
            self.last = moment
        return self.last
