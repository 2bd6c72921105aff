"""Recordings of a live view: begun and ended at any time, in the files that a tracked video has."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from tracker.draw import DrawOptions
from tracker.outputs import OutputPlan, close_all, plan_outputs, write_all
from tracker.results.sink import RunInfo, Sink
from tracker.threads import WriteBehind
from tracker.types import FrameResult
from tracker.video.source import SourceInfo

TIME_BASE = Fraction(1, 90_000)  # seconds


class Recording:
    """Writes the results that it is given, in a thread of its own; frames and times count from its beginning.

    A picture of another size than the first cannot go into the same video: it ends the recording.

    Args:
        plan: the files.
        run: facts of the run, given the facts of the source.
        draw: what is drawn into the video.
        name: of the camera.
        frame_rate: that the camera promises.
    """

    def __init__(
        self,
        plan: OutputPlan,
        run: Callable[[SourceInfo], RunInfo],
        draw: DrawOptions,
        name: str,
        frame_rate: Fraction,
    ) -> None:
        self.plan = plan
        self.frames = 0
        self._run = run
        self.draw = draw
        self._name = name
        self._frame_rate = frame_rate
        self._sinks: list[Sink] = []
        self._writer: WriteBehind[FrameResult] | None = None
        self._start = Fraction(0)
        self._size = (0, 0)

    @property
    def paths(self) -> list[Path]:
        return list(self.plan.paths.values())

    def fits(self, result: FrameResult) -> bool:
        """Whether the picture has the size of those before."""
        return self._writer is None or self._size == result.frame.image.shape[:2]

    def write(self, result: FrameResult) -> None:
        """Append a frame; raises OSError where an earlier one could not be written."""
        if self._writer is None:
            self._begin(result)
        assert self._writer is not None
        frame = replace(result.frame, index=self.frames, time=result.frame.time - self._start)
        self._writer.put(replace(result, frame=frame))
        self.frames += 1

    def close(self, complete: bool) -> list[Path]:
        """Finish the files; gives their paths, none where no frame came.

        Args:
            complete: whether the recording came to its end; one that could not be written never does.

        Raises OSError where a frame or the end could not be written.
        """
        if self._writer is None:
            return []
        written = False
        try:
            self._writer.__exit__(None, None, None)
            written = True
        finally:
            close_all(self._sinks, complete and written)
        return self.paths

    def _begin(self, result: FrameResult) -> None:
        height, width = self._size = result.frame.image.shape[:2]
        source = SourceInfo(self._name, width, height, self._frame_rate, TIME_BASE, codec="h264")
        self._start = result.frame.time
        self._sinks = self.plan.open(self._run(source), self.draw)
        self._writer = WriteBehind(partial(write_all, self._sinks))
        self._writer.__enter__()


def timed_plan(name: str, folder: Path) -> OutputPlan:
    """Files named by camera and time of day, such as ``camera0_2026-11-21_14.03.59_tracked.mp4``."""
    stem = f"camera{name}" if name.isdecimal() else name
    plan = plan_outputs([stem], {"output": f"{folder}/", "json": f"{folder}/"})[0]
    now = time.strftime("%Y-%m-%d_%H.%M.%S")
    paths = {}
    for option, path in plan.paths.items():
        before, _, kind = path.name.rpartition("_")
        paths[option] = free_path(path.with_name(f"{before}_{now}_{kind}"))
    return replace(plan, paths=paths)


def free_path(path: Path) -> Path:
    """The path, or one with a number where it is taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free
