"""Live sessions on small made clips, and a server that runs in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from tracker.live.cameras import Camera, CameraLostError, FileCamera, Shot
from tracker.live.capture import Capture
from tracker.live.controller import RateController
from tracker.live.session import LiveSession
from tracker.live.web import Address, run_app
from tracker.pipeline import PoseTracker
from tracker.results.sink import RunInfo


class ScriptedCamera:
    """Gives pictures one after the other, then ends, or is lost."""

    name = "scripted"
    frame_rate = Fraction(100)

    def __init__(self, pictures: list[np.ndarray], live: bool = True, pause: float = 0.0) -> None:
        self.pictures, self.live, self.pause = pictures, live, pause

    def __iter__(self) -> Iterator[Shot]:
        for image in self.pictures:
            time.sleep(self.pause)
            yield image, time.monotonic()
        if self.live:
            raise CameraLostError("unplugged")

    def close(self) -> None:
        pass

    def __enter__(self) -> ScriptedCamera:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def new_tracker(tiny_model: Path, boxes_file: Path) -> Callable[[], PoseTracker]:
    """Makes a tracker with a tiny network and boxes from a file."""
    import torch

    from models.checkpoints import load_pose_network
    from models.engines import create_engine
    from tracker.detectors import create_detector
    from tracker.options import TrackerOptions
    from tracker.pose import PoseStage

    torch.set_num_threads(1)

    def make() -> PoseTracker:
        stage = PoseStage(create_engine(load_pose_network(str(tiny_model)), "torch", "cpu", "fp32"))
        # looks are not to count: the network's joints lie anywhere, and so do the colours between them
        return PoseTracker(create_detector(boxes_file), stage, TrackerOptions(remember=0))

    return make


@pytest.fixture
def live(
    new_tracker: Callable[[], PoseTracker], tmp_path: Path
) -> Callable[[Camera], contextmanager[LiveSession]]:
    """``with live(camera) as session``: a session on a camera, recording into an empty folder."""

    @contextmanager
    def run(
        camera: Camera, reopen: Callable[[], Camera] | None = None, follow: int | None = None
    ) -> Iterator[LiveSession]:
        tracker = new_tracker()
        keypoints = tracker.pose.description.keypoints
        with (
            Capture(camera, reopen or (lambda: camera), first_wait=0.05) as capture,
            LiveSession(
                capture,
                tracker,
                RateController(25),
                lambda source: RunInfo(source, keypoints, 0.4),
                tmp_path / "recordings",
                follow=follow,
            ) as session,
        ):
            yield session

    return run


@pytest.fixture
def live_clip(
    live: Callable[[Camera], contextmanager[LiveSession]], clips: Callable[..., Path]
) -> Iterator[LiveSession]:
    """A session on a clip that plays again and again at its own pace, in which somebody is seen already."""
    with live(FileCamera(str(clips(frames=60, width=96, height=64)), loop=True)) as session:
        assert session.wait_newer(0, 30) is not None
        yield session


@contextmanager
def served(app: web.Application, address: Address | None = None) -> Iterator[str]:
    """Serve an application in a thread on a free port; gives its address without the last slash."""
    loop = asyncio.new_event_loop()
    urls: list[str] = []
    up = threading.Event()

    def started(url: str) -> None:
        urls.append(url)
        up.set()

    task = loop.create_task(run_app(app, address or Address("127.0.0.1", 0), started))

    def work() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert up.wait(10), "the server did not start"
    try:
        yield urls[0].partition("?")[0].rstrip("/")
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something is true; fail where it does not become so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
