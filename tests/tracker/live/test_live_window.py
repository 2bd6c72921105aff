"""The window on a made-up screen, with keys and clicks sent to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tracker.live.capture import CaptureStatus
from tracker.live.session import LiveSession
from tracker.live.window import person_at, state_text

from .conftest import until
from .test_live_command import start

NEEDED = ("Xvfb", "xdotool")


@pytest.fixture
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A screen that nobody sees; gives its name."""
    for program in NEEDED:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    read, write = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    number = os.read(read, 20).decode().strip()
    yield f":{number}"
    process.terminate()
    process.wait()
    os.close(read)


def xdotool(screen: str, *arguments: object) -> str:
    return subprocess.run(
        ["xdotool", *map(str, arguments)],
        env={**os.environ, "DISPLAY": screen},
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.strip()


def test_keys_record_take_pictures_and_quit(
    screen: str, tmp_path: Path, clips: Callable[..., Path], tiny_model: Path, boxes_file: Path
) -> None:
    clip = clips(frames=60, width=320, height=240)
    process = start(
        "live_view.py",
        *(clip, "--loop", "--pose-model", tiny_model, "--detections", boxes_file),
        *("--engine", "torch", "--precision", "fp32", "--recordings", "made"),
        folder=tmp_path,
        DISPLAY=screen,
    )
    made = tmp_path / "made"
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("keypoints: tiny"), process.communicate()
        until(lambda: xdotool(screen, "search", "--name", "simpleposetrack"), 60)
        window = xdotool(screen, "search", "--name", "simpleposetrack").splitlines()[0]
        time.sleep(1)

        def press(key: str) -> None:
            xdotool(screen, "windowfocus", "--sync", window)
            xdotool(screen, "key", "--clearmodifiers", key)
            time.sleep(0.4)

        press("r")
        for key in ("b", "i", "t", "m", "h", "s"):
            press(key)
        until(lambda: list(made.glob("screenshot_*.png")), 30)
        time.sleep(1)
        press("r")
        until(lambda: list(made.glob("*_tracked.mp4")), 30)
        press("q")
        _, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, error
    (shot,) = made.glob("screenshot_*.png")
    image = cv2.imread(str(shot))
    assert image is not None
    assert image.shape == (240, 320, 3)
    (video,) = made.glob("*_tracked.mp4")
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 3
    assert list(made.glob("*_poses.json"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_finish_the_recording(
    screen: str,
    tmp_path: Path,
    clips: Callable[..., Path],
    tiny_model: Path,
    boxes_file: Path,
    number: signal.Signals,
) -> None:
    process = start(
        "live_view.py",
        *(clips(frames=60, width=320, height=240), "--loop", "-o", "all.mp4", "--pose-model", tiny_model),
        *("--detections", boxes_file, "--engine", "torch", "--precision", "fp32"),
        folder=tmp_path,
        DISPLAY=screen,
    )
    try:
        until(lambda: any(part.stat().st_size > 4000 for part in tmp_path.glob(".all.mp4*")), 60)
        for _ in range(4):  # more of them do not break off the files' end
            process.send_signal(number)
            time.sleep(0.02)
        output, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, error) == (0, "")
    assert "saved all.mp4" in output
    with av.open(str(tmp_path / "all.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) > 0


def test_the_smallest_box_under_the_pointer_is_followed(live_clip: LiveSession) -> None:
    latest = live_clip.latest
    assert latest is not None
    result = latest.result
    left, top, right, bottom = result.poses.boxes[0]
    middle = float(left + right) / 2, float(top + bottom) / 2
    assert person_at(result, *middle) in result.poses.track_ids
    assert person_at(result, -50, -50) is None


@pytest.mark.parametrize(
    ("status", "dark", "words"),
    [
        (CaptureStatus(), False, ""),
        (CaptureStatus(), True, "nearly black"),
        (
            CaptureStatus("waiting", "camera 0 is gone", retry=time.monotonic() + 1000),
            True,
            "camera 0 is gone: trying",
        ),
    ],
)
def test_trouble_is_told(status: CaptureStatus, dark: bool, words: str) -> None:
    text = state_text(status, dark)
    assert (words in text) if words else text == ""


def test_dimmed_people_are_fainter(live_clip: LiveSession) -> None:
    from tracker.draw import DrawOptions
    from tracker.live.window import LiveWindow

    latest = live_clip.latest
    assert latest is not None
    result = latest.result
    window = LiveWindow(live_clip, DrawOptions())
    everybody = window._paint(result).astype(int)
    window._follow = int(result.poses.track_ids[0])
    dimmed = window._paint(result).astype(int)
    assert (everybody != dimmed).any()
    bare = result.frame.image.astype(int)
    assert np.abs(dimmed - bare).sum() < np.abs(everybody - bare).sum()
