"""What every source of frames offers: its facts, its frames, and the range of time that was asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType

from models.errors import InputError
from tracker.types import Frame

ROUNDING = Fraction(1, 1_000_000)  # seconds: result files give times to this digit
LONGEST = 10**9  # seconds or frames: more is a slip, and FFmpeg cannot count to it


class DamagedSourceError(RuntimeError):
    """Raised after the last frame that could be decoded; every frame until then is good."""


@dataclass(frozen=True)
class Moment:
    """A point in a video: either seconds from its beginning or a frame counted from 0."""

    seconds: Fraction | None = None
    frame: int | None = None

    @classmethod
    def parse(cls, text: str | float) -> Moment:
        """Read ``12.5``, ``1:02:12.5`` or ``f123``; raises InputError otherwise."""
        words = str(text).strip()
        try:
            if words[:1] in ("f", "F"):
                moment = cls(frame=int(words[1:]))
            else:
                # by way of a float, which has bounds: Fraction would write 1e99999999 out
                parts = [Fraction(str(float(part))) for part in words.split(":")]
                if len(parts) > 3 or any(part < 0 for part in parts[1:]):
                    raise ValueError(words)
                moment = cls(seconds=sum((p * 60**i for i, p in enumerate(reversed(parts))), Fraction(0)))
        except ValueError:
            raise InputError(f"wrong time '{text}': give seconds (2.5 or 1:02.5) or a frame (f123)") from None
        if (moment.seconds or 0) < 0 or (moment.frame or 0) < 0:
            raise InputError(f"negative time '{text}': the video begins at 0 and at frame f0")
        if max(moment.seconds or 0, moment.frame or 0) > LONGEST:
            raise InputError(f"wrong time '{text}': give at most {LONGEST:,} seconds or frames")
        return moment

    def reached(self, index: int, time: Fraction) -> bool:
        """Whether a frame lies at or after this moment."""
        if self.frame is not None:
            return index >= self.frame
        return self.seconds is not None and time >= self.seconds - ROUNDING

    def __str__(self) -> str:
        return f"frame {self.frame}" if self.frame is not None else f"{float(self.seconds or 0):g} s"


@dataclass(frozen=True)
class TimeRange:
    """From `start` on and up to, not including, `end`; None leaves that side open."""

    start: Moment | None = None
    end: Moment | None = None

    @classmethod
    def parse(cls, start: str | float | None, end: str | float | None) -> TimeRange:
        """Read both sides; raises InputError where the end is not after the start."""
        span = cls(None if start is None else Moment.parse(start), None if end is None else Moment.parse(end))
        if span.start and span.end:
            for a, b in ((span.start.seconds, span.end.seconds), (span.start.frame, span.end.frame)):
                if a is not None and b is not None and b <= a:
                    raise InputError(f"empty range: it ends at {span.end}, which is not after {span.start}")
        return span

    def begun(self, index: int, time: Fraction) -> bool:
        return self.start is None or self.start.reached(index, time)

    def over(self, index: int, time: Fraction) -> bool:
        return self.end is not None and self.end.reached(index, time)

    def __str__(self) -> str:
        """Such as ``from 2.5 s on, before frame 90``."""
        start = [f"from {self.start} on"] if self.start else []
        return ", ".join(start + ([f"before {self.end}"] if self.end else []))

    def count(self, frames: int | None, rate: Fraction) -> int | None:
        """About how many of a source's frames lie in the range; None where nobody knows."""

        def position(moment: Moment) -> int:
            return moment.frame if moment.frame is not None else round((moment.seconds or 0) * rate)

        last = frames if self.end is None else min(position(self.end), frames or position(self.end))
        if last is None:
            return None
        return max(0, last - (position(self.start) if self.start else 0))


@dataclass(frozen=True)
class SourceInfo:
    """The facts of a source.

    Attributes:
        path: as it was given.
        width, height: of the frames that come out, in pixels: upright, with square pixels.
        frame_rate: average frames a second.
        time_base: seconds that every frame's time is a multiple of.
        duration: seconds of the whole source; None where the container does not say.
        frame_count: about how many frames will come; None where nobody knows.
        codec: of the video, such as ``h264``.
        audio: codecs of the audio tracks.
        rotation: degrees clockwise by which the stored picture was turned to be upright.
        pixel_aspect: width : height of a stored pixel, 1 where they are square.
        span: the range of time that was asked for.
    """

    path: str
    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction
    duration: Fraction | None = None
    frame_count: int | None = None
    codec: str = ""
    audio: tuple[str, ...] = ()
    rotation: int = 0
    pixel_aspect: Fraction = Fraction(1)
    span: TimeRange = field(default_factory=TimeRange)


class Source(ABC):
    """An iterable of frames that is used in a `with` block and can be run through once.

    Attributes:
        info: its facts.
        seconds: spent on decoding so far.
    """

    info: SourceInfo
    seconds: float = 0.0

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """The frames of the range; raises DamagedSourceError after the last where some did not decode."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the source holds open."""

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
