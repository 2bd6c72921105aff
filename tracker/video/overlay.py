"""The finished picture: an H.264 video with the people drawn in, the source's times and its sound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from tracker.results.files import PartFile
from tracker.types import FrameResult
from tracker.video.audio import AudioCopy
from tracker.video.source import SourceInfo

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
LARGEST = 16384  # pixels a side that x264 takes
QUALITY = "20"  # x264's constant rate factor, lower is better; about 20 looks like the source

# An MP4 consists of fragments that play by themselves while it is written; once whole it is a plain one.
# In Matroska a sound coder's run-up before 0 must not push the pictures' times.
_MP4 = {
    "movflags": "hybrid_fragmented+delay_moov",
    "frag_duration": "1000000",  # microseconds
    "flush_packets": "1",
}
_MUXERS = {"mp4": _MP4, "mov": _MP4, "matroska": {"avoid_negative_ts": "disabled"}}


class OverlayVideo:
    """Writes each frame with `draw` applied to it.

    Frame times are the source's, counted from the first frame written where only a part was asked for.
    Frames of an odd width or height, which H.264 cannot hold, get a copy of their last column or row.

    Args:
        path: ending in one of `FORMATS`.
        source: facts of the source; its sound is taken along.
        draw: result → (H, W, 3) uint8 BGR.
        audio: take the source's sound along.

    Raises InputError for pictures that H.264 cannot hold.

    Attributes:
        seconds: spent so far on drawing and encoding.
    """

    def __init__(
        self,
        path: Path,
        source: SourceInfo,
        draw: Callable[[FrameResult], NDArray[np.uint8]],
        audio: bool = True,
    ) -> None:
        if max(source.width, source.height) > LARGEST:
            raise InputError(
                f"cannot write '{path}': pictures of {source.width}x{source.height} are larger than the "
                f"{LARGEST} pixels a side of a video; ask for results without a video, as with --json FILE"
            )
        self.seconds = {"draw": 0.0, "encode": 0.0}
        self._draw = draw
        self._start: Fraction | None = None if source.span.start else Fraction(0)
        self._cut = source.span.end is not None
        self._begun = False
        self._time_base = source.time_base
        self._end = Fraction(0)
        self._step = 1 / source.frame_rate
        self._file = PartFile(path)
        name = container_format(path)
        self._container = av.open(
            str(self._file.part),
            "w",
            format=name,
            container_options=_MUXERS[name],
        )
        stream = self._container.add_stream("libx264", rate=source.frame_rate)
        stream.width, stream.height = source.width + source.width % 2, source.height + source.height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = source.time_base
        # no B-frames: with them and varying times an MP4 of fragments can end before its last picture
        stream.options = {"preset": "veryfast", "crf": QUALITY, "bf": "0"}
        # cv2.cvtColor below makes BT.601, limited range: say so
        stream.codec_context.color_range, stream.codec_context.colorspace = 1, 6
        self._stream = stream
        self._audio = AudioCopy.of(source, self._container) if audio and source.audio else None

    @property
    def notes(self) -> list[str]:
        """What the user should know of the sound."""
        return self._audio.notes if self._audio else []

    def write(self, result: FrameResult) -> None:
        """Draw, encode and append one frame; raises OSError where that fails, as on a full disk."""
        began = time.perf_counter()
        image = self._draw(result)
        drawn = time.perf_counter()
        if self._start is None:
            self._start = result.frame.time
        moment = result.frame.time - self._start
        picture = av.VideoFrame.from_ndarray(_to_yuv(image), format="yuv420p")
        picture.pts, picture.time_base = round(moment / self._time_base), self._time_base
        picture.duration = round(self._step / self._time_base)
        with _errors_of(self._file.path):
            if self._audio and not self._begun:
                self._audio.begin(self._start)
            self._container.mux(self._stream.encode(picture))
            self._begun = True
            if self._audio:
                self._audio.copy_until(moment)
        self._end = moment + self._step
        self.seconds["draw"] += drawn - began
        self.seconds["encode"] += time.perf_counter() - drawn

    def close(self, complete: bool = True) -> None:
        """Write what is still in the encoder and give the file its name; without frames there is no file."""
        with _errors_of(self._file.path), ExitStack() as steps:  # each step is taken even if one fails
            steps.push(self._settle)
            steps.callback(self._container.close)
            if self._audio:
                steps.callback(self._audio.close)
            if self._begun:
                self._container.mux(self._stream.encode(None))
                if self._audio:  # a whole video takes all of its sound along, be it longer than the pictures
                    self._audio.copy_until(inf if complete and not self._cut else self._end)

    def _settle(self, failure: type[BaseException] | None, *_: object) -> None:
        """Give the file its name, cut back to what plays where it could not be finished."""
        if failure and container_format(self._file.path) != "matroska":
            self._begun = self._begun and cut_to_whole_fragments(self._file.part)
        if self._begun:
            self._file.finish()
        else:
            self._file.discard()


def cut_to_whole_fragments(path: Path) -> bool:
    """Take the torn end off an MP4 that is made of fragments; gives whether anything is left to play."""
    with path.open("r+b") as file:
        size, end, fragments = path.stat().st_size, 0, 0
        while True:
            file.seek(end)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if len(head) < 8 or length < 8 or end + length > size:
                break
            end += length
            if head[4:8] == b"mdat":
                fragments, whole = fragments + 1, end
        file.truncate(whole if fragments else 0)
    return fragments > 0


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """FFmpeg's errors as OSErrors about the file."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def container_format(path: Path) -> str:
    """FFmpeg's name of the container that a path asks for; raises InputError for one that holds no H.264."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(f"cannot write '{path}': give a name that ends in {', '.join(FORMATS)}") from None


def _to_yuv(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return cast("NDArray[np.uint8]", cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420))
