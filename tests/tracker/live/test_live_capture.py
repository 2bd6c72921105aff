"""Cameras: the newest picture alone, at its own pace, lost and found again."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.errors import InputError
from tracker.live.cameras import Camera, FileCamera, Shot, StreamCamera, open_camera
from tracker.live.capture import Capture
from tracker.video.source import DamagedSourceError

from .conftest import ScriptedCamera, until

PICTURES = [np.full((8, 8, 3), value, np.uint8) for value in range(10)]


def no_camera() -> Camera:
    raise InputError("still unplugged")


def test_only_the_newest_picture_is_kept() -> None:
    camera = ScriptedCamera(PICTURES, live=False)
    with Capture(camera, no_camera) as capture:
        until(lambda: capture.over)
        frame = capture.take(0)
        assert frame is not None
        assert (frame.index, frame.image[0, 0, 0]) == (9, 9)
        assert capture.take(0) is None
    assert capture.status.state == "ended"
    assert capture.status.frames == 10


def test_time_of_a_frame_is_when_it_left_the_camera() -> None:
    with Capture(ScriptedCamera(PICTURES, live=False, pause=0.02), no_camera) as capture:
        before = time.monotonic()
        frame = capture.take(5)
        assert frame is not None
        assert before - 0.1 < capture.captured(frame) <= time.monotonic()


def test_a_lost_camera_is_tried_again_ever_more_rarely() -> None:
    tries: list[float] = []

    def reopen() -> Camera:
        tries.append(time.monotonic())
        if len(tries) < 4:
            raise InputError("still unplugged")
        return ScriptedCamera(PICTURES[:3], live=False)

    lost = time.monotonic()
    with Capture(ScriptedCamera(PICTURES), reopen, first_wait=0.1) as capture:
        until(lambda: capture.status.state == "waiting")
        assert capture.status.message == "unplugged"
        until(lambda: capture.over)
    waits = np.diff([lost, *tries])
    assert (waits > np.array([0.1, 0.2, 0.4, 0.8]) * 0.95).all()
    assert (capture.status.lost, capture.status.frames) == (1, 13)


def test_error_of_the_source_is_told_in_its_own_words() -> None:
    class Broken(ScriptedCamera):
        def __iter__(self) -> Iterator[Shot]:
            yield from super().__iter__()
            raise DamagedSourceError("the file is damaged")

    with Capture(Broken(PICTURES, live=False), no_camera) as capture:
        until(lambda: capture.over)
    assert (capture.status.state, capture.status.message) == ("ended", "the file is damaged")


def test_waiting_ends_when_the_capture_is_closed() -> None:
    with Capture(ScriptedCamera(PICTURES), no_camera, first_wait=60) as capture:
        until(lambda: capture.status.state == "waiting")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert capture.status.state == "closed"


def test_file_plays_at_its_own_pace(clips: Callable[..., Path]) -> None:
    with FileCamera(str(clips(frames=12))) as camera:
        began = time.monotonic()
        captured = [at for _, at in camera]
    assert time.monotonic() - began > 11 / 25
    assert len(captured) == 12
    assert (np.diff(captured) >= 1 / 25 - 1e-6).all()


def test_looped_file_goes_on_in_time(clips: Callable[..., Path]) -> None:
    with FileCamera(str(clips(frames=3)), loop=True) as camera:
        shots = iter(camera)
        captured = [next(shots)[1] for _ in range(8)]
    assert (np.diff(captured) >= 1 / 25 - 1e-6).all()


class StreamServer:
    """Motion JPEG over HTTP at 25 frames a second, which can be shut down and come back on the same port."""

    def __init__(self, port: int = 0, size: tuple[int, int] = (64, 96)) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=x")
                self.end_headers()
                number = 0
                while not server.stop.wait(0.04):
                    image = np.full((*size, 3), 60 + number % 100, np.uint8)
                    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
                    head = f"--x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:
                        return
                    number += 1

            def log_message(self, *_: object) -> None:
                pass

        self.stop = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()

    def close(self) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()


def test_stream_that_dies_and_returns_with_another_size() -> None:
    server = StreamServer()
    url = server.url
    try:
        with Capture(open_camera(url), lambda: open_camera(url), first_wait=0.1) as capture:
            first = capture.take(20)
            assert first is not None
            assert first.image.shape == (64, 96, 3)
            server.close()
            until(lambda: capture.status.state == "waiting")
            assert "stream" in capture.status.message
            server = StreamServer(server.port, size=(48, 48))
            until(lambda: capture.status.state == "live")
            capture.take(0)
            second = capture.take(20)
            assert second is not None
            assert second.image.shape == (48, 48, 3)
            assert second.index > first.index
            assert second.time > first.time
            assert capture.status.lost == 1
    finally:
        server.close()


RTSP_SERVER = """
import gi, sys
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1"); server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( videotestsrc is-live=true ! video/x-raw,format=I420,width=96,height=64,"
                   "framerate=25/1 ! x264enc tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96 )")
