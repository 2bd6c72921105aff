"""Small videos made on the spot, a tiny keypoint network, and the tracking command to run on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

RATE = Fraction(25)
TINY_ENGINE = ("--engine", "torch", "--precision", "fp32")


def picture(index: int, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """A smooth ground whose top left quarter is red, with a bright square that moves right."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 160 // width, y * 160 // height, np.full_like(x, 40)], axis=2).astype(np.uint8)
    image[: height // 4, : width // 4] = (0, 0, 250)
    left = 20 + 2 * index
    image[24:56, left : left + 16] = (230, 240, 220)
    return image


@dataclass
class Clip:
    """What `make_clip` writes; change what a test is about."""

    frames: int = 12
    width: int = 96
    height: int = 64
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    rate: Fraction = RATE
    times: Sequence[int] | None = None  # in ticks of time_base
    time_base: Fraction | None = None
    duration: int | None = None  # of each picture in ticks
    rotation: int | None = None
    aspect: Fraction | None = None
    audio: str | None = None
    audio_rate: int = 44100
    sound_seconds: float | None = None  # as long as the pictures
    muxer: dict[str, str] | None = None
    options: dict[str, str] | None = None


def make_clip(path: Path, clip: Clip | None = None, **changes: object) -> Path:
    """Write a video file."""
    c = replace(clip or Clip(), **changes)  # type: ignore[arg-type]
    with av.open(str(path), "w", options=c.muxer or {}) as container:
        video = container.add_stream(c.codec, rate=c.rate)
        video.width, video.height, video.pix_fmt = c.width, c.height, c.pix_fmt
        base = c.time_base or 1 / c.rate
        video.codec_context.time_base = base
        if c.codec in ("libx264", "libx265"):
            video.options = {"preset": "ultrafast", "g": "5", "x265-params": "log-level=none"} | (
                c.options or {}
            )
        if c.rotation is not None:
            video.set_display_rotation(c.rotation)
        if c.aspect:
            video.codec_context.sample_aspect_ratio = c.aspect
        sound = container.add_stream(c.audio, rate=c.audio_rate, layout="mono") if c.audio else None
        if sound is not None:
            _write_sound(container, sound, c)
        for index in range(c.frames):
            frame = av.VideoFrame.from_ndarray(picture(index, c.width, c.height), format="bgr24")
            frame = frame.reformat(format=c.pix_fmt)
            frame.pts, frame.time_base = (c.times[index] if c.times else index), base
            _mux(container, video.encode(frame), c.duration)
        _mux(container, video.encode(None), c.duration)
    return path


def _mux(container: av.container.OutputContainer, packets: list[av.Packet], duration: int | None) -> None:
    for packet in packets:
        if duration is not None:
            packet.duration = duration
        container.mux(packet)


def _write_sound(container: av.container.OutputContainer, stream: av.AudioStream, clip: Clip) -> None:
    seconds = clip.sound_seconds or float(clip.frames / clip.rate)
    tone = np.sin(np.arange(int(seconds * clip.audio_rate)) * 2 * np.pi * 440 / clip.audio_rate) * 0.4
    samples = (tone * 32767).astype(np.int16)
    step = 1024
    resampler = av.AudioResampler(stream.codec_context.format, "mono", clip.audio_rate)
    for start in range(0, len(samples), step):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + step], format="s16", layout="mono")
        frame.sample_rate, frame.pts = clip.audio_rate, start
        frame.time_base = Fraction(1, clip.audio_rate)
        for piece in resampler.resample(frame):
            container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``clips("name.mp4", frames=5, …)`` gives the path of such a video, made once a session."""
    made: dict[tuple[str, str], Path] = {}

    def clip(name: str = "clip.mp4", **changes: object) -> Path:
        key = name, repr(sorted(changes.items()))
        if key not in made:
            made[key] = make_clip(tmp_path_factory.mktemp("clip") / name, **changes)
        return made[key]

    return clip


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keypoint network with seeded random weights that takes a millisecond; it sees all joints."""
    import torch

    from models.checkpoints import save_pose_network
    from models.description import PoseDescription
    from models.keypoints import COCO
    from models.pose_resnet import PoseResNet

    torch.manual_seed(0)
    network = PoseResNet(18, 17, (8, 8, 8), width=0.125)
    torch.nn.init.constant_(network.final_layer.bias, 0.7)
    network.description = PoseDescription("tiny", COCO, (64, 32), half_pixel=True)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_pose_network(network, path)
    return path


@pytest.fixture(scope="session")
def boxes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MOT file with the moving square and a second person at rest, in 200 frames."""
    path = tmp_path_factory.mktemp("boxes") / "boxes.txt"
    rows = [f"{i + 1},-1,{20 + 2 * i},24,16,32,0.9" for i in range(200)]
    rows += [f"{i + 1},-1,2,30,14,30,0.8" for i in range(200)]
    path.write_text("\n".join(rows))
    return path


@pytest.fixture
def track(
    tiny_model: Path, boxes_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Run the tracking command in an empty folder with the tiny network; gives its exit status."""
    import torch

    from demos.track_video import main

    torch.set_num_threads(1)  # the network is too small to share, and waiting threads take time from others
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, boxes: bool = True) -> int:
        given = [str(argument) for argument in arguments]
        detections = ["--detections", str(boxes_file)] if boxes else []
        # looks are not to count: the network's joints lie anywhere, and so do the colours between them
        return main(["--pose-model", str(tiny_model), *TINY_ENGINE, "--remember", "0", *detections, *given])

    return run


@pytest.fixture(scope="session")
def draw_scene() -> Callable[[int], NDArray[np.uint8]]:
    """The picture of a frame, by its number."""
    return picture
