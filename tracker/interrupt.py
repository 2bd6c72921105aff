"""Ctrl-C as a wish: what is under way comes to its end, and files are finished."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from types import FrameType

from tracker.types import FrameResult


class StopOnInterrupt:
    """In its `with` block a first Ctrl-C (or SIGTERM) sets `asked`, and only a second one interrupts.

    Once `finishing` is set, as files are given their end, nothing interrupts.
    """

    def __init__(self) -> None:
        self.asked = False
        self.finishing = False
        self._heeded = False

    def __enter__(self) -> StopOnInterrupt:
        self._before = {s: signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def until(self, results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        """The results until Ctrl-C is pressed, which ends one pass: a second one takes what came of it."""
        for result in results:
            yield result
            if self.asked and not self._heeded:
                self._heeded = True
                return

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.asked and not self.finishing:
            raise KeyboardInterrupt
        self.asked = True
        if not self.finishing:
            print("\nstopping after this frame; Ctrl-C again stops at once", file=sys.stderr)
