"""Where live pictures come from: a camera of this machine, a stream, or a file played at its own pace."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from tracker.video import open_source

Shot = tuple[NDArray[np.uint8], float]
"""A picture (H, W, 3) uint8 BGR and when it left the camera, in seconds of `time.monotonic`."""

STREAM_TIMEOUT = (5.0, 5.0)  # seconds until a stream has to open, and to send something
LATEST = 0.1
UNKNOWN_RATE = Fraction(30)  # frames a second of a camera that does not say
PROBED = 8  # device numbers to try where the system keeps no list

# No waiting to sort packets and no pictures kept back: the newest picture at once.
_AT_ONCE = {"fflags": "nobuffer", "flags": "low_delay", "rtsp_transport": "tcp"}


class CameraLostError(RuntimeError):
    """A camera or stream that was there is gone; it may come back."""


class Camera(Protocol):
    """Gives pictures until it ends, is lost or is closed.

    Attributes:
        name: as it was given, a stream's without user and password.
        frame_rate: frames a second that it promises.
        live: whether an end means that it was lost; a file just ends.
    """

    name: str
    frame_rate: Fraction
    live: bool

    def __iter__(self) -> Iterator[Shot]:
        """Pictures as they come; raises CameraLostError when no more do."""

    def close(self) -> None:
        """Let go of the device."""

    def __enter__(self) -> Camera: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_camera(spec: str, size: tuple[int, int] | None = None, loop: bool = False) -> Camera:
    """Open a camera by its number, a stream by its URL, or a file.

    Args:
        spec: ``0`` to ``99``, ``rtsp://…``, ``http://…``, or whatever `tracker.video.open_source` takes.
        size: width and height to ask a camera of this machine for.
        loop: play a file again and again.

    Raises InputError where there is none; for a camera it names those that there are. Also for a size and a
    loop of a source that has no use for them.
    """
    if not Path(spec).exists() and spec.lower() in ("camera", "webcam"):
        spec = "0"
    device, stream = spec.isdecimal(), "://" in spec
    if size and not device:
        raise InputError("--camera-size is for a camera of this machine, not for a stream or a file")
    if loop and (device or stream):
        raise InputError("--loop is for a file, not for a camera or a stream")
    if not device:
        return StreamCamera(spec) if stream else FileCamera(spec, loop)
    if len(spec) > 2:  # OpenCV takes hundreds for the number of a driver
        raise InputError(f"wrong camera number {spec}: give one from 0 to 99; {_devices_text()}")
    return DeviceCamera(int(spec), size)


class _Closing:
    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class DeviceCamera(_Closing):
    """A camera of this machine, through OpenCV."""

    live = True

    def __init__(self, number: int, size: tuple[int, int] | None = None) -> None:
        import cv2

        self.name = str(number)
        cv2.utils.logging.setLogLevel(0)  # a device that is not there is told below, in one line
        self._device = cv2.VideoCapture(number)
        if not self._device.isOpened():
            self._device.release()
            raise InputError(f"cannot open camera {number}: {_devices_text()}")
        # cameras send 720p at full rate as JPEG only
        self._device.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        for name, value in zip(
            (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT), size or (), strict=False
        ):
            self._device.set(name, value)
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = self._device.get(cv2.CAP_PROP_FPS)
        self.frame_rate = Fraction(rate).limit_denominator(1001) if 1 <= rate <= 1000 else UNKNOWN_RATE
        if not self._device.grab():
            self._device.release()
            raise InputError(
                f"camera {number} gives no picture: another program may be using it; {_devices_text()}"
            )

    def __iter__(self) -> Iterator[Shot]:
        while True:
            if not self._device.grab():
                raise CameraLostError(f"camera {self.name} is gone")
            captured = time.monotonic()
            good, image = self._device.retrieve()
            if good:
                yield np.asarray(image, np.uint8), captured

    def close(self) -> None:
        self._device.release()


class StreamCamera(_Closing):
    """A network stream: RTSP, MJPEG over HTTP, or whatever else FFmpeg reads."""

    live = True

    def __init__(self, url: str) -> None:
        import av

        # viewers, result files and messages do not tell the password
        self.name = re.sub("://[^/]*@", "://", url)
        try:
            self._container = av.open(url, options=_AT_ONCE, timeout=STREAM_TIMEOUT)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot open '{self.name}': {reason}; is the stream running?") from None
        if not self._container.streams.video:
            self._container.close()
            raise InputError(f"cannot open '{self.name}': it has no video")
        stream = self._container.streams.video[0]
        stream.thread_type = "SLICE"  # frame threads would keep pictures back
        duration = self._container.duration
        self.live = not duration or duration <= 0
        rate = stream.average_rate or stream.guessed_rate
        self.frame_rate = Fraction(rate) if rate and 1 <= rate <= 1000 else UNKNOWN_RATE

    def __iter__(self) -> Iterator[Shot]:
        import av

        began: float | None = None
        try:
            for picture in self._container.decode(video=0):
                captured = time.monotonic()
                if not self.live and picture.time is not None:  # a file on a server: at its own pace
                    began = captured - picture.time if began is None else began
                    captured = began + picture.time
                    time.sleep(max(0.0, captured - time.monotonic()))
                yield np.asarray(picture.to_ndarray(format="bgr24"), np.uint8), captured
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CameraLostError(f"the stream broke off: {reason}") from None
        if self.live:
            raise CameraLostError("the stream ended")

    def close(self) -> None:
        self._container.close()


class FileCamera(_Closing):
    """A file that plays at its own pace, as if a camera were taking it.

    Where the machine cannot decode it in time, it plays later: no picture is older than `LATEST` seconds.
    """

    live = False

    def __init__(self, path: str, loop: bool = False) -> None:
        self.name = path
        self._loop = loop
        self._source = open_source(path)
        self.frame_rate = self._source.info.frame_rate

    def __iter__(self) -> Iterator[Shot]:
        due = began = time.monotonic()
        while True:
            for frame in self._source:
                due = began + float(frame.time)
                ahead = due - time.monotonic()
                if ahead < -LATEST:
                    began -= ahead + LATEST
                    due -= ahead + LATEST
                time.sleep(max(0.0, ahead))
                yield frame.image, due
            if not self._loop:
                return
            began = due + float(1 / self.frame_rate)
            self._source.close()
            self._source = open_source(self.name)

    def close(self) -> None:
        self._source.close()


def list_devices() -> list[str]:
    """The cameras of this machine, such as ``0 (HD Webcam)``."""
    if sys.platform == "linux":
        folders = sorted(Path("/sys/class/video4linux").glob("video*"), key=lambda p: int(p.name[5:]))
        return [f"{folder.name[5:]} ({_first_line(folder / 'name')})" for folder in folders]
    import cv2

    found = []
    for number in range(PROBED):
        device = cv2.VideoCapture(number)
        if device.isOpened():
            found.append(str(number))
        device.release()
    return found


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "unnamed"
    except OSError:
        return "unnamed"


def _devices_text() -> str:
    devices = list_devices()
    if devices:
        return f"the cameras here are {', '.join(devices)}"
    return "there is no camera here; give a stream (rtsp://…, http://…) or a video file instead"
