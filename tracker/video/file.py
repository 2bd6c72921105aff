"""Frames of anything that FFmpeg reads, upright, with square pixels and with the container's own times."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from models.errors import InputError
from tracker.types import Frame
from tracker.video.clock import Clock
from tracker.video.seek import key_frame_before
from tracker.video.source import DamagedSourceError, Source, SourceInfo, TimeRange
from tracker.video.upright import orientation_of, square_pixels

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

NETWORK_TIMEOUT = (10.0, 10.0)  # seconds until a stream has to open, and to send something

# A container that promises this much more than came out of it was cut off.
MISSING_END = Fraction(1, 2)  # seconds


class VideoFile(Source):
    """A video file or a network stream.

    Damaged packets are left out and decoding goes on; once everything is out, `DamagedSourceError` says
    where the damage is.
    """

    _pictures: Iterator[VideoFrame]

    def __init__(self, path: str, span: TimeRange | None = None) -> None:
        self._span = span or TimeRange()
        self._damage = Damage(path)
        self._reformatter = VideoReformatter()
        self._end = Fraction(0)  # of the last packet, in the container's seconds
        self._open(path)
        try:
            first = next(self._pictures, None)
            if first is None:
                raise InputError(f"cannot read '{path}': not one frame of its video can be decoded")
            self._pictures = chain([first], self._pictures)
            self._origin = _origin(self._container)
            self._turn = orientation_of(first)
            self.info = self._facts(path, first)
        except BaseException:
            self._container.close()
            raise

    def _open(self, path: str) -> None:
        self._container = open_container(path)
        try:
            self._stream = _video_stream(self._container, path)
        except InputError:
            self._container.close()
            raise
        # not frame threads: at damage they drop good pictures that wait behind it
        self._stream.thread_type = "SLICE"
        self._pictures = self._decode()

    def __iter__(self) -> Iterator[Frame]:
        first = index = self._skip_to_start()
        span, clock = self._span, Clock(self.info, self._origin)
        came = ended = False
        for index, picture in enumerate(self._pictures, first):
            began = time.perf_counter()
            moment = clock.time_of(picture)
            if span.over(index, moment):
                break
            if span.begun(index, moment):
                came = True
                image = self._image(picture)
                self.seconds += time.perf_counter() - began
                yield Frame(index, moment, image)
        else:
            self._damage.check_end(max(clock.last, self._end - self._origin), self._stream)
            ended = True
        if not came:
            what = "ends" if ended else "has one"
            raise InputError(f"no frame {span}: '{self.info.path}' {what} at {float(clock.last):g} s")
        self._damage.report(index + 1 - first)

    def close(self) -> None:
        self._container.close()

    def _decode(self) -> Iterator[VideoFrame]:
        """Every picture that can be decoded, the last ones that wait in the decoder included."""
        packets = self._container.demux(self._stream)
        while True:
            began = time.perf_counter()
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self._damage.note()
                return
            try:
                pictures = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._damage.note()
                continue
            finally:
                self.seconds += time.perf_counter() - began
            if packet.pts is not None:
                self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.is_corrupt:
                self._damage.note()
            yield from pictures

    def _skip_to_start(self) -> int:
        """Jump to a key frame before the start where one can be found; gives the next picture's number."""
        start, path = self._span.start, self.info.path
        if start is None or "://" in path:
            return 0
        try:
            key, number = key_frame_before(path, self._stream.index, start, self._origin) or (0, 0)
            if number == 0:
                return 0
            self._container.seek(key, stream=self._stream)
            landed = next((p for p in self._decode() if p.pts is not None and p.pts >= key), None)
            if landed is not None and landed.pts == key:
                self._pictures = chain([landed], self._decode())
                return number
        except av.error.FFmpegError:
            pass
        # this container jumps inexactly, or is damaged: go through it from the beginning
        self._container.close()
        self._open(path)
        return 0

    def _image(self, picture: VideoFrame) -> NDArray[np.uint8]:
        info = self.info
        width, height = (info.height, info.width) if self._turn.transpose else (info.width, info.height)
        # one thread: handing a 720p picture to several costs more than it saves
        bgr = self._reformatter.reformat(picture, width, height, "bgr24", threads=1)
        return self._turn.apply(np.asarray(bgr.to_ndarray(), np.uint8))

    def _facts(self, path: str, first: VideoFrame) -> SourceInfo:
        stream = self._stream
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        width, height = square_pixels(first.width, first.height, aspect)
        if self._turn.transpose:
            width, height = height, width
        rate = Fraction(stream.average_rate or stream.guessed_rate or stream.base_rate or 25)
        duration = _duration(stream, self._container)
        frames = stream.frames or (round(duration * rate) if duration else None)
        return SourceInfo(
            path=path,
            width=width,
            height=height,
            frame_rate=rate,
            time_base=_time_base(stream),
            duration=duration,
            frame_count=self._span.count(frames, rate),
            codec=stream.codec_context.codec.canonical_name,
            audio=tuple(
                s.codec_context.codec.canonical_name for s in self._container.streams.audio if s.codec_context
            ),
            rotation=self._turn.degrees,
            pixel_aspect=aspect,
            span=self._span,
        )


