"""One JPEG and one message a frame, made once and shared by all viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.live.messages import encode, frame_message
from tracker.live.session import LiveSession

LONGEST_SIDE = 1280  # pixels; larger pictures are reduced before they go out
QUALITY = 80  # of the JPEGs


@dataclass(frozen=True)
class Sent:
    """What goes out for one frame."""

    number: int
    message: str
    jpeg: bytes


class Broadcast:
    """Waits for a session's results and hands the newest to the viewers.

    Each viewer takes the newest whenever it is ready for one, so a slow one skips frames and keeps nobody
    waiting. Nothing is encoded while nobody watches.
    """

    def __init__(self, session: LiveSession) -> None:
        self.viewers = 0
        self._session = session
        self._newest: Sent | None = None
        self._next: asyncio.Future[Sent | None] | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count a viewer in."""
        self.viewers += 1
        try:
            yield
        finally:
            self.viewers -= 1

    async def run(self) -> None:
        """Encode and hand out until the task is cancelled."""
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        self._next = loop.create_future()
        number = 0
        with self._session.calling(lambda: loop.call_soon_threadsafe(came.set)):
            while True:
                await came.wait()
                came.clear()
                live = self._session.latest
                if live is None or live.number == number:
                    continue
                number = live.number
                if self.viewers:
                    jpeg = await asyncio.to_thread(to_jpeg, live.result.frame.image)
                    self._hand_out(Sent(number, encode(frame_message(live)), jpeg))

    async def after(self, number: int) -> Sent:
        """The newest frame that is newer than a number."""
        while self._newest is None or self._newest.number <= number:
            while self._next is None:
                await asyncio.sleep(0.01)
            await asyncio.shield(self._next)
        return self._newest

    def _hand_out(self, sent: Sent) -> None:
        waiting, self._next = self._next, asyncio.get_running_loop().create_future()
        self._newest = sent
        if waiting is not None:
            waiting.set_result(sent)


def to_jpeg(image: NDArray[np.uint8], longest: int = LONGEST_SIDE) -> bytes:
    """A picture (H, W, 3) BGR as JPEG, reduced to at most `longest` pixels on its longer side."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
