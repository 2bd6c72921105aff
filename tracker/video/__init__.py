"""Video in and out. Importing this package loads neither PyAV nor OpenCV; opening a source does."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from models.errors import InputError

if TYPE_CHECKING:
    from tracker.video.source import Source


def open_source(
    spec: str, start: str | float | None = None, end: str | float | None = None, frame_rate: float = 25
) -> Source:
    """Open a video file, a stream's URL, a picture, a folder of pictures or a pattern of pictures.

    Args:
        spec: path, URL (``rtsp://…``) or pattern (``'frames/*.png'``).
        start: first moment wanted, in seconds (``2.5``, ``1:02.5``) or as a frame (``f123``).
        end: first moment no longer wanted, likewise.
        frame_rate: frames a second of pictures, which have no times of their own.

    Returns:
        A source: iterate over it for `tracker.types.Frame`, read `.info` for the facts, use it in a `with`.

    Raises:
        InputError: nothing there, nothing that decodes, or a wrong range.
    """
    from tracker.video.file import VideoFile
    from tracker.video.images import ImageSequence, is_pictures
    from tracker.video.source import TimeRange

    if not 0.001 <= frame_rate < 1e6:
        raise InputError(f"wrong frame rate {frame_rate:g}: give frames a second, from 0.001")
    span = TimeRange.parse(start, end)
    if is_pictures(spec):
        return ImageSequence(spec, span, Fraction(frame_rate).limit_denominator(1001))
    return VideoFile(spec, span)