class Damage:
    """Counts what could not be decoded."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._packets = 0
        self._cut: str | None = None

    def note(self) -> None:
        self._packets += 1

    def check_end(self, end: Fraction, stream: VideoStream) -> None:
        """Note that the file was cut off where its header promises more than came until `end` (seconds)."""
        promised = _stream_duration(stream)
        if promised is not None and promised - end > MISSING_END + 2 / Fraction(stream.average_rate or 25):
            self._cut = f"it ends at {float(end):.2f} s of {float(promised):.2f} s"

    def report(self, frames: int) -> None:
        """Raise DamagedSourceError if there was any."""
        what = [f"{self._packets} part(s) of it cannot be decoded"] if self._packets else []
        if self._cut:
            what.append(self._cut)
        if what:
            raise DamagedSourceError(
                f"'{self._path}' is damaged ({', '.join(what)}): the results of {frames} frames are kept"
            )


def open_container(path: str) -> InputContainer:
    """Open a file or URL with FFmpeg; raises InputError that says in one line why it cannot be."""
    remote = "://" in path
    if not remote:
        file = Path(path)
        if not os.path.exists(path):  # Path.exists raises at a name that is too long
            raise InputError(f"no such file: '{path}'")
        if file.is_dir():
            raise InputError(f"'{path}' is a folder without pictures: give a video or a folder of pictures")
        if file.is_fifo():
            raise InputError(f"'{path}' is a pipe, but a video is opened more than once: save it as a file")
        if file.stat().st_size == 0:
            raise InputError(f"'{path}' is empty")
    try:
        options = {"rtsp_transport": "tcp"} if path.startswith("rtsp") else {}
        container = av.open(path, options=options, timeout=NETWORK_TIMEOUT if remote else None)
    except av.error.InvalidDataError:
        reason = "it is not a video, or was cut off before its index"
    except (OSError, ValueError, av.error.FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    else:
        if container.format.name != "tty":  # FFmpeg would play a text file as a film of its letters
            return container
        container.close()
        reason = "it is text"
    raise InputError(f"cannot read '{path}': {reason}")


def _video_stream(container: InputContainer, path: str) -> VideoStream:
    """The video to track in; a cover picture is none."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        found = [
            f"{s.type} {s.codec_context.name if s.codec_context else ''}".strip() for s in container.streams
        ]
        raise InputError(f"cannot open '{path}': no video stream (found: {', '.join(found) or 'nothing'})")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        raise InputError(f"cannot open '{path}': FFmpeg has no decoder for its video")
    return stream


def _origin(container: InputContainer) -> Fraction:
    """The container's start in seconds; recordings of broadcasts begin anywhere. A start before 0 stays."""
    return Fraction(max(container.start_time or 0, 0), av.time_base)


def _time_base(stream: VideoStream) -> Fraction:
    return Fraction(stream.time_base or 1)


def _stream_duration(stream: VideoStream) -> Fraction | None:
    """Seconds that the container's header promises for this very stream, where it does."""
    if stream.duration is not None:
        return stream.duration * _time_base(stream)
    if "DURATION" in stream.metadata:  # Matroska: 00:00:02.400000000
        try:
            hours, minutes, seconds = stream.metadata["DURATION"].split(":")
            return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
        except ValueError:
            return None
    return None


def _duration(stream: VideoStream, container: InputContainer) -> Fraction | None:
    own = _stream_duration(stream)
    if own is not None:
        return own
    return Fraction(container.duration, av.time_base) if container.duration else None
