"""The live view in a window, through OpenCV: keys, clicks, and what is going on written on top."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from models.files import write_whole
from tracker.draw import DrawOptions, Painter
from tracker.live.capture import CaptureStatus
from tracker.live.session import LiveResult, LiveSession
from tracker.types import FrameResult

TITLE = "simpleposetrack"
WINDOW = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL  # no tool bar
KEYS = "q quit  space pause  s screenshot  r record  b boxes  i ids  t trails  m times  click follow  h help"
PATIENCE = 0.02  # seconds to wait for a result before looking at the keys
DIMMED = 0.3  # how strongly people are drawn who are not the one followed

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK, _GROUND, _RED = (235, 235, 235), (24, 24, 24), (60, 60, 230)


def check_screen() -> None:
    """Raise InputError where there is no screen to open a window on."""
    if sys.platform == "linux":
        display = os.environ.get("DISPLAY", "")
        if not display and not os.environ.get("WAYLAND_DISPLAY"):
            raise InputError("no screen here: add --serve and open the page in a browser")
        if display.startswith(":") and not _answers(display):  # Qt would abort the program
            raise InputError(f"no screen '{display}' here: add --serve and open the page in a browser")
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")  # it misses fonts that nobody needs
    try:
        cv2.namedWindow(TITLE, WINDOW)
    except cv2.error:
        raise InputError(
            "this OpenCV cannot open windows (is it the headless build?): add --serve and open the page in "
            "a browser"
        ) from None


def _answers(display: str) -> bool:
    """Whether an X server of this machine listens for a display such as ``:0``."""
    name = f"/tmp/.X11-unix/X{display.removeprefix(':').partition('.')[0]}"
    for address in (name, f"\0{name}"):  # a file, or Linux's abstract name
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(address)
                return True
            except OSError:
                continue
    return False


class LiveWindow:
    """Shows a session until somebody quits or the source ends.

    Args:
        session: running.
        draw: what is drawn at first.
        follow: id to follow at first.
    """

    def __init__(self, session: LiveSession, draw: DrawOptions, follow: int | None = None) -> None:
        self._session = session
        self._keypoints = session.tracker.pose.description.keypoints
        self._draw = draw
        self._follow = follow
        self._painter = Painter(self._keypoints, draw)
        self._dim_painter = Painter(self._keypoints, replace(draw, trails=False))
        self._times = False
        self._help = False
        self._paused = False
        self._running = True
        self._shown: LiveResult | None = None
        self._image: NDArray[np.uint8] | None = None
        self._message, self._message_until = KEYS, time.monotonic() + 6
        self._latencies: deque[float] = deque(maxlen=60)
        self._keys: dict[str, Callable[[], None]] = {
            "q": self.quit,
            "\x1b": self.quit,
            " ": self._pause,
            "s": self._screenshot,
            "r": self._record,
            "b": lambda: self._switch("boxes"),
            "i": lambda: self._switch("ids"),
            "t": lambda: self._switch("trails"),
            "m": lambda: setattr(self, "_times", not self._times),
            "h": lambda: setattr(self, "_help", not self._help),
        }

    def run(self) -> None:
        """Until the end; leaves no window open."""
        cv2.namedWindow(TITLE, WINDOW)
        cv2.setMouseCallback(TITLE, self._click)
        try:
            while self._running:
                self._show_newest()
                self._press(cv2.waitKey(1))
                if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1 or self._session.over:
                    return
        finally:
            cv2.destroyAllWindows()

    def _show_newest(self) -> None:
        number = self._shown.number if self._shown else 0
        newest = None if self._paused else self._session.wait_newer(number, PATIENCE)
        if self._paused:
            time.sleep(PATIENCE)
        if newest is not None:
            if self._shown is None:
                height, width = newest.result.frame.image.shape[:2]
                scale = min(1.0, 1280 / width, 800 / height)
                cv2.resizeWindow(TITLE, round(width * scale), round(height * scale))
            self._shown = newest
        if self._shown is None:
            return
        image = self._paint(self._shown.result)
        self._write_on(image, self._shown)
        cv2.imshow(TITLE, image)
        self._image = image
        if newest is not None:
            self._press(cv2.pollKey())  # has the window drawn now, so that the time is the screen's
            self._latencies.append(time.monotonic() - newest.captured)

    def _paint(self, result: FrameResult) -> NDArray[np.uint8]:
        if self._follow is None:
            return self._painter(result)
        followed = result.poses.track_ids == self._follow
        image, faint = result.frame.image, self._dim_painter(result[~followed])
        image = np.asarray(cv2.addWeighted(image, 1 - DIMMED, faint, DIMMED, 0), np.uint8)
        return self._painter(replace(result[followed], frame=replace(result.frame, image=image)))

    def _write_on(self, image: NDArray[np.uint8], live: LiveResult) -> None:
        """What is going on, in the corners."""
        latency = f"{1000 * median(self._latencies):.0f} ms" if self._latencies else "…"
        choice, status = live.choice, self._session.status
        parts = [f"{live.rate:.1f} of {status.rate:.1f} fps", f"latency {latency}"]
        parts.append(f"detector 1/{choice.detect_every}")
        parts += [f"at most {choice.max_crops} crops"] if choice.max_crops else []
        parts += ["fast network"] if choice.fast else []
        parts += [f"following {self._follow}"] if self._follow is not None else []
        lines = ["   ".join(parts)]
        if self._times:
            lines += [f"{name} {1000 * value:.1f} ms" for name, value in live.result.seconds.items()]
        scale = max(0.4, min(image.shape[:2]) / 1400)
        for row, line in enumerate(lines):
            _text(image, line, (0, row), scale)
        below = state_text(status, live.dark) or ("paused" if self._paused else "")
        if time.monotonic() < self._message_until or self._help:
            below = below or (KEYS if self._help else self._message)
        if below:
            _text(image, below, (0, -1), scale)
        if self._session.recording:
            radius = round(14 * scale + 4)
            centre = (image.shape[1] - 2 * radius, 2 * radius)
            cv2.circle(image, centre, radius, _RED, cv2.FILLED, cv2.LINE_AA)

    def _press(self, key: int) -> None:
        action = self._keys.get(chr(key & 0xFF)) if key >= 0 else None
        if action:
            action()

    def quit(self, *_: object) -> None:
        """Let `run` end soon; a signal's handler, too."""
        self._running = False

    def _pause(self) -> None:
        self._paused = not self._paused

    def _switch(self, name: str) -> None:
        self._draw = replace(self._draw, **{name: not getattr(self._draw, name)})
        self._painter = Painter(self._keypoints, self._draw)
        self._dim_painter = Painter(self._keypoints, replace(self._draw, trails=False))

    def _screenshot(self) -> None:
        if self._image is None:
            return
        path = self._session.recordings / time.strftime("screenshot_%Y-%m-%d_%H.%M.%S.png")
        try:
            write_whole(path, cv2.imencode(".png", self._image)[1].tobytes())
        except InputError as error:
            self._tell(str(error))
        else:
            self._tell(f"saved {path}")

    def _record(self) -> None:
        session = self._session
        if session.recording:
            paths = session.stop_recording()
            self._tell(session.note or f"saved {', '.join(map(str, paths))}")
        else:
            session.start_recording(self._draw)
            self._tell(session.note or "recording; r ends it")

    def _click(self, event: int, x: int, y: int, flags: int, data: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN and self._shown is not None:
            self._follow = person_at(self._shown.result, x, y)

    def _tell(self, message: str) -> None:
        self._message, self._message_until = message, time.monotonic() + 4
        print(message)


def person_at(result: FrameResult, x: float, y: float) -> int | None:
    """Id of the person at a place of the frame, in pixels: of several the smallest box; None beside all."""
    boxes = result.poses.boxes
    if not len(boxes):
        return None
    inside = (boxes[:, :2] <= (x, y)).all(axis=1) & (boxes[:, 2:] >= (x, y)).all(axis=1)
    if not inside.any():
        return None
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return int(result.poses.track_ids[np.where(inside, area, np.inf).argmin()])


def state_text(status: CaptureStatus, dark: bool) -> str:
    """What is wrong with the camera, in a line; empty if nothing is."""
    if status.state == "waiting":
        wait = max(0.0, status.retry - time.monotonic())
        return f"{status.message}: trying again in {wait:.0f} s"
    return "the picture is nearly black: is the lens covered?" if dark else ""


def _text(image: NDArray[np.uint8], text: str, place: tuple[int, int], scale: float) -> None:
    """A line on dark ground; rows count from the top, negative ones from the bottom."""
    (_, high), base = cv2.getTextSize("Ag", _FONT, scale, 1)
    step = high + base + 6  # the same for every line
    while (wide := cv2.getTextSize(text, _FONT, scale, 1)[0][0]) > image.shape[1] - 8 and scale > 0.2:
        scale *= 0.9
    top = place[1] * step if place[1] >= 0 else image.shape[0] + place[1] * step
    ground = image[max(0, top) : top + step, : wide + 12]
    ground[:] = (ground * 0.3 + np.array(_GROUND) * 0.7).astype(np.uint8)
    cv2.putText(image, text, (6, top + high + 3), _FONT, scale, _INK, 1, cv2.LINE_AA)
