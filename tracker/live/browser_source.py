"""A page's own camera or file as the source: its pictures come up a WebSocket, people go back.

The page sends binary messages: eight bytes, little endian, with the picture's time in seconds as a float64,
then the picture as JPEG. For each it gets a "frame" message (see `tracker.live.messages`) and sends the next
picture only then, so nothing queues up. The text message ``{"type": "reset"}`` begins a new source.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np
from aiohttp import WSMsgType, web

from models.errors import InputError
from tracker.live.messages import encode, hello, people_message
from tracker.pipeline import PoseTracker
from tracker.smoothing import Smooth
from tracker.types import Frame

LARGEST = 8 << 20  # bytes of a picture
MOST_PIXELS = 4096 * 4096
HEAD = struct.Struct("<d")


class BrowserSources:
    """Pages that bring their own pictures, each with a tracker of its own.

    Args:
        new_tracker: makes one.
        limit: pages at the same time.
        new_smooth: makes what is applied to every result of a source, or None.
    """

    def __init__(
        self, new_tracker: Callable[[], PoseTracker], limit: int, new_smooth: Callable[[], Smooth | None]
    ) -> None:
        self._new_tracker = new_tracker
        self._limit = limit
        self._new_smooth = new_smooth
        self._pages = 0

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        page = web.WebSocketResponse(heartbeat=20, max_msg_size=LARGEST)
        await page.prepare(request)
        self._pages += 1
        try:
            if self._pages > self._limit:
                raise InputError(f"{self._limit} pages already bring their own pictures, no more are allowed")
            await self._track(page)
        except InputError as error:
            await page.send_str(encode({"type": "error", "message": str(error)}))
            await page.close()
        finally:
            self._pages -= 1
        return page

    async def _track(self, page: web.WebSocketResponse) -> None:
        tracker = await asyncio.to_thread(self._new_tracker)
        await page.send_str(encode(hello("browser", tracker)))
        index, smooth = 0, self._new_smooth()
        async for message in page:
            if message.type is WSMsgType.TEXT:
                tracker.reset()
                index, smooth = 0, self._new_smooth()
            elif message.type is WSMsgType.BINARY:
                answer = await asyncio.to_thread(_step, tracker, smooth, index, message.data)
                await page.send_str(answer)
                index += 1


def _step(tracker: PoseTracker, smooth: Smooth | None, index: int, data: bytes) -> str:
    """Track through one picture; gives the answer."""
    try:
        (seconds,) = HEAD.unpack_from(data)
        moment = Fraction(round(seconds * 1_000_000), 1_000_000)
        image = cv2.imdecode(np.frombuffer(data, np.uint8, offset=HEAD.size), cv2.IMREAD_COLOR)
    except (struct.error, ValueError, OverflowError, cv2.error):
        image = None
    if image is None or image.size > 3 * MOST_PIXELS:
        return encode({"type": "error", "message": "a picture came that is no JPEG of a usual size"})
    result = tracker.step(Frame(index, moment, np.asarray(image, np.uint8)))
    if smooth:
        result = smooth(result)
    return encode({**people_message(result), "number": index})
