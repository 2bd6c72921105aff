"""What a run shows of itself: a progress bar with the time left, and a closing table."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from models.progress import progress

if TYPE_CHECKING:
    from tracker.types import FrameResult

STAGES = ("decode", "detect", "flow", "crop", "pose", "match", "draw", "encode")


@dataclass
class Summary:
    """Counts of a run, growing with each result.

    Attributes:
        frames: results so far.
        people: people in all frames together.
        ids: track id → frames that it was seen in.
        seconds: stage → seconds spent on it in all, in whatever thread.
    """

    frames: int = 0
    people: int = 0
    ids: Counter[int] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    began: float = field(default_factory=perf_counter)

    def add(self, result: FrameResult) -> None:
        self.frames += 1
        self.people += len(result.poses)
        self.ids.update(result.poses.track_ids.tolist())
        self.spend(result.seconds)

    def spend(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of some stages."""
        for stage, value in seconds.items():
            self.seconds[stage] += value

    def rate(self) -> float:
        """Frames a second since the beginning."""
        return self.frames / max(perf_counter() - self.began, 1e-9)

    def show(self, name: str) -> None:
        """Print the closing table."""
        from rich.console import Console
        from rich.table import Table

        table = Table(*(stage for stage in STAGES if stage in self.seconds), title="milliseconds a frame")
        each = 1000 / max(self.frames, 1)
        table.add_row(*(f"{self.seconds[stage] * each:.2f}" for stage in STAGES if stage in self.seconds))
        print(name)
        print(
            f"{self.frames} frames, {self.people} people in them, {len(self.ids)} ids, "
            f"{self.rate():.1f} frames a second"
        )
        Console(width=None if sys.stdout.isatty() else 100).print(table)


def with_progress(
    results: Iterable[FrameResult], total: int | None, name: str, summary: Summary, show: bool = True
) -> Iterator[FrameResult]:
    """The same results, counted; on a terminal a bar shows how far they are, how fast and how long still."""
    with progress(name, total, show=show) as advance:
        for result in results:
            summary.add(result)
            advance(note=f"{summary.rate():.1f} fps")
            yield result
