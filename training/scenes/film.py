"""Writes a video: H.264, with sound as AAC where there is any."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from models.files import whole_file

SOUND_RATE = 32_000  # samples a second


def write_film(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    rate: int,
    *,
    sound: NDArray[np.float32] | None = None,
    crf: int = 23,
) -> None:
    """Write pictures (H, W, 3) BGR as a video file that is there only when it is whole.

    Args:
        path: the file, in any container that holds H.264.
        pictures: all of one size, with even sides.
        rate: frames a second.
        sound: (S,) mono, −1 to 1, `SOUND_RATE` samples a second.
        crf: quality; lower is better and larger.

    Raises InputError where it cannot be written.
    """
    with (
        whole_file(path) as beside,
        av.open(str(beside), "w", options={"movflags": "faststart"}) as container,
    ):
        # One thread: the same pictures give the same file on every machine.
        options = {"crf": str(crf), "preset": "slow", "threads": "1"}
        video = container.add_stream("libx264", rate=rate, options=options)
        video.pix_fmt = "yuv420p"
        audio = (
            container.add_stream("aac", rate=SOUND_RATE, layout="mono", bit_rate=48_000)
            if sound is not None
            else None
        )
        for number, picture in enumerate(pictures):
            if not number:
                video.height, video.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None and sound is not None:
            for start in range(0, len(sound), 1024):
                block = np.ascontiguousarray(sound[None, start : start + 1024], np.float32)
                samples = av.AudioFrame.from_ndarray(block, "fltp", "mono")
                samples.sample_rate, samples.pts, samples.time_base = (
                    SOUND_RATE,
                    start,
                    Fraction(1, SOUND_RATE),
                )
                container.mux(audio.encode(samples))
            container.mux(audio.encode())
