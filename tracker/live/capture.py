"""A thread that reads a camera and keeps nothing but the newest picture."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from types import TracebackType

from models.errors import InputError
from tracker.live.cameras import Camera, Shot
from tracker.types import Frame

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before another try; doubled after every failure
RATE_SECONDS = 2.0  # over which the rate is taken


@dataclass(frozen=True)
class CaptureStatus:
    """What the camera is doing.

    Attributes:
        state: ``live``, ``waiting`` for a lost camera, ``ended``, or ``closed``.
        message: why it waits or ended.
        retry: `time.monotonic` seconds of the next try while it waits.
        frames: pictures that came in all.
        rate: pictures a second over the last two seconds.
        lost: how often the camera was lost.
    """

    state: str = "live"
    message: str = ""
    retry: float = 0.0
    frames: int = 0
    rate: float = 0.0
    lost: int = 0


class Rate:
    """How many moments a second there were of late."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque()

    def add(self, moment: float) -> float:
        """Take in a moment, in growing seconds; gives the rate over the last `RATE_SECONDS`."""
        moments = self._moments
        moments.append(moment)
        while moments[0] < moment - RATE_SECONDS:
            moments.popleft()
        span = moment - moments[0]
        return (len(moments) - 1) / span if span > 0 else 0.0


class Capture:
    """Keeps the newest picture of a camera; use it in a `with` block.

    Args:
        camera: opened already, so that a missing one is known at once. The thread that reads it closes it:
            to close it beside a read would crash FFmpeg.
        reopen: opens it again after it was lost.
        first_wait, longest_wait: seconds before another try; the time doubles with every failure.

    Attributes:
        epoch: `time.monotonic` seconds at which frame times begin: a frame left the camera at
            ``epoch + frame.time``.
        name, frame_rate: of the camera.
    """

    def __init__(
        self,
        camera: Camera,
        reopen: Callable[[], Camera],
        first_wait: float = FIRST_WAIT,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.name = camera.name
        self.frame_rate = camera.frame_rate
        self.epoch = time.monotonic()
        self._camera = camera
        self._reopen = reopen
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._rate = Rate()
        self._frame: Frame | None = None
        self._status = CaptureStatus()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def __enter__(self) -> Capture:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=2)  # a stream that hangs in a read is left to its time limit

    @property
    def status(self) -> CaptureStatus:
        return self._status

    def take(self, timeout: float) -> Frame | None:
        """The newest frame that has not been taken yet, waiting for one up to `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self.over, timeout)
            frame, self._frame = self._frame, None
            return frame

    @property
    def over(self) -> bool:
        """Whether no more frames will come."""
        return self._status.state in ("ended", "closed")

    def captured(self, frame: Frame) -> float:
        """`time.monotonic` seconds at which a frame left the camera."""
        return self.epoch + float(frame.time)

    def _run(self) -> None:
        try:
            camera: Camera | None = self._camera
            while camera is not None:
                try:
                    self._read(camera)
                    lost = ""
                except Exception as error:  # lost, a damaged file, a driver's own error: told, not hidden
                    lost = str(error) or type(error).__name__
                finally:
                    camera.close()
                if self._stop.is_set() or not camera.live:
                    self._tell(state="ended", message=lost)
                    return
                self._tell(lost=self._status.lost + 1)
                camera = self._wait_for_it(lost)
        finally:
            if not self.over:
                self._tell(state="closed")

    def _read(self, camera: Camera) -> None:
        for shot in camera:
            if self._stop.is_set():
                return
            self._put(shot)

    def _put(self, shot: Shot) -> None:
        image, captured = shot
        rate = self._rate.add(captured)
        moment = Fraction(round((captured - self.epoch) * 1_000_000), 1_000_000)
        with self._changed:
            self._frame = Frame(self._status.frames, moment, image)
            self._status = replace(
                self._status,
                state="live",
                message="",
                frames=self._status.frames + 1,
                rate=rate,
            )
            self._changed.notify_all()

    def _wait_for_it(self, reason: str) -> Camera | None:
        """Try again and again, waiting ever longer; None when the capture is closed."""
        wait = self._first_wait
        while not self._stop.is_set():
            self._tell(state="waiting", message=reason, retry=time.monotonic() + wait)
            if self._stop.wait(wait):
                break
            try:
                return self._reopen()
            except InputError as error:
                reason = str(error)
            wait = min(2 * wait, self._longest_wait)
        return None

    def _tell(self, **changes: object) -> None:
        with self._changed:
            self._status = replace(self._status, **changes)  # type: ignore[arg-type]
            self._changed.notify_all()
