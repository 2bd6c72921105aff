"""The overlay's file: every picture at its own time, and what plays is kept where the end is torn off."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from models.errors import InputError
from tracker.types import Frame, FrameResult, Poses
from tracker.video.overlay import OverlayVideo, cut_to_whole_fragments
from tracker.video.source import SourceInfo

NOBODY = np.zeros(0, bool)


def write(path: Path, times: list[int], size: tuple[int, int] = (48, 64)) -> OverlayVideo:
    """An overlay of frames at these milliseconds, not closed yet."""
    source = SourceInfo("x", size[1], size[0], Fraction(25), Fraction(1, 1000))
    overlay = OverlayVideo(path, source, lambda result: result.frame.image)
    for i, time in enumerate(times):
        frame = Frame(i, Fraction(time, 1000), np.full((*size, 3), i % 255, np.uint8))
        overlay.write(FrameResult(frame, Poses.empty(17), NOBODY, NOBODY, True, False, {}))
    return overlay


def milliseconds(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base * 1000 for frame in container.decode(video=0)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("frames", [1, 2, 40, 300])
def test_irregular_times(tmp_path: Path, suffix: str, frames: int) -> None:
    dice = random.Random(frames)
    times = [0]
    while len(times) < frames:
        times.append(times[-1] + dice.choice([1, 10, 33, 40, 500, 2000]))
    path = tmp_path / f"o{suffix}"
    write(path, times).close()
    assert milliseconds(path) == times


def test_odd_sizes_get_a_last_row_and_column(tmp_path: Path) -> None:
    write(tmp_path / "o.mp4", [0, 40], size=(49, 63)).close()
    with av.open(str(tmp_path / "o.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (64, 50)


def test_too_large_for_a_video(tmp_path: Path) -> None:
    write(tmp_path / "o.mp4", [0], size=(16, 16384)).close()
    with pytest.raises(InputError, match="pictures of 16385x16 are larger"):
        write(tmp_path / "p.mp4", [0], size=(16, 16385))
    assert list(tmp_path.iterdir()) == [tmp_path / "o.mp4"]


@pytest.mark.parametrize("torn", [0, 1, 200, 5000])
def test_torn_end_is_cut_off(tmp_path: Path, torn: int) -> None:
    overlay = write(tmp_path / "o.mp4", list(range(0, 8000, 40)))
    part = next(tmp_path.glob(".o.mp4.*.part"))
    content = part.read_bytes()  # as a crash would leave it
    overlay.close()
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(content[: len(content) - torn])
    assert cut_to_whole_fragments(copy) == (len(content) - torn > 3000)
    if copy.stat().st_size:
        times = milliseconds(copy)
        assert times == list(range(0, 40 * len(times), 40))
