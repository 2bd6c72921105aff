"""The live view in a browser: pictures as MJPEG, people over a WebSocket, recordings as downloads."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from tracker.live.broadcast import Broadcast
from tracker.live.browser_source import BrowserSources
from tracker.live.messages import draw_options, encode, hello, status_message
from tracker.live.session import LiveSession
from tracker.live.web import Address, new_app
from tracker.pipeline import PoseTracker
from tracker.smoothing import Smooth

STATUS_SECONDS = 0.5
SEND_BUFFER = 256 * 1024  # bytes that the system may keep for a viewer: more would be old pictures
BOUNDARY = "frame"


def live_app(
    address: Address,
    session: LiveSession | None,
    new_tracker: Callable[[], PoseTracker],
    browser_limit: int,
    new_smooth: Callable[[], Smooth | None] = lambda: None,
) -> web.Application:
    """The application.

    Args:
        address: decides who may come in.
        session: on a camera; None where pages bring their own pictures only.
        new_tracker: makes a tracker for a page that brings its own pictures.
        browser_limit: pages that may do so at the same time.
        new_smooth: makes what is applied to every result of such a page, or None.
    """
    app = new_app(address)
    sources = BrowserSources(new_tracker, browser_limit, new_smooth)
    app.router.add_get("/session", lambda request: _session_facts(session))
    app.router.add_get("/browser", sources.handle)
    if session is not None:
        LivePages(session).add_to(app)
    return app


async def _session_facts(session: LiveSession | None) -> web.Response:
    return web.json_response({"mode": "live" if session else "browser"})


class LivePages:
    """What viewers of a session's camera ask for."""

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self._broadcast = Broadcast(session)

    def add_to(self, app: web.Application) -> None:
        app.cleanup_ctx.append(self._broadcasting)
        app.router.add_get("/stream.mjpg", self._stream)
        app.router.add_get("/people", self._people)
        app.router.add_get("/recordings/{name}", self._download)

    async def _broadcasting(self, app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._broadcast.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Motion JPEG; each part says the number of its frame."""
        response = web.StreamResponse(
            headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"}
        )
        await response.prepare(request)
        _keep_short(request)
        number = 0
        with self._broadcast.watching(), contextlib.suppress(ConnectionError):
            while True:
                sent = await self._broadcast.after(number)
                number = sent.number
                head = (
                    f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(sent.jpeg)}\r\n"
                    f"X-Number: {number}\r\n\r\n"
                )
                await response.write(head.encode() + sent.jpeg + b"\r\n")
        return response

    async def _people(self, request: web.Request) -> web.WebSocketResponse:
        """The messages of `tracker.live.messages`."""
        page = web.WebSocketResponse(heartbeat=10, max_msg_size=1 << 16, compress=False)
        await page.prepare(request)
        await page.send_str(encode(hello(self._session.capture.name, self._session.tracker)))
        tasks = [asyncio.create_task(work(page)) for work in (self._send_frames, self._send_status)]
        try:
            async for message in page:
                if message.type is WSMsgType.TEXT:
                    await self._obey(page, message.data)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return page

    async def _send_frames(self, page: web.WebSocketResponse) -> None:
        number = 0
        with contextlib.suppress(ConnectionError):
            while True:
                sent = await self._broadcast.after(number)
                number = sent.number
                await page.send_str(sent.message)

    async def _send_status(self, page: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await page.send_str(encode(status_message(self._session, self._broadcast.viewers)))
                await asyncio.sleep(STATUS_SECONDS)

    async def _obey(self, page: web.WebSocketResponse, text: str) -> None:
        try:
            message: dict[str, Any] = orjson.loads(text)
            kind = message["type"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return
        if kind == "ping":
            await page.send_str(
                encode({"type": "pong", "sent": message.get("sent"), "now": time.monotonic()})
            )
        elif kind == "record":
            session = self._session
            if message.get("on") is True:
                draw = draw_options(message, session.tracker.options.joint_threshold)
                await asyncio.to_thread(session.start_recording, draw)
            else:
                await asyncio.to_thread(session.stop_recording)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """A finished recording's file; only names of such files are known here."""
        name = request.match_info["name"]
        path = next((path for path in self._session.saved if path.name == name), None)
        if path is None or not path.is_file():
            raise web.HTTPNotFound(text=f"no recording '{name}'")
        return web.FileResponse(path, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _keep_short(request: web.Request) -> None:
    """Little may wait on its way to a slow viewer: it then gets newer pictures, not more."""
    if request.transport is None:
        return
    request.transport.set_write_buffer_limits(high=0)
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
