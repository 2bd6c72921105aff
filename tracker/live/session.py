"""Tracks what a camera gives, in a thread of its own, and shows the newest result to everybody who looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from models.errors import InputError
from tracker.draw import DrawOptions
from tracker.live.capture import Capture, CaptureStatus, Rate
from tracker.live.controller import Choice, RateController
from tracker.live.recording import Recording, timed_plan
from tracker.outputs import OutputPlan
from tracker.pipeline import PoseTracker
from tracker.pose import PoseStage
from tracker.results.sink import RunInfo
from tracker.smoothing import Smooth
from tracker.types import Frame, FrameResult
from tracker.video.source import SourceInfo

WARM_PEOPLE = 6
PATIENCE = 0.25  # seconds to wait for a frame before looking whether to stop
DARK = 16  # mean grey level below which a picture shows hardly anything


@dataclass(frozen=True)
class LiveResult:
    """A tracked frame with what the view shows beside it.

    Attributes:
        number: counts the results, from 1.
        result: people in the frame.
        captured: when the frame left the camera, `time.monotonic` seconds.
        ready: when it was tracked, likewise.
        rate: frames a second tracked over the last two seconds.
        choice: what the controller chose for the next frame.
        dark: whether the picture is nearly black.
    """

    number: int
    result: FrameResult
    captured: float
    ready: float
    rate: float
    choice: Choice
    dark: bool


class LiveSession:
    """A tracker on a camera; use it in a `with` block.

    Args:
        capture: running.
        tracker: ready to run.
        controller: chooses what is done in each frame.
        fast: the faster keypoint network that the controller may change to; same keypoints.
        smooth: applied to every result, or None.
        run_info: facts for result files, given those of the source.
        recordings: folder of recordings that are begun by hand.
        follow: id of the person who alone is recorded, or None for everybody.

    Attributes:
        failure: what ended the session before its time, or None.
        note: what the user should know of the last recording.
        saved: files of the recordings that are finished.
    """

    def __init__(
        self,
        capture: Capture,
        tracker: PoseTracker,
        controller: RateController,
        run_info: Callable[[SourceInfo], RunInfo],
        recordings: Path,
        fast: PoseStage | None = None,
        smooth: Smooth | None = None,
        follow: int | None = None,
    ) -> None:
        self.capture = capture
        self.tracker = tracker
        self.controller = controller
        self.recordings = recordings
        self.failure: Exception | None = None
        self.note = ""
        self.saved: list[Path] = []
        self._stages = {False: tracker.pose, True: fast or tracker.pose}
        self._smooth = smooth
        self._follow = follow
        self._rate = Rate()
        self._run_info = run_info
        self._recording: Recording | None = None
        self._recorder = threading.Lock()
        self._latest: LiveResult | None = None
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._listeners: list[Callable[[], object]] = []
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def __enter__(self) -> LiveSession:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """End it soon; a recording is finished first."""
        self._stop.set()

    @property
    def over(self) -> bool:
        """Whether no more results will come."""
        return not self._thread.is_alive()

    @property
    def status(self) -> CaptureStatus:
        return self.capture.status

    @property
    def latest(self) -> LiveResult | None:
        return self._latest

    def wait_newer(self, number: int, timeout: float) -> LiveResult | None:
        """The newest result if it comes after `number`, waiting for it up to `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._latest is not None and self._latest.number > number, timeout)
            latest = self._latest
        return latest if latest is not None and latest.number > number else None

    @contextmanager
    def calling(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call `listener`, from the tracking thread, after every result; it must return at once."""
        with self._changed:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._changed:
                self._listeners.remove(listener)

    @property
    def recording(self) -> Recording | None:
        return self._recording

    def start_recording(self, draw: DrawOptions, plan: OutputPlan | None = None) -> None:
        """Record from the next frame on: into the files of a plan, or into new ones in the usual folder.

        Where these cannot be written `note` says why, and there is no recording.
        """
        with self._recorder:
            if self._recording is None:
                self.note = ""
                self._begin_recording(draw, plan)

    def stop_recording(self) -> list[Path]:
        """Finish the recording; gives its files."""
        with self._recorder:
            return self._finish_recording()

    def _begin_recording(self, draw: DrawOptions, plan: OutputPlan | None = None) -> None:
        try:
            if plan is None:
                plan = timed_plan(self.capture.name, self.recordings)
                plan.check(overwrite=False)
        except InputError as error:
            self.note = f"no recording: {error}"
            return
        name, rate = self.capture.name, self.capture.frame_rate
        self._recording = Recording(plan, self._run_info, draw, name, rate)

    def _finish_recording(self) -> list[Path]:
        recording, self._recording = self._recording, None
        if recording is None:
            return []
        try:
            paths = recording.close(complete=not (self.failure or self.status.message))
        except OSError as error:
            self._tell_break(error)
            return []
        if not paths:
            self.note = self.note or "nothing was recorded: it ended before a frame was tracked"
        self.saved += paths
        return paths

    def _tell_break(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or error
        self.note = f"the recording broke off: {reason}; what was written is kept"

    def _run(self) -> None:
        warm = False
        try:
            while not self._stop.is_set():
                frame = self.capture.take(PATIENCE)
                if frame is None:
                    if self.capture.over:
                        break
                elif warm:
                    self._track(frame)
                else:
                    self._warm_up(frame)  # which takes so long that the frame is old by then
                    warm = True
        except Exception as error:
            self.failure = error
        finally:
            self.stop_recording()
            self._publish(self._latest)

    def _track(self, frame: Frame) -> None:
        began = time.monotonic()
        self.tracker.pose = self._stages[self.controller.choice.fast]
        result = self.tracker.step(frame)
        if self._smooth:
            result = self._smooth(result)
        ready = time.monotonic()
        choice = self.controller.update(result, ready - began)
        self.tracker.options = replace(
            self.tracker.options, detect_every=choice.detect_every, max_crops=choice.max_crops
        )
        number = self._latest.number + 1 if self._latest else 1
        captured, rate = self.capture.captured(frame), self._rate.add(ready)
        dark = bool(frame.image[::16, ::16].mean() < DARK)
        self._publish(LiveResult(number, result, captured, ready, rate, choice, dark))
        self._record(result)

    def _warm_up(self, frame: Frame) -> None:
        """Run everything once on a first frame, for each usual number of people: first runs are slow."""
        self.tracker.detector(frame)
        cv2.cvtColor(np.zeros((1, 1, 3), np.float32), cv2.COLOR_BGR2LAB)  # OpenCV makes tables for 0.1 s
        height, width = frame.image.shape[:2]
        for stage in {id(stage): stage for stage in self._stages.values()}.values():
            for people in range(1, WARM_PEOPLE + 1):
                stage(frame.image, np.tile(np.array((0, 0, width, height), np.float32), (people, 1)))

    def _publish(self, latest: LiveResult | None) -> None:
        with self._changed:
            self._latest = latest
            self._changed.notify_all()
            for listener in self._listeners:
                listener()

    def _record(self, result: FrameResult) -> None:
        with self._recorder:
            if self._recording is not None and not self._recording.fits(result):
                draw = self._recording.draw
                self._finish_recording()
                self._begin_recording(draw)
            if self._recording is None:
                return
            if self._follow is not None:
                result = result[result.poses.track_ids == self._follow]
            try:
                self._recording.write(result)
            except (InputError, OSError) as error:
                self._tell_break(error)
                self._finish_recording()