factory.set_shared(True)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


class RtspServer:
    """GStreamer's RTSP server in a process of its own; skips the test where it is not installed."""

    def __init__(self, port: int = 0) -> None:
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        self._process = subprocess.Popen(
            [python, "-c", RTSP_SERVER, str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip():
            pytest.skip("GStreamer's RTSP server is not installed (gir1.2-gst-rtsp-server-1.0)")
        self.port = int(line)
        self.url = f"rtsp://127.0.0.1:{self.port}/live"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def test_rtsp_server_that_dies_and_returns() -> None:
    server = RtspServer()
    url = server.url
    try:
        with Capture(open_camera(url), lambda: open_camera(url), first_wait=0.2) as capture:
            frame = capture.take(20)
            assert frame is not None
            assert frame.image.shape == (64, 96, 3)
            assert frame.image.std() > 20
            server.close()
            until(lambda: capture.status.state == "waiting")
            server = RtspServer(server.port)
            until(lambda: capture.status.state == "live", 30)
            assert capture.status.lost == 1
    finally:
        server.close()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("97", "cannot open camera 97"),
        ("100", "give one from 0 to 99"),
        ("http://127.0.0.1:9/", "is the stream running?"),
        ("http://user:secret@127.0.0.1:9/", "cannot open 'http://127.0.0.1:9/'"),
        ("nothing://127.0.0.1/", "Protocol not found"),
        ("nothing.mp4", "no such file"),
    ],
)
def test_what_is_not_there_is_told(spec: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        open_camera(spec)


@pytest.mark.parametrize(
    ("spec", "options", "words"),
    [
        ("0", {"loop": True}, "--loop is for a file"),
        ("http://127.0.0.1:9/", {"loop": True}, "--loop is for a file"),
        ("http://127.0.0.1:9/", {"size": (640, 480)}, "--camera-size is for a camera"),
        ("clip.mp4", {"size": (640, 480)}, "--camera-size is for a camera"),
    ],
)
def test_options_without_use_are_refused(spec: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_camera(spec, **options)


def test_server_without_the_stream_is_told_and_its_password_is_not() -> None:
    server = StreamServer()
    address = f"127.0.0.1:{server.port}"
    try:
        with pytest.raises(InputError, match="404 Not Found; is the stream running"):
            open_camera(f"{server.url}other")
        with open_camera(f"http://user:secret@{address}/") as camera:
            assert camera.name == f"http://{address}/"
    finally:
        server.close()


def test_missing_camera_names_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.live.cameras.list_devices", lambda: ["0 (Webcam)", "2 (Other)"])
    with pytest.raises(InputError, match=r"the cameras here are 0 \(Webcam\), 2 \(Other\)"):
        open_camera("97")


def test_stream_without_video_is_told(clips: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="cannot open"):
        StreamCamera("file:///dev/null")
