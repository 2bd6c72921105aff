"""The live commands as a user runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import av
import numpy as np
import pytest

from models.errors import InputError

from .conftest import ScriptedCamera, until

ROOT = Path(__file__).resolve().parents[3]


def start(script: str, *arguments: object, folder: Path, **variables: str) -> subprocess.Popen:
    """Run one of the demos in a folder, without a screen unless the variables name one."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "demos" / script), *map(str, arguments)],
        cwd=folder,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def model(tiny_model: Path, boxes_file: Path) -> list[object]:
    """Options that make the commands quick."""
    return [
        "--pose-model",
        tiny_model,
        "--detections",
        boxes_file,
        "--engine",
        "torch",
        "--precision",
        "fp32",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["97", "--serve"], "cannot open camera 97"),
        (["0"], "add --serve"),
        (["nothing.mp4", "--serve"], "no such file"),
        (["0", "--serve", "0.0.0.0:9000"], "--allow-remote"),
        (["0", "--serve", "a/b"], "wrong address"),
        (["browser"], "needs --serve"),
        (["browser", "--serve", "0", "--json", "r.json"], "--json needs a camera"),
        (["nothing.mp4", "--serve", "0", "--follow", "3"], "--follow is for the window"),
        (["0", "--serve", "--fps", "0"], "wrong --fps 0"),
        (["0", "--camera-size", "big"], "'big' is not a size"),
        (["0", "--smooth", "savgol"], "invalid choice"),
        (["99999999999", "--serve"], "wrong camera number 99999999999"),
        (["browser", "--serve", "0", "--max-people", "0"], "wrong max-people '0'"),
        (["browser", "--serve", "0", "--pose-model", "nonsense"], "no network 'nonsense'"),
        (["browser", "--serve", "0", "--browser-sources", "-3"], "give a whole number from 1"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    process = start("live_view.py", *arguments, folder=tmp_path)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert words in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["browser", "--serve", "--json", "r.json"], "--json needs a camera"),
        (["browser", "--serve", "--detections", "boxes.txt"], "--detections needs a camera"),
        (["browser", "--serve", "--recordings", "folder"], "--recordings needs a camera"),
        (["0", "--allow-remote"], "--allow-remote needs --serve"),
        (["0", "--browser-sources", "2"], "--browser-sources needs --serve"),
        (["0", "--serve", "--follow", "1"], "--follow is for the window"),
        (["0", "--serve", "--json", "r.json", "--no-ids"], "--no-ids is for the window and for --output"),
        (["0", "--serve", "--overwrite"], "--overwrite needs a file"),
    ],
)
def test_options_without_use_are_refused(given: list[str], words: str) -> None:
    from demos.live_view import arguments
    from tracker.live.run import _refuse_useless

    with pytest.raises(InputError, match=words):
        _refuse_useless(arguments().parse_args(given))


def test_the_network_that_is_the_faster_one_already_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from demos.live_view import arguments
    from tracker.live.run import faster_stage

    tracker = SimpleNamespace(pose=SimpleNamespace(description=SimpleNamespace(name="fast")))
    assert faster_stage(arguments().parse_args(["--adaptive"]), tracker) is None  # type: ignore[arg-type]
    assert "--adaptive changes nothing" in capsys.readouterr().err


def test_first_tracker_of_pages_is_made_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from demos.live_view import arguments
    from tracker.live import run

    made: list[object] = []
    monkeypatch.setattr(run, "build_tracker", lambda args: made.append(object()) or made[-1])
    new_tracker = run._tracker_maker(arguments().parse_args([]), at_once=True)
    assert len(made) == 1
    assert [new_tracker(), new_tracker()] == made
    assert len(made) == 2


def test_served_until_interrupted_with_files_of_the_whole_session(
    tmp_path: Path, clips: Callable[..., Path], model: list[object]
) -> None:
    clip = clips(frames=60)
    process = start(
        "live_view.py",
        clip,
        "--loop",
        "--serve",
        "0",
        *model,
        "-o",
        "all.mp4",
        "--json",
        "all.json",
        folder=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.readline()
    url = process.stdout.readline().split()[1]
    assert urlopen(url, timeout=20).status == 200
    with urlopen(f"{url}stream.mjpg", timeout=60) as stream:
        assert stream.readline().strip() == b"--frame"

    def ended() -> bool:
        process.send_signal(signal.SIGINT)  # more of them do not break off the files' end
        return process.poll() is not None

    until(ended, 60)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    assert "saved all.mp4" in output
    with av.open(str(tmp_path / "all.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) >= 1
    assert (tmp_path / "all.json").stat().st_size > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all.json", "all.mp4"]


class WatchedCamera(ScriptedCamera):
    """Remembers which threads close it."""

    def __init__(self) -> None:
        super().__init__([np.zeros((64, 96, 3), np.uint8)] * 200, pause=0.02)
        self.closers: list[str] = []

    def close(self) -> None:
        self.closers.append(threading.current_thread().name)


def test_camera_is_closed_by_the_thread_that_reads_it(
    model: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg crashes where a stream is closed beside a read."""
    from demos.live_view import arguments
    from tracker.live import run

    camera = WatchedCamera()
    monkeypatch.setattr(run, "open_camera", lambda *_: camera)
    options = ["0", *map(str, model)]
    with ExitStack() as stack:
        session = run._session(arguments().parse_args(options), stack)
        assert session.wait_newer(0, 30)
    assert camera.closers == ["capture"]
    with ExitStack() as stack, pytest.raises(InputError, match="no network"):
        run._session(arguments().parse_args([*options, "--pose-model", "none"]), stack)
    assert camera.closers == ["capture", "MainThread"]


def test_existing_files_are_not_replaced(
    tmp_path: Path, clips: Callable[..., Path], model: list[object]
) -> None:
    (tmp_path / "all.mp4").write_text("precious")
    process = start("live_view.py", clips(), "--serve", "0", *model, "-o", "all.mp4", folder=tmp_path)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "--overwrite" in error
    assert (tmp_path / "all.mp4").read_text() == "precious"


@pytest.mark.parametrize("host", ["127.0.0.1", 80 * "long"])
def test_address_that_cannot_be_taken_is_told(
    tmp_path: Path, clips: Callable[..., Path], model: list[object], host: str
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        serve = "--serve", f"{host}:{taken.getsockname()[1]}", "--allow-remote"
        process = start("live_view.py", clips(), *serve, *model, folder=tmp_path)
        _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "give another host or port" in error
    assert len(error.splitlines()) == 1


def test_results_that_are_none_are_told(tmp_path: Path, clips: Callable[..., Path]) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    process = start("view_results.py", clips(), wrong, folder=tmp_path)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "is not a result of this program" in error


@pytest.mark.parametrize("script", ["live_view.py", "view_results.py"])
def test_help(tmp_path: Path, script: str) -> None:
    process = start(script, "--help", folder=tmp_path)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    assert "--serve" in output
